"""Any dataset or loader as numbered batches, in dataset order, each row with its id."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, default_collate

from tsne_widget.errors import ExtractionError, InvalidInputError, TsneWidgetError
from tsne_widget.extraction.forms import Inputs, as_inputs, collated, taken_apart
from tsne_widget.feature_set import Skipped

# A worker that gives nothing for so long hangs: slow network disks answer within minutes.
WORKER_TIMEOUT_SECONDS = 600.0
# How often it is looked at whether workers still live (seconds).
WORKERS_LOOKED_AT_SECONDS = 2.0


@dataclass(frozen=True)
class Batch:
    """Some samples, ready for the model; ``inputs`` is None when every one was skipped."""

    ids: list[int]
    inputs: Inputs | None
    labels: Any = None
    skipped: list[Skipped] = field(default_factory=list)

    def pin_memory(self) -> Batch:
        """The same with its inputs in page-locked memory."""
        inputs = None if self.inputs is None else self.inputs.pin_memory()
        return Batch(self.ids, inputs, self.labels, self.skipped)


@dataclass(frozen=True)
class Loading:
    """How batches are made: the settings of a DataLoader that outlive our own order."""

    batch_size: int
    num_workers: int = 0
    pin_memory: bool = False
    collate: Callable[[list[Any]], Any] | None = None
    timeout: float = 0.0
    worker_init_fn: Callable[[int], None] | None = None
    multiprocessing_context: Any = None
    prefetch_factor: int | None = None

    @property
    def patience(self) -> float:
        """How long a batch may take (seconds)."""
        return self.timeout or WORKER_TIMEOUT_SECONDS

    def loader(self, dataset: Any, **order: Any) -> DataLoader[Any]:
        """A DataLoader of ``dataset`` with these settings."""
        with_workers: dict[str, Any] = {}
        if self.num_workers > 0:
            with_workers = {
                "timeout": min(WORKERS_LOOKED_AT_SECONDS, self.patience),
                "worker_init_fn": self.worker_init_fn,
                "multiprocessing_context": self.multiprocessing_context,
                "prefetch_factor": self.prefetch_factor,
            }
        return DataLoader(
            dataset,
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            **with_workers,
            **order,
        )


@dataclass(frozen=True)
class Indexed:
    """Samples addressed by index: batches in ascending order of id, whatever the loader's sampler.

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
        """How many samples there are."""
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
        numbered = _Numbered(self.dataset, keywords, self.loading.collate, skip_errors)
        loader = self.loading.loader(
            numbered, sampler=groups, batch_size=None, collate_fn=_unchanged
        )
        yield from _drawn(loader, self.loading.patience)


@dataclass(frozen=True)
class Stream:
    """Samples that can only be read in order of arrival, which gives their ids 0, 1, 2 …."""

    loader: DataLoader[Any]
    patience: float = 0.0

    @property
    def count(self) -> int | None:
        """Unknown until the end."""
        return None

    def batches(self, keywords: frozenset[str]) -> Iterator[Batch]:
        """The loader's batches, numbered.

        Raises
        ------
        ExtractionError
            If the dataset fails.
        """
        arrived = 0
        try:
            for number, item in enumerate(_drawn(self.loader, self.patience)):
                what = f"batch {number}"
                parts = taken_apart(item, keywords, what)
                inputs = as_inputs(parts, what)
                ids = list(range(arrived, arrived + len(inputs)))
                arrived += len(inputs)
                yield Batch(ids, inputs, parts.label)
        except (ExtractionError, InvalidInputError):
            raise
        except Exception as error:
            if is_of_workers(error):
                raise
            raise ExtractionError(
                f"the dataset failed after {arrived} samples: {_told(error)}; "
                "a stream cannot go on behind an error, so on_error='skip' does not help"
            ) from error


Source = Indexed | Stream


