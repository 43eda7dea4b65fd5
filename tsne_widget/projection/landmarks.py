"""Maps of very many rows: some of them are fitted, the others placed among those, piece by piece.

The fit costs what its landmarks cost, whatever n; placing costs n times the number of landmarks in
products and the same again for each row, and depends on no other row: it can be cut anywhere, and
done on any machine. That new points find their place in a map of others is Poličar, Stražar & Zupan
2021, "Embedding to reference t-SNE space addresses batch effects in single-cell classification";
that landmarks stand for all is van der Maaten & Hinton 2008, section 5, with another mechanism.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._ray_session import RETRIES, ray_session
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.neighbors import Neighbors, nearest
from tsne_widget.projection.placement import NEIGHBORS, Places
from tsne_widget.projection.workers import Workers

# Landmarks of a class, at least, however rare it is: what a perplexity of 30 calls a neighbourhood.
LEAST_PER_CLASS = 30
# Rows that are placed together: their features and distances are all that is in memory.
PIECE_BYTES = 32 * 2**20
PIECE_ROWS = 2**16


class Reference(NamedTuple):
    """The fitted rows, and what makes other rows comparable with them."""

    rows: NDArray[np.float32]
    """(m, d), standardised."""
    standardise: Callable[[NDArray[Any]], NDArray[np.float32]]
    is_cosine: bool
    device: str
    """Where distances to them are computed."""


def choose(
    n: int, count: int, y: ArrayLike | None, random: np.random.RandomState
) -> NDArray[np.int64]:
    """Rows for landmarks, ascending: of each class its share, but 30 of a rare one.

    Parameters
    ----------
    n : int
        Rows there are.
    count : int
        Rows to choose, up to n.
    y : (n,) array or None
        Class of each row, of any kind; None takes all as one class.
    random : RandomState

    Returns
    -------
    (count,) int64 array

    Raises
    ------
    InvalidInputError
        If y is not such an array.
    """
    code = _codes(y, n)
    sizes = np.bincount(code)
    least = np.minimum(sizes, min(LEAST_PER_CLASS, count // len(sizes)))
    rest = sizes - least
    exact = rest * ((count - least.sum()) / max(1, rest.sum()))
    quota = least + exact.astype(np.int64)
    largest = np.argsort(-(exact % 1), kind="stable")[: count - quota.sum()]
    quota[largest] += 1
    order = np.lexsort((random.random_sample(n), code))  # by class, within it at random
    place_in_class = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[place_in_class < np.repeat(quota, sizes)])


def _codes(y: ArrayLike | None, n: int) -> NDArray[np.int64]:
    if y is None:
        return np.zeros(n, np.int64)
    classes = np.asarray(y)
    if classes.shape != (n,):
        raise InvalidInputError(f"y must have shape ({n},), one class per row, got {classes.shape}")
    try:
        return np.unique(classes, return_inverse=True)[1]
    except TypeError as error:
        raise InvalidInputError(f"y must be labels of one kind: {error}") from error


@dataclass(frozen=True)
class Rest:
    """The rows that are no landmarks.

    Attributes
    ----------
    landmarks : (m,) int64 array
        Rows that are fitted.
    others : (n − m,) int64 array
        Rows that are not.
    neighbors : Neighbors
        (n − m, k) nearest landmarks of each of the others, as places among the landmarks.
    """

    landmarks: NDArray[np.int64]
    others: NDArray[np.int64]
    neighbors: Neighbors

    def at_nearest(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 2): every row where its nearest landmark is, of their places ``y`` (m, 2)."""
        return self._whole(y, y[self.neighbors.indices[:, 0]])

    def placed(self, y: NDArray[np.float32], workers: Workers, executor: str) -> Any:
        """(n, 2): every row at its own place among the landmarks' ``y`` (m, 2)."""
        out = np.empty((len(self.others), 2), np.float32)
        bounds = _pieces(len(self.others), 2 * NEIGHBORS)
        if executor == "ray":
            work: Iterator[NDArray[np.float32]] = _on_ray(_place, (self.neighbors, y), bounds)
        else:
            places = Places(y, workers)
            work = (places.of(_part(self.neighbors, piece), workers) for piece in bounds)
        for piece, result in zip(bounds, work, strict=True):
            out[piece] = result
        return self._whole(y, out)

    def _whole(self, y: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = np.empty((len(y) + len(others), 2), np.float32)
        whole[self.landmarks] = y
        whole[self.others] = others
        return whole


def rest_of(
    X: NDArray[Any],
    landmarks: NDArray[np.int64],
    reference: Reference,
    workers: Workers,
    executor: str,
) -> Rest:
    """The rows of ``X`` (n, d) that are no landmarks, with their nearest landmarks.

    Time O(n m d) and n m comparisons for m landmarks; memory O(n) beside ``X``, which may be a
    memory map and is read once.
    """
    is_other = np.ones(len(X), bool)
    is_other[landmarks] = False
    others = np.flatnonzero(is_other)
    k = min(NEIGHBORS, len(landmarks))
    found = Neighbors(np.empty((len(others), k), np.int32), np.empty((len(others), k), np.float32))
    bounds = _pieces(len(others), X.shape[1])
    if executor == "ray":
        work: Iterator[Neighbors] = _on_ray(_search, (X, others, reference), bounds)
    else:
        work = (nearest_in(reference, X[others[piece]], workers) for piece in bounds)
    for piece, result in zip(bounds, work, strict=True):
        found.indices[piece], found.squared[piece] = result
    return Rest(landmarks, others, found)


def nearest_in(reference: Reference, X: NDArray[Any], workers: Workers) -> Neighbors:
    """The nearest fitted rows of each new one; each row's are its own, whatever the others are.

    Raises
    ------
    InvalidInputError
        If features are so much larger than the fitted ones that float32 cannot hold them.
    """
    with np.errstate(over="ignore"):
        queries = reference.standardise(X)
    if not np.isfinite(queries).all():
        raise InvalidInputError(
            "features are larger than those of the fit by more than float32 can hold; "
            "pass features of the same layer and scale"
        )
    k = min(NEIGHBORS, len(reference.rows))
    found = nearest(reference.rows, k, workers, queries=queries, device=reference.device)
    return found.as_cosine() if reference.is_cosine else found


def place_rows(
    X: NDArray[Any], reference: Reference, y: NDArray[np.float32], workers: Workers
) -> NDArray[np.float32]:
    """(n, 2) places of the rows of ``X`` on the map ``y`` (m, 2), piece by piece."""
    places = Places(y, workers)
    out = np.empty((len(X), 2), np.float32)
    for piece in _pieces(*X.shape):
        out[piece] = places.of(nearest_in(reference, X[piece], workers), workers)
    return out


def _pieces(n: int, width: int) -> list[slice]:
    rows = max(1, min(PIECE_ROWS, PIECE_BYTES // (4 * width)))
    return [slice(start, min(start + rows, n)) for start in range(0, n, rows)]


def _part(neighbors: Neighbors, piece: slice) -> Neighbors:
    return Neighbors(neighbors.indices[piece], neighbors.squared[piece])


def _search(shared: tuple[NDArray[Any], NDArray[np.int64], Reference], piece: slice) -> Neighbors:
    X, others, reference = shared
    with Workers(1) as workers:
        return nearest_in(reference, X[others[piece]], workers)


def _place(shared: tuple[Neighbors, NDArray[np.float32]], piece: slice) -> NDArray[np.float32]:
    neighbors, y = shared
    with Workers(1) as workers:
        return Places(y, workers).of(_part(neighbors, piece), workers)


def _on_ray(work: Callable[[Any, slice], Any], shared: Any, pieces: list[slice]) -> Iterator[Any]:
    """Results of ``work(shared, piece)``, one processor each, in the order of the pieces."""
    with ray_session() as ray:
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(work)
        once = ray.put(shared)
        running = [task.remote(once, piece) for piece in pieces]
        for result in running:
            yield ray.get(result)
