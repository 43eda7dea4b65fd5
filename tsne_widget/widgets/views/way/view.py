"""The way from the first map to the last: a slider, lines, and the progress of the maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from traitlets import Bool, Dict, Float, List, TraitError, Unicode, validate

from tsne_widget._text import printable
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, boolean
from tsne_widget.widgets.views.view import View


class WayView(View):
    """A slider that moves the last map's points, lines from the first map, and the progress.

    Parameters
    ----------
    state : ExplorerState
        Shared by the maps.
    names : sequence of str
        Names of the compared records.
    stop : callable
        Called for the button beside the progress.
    """

    names = List(Unicode()).tag(sync=True)
    morph = Float(1.0, help="0: points at their place on the first map … 1: on the last").tag(
        sync=True
    )
    can_morph = Bool(help="both maps have coordinates").tag(sync=True)
    lines = Bool(True, help="lines from the places of selected samples on the first map").tag(
        sync=True
    )
    lines_note = Unicode().tag(sync=True)
    fit = Dict(help="the Fit of the running map, or {}").tag(sync=True)

    def __init__(
        self, state: ExplorerState, names: Sequence[str], stop: Callable[[], None]
    ) -> None:
        self._state = state
        super().__init__(names=[printable(name) for name in names])
        self.handlers = {
            "morph": self._on_morph,
            "lines": self._on_lines,
            "stop": lambda _content, _buffers: stop(),
        }
        state.follow(self._show_fit, "fits")

    @validate("morph")
    def _validate_morph(self, proposal: Any) -> float:
        share: float = proposal["value"]
        if not 0 <= share <= 1 or (not self.can_morph and share != 1):
            raise TraitError("morph must be 0 … 1, and both maps must be there")
        return share

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

    def _on_morph(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        share = content.get("share")
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise MalformedMessageError("share is not a number in 0 … 1")
        if self.can_morph:
            self.morph = float(share)

    def _on_lines(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self.lines = boolean(content, "shows")
