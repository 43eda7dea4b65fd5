"""The bar above compared maps: fixed and introduced errors, a slider between maps, progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Dict, Float, Int, List, TraitError, Unicode, validate

from tsne_widget._text import printable
from tsne_widget.analysis import CHANGES
from tsne_widget.widgets.models.notes import note_entries
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, mode_of
from tsne_widget.widgets.views.view import View

# Meaning of each change, for the tooltips.
_MEANINGS = {
    "fixed": "wrong in {before}, right in {after}",
    "introduced": "right in {before}, wrong in {after}",
    "still wrong": "wrong in both, with the same class",
    "wrong otherwise": "wrong in both, with different classes",
    "still right": "right in both",
}


class ComparisonBarView(View):
    """Selectable counts of changes, a slider from the first map to the last, and lines.

    Parameters
    ----------
    state : ExplorerState
        Shared by the maps.
    names : sequence of str
    codes : (n,) int64 array or None
        Of CHANGES, from the first to the last; None without labels or predictions.
    stop : callable
        Called for the button beside the progress.
    notes : mapping of name to sequence of str
        Notes on each record.
    """

    names = List(Unicode()).tag(sync=True)
    total = Int().tag(sync=True)
    visible = Int(help="samples of visible classes").tag(sync=True)
    selected = Int().tag(sync=True)
    changes = List(Dict(), help="name, meaning, and visible count").tag(sync=True)
    morph = Float(1.0, help="0: points at their place on the first map … 1: on the last").tag(
        sync=True
    )
    can_morph = Bool(help="both maps have coordinates").tag(sync=True)
    lines = Bool(True, help="lines from the places of selected samples on the first map").tag(
        sync=True
    )
    lines_note = Unicode().tag(sync=True)
    fit = Dict(help="the Fit of the running map, or {}").tag(sync=True)
    notes = List(Dict(), help="name of the record, and text").tag(sync=True)
    message = Unicode().tag(sync=True)
    busy = Unicode().tag(sync=True)

    def __init__(
        self,
        state: ExplorerState,
        names: Sequence[str],
        codes: NDArray[np.int64] | None,
        stop: Callable[[], None],
        notes: Mapping[str, Sequence[str]],
    ) -> None:
        self._state = state
        self._codes = codes
        shown = [printable(name) for name in names]
        super().__init__(names=shown, total=len(state.codes), notes=note_entries(notes))
        self.handlers = {
            "change": self._on_change,
            "clear": lambda _content, _buffers: state.select([]),
            "undo": lambda _content, _buffers: state.undo(),
            "morph": self._on_morph,
            "lines": self._on_lines,
            "stop": lambda _content, _buffers: stop(),
        }
        state.follow(self._show, "selected", "visible", "message", "busy")
        state.follow(self._show_fit, "fits")

    @validate("morph")
    def _validate_morph(self, proposal: Any) -> float:
        share: float = proposal["value"]
        if not 0 <= share <= 1 or (not self.can_morph and share != 1):
            raise TraitError("morph must be 0 … 1, and both maps must be there")
        return share

    def _show(self) -> None:
        state, rows = self._state, self._state.visible_rows
        with self.hold_sync():
            self.visible = int(np.count_nonzero(rows))
            self.selected = len(state.selected)
            self.message, self.busy = state.message, state.busy
            if self._codes is not None:
                counts = np.bincount(self._codes[rows] + 1, minlength=len(CHANGES) + 1)[1:]
                ends = {"before": self.names[0], "after": self.names[-1]}
                self.changes = [
                    {"name": name, "meaning": _MEANINGS[name].format(**ends), "count": int(count)}
                    for name, count in zip(CHANGES, counts, strict=True)
                ]

    def _show_fit(self) -> None:
        active = {n: f for n, f in self._state.fits.items() if f.condition in ("running", "paused")}
        if not active:
            self.fit = {}
            return
        name, fit = next(iter(active.items()))
        known = math.isfinite(fit.divergence)
        self.fit = {
            "title": f"{printable(name)}: {fit.title}",
            "iteration": fit.iteration,
            "total": fit.total,
            "divergence": fit.divergence if known else None,
        }

    def _on_change(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name, mode = content.get("name"), mode_of(content)
        if name not in CHANGES or self._codes is None:
            raise MalformedMessageError("no such change")
        rows = np.flatnonzero((self._codes == CHANGES.index(name)) & self._state.visible_rows)
        self._state.select(rows, mode)

    def _on_morph(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        share = content.get("share")
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise MalformedMessageError("share is not a number in 0 … 1")
        if self.can_morph:
            self.morph = float(share)

    def _on_lines(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        shows = content.get("shows")
        if not isinstance(shows, bool):
            raise MalformedMessageError("shows is not true or false")
        self.lines = shows
