"""Messages from the page: untrusted, so checked here before they touch the state."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

import anywidget

from tsne_widget._text import failure
from tsne_widget.widgets.state.explorer_state import MODES, ExplorerState, Mode

logger = logging.getLogger(__name__)

# A longest polygon has a third of it; more no handler reads.
MAX_BUFFER_BYTES = 2**20
# Messages that wait while a cell runs: more clicks than anybody makes, too few to fill memory.
MAX_WAITING = 10_000
# From so many on, what the pointer passes over is not worth waiting.
MAX_WAITING_HOVERS = 100

Handler = Callable[[dict[str, Any], Sequence[memoryview]], None]


def answer(widget: anywidget.AnyWidget, state: ExplorerState, handlers: dict[str, Handler]) -> None:
    """Answer each message of the page by the handler of its ``kind``.

    A message that its handler finds malformed is dropped and logged. Any other exception, one of
    the user's own observers included, is shown in the widget.
    """
    # ipykernel 7.4 hands the page's messages to the shell that this comm spoke from last, main or
    # subshell: each time that changes, later ones overtake those that wait in the other.
    widget.comm._reply_subshell_for = lambda _data, shell_of_message: shell_of_message
    widget.on_msg(functools.partial(_dispatch, state, handlers))


def _dispatch(
    state: ExplorerState,
    handlers: dict[str, Handler],
    _widget: Any,
    content: Any,
    buffers: Sequence[memoryview],
) -> None:
    kind = content.get("kind") if isinstance(content, dict) else None
    handler = handlers.get(kind) if isinstance(kind, str) else None
    if handler is None:
        logger.debug("dropped a message of unknown kind from the page")
        return
    waiting = state.main_thread.waiting
    if waiting >= (MAX_WAITING_HOVERS if kind == "hover" else MAX_WAITING):
        logger.debug("dropped a %s message of the page: %d wait already", kind, waiting)
        return
    if sum(memoryview(buffer).nbytes for buffer in buffers) > MAX_BUFFER_BYTES:
        logger.debug("dropped a %s message of the page: it is too large", kind)
        return
    # Copied: a buffer's memory is the socket's, and the main thread may be busy.
    copies = [memoryview(bytes(buffer)) for buffer in buffers]
    state.main_thread.call(_handle, state, kind, handler, content, copies)


def _handle(
    state: ExplorerState,
    kind: str,
    handler: Handler,
    content: dict[str, Any],
    buffers: Sequence[memoryview],
) -> None:
    try:
        handler(content, buffers)
    except MalformedMessageError as error:
        logger.debug("dropped a malformed %s message from the page: %s", kind, error)
    except Exception as error:  # the one place: what a click causes is shown where it was clicked
        logger.exception("a %s message failed", kind)
        state.message = failure(error)


class MalformedMessageError(ValueError):
    """The page sent something that this package's own page never sends."""


def integer(content: dict[str, Any], name: str, lowest: int, highest: int) -> int:
    """The field as an int within bounds; anything else is malformed."""
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise MalformedMessageError(f"{name} is not an integer in {lowest} … {highest}")
    return value


def mode_of(content: dict[str, Any]) -> Mode:
    """How the rows are to meet what is selected already; an unknown word is malformed."""
    mode = content.get("mode")
    if mode not in MODES:
        raise MalformedMessageError("unknown mode")
    return mode
