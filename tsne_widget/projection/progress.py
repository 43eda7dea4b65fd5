"""What scikit-learn's ``verbose`` prints, calls of the callback, and early ends of a fit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.projection.schedule import EXAGGERATED_ITERATIONS

# Iterations between two checks, as in scikit-learn.
CHECK_EVERY = 50
# scikit-learn's default of n_iter_without_progress. It is not checked: fits end sooner.
PATIENCE = 300


class Progress:
    """Messages and calls of a fit, and whether one of them ends it.

    Parameters
    ----------
    verbose : int
        0 prints nothing, 1 the stages, 2 every 50th iteration too.
    patience : int
        Iterations without a lower divergence after which the fit ends; 300: it never ends.
    callback : callable or None
        Called as ``callback(iteration, embedding, kl_divergence)``; True ends the fit.
    callback_every : int
        Iterations between two calls.
    """

    def __init__(
        self,
        verbose: int,
        patience: int,
        callback: Callable[[int, NDArray[np.float32], float], Any] | None,
        callback_every: int,
    ) -> None:
        self._verbose, self._patience = verbose, patience
        self._callback, self._callback_every = callback, callback_every
        self._checks = verbose > 0 or patience != PATIENCE
        self._lowest, self._at = math.inf, 0
        self._since = time.perf_counter()

    @property
    def every(self) -> int:
        """Iterations between two calls of :meth:`stops`; 0 if none is needed."""
        called = 0 if self._callback is None else self._callback_every
        return math.gcd(called, CHECK_EVERY if self._checks else 0)

    def say(self, text: str, *, level: int = 1, timed: bool = False) -> None:
        """Print a line, with the seconds since the previous timed line if ``timed``."""
        if timed:
            now = time.perf_counter()
            text, self._since = f"{text} in {now - self._since:.3f}s", now
        if self._verbose >= level:
            print(f"[t-SNE] {text}", flush=True)  # noqa: T201 - the user asks for it

    def stops(
        self,
        iteration: int,
        divergence: Callable[[], float],
        embedding: Callable[[], NDArray[np.float32]],
    ) -> bool:
        """Report finished iterations; whether the fit should end."""
        is_check = self._checks and iteration > 0 and iteration % CHECK_EVERY == 0
        is_call = self._callback is not None and iteration % self._callback_every == 0
        if not (is_check or is_call):
            return False
        kl = divergence()
        ends = is_check and self._is_stuck(iteration, kl)
        if is_call and self._callback is not None:
            ends |= self._callback(iteration, embedding(), kl) is True
        return ends

    def end(self, iteration: int, divergence: float) -> None:
        """Report the end of the fit."""
        self.say(f"Iteration {iteration}: error = {divergence:.7f}, exactly", level=2)
        self.say(f"KL divergence after {iteration} iterations: {divergence:f}")

    def _is_stuck(self, iteration: int, divergence: float) -> bool:
        text = f"Iteration {iteration}: error = {divergence:.7f}, {CHECK_EVERY} iterations"
        self.say(text, level=2, timed=True)
        if iteration == EXAGGERATED_ITERATIONS:
            words = f"KL divergence after {iteration} iterations with early exaggeration"
            self.say(f"{words}: {divergence:f}")
        if iteration <= EXAGGERATED_ITERATIONS or divergence < self._lowest:
            self._lowest, self._at = divergence, iteration
        elif self._patience != PATIENCE and iteration - self._at > self._patience:
            words = f"did not make any progress during the last {self._patience} episodes"
            self.say(f"Iteration {iteration}: {words}. Finished.", level=2)
            return True
        return False
