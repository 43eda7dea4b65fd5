"""Any dataset or loader as a source of batches in dataset order, each row with its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, default_collate

from tsne_widget._notes import Notes
from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.data.batches import Batch, BatchDataset, identity
from tsne_widget.extraction.data.choice import Choice
from tsne_widget.extraction.data.forms import (
    as_pairs,
    check_data,
    in_order,
    is_fastai_loader,
    is_ray_dataset,
)
from tsne_widget.extraction.data.loading import Loading, iterate
from tsne_widget.extraction.data.splitting import Splitter
from tsne_widget.extraction.data.streams import Stream, stream_of, stream_of_loader


@dataclass(frozen=True)
class Indexed:
    """Samples addressed by index; batches are in ascending order of id, not in the sampler's.

    Attributes
    ----------
    dataset : object with ``__getitem__``
    ids : sequence of int
        The indices to read, ascending.
    loading : Loading
    choice : Choice
        What the caller says about the items of a sample.
    notes : Notes
        Collects what the batches infer and cannot verify.
    """

    dataset: Any
    ids: Sequence[int]
    loading: Loading
    choice: Choice = field(default_factory=Choice)
    notes: Notes = field(default_factory=Notes)

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
        splitter = Splitter(keywords, self.choice)
        dataset = BatchDataset(self.dataset, splitter, self.loading.collate, skip_errors)
        loader = self.loading.loader(dataset, sampler=groups, batch_size=None, collate_fn=identity)
        for batch in iterate(loader, self.loading.patience):
            for note in batch.notes:
                self.notes.add(note)
            yield batch


@dataclass(frozen=True)
class RayRows:
    """The rows of a Ray dataset, read on the cluster; their ids are 0, 1, 2, … in its order.

    Attributes
    ----------
    dataset : ray.data.Dataset
        Its columns are the keys of a batch; None inside an actor.
    batch_size : int
    choice : Choice
    notes : Notes
    """

    dataset: Any
    batch_size: int
    choice: Choice = field(default_factory=Choice)
    notes: Notes = field(default_factory=Notes)

    @property
    def count(self) -> int | None:
        """None: unknown until the end, because counting may compute all rows."""
        return None


Source = Indexed | Stream | RayRows


def as_source(
    data: Any,
    batch_size: int,
    num_workers: int,
    choice: Choice,
    notes: Notes,
    *,
    pin_memory: bool,
) -> Source:
    """The source of batches for ``data``.

    Parameters
    ----------
    data : Dataset, DataLoader, IterableDataset, tensor, array, or tuple of arrays (x, y)
        Other forms are converted before by :func:`~tsne_widget.extraction.data.forms.as_dataset`.
    batch_size, num_workers : int
        Ignored for a DataLoader, which has its own.
    choice : Choice
        What the caller says about the items of a sample.
    notes : Notes
        Collects what the batches infer and cannot verify.
    pin_memory : bool
        Whether batches go to page-locked memory.

    Raises
    ------
    InvalidInputError
        If ``data`` is of another kind or empty, or if a loader draws a sample twice.
    """
    if isinstance(data, DataLoader):
        return _loader_source(data, choice, notes, pin_memory=pin_memory)
    if is_fastai_loader(data):
        return stream_of_loader(in_order(data), choice, notes)
    if is_ray_dataset(data):
        return RayRows(data, batch_size, choice, notes)
    loading = Loading(batch_size, num_workers, pin_memory)
    if isinstance(data, IterableDataset):
        return stream_of(data, loading, choice, notes)
    check_data(data)
    if isinstance(data, tuple):
        data = as_pairs(data, notes)
    return _not_empty(Indexed(data, range(len(data)), loading, choice, notes))


def dataset_of(data: Any) -> Any:
    """The dataset of a loader, or ``data`` itself."""
    return data.dataset if isinstance(data, DataLoader) or is_fastai_loader(data) else data


def _loader_source(
    loader: DataLoader[Any], choice: Choice, notes: Notes, *, pin_memory: bool
) -> Source:
    dataset: Any = loader.dataset
    has_default_collate = loader.collate_fn is default_collate
    if isinstance(dataset, IterableDataset) or (
        loader.batch_size is None and loader.batch_sampler is None
    ):
        return stream_of_loader(loader, choice, notes)
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
        return _not_empty(Indexed(dataset, _sampled_ids(loader), loading, choice, notes))


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
