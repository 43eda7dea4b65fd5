"""The diagnosis of the selection: is the label, the model, the sample or the map wrong?"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from traitlets import Bool, Dict, List, Unicode

from tsne_widget._text import MAX_SENTENCE, failure, printable
from tsne_widget.analysis import (
    Diagnosis,
    Finding,
    describe_layer,
    diagnose,
    diagnosis_seconds,
)
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.views.view import View

logger = logging.getLogger(__name__)

# Maximum seconds of work that start without a click when the panel opens.
MAX_UNASKED = 1.0

# Shares between 0 and 1 are never written as 0 % or 100 %.
LEAST_SHARE = 0.001


class DiagnosisView(View):
    """The diagnosis of the selected rows of one :class:`ExplorerState`, beside all visible rows.

    It is computed in the background while ``is_open``. If that takes more than a second, the first
    one waits for a click.
    """

    title = Unicode(help="number of diagnosed samples").tag(sync=True)
    layer = Unicode(help="one line on the layer").tag(sync=True)
    sentences = List(Unicode()).tag(sync=True)
    findings = List(Dict(), help="title, points_to, meaning, selected, whole").tag(sync=True)
    cost = Unicode(help="how long it takes, if it waits for a click; else ''").tag(sync=True)
    is_running = Bool().tag(sync=True)

    def __init__(
        self, state: ExplorerState, background: Background, *, is_open: bool = True
    ) -> None:
        self._state = state
        self._background = background
        self._layer = ""
        self._is_wanted = False  # by a click, at any cost
        self._is_stale = True
        self._map = state.scores.embedding
        super().__init__(is_open=is_open)
        self.handlers = {"compute": self._on_compute}
        state.follow(self._update, "selected", "visible")
        self.observe(lambda _change: self._opened(), "is_open")
        state.observe(self._on_map, ["fit", "embedding"])

    def _opened(self) -> None:
        if self._is_stale:
            self._update()

    def _update(self) -> None:
        state = self._state
        self._is_stale = True
        if not self.is_open or self.is_running:
            return  # the running work checks for more at its end
        seconds = diagnosis_seconds(state.scores)
        if seconds > MAX_UNASKED and not self._is_wanted:
            self.cost = _duration(seconds)
            return
        self.cost = ""
        self._is_stale = False
        self.is_running = True
        rows, visible = state.selected, state.visible_rows

        def work() -> Any:
            try:
                layer = self._layer or describe_layer(state.scores)
                return layer, diagnose(state.scores, rows, visible)
            except Exception as error:  # shown on the main thread
                return error

        def deliver(result: Any) -> None:
            self.is_running = False
            if isinstance(result, Exception):
                logger.error("the diagnosis failed", exc_info=result)
                state.message = failure(result, "The diagnosis")
                return
            self._layer, found = result
            self._show(found, int(np.count_nonzero(visible)))
            if self._is_stale:
                self._update()

        self._background.run("Computing the diagnosis", work, deliver)

    def _show(self, found: Diagnosis, whole: int) -> None:
        has_selection = found.points > 0
        with self.hold_sync():
            self.layer = printable(self._layer, MAX_SENTENCE)
            here = f"{found.points:,} selected, compared with " if has_selection else ""
            self.title = f"{here}all {whole:,} visible"
            self.sentences = [printable(line, MAX_SENTENCE) for line in str(found).splitlines()]
            self.findings = [_as_row(finding, has_selection) for finding in found.findings]

    def _on_compute(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._is_wanted = True
        self._update()

    def _on_map(self, _change: Any) -> None:
        if self._map is not self._state.scores.embedding:  # None while the map moves
            self._map = self._state.scores.embedding
            self._update()


def _as_row(finding: Finding, has_selection: bool) -> dict[str, Any]:
    """A finding as texts for the page."""
    row = {"title": finding.title, "points_to": finding.points_to, "meaning": finding.meaning}
    if finding.lacking:
        return row | {
            "selected": "",
            "whole": "",
            "lacking": printable(finding.lacking, MAX_SENTENCE),
        }
    is_share = finding.counted is not None or finding.points_to != "the map"
    texts = [_number(value, is_share) for value in (finding.selected, finding.whole)]
    if finding.counted is not None:
        texts[0] = f"{finding.counted:,} ({texts[0]})"
    return row | {"selected": texts[0] if has_selection else "", "whole": texts[1], "lacking": ""}


def _number(value: float, is_share: bool) -> str:
    if math.isnan(value):
        return "–"
    if not is_share:
        return f"{value:.3f}"
    if 0 < value < LEAST_SHARE:
        return f"< {100 * LEAST_SHARE:.1f} %"
    if 1 - LEAST_SHARE < value < 1:
        return f"> {100 * (1 - LEAST_SHARE):.1f} %"
    return f"{100 * value:.1f} %"


def _duration(seconds: float) -> str:
    for size, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {name}"
    return f"about {math.ceil(seconds)} seconds"
