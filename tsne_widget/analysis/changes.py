"""Two models, or two layers, on the same samples: what changed, and maps laid over each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError

CHANGES = ("fixed", "introduced", "still wrong", "wrong otherwise", "still right")
"""What can become of a sample between two predictions; a code is a place in this tuple."""


def changes(labels: ArrayLike, before: ArrayLike, after: ArrayLike) -> NDArray[np.int64]:
    """(n,) int64 codes of :data:`CHANGES`, −1 where a label or a prediction is unknown.

    "wrong otherwise" is wrong before and after, as another class each time. Time O(n), memory O(n).

    Parameters
    ----------
    labels, before, after : (n,) array of int
        True classes and two predictions of them, −1 unknown.

    Raises
    ------
    InvalidInputError
        If the lengths differ.

    Examples
    --------
    >>> codes = changes([0, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 1, 1, 2, 0])
    >>> [CHANGES[code] for code in codes]
    ['fixed', 'introduced', 'still wrong', 'wrong otherwise', 'still right']
    """
    label, first, last = (np.asarray(codes) for codes in (labels, before, after))
    if not label.shape == first.shape == last.shape or label.ndim != 1:
        raise InvalidInputError(
            "labels and both predictions must have one shape (n,), got "
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
    """Rows of the samples that all have, in the order of the first.

    Parameters
    ----------
    ids : sequence of (n,) array of int
        Unique within each.

    Returns
    -------
    list of (m,) int64 array
        For each, the rows of the same m ids. Time O(n log n) for each, memory O(n).

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


def aligned(xy: ArrayLike, onto: ArrayLike) -> NDArray[np.float32]:
    """(n, 2) float32: a map moved, turned, mirrored and scaled to lie over another one.

    Orthogonal Procrustes analysis with scaling (Gower 1975): of all such maps it is the one whose
    points have the least sum of squared distances to those of the other. Neighbourhoods stay.
    Time O(n), memory O(n).

    Parameters
    ----------
    xy, onto : (n, 2) array
        Row i of both is the same sample.

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
    moving, still = np.asarray(xy, dtype=np.float64), np.asarray(onto, dtype=np.float64)
    if moving.shape != still.shape or moving.ndim != 2:
        raise InvalidInputError(
            f"both maps must have the same shape, got {moving.shape}, {still.shape}"
        )
    center, target = moving.mean(axis=0), still.mean(axis=0)
    moving, still = moving - center, still - target
    left, singular, right = np.linalg.svd(moving.T @ still)
    scale = singular.sum() / ((moving**2).sum() or 1.0)
    placed = (scale or 1.0) * moving @ (left @ right) + target
    lying: NDArray[np.float32] = placed.astype(np.float32)
    return lying