def as_source(data: Any, batch_size: int, num_workers: int, *, pin_memory: bool) -> Source:
    """Where batches come from.

    Parameters
    ----------
    data : Dataset, DataLoader, IterableDataset, tensor, array, or tuple of arrays (x, y)
    batch_size, num_workers : int
        For anything but a DataLoader, which brings its own.
    pin_memory : bool
        Whether batches go to page-locked memory.

    Raises
    ------
    InvalidInputError
        If ``data`` is nothing of that kind or empty, or if a loader draws a sample twice.
    """
    if isinstance(data, DataLoader):
        return _of_loader(data, pin_memory=pin_memory)
    loading = Loading(batch_size, num_workers, pin_memory)
    if isinstance(data, IterableDataset):
        loader = loading.loader(data, batch_size=batch_size, collate_fn=_collated_samples)
        return Stream(loader, loading.patience)
    if isinstance(data, tuple):
        data = _as_pairs(data)
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise InvalidInputError(
            "data must be a Dataset (__len__ and __getitem__), an IterableDataset or a "
            f"DataLoader, got {type(data).__name__}"
        )
    return _not_empty(Indexed(data, range(len(data)), loading))


def dataset_of(data: Any) -> Any:
    """The dataset behind a loader, or ``data`` itself."""
    return data.dataset if isinstance(data, DataLoader) else data


def is_of_workers(error: BaseException) -> bool:
    """Whether torch tells of a worker process that died or hangs."""
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader ")


class _Numbered:
    """A dataset of batches: index it with the ids of one batch. Runs inside worker processes."""

    def __init__(
        self,
        dataset: Any,
        keywords: frozenset[str],
        collate: Callable[[list[Any]], Any] | None,
        skip_errors: bool,
    ) -> None:
        self.__dict__.update(
            dataset=dataset, keywords=keywords, collate=collate, skip_errors=skip_errors
        )

    # A worker_init_fn reads and sets attributes of get_worker_info().dataset: they are the user's.
    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # while unpickling, before it is there
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.dataset, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __getitem__(self, ids: Sequence[int]) -> Batch:
        kept: list[int] = []
        samples: list[Any] = []
        skipped: list[Skipped] = []
        for id_, sample in zip(ids, self._samples(ids), strict=True):
            if isinstance(sample, _Unreadable):
                skipped.append(Skipped(id_, sample.reason))
            else:
                kept.append(id_)
                samples.append(sample)
        if not kept:
            return Batch([], None, None, skipped)
        if self.collate is None:
            parts = [
                taken_apart(sample, self.keywords, f"sample {id_}")
                for id_, sample in zip(kept, samples, strict=True)
            ]
            inputs, labels = collated(parts, kept)
        else:
            inputs, labels = self._batch_of(self.collate, samples, kept)
        if len(inputs) != len(kept):
            raise ExtractionError(
                f"the loader's collate_fn made {len(inputs)} rows of {len(kept)} samples "
                f"(ids {kept[0]} … {kept[-1]}); it must keep each, so that row i is sample i"
            )
        return Batch(kept, inputs, labels, skipped)

    def _samples(self, ids: Sequence[int]) -> list[Any]:
        fetch_many = getattr(self.dataset, "__getitems__", None)
        if callable(fetch_many):
            try:
                samples = list(fetch_many(list(ids)))
            except Exception:  # read one by one below, to learn which sample it is
                samples = []
            if len(samples) == len(ids) and all(sample is not None for sample in samples):
                return samples
        return [self._sample(id_) for id_ in ids]

    def _sample(self, id_: int) -> Any:
        try:
            sample = self.dataset[id_]
        except Exception as error:
            if self.skip_errors:
                return _Unreadable(_told(error))
            raise ExtractionError(
                f"dataset[{id_}] raised {_told(error)}; "
                "mend the sample, or pass on_error='skip' to leave such samples out and list them"
            ) from error
        if sample is None:
            if self.skip_errors:
                return _Unreadable("the dataset returned None")
            raise ExtractionError(
                f"dataset[{id_}] returned None; pass on_error='skip' to leave such samples out"
            )
        return sample

    def _batch_of(
        self, collate: Callable[[list[Any]], Any], samples: list[Any], ids: list[int]
    ) -> tuple[Inputs, Any]:
        what = f"the batch of ids {ids[0]} … {ids[-1]}"
        try:
            batch = collate(samples)
        except Exception as error:
            raise ExtractionError(
                f"the loader's collate_fn failed on {what}: {_told(error)}"
            ) from error
        parts = taken_apart(batch, self.keywords, what)
        return as_inputs(parts, what), parts.label


class _Unreadable:
    def __init__(self, reason: str) -> None:
        self.reason = reason


class _Pairs:
    """Arrays of one length as samples (x[i], y[i], …)."""

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
        raise InvalidInputError(f"a tuple as data must hold arrays (x, y), got ({kinds_found})")
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise InvalidInputError(
            f"data=(x, y) must have one length, got {lengths}; x[i] and y[i] are one sample"
        )
    return _Pairs(arrays)


