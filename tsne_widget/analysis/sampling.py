"""A sample of the rows in which every class is represented."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_row_set
from tsne_widget.errors import InvalidInputError

# Samples of a small class that are kept before the other classes get their share.
MIN_PER_CLASS = 5


def class_sample(
    codes: ArrayLike, count: int, *, keep: ArrayLike = (), seed: int = 0
) -> NDArray[np.int64]:
    """Rows of a random sample in which every class keeps its share.

    Each class has about the same share of the sample as of all rows, but at least five rows, or all
    of its rows if it has fewer, as long as ``count`` permits.

    Parameters
    ----------
    codes : (n,) array of int
        Class of each sample.
    count : int
        Size of the sample, at least 1; all rows if there are fewer.
    keep : (k,) array of int, or (n,) array of bool, optional
        Rows that the sample must contain; if there are more than ``count``, a sample of these.
    seed : int
        The same seed gives the same rows.

    Returns
    -------
    (min(n, count),) int64 array
        Ascending rows. Time O(n log n), memory O(n).

    Raises
    ------
    InvalidInputError
        If ``count`` is below 1 or ``keep`` is out of range.

    Examples
    --------
    >>> class_sample([0, 0, 0, 0, 1, 1], 3).tolist()
    [2, 3, 5]
    >>> int(class_sample([0, 0, 0, 0, 1, 1], 3, keep=[5])[-1])
    5
    """
    classes = np.asarray(codes)
    n = len(classes)
    if count < 1:
        raise InvalidInputError(f"count={count} must be at least 1")
    kept = as_row_set("keep", keep, n)
    if n <= count:
        return np.arange(n)
    if len(kept) >= count:
        return np.sort(kept[_stratified(classes[kept], count, seed)])
    free = np.ones(n, dtype=bool)
    free[kept] = False
    others = np.flatnonzero(free)
    more = others[_stratified(classes[others], count - len(kept), seed)]
    return np.sort(np.concatenate([kept, more]))


def _stratified(classes: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Positions of ``count`` samples: the first five of each class, then by share."""
    shuffled = np.random.default_rng(seed).permutation(len(classes))
    _, code, counts = np.unique(classes[shuffled], return_inverse=True, return_counts=True)
    by_class = np.argsort(code, kind="stable")
    starts = np.cumsum(counts) - counts
    within = np.empty(len(classes), dtype=np.int64)  # rank of each sample within its class
    within[by_class] = np.arange(len(classes)) - starts[code[by_class]]
    share = (within + 0.5) / counts[code]
    first = within < MIN_PER_CLASS
    order = np.lexsort([np.where(first, within, share), ~first])
    chosen: NDArray[np.int64] = shuffled[order[:count]]
    return chosen
