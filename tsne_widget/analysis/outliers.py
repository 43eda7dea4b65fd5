"""Samples unlike all others: the local outlier factor."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.analysis.inputs import as_neighbors
from tsne_widget.errors import InvalidInputError

# Added to mean distances, as a share of their mean, so that duplicates have a finite density.
_CLOSEST = 1e-6
_BLOCK = 16_384  # rows per block, to keep temporary arrays small


def outlier_score(indices: ArrayLike, distances: ArrayLike) -> NDArray[np.float32]:
    """How much sparser a sample's neighbourhood is than those of its neighbours.

    This is the local outlier factor of Breunig, Kriegel, Ng & Sander 2000, "LOF: identifying
    density-based local outliers", SIGMOD.

    Parameters
    ----------
    indices : (n, k) array of int
        Neighbours, nearest first, from :func:`kneighbors`; k is usually 10 to 50.
    distances : (n, k) array of finite numbers ≥ 0
        Distances to these neighbours.

    Returns
    -------
    (n,) float32 array
        About 1 inside a cluster of any density, higher further out. A factor on all distances does
        not change it. Time O(n k), memory O(n) without the arguments.

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> from tsne_widget.analysis import kneighbors
    >>> near = kneighbors([[0.0], [1.0], [2.0], [3.0], [30.0]], k=2)
    >>> int(outlier_score(*near).argmax())
    4
    """
    near, far = as_neighbors("indices", indices), np.asarray(distances)
    blocks = row_blocks(len(near), _BLOCK)
    if (
        far.shape != near.shape
        or far.dtype.kind not in "fiu"
        or not all((np.isfinite(far[rows]) & (far[rows] >= 0)).all() for rows in blocks)
    ):
        raise InvalidInputError(
            f"distances must be finite, not negative and have the shape of indices, {near.shape}; "
            f"got shape {far.shape}; pass both arrays of kneighbors"
        )
    farthest = far[:, -1].astype(np.float64)
    reach, score = np.empty(len(near)), np.empty(len(near), dtype=np.float32)
    for rows in blocks:
        reach[rows] = np.maximum(far[rows], farthest[near[rows]]).mean(axis=1)
    reach = reach / (reach.mean() or 1) + _CLOSEST
    for rows in blocks:
        score[rows] = reach[rows] * (1 / reach[near[rows]]).mean(axis=1)
    return score
