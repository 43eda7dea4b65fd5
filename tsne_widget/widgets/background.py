"""Work that takes seconds, off the kernel's main thread, its result handed back to it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

from tsne_widget.widgets.main_thread import is_main
from tsne_widget.widgets.state import ExplorerState
from tsne_widget.widgets.text import MAX_SENTENCE, shown

logger = logging.getLogger(__name__)


class Background:
    """Runs what views ask for beside the kernel, and says so in ``state.busy`` meanwhile.

    Without an event loop, as in a plain script, work is done at once.
    """

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        self._titles: list[str] = []
        self._closed = False

    def run(
        self,
        title: str,
        work: Callable[[], Any],
        deliver: Callable[[Any], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Call ``deliver(work())``: ``work`` in a thread, ``deliver`` on the main thread.

        What ``work`` raises is shown as the state's message. Nothing is delivered after close().

        Parameters
        ----------
        title : str
            What is shown meanwhile, for example "Comparing neighbours".
        failed : callable, optional
            Called on the main thread, in place of ``deliver``, when ``work`` has raised.
        """
        if not is_main():
            self._state.main_thread.call(self.run, title, work, deliver, failed)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            deliver(work())
            return
        self._titles.append(title)
        self._state.busy = title

        def finish(result: Any, error: BaseException | None) -> None:
            if self._closed:
                return
            self._titles.remove(title)
            self._state.busy = self._titles[-1] if self._titles else ""
            if error is None:
                try:
                    deliver(result)
                except Exception as raised:  # an observer's, too: shown, as what a click causes
                    logger.exception("%s failed", title)
                    error = raised
            if error is not None:
                self._state.message = shown(f"{title} failed: {error}", MAX_SENTENCE)
                if failed is not None:
                    failed()

        def target() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # carried to the main thread, shown there
                error = raised
            if not loop.is_closed():
                loop.call_soon_threadsafe(finish, result, error)

        # daemon: abandoned work must not keep the interpreter from ending
        threading.Thread(target=target, name="tsne-widget-work", daemon=True).start()

    def close(self) -> None:
        """Deliver nothing any more."""
        self._closed = True
