"""The frame of an application: its layout, its views and the open panel."""

from __future__ import annotations

from typing import Any

from traitlets import Dict, Int, List, TraitError, Unicode, validate

from tsne_widget.widgets.views.view import View

# Largest size that the page may ask for.
MAX_PIXELS = 10_000


class FrameView(View):
    """The layout of an application.

    Parameters
    ----------
    kind : "explorer" or "comparison"
        Layout of the page.
    maps : list of dict
        Maps in order; each has the name of its view and a title.
    panels : list of dict
        Panels that share a place, with the name of the view and the title of the tab.
    height : int
        Height of map and panels in pixels; 0 follows the width and the window.
    """

    page_traits = ("panel", "height", "panel_width")

    kind = Unicode().tag(sync=True)
    maps = List(Dict(), help="view and title of each map").tag(sync=True)
    panels = List(Dict(), help="view and title of each panel").tag(sync=True)
    panel = Unicode(help="view of the open panel; '' without panels").tag(sync=True)
    height = Int(help="pixels; 0: automatic").tag(sync=True)
    panel_width = Int(help="pixels; 0: automatic").tag(sync=True)

    def __init__(
        self,
        kind: str,
        maps: list[dict[str, str]],
        panels: list[dict[str, str]],
        height: int = 0,
    ) -> None:
        first = panels[0]["view"] if panels else ""
        super().__init__(kind=kind, maps=maps, panels=panels, panel=first, height=height)

    @validate("height", "panel_width")
    def _validate_size(self, proposal: Any) -> int:
        pixels: int = proposal["value"]
        if not 0 <= pixels <= MAX_PIXELS:
            raise TraitError(f"{proposal['trait'].name} must be 0 … {MAX_PIXELS}, got {pixels}")
        return pixels

    @validate("panel")
    def _validate_panel(self, proposal: Any) -> str:
        name: str = proposal["value"]
        known = [panel["view"] for panel in self.panels]
        if known and name not in known:
            raise TraitError(f"panel must be one of {', '.join(known)}, got {name!r}")
        return name
