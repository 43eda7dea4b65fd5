"""The computation of a map: start, pause, resume, stop and continue it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from numbers import Real
from typing import Any

from tsne_widget._text import failure, printable, unexpected
from tsne_widget._validation import as_embedding
from tsne_widget.errors import InvalidInputError, WaitTimeoutError
from tsne_widget.widgets.maps.runner import ProjectionRun, Update, is_live
from tsne_widget.widgets.maps.turning import best_turn, turned
from tsne_widget.widgets.state.explorer_state import Fit
from tsne_widget.widgets.state.map_model import MapModel

logger = logging.getLogger(__name__)


class Timeout:
    """How long a call may wait in all, for one map or several.

    Parameters
    ----------
    seconds : float or None
        0 or more; None waits for ever.

    Raises
    ------
    InvalidInputError
        For anything else.
    """

    def __init__(self, seconds: float | None) -> None:
        if seconds is None:
            self.seconds = math.inf
        elif isinstance(seconds, bool) or not isinstance(seconds, Real) or not seconds >= 0:
            raise InvalidInputError(
                f"timeout={seconds!r} must be a number of seconds, 0 or more, or None"
            )
        else:
            self.seconds = float(seconds)
        self.until = time.monotonic() + self.seconds


class Fitting:
    """Runs a projector on the features of one :class:`MapModel` and writes the map into it."""

    def __init__(self, state: MapModel, projector: Any = None) -> None:
        self._state = state
        self._error: BaseException | None = None
        self._run: ProjectionRun | None = None
        self._seconds, self._going_since = 0.0, 0.0  # time used, without pauses
        self._turn = 0.0  # degrees, from the last end of a fit
        self._given = projector
        self._also_call: Callable[..., Any] | None = None  # the user's own callback

    @cached_property
    def projector(self) -> Any:
        """The projector: a copy of the user's where a callback is added, else the user's own."""
        if self._given is None:
            from tsne_widget.projection import TSNE  # slow to import, and not always needed

            self._given = TSNE(random_state=0)
        projector, self._also_call = _own(self._given)
        return projector

    def start(self) -> None:
        """Compute the map in a worker thread."""
        features, labels = self._state.feature_set.features, self._state.feature_set.labels
        n, d = features.shape
        live = is_live(self.projector)
        self._error = None
        self._going_since = time.monotonic()
        self._state.fit = Fit(
            "running",
            f"{title_of(self.projector)} of {n:,} × {d:,} features",
            note=_note(self.projector),
            iteration=int(getattr(self.projector, "n_iter_", -1)) + 1 if live else 0,
            total=int(self.projector.max_iter) if live else 0,
            turn=self._turn,
        )
        self._run = ProjectionRun(self.projector, features, self._deliver, self._also_call, labels)

    def wait(self, within: Timeout) -> None:
        """Block until the map is done, stopped or paused; raise the projector's error.

        Raises
        ------
        WaitTimeoutError
            If that takes too long; the computation goes on.
        """
        if self._run is not None and not self._run.ended:
            try:
                in_time = self._run.wait(self._state.main_thread.catch_up, within.until)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"the map is still computed: {self._goes_on()}") from None
            if not in_time and not self._run.ended:
                raise WaitTimeoutError(
                    f"the map is not done after timeout={within.seconds:g} s: {self._goes_on()}"
                )
        if self._error is not None:
            raise self._error

    def failed_with(self, error: BaseException) -> bool:
        """Whether the projector failed with this error."""
        return error is self._error

    def pause(self) -> None:
        """Pause the map."""
        self._live_run("pause").pause()
        self._clock()
        self._state.fit = self._state.fit._replace(condition="paused")

    def resume(self) -> None:
        """Resume a paused map."""
        self._live_run("resume").resume()
        self._going_since = time.monotonic()
        self._state.fit = self._state.fit._replace(condition="running")

    def stop(self) -> None:
        """Stop the computation and keep the current map."""
        self._live_run("stop").stop()

    def run(self, iterations: int = 250) -> None:
        """Continue a map that is done or stopped."""
        if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
            raise InvalidInputError(f"iterations must be an integer above 0, got {iterations!r}")
        if self._run is None:
            raise InvalidInputError(
                "this map has given coordinates, so there is nothing to continue; omit "
                "embedding= to compute a map"
            )
        if not self._run.ended:
            raise InvalidInputError("the map is still running; call stop() or wait() first")
        if not is_live(self.projector):
            raise InvalidInputError(f"{title_of(self.projector)} cannot be continued")
        done = int(getattr(self.projector, "n_iter_", -1)) + 1
        self.projector.set_params(max_iter=done + iterations, warm_start=True)
        self.start()

    def close(self) -> None:
        """Abandon a running computation."""
        if self._run is not None:
            self._run.abandon()
            self._run = None

    def _deliver(self, update: Update) -> None:
        fit = self._state.fit._replace(
            iteration=update.iteration, divergence=update.divergence, stage=update.stage
        )
        error = update.error
        if error is None and update.embedding is not None:
            try:
                embedding = as_embedding(update.embedding, len(self._state.codes))
                if update.ended and _may_turn(self.projector):
                    self._turn = best_turn(embedding)
                    # The page animates the turn: it learns of it before the places.
                    self._set("fit", self._state.fit._replace(turn=self._turn))
                fit = fit._replace(turn=self._turn)
                self._set("embedding", turned(embedding, fit.turn))
            except InvalidInputError as wrong_shape:
                error = wrong_shape
        if error is not None:  # shown here, and raised by wait()
            self._error = error
            message = failure(error, "The map")
            logger.error("%s", message, exc_info=unexpected(error))
            self._state.message = message
            self._set("fit", fit._replace(condition="failed", title=message))
        elif update.ended:
            self._clock()
            condition = "done" if update.complete else "stopped"
            self._set("fit", fit._replace(condition=condition, seconds=self._seconds))
        else:
            paused = self._run is not None and self._run.paused
            self._set("fit", fit._replace(condition="paused" if paused else "running"))

    def _goes_on(self) -> str:
        """The end of an error message: the progress of the map, and the remedy."""
        fit: Fit = self._state.fit
        steps = f", iteration {fit.iteration:,} of {fit.total:,}" if fit.total else ""
        remedy = "stop() to keep it as it is" if is_live(self.projector) else "close()"
        return f"{fit.title}{steps}; call wait() again, or {remedy}"

    def _clock(self) -> None:
        if self._state.fit.condition == "running":
            self._seconds += time.monotonic() - self._going_since

    def _set(self, name: str, value: Any) -> None:
        """Set a trait; an error of a user's observer is shown, and the fit continues."""
        try:
            setattr(self._state, name, value)
        except Exception as error:
            logger.exception("an observer of %s failed", name)
            self._state.message = failure(error)

    def _live_run(self, word: str) -> ProjectionRun:
        if self._run is None or self._run.ended:
            raise InvalidInputError(f"there is nothing to {word}: no map is running")
        if not is_live(self.projector):
            raise InvalidInputError(
                f"{title_of(self.projector)} cannot be paused or stopped: wait() for it"
            )
        return self._run


