"""The forces of one iteration: attraction, repulsion, and the step that follows from them."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget.projection import compiled, repulsion
from tsne_widget.projection.affinities import Affinities
from tsne_widget.projection.attraction import Attraction
from tsne_widget.projection.mesh import Mesh, influence, mesh_for
from tsne_widget.projection.optimize import Forces, State
from tsne_widget.projection.schedule import Phase
from tsne_widget.projection.workers import Workers

# Minimum of the gains of Jacobs (1988), as in van der Maaten's code.
MIN_GAIN = 0.01
# Maximum change of a coordinate in one iteration, in map units, as in openTSNE.
MAX_STEP = 5.0
# From this many points on, several threads compute the forces, in pieces. A step is short, so it is
# one piece below STEPS points.
POINTS_PER_THREAD = 1_500
PIECES = 4
STEPS = 10_000
# Compiled loops sum the repulsion of every pair up to this many points per node along a side of the
# mesh. It is exact, and faster: 2.0 instead of 3.8 ms for 3,589 points and 432 nodes.
POINTS_PER_LENGTH = 12


def forces_for(affinities: Affinities, workers: Workers) -> Forces:
    """Compiled loops if numba is installed, otherwise torch operations."""
    loops = compiled_loops()
    if loops is None:
        return TorchForces(affinities, workers)
    return NumbaForces(affinities, workers, loops)


def compiled_loops() -> ModuleType | None:
    """The module ``numba_loops``, or None if numba is not installed or not usable."""
    return compiled.loops("numba_loops")


class TorchForces:
    """Forces in torch operations, on the CPU.

    Parameters
    ----------
    affinities : Affinities
    workers : Workers
    """

    def __init__(self, affinities: Affinities, workers: Workers) -> None:
        n = len(affinities)
        self._attraction = Attraction(affinities)
        self._rates = torch.from_numpy(affinities.stable_rates)[:, None]
        self._workers = workers
        self._pull = torch.zeros((2, n))
        self._push = torch.zeros((2, n))

    def evaluate(self, y: torch.Tensor) -> torch.Tensor:
        """See :class:`Forces`."""
        points = y.T.contiguous()
        self._attraction.forces(points, self._pull, self._workers)
        if len(y) <= repulsion.DIRECT_POINTS:
            return repulsion.direct(points, self._push)
        mesh = _mesh_around(points.amin(1).tolist(), points.amax(1).tolist())
        if mesh is None:
            return repulsion.closed_form(points, self._push)
        kernel = influence(mesh.size, mesh.far_cells, mesh.cell)
        density = repulsion.spread(points, mesh)
        field = repulsion.convolve(density, mesh, kernel, self._workers)
        total = repulsion.interpolate(points, mesh, field, kernel, self._push)
        return total.double().sum() - y.shape[0] * kernel.self_field

    def move(self, state: State, phase: Phase, z: torch.Tensor) -> None:
        """See :class:`Forces`."""
        gradient = self._pull.mul_(phase.exaggeration).sub_(self._push / z).T
        same_way = (gradient * state.velocity) > 0
        torch.where(same_way, state.gains * 0.8, state.gains + 0.2, out=state.gains)
        state.gains.clamp_(min=MIN_GAIN)
        rates = (self._rates / phase.exaggeration).clamp_(max=phase.learning_rate)
        step = state.velocity * phase.momentum - gradient * state.gains * rates
        state.velocity.copy_(step.clamp_(-MAX_STEP, MAX_STEP))
        state.y += state.velocity


class NumbaForces:
    """Forces in compiled loops, on the CPU.

    Points and rows of pairs are split into pieces; each piece has its own array of attraction.

    Parameters
    ----------
    affinities : Affinities
    workers : Workers
    loops : module
        ``numba_loops``.
    """

    def __init__(self, affinities: Affinities, workers: Workers, loops: ModuleType) -> None:
        n = len(affinities)
        pieces = 1 if n < POINTS_PER_THREAD else PIECES
        bounds = np.linspace(0, n, pieces + 1).astype(int)
        self._points = list(pairwise(bounds.tolist()))
        shares = np.linspace(0, len(affinities.values), pieces + 1)
        bounds = np.searchsorted(affinities.starts, shares[:-1])
        rows = [*bounds.tolist(), n]
        self._rows = list(pairwise(rows))
        self._pairs = (affinities.starts, affinities.others, affinities.values)
        # Each row meets all later rows, so these bands of rows have equally many pairs.
        shares = 1 - np.sqrt(1 - np.arange(pieces) / pieces)
        self._bands = list(pairwise([*(shares * n // 4 * 4).astype(int).tolist(), n]))
        self._pull = np.zeros((pieces, n, 2), np.float32)
        self._push_of_bands = np.zeros((pieces, 2, n), np.float32)
        self._push = np.zeros((2, n), np.float32)
        self._rates = affinities.stable_rates
        self._loops = loops
        self._workers = workers

    def evaluate(self, y: torch.Tensor) -> float:
        """See :class:`Forces`."""
        points = y.numpy()
        if len(y) <= repulsion.DIRECT_POINTS:
            return self._evaluate_directly(points)
        mesh = _mesh_around(points.min(0).tolist(), points.max(0).tolist())
        if mesh is None:
            self._attract_all(points)
            return float(repulsion.closed_form(y.T, torch.from_numpy(self._push)))
        if len(y) <= POINTS_PER_LENGTH * mesh.size:
            return self._evaluate_directly(points)
        return self._evaluate_on(mesh, points)

    def _evaluate_directly(self, points: NDArray[np.float32]) -> float:
        """Both forces, with the repulsion summed over all pairs; returns Z."""
        across, along = np.ascontiguousarray(points.T)

        def attract_and_repel(piece: int) -> float:
            self._attract(piece, points)
            push = self._push_of_bands[piece]
            push[:] = 0
            total: float = self._loops.repel(*self._bands[piece], across, along, *push)
            return total

        half_z = sum(self._workers.map(attract_and_repel, range(len(self._bands))))
        np.sum(self._push_of_bands, axis=0, out=self._push)
        return 2 * half_z

    def _evaluate_on(self, mesh: Mesh, points: NDArray[np.float32]) -> float:
        """Both forces, with the repulsion computed on a mesh; returns Z."""
        densities = np.zeros((len(self._points), mesh.cells, mesh.cells), np.float32)
        place = (*map(np.float32, mesh.origin), np.float32(1 / mesh.cell))

        def attract_and_spread(piece: int) -> None:
            self._attract(piece, points)
            self._loops.spread(*self._points[piece], points, *place, densities[piece])

        self._workers.map(attract_and_spread, range(len(self._rows)))
        density = densities[0]
        for other in densities[1:]:
            density += other
        kernel = influence(mesh.size, mesh.far_cells, mesh.cell)
        field = repulsion.convolve(torch.from_numpy(density), mesh, kernel, self._workers).numpy()
        self_force = tuple(map(np.float32, kernel.self_force))

        def repel(piece: tuple[int, int]) -> float:
            total: float = self._loops.interpolate(
                *piece, points, *place, field, *self_force, self._push
            )
            return total

        return sum(self._workers.map(repel, self._points)) - len(points) * kernel.self_field

    def _attract_all(self, points: NDArray[np.float32]) -> None:
        self._workers.map(lambda piece: self._attract(piece, points), range(len(self._rows)))

    def _attract(self, piece: int, points: NDArray[np.float32]) -> None:
        self._pull[piece] = 0
        self._loops.attract(*self._rows[piece], points, *self._pairs, self._pull[piece])

    def move(self, state: State, phase: Phase, z: float) -> None:
        """See :class:`Forces`."""
        constants = [
            np.float32(value)
            for value in (
                phase.exaggeration,
                1 / z,
                phase.learning_rate,
                phase.momentum,
                MIN_GAIN,
                MAX_STEP,
            )
        ]
        arrays = [tensor.numpy() for tensor in (state.y, state.velocity, state.gains)]
        self._workers.map(
            lambda piece: self._loops.move(
                *piece, self._pull, self._push, *constants, self._rates, *arrays
            ),
            self._points if len(self._rates) >= STEPS else [(0, len(self._rates))],
        )


def _mesh_around(low: list[float], high: list[float]) -> Mesh | None:
    """The mesh for a map, or None if a closed form serves it."""
    if max(high[0] - low[0], high[1] - low[1]) < repulsion.CLOSED_FORM_WIDTH:
        return None
    return mesh_for((low[0], low[1]), (high[0], high[1]))
