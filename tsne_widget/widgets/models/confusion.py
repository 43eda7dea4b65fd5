"""What the confusion panel says about a whole record: what its matrix shows, and a doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis import confusion_matrix
from tsne_widget.analysis.guessing import better_guess
from tsne_widget.analysis.seriation import class_order, most_confused_classes
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.models.percent import percent
from tsne_widget.widgets.state.classes import OTHER

# Maximum number of classes of a matrix: cells of larger ones are too small to click.
MAX_DRAWN = 100


class Units(NamedTuple):
    """What the rows and columns of a matrix are: classes, or groups of classes."""

    names: list[str]
    codes: list[list[int]]
    """Codes of the classes of each."""
    order: list[int]
    """Places in ``names``, with confused ones side by side."""

    def counts(
        self, labels: NDArray[np.int64], predictions: NDArray[np.int64], c: int
    ) -> NDArray[np.int64]:
        """(u, u) matrix of samples of c classes; those of no unit do not count."""
        place = np.full(c + 1, -1, dtype=np.int64)  # the last one is of unknown codes
        for unit, codes in enumerate(self.codes):
            place[codes] = unit
        return confusion_matrix(place[labels], place[predictions], len(self.codes))


def class_units(record: FeatureSet, rows: NDArray[np.int64] | slice = slice(None)) -> Units:
    """The classes of a matrix: all of them, or the 100 that are confused most."""
    c, names = len(record.class_names), record.class_names
    if record.labels is None or record.predictions is None or not c:
        return Units([], [], [])
    codes = np.arange(c)
    if c > MAX_DRAWN:
        codes = most_confused_classes(record.labels[rows], record.predictions[rows], MAX_DRAWN)
    return _ordered(
        record, rows, [printable(names[code]) for code in codes], [[int(code)] for code in codes]
    )


def group_units(
    record: FeatureSet,
    groups: Mapping[str, Sequence[int]],
    rows: NDArray[np.int64] | slice = slice(None),
) -> Units:
    """The groups of classes of a matrix; classes in no group are in the last one, "other"."""
    if not groups or record.labels is None or record.predictions is None:
        return Units([], [], [])
    named = {printable(name): list(codes) for name, codes in groups.items()}
    grouped = {code for codes in named.values() for code in codes}
    rest = [code for code in range(len(record.class_names)) if code not in grouped]
    if rest:
        named[OTHER] = rest
    return _ordered(record, rows, list(named), list(named.values()))


def _ordered(
    record: FeatureSet,
    rows: NDArray[np.int64] | slice,
    names: list[str],
    codes: list[list[int]],
) -> Units:
    units = Units(names, codes, [])
    if record.labels is None or record.predictions is None or not names:
        return units
    counts = units.counts(record.labels[rows], record.predictions[rows], len(record.class_names))
    return units._replace(order=[int(place) for place in class_order(counts)])


def doubt_of(record: FeatureSet, rows: NDArray[np.int64] | slice = slice(None)) -> str:
    """A sentence if the predictions are worse than the most frequent class; else ""."""
    if record.labels is None or record.predictions is None:
        return ""
    guess = better_guess(record.labels[rows], record.predictions[rows])
    if guess is None:
        return ""
    name = printable(record.class_names[guess.code])
    return (
        f"Always answering {name} would be right for {percent(guess.share, 1)} of the "
        f"{guess.samples:,} pictures, more than the model. Perhaps the pictures are not prepared "
        "as in training (normalisation, size, order of the channels), or the classes are in "
        "another order. Your own evaluation on the same data can tell."
    )
