"""Two models on the same samples: changed predictions, shared rows, aligned maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_one_order
from tsne_widget.errors import InvalidInputError

CHANGES = ("fixed", "introduced", "still wrong", "wrong otherwise", "still right")
"""The possible changes of a sample between two predictions; a code is a position in this tuple."""


@in_one_order("labels", "before", "after")
def changes(labels: ArrayLike, before: ArrayLike, after: ArrayLike) -> NDArray[np.int64]:
    """(n,) int64 codes of :data:`CHANGES`, −1 if the label or a prediction is unknown.

    "still wrong" is the same wrong class before and after, "wrong otherwise" two different wrong
    classes. Time O(n), memory O(n).

    Parameters
    ----------
    labels, before, after : (n,) array of int
        True classes and two predictions of them, −1 if unknown.

    Raises
    ------
    InvalidInputError
        If the shapes differ.

    Examples
    --------
    >>> codes = changes([0, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 1, 1, 2, 0])
    >>> [CHANGES[code] for code in codes]
    ['fixed', 'introduced', 'still wrong', 'wrong otherwise', 'still right']
    """
    label, first, last = (np.asarray(codes) for codes in (labels, before, after))
    if not label.shape == first.shape == last.shape or label.ndim != 1:
        raise InvalidInputError(
            "labels, before and after must have the same shape (n,), got "
            f"{label.shape}, {first.shape} and {last.shape}"
        )
    was_right, is_right = first == label, last == label
    conditions = [
        (label < 0) | (first < 0) | (last < 0),
        ~was_right & is_right,
        was_right & ~is_right,
        ~was_right & ~is_right & (first == last),
        ~was_right & ~is_right,
    ]
    codes: NDArray[np.int64] = np.select(conditions, [-1, 0, 1, 2, 3], 4)
    return codes


def shared_rows(ids: Sequence[ArrayLike]) -> list[NDArray[np.int64]]:
    """Rows of the samples that several feature sets share, in the order of the first one.

    Parameters
    ----------
    ids : sequence of (n,) array of int
        Ids of each feature set, unique within it.

    Returns
    -------
    list of (m,) int64 array
        For each feature set, its rows of the same m ids. Time O(n log n) each, memory O(n).

    Examples
    --------
    >>> [rows.tolist() for rows in shared_rows([[7, 8, 9], [9, 7]])]
    [[0, 2], [1, 0]]
    """
    arrays = [np.asarray(one) for one in ids]
    common = arrays[0]
    for other in arrays[1:]:
        common = common[np.isin(common, other)]
    found = []
    for one in arrays:
        order = np.argsort(one, kind="stable")
        found.append(order[np.searchsorted(one, common, sorter=order)].astype(np.int64))
    return found


@in_one_order("xy", "onto")
def aligned(xy: ArrayLike, onto: ArrayLike) -> NDArray[np.float32]:
    """(n, 2) float32 map moved, rotated, mirrored and scaled to match another map.

    Orthogonal Procrustes analysis with scaling (Gower 1975): among all such maps, the result has
    the smallest sum of squared distances to the other map. Neighbourhoods do not change. Time O(n),
    memory O(n).

    Parameters
    ----------
    xy, onto : (n, 2) array
        Row i is the same sample in both.

    Raises
    ------
    InvalidInputError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> onto = np.array([[0, 0], [4, 0], [0, 2]])
    >>> np.allclose(aligned(5 - 3 * onto[:, ::-1], onto), onto, atol=1e-6)
    True
    """
    source, target = np.asarray(xy, dtype=np.float64), np.asarray(onto, dtype=np.float64)
    if source.shape != target.shape or source.ndim != 2:
        raise InvalidInputError(
            f"xy and onto must have the same shape (n, 2), got {source.shape}, {target.shape}"
        )
    center = target.mean(axis=0)
    source, target = source - source.mean(axis=0), target - center
    left, singular, right = np.linalg.svd(source.T @ target)
    scale = singular.sum() / ((source**2).sum() or 1.0)
    result: NDArray[np.float32] = ((scale or 1.0) * source @ (left @ right) + center).astype("f4")
    return result
