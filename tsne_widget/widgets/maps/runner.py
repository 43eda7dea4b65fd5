"""Run a projector in a worker thread and deliver its maps on the kernel's main thread."""

from __future__ import annotations

import asyncio
import atexit
import math
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from tsne_widget._tensors import to_numpy
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.maps.coordinates import as_coordinates

# Seconds between the checks of a blocked wait(): it shows frames and notices an interrupt.
POLL_SECONDS = 0.05
# Minimum seconds between frames: without a graphics card, the page draws 10 to 15 a second.
FRAME_SECONDS = 0.05
# scikit-learn's TSNE crashes on features that differ by less than this, as on constant ones.
MIN_SPREAD = 1e-18
# Minimum iterations between two frames.
ITERATIONS_PER_FRAME = 10
# Seconds that an ending interpreter waits for a fit to stop: ending while torch computes would
# abort the process.
END_SECONDS = 5.0

_RUNNING: WeakSet[ProjectionRun] = WeakSet()


class Update(NamedTuple):
    """A frame of a running fit, a stage before its first iteration, or its end."""

    embedding: NDArray[np.float32] | None
    iteration: int = 0
    divergence: float = math.nan
    ended: bool = False
    complete: bool = False
    error: BaseException | None = None
    stage: str = ""


class _Report:
    """The projector's callback; ``stage`` is told what precedes the first iteration."""

    def __init__(self, run: ProjectionRun) -> None:
        self._run = run

    def __call__(self, iteration: int, embedding: NDArray[np.float32], divergence: float) -> bool:
        return self._run._on_iteration(iteration, embedding, divergence)

    def stage(self, text: str) -> None:
        """Show a stage of the fit."""
        self._run._post(Update(None, stage=text))


def is_live(projector: Any) -> bool:
    """Whether the projector reports iterations and can be stopped and continued."""
    names = projector.get_params(deep=False) if hasattr(projector, "get_params") else {}
    return {"callback", "callback_every", "warm_start", "max_iter"} <= names.keys()


class ProjectionRun:
    """One fit of a projector, which calls ``deliver(update)`` on the main thread.

    In a notebook, the kernel's event loop makes that call; elsewhere, :meth:`wait` does. If frames
    arrive faster than they are delivered, only the last one is delivered.
    """

    def __init__(
        self,
        projector: Any,
        features: NDArray[np.float32],
        deliver: Callable[[Update], None],
        also_call: Callable[..., Any] | None = None,
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        self._projector = projector
        # Labels make the landmarks a stratified sample. Other projectors would learn from them.
        takes_labels = getattr(projector, "landmarks", None) is not None
        self._fit_with = {"y": labels} if takes_labels and labels is not None else {}
        self._features = features
        self._deliver = deliver
        self._also_call = also_call
        self._lock = threading.Lock()
        self._latest: Update | None = None
        self._scheduled = False
        self._abandoned = False
        self._stopping = False
        self._going = threading.Event()
        self._going.set()
        self._worked = threading.Event()
        self._shown_at = -math.inf
        self.ended = False
        if is_live(projector):
            projector.set_params(
                callback=_Report(self),
                callback_every=ITERATIONS_PER_FRAME,
            )
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        _RUNNING.add(self)
        # daemon: an abandoned fit must not keep the interpreter alive
        threading.Thread(target=self._work, name="tsne-widget-fit", daemon=True).start()

    @property
    def paused(self) -> bool:
        """Whether the fit is paused."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Pause a live fit at its next iteration report."""
        self._going.clear()

    def resume(self) -> None:
        """Resume a paused fit."""
        self._going.set()

    def stop(self) -> None:
        """Stop a live fit at its next iteration report and deliver its current map."""
        self._stopping = True
        self._going.set()

    def wait(self, meanwhile: Callable[[], None] = lambda: None, until: float = math.inf) -> bool:
        """Block until the fit ends or is paused, and deliver its frames.

        ``meanwhile()`` is called every 0.05 seconds. Returns whether that was before ``until``, a
        time of :func:`time.monotonic`.
        """
        # Not Thread.join: after an interrupt, Python 3.11's reports a running thread as ended.
        while not self._worked.wait(max(0.0, min(POLL_SECONDS, until - time.monotonic()))):
            self._show()
            if self.paused:
                return True
            if time.monotonic() >= until:
                return False
            meanwhile()
        self._show()
        return True

    def abandon(self) -> None:
        """Deliver nothing more, and stop a live fit."""
        self._abandoned = True
        self.stop()

    def join(self, seconds: float) -> None:
        """Wait at most this many seconds for the thread to finish."""
        self._worked.wait(seconds)

    def _work(self) -> None:
        try:
            if not is_live(self._projector):
                _check_varied(self._features)
            result = self._projector.fit_transform(self._features, **self._fit_with)
            update = Update(
                as_coordinates(result, len(self._features), self._projector),
                int(getattr(self._projector, "n_iter_", -1)) + 1,
                float(getattr(self._projector, "kl_divergence_", math.nan)),
                ended=True,
                complete=bool(getattr(self._projector, "complete_", True)),
            )
        except BaseException as error:  # shown and raised on the main thread
            update = Update(None, ended=True, error=error)
        self._post(update)
        self._worked.set()

    def _on_iteration(
        self, iteration: int, embedding: NDArray[np.float32], divergence: float
    ) -> bool:
        now = time.monotonic()
        if now - self._shown_at >= FRAME_SECONDS:
            self._shown_at = now
            self._post(Update(to_numpy(embedding), iteration, divergence))
        wants_end = self._also_call is not None and (
            self._also_call(iteration, embedding, divergence) is True
        )
        if self.paused:
            self._post(Update(to_numpy(embedding), iteration, divergence))
            self._going.wait()
        return wants_end or self._stopping

    def _post(self, update: Update) -> None:
        with self._lock:
            self._latest = update
            schedule = not self._scheduled and self._loop is not None
            self._scheduled = self._scheduled or schedule
        if schedule and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._show)

    def _show(self) -> None:
        with self._lock:
            update, self._latest, self._scheduled = self._latest, None, False
        if update is None or self._abandoned:
            return
        self.ended = update.ended
        self._deliver(update)


def _check_varied(features: NDArray[np.float32]) -> None:
    """Refuse constant features, which crash scikit-learn's TSNE."""
    lowest, highest = features.min(axis=0), features.max(axis=0)
    if (highest - lowest).max() < MIN_SPREAD:
        raise InvalidInputError(
            f"features are the same in all {len(features):,} samples (a dead layer?) or differ by "
            f"less than {MIN_SPREAD:g}; choose another layer, or scale them"
        )


@atexit.register
def _end_all() -> None:
    runs = list(_RUNNING)
    for run in runs:
        run.abandon()
    deadline = time.monotonic() + END_SECONDS
    for run in runs:
        run.join(max(0.0, deadline - time.monotonic()))
