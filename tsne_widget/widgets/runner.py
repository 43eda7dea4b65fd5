"""Run a projector in a worker thread and hand its outcome to the kernel's main thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# How often a blocked wait() looks up, so that an interrupt of the kernel is noticed, in seconds.
POLL_SECONDS = 0.1

Outcome = NDArray[np.float32] | BaseException


class ProjectionRun:
    """One fit of a projector. ``deliver`` is called once, on the main thread, with the outcome.

    In a notebook that happens through the kernel's event loop; without one, in :meth:`wait`.
    """

    def __init__(
        self, projector: Any, features: NDArray[np.float32], deliver: Callable[[Outcome], None]
    ) -> None:
        self._projector = projector
        self._features = features
        self._deliver = deliver
        self._outcome: Outcome | None = None
        self._delivered = False
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        # daemon: an abandoned fit must not keep the interpreter from ending
        self._thread = threading.Thread(target=self._work, name="tsne-widget-fit", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the outcome is still to be delivered."""
        return not self._delivered

    def wait(self) -> None:
        """Block until the outcome is there, then deliver it on this thread."""
        while self._thread.is_alive():
            self._thread.join(POLL_SECONDS)
        self._finish()

    def abandon(self) -> None:
        """Deliver nothing, whatever the fit comes to."""
        self._delivered = True

    def _work(self) -> None:
        try:
            self._outcome = np.asarray(self._projector.fit_transform(self._features))
        except BaseException as error:  # carried to the main thread and raised there
            self._outcome = error
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self._delivered and self._outcome is not None:
            self._delivered = True
            self._deliver(self._outcome)
