"""The legend: a toggle per class, with its colour, count and accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Int, List, Unicode

from tsne_widget._text import printable
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer
from tsne_widget.widgets.views.view import View

# Title of the list by what the classes are; "" for one class of all samples.
TITLES = {"label": "Classes", "prediction": "Predicted classes", "": ""}


class LegendView(View):
    """Class toggles of one :class:`ExplorerState`: one, a range, all, none, only one.

    Sort and search live in the page, so each message names the classes that it applies to.
    """

    title = Unicode().tag(sync=True)
    names = List(Unicode()).tag(sync=True)
    colors = List(Unicode()).tag(sync=True)
    counts = List(Int()).tag(sync=True)
    accuracies = Bytes(help="accuracy per class, float32 little-endian; NaN: none").tag(sync=True)
    visible = Bytes(help="one bit per class, most significant first").tag(sync=True)
    selected_counts = Bytes(help="selected rows per class, uint32 little-endian").tag(sync=True)
    is_key = Bool(True, help="the map is coloured by class").tag(sync=True)
    sorted_by = Unicode("order", help="kept for a page reload").tag(sync=True)

    page_traits = ("sorted_by",)

    def __init__(self, state: ExplorerState, colors: Sequence[str]) -> None:
        self._state = state
        self._toggled: _Toggled | None = None
        super().__init__(
            title=TITLES[state.colored_by],
            names=[printable(name) for name in state.class_names],
            colors=list(colors),
            counts=state.counts.tolist(),
            accuracies=state.accuracies.astype("<f4").tobytes(),
        )
        self.handlers = {
            "toggle": self._on_toggle,
            "only": self._on_only,
            "all": self._on_all,
            "show": self._on_show,
            "invert": self._on_invert,
        }
        with self.hold_sync():  # one message instead of several
            state.follow(self._show_visible, "visible")
            state.follow(self._show_selected, "selected")
            state.follow(self._show_is_key, "color_by")

    def _show_visible(self) -> None:
        self.visible = np.packbits(self._state.visible).tobytes()

    def _show_selected(self) -> None:
        self.selected_counts = self._state.selected_counts.astype("<u4").tobytes()

    def _show_is_key(self) -> None:
        self.is_key = self._state.color_by in (self._state.colored_by, "prediction")

    def _on_toggle(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        code, state = self._class(content), self._state
        self._toggled = _Toggled(
            code,
            was_alone=bool(state.visible[code] and state.visible.sum() == 1),
            selected=state.selected[state.codes[state.selected] == code],
        )
        visible = state.visible.copy()
        visible[code] = not visible[code]
        state.show(visible)

    def _on_only(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        code, state = self._class(content), self._state
        first, self._toggled = self._toggled, None
        if content.get("second_click") is not True or first is None or first.code != code:
            first = None
        only = np.arange(len(self._state.class_names)) == code
        was_alone = first.was_alone if first else np.array_equal(state.visible, only)
        state.show(np.ones_like(only) if was_alone else only)
        if first and len(first.selected):
            state.select(first.selected, "add")

    def _on_all(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.show(np.full(len(self._state.class_names), _flag(content)))

    def _on_show(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        visible = self._state.visible.copy()
        visible[self._classes(content)] = _flag(content)
        self._state.show(visible)

    def _on_invert(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        visible, codes = self._state.visible.copy(), self._classes(content)
        visible[codes] = ~visible[codes]
        self._state.show(visible)

    def _class(self, content: dict[str, Any]) -> int:
        return integer(content, "code", 0, len(self._state.class_names) - 1)

    def _classes(self, content: dict[str, Any]) -> NDArray[np.intp]:
        codes, most = content.get("codes"), len(self._state.class_names)
        if not isinstance(codes, list) or len(codes) > most:
            raise MalformedMessageError(f"codes is not a list of at most {most} classes")
        return np.array([self._class({"code": code}) for code in codes], dtype=np.intp)


class _Toggled(NamedTuple):
    """The state before the last click, so that a double click can revert its first click.

    A click acts at once. If it hides the class, it also deselects its rows.
    """

    code: int
    was_alone: bool
    selected: NDArray[np.int64]


def _flag(content: dict[str, Any]) -> bool:
    visible = content.get("visible")
    if not isinstance(visible, bool):
        raise MalformedMessageError("visible is not true or false")
    return visible
