"""Exact nearest neighbours by blocks of matrix products."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.workers import Workers

# Distances of one block of rows to all others: small enough to stay cached on several threads.
BLOCK_BYTES = 8 * 2**20
# Below this the whole distance matrix is kept and only its upper half is multiplied.
SYMMETRIC_BYTES = 192 * 2**20
# Columns are compared by the smallest of a group first: the k nearest lie in the k nearest groups.
GROUPS_PER_NEIGHBOR = 12
# |x|² + |y|² − 2xy loses digits where points are closer than this share of their own lengths.
CANCELLATION = 1e-3
# Candidates beyond k that absorb the rounding of the product before distances are recomputed.
SPARE = 8


class Neighbors(NamedTuple):
    """The nearest rows of each row, nearest first."""

    indices: NDArray[np.int32]
    """(m, k) int32: rows of the reference."""
    squared: NDArray[np.float32]
    """(m, k) float32: squared Euclidean distances."""

    def as_cosine(self) -> Neighbors:
        """For rows of unit length: (1 − cos)², since scikit-learn squares any metric."""
        return self._replace(squared=np.asarray((self.squared / 2) ** 2, np.float32))


def nearest(
    X: NDArray[np.float32],
    k: int,
    workers: Workers,
    *,
    queries: NDArray[np.float32] | None = None,
    device: str = "cpu",
) -> Neighbors:
    """The k nearest rows of ``X`` by Euclidean distance, for each row of ``X`` or of ``queries``.

    Parameters
    ----------
    X : (n, d) float32 array
        Finite, about centred.
    k : int
        1 ≤ k ≤ n − 1; up to n with queries.
    workers : Workers
        Threads to use on the CPU.
    queries : (m, d) float32 array, optional
        Without it, the rows of ``X`` themselves, each without itself. With it, every distance is
        computed row by row, so that a row's result does not depend on the others in the call.
    device : str
        torch device of the products.

    Returns
    -------
    Neighbors
        Ties are in the order of the rows.
    """
    n = len(X)
    reference = torch.from_numpy(X).to(device)
    lengths = reference.square().sum(1)
    own = queries is None
    targets = reference if queries is None else torch.from_numpy(queries).to(device)
    m = len(targets)
    kept = min(k + SPARE, n - 1 if own else n)
    indices = np.empty((m, k), np.int32)
    squared = np.empty((m, k), np.float32)

    def finish(rows: slice, distances: torch.Tensor) -> None:
        if own:
            block = torch.arange(rows.stop - rows.start, device=device)
            distances[block, block + rows.start] = torch.inf
        found, columns = smallest(distances, kept)
        found += targets[rows].square().sum(1, keepdim=True)
        columns_, found_ = columns.cpu().numpy(), found.cpu().numpy()
        refine(X, X if queries is None else queries, rows, columns_, found_, always=not own)
        order = np.lexsort((columns_, found_), axis=1)[:, :k]
        indices[rows] = np.take_along_axis(columns_, order, 1)
        squared[rows] = np.take_along_axis(found_, order, 1)

    if own and 4 * n * n <= SYMMETRIC_BYTES:
        table = _symmetric(reference, lengths, workers)
        workers.map(lambda rows: finish(rows, table[rows]), _blocks(n, 256))
    else:

        def work(rows: slice) -> None:
            finish(rows, torch.addmm(lengths, targets[rows], reference.T, alpha=-2.0))

        height = max(64, min(1024, BLOCK_BYTES // (4 * n)))
        workers.map(work, _blocks(m, height))
    return Neighbors(indices, squared)


def nearest_in_table(distances: NDArray[Any], k: int) -> Neighbors:
    """The k nearest of each row in an (n, n) table of distances, its diagonal left out.

    Raises
    ------
    InvalidInputError
        If the table is not square, or a distance is negative, NaN or infinite.
    """
    n = len(distances)
    if distances.shape != (n, n):
        raise InvalidInputError(
            f"metric='precomputed' needs a square table of distances, got shape {distances.shape}"
        )
    if not np.isfinite(distances).all() or (distances < 0).any():
        raise InvalidInputError("precomputed distances must be finite and not negative")
    largest = max(float(distances.max()), np.finfo(np.float64).tiny)
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for rows in _blocks(n, max(1, BLOCK_BYTES // (8 * n))):
        block = distances[rows] / np.float64(largest)
        own = np.arange(len(block))
        block[own, own + rows.start] = np.inf
        columns = np.argsort(block, axis=1, kind="stable")[:, :k]
        indices[rows] = columns
        squared[rows] = np.take_along_axis(block, columns, 1) ** 2
    return Neighbors(indices, squared)


def nearest_in_graph(graph: Any, k: int) -> Neighbors:
    """The k nearest of each row in a sparse (n, n) matrix of distances, as kneighbors_graph makes.

    Raises
    ------
    InvalidInputError
        If a row has fewer than k neighbours, or a distance is negative, NaN or infinite.
    """
    n = graph.shape[0]
    if graph.shape != (n, n):
        raise InvalidInputError(
            f"metric='precomputed' needs a square matrix of distances, got shape {graph.shape}"
        )
    if not np.isfinite(graph.data).all() or (graph.data < 0).any():
        raise InvalidInputError("precomputed distances must be finite and not negative")
    largest = max(float(graph.data.max(initial=0)), np.finfo(np.float64).tiny)
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for row in range(n):
        stored = slice(graph.indptr[row], graph.indptr[row + 1])
        columns, values = graph.indices[stored], graph.data[stored]
        columns, values = columns[columns != row], values[columns != row]
        if len(columns) < k:
            raise InvalidInputError(
                f"row {row} has {len(columns)} neighbours, but the perplexity needs {k}; store "
                "3 × perplexity neighbours, or pass a lower perplexity"
            )
        order = np.lexsort((columns, values))[:k]
        indices[row] = columns[order]
        squared[row] = (values[order] / np.float64(largest)) ** 2
    return Neighbors(indices, squared)


def smallest(values: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k smallest of each row, unordered: (values, columns).

    They lie in the k groups of columns whose minima are smallest, since any other group has k
    smaller numbers outside; selecting among minima and then within k groups reads far less than
    selecting among all.
    """
    m, n = values.shape
    groups = GROUPS_PER_NEIGHBOR * k
    depth = n // groups
    if depth < 4:
        found = values.topk(k, largest=False, sorted=False)
        return found.values, found.indices
    whole = values[:, : groups * depth].view(m, depth, groups)
    chosen = whole.amin(1).topk(k, largest=False, sorted=False).indices
    inside = whole.gather(2, chosen[:, None].expand(m, depth, k)).reshape(m, depth * k)
    steps = torch.arange(depth, device=values.device)[:, None] * groups
    columns = (chosen[:, None] + steps).reshape(m, depth * k)
    rest = torch.arange(groups * depth, n, device=values.device).expand(m, -1)
    columns = torch.cat([columns, rest], 1)
    inside = torch.cat([inside, values[:, groups * depth :]], 1)
    found = inside.topk(k, largest=False, sorted=False)
    return found.values, columns.gather(1, found.indices)


