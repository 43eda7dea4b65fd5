"""The panels that share the place beside the map: one entry per panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tsne_widget.widgets.arguments import check_height
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.views.confusion.view import ConfusionView
from tsne_widget.widgets.views.diagnosis.view import DiagnosisView
from tsne_widget.widgets.views.frame.view import FrameView
from tsne_widget.widgets.views.gallery.view import GalleryView
from tsne_widget.widgets.views.groups.view import GroupsView
from tsne_widget.widgets.views.look.view import LookView
from tsne_widget.widgets.views.scores.view import ScoresView
from tsne_widget.widgets.views.selections.view import SelectionsView
from tsne_widget.widgets.views.strip.view import StripView
from tsne_widget.widgets.views.view import View


class PanelContext(NamedTuple):
    """What a panel may use."""

    state: ExplorerState
    background: Background
    tiles: Tiles


class Panel(NamedTuple):
    """A panel: the title of its tab, and what makes its view."""

    title: str
    make: Callable[[PanelContext], View]
    needs_kernel: bool = False
    """Whether an exported HTML page, which has no kernel, leaves the panel out."""
    counted: str = ""
    """The list of the view whose length the tab shows, "" for none."""


# By the name of the panel's folder, in the order of the tabs.
PANELS: dict[str, Panel] = {
    "gallery": Panel("Images", lambda c: GalleryView(c.state, c.tiles, c.background)),
    "confusion": Panel(
        "Confusion", lambda c: ConfusionView(c.state, c.tiles.colors, is_open=False)
    ),
    "groups": Panel(
        "Groups",
        lambda c: GroupsView(c.state, c.tiles, c.background, is_open=False),
        counted="groups",
    ),
    "diagnosis": Panel("Diagnosis", lambda c: DiagnosisView(c.state, c.background, is_open=False)),
    "scores": Panel("Scores", lambda c: ScoresView(c.state, c.background, is_open=False)),
    "selections": Panel("Saved", lambda c: SelectionsView(c.state)),
}


def tabs(panels: Mapping[str, Panel]) -> list[dict[str, str]]:
    """The tabs of panels, for the page."""
    return [
        {"view": name, "title": panel.title, "counted": panel.counted}
        for name, panel in panels.items()
    ]


def explorer_frame(height: int | None) -> FrameView:
    """The frame of an explorer, with a tab for every panel; the height is checked."""
    check_height(height)
    return FrameView(
        "explorer",
        maps=[{"view": "map", "title": ""}],
        panels=tabs(PANELS),
        height=height or 0,
    )


def make_panels(context: PanelContext, frame: FrameView) -> dict[str, View]:
    """The views of the panels, the strip and the close look, by name.

    The frame says which panel is open.
    """
    views = {name: panel.make(context) for name, panel in PANELS.items()}
    beside = beside_gallery(context, views["gallery"])

    def follow() -> None:
        for name, view in views.items():
            view.is_open = name == frame.panel
        beside["strip"].is_open = frame.panel != "gallery"

    frame.observe(lambda _change: follow(), "panel")
    follow()
    return {**views, **beside}


def beside_gallery(context: PanelContext, gallery: Any) -> dict[str, View]:
    """The views that follow the gallery's order: the strip under other panels, the close look."""
    state, background, tiles = context
    return {
        "strip": StripView(state, tiles, gallery),
        "look": LookView(state, tiles, background, gallery),
    }
