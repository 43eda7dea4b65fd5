"""Exact nearest neighbours of single samples, limited only by the speed of memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.analysis.inputs import as_matrix, centred
from tsne_widget.errors import InvalidInputError

# Values of a block of differences: they stay in the processor's cache.
_BLOCK_VALUES = 2**17
# Candidates beyond k, so that rounding of the product loses no neighbour before distances are
# computed again from differences.
_SPARE = 16


class NeighborIndex:
    """Features prepared for finding the nearest samples of one sample at a time.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map; one float32 copy is kept. Time O(n d), memory O(n d).

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
        self._points, self._unit = centred(as_matrix("features", features))
        self._lengths = np.einsum("ij,ij->i", self._points, self._points)

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
        squared = self._lengths - 2 * (self._points @ self._points[row])
        squared[row] = np.inf
        kept = min(k + _SPARE, n - 1)
        rows = np.sort(np.argpartition(squared, kept - 1)[:kept])
        # |x|² + |y|² − 2xy loses digits between close points; differences do not.
        differences = self._points[rows].astype(np.float64) - self._points[row]
        distances = np.sqrt(np.square(differences).sum(axis=1))
        order = np.argsort(distances, kind="stable")[:k]
        return rows[order], (distances[order] * self._unit).astype(np.float32)

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
        return (np.sqrt(squared) * self._unit).astype(np.float32)

    def _check_row(self, row: int) -> None:
        if not 0 <= row < len(self):
            raise InvalidInputError(f"row={row} must be 0 … {len(self) - 1}; rows are not ids")
