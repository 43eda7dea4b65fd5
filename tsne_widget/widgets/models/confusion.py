"""What the confusion panel says about a whole record: an order of its classes, and a doubt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis import confusion_matrix
from tsne_widget.analysis.guessing import better_guess
from tsne_widget.analysis.seriation import class_order
from tsne_widget.feature_set import FeatureSet

# Maximum number of classes of a matrix: cells of larger ones are too small to click.
MAX_DRAWN = 100


def order_of(record: FeatureSet, rows: NDArray[np.int64] | slice = slice(None)) -> list[int]:
    """Codes in an order with confused classes side by side; empty without a matrix to draw."""
    c = len(record.class_names)
    if record.labels is None or record.predictions is None or not 1 <= c <= MAX_DRAWN:
        return []
    counts = confusion_matrix(record.labels[rows], record.predictions[rows], c)
    return [int(code) for code in class_order(counts)]


def doubt_of(record: FeatureSet, rows: NDArray[np.int64] | slice = slice(None)) -> str:
    """A sentence if the predictions are worse than the most frequent class; else ""."""
    if record.labels is None or record.predictions is None:
        return ""
    guess = better_guess(record.labels[rows], record.predictions[rows])
    if guess is None:
        return ""
    name = printable(record.class_names[guess.code])
    return (
        f"Always answering {name} would be right for {_percent(guess.share)} of the "
        f"{guess.samples:,} pictures, more than the model. Perhaps the pictures are not prepared "
        "as in training (normalisation, size, order of the channels), or the classes are in "
        "another order. Your own evaluation on the same data can tell."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u202f%"
