"""Gradient descent on the map: its state, its schedule and its loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget.projection.affinities import Affinities
from tsne_widget.projection.attraction import cross_entropy, estimated_cross_entropy

# Iterations with exaggerated attraction, and the momentum during and after them. The first two are
# openTSNE's (Poličar, Stražar & Zupan 2024). openTSNE's momentum of 0.8 after the exaggeration
# needs 500 iterations to reach the KL divergence that 0.9 reaches in 350: 1.787 and 1.784 on 10,000
# MNIST digits.
EXAGGERATED_ITERATIONS = 250
EXAGGERATED_MOMENTUM = 0.8
MOMENTUM = 0.9


@dataclass
class State:
    """State of a descent; continuing from it gives the same bits as an uninterrupted descent.

    Attributes
    ----------
    y, velocity, gains : (n, 2) float32 tensors
        Coordinates in map units, last steps, and gains per coordinate.
    iteration : int
        Number of finished iterations.
    is_line : bool
        Keep the second coordinate at 0.
    z : float, tensor or None
        Z before the last step, for estimates of the KL divergence.
    """

    y: torch.Tensor
    velocity: torch.Tensor
    gains: torch.Tensor
    iteration: int = 0
    is_line: bool = False
    z: Any = None

    @classmethod
    def at(cls, start: NDArray[np.float32]) -> State:
        """A state at rest at the coordinates ``start``, (n, 2)."""
        y = torch.tensor(start, dtype=torch.float32)
        return cls(y, torch.zeros_like(y), torch.ones_like(y))

    def rest(self) -> None:
        """Reset steps and gains, because the forces are about to change."""
        self.velocity.zero_()
        self.gains.fill_(1)


@dataclass(frozen=True)
class Phase:
    """Constants of a range of iterations.

    Attributes
    ----------
    iterations : int
        Number of iterations.
    exaggeration : float
        Factor on the attraction.
    momentum : float
    learning_rate : float
        In the units of the gradient A − R / Z.
    is_fresh : bool
        Start without steps and gains, because the forces change.
    """

    iterations: int
    exaggeration: float
    momentum: float
    learning_rate: float
    is_fresh: bool = False


@dataclass(frozen=True)
class Schedule:
    """Constants of each iteration, as data that the CPU and the GPU read.

    Attributes
    ----------
    phases : tuple of Phase
        One after the other; the last one covers all later iterations too.
    """

    phases: tuple[Phase, ...]

    def phase(self, iteration: int) -> Phase:
        """Constants of the next iteration, after ``iteration`` finished ones."""
        return self._at(iteration)[0]

    def is_fresh(self, iteration: int) -> bool:
        """Whether the next iteration is the first of a phase that starts without steps."""
        phase, first, _ = self._at(iteration)
        return phase.is_fresh and iteration == first

    def last(self, iteration: int) -> float:
        """Number of finished iterations at which the phase of the next iteration ends."""
        return self._at(iteration)[2]

    def _at(self, iteration: int) -> tuple[Phase, int, float]:
        """The phase of the next iteration, and the numbers of finished ones at its two ends."""
        first = 0
        for phase in self.phases[:-1]:
            if iteration < first + phase.iterations:
                return phase, first, first + phase.iterations
            first += phase.iterations
        return self.phases[-1], first, np.inf


def default_schedule(
    n: int, early_exaggeration: float = 12.0, learning_rate: float | None = None
) -> Schedule:
    """The schedule of a fit of n points.

    Parameters
    ----------
    n : int
        Number of points.
    early_exaggeration : float
        Factor on the attraction in the first 250 iterations.
    learning_rate : float, optional
        By default n / exaggeration (Belkina et al. 2019; Kobak & Berens 2019). There is no minimum:
        scikit-learn's 200, in these units, degrades maps of less than 100 points.
    """
    early = learning_rate or n / early_exaggeration
    return Schedule(
        (
            Phase(EXAGGERATED_ITERATIONS, early_exaggeration, EXAGGERATED_MOMENTUM, early),
            Phase(350, 1.0, MOMENTUM, learning_rate or float(n), is_fresh=True),
        )
    )


class Forces(Protocol):
    """Attraction and repulsion at the points of a map, and the step that follows from them."""

    def evaluate(self, y: torch.Tensor) -> Any:
        """Compute and store both forces at ``y``, (n, 2), and return Z."""

    def move(self, state: State, phase: Phase, z: Any) -> None:
        """Take one step of gradient descent with the stored forces."""


def descend(
    state: State,
    forces: Forces,
    schedule: Schedule,
    until: int,
    watch: Callable[[int], bool] | None = None,
) -> None:
    """Advance ``state`` in place.

    After an exception, also KeyboardInterrupt, ``state`` is at most one step past its last finished
    iteration, and every coordinate is finite.

    Parameters
    ----------
    state : State
    forces : Forces
    schedule : Schedule
    until : int
        Total number of iterations at which to stop.
    watch : callable, optional
        Called as ``watch(iteration)`` after each iteration; returning True stops the descent.
    """
    while state.iteration < until:
        if schedule.is_fresh(state.iteration):
            state.rest()
        state.z = forces.evaluate(state.y)
        forces.move(state, schedule.phase(state.iteration), state.z)
        if state.is_line:
            state.y[:, 1] = state.velocity[:, 1] = 0
        state.iteration += 1
        if watch is not None and watch(state.iteration):
            break


def kl_divergence(
    state: State, forces: Forces, affinities: Affinities, *, estimate: bool = False
) -> float:
    """KL(P‖Q) of the map, in nats.

    The error of the mesh in log Z is below 1e-4. An estimate uses a sample of the pairs and the Z
    of the last step, and costs less than an iteration.
    """
    z = state.z if estimate and state.z is not None else forces.evaluate(state.y)
    log_z = float(np.log(float(z)))
    attraction = (estimated_cross_entropy if estimate else cross_entropy)(affinities, state.y)
    return affinities.negative_entropy + attraction + log_z
