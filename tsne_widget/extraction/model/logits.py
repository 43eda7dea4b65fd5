"""Turn the outputs of a classifier into logits whose softmax is its probability of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsne_widget._notes import Notes

# Replaces a logit of minus infinity, the logit of a class that the model masks.
LOWEST = np.float32(np.finfo(np.float32).min)
# Tolerance of the sum of a row of probabilities: rounding of half precision.
SUM_TOLERANCE = 5e-3
# Lower bound of probabilities, so that their logarithms are finite.
SMALLEST_PROBABILITY = 1e-30
# Largest share of the confidence that another class of a row of sigmoids may have.
BELOW_CONFIDENCE = 1 - 1e-4
HALVINGS = 40  # of the factor that scales the other classes

_RAW = ("same", "scaled")


def classes_of(width: int) -> int:
    """Number of classes of an output of this width: a single logit means two."""
    return max(width, 2)


def as_logits(
    outputs: NDArray[np.float32], relation: str | None = None, notes: Notes | None = None
) -> NDArray[np.float32]:
    """Logits whose softmax is the model's probability of each class.

    A single logit z becomes [0, z]. A single column within 0 … 1 is the probability of class 1.
    Rows that are not negative and sum to 1 become their logarithms. Other rows within 0 … 1 are one
    probability per class, unless a Linear layer makes them: the highest becomes the confidence.

    Parameters
    ----------
    outputs : (n, c) float32 array
        No NaN; minus infinity is allowed.
    relation : str, optional
        How the outputs follow from those of the head, see
        :func:`~tsne_widget.extraction.model.relations.relation`.
    notes : Notes, optional
        Gets what is doubtful.

    Returns
    -------
    (n, max(c, 2)) float32 array, finite
    """
    notes = Notes() if notes is None else notes
    outputs = np.maximum(outputs, LOWEST)
    within = bool(outputs.min() >= 0 and outputs.max() <= 1 + SUM_TOLERANCE)
    if outputs.shape[1] == 1:
        if within:
            if relation in _RAW:
                notes.add(
                    "the single output is within 0 … 1 for all samples, so it is read as the "
                    "probability of class 1, although no sigmoid makes it; if it is a logit, pass "
                    "layer= and output=lambda z: torch.cat([-z, z], 1) / 2"
                )
            outputs = _log_odds(outputs)
        return np.hstack([np.zeros_like(outputs), outputs])
    if within and np.abs(outputs.sum(axis=1) - 1).max() <= SUM_TOLERANCE:
        return np.log(np.maximum(outputs, np.float32(SMALLEST_PROBABILITY)))
    if within and relation not in _RAW:
        notes.add(
            f"the {outputs.shape[1]} outputs of a sample are probabilities that do not sum to 1, "
            "as from a sigmoid per class: the confidence is that of the predicted class, and the "
            "others are scaled to the rest; pass output= for an item with logits"
        )
        return _of_sigmoids(outputs)
    return outputs


def _log_odds(column: NDArray[np.float32]) -> NDArray[np.float32]:
    positive = np.clip(column.astype(np.float64), SMALLEST_PROBABILITY, 1.0)
    negative = np.clip(1.0 - positive, SMALLEST_PROBABILITY, 1.0)
    return np.log(positive / negative).astype(np.float32)


def _of_sigmoids(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits whose softmax keeps each row's highest value, and orders the others as they are.

    The other classes share the rest in proportion, but none exceeds the highest. If that leaves a
    part of the rest, because all values of a row are low, the row is scaled to the sum 1.
    """
    values = np.clip(outputs.astype(np.float64), SMALLEST_PROBABILITY, 1.0)
    best = values.argmax(axis=1, keepdims=True)
    highest = np.take_along_axis(values, best, axis=1)
    others = values.copy()
    np.put_along_axis(others, best, 0.0, axis=1)
    low = np.zeros_like(highest)
    high = 1.0 / np.maximum(others.max(axis=1, keepdims=True), SMALLEST_PROBABILITY)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        shared = np.minimum(others * middle, highest * BELOW_CONFIDENCE)
        is_less = shared.sum(axis=1, keepdims=True) < 1 - highest
        low, high = np.where(is_less, middle, low), np.where(is_less, high, middle)
    shared = np.minimum(others * high, highest * BELOW_CONFIDENCE)
    np.put_along_axis(shared, best, highest, axis=1)
    logs: NDArray[np.float32] = np.log(np.maximum(shared, SMALLEST_PROBABILITY)).astype(np.float32)
    return logs
