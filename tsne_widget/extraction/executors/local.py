"""The run over the data: batches through the model, rows out, shards kept and taken back."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.extraction import store as store_module
from tsne_widget.extraction.data.batches import Indexed, Source, Stream
from tsne_widget.extraction.data.forms import as_codes
from tsne_widget.extraction.data.samples import Batch
from tsne_widget.extraction.model.forward import ForwardPass, Outputs, parameter_names
from tsne_widget.extraction.model.logits import classes_of
from tsne_widget.extraction.store.rows import Rows, joined, only_finite
from tsne_widget.extraction.store.store import Store
from tsne_widget.feature_set import MAX_UNNAMED_CLASSES

# Stored features may differ from new ones of the same samples by rounding: other thread counts and
# devices sum in another order. More, relative to the largest value, means that the samples changed.
ROUNDING = 1e-2


@dataclass
class Naming:
    """Which class names hold, and whether the logits fit them; known after the first batch.

    Attributes
    ----------
    names : tuple of str or None
        From the caller or the dataset; filled from the logits' width if there are none.
    given : bool
        Whether the caller gave them.
    """

    names: tuple[str, ...] | None
    given: bool
    _keeps_logits: bool | None = field(default=None, init=False)

    def keeps_logits(self, width: int) -> bool:
        """Whether logits of this width have names.

        Raises
        ------
        InvalidInputError
            If the caller's class names are fewer than the logits.
        """
        if self._keeps_logits is None:
            self._keeps_logits = self._meet(width)
        return self._keeps_logits

    def _meet(self, width: int) -> bool:
        if self.names is None:
            if width <= MAX_UNNAMED_CLASSES:
                self.names = tuple(str(code) for code in range(width))
                return True
            reason = f"the model gives {width} outputs without class names"
        elif width <= len(self.names):
            return True
        else:
            reason = f"the model gives {width} outputs, but class_names has {len(self.names)}"
            if self.given:
                raise InvalidInputError(f"{reason}; name each output")
            reason += " (from the dataset's classes)"
        warnings.warn(
            f"{reason}: predictions are left out; pass class_names for all outputs to keep them",
            stacklevel=2,
        )
        return False


@dataclass(frozen=True)
class Run:
    """One pass of a model over a source.

    Attributes
    ----------
    forward : ForwardPass
    source : Source
    naming : Naming
    skip_errors, drop_nonfinite : bool
        What is done with bad samples.
    """

    forward: ForwardPass
    source: Source
    naming: Naming
    skip_errors: bool
    drop_nonfinite: bool

    def rows(self, store: Store | None) -> Generator[Rows, None, None]:
        """All rows in order, as they come; with a store, finished shards are taken from it.

        Raises
        ------
        ExtractionError, InvalidInputError
            If the model, a sample or a label is bad.
        StoreError
            If the store holds other features of the first samples than the model gives now.
        """
        if store is None or not isinstance(self.source, Indexed):
            yield from self.computed(0, None)
            return
        if store.next_start(0) == 0:
            self.check_first(self.first(), store)
        position, end = 0, len(self.source.ids)
        while position < end:
            rows = store.read(position, self.source.ids, self.policy)
            if rows is not None:
                yield rows
                position += rows.samples
            else:
                stop = store.next_start(position + 1) or end
                with closing(self.computed(position, stop)) as computed:
                    yield from self._stored(computed, store, position)
                position = stop

    @property
    def policy(self) -> str:
        """What is done with bad samples, as the store's manifest says it."""
        return f"skip_errors={self.skip_errors}, drop_nonfinite={self.drop_nonfinite}"

    def computed(self, start: int, stop: int | None) -> Generator[Rows, None, None]:
        """Rows of the samples at these positions, one batch at a time."""
        with closing(self._batches(start, stop)) as batches:
            for batch, outputs in _ahead(self.forward, batches):
                yield self.as_rows(batch, outputs)

    def _batches(self, start: int, stop: int | None) -> Generator[Batch, None, None]:
        keywords = parameter_names(self.forward.model)
        if isinstance(self.source, Stream):
            yield from self.source.batches(keywords)
            return
        assert isinstance(self.source, Indexed)  # noqa: S101 - a Ray dataset is read on_ray
        ids = self.source.ids[start:stop]
        size = self.source.loading.batch_size
        groups = [ids[first : first + size] for first in range(0, len(ids), size)]
        yield from self.source.batches(groups, keywords, skip_errors=self.skip_errors)

    def as_rows(self, batch: Batch, outputs: Outputs | None) -> Rows:
        """The outputs of a batch with its ids and labels; bad rows dropped, or an error."""
        ids = np.asarray(batch.ids, dtype=np.int64)
        if outputs is None:
            return Rows(ids, (), None, None, tuple(batch.skipped))
        features, logits = outputs.arrays()
        if logits is not None:
            # Fills in the names, which bound the labels.
            self.naming.keeps_logits(classes_of(logits.shape[1]))
        labels = batch.labels
        if isinstance(labels, (list, tuple)) and all(label is None for label in labels):
            labels = None
        codes = None if labels is None else as_codes(labels, batch.ids, self.naming.names)
        rows = Rows(ids, features, codes, logits, tuple(batch.skipped))
        return only_finite(rows, self.forward.names(), drop=self.drop_nonfinite)

    def _stored(self, computed: Iterable[Rows], store: Store, start: int) -> Iterator[Rows]:
        """The same rows; whole shards are kept, and what is there when the run breaks off."""
        shard: list[Rows] = []
        began = time.monotonic()

        def keep() -> None:
            nonlocal start, began
            if shard and store.is_writable:
                store.write(start, joined(shard), self.policy)
            start += sum(rows.samples for rows in shard)
            began = time.monotonic()
            shard.clear()

        try:
            for rows in computed:
                shard.append(rows)
                if _is_full(shard, began):
                    keep()
                yield rows
        finally:
            keep()

    def first(self) -> Rows | None:
        """The first batch that has rows, computed here; it also shows where the features are."""
        with closing(self.computed(0, None)) as computed:
            return next((rows for rows in computed if len(rows.ids)), None)

    def check_first(self, new: Rows | None, store: Store) -> None:
        """Compare the first batch with what is stored of it; raises StoreError if they differ."""
        assert isinstance(self.source, Indexed)  # noqa: S101 - others have no store
        old = store.read(0, self.source.ids, self.policy)
        if new is None or old is None or not old.features:
            return
        _, in_new, in_old = np.intersect1d(new.ids, old.ids, return_indices=True)
        for now, before in zip(new.features, old.features, strict=True):
            if not _agree(now[in_new], before[in_old]):
                raise StoreError(
                    f"the first samples give other features than those in {store.folder}: the "
                    "dataset gives other values each time (random augmentation?) or has changed; "
                    "make it deterministic, pass another store, or delete that folder"
                )


def _ahead(
    forward: ForwardPass, batches: Iterable[Batch]
) -> Iterator[tuple[Batch, Outputs | None]]:
    """Each batch with its outputs; on a GPU the next batch is under way while one is handed out."""
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
