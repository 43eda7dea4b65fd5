"""The bar above the map: what is shown, what is being computed, what went wrong, two lenses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import numpy as np
from traitlets import Dict, Int, Unicode

from tsne_widget.widgets.assets import script, style
from tsne_widget.widgets.messages import answer
from tsne_widget.widgets.state import ExplorerState


class ToolbarView(anywidget.AnyWidget):
    """Counts, fit and messages of one :class:`ExplorerState`; selects the misclassified.

    ``control(word)`` is called for the buttons of the fit: "pause", "resume", "stop" or "run".
    """

    _esm = script("toolbar.js")
    _css = style("toolbar.css")

    total = Int().tag(sync=True)
    shown = Int().tag(sync=True)
    misclassified = Int(-1, help="misclassified visible rows; -1: no predictions").tag(sync=True)
    selected = Int().tag(sync=True)
    selected_misclassified = Int().tag(sync=True)
    fit = Dict(help="the state's Fit").tag(sync=True)
    message = Unicode().tag(sync=True)
    busy = Unicode(help="what is computed beside the map").tag(sync=True)

    def __init__(self, state: ExplorerState, control: Callable[[object], None]) -> None:
        self._state = state
        self._wrong = state.feature_set.misclassified
        super().__init__(total=len(state.codes))
        answer(
            self,
            state,
            {
                "misclassified": self._on_misclassified,
                "clear": self._on_clear,
                "fit": lambda content, _buffers: control(content.get("do")),
            },
        )
        state.follow(self._show, "selected", "visible", "message", "busy")
        state.follow(self._show_fit, "fit")

    def _show(self) -> None:
        state, record = self._state, self._state.feature_set
        visible = state.visible_rows
        judged = record.labels is not None and record.predictions is not None
        with self.hold_sync():
            self.shown = int(np.count_nonzero(visible))
            self.misclassified = int(np.count_nonzero(visible & self._wrong)) if judged else -1
            self.selected = len(state.selected)
            self.selected_misclassified = int(np.count_nonzero(self._wrong[state.selected]))
            self.message = state.message
            self.busy = state.busy

    def _show_fit(self) -> None:
        fit = self._state.fit
        known = math.isfinite(fit.divergence)
        self.fit = fit._asdict() | {"divergence": fit.divergence if known else None}

    def _on_misclassified(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select(self._wrong & self._state.visible_rows)

    def _on_clear(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select([])
