"""Hashes of everything that features depend on, so that stored features match their inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from tsne_widget._datasets import innermost, wrapped_datasets
from tsne_widget.extraction.store.columns import Column, Holder, length_of
from tsne_widget.extraction.store.digests import (
    add_object,
    add_value,
    name_of,
    option_text,
    stable_text,
)
from tsne_widget.extraction.store.files import (
    Files,
    add_files,
    folders_of,
    pictures_in,
    place_of,
    sampled,
    single_files,
    spread,
)
from tsne_widget.extraction.store.rows import Marks
from tsne_widget.extraction.store.study import Part, Read, Reader, add_class

MAX_PARTS = 16  # concatenated datasets that are studied; samples of further ones are read again


@dataclass(frozen=True)
class DatasetState:
    """What the store knows of a dataset before a run.

    Attributes
    ----------
    key : str
        Hash of the pictures; labels are no part of it.
    marks : Marks
        For all ids of the run, in their order.
    samples : dict of int to Read
        A few samples by id, as the dataset returns them now.
    doubts : tuple of str
        What the hash of the pictures does not see, and the argument that settles it.
    """

    key: str
    marks: Marks
    samples: dict[int, Read]
    doubts: tuple[str, ...]


def key_of(parts: Mapping[str, str]) -> str:
    """The SHA-256 of a fingerprint's parts, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def weights_part(model: nn.Module) -> str:
    """Hash of every bit of every parameter and buffer."""
    digest = hashlib.sha256()
    tensors = (*model.named_parameters(), *model.named_buffers())
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        digest.update(name.encode())
        add_value(digest, tensor, most=None)
    return digest.hexdigest()


def model_part(model: nn.Module) -> str:
    """Hash of the architecture: modules, their settings and the code of their ``forward``."""
    digest = hashlib.sha256(stable_text(model).encode())
    for kind in sorted({type(module) for module in model.modules()}, key=name_of):
        digest.update(name_of(kind).encode())
        if not kind.__module__.startswith("torch."):
            digest.update(option_text(kind.forward).encode())
    return digest.hexdigest()


def dataset_state(
    dataset: Any,
    ids: Sequence[int],
    key: str | None,
    read: Reader,
    *,
    label_options: str = "",
    store: str | None = None,
) -> DatasetState:
    """What pictures and labels depend on: files, arrays, other columns, and a few samples.

    Samples that change between reads (random augmentation) are not part of the key.

    Parameters
    ----------
    dataset : object with ``__getitem__``
    ids : sequence of int
        The samples that are read.
    key : str or None
        The caller's name for the pictures; it replaces everything except the ids.
    read : callable
        ``read(dataset, index)`` reads one sample.
    label_options : str
        Options that labels depend on, such as the class names.
    store : str or None
        The folder of the store, which holds no pictures.
    """
    whole = np.asarray(ids, dtype=np.int64)
    values = np.zeros(len(whole), np.uint64)
    pictures = hashlib.sha256(whole.tobytes() + ("" if key is None else f"key {key}").encode())
    rest = hashlib.sha256(label_options.encode("utf-8", "surrogatepass"))
    samples: dict[int, Read] = {}
    doubts: dict[str, None] = {}
    for holder in wrapped_datasets(dataset):
        add_class(rest, type(holder))
        add_object(rest, getattr(holder, "target_transform", None), 3)
    for part, positions, rows in _parts(dataset, whole, read, is_keyed=key is not None):
        samples.update(zip(whole[positions[rows]].tolist(), part.samples, strict=True))
        if part.is_traced:
            values[positions] = part.marks()
        elif key is not None and part.is_steady:
            values[positions] = 1  # the key names the labels, too
        part.add_rest(rest, with_pictures=key is not None)
        if key is None:
            pictures.update(part.indices.tobytes() + positions.tobytes())
            doubts.update(dict.fromkeys(_add_pictures(pictures, part, store)))
    if key is None:
        _add_wrappers(pictures, dataset)
        _add_samples(pictures, dataset, whole, read)
    return DatasetState(
        pictures.hexdigest(), Marks(rest.hexdigest()[:16], values), samples, tuple(doubts)
    )


def _parts(
    dataset: Any, ids: NDArray[np.int64], read: Reader, *, is_keyed: bool
) -> Iterator[tuple[Part, NDArray[np.int64], list[int]]]:
    """Each innermost dataset, the positions of its samples, and which of its samples are read."""
    for number, (inner, indices, positions) in enumerate(innermost(dataset, ids.tolist())):
        # With a key of the caller only the first samples are read: reading others may be slow.
        rows = np.flatnonzero(positions < 3).tolist() if is_keyed else spread(len(indices))
        rows = rows if number < MAX_PARTS else []
        yield Part(inner, indices, [int(indices[row]) for row in rows], read), positions, rows


def _add_wrappers(digest: Any, dataset: Any) -> None:
    digest.update(f"{name_of(type(dataset))} {len(dataset)}".encode())
    for holder in wrapped_datasets(dataset):
        for attribute in ("transform", "transforms"):
            digest.update(stable_text(getattr(holder, attribute, None)).encode())


def _add_pictures(digest: Any, part: Part, store: str | None) -> list[str]:
    """Add the columns and files of a part to the hash; returns what it does not see."""
    doubts: list[str] = []
    has_files = False
    folders = folders_of(holder.value for holder in part.holders)
    for holder, column in part.picture_columns():
        digest.update(f"{name_of(type(holder.value))} {column.name}".encode())
        add_value(digest, column.values)
        files = _files_of(part, holder, column, folders)
        if files is not None:
            has_files = True
            add_files(digest, files.compared)
            if len(files.compared) < files.total:
                doubts.append(
                    f"store= compares size and time of {len(files.compared):,} of the "
                    f"{files.total:,} files; pass dataset_key= with a version of the data"
                )
    single = sorted({path for holder in part.holders for path in single_files(holder.value)})
    if not has_files and not single and not part.has_pictures():
        single = pictures_in(folders[1:], store) or []
        digest.update(repr(single).encode("utf-8", "surrogatepass"))
    add_files(digest, single)
    if not has_files and not single and not part.has_pictures():
        doubts.append(
            f"store= cannot see whether the pictures of {type(part.dataset).__name__} change, "
            "because it holds neither files nor arrays; pass dataset_key= with a version of them"
        )
    return doubts


def _files_of(part: Part, holder: Holder, column: Column, folders: Sequence[str]) -> Files | None:
    """The files that a column names; of the dataset's own columns, those of the run's samples."""
    values = column.values
    n = length_of(values)
    if isinstance(values, Tensor) or n is None:
        return None
    own = holder.value is part.dataset and n == length_of(part.dataset)
    rows: Sequence[int] = part.indices.tolist() if own else range(n)
    place = place_of([values[rows[row]] for row in spread(len(rows))], folders)
    if place is None:
        return None
    names = [values[row] for row in sampled(rows)]
    return Files([place.path(name) for name in names if name is not None], len(rows))


def _add_samples(digest: Any, dataset: Any, ids: NDArray[np.int64], read: Reader) -> None:
    chosen = [int(ids[position]) for position in spread(len(ids))]
    samples = [read(dataset, id_).inputs for id_ in chosen]
    if chosen and read(dataset, chosen[0]).inputs == samples[0]:
        digest.update("".join(samples).encode())
