"""Records to compare, reduced to the samples that all of them have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._text import printable
from tsne_widget._validation import as_embedding
from tsne_widget.analysis import CHANGES, changes, confidence, shared_rows
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.arguments import MIN_ROWS

# Maximum number of maps side by side: more are too small to read.
MAX_COMPARED = 4
MAX_NAME = 40


class Compared(NamedTuple):
    """Records of the same m samples; row i is the same sample in each."""

    records: dict[str, FeatureSet]
    given: dict[str, NDArray[np.float32]]
    """(m, 2) given coordinates, by name."""
    note: str
    """Sentence on the samples that were left out; "" for none."""

    def changes(self, before: str, after: str) -> NDArray[np.int64] | None:
        """(m,) int64 codes of CHANGES between two records; None without labels or predictions."""
        first, last = self.record(before), self.record(after)
        if first.labels is None or first.predictions is None or last.predictions is None:
            return None
        return changes(first.labels, first.predictions, last.predictions)

    def record(self, name: str) -> FeatureSet:
        """A record by name.

        Raises
        ------
        InvalidInputError
            If there is no record of that name.
        """
        if name not in self.records:
            known = ", ".join(map(repr, self.records))
            raise InvalidInputError(f"there is no {name!r}; there are {known}")
        return self.records[name]

    def columns(self) -> dict[str, Any]:
        """Columns to colour by: the change, and each record's predictions and confidences."""
        names = list(self.records)
        columns: dict[str, Any] = {}
        codes = self.changes(names[0], names[-1])
        if codes is not None:
            columns["change"] = np.array([*CHANGES, None], dtype=object)[codes]
        for name, record in self.records.items():
            if record.predictions is not None:
                classes = np.array([*record.class_names, None], dtype=object)
                columns[f"prediction of {name}"] = classes[record.predictions]
            if record.logits is not None:
                columns[f"confidence of {name}"] = confidence(record.logits, record.activation)
        return columns

    def common(self) -> FeatureSet:
        """The last record, with predictions and logits only if all records have them."""
        records = list(self.records.values())
        lacking: dict[str, Any] = {
            field: None
            for field in ("predictions", "logits")
            if any(getattr(record, field) is None for record in records)
        }
        return replace(records[-1], **lacking) if lacking else records[-1]


def compared(sets: Mapping[str, Any]) -> Compared:
    """The records of :func:`compare`'s argument, matched by ids.

    Raises
    ------
    InvalidInputError
        If the records cannot be compared; the message names the remedy.
    """
    if not isinstance(sets, Mapping):
        raise InvalidInputError(
            f"compare() takes a dict of name to FeatureSet, got {type(sets).__name__}; "
            'for example compare({"fc2": a, "conv5": b})'
        )
    if not 2 <= len(sets) <= MAX_COMPARED:
        raise InvalidInputError(
            f"compare() takes 2 … {MAX_COMPARED} records, got {len(sets)}; for one, use "
            "EmbeddingExplorer"
        )
    records, places = _parts(sets)
    _check_classes(records)
    rows = shared_rows([record.ids for record in records.values()])
    if len(rows[0]) < (0 if len(places) == len(records) else MIN_ROWS) or not len(rows[0]):
        raise InvalidInputError(
            f"only {len(rows[0])} ids are in all of {', '.join(map(repr, records))}; "
            "extract all from the same dataset, so that equal ids are the same samples"
        )
    given = {}
    for (name, record), taken in zip(records.items(), rows, strict=True):
        if name in places:
            whole = as_embedding(
                places[name], len(record), f"coordinates of {name!r}", ids=record.ids
            )
            given[name] = as_embedding(whole[taken], len(taken))
    left_out = [
        f"{len(record) - len(taken):,} of {printable(name)}"
        for (name, record), taken in zip(records.items(), rows, strict=True)
        if len(record) > len(taken)
    ]
    cut = {
        name: record if np.array_equal(taken, np.arange(len(record))) else record.take(taken)
        for (name, record), taken in zip(records.items(), rows, strict=True)
    }
    note = f"Left out because not all have them: {', '.join(left_out)}" if left_out else ""
    return Compared(_with_labels(cut), given, note)


def _parts(sets: Mapping[str, Any]) -> tuple[dict[str, FeatureSet], dict[str, ArrayLike]]:
    """The records by name, and the coordinates that are given for some of them."""
    records: dict[str, FeatureSet] = {}
    places: dict[str, ArrayLike] = {}
    for name, value in sets.items():
        if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
            raise InvalidInputError(
                f"names must be text of 1 … {MAX_NAME} characters, got {printable(repr(name))}"
            )
        record = value
        if isinstance(value, tuple) and len(value) == 2:
            record, places[name] = value
        if not isinstance(record, FeatureSet):
            raise InvalidInputError(
                f"{name!r} must be a FeatureSet, or (FeatureSet, (n, 2) coordinates), "
                f"got {type(record).__name__}; use extract(model, data), or "
                "explorer.feature_set"
            )
        records[name] = record
    return records, places


def title_of(name: str, record: FeatureSet) -> str:
    """Title of a map: name and accuracy."""
    if record.labels is None or record.predictions is None:
        return printable(name)
    judged = (record.labels >= 0) & (record.predictions >= 0)
    if not judged.any():
        return printable(name)
    right = 100 * float(np.mean(~record.misclassified[judged]))
    return f"{printable(name)} · {right:.1f}\u00a0% right"


def _check_classes(records: Mapping[str, FeatureSet]) -> None:
    named = {name: record for name, record in records.items() if record.class_names}
    if not named:
        return
    first, *others = named
    for other in others:
        ours, theirs = named[first].class_names, named[other].class_names
        if ours == theirs:
            continue
        pairs = zip([*ours, None], [*theirs, None], strict=False)
        one, two = next((a, b) for a, b in pairs if a != b)
        raise InvalidInputError(
            f"{first!r} and {other!r} have different class names: {printable(repr(one))} in one "
            f"is {printable(repr(two))} in the other; pass the same class_names= for both"
        )


def _with_labels(records: dict[str, FeatureSet]) -> dict[str, FeatureSet]:
    """The records with equal labels: those of the first record that has labels."""
    labelled = {name: record for name, record in records.items() if record.labels is not None}
    if not labelled:
        return records
    first = next(iter(labelled))
    labels, names = labelled[first].labels, labelled[first].class_names
    for name, record in labelled.items():
        differs = np.flatnonzero(record.labels != labels)
        if len(differs):
            ids = ", ".join(map(str, record.ids[differs[:5]].tolist()))
            raise InvalidInputError(
                f"{first!r} and {name!r} have different labels for {len(differs):,} ids "
                f"({ids} …): equal ids must be the same samples; extract both from one dataset"
            )
    return {
        name: record
        if record.labels is not None
        else replace(record, labels=labels, class_names=names)
        for name, record in records.items()
    }
