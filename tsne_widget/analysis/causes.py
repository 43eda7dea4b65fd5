"""Causes of mistakes: each misclassified sample belongs to the first rule that it satisfies."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_rows
from tsne_widget.analysis.diagnosis import DUPLICATE, OUTLIER
from tsne_widget.analysis.duplicates import near_duplicates
from tsne_widget.analysis.finders import suspected
from tsne_widget.analysis.score_values import Scores
from tsne_widget.errors import InvalidInputError


class Cause(NamedTuple):
    """The mistakes that one rule explains."""

    name: str
    """ "label", "twin", "outlier" or "model"."""
    title: str
    """What may be at fault."""
    rule: str
    """When a mistake is counted here, in one sentence."""
    rows: NDArray[np.int64]
    """(k,) int64 rows, ascending."""


def _labels(scores: Scores) -> NDArray[np.bool_]:
    return suspected(scores["suspicion"])


def _twins(scores: Scores) -> NDArray[np.bool_]:
    """Whether an almost identical sample has another label."""
    near, labels = scores.neighbors, np.asarray(scores.feature_set.labels)
    threshold = DUPLICATE * float(np.median(near.distances[:, 0]))
    pairs = near_duplicates(*near, threshold).pairs
    one, other = labels[pairs].T
    is_twin = np.zeros(len(labels), dtype=bool)
    is_twin[pairs[(one != other) & (one >= 0) & (other >= 0)]] = True
    return is_twin


def _outliers(scores: Scores) -> NDArray[np.bool_]:
    return np.asarray(scores["outlier_score"] > OUTLIER)


_RULES: tuple[tuple[str, str, str, Callable[[Scores], NDArray[np.bool_]]], ...] = (
    (
        "label",
        "perhaps the label",
        "The label is more likely wrong than right, judged by the model and by similar pictures.",
        _labels,
    ),
    (
        "twin",
        "near duplicates",
        "An almost identical picture has another label.",
        _twins,
    ),
    (
        "outlier",
        "unusual pictures",
        "The picture is far from all others for the model: often a broken or a rare one.",
        _outliers,
    ),
)
_MODEL = ("model", "the model", "Nothing else explains the mistake: the label looks right.")


def causes(scores: Scores, rows: ArrayLike) -> tuple[Cause, ...]:
    """The misclassified samples of a selection, divided by what may be at fault.

    The rules are applied in the order of the result; what none of them explains is the model's.
    A rule whose scores are not available explains nothing.

    Parameters
    ----------
    scores : Scores
        Has n samples. The scores that the rules read are computed if necessary.
    rows : (m,) array of int, or (n,) array of bool
        The selection.

    Returns
    -------
    tuple of Cause
        "label", "twin", "outlier" and "model", also those without rows. Each misclassified row of
        the selection is in exactly one of them. Time O(n k), memory O(n k).

    Raises
    ------
    InvalidInputError
        If ``rows`` are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> record = FeatureSet.from_arrays(np.eye(4), [0, 0, 1, 1], predictions=[0, 1, 1, 1])
    >>> sum(len(cause.rows) for cause in causes(Scores(record), range(4)))
    1
    """
    record = scores.feature_set
    left = np.zeros(len(record), dtype=bool)
    left[as_rows("rows", rows, len(record), record.ids)] = True
    left &= record.misclassified
    found = []
    for name, title, rule, applies in _RULES:
        try:
            mask = left & applies(scores) if left.any() else left
        except InvalidInputError:  # a constant layer, or missing labels
            mask = np.zeros_like(left)
        found.append(Cause(name, title, rule, np.flatnonzero(mask)))
        left = left & ~mask
    return (*found, Cause(*_MODEL, np.flatnonzero(left)))
