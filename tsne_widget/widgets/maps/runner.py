"""Run a projector in a worker thread; hand what it makes to the kernel's main thread."""

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

from tsne_widget.errors import InvalidInputError

# How often a blocked wait() looks up, so that frames are shown and an interrupt is noticed.
POLL_SECONDS = 0.05
# Frames come no faster than this: the page draws 10 to 15 a second in software.
FRAME_SECONDS = 0.05
# Features that differ by less than this crash scikit-learn's TSNE as constant ones do.
MIN_SPREAD = 1e-18
# Iterations between two frames, at least.
ITERATIONS_PER_FRAME = 10
# How long an interpreter that ends waits for a fit to notice. To end beneath torch's feet would
# abort the process.
END_SECONDS = 5.0

_RUNNING: WeakSet[ProjectionRun] = WeakSet()


class Update(NamedTuple):
    """What a fit has come to: a frame while it runs, or its end."""

    embedding: NDArray[np.float32] | None
    iteration: int = 0
    divergence: float = math.nan
    ended: bool = False
    complete: bool = False
    error: BaseException | None = None


def is_live(projector: Any) -> bool:
    """Whether the projector reports its iterations, and can be stopped and continued."""
    names = projector.get_params(deep=False) if hasattr(projector, "get_params") else {}
    return {"callback", "callback_every", "warm_start", "max_iter"} <= names.keys()


class ProjectionRun:
    """One fit of a projector. ``deliver(update)`` is called on the main thread only.

    In a notebook that happens through the kernel's event loop, otherwise within :meth:`wait`.
    Of frames that could not be delivered in time the last one counts.
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
        # Landmarks are a fair sample of the classes. Other projectors would learn from labels.
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
                callback=self._on_iteration,
                callback_every=ITERATIONS_PER_FRAME,
            )
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        _RUNNING.add(self)
        # daemon: an abandoned fit must not keep the interpreter from ending
        threading.Thread(target=self._work, name="tsne-widget-fit", daemon=True).start()

    @property
    def paused(self) -> bool:
        """Whether :meth:`pause` holds the fit."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Hold a live fit at its next report."""
        self._going.clear()

    def resume(self) -> None:
        """Let a held fit go on."""
        self._going.set()

    def stop(self) -> None:
        """End a live fit at its next report; its map so far is delivered."""
        self._stopping = True
        self._going.set()

    def wait(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Block until the end is delivered, or while the fit is not held, and show its frames.

        ``meanwhile()`` is called every twentieth of a second.
        """
        # Not Thread.join: once interrupted, Python 3.11's takes a running thread for ended.
        while not self._worked.wait(POLL_SECONDS) and not self.paused:
            self._show()
            meanwhile()
        self._show()

    def abandon(self) -> None:
        """Deliver nothing any more, and end a live fit."""
        self._abandoned = True
        self.stop()

    def join(self, seconds: float) -> None:
        """Wait so long at most until the thread has done its work."""
        self._worked.wait(seconds)

    def _work(self) -> None:
        try:
            if not is_live(self._projector):
                _check_varied(self._features)
            embedding = np.asarray(self._projector.fit_transform(self._features, **self._fit_with))
            update = Update(
                embedding,
                int(getattr(self._projector, "n_iter_", 0)),
                float(getattr(self._projector, "kl_divergence_", math.nan)),
                ended=True,
                complete=bool(getattr(self._projector, "complete_", True)),
            )
        except BaseException as error:  # carried to the main thread, shown and raised there
            update = Update(None, ended=True, error=error)
        self._post(update)
        self._worked.set()

    def _on_iteration(
        self, iteration: int, embedding: NDArray[np.float32], divergence: float
    ) -> bool:
        now = time.monotonic()
        if now - self._shown_at >= FRAME_SECONDS:
            self._shown_at = now
            self._post(Update(embedding, iteration, divergence))
        wants_end = self._also_call is not None and (
            self._also_call(iteration, embedding, divergence) is True
        )
        if self.paused:
            self._post(Update(embedding, iteration, divergence))
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
    """Features that others' projectors can take: scikit-learn's TSNE crashes on constant ones."""
    lowest, highest = features.min(axis=0), features.max(axis=0)
    if (highest - lowest).max() < MIN_SPREAD:
        raise InvalidInputError(
            f"features are the same in all {len(features):,} samples (a dead layer?) or differ by "
            f"less than {MIN_SPREAD:g}; look at another layer, or scale them"
        )


@atexit.register
def _end_all() -> None:
    runs = list(_RUNNING)
    for run in runs:
        run.abandon()
    deadline = time.monotonic() + END_SECONDS
    for run in runs:
        run.join(max(0.0, deadline - time.monotonic()))
