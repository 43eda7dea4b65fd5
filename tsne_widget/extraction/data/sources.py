"""Any dataset or loader as a source of batches in dataset order, each row with its id."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, default_collate

from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.batches import Batch, BatchDataset, collate_stream, identity
from tsne_widget.extraction.data.fields import as_inputs, split_fields
from tsne_widget.extraction.data.loading import Loading, error_text, is_worker_error, iterate


@dataclass(frozen=True)
class Indexed:
    """Samples addressed by index; batches are in ascending order of id, not in the sampler's.

    Attributes
    ----------
    dataset : object with ``__getitem__``
    ids : sequence of int
        The indices to read, ascending.
    loading : Loading
    """

    dataset: Any
    ids: Sequence[int]
    loading: Loading

    @property
    def count(self) -> int | None:
        """Number of samples."""
        return len(self.ids)

    def batches(
        self, groups: Sequence[Sequence[int]], keywords: frozenset[str], *, skip_errors: bool
    ) -> Iterator[Batch]:
        """One batch for each group of ids, in that order.

        Raises
        ------
        ExtractionError
            If a sample cannot be read and ``skip_errors`` is False.
        """
        dataset = BatchDataset(self.dataset, keywords, self.loading.collate, skip_errors)
        loader = self.loading.loader(dataset, sampler=groups, batch_size=None, collate_fn=identity)
        yield from iterate(loader, self.loading.patience)


@dataclass(frozen=True)
class Stream:
    """Samples that can only be read in order of arrival; their ids are 0, 1, 2, …."""

    loader: DataLoader[Any]
    patience: float = 0.0

    @property
    def count(self) -> int | None:
        """None: unknown until the end."""
        return None

    def batches(self, keywords: frozenset[str]) -> Iterator[Batch]:
        """The loader's batches with their ids.

        Raises
        ------
        ExtractionError
            If the dataset fails.
        """
        arrived = 0
        try:
            for number, item in enumerate(iterate(self.loader, self.patience)):
                where = f"batch {number}"
                fields = split_fields(item, keywords, where)
                inputs = as_inputs(fields, where)
                ids = list(range(arrived, arrived + len(inputs)))
                arrived += len(inputs)
                yield Batch(ids, inputs, fields.label)
        except (ExtractionError, InvalidInputError):
            raise
        except Exception as error:
            if is_worker_error(error):
                raise
            raise ExtractionError(
                f"the dataset failed after {arrived} samples: {error_text(error)}; "
                "an iterable dataset cannot continue after an error, so on_error='skip' does not "
                "apply"
            ) from error


@dataclass(frozen=True)
class RayRows:
    """The rows of a Ray dataset, read on the cluster; their ids are 0, 1, 2, … in its order.

    Attributes
    ----------
    dataset : ray.data.Dataset
        Its columns are the keys of a batch; None inside an actor.
    batch_size : int
    """

    dataset: Any
    batch_size: int

    @property
    def count(self) -> int | None:
        """None: unknown until the end, because counting may compute all rows."""
        return None


Source = Indexed | Stream | RayRows


def as_source(data: Any, batch_size: int, num_workers: int, *, pin_memory: bool) -> Source:
    """The source of batches for ``data``.

    Parameters
    ----------
    data : Dataset, DataLoader, IterableDataset, tensor, array, or tuple of arrays (x, y)
    batch_size, num_workers : int
        Ignored for a DataLoader, which has its own.
    pin_memory : bool
        Whether batches go to page-locked memory.

    Raises
    ------
    InvalidInputError
        If ``data`` is of another kind or empty, or if a loader draws a sample twice.
    """
    if isinstance(data, DataLoader):
        return _loader_source(data, pin_memory=pin_memory)
    if is_ray_dataset(data):
        return RayRows(data, batch_size)
    loading = Loading(batch_size, num_workers, pin_memory)
    if isinstance(data, IterableDataset):
        loader = loading.loader(data, batch_size=batch_size, collate_fn=collate_stream)
        return Stream(loader, loading.patience)
    check_data(data)
    if isinstance(data, tuple):
        data = _as_pairs(data)
    return _not_empty(Indexed(data, range(len(data)), loading))


def check_data(data: Any) -> None:
    """Raise InvalidInputError, with the remedy, if ``data`` is of an unsupported kind."""
    if isinstance(data, (DataLoader, IterableDataset)) or is_ray_dataset(data):
        return
    if isinstance(data, (str, os.PathLike)):
        raise InvalidInputError(
            f"data must be a Dataset, got the path {os.fspath(data)!r}; for a folder of images "
            "pass torchvision.datasets.ImageFolder(path, transform)"
        )
    if isinstance(data, torch.nn.Module):
        raise InvalidInputError(
            f"data must be a Dataset, got the model {type(data).__name__}; the model comes first: "
            "extract(model, dataset)"
        )
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise InvalidInputError(
            "data must be a Dataset (__len__ and __getitem__), an IterableDataset or a "
            f"DataLoader, got {type(data).__name__}; for an iterator of samples "
            "(image, label) pass list(data)"
        )


def is_ray_dataset(data: Any) -> bool:
    """Whether ``data`` is a ``ray.data.Dataset``; this does not import ray."""
    return any(kind.__module__ == "ray.data.dataset" for kind in type(data).__mro__)


def dataset_of(data: Any) -> Any:
    """The dataset of a loader, or ``data`` itself."""
    return data.dataset if isinstance(data, DataLoader) else data


class _Pairs:
    """Arrays of the same length as samples (x[i], y[i], …)."""

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(array[index] for array in self.arrays)


def _as_pairs(arrays: tuple[Any, ...]) -> _Pairs:
    kinds = (Tensor, np.ndarray, list)
    if not arrays or not all(isinstance(array, kinds) for array in arrays):
        kinds_found = ", ".join(type(array).__name__ for array in arrays)
        raise InvalidInputError(f"a tuple as data must be arrays (x, y), got ({kinds_found})")
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise InvalidInputError(
            f"x and y in data=(x, y) must have the same length, got {lengths}; x[i] and y[i] are "
            "one sample"
        )
    return _Pairs(arrays)


def _loader_source(loader: DataLoader[Any], *, pin_memory: bool) -> Source:
    dataset: Any = loader.dataset
    has_default_collate = loader.collate_fn is default_collate
    if isinstance(dataset, IterableDataset) or (
        loader.batch_size is None and loader.batch_sampler is None
    ):
        return Stream(loader)
    loading = Loading(
        batch_size=loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or 64,
        num_workers=loader.num_workers,
        pin_memory=pin_memory or loader.pin_memory,
        collate=None if has_default_collate else loader.collate_fn,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        prefetch_factor=loader.prefetch_factor,
    )
    with torch.random.fork_rng(devices=[]), _generator_states_kept(loader):
        return _not_empty(Indexed(dataset, _sampled_ids(loader), loading))


def _sampled_ids(loader: DataLoader[Any]) -> list[int]:
    """The indices that the loader's sampler draws, ascending; ``drop_last`` does not apply."""
    batches: Any = loader.batch_sampler
    if type(batches) is BatchSampler:
        indices: Iterator[Any] = iter(batches.sampler)
    else:
        indices = (index for batch in batches for index in batch)
    ids: set[int] = set()
    for index in indices:
        try:
            id_ = int(index)
        except (TypeError, ValueError):
            raise InvalidInputError(
                f"the loader's sampler draws {index!r}, but samples are identified by their index"
            ) from None
        if id_ in ids:
            raise InvalidInputError(
                f"the loader's sampler draws sample {id_} twice, and each row must be one sample; "
                "pass the dataset itself: data=loader.dataset"
            )
        ids.add(id_)
    return sorted(ids)


@contextmanager
def _generator_states_kept(loader: DataLoader[Any]) -> Iterator[None]:
    """A block that leaves the loader's random generators unchanged."""
    holders = (
        loader,
        loader.sampler,
        loader.batch_sampler,
        getattr(loader.batch_sampler, "sampler", None),
    )
    generators = {
        id(generator): generator
        for generator in (getattr(holder, "generator", None) for holder in holders)
        if isinstance(generator, torch.Generator)
    }
    states = [(generator, generator.get_state()) for generator in generators.values()]
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)


def _not_empty(source: Indexed) -> Indexed:
    if len(source.ids) == 0:
        raise InvalidInputError("data is empty; pass at least one sample")
    return source
