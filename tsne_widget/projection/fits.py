"""What a fit is between its first iteration and its last, and the fit on the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tsne_widget.projection import approximate
from tsne_widget.projection.affinities import Affinities, joint_probabilities
from tsne_widget.projection.forces import forces_for
from tsne_widget.projection.inputs import Scaler, directions, exact_directions, unit_rows
from tsne_widget.projection.landmarks import Placing, Reference, nearest_fitted
from tsne_widget.projection.neighbors import Neighbors, nearest
from tsne_widget.projection.optimize import State, descend, kl_divergence
from tsne_widget.projection.placement import Placement
from tsne_widget.projection.precomputed import precomputed_neighbors
from tsne_widget.projection.rows import Rows
from tsne_widget.projection.schedule import Schedule
from tsne_widget.projection.start import Start, principal
from tsne_widget.projection.tiles import sorted_into_leaves
from tsne_widget.projection.workers import Workers

# Rows from which the attraction takes much of the time: near rows are then stored together, and
# weak pairs are left out.
LARGE = 10_000
# Near rows are together in leaves of at most this size.
ORDERED_LEAF = 64
# Share of P in the pairs that are left out. They are three fifths of the pairs.
WEAK = 0.1


class Problem(NamedTuple):
    """What a fit needs besides the features."""

    metric: str
    perplexity: float
    neighbors: str
    """"auto", "exact" or "approximate"."""
    start: Start

    def k(self, n: int) -> int:
        """Number of neighbours of each of n rows."""
        return min(n - 1, int(3 * self.perplexity))


class Descent(Protocol):
    """The iterations of a fit."""

    def advance(
        self, schedule: Schedule, until: int, watch: Callable[[int], bool] | None, every: int
    ) -> None:
        """Iterate up to ``until`` finished iterations.

        ``watch(iteration)`` is called in every ``every``-th iteration; returning True stops.
        """

    def kl_divergence(self, *, estimate: bool = False) -> float:
        """KL(P‖Q) of the current map, in nats."""


class Fit(Protocol):
    """The features, the probabilities and the state of a fit."""

    device: str
    """torch device that computes."""
    neighbors: str
    """The search used: "exact", "approximate" or "precomputed"."""
    recall: float
    """Share of the true neighbours found, on a sample; NaN if it is not known."""

    def __len__(self) -> int: ...

    @property
    def has_features(self) -> bool:
        """Whether the map was made from features, not from distances."""

    @property
    def iteration(self) -> int:
        """Number of finished iterations."""

    def is_of(self, X: Any) -> bool:
        """Whether ``X`` equals the input of the fit; distances are compared by number only."""

    def descent(self, workers: Workers) -> Descent:
        """The iterations, while the workers are open."""

    def coordinates(self) -> NDArray[np.float32]:
        """(n, 2) current coordinates."""

    def nearest(self, X: NDArray[Any], workers: Workers) -> Neighbors:
        """The nearest fitted rows of each row of ``X``, (r, d), for their placement."""

    def placement(self, y: NDArray[np.float32], workers: Workers) -> Placing:
        """Placement of new rows on the map ``y``, (n, 2)."""

    def reference(self) -> Reference:
        """The fitted rows, for a search on other machines."""


class HostFit:
    """A fit on the CPU.

    Parameters
    ----------
    X : (n, d) array, or (n, n) distances
    problem : Problem
    workers : Workers
    """

    device = "cpu"

    def __init__(self, X: Any, problem: Problem, workers: Workers) -> None:
        n = X.shape[0]
        self._scaler: Scaler | None = None
        self._rows: Rows | None = None
        self.recall = math.nan
        neighbors = self._neighbors(X, problem, problem.k(n), workers)
        rows = self._rows
        components = None if rows is None else lambda: principal(rows.points, workers)
        start = problem.start.coordinates(components)
        self._order: NDArray[np.int64] | None = None  # of the pairs and the state; None: as given
        if rows is not None and n >= LARGE:
            self._order = sorted_into_leaves(rows.points, workers, ORDERED_LEAF)[0]
            neighbors, start = neighbors.in_order(self._order), start[self._order]
        self._affinities: Affinities = joint_probabilities(neighbors, problem.perplexity, workers)
        self._pairs = self._affinities if n < LARGE else self._affinities.strongest(WEAK)
        self._state = State.at(start)
        self._state.is_line = problem.start.is_line

    def __len__(self) -> int:
        return len(self._affinities)

    @property
    def has_features(self) -> bool:
        """See :class:`Fit`."""
        return self._rows is not None

    @property
    def iteration(self) -> int:
        """See :class:`Fit`."""
        return self._state.iteration

    def is_of(self, X: Any) -> bool:
        """See :class:`Fit`."""
        if self._rows is None:
            return bool(X.shape[0] == len(self))
        again = unit_rows(X) if self._scaler is None else Scaler(X)(X)
        return np.array_equal(again, self._rows.points)

    def descent(self, workers: Workers) -> Descent:
        """See :class:`Fit`."""
        return _HostDescent(self._state, self._affinities, self._pairs, workers)

    def coordinates(self) -> NDArray[np.float32]:
        """See :class:`Fit`."""
        y: NDArray[np.float32] = self._state.y.numpy()
        if self._order is None:
            return y
        placed = np.empty_like(y)
        placed[self._order] = y
        return placed

    def nearest(self, X: NDArray[Any], workers: Workers) -> Neighbors:
        """See :class:`Fit`."""
        return nearest_fitted(self.reference(), X, workers)

    def placement(self, y: NDArray[np.float32], workers: Workers) -> Placing:
        """See :class:`Fit`."""
        placement = Placement(y, workers)
        return lambda neighbors: placement.coordinates(neighbors, workers)

    def reference(self) -> Reference:
        """See :class:`Fit`."""
        assert self._rows is not None  # noqa: S101 - only called for a map of features
        scale = directions if self._scaler is None else self._scaler
        return Reference(self._rows, scale, self._scaler is None)

    def _neighbors(self, X: Any, problem: Problem, k: int, workers: Workers) -> Neighbors:
        if problem.metric == "precomputed":
            self.neighbors = "precomputed"
            return precomputed_neighbors(X, k)
        if problem.metric == "euclidean":
            self._scaler = Scaler(X)
            rows = self._scaler.rows(X)
        else:
            rows = Rows(unit_rows(X), X, exact_directions)
        self.neighbors = approximate.resolve_search(problem.neighbors, len(X))
        if self.neighbors == "approximate":
            found = approximate.approximate_nearest(rows, k, workers)
            self.recall = approximate.recall(rows, found, workers)
        else:
            found, self.recall = nearest(rows, k, workers), 1.0
        # For new rows. The caller may change X, so its digits are copied if they are needed.
        needs_digits = found.need_digits(rows.points)
        self._rows = rows._replace(source=np.array(X)) if needs_digits else Rows.of(rows.points)
        return found.as_cosine() if problem.metric == "cosine" else found


class _HostDescent:
    """The iterations on the CPU; ``pairs`` attract, ``affinities`` define the KL divergence."""

    def __init__(
        self, state: State, affinities: Affinities, pairs: Affinities, workers: Workers
    ) -> None:
        self._state, self._affinities = state, affinities
        self._forces = forces_for(pairs, workers)

    def advance(
        self, schedule: Schedule, until: int, watch: Callable[[int], bool] | None, every: int
    ) -> None:
        """See :class:`Descent`."""
        due = None if watch is None else lambda i: i % every == 0 and watch(i)
        descend(self._state, self._forces, schedule, until, due)

    def kl_divergence(self, *, estimate: bool = False) -> float:
        """See :class:`Descent`."""
        return kl_divergence(self._state, self._forces, self._affinities, estimate=estimate)
