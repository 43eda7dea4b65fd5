"""Nearest neighbours from distances that the user has computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.neighbors import Neighbors
from tsne_widget.projection.rows import BLOCK_BYTES


def check_distances(distances: Any) -> None:
    """Check a matrix of distances, dense or sparse.

    Raises
    ------
    InvalidInputError
        If the matrix is not square, a distance is negative, NaN or infinite, or all are 0.
    """
    if distances.shape[0] != distances.shape[1]:
        raise InvalidInputError(
            f"metric='precomputed' needs a square distance matrix, got shape {distances.shape}"
        )
    values = distances if isinstance(distances, np.ndarray) else distances.data
    if not np.isfinite(values).all() or (values < 0).any():
        raise InvalidInputError(
            "X has negative or infinite distances, or NaN; all should be positive or 0 and finite"
        )
    if not values.any():
        raise InvalidInputError(
            f"all distances between {distances.shape[0]} samples are 0; "
            "check how they were computed"
        )


def precomputed_neighbors(distances: Any, k: int) -> Neighbors:
    """The k nearest rows of each row.

    Parameters
    ----------
    distances : (n, n) array or CSR matrix
        Checked by :func:`check_distances`. A sparse matrix holds the distances to at least k other
        rows in each row, as scikit-learn's ``kneighbors_graph(mode="distance")`` returns it.
    k : int

    Returns
    -------
    Neighbors
        Squared distances are relative to the largest one.

    Raises
    ------
    InvalidInputError
        If a row of a sparse matrix has fewer than k neighbours.
    """
    is_sparse = not isinstance(distances, np.ndarray)
    largest = float((distances.data if is_sparse else distances).max())
    scale = np.float64(max(largest, np.finfo(np.float64).tiny))
    return (_from_graph if is_sparse else _from_table)(distances, k, scale)


def _from_table(distances: NDArray[Any], k: int, scale: np.float64) -> Neighbors:
    n = len(distances)
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for rows in row_blocks(n, BLOCK_BYTES // (8 * n)):
        block = distances[rows] / scale
        own = np.arange(len(block))
        block[own, own + rows.start] = np.inf
        columns = np.argsort(block, axis=1, kind="stable")[:, :k]
        indices[rows] = columns
        squared[rows] = np.take_along_axis(block, columns, 1) ** 2
    return Neighbors(indices, squared)


def _from_graph(graph: Any, k: int, scale: np.float64) -> Neighbors:
    n = graph.shape[0]
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for row in range(n):
        entries = slice(graph.indptr[row], graph.indptr[row + 1])
        columns, values = graph.indices[entries], graph.data[entries]
        columns, values = columns[columns != row], values[columns != row]
        if len(columns) < k:
            raise InvalidInputError(
                f"row {row} has {len(columns)} neighbours, but the perplexity needs {k}; store "
                "3 × perplexity neighbours, or pass a lower perplexity"
            )
        order = np.lexsort((columns, values))[:k]
        indices[row] = columns[order]
        squared[row] = (values[order] / scale) ** 2
    return Neighbors(indices, squared)
