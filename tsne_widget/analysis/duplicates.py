"""Samples that are close together in feature space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.inputs import as_neighbors
from tsne_widget.errors import InvalidInputError


class Duplicates(NamedTuple):
    """Pairs of samples that are close together, and the groups that the pairs form."""

    pairs: NDArray[np.int64]
    """(m, 2) int64 rows, the smaller row first, the closest pair first."""
    distances: NDArray[np.float32]
    """(m,) float32 distance within each pair."""
    groups: NDArray[np.int64]
    """(n,) int64 number of each row's group, from 0; −1 for rows without a duplicate."""


def near_duplicates(indices: ArrayLike, distances: ArrayLike, threshold: float) -> Duplicates:
    """Pairs of neighbours within a distance, and the groups that they form.

    Parameters
    ----------
    indices : (n, k) array of int
        Neighbours, nearest first, from :func:`kneighbors`.
    distances : (n, k) array of numbers
        Distances to these neighbours.
    threshold : float
        Largest distance between duplicates, 0 or more, in the unit of ``distances``. With
        ``metric="cosine"``, 0.01 means a cosine of 0.99 or more.

    Returns
    -------
    Duplicates
        Groups are numbered by their first row. For a row with more than k duplicates only k are
        found, so a group of more than k + 1 rows may be split. Time O(n k + m log m) for m pairs,
        memory O(n k).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> from tsne_widget.analysis import kneighbors
    >>> near = kneighbors([[0.0], [5.0], [0.1], [9.0]], k=2)
    >>> near_duplicates(*near, threshold=0.2).pairs.tolist()
    [[0, 2]]
    """
    near, far = as_neighbors("indices", indices), np.asarray(distances)
    if far.shape != near.shape or far.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"distances must be numbers with the shape of indices, {near.shape}, got {far.shape}; "
            "pass both arrays of kneighbors"
        )
    if not threshold >= 0:
        raise InvalidInputError(f"threshold={threshold} must be a distance of 0 or more")
    n = len(near)
    row, place = np.nonzero(far <= threshold)
    other, distance = near[row, place].astype(np.int64), far[row, place].astype(np.float32)
    # One number per pair: sorting numbers is many times faster than sorting pairs.
    number, first = np.unique(
        np.minimum(row, other) * n + np.maximum(row, other), return_index=True
    )
    order = np.argsort(distance[first], kind="stable")
    pairs = np.stack(np.divmod(number[order], n), axis=1)
    return Duplicates(pairs, distance[first][order], groups_of_pairs(pairs, n))


def groups_of_pairs(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) int64 number of each row's group, for (m, 2) pairs of rows; −1 for a single row."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return numbered_groups(connected_components(graph, directed=False)[1].astype(np.int64))


def numbered_groups(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) int64 numbers of groups in the order of their first rows; −1 for a single row.

    Parameters
    ----------
    group : (n,) int64 array
        Number of each row's group, 0 or more, in any order.
    """
    numbers = np.full(len(group), -1, dtype=np.int64)
    members = np.flatnonzero(np.bincount(group, minlength=1)[group] > 1)
    _, first, number = np.unique(group[members], return_index=True, return_inverse=True)
    numbers[members] = np.argsort(np.argsort(first))[number]
    return numbers
