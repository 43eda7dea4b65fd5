"""Slow work in threads, with results delivered on the kernel's main thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from tsne_widget._text import failure, unexpected
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.main_thread import is_main

logger = logging.getLogger(__name__)

# Maximum number of threads per explorer: it bounds memory and processor time for any request.
MAX_THREADS = 4


class _Job(NamedTuple):
    title: str
    work: Callable[[], Any]
    deliver: Callable[[Any], None]
    failed: Callable[[], None] | None
    loop: asyncio.AbstractEventLoop


class Background:
    """Runs slow work of views in threads and names it in ``state.busy``.

    Without an event loop, as in a plain script, work runs at once. Beyond four threads, work is
    queued; a newer request with the same title replaces a queued one.
    """

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        self._running: list[_Job] = []
        self._waiting: dict[str, _Job] = {}  # by title
        self._closed = False
        self._at_close: list[Callable[[], None]] = []

    def run(
        self,
        title: str,
        work: Callable[[], Any],
        deliver: Callable[[Any], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Call ``deliver(work())``: ``work`` in a thread, ``deliver`` on the main thread.

        An error of ``work`` becomes the state's message. Nothing is delivered after close().

        Parameters
        ----------
        title : str
            Shown while it runs, for example "Comparing neighbours"; "" for work that reports its
            own progress.
        failed : callable, optional
            Called on the main thread instead of ``deliver`` if ``work`` raises.
        """
        if not is_main():
            self._state.main_thread.call(self.run, title, work, deliver, failed)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            deliver(work())
            return
        job = _Job(title, work, deliver, failed, loop)
        if len(self._running) < MAX_THREADS:
            self._start(job)
        else:
            self._waiting[title] = job
        self._state.busy = title or self._state.busy

    def at_close(self, stop: Callable[[], None]) -> None:
        """Call this function when the explorer is closed."""
        self._at_close.append(stop)

    def close(self) -> None:
        """Deliver nothing more, and drop queued work."""
        self._closed = True
        for stop in self._at_close:
            stop()
        self._at_close = []
        self._running, self._waiting = [], {}

    def _start(self, job: _Job) -> None:
        def target() -> None:
            result, error = None, None
            try:
                result = job.work()
            except BaseException as raised:  # shown on the main thread
                error = raised
            if not job.loop.is_closed():
                job.loop.call_soon_threadsafe(self._finish, job, result, error)

        self._running.append(job)
        # daemon: abandoned work must not keep the interpreter alive
        threading.Thread(target=target, name="tsne-widget-work", daemon=True).start()

    def _finish(self, job: _Job, result: Any, error: BaseException | None) -> None:
        if self._closed:
            return
        self._running = [other for other in self._running if other is not job]
        if self._waiting:
            self._start(self._waiting.pop(next(iter(self._waiting))))
        titles = [other.title for other in (*self._running, *self._waiting.values())]
        titles = [title for title in titles if title]
        try:
            self._state.busy = titles[-1] if titles else ""
            if error is None:
                job.deliver(result)
        except Exception as raised:  # also of an observer: shown like a failed click
            error = raised
        if error is not None:
            self._state.message = message = failure(error, job.title)
            logger.error("%s", message, exc_info=unexpected(error))
            if job.failed is not None:
                job.failed()
