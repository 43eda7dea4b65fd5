"""The legend: one toggle per class, with its colour and how many rows it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
from traitlets import Bytes, List, Unicode

from tsne_widget.widgets.assets import script, style
from tsne_widget.widgets.messages import MalformedMessageError, answer, integer
from tsne_widget.widgets.state import ExplorerState
from tsne_widget.widgets.text import shown


class LegendView(anywidget.AnyWidget):
    """Class toggles of one :class:`ExplorerState`: click on or off, double-click only this."""

    _esm = script("geometry.js", "legend.js")
    _css = style("legend.css")

    title = Unicode().tag(sync=True)
    names = List(Unicode()).tag(sync=True)
    colors = List(Unicode()).tag(sync=True)
    counts = List().tag(sync=True)
    visible = Bytes(help="one bit per class, most significant first").tag(sync=True)
    selected_counts = Bytes(help="selected rows per class, uint32 little-endian").tag(sync=True)

    def __init__(self, state: ExplorerState, colors: Sequence[str]) -> None:
        self._state = state
        super().__init__(
            title={"label": "Classes", "prediction": "Predicted classes"}.get(state.colored_by, ""),
            names=[shown(name) for name in state.class_names],
            colors=list(colors),
            counts=state.counts.tolist(),
        )
        answer(self, state, {"toggle": self._on_toggle, "only": self._on_only, "all": self._on_all})
        state.follow(self._show_visible, "visible")
        state.follow(self._show_selected, "selected")

    def _show_visible(self) -> None:
        self.visible = np.packbits(self._state.visible).tobytes()

    def _show_selected(self) -> None:
        self.selected_counts = self._state.selected_counts.astype("<u4").tobytes()

    def _on_toggle(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        code = self._class(content)
        visible = self._state.visible.copy()
        visible[code] = not visible[code]
        self._state.show(visible)

    def _on_only(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.show(np.arange(len(self.names)) == self._class(content))

    def _on_all(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if not isinstance(content.get("visible"), bool):
            raise MalformedMessageError("visible is not true or false")
        self._state.show(np.full(len(self.names), content["visible"]))

    def _class(self, content: dict[str, Any]) -> int:
        return integer(content, "code", 0, len(self.names) - 1)
