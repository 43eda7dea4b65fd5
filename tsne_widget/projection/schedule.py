"""The schedule of a descent: exaggeration, momentum and learning rate of each iteration.

Both the CPU and the GPU read it.

A sudden end of the exaggeration leaves overlapping classes in a worse arrangement, so it falls in
steps. Momentum of 0.8 arranges the points after each step. Momentum of 0.98 then widens the map:
the repulsion between distant points is weak, and at 0.9 a large map is still growing when the fit
ends. A last phase at 0.8 lets the points settle. benchmarks/quality.py compares the maps with
scikit-learn's on many kinds of data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Iterations of the default schedule; the last phase also covers all later ones.
ITERATIONS = 420
# Those with early exaggeration, by default: the first three phases.
EXAGGERATED_ITERATIONS = 200


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
        In the units of the gradient A − R / Z. The step of a point uses this rate or its stable
        rate ``1 / (exaggeration Σⱼ Pᵢⱼ)``, whichever is lower (``Affinities.stable_rates``).
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
        Factor on the attraction in the first 100 iterations. It is a third of that, and then a
        sixth, but at least 1, in two phases of 50 iterations.
    learning_rate : float, optional
        By default n / exaggeration (Belkina et al. 2019; Kobak & Berens 2019). There is no minimum:
        scikit-learn's 200, in these units, degrades maps of less than 100 points.
    """

    def phase(
        iterations: int, momentum: float, share: float = np.inf, *, is_fresh: bool = False
    ) -> Phase:
        exaggeration = max(early_exaggeration / share, 1.0)
        rate = learning_rate or n / exaggeration
        return Phase(iterations, exaggeration, momentum, rate, is_fresh)

    return Schedule(
        (
            phase(100, 0.8, 1),
            phase(50, 0.8, 3, is_fresh=True),
            phase(50, 0.8, 6, is_fresh=True),
            phase(50, 0.8, is_fresh=True),
            phase(30, 0.9),
            phase(100, 0.98),
            phase(40, 0.8),
        )
    )
