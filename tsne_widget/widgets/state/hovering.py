"""The row under the pointer of one view."""

from __future__ import annotations

from typing import Any

from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import integer


class Hovering:
    """Sets the state's hovered row for one view of pictures."""

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        self._row: int | None = None  # last reported by the page

    def on_hover(self, content: dict[str, Any], _buffers: object) -> None:
        """Answer the page's message: a row, or None once the pointer has left."""
        row, before = row_or_none(self._state, content), self._row
        self._row = row
        # A pointer that left the view may already be over a point of the map.
        if row is not None or self._state.hovered == before:
            self._state.hovered = row


def row_or_none(state: ExplorerState, content: dict[str, Any]) -> int | None:
    """The message's row, or None."""
    if content.get("row", "") is None:
        return None
    return integer(content, "row", 0, len(state.codes) - 1)
