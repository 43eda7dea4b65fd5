"""Candidates for the neighbours of all rows, from one product for each pair of rows.

Rows are sorted into leaves of equal size, so that near rows are mostly in one leaf or in leaves
nearby. A tile is the product of two leaves; it serves the rows of both. Leaf i meets leaf i XOR r
in round r, so the nearest leaves come first: soon a row has candidates so close that few others are
considered. The tiles of a round share no leaf, so threads can compute them in any order.
"""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection.start import principal_scores
from tsne_widget.projection.workers import Workers

# Largest leaf; a tile of products fits in the cache of a core.
LEAF = 768
# Principal components along which rows are sorted.
DIMENSIONS = 8
# Room for candidates beyond those needed, as a share of these.
ROOM = 0.5
# Rows whose candidates are sorted together.
ROWS = 1024


class Candidates:
    """The nearest rows of each row by the lower bound of their distance.

    Parameters
    ----------
    points : (n, d) float32 array
    lengths : (n,) float32 array
        Lower bounds of |x|².
    keep : int
        Number of candidates of each row, fewer than n.
    workers : Workers
    loops : module
        ``numba_search``.
    """

    def __init__(
        self,
        points: NDArray[np.float32],
        lengths: NDArray[np.float32],
        keep: int,
        workers: Workers,
        loops: ModuleType,
    ) -> None:
        n = len(points)
        self.keep = keep
        self.order, leaves = sorted_into_leaves(points, workers, LEAF)
        self._points = torch.from_numpy(points[self.order])
        self._bounds = np.full(n, np.inf, np.float32)
        self._counts = np.zeros(n, np.int64)
        self._values = np.empty((n, keep + max(32, int(ROOM * keep))), np.float32)
        self._columns = np.zeros(self._values.shape, np.int32)
        state = (keep, self._values, self._columns, self._counts, self._bounds)
        lengths = lengths[self.order]

        def meet(pair: tuple[int, int]) -> None:
            one, other = (leaves[leaf] for leaf in pair)
            products = self._points[one] @ self._points[other].T
            loops.offer(products.numpy(), one.start, other.start, lengths, *state)

        for step in range(len(leaves)):
            pairs = [(i, i ^ step) for i in range(len(leaves)) if i <= i ^ step]
            workers.map(meet, pairs)
        workers.map(lambda rows: loops.finish(rows.start, rows.stop, *state), leaves)

    def blocks(self) -> list[slice]:
        """Blocks of rows for :meth:`of`."""
        return row_blocks(len(self.order), ROWS)

    def of(self, block: slice) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
        """Row numbers (b,), and the bounds and row numbers of their candidates, (b, keep)."""
        columns = self.order[self._columns[block, : self.keep]]
        return self.order[block], self._values[block, : self.keep], columns


def sorted_into_leaves(
    points: NDArray[np.float32], workers: Workers, size: int
) -> tuple[NDArray[np.int64], list[slice]]:
    """An order of the rows in which near rows are together, and its leaves.

    Each half is divided again at the median of the principal component with the largest variance.

    Parameters
    ----------
    points : (n, d) float32 array
    workers : Workers
    size : int
        Largest number of rows of a leaf; the number of leaves is a power of 2.

    Returns
    -------
    order : (n,) int64 array
        Row numbers.
    leaves : list of slice
        Parts of the order, of equal size up to one row.
    """
    n = len(points)
    levels = max(0, int(np.ceil(np.log2(n / size))))
    bounds = np.linspace(0, n, 2**levels + 1).astype(int).tolist()
    scores = principal_scores(points, DIMENSIONS, workers)
    order = np.arange(n)
    for level in range(levels):
        width = 2 ** (levels - level)
        for first in range(0, 2**levels, width):
            part = order[bounds[first] : bounds[first + width]]
            axis = scores[part].var(0).argmax()
            middle = bounds[first + width // 2] - bounds[first]
            part[:] = part[np.argpartition(scores[part, axis], middle)]
    return order, [slice(first, last) for first, last in pairwise(bounds)]
