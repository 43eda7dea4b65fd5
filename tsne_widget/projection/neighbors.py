"""Exact nearest neighbours, computed in blocks of matrix products."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection import compiled
from tsne_widget.projection.candidates import SPARE, smallest
from tsne_widget.projection.rows import BLOCK_BYTES, Rows, pair_distances, rounding_share
from tsne_widget.projection.spread import settle
from tsne_widget.projection.tiles import Candidates
from tsne_widget.projection.workers import Workers

# Up to this size in bytes the whole distance matrix is stored, and only its upper half multiplied.
SYMMETRIC_BYTES = 192 * 2**20
SYMMETRIC_ROWS = 256
# |x|² + |y|² − 2xy loses digits if the squared distance is below this share of |x|² + |y|².
CANCELLATION = 2e-3
# Differences of float32 rows lose digits of a squared distance below this share of |x|².
PRECISE = 1e-6


class Neighbors(NamedTuple):
    """The k nearest rows of each of m rows, nearest first."""

    indices: NDArray[np.int32]
    """(m, k) int32: row numbers in the reference."""
    squared: NDArray[np.float32]
    """(m, k) float32: squared Euclidean distances."""

    def as_cosine(self) -> Neighbors:
        """Squared cosine distances (1 − cos)² for rows of unit length, as scikit-learn uses."""
        return self._replace(squared=np.asarray((self.squared / 2) ** 2, np.float32))

    def in_order(self, order: NDArray[np.int64]) -> Neighbors:
        """The same neighbours where row i is the row ``order[i]`` of all."""
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return Neighbors(places[self.indices[order]], self.squared[order])

    def rows(self, rows: slice) -> Neighbors:
        """The neighbours of a block of rows."""
        return Neighbors(self.indices[rows], self.squared[rows])

    def need_digits(self, points: NDArray[np.float32]) -> bool:
        """Whether float32 is too coarse for some of the distances between these (m, d) points."""
        coarse = PRECISE * np.einsum("ij,ij->i", points, points)
        last = self.squared[:, -1]
        return bool(((last > 0) & (last < coarse)).any())


def nearest(
    X: NDArray[np.float32] | Rows,
    k: int,
    workers: Workers,
    *,
    queries: NDArray[np.float32] | Rows | None = None,
) -> Neighbors:
    """The k nearest rows of ``X`` by Euclidean distance, for each row of ``X`` or ``queries``.

    Products in float32 find candidates. Each row then verifies that rounding cannot have hidden a
    neighbour; the rows that cannot verify it are searched by :func:`spread.settle`.

    Parameters
    ----------
    X : (n, d) float32 array, or Rows
        Finite and approximately centred.
    k : int
        1 to n − 1, or 1 to n with queries.
    workers : Workers
        Threads to use.
    queries : (m, d) float32 array, or Rows, optional
        By default the rows of ``X``; a row is not its own neighbour. With queries, distances are
        computed from differences, so a row's result does not depend on the other queries.

    Returns
    -------
    Neighbors
        Rows at equal distances are in ascending order; distances are equal if they differ by no
        more than the rounding of float32.
    """
    reference = Rows.of(X)
    targets = None if queries is None else Rows.of(queries)
    search = _Search(reference, targets, k)
    n, m = len(reference.points), len(search.points)
    has_table = targets is None and 4 * n * n <= SYMMETRIC_BYTES
    loops = None if has_table or targets is not None else compiled.loops("numba_search")
    if has_table:
        table = _symmetric(torch.from_numpy(reference.points), search.lengths, workers)
        blocks = row_blocks(n, SYMMETRIC_ROWS)
        workers.map(lambda rows: search.select(rows, table[rows]), blocks)
        del table
    elif loops is not None:
        tiles = Candidates(
            reference.points, search.lengths.numpy(), search.candidates, workers, loops
        )
        workers.map(lambda block: search.store(*tiles.of(block)), tiles.blocks())
        del tiles
    else:
        blocks = row_blocks(m, max(64, min(1024, BLOCK_BYTES // (4 * n))))
        workers.map(search.multiply, blocks)
    bounds = search.bounds
    rows = np.flatnonzero(bounds)
    if len(rows):
        settled = settle(reference, targets, rows, bounds[rows], k, workers)
        search.indices[rows], search.squared[rows] = settled
    return Neighbors(search.indices, search.squared)


class _Search:
    """A search for candidates by products of float32 rows.

    Products give the squared distance of x and y up to e = ``share`` (|x|² + |y|²), so candidates
    are selected by the lowest bound, distance − e. A row outside them is no nearer than ``floor``,
    the highest bound among them.
    """

    def __init__(self, reference: Rows, targets: Rows | None, k: int) -> None:
        self.reference, self.targets, self.k = reference, targets, k
        self.points = (targets or reference).points
        n, d = reference.points.shape
        self.candidates = min(k + SPARE, n - 1 if targets is None else n)
        self.is_complete = self.candidates >= n - (targets is None)
        self.share = rounding_share(d, np.float32)
        self._of_reference = torch.from_numpy(reference.points).square().sum(1)
        self.lengths = self._of_reference * (1 - self.share)
        self.indices = np.empty((len(self.points), k), np.int32)
        self.squared = np.empty((len(self.points), k), np.float32)
        self.bounds = np.empty(len(self.points))
        """(m,): 0 for rows whose neighbours are certain; for others a squared distance within
        which they have k neighbours."""

    def multiply(self, rows: slice) -> None:
        """Search for a block of targets; see :meth:`select`."""
        points = torch.from_numpy(self.points[rows])
        reference = torch.from_numpy(self.reference.points)
        self.select(rows, torch.addmm(self.lengths, points, reference.T, alpha=-2.0))

    def select(self, rows: slice, lower: torch.Tensor) -> None:
        """Store the neighbours of a block of targets.

        Parameters
        ----------
        rows : slice
        lower : (b, n) float32 tensor
            Lower bounds of the squared distances, less ``(1 - share) |x|²`` of the target x;
            changed.
        """
        if self.targets is None:
            lower.diagonal(rows.start).fill_(torch.inf)
        values, positions = smallest(lower, self.candidates)
        own = torch.from_numpy(self.points[rows]).square().sum(1, keepdim=True)
        values += own * (1 - self.share)
        self.store(np.arange(rows.start, rows.stop), values.numpy(), positions.numpy())

    def store(
        self, rows: NDArray[np.int64], low: NDArray[np.float32], columns: NDArray[np.int64]
    ) -> None:
        """Store the nearest candidates of some targets.

        Parameters
        ----------
        rows : (b,) int64 array
        low : (b, candidates) float32 array
            Lower bounds of the squared distances of the candidates.
        columns : (b, candidates) int64 array
            Row numbers of the candidates in the reference.
        """
        own = np.square(self.points[rows]).sum(1, keepdims=True)
        lengths = own + self._of_reference.numpy()[columns]
        error = self.share * lengths
        squared = low + error
        floor = np.full(len(low), np.inf) if self.is_complete else low.max(1)
        if self.targets is None:
            exact = self._needs_digits(low, squared, error, floor, lengths)
        else:
            exact = np.ones(low.shape, bool)
        pairs = (rows[np.nonzero(exact)[0]], columns[exact])
        squared[exact] = pair_distances(self.reference, self.targets, *pairs)
        error[exact] = 0
        order = np.lexsort((columns, squared), axis=1)[:, : self.k]
        self.indices[rows] = np.take_along_axis(columns, order, 1)
        self.squared[rows] = np.take_along_axis(squared, order, 1)
        bounds = np.take_along_axis(squared + error, order, 1).max(1).astype(np.float64)
        self.bounds[rows] = np.where(bounds <= floor, 0.0, bounds)

    def _needs_digits(
        self,
        low: NDArray[np.float32],
        squared: NDArray[np.float32],
        error: NDArray[np.float32],
        floor: NDArray[np.float32],
        lengths: NDArray[np.float32],
    ) -> NDArray[np.bool_]:
        """(b, c): distances that are too coarse to tell whether they are among the k smallest."""
        last = self.k - 1
        high = squared + error
        sufficient = np.partition(high, last, 1)[:, last]  # within it are k rows at least
        necessary = np.partition(low, last, 1)[:, last]  # within it are k rows at most
        possible = low <= sufficient[:, None]
        doubtful = (possible.sum(1) > self.k) | (sufficient > floor)
        possible &= high >= necessary[:, None]
        possible &= doubtful[:, None]
        possible |= squared < CANCELLATION * lengths
        return possible


def _symmetric(X: torch.Tensor, lengths: torch.Tensor, workers: Workers) -> torch.Tensor:
    """(n, n) table of ``lengths[j]`` − 2xᵢxⱼ; each product is computed once."""
    n = len(X)
    table = X.new_empty((n, n))

    def multiply(rows: slice) -> None:
        right = table[rows, rows.start :]
        right.copy_(X[rows] @ X[rows.start :].T)
        table[rows.stop :, rows] = right[:, rows.stop - rows.start :].T

    workers.map(multiply, row_blocks(n, SYMMETRIC_ROWS))
    workers.map(lambda rows: table[rows].mul_(-2.0).add_(lengths), row_blocks(n, SYMMETRIC_ROWS))
    return table


def itself_last(indices: NDArray[Any], rows: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Positions of the first k entries of each row of ``indices``, its own row number moved last.

    Parameters
    ----------
    indices : (m, k + 1) int array
    rows : (m,) int64 array
        Row number of each query.
    """
    return np.argsort(indices == rows[:, None], axis=1, kind="stable")[:, :k]
