"""Gradient descent on the map: its state and its loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget.projection.affinities import Affinities
from tsne_widget.projection.attraction import cross_entropy, estimated_cross_entropy
from tsne_widget.projection.schedule import Phase, Schedule


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
