"""Faithfulness of a map: trustworthiness and continuity of each point."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import ids_of, in_one_order
from tsne_widget._validation import as_rows, check_finite, row_blocks
from tsne_widget.analysis.inputs import as_matrix, centring, feature_blocks
from tsne_widget.errors import InvalidInputError

BLOCK_BYTES = 32 * 2**20  # of one table of distances between a block of rows and all rows
# Products of float32 rows are too coarse for a squared distance below this share of |x|².
COARSE = 1e-3


class Faithfulness(NamedTuple):
    """For each point, how far its neighbours on the map and in feature space agree."""

    trustworthiness: NDArray[np.float32]
    """(m,) float32, 0 … 1; 1 if the neighbours on the map are neighbours in feature space."""
    continuity: NDArray[np.float32]
    """(m,) float32, 0 … 1; 1 if the neighbours in feature space are neighbours on the map."""


@in_one_order("features", "embedding")
def faithfulness(
    features: ArrayLike, embedding: ArrayLike, k: int = 15, *, rows: ArrayLike | None = None
) -> Faithfulness:
    """Trustworthiness and continuity of each point of a map, exactly.

    Trustworthiness decreases for each of a point's k neighbours on the map that is not among its k
    neighbours in feature space, by that neighbour's rank there. Continuity exchanges the two roles.
    Both are divided by the largest possible penalty. Their means over all points are the measures
    of Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods", ICANN.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map; one float32 copy is made.
    embedding : (n, 2) array of finite numbers
        The map.
    k : int
        Number of neighbours, 1 … less than n / 2.
    rows : (m,) array of int, or (n,) array of bool, optional
        Measure only these points. Default: all.

    Returns
    -------
    Faithfulness
        ``trustworthiness`` and ``continuity``, each (m,) float32, in the order of ``rows``. Time
        O(m n (d + k)), memory O(n d) for the copy.

    Raises
    ------
    InvalidInputError
        If a shape or dtype is wrong, a value is not finite, or ``k`` or ``rows`` is out of range.

    Examples
    --------
    >>> line = [[0.0], [1.0], [2.5], [4.5], [7.0]]
    >>> folded = [[0.0, 0.0], [1.0, 0.0], [2.5, 0.0], [4.5, 0.0], [-0.5, 0.0]]
    >>> faithfulness(line, folded, k=1).trustworthiness
    array([0., 1., 1., 1., 0.], dtype=float32)
    """
    matrix = as_matrix("features", features)
    n = len(matrix)
    places = as_matrix("embedding", embedding, n)
    if not 1 <= k < n / 2:
        raise InvalidInputError(f"k={k} must be from 1 to less than n / 2 = {n / 2:g}")
    check_finite("embedding", places)
    chosen = np.arange(n) if rows is None else as_rows("rows", rows, n, ids_of(features))
    tables = _FeatureDistances(matrix, k), _MapDistances(places)
    return Faithfulness(*_local(*tables, n, k, chosen).astype(np.float32))


class _FeatureDistances:
    """Squared distances between features, from products, or from differences if those are coarse.

    All distances of a row lack the same |x|², which keeps their order.
    """

    def __init__(self, features: NDArray[Any], k: int) -> None:
        self._features, self._k = features, k
        self._transform = centring(features)
        self._points = self._transform.points(features)
        self._lengths = np.einsum("ij,ij->i", self._points, self._points)

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """(m, n) distances of some rows to all rows; ∞ to itself."""
        table = (-2 * self._points[rows]) @ self._points.T
        table += self._lengths
        table[np.arange(len(rows)), rows] = np.inf
        own = self._lengths[rows]
        nearest = np.partition(table, self._k - 1, axis=1)[:, self._k - 1] + own
        coarse = nearest < COARSE * own
        if coarse.any():
            table = table.astype(np.float64)
            table[coarse] = [self._from_differences(row) for row in rows[coarse]]
        return table

    def _from_differences(self, row: np.int64) -> NDArray[np.float64]:
        squared = np.empty(len(self._features))
        own = self._transform.digits(self._features[row : row + 1])
        for block in feature_blocks(*self._features.shape):
            difference = self._transform.digits(self._features[block]) - own
            squared[block] = np.einsum("ij,ij->i", difference, difference)
        squared[row] = np.inf
        return squared


class _MapDistances:
    """Squared distances on a map, from differences."""

    def __init__(self, embedding: NDArray[Any]) -> None:
        transform = centring(embedding)
        self._columns = transform.digits(embedding).T

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(m, n) distances of some rows to all rows; ∞ to itself."""
        table = np.zeros((len(rows), self._columns.shape[1]))
        for column in self._columns:
            table += np.square(column[rows, np.newaxis] - column)
        table[np.arange(len(rows)), rows] = np.inf
        return table


def _local(
    in_features: _FeatureDistances, on_map: _MapDistances, n: int, k: int, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Trustworthiness and continuity of the rows, (2, m)."""
    penalties = np.empty((2, len(rows)))
    for block in row_blocks(len(rows), BLOCK_BYTES // (8 * n)):
        high, flat = in_features(rows[block]), on_map(rows[block])
        near_high, near_flat = (np.argpartition(t, k, axis=1)[:, :k] for t in (high, flat))
        penalties[0, block] = _excess_ranks(high, near_flat, near_high)
        penalties[1, block] = _excess_ranks(flat, near_high, near_flat)
    return np.asarray(1 - penalties / (k * (2 * n - 3 * k - 1) / 2))


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