def refine(
    X: NDArray[np.float32],
    targets: NDArray[np.float32],
    rows: slice,
    columns: NDArray[np.int64],
    squared: NDArray[np.float32],
    *,
    always: bool,
) -> None:
    """Recompute, in place, distances that cancellation has spoilt (or all) from the differences.

    ``squared`` (m, k) are those of the block ``targets[rows]`` to the rows ``columns`` of ``X``.
    """
    block = targets[rows]
    lengths = np.einsum("ij,ij->i", block, block)
    close = squared < CANCELLATION * lengths[:, None]
    chosen = np.nonzero(np.ones_like(close) if always else close)
    step = max(1, BLOCK_BYTES // (4 * X.shape[1]))
    for start in range(0, len(chosen[0]), step):
        i, j = (axis[start : start + step] for axis in chosen)
        difference = X[columns[i, j]] - block[i]
        squared[i, j] = (difference * difference).sum(1)


def _symmetric(X: torch.Tensor, lengths: torch.Tensor, workers: Workers) -> torch.Tensor:
    """(n, n) of |xⱼ|² − 2xᵢxⱼ, each product computed once."""
    n = len(X)
    table = X.new_empty((n, n))

    def work(rows: slice) -> None:
        right = table[rows, rows.start :]
        right.copy_(X[rows] @ X[rows.start :].T)
        table[rows.stop :, rows] = right[:, rows.stop - rows.start :].T

    workers.map(work, _blocks(n, 256))
    workers.map(lambda rows: table[rows].mul_(-2.0).add_(lengths), _blocks(n, 256))
    return table


def _blocks(n: int, height: int) -> list[slice]:
    return [slice(start, min(start + height, n)) for start in range(0, n, height)]
