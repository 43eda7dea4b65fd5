"""Whether two lists of labels can belong to the same samples in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._class_codes import UNKNOWN

# Two lists of labels contradict if their agreement, corrected for chance (Cohen's kappa), is lower.
MIN_KAPPA = 0.5
# Lists in random order must differ in this many places on average; otherwise nothing is known.
MIN_EVIDENCE = 3.0


def labels_contradict(codes: ArrayLike, values: Sequence[Any]) -> bool:
    """Whether two lists of labels of the same samples are surely in different orders.

    Other codes or names for the same classes are no contradiction, and neither are some corrected
    labels.

    Parameters
    ----------
    codes : (n,) int array
        Class codes; −1 is unknown.
    values : sequence of n labels
        Codes or names; None is unknown.

    Examples
    --------
    >>> labels_contradict([0, 0, 0, 0, 1, 1, 1, 1], ["a", "a", "a", "a", "b", "b", "b", "b"])
    False
    >>> labels_contradict([0, 0, 0, 0, 1, 1, 1, 1], ["a", "b", "a", "b", "a", "b", "a", "b"])
    True
    """
    one = np.asarray(codes)
    known = np.array([value is not None and value != UNKNOWN for value in values], dtype=bool)
    known &= one != UNKNOWN
    other = [value for value, is_known in zip(values, known, strict=True) if is_known]
    one = one[known]
    if not len(other):
        return False
    _, a = np.unique(one, return_inverse=True)
    names, b = np.unique([str(value) for value in other], return_inverse=True)
    same = np.array([str(code) for code in one.tolist()]) == names[b]
    pairs = [(same, one.astype(str), names[b])]
    mapped = _renamed(a, b)
    pairs.append((mapped == b, mapped.astype(str), b.astype(str)))
    return all(_kappa_is_low(*pair) for pair in pairs)


def _renamed(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.intp]:
    """Codes ``a`` in terms of ``b``: the most frequent pairs first, each code once; −1 without."""
    pairs, counts = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    table = np.full(int(a.max()) + 1, UNKNOWN, dtype=np.intp)
    taken: set[int] = set()
    for pair in np.argsort(-counts, kind="stable"):
        code, value = pairs[:, pair].tolist()
        if table[code] == UNKNOWN and value not in taken:
            table[code] = value
            taken.add(value)
    return table[a]


def _kappa_is_low(same: NDArray[np.bool_], one: NDArray[Any], other: NDArray[Any]) -> bool:
    n = len(same)
    shares = [
        dict(zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True))
        for labels in (one, other)
    ]
    chance = sum(count * shares[1].get(name, 0) for name, count in shares[0].items()) / n**2
    if n * (1 - chance) < MIN_EVIDENCE:
        return False
    return float((same.mean() - chance) / (1 - chance)) < MIN_KAPPA
