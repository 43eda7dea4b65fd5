"""Trustworthiness and continuity of each point of a map (Venna & Kaski 2001)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks

BLOCK_BYTES = 32 * 2**20  # of one table of distances between a block of rows and all rows


def local_faithfulness(
    features: NDArray[Any], embedding: NDArray[Any], k: int, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Trustworthiness and continuity of some points, exactly.

    Trustworthiness decreases for each of a point's k neighbours on the map that is not among its k
    neighbours in the features, by that neighbour's rank there; continuity exchanges the two roles.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        Centred, with magnitudes about 1.
    embedding : (n, 2) array of finite numbers
        Centred.
    k : int
        1 … less than n / 2.
    rows : (m,) int64 array
        The points to measure.

    Returns
    -------
    (2, m) float64 array
        Trustworthiness, then continuity, 0 … 1. Time O(m n (d + k)).
    """
    n = len(features)
    lengths = [np.einsum("ij,ij->i", points, points) for points in (features, embedding)]
    penalties = np.empty((2, len(rows)))
    for block in row_blocks(len(rows), BLOCK_BYTES // (8 * n)):
        high = _distances(features, lengths[0], rows[block])
        flat = _distances(embedding, lengths[1], rows[block])
        near_high, near_flat = (np.argpartition(t, k, axis=1)[:, :k] for t in (high, flat))
        penalties[0, block] = _excess_ranks(high, near_flat, near_high)
        penalties[1, block] = _excess_ranks(flat, near_high, near_flat)
    return np.asarray(1 - penalties / (k * (2 * n - 3 * k - 1) / 2))


def _distances(
    points: NDArray[Any], lengths: NDArray[Any], rows: NDArray[np.int64]
) -> NDArray[Any]:
    """(m, n) squared distances minus the row's own |x|², which keeps their order; ∞ to itself."""
    table = (-2 * points[rows]) @ points.T
    table += lengths
    table[np.arange(len(rows)), rows] = np.inf
    return np.asarray(table)


def _excess_ranks(
    table: NDArray[Any], found: NDArray[np.int64], true: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(m,) for each row, the sum of rank − k over the found neighbours whose rank exceeds k."""
    k = found.shape[1]
    bound = np.take_along_axis(table, true, 1).max(axis=1)  # distance of the true k-th neighbour
    reach = np.take_along_axis(table, found, 1)
    excess = np.zeros(len(table), dtype=np.int64)
    for i, j in zip(*np.nonzero(reach > bound[:, np.newaxis]), strict=True):
        excess[i] += np.count_nonzero(table[i] < reach[i, j]) + 1 - k
    return excess
