"""Points inside a polygon, exactly, for as many points as fit in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import ascending, row_blocks
from tsne_widget.errors import InvalidInputError

# With larger coordinates, products of two differences could overflow.
MAX_COORDINATE = 1e150

_BLOCK = 16_384  # points per block, to keep temporary arrays in the processor's cache


class PolygonIndex:
    """Points sorted to find those inside a polygon quickly.

    The even–odd rule decides: a point is inside if a ray from it to the right crosses the boundary
    an odd number of times. Each edge includes its lower end and excludes its upper one, and a point
    exactly on an edge lies to its right; so if two polygons share an edge, exactly one of them
    contains a point on it. All arithmetic is float64: a point closer to an edge than rounding may
    be on either side, but it is on the same side for both polygons.

    After the sort, each edge reads only the points between its two ends in y, so the work is n
    times the mean number of edges at a height. Time O(n log n) for the sort, memory O(n): 24 bytes
    per point.

    Parameters
    ----------
    embedding : (n, 2) array of numbers
        Rows with NaN or infinity are inside no polygon.

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong.

    Examples
    --------
    >>> index = PolygonIndex([[0.5, 0.5], [2.0, 0.5], [0.1, 0.9]])
    >>> index.inside([[0, 0], [1, 0], [1, 1], [0, 1]])
    array([0, 2])
    """

    def __init__(self, embedding: ArrayLike) -> None:
        points = np.asarray(embedding)
        if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "fiu":
            raise InvalidInputError(
                "embedding must be an (n, 2) array of numbers, "
                f"got shape {points.shape} and dtype {points.dtype}"
            )
        self._count = len(points)
        rows = np.flatnonzero(np.isfinite(points).all(axis=1))
        self._rows: NDArray[np.int64] = rows[np.argsort(points[rows, 1], kind="stable")]
        self._x: NDArray[np.float64] = points[self._rows, 0].astype(np.float64)
        self._y: NDArray[np.float64] = points[self._rows, 1].astype(np.float64)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"PolygonIndex(n={self._count})"

    def inside(self, polygon: ArrayLike) -> NDArray[np.int64]:
        """Rows of the points inside a polygon.

        Parameters
        ----------
        polygon : (k, 2) array of numbers
            Vertices in order, in the coordinates of the embedding; the last one is connected to the
            first. Edges may cross. Fewer than 3 vertices enclose nothing.

        Returns
        -------
        (m,) int64 array
            Ascending rows. Time O(n k) at most, memory O(n).

        Raises
        ------
        InvalidInputError
            If the shape or dtype is wrong, or a vertex is not finite or beyond 1e150.
        """
        vertices = _as_vertices(polygon)
        is_inside = np.zeros(len(self._rows), dtype=bool)
        if len(vertices) < 3:
            return np.empty(0, dtype=np.int64)
        for one, other in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
            # Always upwards, so that both polygons at a shared edge compute the same crossing.
            (x0, y0), (x1, y1) = (one, other) if one[1] <= other[1] else (other, one)
            start, stop = self._y.searchsorted((y0, y1))
            for block in row_blocks(stop - start, _BLOCK):
                part = slice(start + block.start, start + block.stop)
                crossing = self._y[part] - y0
                crossing *= x1 - x0  # before the division: exact for points on a grid
                crossing /= y1 - y0
                crossing += x0
                is_inside[part] ^= self._x[part] < crossing
        return ascending(self._rows[is_inside], self._count)


def _as_vertices(polygon: ArrayLike) -> NDArray[np.float64]:
    try:
        vertices = np.asarray(polygon, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"polygon must be a (k, 2) array of numbers: {error}") from error
    if vertices.size == 0:
        return np.empty((0, 2))
    if vertices.ndim != 2 or vertices.shape[1] != 2:
        raise InvalidInputError(f"polygon must be a (k, 2) array of numbers, got {vertices.shape}")
    if not (np.abs(vertices) <= MAX_COORDINATE).all():
        raise InvalidInputError(f"polygon must be finite and within ±{MAX_COORDINATE:g}")
    return vertices
