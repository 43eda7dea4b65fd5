"""Exact nearest neighbours of single samples, limited only by the speed of memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.analysis.inputs import as_matrix, centring, feature_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.rows import rounding_share

# Values of a block of differences: they stay in the processor's cache.
_BLOCK_VALUES = 2**17
# Candidates beyond k, so that rounding of the product loses no neighbour before distances are
# computed again from differences.
_SPARE = 16
# Float32 loses digits of a squared distance below this share of |x|² + |y|².
_COARSE = 1e-3
# Rows whose neighbours show whether float32 is enough.
_PROBES = 8


class NeighborIndex:
    """Features prepared for finding the nearest samples of one sample at a time.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map; one float32 copy is kept, and one in float64 if neighbours are close
        compared to the spread of the data. Time O(n d), memory O(n d).

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is not finite.

    Examples
    --------
    >>> index = NeighborIndex([[0.0], [1.0], [5.0]])
    >>> index.nearest_to(2, k=1)
    (array([1]), array([4.], dtype=float32))
    """

    def __init__(self, features: ArrayLike) -> None:
        matrix = as_matrix("features", features)
        transform = centring(matrix)
        self._points, self._unit = transform.points(matrix), transform.unit
        self._lengths = np.einsum("ij,ij->i", self._points, self._points)
        self._share = rounding_share(self._points.shape[1], np.float32)
        self._digits: NDArray[np.floating] = self._points
        if self._is_coarse():
            blocks = feature_blocks(*matrix.shape)
            self._digits = np.concatenate([transform.digits(matrix[block]) for block in blocks])

    def _is_coarse(self) -> bool:
        """Whether float32 is too coarse for the distances to the neighbours of some rows."""
        n = len(self)
        k = min(_SPARE, n - 1)
        probes = np.linspace(0, n - 1, min(n, _PROBES)).astype(int)
        squared = self._lengths - 2 * (self._points[probes] @ self._points.T)
        squared += self._lengths[probes, np.newaxis]
        return bool(
            (np.partition(squared, k, axis=1)[:, k] < _COARSE * self._lengths[probes]).any()
        )

    def __len__(self) -> int:
        return len(self._points)

    def nearest_to(self, row: int, k: int = 15) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k nearest other samples of one sample, exactly, nearest first.

        Parameters
        ----------
        row : int
            0 … n − 1.
        k : int
            1 … n − 1.

        Returns
        -------
        rows : (k,) int64 array
            Samples at the same distance, up to the rounding of float32, are in any order.
        distances : (k,) float32 array
            Euclidean, in the unit of the features. Time O(n d), memory O(n).

        Raises
        ------
        InvalidInputError
            If ``row`` or ``k`` is out of range.
        """
        self._check_row(row)
        n = len(self)
        if not 1 <= k < n:
            raise InvalidInputError(f"k={k} must be 1 … {n - 1}, less than the {n} samples")
        lower = self._lengths * (1 - self._share) - 2 * (self._points @ self._points[row])
        lower[row] = np.inf
        kept = min(k + _SPARE, n - 1)
        rows = np.sort(np.argpartition(lower, kept - 1)[:kept])
        squared = self._exactly(rows, row)
        floor = lower[rows].max() + self._lengths[row] * (1 - self._share)  # of all other rows
        if kept < n - 1 and np.partition(squared, k - 1)[k - 1] > floor:
            rows = np.delete(np.arange(n), row)
            squared = self._exactly(rows, row)
        order = np.argsort(squared, kind="stable")[:k]
        return rows[order], (np.sqrt(squared[order]) * self._unit).astype(np.float32)

    def _exactly(self, rows: NDArray[np.int64], row: int) -> NDArray[np.float64]:
        """Squared distances of some rows to one, from differences with all digits."""
        squared = np.empty(len(rows))
        own = self._digits[row].astype(np.float64)
        for block in row_blocks(len(rows), _BLOCK_VALUES // len(own)):
            differences = self._digits[rows[block]] - own
            squared[block] = np.einsum("ij,ij->i", differences, differences)
        return squared

    def distances_to(self, row: int) -> NDArray[np.float32]:
        """Distances of all samples to one of them.

        Parameters
        ----------
        row : int
            0 … n − 1.

        Returns
        -------
        (n,) float32 array
            Euclidean, in the unit of the features; 0 for the sample itself. Time O(n d), memory
            O(n).

        Raises
        ------
        InvalidInputError
            If ``row`` is out of range.

        Examples
        --------
        >>> NeighborIndex([[0.0], [1.0], [5.0]]).distances_to(2)
        array([5., 4., 0.], dtype=float32)
        """
        self._check_row(row)
        squared = np.empty(len(self), dtype=np.float32)
        for block in row_blocks(len(self), _BLOCK_VALUES // self._points.shape[1]):
            differences = self._points[block] - self._points[row]
            squared[block] = np.einsum("ij,ij->i", differences, differences)
        if self._digits is not self._points:
            near = np.flatnonzero(squared < _COARSE * self._lengths[row])
            squared[near] = self._exactly(near, row)
        return (np.sqrt(squared) * self._unit).astype(np.float32)

    def _check_row(self, row: int) -> None:
        if not 0 <= row < len(self):
            raise InvalidInputError(f"row={row} must be 0 … {len(self) - 1}; rows are not ids")
