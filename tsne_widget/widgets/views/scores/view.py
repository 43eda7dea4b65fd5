"""The scores: whether the model's confidence can be trusted, and a histogram of every score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Dict, Float, Int, List, Unicode

from tsne_widget._text import printable
from tsne_widget.analysis import Calibrated
from tsne_widget.analysis.scores import GROUP_SCORES, PICTURE_SCORES, SCORES
from tsne_widget.widgets.models.appearance import title_of
from tsne_widget.widgets.models.calibration import (
    calibrated_of,
    lacking_of,
    reliability_numbers,
)
from tsne_widget.widgets.models.coloring import is_amount
from tsne_widget.widgets.models.histogram import Histograms, range_of
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, mode_of
from tsne_widget.widgets.views.view import View


class ScoresView(View):
    """Reliability of the confidence and histograms of the scores, of visible rows; bars select.

    Nothing is computed while ``is_open`` is False. The temperature is fitted in the background when
    the panel opens first.
    """

    names = List(Unicode()).tag(sync=True)
    lacking = Unicode(help="what calibration requires and the record lacks").tag(sync=True)
    of_class = Int(-1, help="predicted class whose reliability is shown; -1: all").tag(sync=True)
    bins = Bytes(help="(b, 5) float32: low, high, samples, promised, kept").tag(sync=True)
    numbers = Bytes(help="(7,) float32, see reliability_numbers()").tag(sync=True)
    temperature = Float(help="divisor of the logits; 0: none").tag(sync=True)
    is_fitting = Bool(help="whether the temperature is being fitted").tag(sync=True)
    histograms = List(Dict(), help="name, title, low, high of each").tag(sync=True)
    counts = Bytes(help="(bins, 4) uint32 of each histogram, see bin_counts()").tag(sync=True)
    missing = List(List(), help="name and title of scores to compute").tag(sync=True)

    page_traits = ("of_class",)

    def __init__(
        self, state: ExplorerState, background: Background, *, is_open: bool = True
    ) -> None:
        self._state, self._background = state, background
        self._calibrated: Calibrated | None = None
        self._is_fitted = False
        self._made = Histograms(state.scores)
        self._shown: NDArray[np.bool_] | None = None  # visible classes
        record = state.feature_set
        super().__init__(
            is_open=is_open,
            names=[printable(name) for name in record.class_names],
            lacking=lacking_of(record),
        )
        self.handlers = {
            "bar": self._on_bar,
            "range": self._on_range,
            "compute": self._on_compute,
        }
        state.follow(
            self._show, "selected", "visible", "embedding", "busy", "measured", "explained"
        )
        self.observe(lambda _change: self._show(), "is_open")
        self.observe(lambda _change: self._show_reliability(), "of_class")

    def _show(self) -> None:
        if not self.is_open:
            return
        with self.hold_sync():
            if not self.lacking and self._shown is not self._state.visible:
                self._shown = self._state.visible
                self._fit()
                self._show_reliability()
            self._show_histograms()

    # ---- reliability ----

    def _fit(self) -> None:
        if self._is_fitted:
            return
        self._is_fitted = self.is_fitting = True
        record = self._state.feature_set

        def deliver(found: Calibrated | None) -> None:
            self._calibrated = found
            with self.hold_sync():
                self.is_fitting = False
                self.temperature = 0.0 if found is None else found.temperature
                self._show_reliability()

        def failed() -> None:
            self.is_fitting = False

        self._background.run(
            "Fitting a temperature", lambda: calibrated_of(record), deliver, failed
        )

    def _rows_of_class(self) -> NDArray[np.bool_]:
        rows, record = self._state.visible_rows, self._state.feature_set
        if 0 <= self.of_class < len(self.names) and record.predictions is not None:
            rows = rows & (record.predictions == self.of_class)
        return rows

    def _show_reliability(self) -> None:
        if self.lacking or not self.is_open:
            return
        bins, numbers = reliability_numbers(
            self._state.scores, self._rows_of_class(), self._calibrated
        )
        with self.hold_sync():
            self.bins, self.numbers = bins.astype("<f4").tobytes(), numbers.astype("<f4").tobytes()

    def _on_bar(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the rows of some bars of the diagram, first to last."""
        if self.lacking:
            raise MalformedMessageError("there are no bars")
        bins = np.frombuffer(self.bins, "<f4").reshape(-1, 5)
        first, last = range_of(content, len(bins))
        sure = self._state.scores["confidence"]
        inside = (sure >= bins[first, 0]) & (sure <= bins[last, 1])
        rows = self._rows_of_class() & self._state.feature_set.judged
        self._state.select(inside & rows, mode_of(content))

    # ---- histograms ----

    def _show_histograms(self) -> None:
        state, names = self._state, self._ready()
        parts = [self._made.counts(name, state.visible_rows, state.selected) for name in names]
        listed = [
            {"name": name, "title": title_of(name), "low": bins.low, "high": bins.high}
            for name, bins in ((name, self._made.bins(name)) for name in names)
        ]
        with self.hold_sync():
            self.histograms = listed
            self.counts = b"".join(parts)
            self.missing = [
                [name, title_of(name)]
                for name in SCORES
                if name not in PICTURE_SCORES  # measured without being asked for
                and not state.scores.is_ready(name)
                and not state.scores.lacks(name)
            ]

    def _ready(self) -> list[str]:
        """Names of the amounts that are available; cheap ones are computed now."""
        scores = self._state.scores
        for name, score in SCORES.items():
            if score.is_cheap and not scores.lacks(name):
                scores[name]
        ready = scores.ready().items()
        return [name for name, values in ready if is_amount(values) and name not in GROUP_SCORES]

    def _on_range(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the visible rows in some bins of a histogram, first to last."""
        name = content.get("name")
        if not any(one["name"] == name for one in self.histograms):
            raise MalformedMessageError("there is no such histogram")
        inside = self._made.rows(str(name), content)
        self._state.select(inside & self._state.visible_rows, mode_of(content))

    def _on_compute(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name, scores = content.get("name"), self._state.scores
        if not isinstance(name, str) or name not in SCORES or scores.lacks(name):
            raise MalformedMessageError("there is no such score to compute")
        self._background.run(
            f"Computing {title_of(name)}", lambda: scores[name], lambda _values: self._show()
        )