def wait_for_all(fittings: Iterable[Fitting], timeout: float | None) -> None:
    """Wait for several maps, ``timeout`` seconds in all; raise the first projector's error.

    Raises
    ------
    WaitTimeoutError
        If that takes too long; the computation goes on.
    """
    within = Timeout(timeout)
    errors: list[BaseException] = []
    for fitting in fittings:
        try:
            fitting.wait(within)
        except BaseException as error:
            if not fitting.failed_with(error):
                raise  # an interrupt of this call, or the end of the time
            errors.append(error)
    if errors:
        raise errors[0]


def _own(projector: Any) -> tuple[Any, Callable[..., Any] | None]:
    """A copy of a live projector, to add a callback to, and the user's own callback."""
    if not is_live(projector):
        return projector, None
    fresh = type(projector)(**projector.get_params(deep=False))
    return fresh, fresh.callback


def _may_turn(projector: Any) -> bool:
    """Whether directions on the projector's map mean nothing; PCA's axes do."""
    return is_live(projector) and title_of(projector) == "t-SNE"


def title_of(projector: Any) -> str:
    """Default name of a projector's map; None stands for the default t-SNE."""
    name = "TSNE" if projector is None else type(projector).__name__
    return "t-SNE" if name == "TSNE" else printable(name)


def _note(projector: Any) -> str:
    """A remark if the projector gives another map each time, else ""."""
    values = projector.get_params(deep=False) if hasattr(projector, "get_params") else {}
    # Runs of PCA's randomised solver differ by less than is visible.
    if type(projector).__name__ == "PCA" or values.get("random_state", 0) is not None:
        return ""
    return "random_state is not set: another run gives another map"
