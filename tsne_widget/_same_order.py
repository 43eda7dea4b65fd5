"""Whether two lists of labels can belong to the same samples in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._class_codes import UNKNOWN

# Two lists of labels contradict if their agreement, corrected for chance (Cohen's kappa), is lower.
MIN_KAPPA = 0.5
# Lists in random order must differ in this many places on average; otherwise nothing is known.
MIN_EVIDENCE = 3.0
# Samples that are compared, and random orders that they are compared with.
MOST, SHUFFLES = 2000, 20


def labels_contradict(codes: ArrayLike, values: Sequence[Any]) -> bool:
    """Whether two lists of labels of the same samples are surely in different orders.

    Other codes or names for the same classes are no contradiction, and neither are coarser classes
    or some corrected labels.

    Parameters
    ----------
    codes : (n,) int array
        Class codes; −1 is unknown.
    values : sequence of n labels
        Codes or names; None is unknown.

    Examples
    --------
    >>> labels_contradict([0, 0, 1, 1] * 20, ["a", "a", "b", "b"] * 20)
    False
    >>> labels_contradict([0, 0, 1, 1] * 20, ["a", "b", "a", "b"] * 20)
    True
    """
    one = np.asarray(codes)
    known = np.array([value is not None and value != UNKNOWN for value in values], dtype=bool)
    known &= one != UNKNOWN
    other = [value for value, is_known in zip(values, known, strict=True) if is_known]
    one = one[known]
    if not len(other):
        return False
    if len(other) > MOST:
        rows = np.linspace(0, len(other) - 1, MOST).astype(int)
        one, other = one[rows], [other[row] for row in rows]
    texts = np.array([str(value) for value in other])
    equal = np.array([str(code) for code in one.tolist()])
    a, b = (np.unique(labels, return_inverse=True)[1] for labels in (equal, texts))
    measures: list[Callable[[NDArray[Any], NDArray[Any]], float]] = [
        lambda x, y: float((x == y).mean()),
        _purity,
        lambda x, y: _purity(y, x),
    ]
    pairs = [(equal, texts), (a, b), (a, b)]
    return all(_is_by_chance(measure, *pair) for measure, pair in zip(measures, pairs, strict=True))


def _purity(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    """Share of samples whose label ``b`` is the most frequent one of their label ``a``."""
    pairs, counts = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    most = np.zeros(int(a.max()) + 1)
    np.maximum.at(most, pairs[0], counts)
    return float(most.sum() / len(a))


def _is_by_chance(
    measure: Callable[[NDArray[Any], NDArray[Any]], float], one: NDArray[Any], other: NDArray[Any]
) -> bool:
    """Whether two lists agree hardly more than in random order."""
    rng = np.random.default_rng(0)
    chance = float(np.mean([measure(one, rng.permutation(other)) for _ in range(SHUFFLES)]))
    if len(one) * (1 - chance) < MIN_EVIDENCE:
        return False
    return (measure(one, other) - chance) / (1 - chance) < MIN_KAPPA
