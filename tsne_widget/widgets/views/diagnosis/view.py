"""The diagnosis of the selection: is the label, the model, the sample or the map wrong?"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Dict, List, Unicode

from tsne_widget._text import MAX_SENTENCE, failure, printable
from tsne_widget.analysis import describe_layer, diagnosis_seconds
from tsne_widget.analysis.properties import lacks_pictures
from tsne_widget.widgets.models.confusion import doubt_of
from tsne_widget.widgets.models.diagnosis_report import Report, full_report, quick_report
from tsne_widget.widgets.models.shortcut_report import ShortcutMemory
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer, mode_of
from tsne_widget.widgets.views.diagnosis.evidence import MeanEvidence
from tsne_widget.widgets.views.view import View

logger = logging.getLogger(__name__)

# Seconds of work from which a first answer without neighbours is shown meanwhile, and above which
# the neighbours are compared on request only.
QUICK, MAX_UNASKED = 0.5, 600.0


class DiagnosisView(View):
    """The diagnosis of the selected rows of one :class:`ExplorerState`, or of all visible rows.

    It is computed in the background while ``is_open``, and kept until the selection changes. What
    needs no neighbours in feature space is shown at once.
    """

    lacking = Unicode(help="inputs without which nothing is wrong or right").tag(sync=True)
    doubt = Unicode(help="if the model is worse than a guess; else ''").tag(sync=True)
    verdict = Unicode().tag(sync=True)
    summary = Unicode(help="how many are wrong").tag(sync=True)
    pairs = List(Dict(), help="most frequent: label, prediction, count, text").tag(sync=True)
    causes = List(Dict(), help="of the mistakes: name, title, rule, count").tag(sync=True)
    contrasts = List(Dict(), help="name, words, numbers, title, curves, marks").tag(sync=True)
    no_difference = Unicode(help="properties without a clear difference").tag(sync=True)
    compared = List(Unicode(), help="mistakes and selection, the compared one first").tag(sync=True)
    shortcuts = List(Dict(), help="name, words, numbers, title").tag(sync=True)
    shortcuts_note = Unicode(help="what else there is to say of shortcuts").tag(sync=True)
    against = Unicode(help="what they are compared with").tag(sync=True)
    trust = List(Dict(), help="of the map: title, meaning, value, whole").tag(sync=True)
    trust_sentence = Unicode().tag(sync=True)
    trust_lacking = Unicode(help="why the map cannot be judged").tag(sync=True)
    cluster = Unicode(help="whether the selection is a cluster").tag(sync=True)
    findings = List(Dict(), help="title, points_to, meaning, selected, whole").tag(sync=True)
    layer = Unicode(help="one line on the layer").tag(sync=True)
    title = Unicode(help="number of diagnosed samples").tag(sync=True)
    has_selection = Bool().tag(sync=True)
    cost = Unicode(help="how long the neighbours take; '' once they are known").tag(sync=True)
    is_waiting = Bool(help="the neighbours are compared on request only").tag(sync=True)
    is_running = Bool().tag(sync=True)
    evidence = Dict(help="the mean map: count, total, values, height, width, sentence").tag(
        sync=True
    )

    def __init__(
        self, state: ExplorerState, background: Background, *, is_open: bool = True
    ) -> None:
        self._state = state
        self._background = background
        self._rows: dict[str, NDArray[np.int64]] = {}  # of each cause
        self._differing: dict[str, NDArray[np.int64]] = {}  # rows of each contrast
        self._compared = ""  # chosen by a click
        self._memory = ShortcutMemory()
        self._is_wanted = False  # by a click, at any cost
        self._is_stale = True
        self._evidence = MeanEvidence(
            state, background, lambda content: self.set_trait("evidence", content)
        )
        self._map = state.scores.embedding
        super().__init__(is_open=is_open)
        self.handlers = {
            "compute": self._on_compute,
            "cause": self._on_cause,
            "pair": self._on_pair,
            "color": self._on_color,
            "compare": self._on_compare,
            "contrast": self._on_contrast,
            "evidence": lambda _content, _buffers: self._evidence.toggle(),
        }
        state.follow(self._update, "selected", "visible", "measured")
        self.observe(lambda _change: self._opened(), "is_open")
        state.observe(self._on_map, ["fit", "embedding"])
        state.follow(self._show_evidence, "selected", "visible", "explained")
        self.observe(lambda _change: self._show_evidence(), "is_open")

    # ---- computation ----

    def _opened(self) -> None:
        if self._is_stale:
            self._update()

    def _update(self) -> None:
        state = self._state
        self._is_stale = True
        if not self.is_open or self.is_running:
            return  # the running work checks for more at its end
        rows, visible = state.selected, state.visible_rows
        seconds = diagnosis_seconds(state.scores)
        is_waiting = seconds > MAX_UNASKED and not self._is_wanted
        with self.hold_sync():
            self.cost = _duration(seconds) if seconds > QUICK else ""
            self.is_waiting = is_waiting
            self._is_stale = False
            self.is_running = not is_waiting
            if seconds > QUICK:
                quick = quick_report(state.scores, rows, visible, self._compared, self._memory)
                self._show(quick, rows, visible)
        if not is_waiting:
            self._compute(rows, visible)

    def _compute(self, rows: NDArray[np.int64], visible: NDArray[np.bool_]) -> None:
        scores, compared, memory = self._state.scores, self._compared, self._memory

        def work() -> Any:
            try:
                layer = self.layer or describe_layer(scores)
                return layer, full_report(scores, rows, visible, compared, memory)
            except Exception as error:  # shown on the main thread
                return error

        def deliver(result: Any) -> None:
            self.is_running = False
            if isinstance(result, Exception):
                logger.error("the diagnosis failed", exc_info=result)
                self._state.message = failure(result, "The diagnosis")
                return
            layer, report = result
            with self.hold_sync():
                self.layer, self.cost = printable(layer, MAX_SENTENCE), ""
                self._show(report, rows, visible)
            if lacks_pictures(scores):
                scores.hurry_pictures()  # the report says that it waits
            if self._is_stale:
                self._update()

        self._background.run("Computing the diagnosis", work, deliver)

    def _show(self, report: Report, rows: NDArray[np.int64], visible: NDArray[np.bool_]) -> None:
        whole = int(np.count_nonzero(visible))
        here = f"{len(rows):,} selected, compared with " if len(rows) else ""
        self._rows, self._differing = report.rows, report.contrasts
        with self.hold_sync():
            self.title = f"{here}all {whole:,} visible"
            self.doubt = doubt_of(self._state.feature_set)
            for name, value in report.traits.items():
                setattr(self, name, value)

    def _show_evidence(self) -> None:
        state = self._state
        if self.is_open:
            rows = state.selected
            self._evidence.use(rows if len(rows) else np.flatnonzero(state.visible_rows))

    def _on_map(self, _change: Any) -> None:
        if self._map is not self._state.scores.embedding:  # None while the map moves
            self._map = self._state.scores.embedding
            self._update()

    # ---- messages ----

    def _on_compute(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._is_wanted = True
        self._update()

    def _on_cause(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the mistakes with one cause."""
        name = content.get("name")
        if not isinstance(name, str):
            raise MalformedMessageError("name is not a text")
        if name in self._rows:
            self._state.select(self._rows[name], mode_of(content))

    def _on_pair(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the diagnosed rows with one label and one prediction."""
        state = self._state
        record, most = state.feature_set, len(state.feature_set.class_names) - 1
        label = integer(content, "label", 0, most)
        prediction = integer(content, "prediction", 0, most)
        if record.labels is None or record.predictions is None:
            return
        mask = (record.labels == label) & (record.predictions == prediction) & state.visible_rows
        if len(state.selected) and mode_of(content) == "replace":
            chosen = np.zeros(len(mask), dtype=bool)
            chosen[state.selected] = True
            mask &= chosen
        state.select(mask, mode_of(content))

    def _on_color(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Colour the map by a property that sets samples apart."""
        name = content.get("name")
        listed = [*self.contrasts, *self.shortcuts]
        if isinstance(name, str) and any(one["name"] == name for one in listed):
            self._state.color_by = name

    def _on_compare(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Compare the mistakes with right ones, or the selection with others."""
        name = content.get("name")
        if not isinstance(name, str) or name not in self.compared:
            raise MalformedMessageError("name is nothing that can be compared")
        self._compared = name
        self._update()

    def _on_contrast(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the rows that have a property more than the others do."""
        name = content.get("name")
        if not isinstance(name, str):
            raise MalformedMessageError("name is not a text")
        if name in self._differing:
            self._state.select(self._differing[name], mode_of(content))


def _duration(seconds: float) -> str:
    for size, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {name}"
    return f"about {math.ceil(seconds)} seconds"