def _of_loader(loader: DataLoader[Any], *, pin_memory: bool) -> Source:
    dataset: Any = loader.dataset
    collates_itself = loader.collate_fn is default_collate
    if isinstance(dataset, IterableDataset) or (
        loader.batch_size is None and loader.batch_sampler is None
    ):
        return Stream(loader)
    loading = Loading(
        batch_size=loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or 64,
        num_workers=loader.num_workers,
        pin_memory=pin_memory or loader.pin_memory,
        collate=None if collates_itself else loader.collate_fn,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        prefetch_factor=loader.prefetch_factor,
    )
    with _unmoved_generators(loader):
        return _not_empty(Indexed(dataset, _drawn_ids(loader), loading))


def _drawn_ids(loader: DataLoader[Any]) -> list[int]:
    """The indices that the loader's sampler draws, ascending; ``drop_last`` drops none of them."""
    batches: Any = loader.batch_sampler
    if type(batches) is BatchSampler:
        drawn: Iterator[Any] = iter(batches.sampler)
    else:
        drawn = (index for batch in batches for index in batch)
    ids: set[int] = set()
    for index in drawn:
        try:
            id_ = int(index)
        except (TypeError, ValueError):
            raise InvalidInputError(
                f"the loader's sampler draws {index!r}, but samples are known by their index"
            ) from None
        if id_ in ids:
            raise InvalidInputError(
                f"the loader's sampler draws sample {id_} twice, and each row must be one sample; "
                "pass the dataset itself: data=loader.dataset"
            )
        ids.add(id_)
    return sorted(ids)


@contextmanager
def _unmoved_generators(loader: DataLoader[Any]) -> Iterator[None]:
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
        raise InvalidInputError("data is empty: there is no sample to extract features of")
    return source


def _drawn(loader: DataLoader[Any], patience: float = 0.0) -> Iterator[Any]:
    """The loader's items; worker processes end with the iteration, whatever ends it.

    With ``patience`` (seconds) the loader's own timeout is only how often the workers are looked
    at, and an item may take that long.
    """
    iterator = iter(loader)
    try:
        with _no_error_from_signal_handler():
            waited = 0.0
            while True:
                try:
                    item = next(iterator)
                except StopIteration:
                    return
                except TsneWidgetError as error:
                    if not str(error).startswith("Caught "):
                        raise
                    raise type(error)(_without_worker_traceback(error)) from error
                except RuntimeError as error:
                    waited += loader.timeout
                    if waited >= patience or "timed out" not in str(error):
                        raise
                except (ConnectionError, EOFError, FileNotFoundError) as error:
                    # A batch cannot be fetched from a worker that died; errors of the dataset
                    # itself come with its traceback.
                    if loader.num_workers == 0 or str(error).startswith("Caught "):
                        raise
                    raise RuntimeError(f"DataLoader worker was lost ({_told(error)})") from error
                else:
                    waited = 0.0
                    yield item
    finally:
        # A traceback that is kept (sys.last_traceback in a notebook) would keep the workers too.
        shut_down = getattr(iterator, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()


@contextmanager
def _no_error_from_signal_handler() -> Iterator[None]:
    """Learn of a worker's death from the loader only, not from torch's handler of SIGCHLD.

    That handler raises wherever this process is: inside the model, or inside a queue of the loader
    whose lock then stays taken, so that shutting down never ends (seen in 1 of 300 deaths).
    """
    previous = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    told = previous

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            told(number, frame)
        except RuntimeError as error:
            if not is_of_workers(error):
                raise

    signal.signal(signal.SIGCHLD, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, previous)


def _without_worker_traceback(error: TsneWidgetError) -> str:
    """The message as it was raised; a worker process wraps it into its whole traceback."""
    return (
        str(error).rpartition(f"{type(error).__module__}.{type(error).__qualname__}: ")[2].strip()
    )


def _collated_samples(samples: list[Any]) -> Any:
    """Samples of a stream as one dictionary or (x, labels), unreadable fields left out."""
    if isinstance(samples[0], dict) or not isinstance(samples[0], (tuple, list)):
        return default_collate(samples)
    image = default_collate([sample[0] for sample in samples])
    return image, [sample[1] if len(sample) > 1 else None for sample in samples]


def _unchanged(item: Any) -> Any:
    return item


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
