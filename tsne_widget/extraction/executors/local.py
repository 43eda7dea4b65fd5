"""The extraction loop: batches go through the model, rows come out, shards are stored."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from tsne_widget._validation import row_blocks
from tsne_widget.errors import StoreError
from tsne_widget.extraction.class_names import ClassNames
from tsne_widget.extraction.data.batches import Batch
from tsne_widget.extraction.data.labels import FoundNames, label_codes
from tsne_widget.extraction.data.seen import Watch
from tsne_widget.extraction.data.sources import Indexed, Source
from tsne_widget.extraction.data.streams import Stream
from tsne_widget.extraction.executors.stored_labels import LabelSource
from tsne_widget.extraction.model.forward import ForwardPass, Outputs, parameter_names
from tsne_widget.extraction.model.logits import classes_of
from tsne_widget.extraction.store import store as store_module
from tsne_widget.extraction.store.rows import Rows, concatenate, finite_rows
from tsne_widget.extraction.store.shards import NO_MARKS, RowMarks, row_marks
from tsne_widget.extraction.store.store import Store

# Tolerance between stored and new features of the same samples, relative to the largest value. The
# number of threads and the device change the order of summation; larger differences mean that the
# samples changed.
ROUNDING = 1e-2


@dataclass(frozen=True)
class Run:
    """One pass of a model over a source.

    Attributes
    ----------
    forward : ForwardPass
    source : Source
    class_names : ClassNames
    skip_errors, drop_nonfinite : bool
        Whether bad samples are skipped, or are an error.
    labels : LabelSource or None
        Where the labels of stored rows come from; None without a store.
    found_names : FoundNames or None
        Takes names in the labels if the model has no logits; None refuses them.
    watch : Watch
        Keeps what the model gets for a few samples.
    """

    forward: ForwardPass
    source: Source
    class_names: ClassNames
    skip_errors: bool
    drop_nonfinite: bool
    labels: LabelSource | None = None
    found_names: FoundNames | None = None
    watch: Watch = field(default_factory=Watch)

    def rows(self, store: Store | None) -> Generator[Rows, None, None]:
        """All rows in order, computed or read from the shards of a store.

        Raises
        ------
        ExtractionError, InvalidInputError
            If the model, a sample or a label is bad.
        StoreError
            If the stored features of the first samples differ from the new ones.
        """
        if store is None or not isinstance(self.source, Indexed):
            yield from self.compute(0, None)
            return
        self.compare(self.first() if store.next_start(0) == 0 else None, store)
        position, end = 0, len(self.source.ids)
        while position < end:
            rows = self.stored(store, position)
            if rows is not None:
                yield rows
                position += rows.samples
            else:
                stop = store.next_start(position + 1) or end
                with closing(self.compute(position, stop)) as computed:
                    yield from self._stored(computed, store, position)
                position = stop

    def stored(self, store: Store, position: int) -> Rows | None:
        """The rows of the shard that starts at ``position``, with the labels of the dataset now.

        The result is None if the shard is missing or damaged, or if a sample of it cannot be read
        any more and is skipped.

        Raises
        ------
        ExtractionError, InvalidInputError
            If a sample whose label is needed cannot be read, or a label is bad.
        """
        assert isinstance(self.source, Indexed)  # noqa: S101 - others have no store
        stored = store.read_shard(position, self.source.ids, self.policy)
        if stored is None or self.labels is None or store.is_fresh(position):
            return None if stored is None else stored.rows
        names = self.class_names.names
        return self.labels.renewed(stored, names, skip_errors=self.skip_errors)

    def marks_of(self, rows: Rows, start: int) -> RowMarks:
        """What the labels of these rows are made of, for the store."""
        if self.labels is None or not isinstance(self.source, Indexed):
            return NO_MARKS
        return row_marks(self.labels.marks, rows, start, self.source.ids)

    @property
    def policy(self) -> str:
        """The treatment of bad samples, as text for the store's manifest."""
        return f"skip_errors={self.skip_errors}, drop_nonfinite={self.drop_nonfinite}"

    def compute(self, start: int, stop: int | None) -> Generator[Rows, None, None]:
        """Rows of the samples at these positions, one batch at a time."""
        with closing(self._batches(start, stop)) as batches:
            for batch, outputs in _ahead(self.forward, batches):
                self.watch(batch)
                yield self.as_rows(batch, outputs)

    def _batches(self, start: int, stop: int | None) -> Generator[Batch, None, None]:
        keywords = parameter_names(self.forward.model)
        if isinstance(self.source, Stream):
            yield from self.source.batches(keywords)
            return
        assert isinstance(self.source, Indexed)  # noqa: S101 - Ray datasets are read by ray_pool
        ids = self.source.ids[start:stop]
        size = self.source.loading.batch_size
        groups = [ids[block] for block in row_blocks(len(ids), size)]
        yield from self.source.batches(groups, keywords, skip_errors=self.skip_errors)

    def as_rows(self, batch: Batch, outputs: Outputs | None) -> Rows:
        """The outputs of a batch with ids and labels; nonfinite rows are dropped or an error."""
        ids = np.asarray(batch.ids, dtype=np.int64)
        if outputs is None:
            return Rows(ids, (), None, None, tuple(batch.skipped))
        features, logits = outputs.arrays()
        if logits is not None:
            # This sets the default names, which bound the labels.
            self.class_names.covers(classes_of(logits.shape[1]))
        labels = batch.labels
        if isinstance(labels, (list, tuple)) and all(label is None for label in labels):
            labels = None
        found = self.found_names if logits is None else None
        names = self.class_names.names
        codes = None if labels is None else label_codes(labels, batch.ids, names, found)
        rows = Rows(ids, features, codes, logits, tuple(batch.skipped))
        return finite_rows(rows, self.forward.names(), drop=self.drop_nonfinite)

    def _stored(self, computed: Iterable[Rows], store: Store, start: int) -> Iterator[Rows]:
        """The same rows; full shards are stored, and an incomplete one when the run stops."""
        shard: list[Rows] = []
        began = time.monotonic()

        def flush() -> None:
            nonlocal start, began
            if shard and store.is_writable:
                whole = concatenate(shard)
                store.write(start, whole, self.policy, self.marks_of(whole, start))
            start += sum(rows.samples for rows in shard)
            began = time.monotonic()
            shard.clear()

        try:
            for rows in computed:
                shard.append(rows)
                if _is_full(shard, began):
                    flush()
                yield rows
        finally:
            flush()

    def first(self) -> Rows | None:
        """The first batch that has rows, computed in this process; it also finds the layers."""
        with closing(self.compute(0, None)) as computed:
            return next((rows for rows in computed if len(rows.ids)), None)

    def compare(self, new: Rows | None, store: Store) -> None:
        """Compare the newly computed first batch with the stored rows.

        Raises
        ------
        StoreError
            If the stored features differ.
        """
        assert isinstance(self.source, Indexed)  # noqa: S101 - others have no store
        if self.labels is not None and store.next_start(0) is not None:
            names = self.class_names.names
            self.labels.learn(new, names)
            self.labels.check(store, self.policy, names, skip_errors=self.skip_errors)
        old = store.read(0, self.source.ids, self.policy)
        if new is None or old is None or not old.features:
            return
        _, in_new, in_old = np.intersect1d(new.ids, old.ids, return_indices=True)
        for now, before in zip(new.features, old.features, strict=True):
            if not _agree(now[in_new], before[in_old]):
                raise StoreError(
                    f"the features of the first samples differ from those in {store.folder}: the "
                    "dataset returns other values each time (random augmentation?) or has "
                    "changed; make it deterministic, pass another store, or delete that folder"
                )


def _ahead(
    forward: ForwardPass, batches: Iterable[Batch]
) -> Iterator[tuple[Batch, Outputs | None]]:
    """Each batch with its outputs; a GPU computes the next batch while one is consumed."""
    waiting: list[tuple[Batch, Outputs | None]] = []
    for batch in batches:
        outputs = None if batch.inputs is None else forward(batch.inputs, batch.ids)
        waiting.append((batch, outputs))
        if len(waiting) > (1 if forward.is_asynchronous else 0):
            yield waiting.pop(0)
    yield from waiting


def _is_full(shard: Sequence[Rows], began: float) -> bool:
    return (
        sum(rows.samples for rows in shard) >= store_module.SHARD_ROWS
        or sum(rows.nbytes for rows in shard) >= store_module.SHARD_BYTES
        or time.monotonic() - began >= store_module.SHARD_SECONDS
    )


def _agree(now: np.ndarray, before: np.ndarray) -> bool:
    if now.shape != before.shape:
        return False
    scale = float(np.abs(before).max(initial=0.0))
    return bool(np.abs(now - before).max(initial=0.0) <= ROUNDING * scale)
