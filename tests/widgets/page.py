"""Page: simulates the page of an explorer or a comparison without a browser."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from comm.base_comm import BaseComm
from ipywidgets import Widget
from ipywidgets.widgets import widget as ipywidgets_module
from numpy.typing import DTypeLike, NDArray

from tsne_widget.widgets.application import Application
from tsne_widget.widgets.packing import unpacked

SECONDS = 60.0  # time limit of a wait


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until the condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


class Message(NamedTuple):
    """A message that one widget sent to the page."""

    model: str  # id of the widget that sent it
    method: str  # "open", "update", "echo_update", "custom" or "close"
    content: dict[str, Any]  # traits by name, or the content of a custom message
    buffers: list[bytes]  # buffers of a custom message
    size: int  # bytes without Jupyter's envelope

    @property
    def kind(self) -> str:
        """Kind of a custom message; "" for others."""
        return str(self.content.get("kind", "")) if self.method == "custom" else ""


class Recorder:
    """Messages that all widgets of this process send from now on, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        _record_widgets()
        _RECORDERS.add(self)


_RECORDERS: weakref.WeakSet[Recorder] = weakref.WeakSet()
_RECORDED: set[type] = set()  # recorded classes of comms


def _record_widgets() -> None:
    """Make the class of the widgets' comms notify recorders; the only place that patches it."""
    import comm

    kind = type(comm.create_comm(target_name="its class is recorded", data={}))
    if kind in _RECORDED:
        return
    _RECORDED.add(kind)
    publish = kind.publish_msg

    def publish_msg(
        self: BaseComm, msg_type: str, data: Any = None, metadata: Any = None,
        buffers: Any = None, **keys: Any,
    ) -> None:  # fmt: skip
        message = _message(self.comm_id, msg_type, data or {}, buffers or [])
        for recorder in list(_RECORDERS):
            recorder.messages.append(message)
        publish(self, msg_type, data, metadata, buffers, **keys)

    kind.publish_msg = publish_msg  # type: ignore[method-assign]  # for good: it only records


def _message(model: str, msg_type: str, data: dict[str, Any], sent: Sequence[Any]) -> Message:
    method = data.get("method") or msg_type.removeprefix("comm_")
    content = data.get("state", data.get("content", {}))
    buffers = [bytes(memoryview(buffer).cast("B")) for buffer in sent]
    size = len(json.dumps(content, default=str)) + sum(map(len, buffers))
    if method == "custom":
        content = unpacked(content)
    else:
        content = copy.deepcopy(content)
        for path, buffer in zip(data.get("buffer_paths", []), buffers, strict=True):
            _put(content, path, buffer)
    return Message(model, method, content, buffers if method == "custom" else [], size)


def _put(content: Any, path: Sequence[Any], value: Any) -> None:
    """Put a value back where ipywidgets removed a buffer."""
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


def open_widgets() -> set[str]:
    """Ids of all open widgets of this process."""
    return set(ipywidgets_module._instances)


def widget_of(reference: str) -> Widget:
    """The widget that a page finds under "IPY_MODEL_<id>"."""
    return ipywidgets_module._instances[reference.removeprefix("IPY_MODEL_")]


