"""What changed between two models: a count per change, each of which selects its samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Dict, List

from tsne_widget._text import printable
from tsne_widget.analysis import CHANGES
from tsne_widget.widgets.models.appearance import CHANGE_COLORS
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, mode_of
from tsne_widget.widgets.views.view import View

# Title of each change, and its meaning for the tooltip.
_TITLES = {
    "fixed": ("Now right", "wrong in {before}, right in {after}"),
    "introduced": ("Now wrong", "right in {before}, wrong in {after}"),
    "still wrong": ("Still wrong", "wrong in both, with the same class"),
    "wrong otherwise": ("Different mistake", "wrong in both, with different classes"),
    "still right": ("Right in both", "right in both"),
}


class ChangesView(View):
    """Visible and selected samples of each change.

    Parameters
    ----------
    state : ExplorerState
        Shared by the maps.
    names : sequence of str
        Names of the compared records; the first and the last are compared.
    codes : (n,) int64 array or None
        Of CHANGES; None without labels or predictions, which leaves the view empty.
    """

    changes = List(Dict(), help="name, title, meaning, color, and counts").tag(sync=True)

    def __init__(
        self, state: ExplorerState, names: Sequence[str], codes: NDArray[np.int64] | None
    ) -> None:
        self._state = state
        self._codes = codes
        self._ends = {"before": printable(names[0]), "after": printable(names[-1])}
        super().__init__()
        self.handlers = {"change": self._on_change}
        state.follow(self._show, "selected", "visible")

    def _show(self) -> None:
        if self._codes is None:
            return
        rows = np.flatnonzero(self._state.visible_rows)
        counts, selected = (
            # Unknown changes have the code -1; they are not counted.
            np.bincount(self._codes[of] + 1, minlength=len(CHANGES) + 1)[1:]
            for of in (rows, self._state.selected)
        )
        self.changes = [
            {
                "name": name,
                "title": title,
                "meaning": meaning.format(**self._ends),
                "color": CHANGE_COLORS[name],
                "count": int(counts[code]),
                "selected": int(selected[code]),
            }
            for code, (name, (title, meaning)) in enumerate(_TITLES.items())
        ]

    def _on_change(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name, mode = content.get("name"), mode_of(content)
        if name not in CHANGES or self._codes is None:
            raise MalformedMessageError("no such change")
        rows = np.flatnonzero((self._codes == CHANGES.index(name)) & self._state.visible_rows)
        self._state.select(rows, mode)
