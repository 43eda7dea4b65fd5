"""Messages from the page: untrusted, so they are checked here before they touch the state."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from tsne_widget._text import failure
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError
from tsne_widget.widgets.views.view import View

logger = logging.getLogger(__name__)

# Bytes of buffers per message: three times the longest polygon that a handler accepts.
MAX_BUFFER_BYTES = 2**20
# Messages that wait while a cell runs: more clicks than anybody makes, too few to fill memory.
MAX_WAITING = 10_000
# From this many waiting messages on, hover messages are dropped.
MAX_WAITING_HOVERS = 100


def receive(
    state: ExplorerState,
    views: dict[str, View],
    content: object,
    buffers: Sequence[memoryview],
) -> None:
    """Answer a message from the page on the main thread.

    ``content["view"]`` names the view and ``content["kind"]`` its handler. A malformed message is
    dropped and logged. Any other exception, one of a user's observer included, is shown in the
    widget.
    """
    if not isinstance(content, dict):
        logger.debug("dropped a message from the page that is not a mapping")
        return
    name, kind = content.get("view"), content.get("kind")
    view = views.get(name) if isinstance(name, str) else None
    if view is None or not isinstance(kind, str) or not (kind == "set" or kind in view.handlers):
        logger.debug("dropped a message of unknown view or kind from the page")
        return
    waiting = state.main_thread.waiting
    if waiting >= (MAX_WAITING_HOVERS if kind == "hover" else MAX_WAITING):
        logger.debug("dropped a %s message from the page: %d messages wait", kind, waiting)
        return
    if sum(memoryview(buffer).nbytes for buffer in buffers) > MAX_BUFFER_BYTES:
        logger.debug("dropped a %s message from the page: it is too large", kind)
        return
    # Copied: the memory of a buffer is the socket's, and the main thread may be busy.
    copies = [memoryview(bytes(buffer)) for buffer in buffers]
    state.main_thread.call(_handle, state, view, kind, content, copies)


def _handle(
    state: ExplorerState,
    view: View,
    kind: str,
    content: dict[str, Any],
    buffers: Sequence[memoryview],
) -> None:
    state.gesture_at = time.monotonic()
    try:
        with state.together():
            if kind == "set":
                view.set_from_page(content.get("state"))
            else:
                view.handlers[kind](content, buffers)
    except MalformedMessageError as error:
        logger.debug("dropped a malformed %s message from the page: %s", kind, error)
    except Exception as error:  # the one place: a failed click is shown where it was made
        logger.exception("a %s message failed", kind)
        state.message = failure(error)
