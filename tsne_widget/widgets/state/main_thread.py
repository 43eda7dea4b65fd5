"""The kernel's main thread, the only one that changes the state.

JupyterLab 4.4 and later handle messages of widgets in a subshell, a separate thread, to answer them
while a cell runs. Their changes are made on the main thread, one after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class MainThread:
    """Calls functions on the main thread, from any thread.

    Without an event loop on the main thread, as in a plain script, functions run at once.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        if is_main():
            with contextlib.suppress(RuntimeError):
                self._loop = asyncio.get_running_loop()

    @property
    def waiting(self) -> int:
        """Number of calls that wait for the main thread."""
        return len(self._waiting)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call the function: at once on the main thread, else when the main thread is free."""
        if is_main() or self._loop is None or self._loop.is_closed():
            function(*arguments)
            return
        self._waiting.append((function, arguments))
        self._loop.call_soon_threadsafe(self.catch_up)

    def catch_up(self) -> None:
        """Run the waiting calls, as a blocked ``explorer.wait()`` does."""
        while self._waiting:
            function, arguments = self._waiting.popleft()
            function(*arguments)


def is_main() -> bool:
    """Whether this is the main thread."""
    return threading.current_thread() is threading.main_thread()
