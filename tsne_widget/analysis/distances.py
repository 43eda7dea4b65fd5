"""Distances of all samples to one point in feature space, which need be no sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.inputs import as_matrix, feature_blocks
from tsne_widget.analysis.neighborhoods import METRICS
from tsne_widget.errors import InvalidInputError


def distances_from(
    features: ArrayLike, point: ArrayLike, metric: str = "euclidean"
) -> NDArray[np.float32]:
    """Distances of all samples to one point.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map.
    point : (d,) array of finite numbers
    metric : {"euclidean", "cosine"}

    Returns
    -------
    (n,) float32 array
        In the unit of the features; for cosine, 1 − cosine (0 … 2), and 1 for a sample that is 0
        in every column. Time O(n d), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a value or the metric is wrong, or the metric is cosine and the point is 0 in
        every column.

    Examples
    --------
    >>> distances_from([[0.0, 1.0], [3.0, 5.0]], [0.0, 1.0])
    array([0., 5.], dtype=float32)
    """
    matrix = as_matrix("features", features)
    check_metric(metric)
    own = _as_point(point, matrix.shape[1])
    if metric == "cosine":
        own = _unit(own[np.newaxis])[0]
        if not own.any():
            raise InvalidInputError(
                "metric='cosine' needs a direction, but the features are 0 in every column; "
                "pass metric='euclidean'"
            )
    distances = np.empty(len(matrix), dtype=np.float32)
    for block in feature_blocks(*matrix.shape):
        rows = matrix[block].astype(np.float64)
        if metric == "cosine":
            # Half the squared distance of directions is 1 − cosine, without its rounding near 0.
            differences = _unit(rows) - own
            halves = np.einsum("ij,ij->i", differences, differences) / 2
            distances[block] = np.where(rows.any(axis=1), halves, 1)
        else:
            distances[block] = np.linalg.norm(rows - own, axis=1)
    return distances


def check_metric(metric: object) -> None:
    """Raise InvalidInputError unless ``metric`` is one of :data:`METRICS`."""
    if metric not in METRICS:
        raise InvalidInputError(f"metric={metric!r} must be one of {', '.join(METRICS)}")


def _as_point(point: ArrayLike, d: int) -> NDArray[np.float64]:
    own = np.asarray(point)
    if own.shape != (d,) or own.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"features must be {d} numbers of shape ({d},), as one row of feature_set.features, "
            f"got {own.dtype} of shape {own.shape}"
        )
    if not np.isfinite(own).all():
        raise InvalidInputError("features has NaN or infinite values; pass finite numbers")
    return own.astype(np.float64)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, d) rows of length 1; a row of zeros stays one."""
    scaled = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(float).tiny)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.maximum(lengths, np.finfo(float).tiny))
