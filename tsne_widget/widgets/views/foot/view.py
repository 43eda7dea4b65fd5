"""The foot of the map: the choice of maps, and the progress of their computation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from traitlets import Dict, Int, List

from tsne_widget._text import printable
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import integer
from tsne_widget.widgets.views.view import View

# Why a map cannot be chosen, by the condition of its computation.
_CONDITIONS = {"running": "computing …", "waiting": "waiting", "failed": "failed"}


class FootView(View):
    """The maps by name, and the progress of the one that is computed.

    Parameters
    ----------
    state : ExplorerState
    control : callable
        Called with the button of the computation: "pause", "resume", "stop" or "run".
    show_map : callable
        Called with the name of the chosen map.
    """

    fit = Dict(help="the Fit of the running map, otherwise of the visible one").tag(sync=True)
    maps = List(Dict(), help="name, and why it cannot be chosen ('' if it can)").tag(sync=True)
    map = Int(-1, help="index of the visible one").tag(sync=True)

    def __init__(
        self,
        state: ExplorerState,
        control: Callable[[object], None],
        show_map: Callable[[str], None],
    ) -> None:
        self._state = state
        self._show_named = show_map
        super().__init__()
        self.handlers = {
            "fit": lambda content, _buffers: control(content.get("do")),
            "map": self._on_map,
        }
        with self.hold_sync():  # one message instead of several
            state.follow(self._show_fit, "fit", "fits")
            state.follow(self._show_maps, "fits", "map_name")

    def _show_fit(self) -> None:
        active = [f for f in self._state.fits.values() if f.condition in ("running", "paused")]
        fit = active[0] if active else self._state.fit
        numbers = {name: getattr(fit, name) for name in ("divergence", "seconds")}
        known = {name: x if math.isfinite(x) else None for name, x in numbers.items()}
        values = fit._asdict() | known
        del values["stage"]  # the map shows it
        self.fit = values

    def _show_maps(self) -> None:
        fits = self._state.fits
        with self.hold_sync():
            self.maps = [
                {"name": printable(name), "note": _CONDITIONS.get(fit.condition, "")}
                for name, fit in fits.items()
            ]
            self.map = list(fits).index(self._state.map_name) if fits else -1

    def _on_map(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        index = integer(content, "index", 0, len(self.maps) - 1)
        self._show_named(list(self._state.fits)[index])
