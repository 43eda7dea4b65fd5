"""Exact nearest neighbours, computed in blocks of matrix products."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection.workers import Workers

# Size in bytes of the distances from a block of rows to all rows. It fits in the cache on several
# threads.
BLOCK_BYTES = 8 * 2**20
# Up to this size in bytes the whole distance matrix is stored, and only its upper half multiplied.
SYMMETRIC_BYTES = 192 * 2**20
SYMMETRIC_ROWS = 256
# Groups of columns per neighbour; the k nearest rows lie in the k groups with the lowest minima.
GROUPS_PER_NEIGHBOR = 12
# |x|² + |y|² − 2xy loses digits if the squared distance is below this share of |x|².
CANCELLATION = 1e-3
# Candidates beyond k, so that rounding in the product does not lose a neighbour.
SPARE = 8


class Neighbors(NamedTuple):
    """The k nearest rows of each of m rows, nearest first."""

    indices: NDArray[np.int32]
    """(m, k) int32: row numbers in the reference."""
    squared: NDArray[np.float32]
    """(m, k) float32: squared Euclidean distances."""

    def as_cosine(self) -> Neighbors:
        """Squared cosine distances (1 − cos)² for rows of unit length, as scikit-learn uses."""
        return self._replace(squared=np.asarray((self.squared / 2) ** 2, np.float32))

    def rows(self, rows: slice) -> Neighbors:
        """The neighbours of a block of rows."""
        return Neighbors(self.indices[rows], self.squared[rows])


def nearest(
    X: NDArray[np.float32],
    k: int,
    workers: Workers,
    *,
    queries: NDArray[np.float32] | None = None,
) -> Neighbors:
    """The k nearest rows of ``X`` by Euclidean distance, for each row of ``X`` or ``queries``.

    Parameters
    ----------
    X : (n, d) float32 array
        Finite and approximately centred.
    k : int
        1 to n − 1, or 1 to n with queries.
    workers : Workers
        Threads to use.
    queries : (m, d) float32 array, optional
        By default the rows of ``X``; a row is not its own neighbour. With queries, distances are
        computed from differences, so a row's result does not depend on the other queries.

    Returns
    -------
    Neighbors
        Rows at equal distances are in ascending order.
    """
    n = len(X)
    reference = torch.from_numpy(X)
    lengths = reference.square().sum(1)
    own = queries is None
    targets = reference if queries is None else torch.from_numpy(queries)
    m = len(targets)
    candidates = min(k + SPARE, n - 1 if own else n)
    indices = np.empty((m, k), np.int32)
    squared = np.empty((m, k), np.float32)

    def select(rows: slice, distances: torch.Tensor) -> None:
        if own:
            block = torch.arange(rows.stop - rows.start)
            distances[block, block + rows.start] = torch.inf
        values, positions = smallest(distances, candidates)
        values += targets[rows].square().sum(1, keepdim=True)
        columns, found = positions.numpy(), values.numpy()
        recompute(X, X if queries is None else queries, rows, columns, found, everywhere=not own)
        order = np.lexsort((columns, found), axis=1)[:, :k]
        indices[rows] = np.take_along_axis(columns, order, 1)
        squared[rows] = np.take_along_axis(found, order, 1)

    def search(rows: slice) -> None:
        select(rows, torch.addmm(lengths, targets[rows], reference.T, alpha=-2.0))

    if own and 4 * n * n <= SYMMETRIC_BYTES:
        table = _symmetric(reference, lengths, workers)
        workers.map(lambda rows: select(rows, table[rows]), row_blocks(n, SYMMETRIC_ROWS))
    else:
        workers.map(search, row_blocks(m, max(64, min(1024, BLOCK_BYTES // (4 * n)))))
    return Neighbors(indices, squared)


def smallest(values: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k smallest values of each row, unordered, and their columns.

    Columns are divided into groups. The k smallest values lie in the k groups with the lowest
    minima, because every other group has at least k smaller values outside it. Selecting among the
    minima and then within k groups reads less memory than selecting among all values.

    Parameters
    ----------
    values : (m, n) tensor
    k : int

    Returns
    -------
    values, columns : (m, k) tensors
    """
    m, n = values.shape
    groups = GROUPS_PER_NEIGHBOR * k
    depth = n // groups
    if depth < 4:
        found = values.topk(k, largest=False, sorted=False)
        return found.values, found.indices
    grouped = values[:, : groups * depth].view(m, depth, groups)
    lowest = grouped.amin(1).topk(k, largest=False, sorted=False).indices
    inside = grouped.gather(2, lowest[:, None].expand(m, depth, k)).reshape(m, depth * k)
    steps = torch.arange(depth, device=values.device)[:, None] * groups
    columns = (lowest[:, None] + steps).reshape(m, depth * k)
    remainder = torch.arange(groups * depth, n, device=values.device).expand(m, -1)
    columns = torch.cat([columns, remainder], 1)
    inside = torch.cat([inside, values[:, groups * depth :]], 1)
    found = inside.topk(k, largest=False, sorted=False)
    return found.values, columns.gather(1, found.indices)


def recompute(
    X: NDArray[np.float32],
    targets: NDArray[np.float32],
    rows: slice,
    columns: NDArray[np.int64],
    squared: NDArray[np.float32],
    *,
    everywhere: bool,
) -> None:
    """Recompute squared distances from differences, in place.

    Parameters
    ----------
    X : (n, d) float32 array
    targets : (m, d) float32 array
    rows : slice
        Block of ``targets``.
    columns : (rows, k) int array
        Row numbers in ``X``.
    squared : (rows, k) float32 array
        Squared distances between ``targets[rows]`` and ``X[columns]``.
    everywhere : bool
        Recompute all distances. By default only those that lost digits to cancellation.
    """
    block = targets[rows]
    lengths = np.einsum("ij,ij->i", block, block)
    close = squared < CANCELLATION * lengths[:, None]
    pairs = np.nonzero(np.ones_like(close) if everywhere else close)
    for part in row_blocks(len(pairs[0]), BLOCK_BYTES // (4 * X.shape[1])):
        i, j = (axis[part] for axis in pairs)
        difference = X[columns[i, j]] - block[i]
        squared[i, j] = (difference * difference).sum(1)


def _symmetric(X: torch.Tensor, lengths: torch.Tensor, workers: Workers) -> torch.Tensor:
    """(n, n) table of |xⱼ|² − 2xᵢxⱼ; each product is computed once."""
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
