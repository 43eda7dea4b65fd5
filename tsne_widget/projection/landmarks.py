"""Maps of many rows: a fit of landmarks, with the other rows placed around them.

The cost of the fit depends only on the number of landmarks. Placing a row needs its nearest
landmarks and depends on no other row, so rows can be placed in blocks and on other machines.
Landmarks are an idea of van der Maaten & Hinton 2008, section 5, with another mechanism. Rows are
placed as in Poličar, Stražar & Zupan 2021, "Embedding to reference t-SNE space addresses batch
effects in single-cell classification".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._ray_session import RETRIES, ray_session
from tsne_widget._validation import row_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.neighbors import Neighbors, nearest
from tsne_widget.projection.placement import NEIGHBORS, Placement
from tsne_widget.projection.rows import Rows
from tsne_widget.projection.workers import Workers

# Minimum number of landmarks per class: as many as the default perplexity has neighbours.
MIN_PER_CLASS = 30
# Size of a block of rows that are placed together: bytes of their features, and rows.
PIECE_BYTES = 32 * 2**20
PIECE_ROWS = 2**16


class Reference(NamedTuple):
    """The fitted rows in host memory, and the scaling that makes other rows comparable to them."""

    rows: NDArray[np.float32] | Rows
    """(m, d) float32, scaled."""
    scale: Callable[[NDArray[Any]], NDArray[np.float32]]
    """Scales (r, d) features as the fitted rows."""
    is_cosine: bool


Placing = Callable[[Neighbors], NDArray[np.float32]]
"""Coordinates of new rows, (m, 2), from the nearest fitted rows of each."""


class FittedRows(Protocol):
    """The part of a fit that places other rows."""

    def nearest(self, X: NDArray[Any], workers: Workers) -> Neighbors:
        """The nearest fitted rows of each row of ``X``, (r, d)."""

    def placement(self, y: NDArray[np.float32], workers: Workers) -> Placing:
        """Placement of new rows on the map ``y``, (m, 2)."""

    def reference(self) -> Reference:
        """The fitted rows, for a search on other machines."""


def choose(
    n: int, count: int, y: ArrayLike | None, random: np.random.RandomState
) -> NDArray[np.int64]:
    """Row numbers of landmarks, ascending.

    Each class gets its share of the landmarks, but at least 30, or all its rows if it has fewer.

    Parameters
    ----------
    n : int
        Number of rows.
    count : int
        Number of landmarks, up to n.
    y : (n,) array or None
        Class of each row, of any type; None treats all rows as one class.
    random : RandomState

    Returns
    -------
    (count,) int64 array

    Raises
    ------
    InvalidInputError
        If y has another shape, or mixes types that cannot be compared.
    """
    code = _codes(y, n)
    sizes = np.bincount(code)
    minimum = np.minimum(sizes, min(MIN_PER_CLASS, count // len(sizes)))
    rest = sizes - minimum
    exact = rest * ((count - minimum.sum()) / max(1, rest.sum()))
    quota = minimum + exact.astype(np.int64)
    largest = np.argsort(-(exact % 1), kind="stable")[: count - quota.sum()]
    quota[largest] += 1
    order = np.lexsort((random.random_sample(n), code))  # by class, at random within a class
    rank_in_class = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[rank_in_class < np.repeat(quota, sizes)])


def _codes(y: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """(n,) int64 codes of the classes, from 0."""
    if y is None:
        return np.zeros(n, np.int64)
    classes = np.asarray(y)
    if classes.shape != (n,):
        raise InvalidInputError(f"y must have shape ({n},), one class per row, got {classes.shape}")
    try:
        return np.unique(classes, return_inverse=True)[1]
    except TypeError as error:
        raise InvalidInputError(f"y must have labels of one type: {error}") from error


@dataclass(frozen=True)
class OtherRows:
    """The rows that are not landmarks.

    Attributes
    ----------
    landmarks : (m,) int64 array
        Row numbers of the landmarks.
    others : (n − m,) int64 array
        Row numbers of the other rows.
    neighbors : Neighbors
        The k nearest landmarks of each other row; indices count landmarks, 0 to m − 1.
    """

    landmarks: NDArray[np.int64]
    others: NDArray[np.int64]
    neighbors: Neighbors

    def at_nearest_landmark(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        """The (n, 2) map with each row at its nearest landmark; ``y`` is the landmarks' (m, 2)."""
        return self._whole(y, y[self.neighbors.indices[:, 0]])

    def place(
        self, y: NDArray[np.float32], fit: FittedRows, workers: Workers, executor: str
    ) -> NDArray[np.float32]:
        """The (n, 2) map with each row at its own position; ``y`` is the landmarks' (m, 2)."""
        out = np.empty((len(self.others), 2), np.float32)
        pieces = _pieces(len(self.others), 2 * NEIGHBORS)
        if executor == "ray":
            work: Iterator[NDArray[np.float32]] = _on_ray(_place, (self.neighbors, y), pieces)
        else:
            placing = fit.placement(y, workers)
            work = (placing(self.neighbors.rows(piece)) for piece in pieces)
        for piece, result in zip(pieces, work, strict=True):
            out[piece] = result
        return self._whole(y, out)

    def _whole(self, y: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = np.empty((len(y) + len(others), 2), np.float32)
        whole[self.landmarks] = y
        whole[self.others] = others
        return whole


def find_other_rows(
    X: NDArray[Any],
    landmarks: NDArray[np.int64],
    fit: FittedRows,
    workers: Workers,
    executor: str,
) -> OtherRows:
    """The rows of ``X`` that are not landmarks, with their nearest landmarks.

    Time is O(n m d) for m landmarks, memory O(n) besides ``X``.

    Parameters
    ----------
    X : (n, d) array of real numbers
        May be a memory map; it is read once, in blocks.
    landmarks : (m,) int64 array
        Row numbers.
    fit : FittedRows
        The fit of the landmarks.
    workers : Workers
    executor : "local" or "ray"
    """
    is_other = np.ones(len(X), bool)
    is_other[landmarks] = False
    others = np.flatnonzero(is_other)
    k = min(NEIGHBORS, len(landmarks))
    found = Neighbors(np.empty((len(others), k), np.int32), np.empty((len(others), k), np.float32))
    pieces = _pieces(len(others), X.shape[1])
    if executor == "ray":
        work: Iterator[Neighbors] = _on_ray(_search, (X, others, fit.reference()), pieces)
    else:
        work = (fit.nearest(X[others[piece]], workers) for piece in pieces)
    for piece, result in zip(pieces, work, strict=True):
        found.indices[piece], found.squared[piece] = result
    return OtherRows(landmarks, others, found)


def nearest_fitted(reference: Reference, X: NDArray[Any], workers: Workers) -> Neighbors:
    """The nearest fitted rows of each row of ``X``, (r, d), independently of the other rows."""
    rows = Rows.of(reference.rows)
    queries = Rows.of(scaled_queries(reference.scale, X))
    if rows.has_digits:
        queries = queries._replace(source=X, convert=rows.convert)
    k = min(NEIGHBORS, len(rows.points))
    found = nearest(rows, k, workers, queries=queries)
    return found.as_cosine() if reference.is_cosine else found


def scaled_queries(
    scale: Callable[[NDArray[Any]], NDArray[np.float32]], X: NDArray[Any]
) -> NDArray[np.float32]:
    """The rows of ``X``, (r, d), scaled as the fitted rows.

    Raises
    ------
    InvalidInputError
        If the scaled features overflow float32.
    """
    with np.errstate(over="ignore"):
        queries = scale(X)
    if not np.isfinite(queries).all():
        raise InvalidInputError(
            "features are so much larger than those of the fit that they overflow float32; "
            "pass features of the same layer and scale"
        )
    return queries


def place_rows(
    X: NDArray[Any], fit: FittedRows, y: NDArray[np.float32], workers: Workers
) -> NDArray[np.float32]:
    """Coordinates of the rows of ``X``, (r, d), on the map ``y``, (m, 2): (r, 2) float32."""
    placing = fit.placement(y, workers)
    out = np.empty((len(X), 2), np.float32)
    for piece in _pieces(*X.shape):
        out[piece] = placing(fit.nearest(X[piece], workers))
    return out


def _pieces(n: int, width: int) -> list[slice]:
    return row_blocks(n, min(PIECE_ROWS, PIECE_BYTES // (4 * width)))


def _search(shared: tuple[NDArray[Any], NDArray[np.int64], Reference], piece: slice) -> Neighbors:
    X, others, reference = shared
    with Workers(1) as workers:
        return nearest_fitted(reference, X[others[piece]], workers)


def _place(shared: tuple[Neighbors, NDArray[np.float32]], piece: slice) -> NDArray[np.float32]:
    neighbors, y = shared
    with Workers(1) as workers:
        return Placement(y, workers).coordinates(neighbors.rows(piece), workers)


def _on_ray(work: Callable[[Any, slice], Any], shared: Any, pieces: list[slice]) -> Iterator[Any]:
    """Results of ``work(shared, piece)`` in the order of the pieces, on one core each."""
    with ray_session() as ray:
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(work)
        once = ray.put(shared)
        running = [task.remote(once, piece) for piece in pieces]
        for result in running:
            yield ray.get(result)
