"""Datasets inside wrappers: the files, class names and targets of Subset and ConcatDataset.

Datasets are recognised by their attributes, so this module does not import torch:

* ``dataset`` and ``indices``: a Subset. With ``dataset`` alone, another wrapper.
* ``datasets`` and ``cumulative_sizes``: a ConcatDataset.
* ``samples`` or ``imgs``, a list of (path, code): an ImageFolder.
"""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._class_codes import is_class_code
from tsne_widget.errors import InvalidInputError

# Keys of the picture in a sample that is a dictionary, in order of precedence.
IMAGE_KEYS = (
    "image", "images", "pixel_values", "img", "x", "input", "inputs", "imgs", "pixels", "picture",
    "pictures", "input_image", "image_tensor", "jpg", "jpeg", "png", "webp", "ppm", "pgm",
)  # fmt: skip
MAX_NESTING = 16  # wrappers around a dataset; more are likely a cycle
MAX_WRAPPED = 256  # datasets visited; some objects have every attribute, without end


class Part(NamedTuple):
    """The samples that one innermost dataset contributes.

    Attributes
    ----------
    dataset : object
        A dataset that is neither a Subset nor a ConcatDataset.
    indices : (m,) int64 array
        Indices of the samples in ``dataset``.
    positions : (m,) int64 array
        Positions of the samples among the ids that were asked for.
    """

    dataset: Any
    indices: NDArray[np.int64]
    positions: NDArray[np.int64]


class SampleFile(NamedTuple):
    """The file of a sample, and the dataset's own function to read it.

    ``is_whole`` is False if the dataset's entry has more than path and code, such as a box: the
    sample may be a part of the file.
    """

    path: str
    load: Callable[[str], Any] | None
    is_whole: bool = True


def wrapped_datasets(dataset: Any) -> Iterator[Any]:
    """The dataset, then the datasets it wraps, breadth first."""
    waiting = deque([dataset])
    for _ in range(MAX_WRAPPED):
        if not waiting:
            return
        current = waiting.popleft()
        yield current
        waiting.extend(_children(current))


def innermost(dataset: Any, ids: Sequence[int]) -> list[Part]:
    """The innermost datasets of the samples ``ids``, through Subset and ConcatDataset."""
    own = np.asarray(ids, dtype=np.int64)
    return list(_parts(dataset, own, np.arange(len(own)), MAX_NESTING))


def class_names_of(dataset: Any) -> tuple[str, ...] | None:
    """The names in ``dataset.classes``, or in those of the datasets it wraps.

    Synonyms given as a tuple are joined by commas. Duplicates get their code as a suffix. The
    result is None if there are no names, or if concatenated datasets have different ones.
    """
    return _class_names_of(dataset, MAX_NESTING)


def paths_of(dataset: Any, ids: Sequence[int]) -> tuple[str, ...] | None:
    """The files of an ImageFolder's samples, also inside Subset and ConcatDataset.

    The result is None if any sample has no file.
    """
    paths = [""] * len(ids)
    for part in innermost(dataset, ids):
        entries = _file_entries(part.dataset)
        if entries is None:
            return None
        for position, index in zip(part.positions.tolist(), part.indices.tolist(), strict=True):
            paths[position] = os.fsdecode(entries[index][0])
    return tuple(paths)


def sample_file(dataset: Any, id: int) -> SampleFile | None:
    """The file of ``dataset[id]`` in an ImageFolder, also inside Subset and ConcatDataset."""
    for part in innermost(dataset, [id]):
        entries = _file_entries(part.dataset)
        if entries is not None:
            load = getattr(part.dataset, "loader", None)
            entry = entries[int(part.indices[0])]
            return SampleFile(
                os.fsdecode(entry[0]), load if callable(load) else None, len(entry) <= 2
            )
    return None


def file_codes(dataset: Any, ids: Sequence[int]) -> list[Any] | None:
    """The class codes in an ImageFolder's list of files; None if a sample has none."""
    codes: list[Any] = [None] * len(ids)
    for part in innermost(dataset, ids):
        entries = _file_entries(part.dataset)
        if entries is None or len(entries[0]) < 2:
            return None
        for position, index in zip(part.positions.tolist(), part.indices.tolist(), strict=True):
            codes[position] = entries[index][1]
    return codes


