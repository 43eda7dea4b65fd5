"""How far each point of a map can be believed: local trustworthiness and continuity."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_rows
from tsne_widget.analysis.inputs import as_matrix, centred
from tsne_widget.errors import InvalidInputError

_BLOCK_BYTES = 32 * 2**20  # of one table of distances


class Faithfulness(NamedTuple):
    """Of each point, how its neighbours on the map and in feature space agree."""

    trustworthiness: NDArray[np.float32]
    """(m,) float32, 0 … 1: 1 where those near it on the map are near it in feature space."""
    continuity: NDArray[np.float32]
    """(m,) float32, 0 … 1: 1 where those near it in feature space are near it on the map."""


def faithfulness(
    features: ArrayLike, embedding: ArrayLike, k: int = 15, *, rows: ArrayLike | None = None
) -> Faithfulness:
    """Trustworthiness and continuity of each point of a map, exactly.

    A point loses for each of its k neighbours on the map that is none in feature space, the more
    the further away that is there (trustworthiness), and the other way round (continuity), divided
    by the most it could lose. The means over all points are the measures of Venna & Kaski 2001,
    "Neighborhood preservation in nonlinear projection methods", ICANN.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map; one float32 copy is made.
    embedding : (n, 2) array of finite numbers
        The map.
    k : int
        Neighbours looked at, 1 … less than n / 2.
    rows : (m,) array of int, or (n,) array of bool, optional
        Only these points, in this order; all without it.

    Returns
    -------
    Faithfulness
        ``trustworthiness`` and ``continuity``, each (m,) float32. Time O(m n (d + k)), memory
        O(n d) for the copy.

    Raises
    ------
    InvalidInputError
        If an array is not as described, or k is out of bounds.

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
    if not np.isfinite(places).all():
        raise InvalidInputError("embedding must be finite; run the projector again")
    chosen = np.arange(n) if rows is None else as_rows("rows", rows, n)
    high, flat = centred(matrix)[0], centred(places)[0].astype(np.float64)
    lengths = np.einsum("ij,ij->i", high, high), np.einsum("ij,ij->i", flat, flat)
    lost = np.empty((2, len(chosen)))
    step = max(1, _BLOCK_BYTES // (8 * n))
    for start in range(0, len(chosen), step):
        block = chosen[start : start + step]
        tables = _distances(high, lengths[0], block), _distances(flat, lengths[1], block)
        near_high, near_flat = (np.argpartition(table, k, axis=1)[:, :k] for table in tables)
        lost[0, start : start + step] = _lost(tables[0], near_flat, near_high)
        lost[1, start : start + step] = _lost(tables[1], near_high, near_flat)
    most = k * (2 * n - 3 * k - 1) / 2
    return Faithfulness(*np.asarray(1 - lost / most, dtype=np.float32))


def _distances(
    points: NDArray[Any], lengths: NDArray[Any], rows: NDArray[np.int64]
) -> NDArray[Any]:
    """(m, n) squared, each less the row's own |x|², which changes no order; ∞ to itself."""
    table = (-2 * points[rows]) @ points.T
    table += lengths
    table[np.arange(len(rows)), rows] = np.inf
    return np.asarray(table)


def _lost(
    table: NDArray[Any], found: NDArray[np.int64], true: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each row, the sum over the neighbours found of their rank in the table beyond k."""
    k = found.shape[1]
    bound = np.take_along_axis(table, true, 1).max(axis=1)  # distance of the true k-th neighbour
    reach = np.take_along_axis(table, found, 1)
    lost = np.zeros(len(table), dtype=np.int64)
    for i, j in zip(*np.nonzero(reach > bound[:, np.newaxis]), strict=True):
        lost[i] += np.count_nonzero(table[i] < reach[i, j]) + 1 - k
    return lost
