"""The labels of stored rows: always those that the dataset has now.

The labels in a shard only save reading. They hold if what they are made of is the same as when the
shard was written, and if they equal the labels of a few samples that are read now. Other labels are
read again, with their samples but without the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._notes import Notes
from tsne_widget._validation import row_blocks
from tsne_widget.extraction.data.batches import Batch
from tsne_widget.extraction.data.labels import label_codes
from tsne_widget.extraction.data.sources import Indexed
from tsne_widget.extraction.store.digests import digest_of
from tsne_widget.extraction.store.rows import Marks, Rows
from tsne_widget.extraction.store.shards import Stored
from tsne_widget.extraction.store.store import Store
from tsne_widget.extraction.store.study import Read

UNREAD = -1


@dataclass
class LabelSource:
    """Where the labels of a dataset come from.

    Attributes
    ----------
    source : Indexed
    keywords : frozenset of str
        Parameters of ``model.forward``.
    marks : Marks
        For all ids of the source, in their order.
    samples : mapping of int to Read
        A few samples by id.
    known : dict of int to int
        Label codes that were read in this run, by id.
    is_trusted : bool
        Whether stored labels are used at all.
    """

    source: Indexed
    keywords: frozenset[str]
    marks: Marks
    samples: Mapping[int, Read]
    known: dict[int, int] = field(default_factory=dict)
    is_trusted: bool = True

    @property
    def is_without_labels(self) -> bool:
        """Whether samples are pictures alone."""
        return bool(self.samples) and all(sample.is_bare for sample in self.samples.values())

    def learn(self, rows: Rows | None, class_names: Sequence[str] | None) -> None:
        """Note the labels of rows that are read now, and of the samples read before the run."""
        for id_, sample in self.samples.items():
            if not sample.failed and _is_labelled(sample.labels):
                self.known[id_] = int(label_codes(sample.labels, [id_], class_names)[0])
        if rows is not None and rows.labels is not None:
            self.known.update(zip(rows.ids.tolist(), rows.labels.tolist(), strict=True))

    def check(
        self,
        store: Store,
        policy: str,
        class_names: Sequence[str] | None,
        *,
        skip_errors: bool,
    ) -> None:
        """Read changed labels, and trust no stored label if the dataset contradicts one.

        A stored label that should hold must equal the label that is read now. One whose value in
        the dataset changed must differ from it: otherwise row i of the values is not sample i.
        """
        ids = np.asarray(self.source.ids)
        positions = np.searchsorted(ids, sorted(self.known)).tolist()
        starts = {store.start_of(position) for position in positions}
        starts |= {start for start in store.starts if not store.has_marks(start, self.marks)}
        old: dict[int, int] = {}
        for start in sorted(start for start in starts if start is not None):
            stored = store.read_shard(start, self.source.ids, policy)
            if stored is None or stored.rows.labels is None or not self._has_state(stored):
                continue
            same = self._is_same(stored)
            for id_, label, holds in zip(
                stored.rows.ids.tolist(), stored.rows.labels.tolist(), same.tolist(), strict=True
            ):
                if not holds:
                    old[id_] = label
                elif self.known.get(id_, label) != label:
                    self.is_trusted = False
                    return
        unread = sorted(set(old) - set(self.known))
        for batch in self._batches(unread, skip_errors=skip_errors):
            self._learn_batch(batch, class_names)
        self.is_trusted = all(self.known.get(id_, UNREAD) != label for id_, label in old.items())

    def renewed(
        self, stored: Stored, class_names: Sequence[str] | None, *, skip_errors: bool
    ) -> Rows | None:
        """The stored rows with the labels that the dataset has now.

        The result is None if a sample cannot be read any more and is skipped.

        Raises
        ------
        ExtractionError, InvalidInputError
            If a sample cannot be read, or its label is bad.
        """
        rows = stored.rows
        if self.source.choice.label is None:
            return replace(rows, labels=None)
        if len(rows.ids) == 0 or (rows.labels is None and self.is_without_labels):
            return rows
        labels = np.full(len(rows.ids), UNREAD) if rows.labels is None else rows.labels.copy()
        needed = ~self._is_same(stored)
        for row in np.flatnonzero(needed).tolist():
            known = self.known.get(int(rows.ids[row]))
            if known is not None:
                labels[row], needed[row] = known, False
        is_labelled = rows.labels is not None or bool(self.known)
        unread = rows.ids[needed].tolist()
        for batch in self._batches(unread, skip_errors=skip_errors):
            if batch.skipped:
                return None
            is_labelled |= _is_labelled(batch.labels)
            codes = self._learn_batch(batch, class_names)
            labels[np.searchsorted(rows.ids, batch.ids)] = codes
        return replace(rows, labels=labels if is_labelled and (labels != UNREAD).any() else None)

    def _learn_batch(self, batch: Batch, class_names: Sequence[str] | None) -> NDArray[np.int64]:
        """The label codes of a batch, which are known from now on."""
        codes = np.full(len(batch.ids), UNREAD)
        if _is_labelled(batch.labels):
            codes = label_codes(batch.labels, batch.ids, class_names)
        self.known.update(zip(batch.ids, codes.tolist(), strict=True))
        return codes

    def _has_state(self, stored: Stored) -> bool:
        """Whether labels are made in the same way, and from known values."""
        is_traced = bool(self.marks.values.any())
        return is_traced and stored.marks is not None and stored.marks.state == self.marks.state

    def _is_same(self, stored: Stored) -> NDArray[np.bool_]:
        """(m,) whether what the label of each row is made of has not changed."""
        now = self.marks.of(stored.rows, self.source.ids)
        then = stored.marks
        if not self.is_trusted or then is None or then.state != now.state:
            return np.zeros(len(now.values), np.bool_)
        same: NDArray[np.bool_] = (then.values == now.values) & (now.values != 0)
        return same

    def _batches(self, ids: Sequence[int], *, skip_errors: bool) -> Iterator[Batch]:
        size = self.source.loading.batch_size
        groups = [ids[block] for block in row_blocks(len(ids), size)]
        if groups:
            with closing(_batches(self.source, groups, self.keywords, skip_errors)) as batches:
                yield from batches


def sample_reader(source: Indexed, keywords: frozenset[str]) -> Callable[[Any, int], Read]:
    """A function that reads one sample of a dataset as a run of ``source`` would."""
    loading = replace(source.loading, num_workers=0, pin_memory=False)

    def read(dataset: Any, index: int) -> Read:
        try:
            sample = dataset[index]
            alone = replace(source, dataset=[sample], loading=loading, notes=Notes())
            (batch,) = _batches(alone, [[0]], keywords, skip_errors=False)
        except Exception as error:  # unreadable samples are an error of the run itself
            return Read(type(error).__name__, "", failed=True)
        assert batch.inputs is not None  # noqa: S101 - no sample is skipped
        is_bare = hasattr(sample, "shape") and not _is_labelled(batch.labels)
        inputs = digest_of((list(batch.inputs.kwargs), *batch.inputs.tensors))
        return Read(inputs, digest_of(batch.labels), batch.labels, is_bare=is_bare)

    return read


def _batches(
    source: Indexed, groups: Sequence[Sequence[int]], keywords: frozenset[str], skip_errors: bool
) -> Any:
    return source.batches(groups, keywords, skip_errors=skip_errors)


def _is_labelled(labels: Any) -> bool:
    if isinstance(labels, (list, tuple)):
        return any(label is not None for label in labels)
    return labels is not None