def reads_listed_files(dataset: Any) -> bool:
    """Whether only code of torch and torchvision reads the samples: the list of files is right."""
    return all(
        str(getattr(type(part).__getitem__, "__module__", "")).startswith(
            ("torchvision.", "torch.utils.data.")
        )
        for part in wrapped_datasets(dataset)
        if hasattr(type(part), "__getitem__")
    )


def check_targets(dataset: Any, class_names: Sequence[str] | None) -> None:
    """Check ``dataset.targets`` against the class names, before a long run.

    Raises
    ------
    InvalidInputError
        If a target has no class name; the message lists the first codes.
    """
    targets: Any = getattr(dataset, "targets", None)
    if class_names is None or not hasattr(targets, "__len__") or not hasattr(dataset, "__len__"):
        return
    if len(targets) != len(dataset):
        return  # some datasets keep the targets of all their splits
    try:
        codes = np.asarray(targets)
    except Exception:  # targets of another kind, such as boxes of different number
        return
    if codes.ndim != 1 or codes.dtype.kind not in "iu":
        return
    bad = np.unique(codes[~is_class_code(codes, len(class_names))])
    if len(bad):
        raise InvalidInputError(
            f"dataset.targets must be 0 … {len(class_names) - 1} for {len(class_names)} classes, "
            f"or -1 for unknown, but it has {', '.join(map(str, bad[:5]))}; "
            "pass class_names for all classes"
        )


def _parts(
    dataset: Any, ids: NDArray[np.int64], positions: NDArray[np.int64], nesting: int
) -> Iterator[Part]:
    inner, indices = getattr(dataset, "dataset", None), getattr(dataset, "indices", None)
    parts, ends = getattr(dataset, "datasets", None), getattr(dataset, "cumulative_sizes", None)
    if nesting and inner is not None and _same_length(indices, dataset):
        yield from _parts(inner, _picked(indices, ids), positions, nesting - 1)
    elif nesting and isinstance(parts, (list, tuple)) and _same_length(ends, parts):
        bounds = np.asarray(ends)
        numbers = np.searchsorted(bounds, ids, side="right")
        for number in np.unique(numbers).tolist():
            chosen = numbers == number
            start = int(bounds[number - 1]) if number else 0
            yield from _parts(parts[number], ids[chosen] - start, positions[chosen], nesting - 1)
    else:
        yield Part(dataset, ids, positions)


def _picked(indices: Any, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(ids) == 1:  # converting a million indices for one picture takes 50 ms
        return np.array([int(indices[int(ids[0])])])
    return np.asarray(indices, dtype=np.int64)[ids]


def _children(dataset: Any) -> list[Any]:
    """The datasets that this one wraps itself."""
    inner, parts = getattr(dataset, "dataset", None), getattr(dataset, "datasets", None)
    return [
        *([] if inner is None else [inner]),
        *(parts if isinstance(parts, (list, tuple)) else []),
    ]


def _class_names_of(dataset: Any, nesting: int) -> tuple[str, ...] | None:
    classes = getattr(dataset, "classes", None)
    if isinstance(classes, (list, tuple, np.ndarray)) and len(classes) > 0:
        names = [
            ", ".join(map(str, name)) if isinstance(name, (tuple, list)) else str(name)
            for name in classes
        ]
        return tuple(
            f"{name} ({code})" if names.count(name) > 1 else name for code, name in enumerate(names)
        )
    if not nesting:
        return None
    found = {_class_names_of(child, nesting - 1) for child in _children(dataset)}
    return found.pop() if len(found) == 1 else None


def _file_entries(dataset: Any) -> Sequence[Sequence[Any]] | None:
    """The (path, …) entries of a dataset that has one for each sample."""
    for attribute in ("samples", "imgs"):
        entries = getattr(dataset, attribute, None)
        if (
            isinstance(entries, (list, tuple))
            and len(entries) > 0
            and _same_length(entries, dataset)
            and isinstance(entries[0], (list, tuple))
            and len(entries[0]) > 0
            and isinstance(entries[0][0], (str, os.PathLike))
        ):
            return entries
    return None


def _same_length(one: Any, other: Any) -> bool:
    return hasattr(one, "__len__") and hasattr(other, "__len__") and len(one) == len(other)
