"""Some of the samples in place of all: each class has its share, and none is lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_rows
from tsne_widget.errors import InvalidInputError

# Samples of a small class that are kept before the others get their share.
LEAST = 5


def class_sample(
    codes: ArrayLike, count: int, *, keep: ArrayLike = (), seed: int = 0
) -> NDArray[np.int64]:
    """Rows of a sample in which every class has its share.

    A class has about the share of the sample that it has of the whole, and at least five samples,
    or all of its own where it has fewer, as far as they fit.

    Parameters
    ----------
    codes : (n,) array of int
        Class of each sample.
    count : int
        Samples to take, at least 1; all where there are no more.
    keep : (k,) array of int, or (n,) array of bool, optional
        Samples to take in any case; of more than ``count``, every class's share of them.
    seed : int
        The same seed takes the same samples.

    Returns
    -------
    (min(n, count),) int64 array
        Rows, ascending. Time O(n log n), memory O(n).

    Raises
    ------
    InvalidInputError
        If count is below 1, or keep is not of these samples.

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
        raise InvalidInputError(f"count={count} must be at least 1, the samples to take")
    kept = np.unique(as_rows("keep", keep, n))
    if n <= count:
        return np.arange(n)
    if len(kept) >= count:
        return np.sort(kept[_spread(classes[kept], count, seed)])
    free = np.ones(n, dtype=bool)
    free[kept] = False
    others = np.flatnonzero(free)
    more = others[_spread(classes[others], count - len(kept), seed)]
    return np.sort(np.concatenate([kept, more]))


def _spread(classes: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Positions of ``count`` of these samples: the first five of each class, then by share."""
    shuffled = np.random.default_rng(seed).permutation(len(classes))
    _, code, counts = np.unique(classes[shuffled], return_inverse=True, return_counts=True)
    by_class = np.argsort(code, kind="stable")
    starts = np.cumsum(counts) - counts
    within = np.empty(len(classes), dtype=np.int64)  # how many of its class come before each
    within[by_class] = np.arange(len(classes)) - starts[code[by_class]]
    share = (within + 0.5) / counts[code]
    first = within < LEAST
    order = np.lexsort([np.where(first, within, share), ~first])
    chosen: NDArray[np.int64] = shuffled[order[:count]]
    return chosen
