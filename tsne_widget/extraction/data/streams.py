"""Samples that can only be read in order of arrival, with their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from tsne_widget._notes import Notes
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.batches import Batch, StreamCollate
from tsne_widget.extraction.data.choice import Choice
from tsne_widget.extraction.data.fields import as_inputs
from tsne_widget.extraction.data.loading import Loading, error_text, is_worker_error, iterate
from tsne_widget.extraction.data.sharding import RepeatedRows, in_one_worker, shares_workers
from tsne_widget.extraction.data.splitting import Splitter


@dataclass(frozen=True)
class Stream:
    """Samples that can only be read in order of arrival; their ids are 0, 1, 2, ….

    Attributes
    ----------
    loader : iterable
        A DataLoader, or another loader of batches.
    choice : Choice
        What the caller says about the items of a sample.
    notes : Notes
        Collects what the batches infer and cannot verify.
    patience : float
        See :func:`~tsne_widget.extraction.data.loading.iterate`.
    """

    loader: Any
    choice: Choice = field(default_factory=Choice)
    notes: Notes = field(default_factory=Notes)
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
        splitter = Splitter(keywords, self.choice)
        collate = getattr(self.loader, "collate_fn", None)
        if isinstance(collate, StreamCollate):
            collate.splitter = splitter
        repeated = RepeatedRows(getattr(self.loader, "num_workers", 0))
        try:
            for number, item in enumerate(iterate(self.loader, self.patience)):
                batch = _as_batch(item, splitter, f"batch {number}")
                assert batch.inputs is not None  # noqa: S101 - streams skip nothing
                ids = list(range(arrived, arrived + len(batch.inputs)))
                arrived += len(ids)
                repeated.add(batch.inputs)
                for note in batch.notes:
                    self.notes.add(note)
                yield replace(batch, ids=ids)
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
        note = repeated.note or _length_note(self.loader, arrived)
        if note:
            self.notes.add(note)


def stream_of(dataset: Any, loading: Loading, choice: Choice, notes: Notes) -> Stream:
    """The samples of an IterableDataset in batches.

    One worker reads a stream that does not ask which worker it runs in: each of several would read
    the whole of it.
    """
    if loading.num_workers > 1 and not shares_workers(dataset):
        loading = replace(loading, num_workers=1)
    loader = loading.loader(dataset, batch_size=loading.batch_size, collate_fn=StreamCollate())
    return Stream(loader, choice, notes, loading.patience)


def stream_of_loader(loader: Any, choice: Choice, notes: Notes) -> Stream:
    """The batches of a loader; a stream that all workers read whole gets one worker."""
    if (
        type(loader) is DataLoader
        and loader.num_workers > 1
        and isinstance(loader.dataset, IterableDataset)
        and not shares_workers(loader.dataset, loader.worker_init_fn)
    ):
        loader = in_one_worker(loader)
    return Stream(loader, choice, notes)


def _length_note(loader: Any, arrived: int) -> str:
    """A sentence if several workers read more samples than the stream says it has."""
    workers = getattr(loader, "num_workers", 0)
    try:
        n = len(loader.dataset)
    except Exception:  # a stream without a length
        return ""
    if workers < 2 or loader.batch_size is None or arrived < 2 * n or not n:
        return ""
    return (
        f"data has the length {n}, but {arrived} samples arrived: each of the {workers} workers "
        "probably reads the whole stream; share it by torch.utils.data.get_worker_info() in its "
        "__iter__, or pass num_workers=1"
    )


def _as_batch(item: Any, splitter: Splitter, where: str) -> Batch:
    if isinstance(item, Batch):  # of StreamCollate
        return item
    fields = splitter.split(item, where, batched=True)
    return Batch([], as_inputs(fields, where), fields.label, notes=splitter.notes.texts)
