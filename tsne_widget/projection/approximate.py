"""Approximate nearest neighbours for many rows: an inverted index finds the candidates."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.neighbors import PRECISE, Neighbors, itself_last, nearest
from tsne_widget.projection.rows import BLOCK_BYTES, Rows, pair_distances
from tsne_widget.projection.start import principal_scores
from tsne_widget.projection.workers import Workers

# Rows from which the time saved outweighs the recall lost (benchmarks/README.md).
LARGE = 100_000
# Candidates are searched in this many principal components; distances use all columns.
DIMENSIONS = 64
# Cells of the index per √n, and cells searched for each row. They find 0.99 of the true neighbours
# for 70,000 × 50.
CELLS_PER_ROOT, PROBES = 2, 48
# Candidates per neighbour if the search leaves out columns.
CANDIDATES = 2
TRAINING_ROWS_PER_CELL = 64
QUERY_ROWS = 4096
# Rows whose recall is measured.
RECALL_ROWS = 256


def is_available() -> bool:
    """Whether faiss, which builds the index, is installed."""
    return importlib.util.find_spec("faiss") is not None


def resolve_search(neighbors: str, n: int) -> str:
    """The search that ``neighbors`` selects for n rows on the CPU: "exact" or "approximate"."""
    if neighbors != "auto":
        return neighbors
    return "approximate" if n >= LARGE and is_available() else "exact"


def recall(X: Rows, found: Neighbors, workers: Workers) -> float:
    """Share of the true neighbours of some rows that were found, 0 to 1."""
    n, k = found.indices.shape
    rows = np.linspace(0, n - 1, min(n, RECALL_ROWS)).astype(np.int64)
    true = _exact(X, rows, k, workers)[1]
    return float((found.squared[rows] <= true[:, -1:] * (1 + 1e-5)).mean())


def approximate_nearest(X: NDArray[np.float32] | Rows, k: int, workers: Workers) -> Neighbors:
    """The k nearest other rows of each row, with about 1 % replaced by slightly more distant rows.

    Distances are exact. The result does not depend on the number of threads.

    Parameters
    ----------
    X : (n, d) float32 array, or Rows
        Finite and approximately centred.
    k : int
        1 to n − 1.
    workers : Workers
        Threads to use.

    Raises
    ------
    InvalidInputError
        If faiss is not installed.

    Notes
    -----
    Inverted file index of Jégou, Douze & Schmid 2011, "Product quantization for nearest neighbor
    search", without the quantization. Time is about O(n √n).
    """
    if not is_available():
        raise InvalidInputError(
            "neighbors='approximate' needs faiss: pip install \"tsne-widget[neighbors]\", "
            "or pass neighbors='exact'"
        )
    import faiss

    X = Rows.of(X)
    n, d = X.points.shape
    points, candidates = X.points, k
    if d > DIMENSIONS:
        points = np.ascontiguousarray(principal_scores(points, DIMENSIONS, workers), np.float32)
        candidates = min(n - 1, CANDIDATES * k)
    index = _index(faiss, points)
    by_cell = _rows_by_cell(faiss, index)
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)

    def search(block: slice) -> None:
        rows = by_cell[block]
        _, found = index.search(points[rows], candidates + 1)
        # Drop the row itself, or one candidate if copies of the row hide it.
        columns = np.take_along_axis(found, itself_last(found, rows, candidates), 1)
        distances = _distances(X, rows, np.maximum(columns, 0))
        distances[columns < 0] = np.inf  # faiss returns −1 if the cells hold too few rows
        order = np.lexsort((columns, distances), axis=1)[:, :k]
        indices[rows] = np.take_along_axis(columns, order, 1)
        squared[rows] = np.take_along_axis(distances, order, 1)

    with _one_thread(faiss):  # the workers search one block each
        workers.map(search, row_blocks(n, QUERY_ROWS))
    incomplete = np.flatnonzero(np.isinf(squared[:, -1]))
    if len(incomplete):
        indices[incomplete], squared[incomplete] = _exact(X, incomplete, k, workers)
    return Neighbors(indices, squared)


def _distances(X: Rows, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """(m, c) squared distances from some rows to c candidates each, from differences."""
    squared = np.empty(columns.shape, np.float32)
    close = np.empty(columns.shape, bool)
    for part in row_blocks(len(rows), BLOCK_BYTES // (4 * X.points[0].nbytes * columns.shape[1])):
        points = X.points[rows[part]][:, None]
        difference = X.points[columns[part]] - points
        np.einsum("ijk,ijk->ij", difference, difference, out=squared[part])
        close[part] = squared[part] < PRECISE * np.einsum("ijk,ijk->ij", points, points)
    of_row, _ = np.nonzero(close)
    squared[close] = pair_distances(X, None, rows[of_row], columns[close])
    return squared


def _index(faiss: Any, X: NDArray[np.float32]) -> Any:
    n, d = X.shape
    cells = max(1, int(CELLS_PER_ROOT * np.sqrt(n)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, cells)
    index.cp.seed = 1
    index.cp.min_points_per_centroid = 1
    index.cp.max_points_per_centroid = TRAINING_ROWS_PER_CELL
    index.nprobe = min(cells, PROBES)
    index.train(X)
    index.add(X)
    return index


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _rows_by_cell(faiss: Any, index: Any) -> NDArray[np.int64]:
    """(n,) row numbers sorted by cell, because rows of one cell search the same cached cells."""
    lists = index.invlists
    cells = [(lists.get_ids(cell), lists.list_size(cell)) for cell in range(index.nlist)]
    return np.concatenate([faiss.rev_swig_ptr(ids, size) for ids, size in cells if size])


def _exact(
    X: Rows, rows: NDArray[np.int64], k: int, workers: Workers
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Indices and squared distances of the exact neighbours of some rows, both (m, k)."""
    near = nearest(X, k + 1, workers, queries=X.take(rows))
    order = itself_last(near.indices, rows, k)
    return np.take_along_axis(near.indices, order, 1), np.take_along_axis(near.squared, order, 1)