class Page:
    """The page of one widget: reads its traits, sends messages, and keeps what it receives.

    Parameters
    ----------
    widget : EmbeddingExplorer or Comparison
    """

    def __init__(self, widget: Application) -> None:
        self.widget = widget
        self._comm = widget.comm
        self._recorder = Recorder()

    # ---- state of the page ----

    def shows(self, view: str, name: str, dtype: DTypeLike = None) -> Any:
        """A trait of a view on the page; with a dtype, its bytes as an array."""
        value = self.widget.get_state(f"{view}.{name}")[f"{view}.{name}"]
        return value if dtype is None else np.frombuffer(value, dtype)

    def views(self) -> list[str]:
        """Names of all views."""
        return sorted({name.partition(".")[0] for name in self.widget.get_state() if "." in name})

    def state(self) -> dict[str, Any]:
        """Traits of all views by "<view>.<trait>", and those of the model."""
        return self.widget.get_state()

    def figure(self, view: str = "map") -> Any:
        """bqplot's figure of a map."""
        return widget_of(self.shows(view, "figure"))

    def points(self, view: str = "map") -> NDArray[np.float32]:
        """(points, 2) coordinates of the points on the page, in its order."""
        mark = self.figure(view).marks[0]
        return np.column_stack([mark.x, mark.y])

    def rows(self, embedding: NDArray[Any], view: str = "map") -> NDArray[np.int64]:
        """Row of each point, by its coordinates, which must differ between rows."""
        rows = {tuple(xy): row for row, xy in enumerate(embedding.astype(np.float32).tolist())}
        assert len(rows) == len(embedding)
        return np.array([rows[tuple(xy)] for xy in self.points(view).tolist()], dtype=np.int64)

    # ---- actions of the page ----

    def send(self, view: Any, kind: Any, *, buffers: Sequence[Any] = (), **content: Any) -> None:
        """Send a message of a view."""
        self.deliver({"view": view, "kind": kind} | content, buffers)

    def sets(self, view: str, **traits: Any) -> None:
        """Set traits of a view."""
        self.send(view, "set", state=traits)

    def lasso(self, polygon: Any, mode: str = "replace", view: str = "map") -> None:
        """Draw a polygon, (k, 2) in data coordinates, on a map."""
        self.send(view, "select", mode=mode, buffers=[np.asarray(polygon, "<f8").tobytes()])

    def opens(self, panel: str) -> None:
        """Open a panel."""
        self.sets("frame", panel=panel)

    def deliver(self, content: Any, buffers: Sequence[Any] = ()) -> None:
        """Deliver any content as a custom message of this page."""
        self.hand_over({"method": "custom", "content": content}, buffers)

    def hand_over(self, data: dict[str, Any], buffers: Sequence[Any] = ()) -> None:
        """Deliver a message to the kernel's end of the connection, as Jupyter does.

        Raises the widget's exception, which ipywidgets would only log.
        """
        if self._comm is None or self.widget.comm is not self._comm:
            return  # closed: Jupyter has removed the connection
        message = {
            "content": {"comm_id": self._comm.comm_id, "data": data},
            "buffers": [memoryview(buffer) for buffer in buffers],
        }
        with _raised(self.widget.log):
            self._comm.handle_msg(message)

    # ---- received messages ----

    @property
    def received(self) -> list[Message]:
        """Messages of the widget, and of the widgets in it, since this page was made."""
        messages = self._recorder.messages
        own = {self._comm.comm_id}
        if self.widget.comm is self._comm and {message.model for message in messages} - own:
            own.update(self._inner())
        return [message for message in messages if message.model in own]

    @property
    def bytes_sent(self) -> int:
        """Bytes of all received messages, without Jupyter's envelopes."""
        return sum(message.size for message in self.received)

    def forget(self) -> None:
        """Forget all received messages."""
        self._recorder.messages.clear()

    def replies(self, kind: str = "", view: str = "") -> list[Message]:
        """Custom messages of a kind or a view; default all."""
        return [
            message
            for message in self.received
            if message.method == "custom"
            and kind in ("", message.kind)
            and view in ("", message.content.get("view"))
        ]

    def updates(self, view: str = "") -> list[list[str]]:
        """Names of the traits in each update, without the view's name; default all views."""
        names = [list(m.content) for m in self.received if m.method == "update"]
        prefix = f"{view}." if view else ""
        found = [[n.removeprefix(prefix) for n in group if n.startswith(prefix)] for group in names]
        return [group for group in found if group]

    def _inner(self) -> Iterator[str]:
        """Ids of the widgets that this one refers to, directly or through another one."""
        seen: set[str] = set()
        waiting = list(_references(self.widget.get_state()))
        while waiting:
            reference = waiting.pop()
            if reference not in seen:
                seen.add(reference)
                waiting += _references(widget_of(reference).get_state())
        return (reference.removeprefix("IPY_MODEL_") for reference in seen)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("IPY_MODEL_"):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _references(inner)


class _raised(logging.Handler):  # noqa: N801 - used as a context manager
    """Raise, at its end, an exception of a widget that this thread logged inside it."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self.logger, self.thread = logger, threading.get_ident()
        self.errors: list[BaseException] = []

    def __enter__(self) -> None:
        self.logger.addHandler(self)

    def __exit__(self, *_exception: object) -> None:
        self.logger.removeHandler(self)
        if self.errors:
            raise self.errors[0]

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] and record.thread == self.thread:
            self.errors.append(record.exc_info[1])
