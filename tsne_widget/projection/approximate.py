"""Nearest neighbours of very many rows: candidates by an inverted index, distances exact."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.neighbors import Neighbors, nearest, refine
from tsne_widget.projection.start import principal_scores
from tsne_widget.projection.workers import Workers

# From here on the index is faster by more than it costs in recall (benchmarks/README.md).
LARGE = 100_000
# Candidates are sought in so many principal components; their distances are taken in all columns.
DIMENSIONS = 64
# Cells of the index per √n, and the cells looked at for each row: 0.99 of the true neighbours on
# 70,000 × 50 and more where there are more cells.
CELLS_PER_ROOT, PROBES = 2, 48
# Candidates per neighbour where dimensions were left out, for the exact distances to choose from.
CANDIDATES = 2
TRAINING_ROWS_PER_CELL = 64
QUERY_ROWS = 4096


def is_available() -> bool:
    """Whether the package that makes the index is installed."""
    return importlib.util.find_spec("faiss") is not None


def nearest_about(X: NDArray[np.float32], k: int, workers: Workers) -> Neighbors:
    """About the k nearest other rows of each row of ``X``, by faiss's inverted index.

    Distances are exact; of the neighbours about 1 % are missed for others a little farther off.
    The same on any number of threads.

    Parameters
    ----------
    X : (n, d) float32 array
        Finite, about centred.
    k : int
        1 ≤ k ≤ n − 1.
    workers : Workers
        Threads to use.

    Raises
    ------
    InvalidInputError
        If faiss is not installed.

    Notes
    -----
    Inverted file index of Jégou, Douze & Schmid 2011, "Product quantization for nearest neighbor
    search", without the quantization; time about O(n √n).
    """
    if not is_available():
        raise InvalidInputError(
            "neighbors='approximate' needs faiss: pip install \"tsne-widget[neighbors]\", "
            "or pass neighbors='exact'"
        )
    import faiss

    n, d = X.shape
    sought = X
    wanted = k
    if d > DIMENSIONS:
        sought = np.ascontiguousarray(principal_scores(X, DIMENSIONS, workers), np.float32)
        wanted = min(n - 1, CANDIDATES * k)
    index = _index(faiss, sought)
    order_of_cells = _by_cell(faiss, index)
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)

    def search(first: int) -> None:
        rows = order_of_cells[first : first + QUERY_ROWS]
        _, found = index.search(sought[rows], wanted + 1)
        # The row itself goes; so does one candidate where copies of the row hide it.
        is_own = found == rows[:, None]
        order = np.argsort(is_own, axis=1, kind="stable")[:, :wanted]
        columns = np.take_along_axis(found, order, 1)
        distances = np.zeros(columns.shape, np.float32)
        refine(X, X[rows], slice(None), np.maximum(columns, 0), distances, always=True)
        distances[columns < 0] = np.inf  # the cells looked at held too few rows
        order = np.lexsort((columns, distances), axis=1)[:, :k]
        indices[rows] = np.take_along_axis(columns, order, 1)
        squared[rows] = np.take_along_axis(distances, order, 1)

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # our threads take a block of rows each
    try:
        workers.map(search, range(0, n, QUERY_ROWS))
    finally:
        faiss.omp_set_num_threads(before)
    lacking = np.flatnonzero(np.isinf(squared[:, -1]))
    if len(lacking):
        indices[lacking], squared[lacking] = _exactly(X, lacking, k, workers)
    return Neighbors(indices, squared)


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


def _by_cell(faiss: Any, index: Any) -> NDArray[np.int64]:
    """(n,) rows, those of a cell together: they look at the same cells, and find them cached."""
    lists = index.invlists
    cells = [(lists.get_ids(cell), lists.list_size(cell)) for cell in range(index.nlist)]
    return np.concatenate([faiss.rev_swig_ptr(ids, size) for ids, size in cells if size])


def _exactly(
    X: NDArray[np.float32], rows: NDArray[np.int64], k: int, workers: Workers
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(indices, squared) of some rows, compared with all others."""
    near = nearest(X, k + 1, workers, queries=X[rows])
    order = np.argsort(near.indices == rows[:, None], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(near.indices, order, 1), np.take_along_axis(near.squared, order, 1)
