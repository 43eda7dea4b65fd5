"""The map: a bqplot Figure hosted by a widget that owns every gesture over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import bqplot
import bqplot_gl
import numpy as np
from ipywidgets import Layout, Widget, widget_serialization
from numpy.typing import NDArray
from traitlets import Bytes, Float, Instance, List, Unicode

from tsne_widget.analysis import PolygonIndex
from tsne_widget.plotting import UNKNOWN_COLOR
from tsne_widget.widgets.assets import script, style
from tsne_widget.widgets.messages import MalformedMessageError, answer
from tsne_widget.widgets.state import MODES, ExplorerState

# ScatterGL draws colours from a texture of this many texels; the last one is for unknown classes.
TEXELS = 256
# Vertices of one polygon from the page: a lasso has a few hundred; this bounds a forged one.
MAX_VERTICES = 20_000
# Summed area of all markers, in px²: fewer points are drawn larger, down and up to the bounds.
MARKERS_AREA = 130_000
MIN_MARKER_AREA, MAX_MARKER_AREA = 6, 60


class ScatterView(anywidget.AnyWidget):
    """The map of one :class:`ExplorerState`: draws it, and turns gestures into selections.

    The page sends polygons in data coordinates; they are resolved here, over all visible rows.
    """

    _esm = script("geometry.js", "scatter.js")
    _css = style("scatter.css")

    figure = Instance(Widget, allow_none=True).tag(sync=True, **widget_serialization)
    codes = Bytes(help="class of each row, uint16 little-endian").tag(sync=True)
    visible = Bytes(help="one bit per class, most significant first").tag(sync=True)
    selected = Bytes(help="selected rows, uint32 little-endian").tag(sync=True)
    viewport = List(Float(), help="x0, x1, y0, y1 in data units; [] to fit all").tag(sync=True)
    waiting = Unicode(help="what the map waits for, while there is none").tag(sync=True)

    def __init__(self, state: ExplorerState, colors: Sequence[str], height: int) -> None:
        self._state = state
        self._colors = colors
        self._polygons: PolygonIndex | None = None
        super().__init__(
            codes=state.codes.astype("<u2").tobytes(), layout=Layout(height=f"{height}px")
        )
        answer(self, state, {"select": self._on_select, "clear": self._on_clear})
        state.follow(self._draw_embedding, "embedding")
        state.follow(self._show_visible, "visible")
        state.follow(self._show_selected, "selected")
        state.follow(self._show_waiting, "fit", "embedding")

    def _draw_embedding(self) -> None:
        embedding = self._state.embedding
        if embedding is None:
            return
        self._polygons = None  # sorted again when a polygon comes: frames come faster
        x, y = np.ascontiguousarray(embedding.T, dtype=np.float32)
        if self.figure is None:
            self.figure = _figure(x, y, self._state, self._colors)
        else:
            mark = self.figure.marks[0]
            with mark.hold_sync():
                mark.x, mark.y = x, y

    def _show_visible(self) -> None:
        self.visible = np.packbits(self._state.visible).tobytes()

    def _show_selected(self) -> None:
        self.selected = self._state.selected.astype("<u4").tobytes()

    def _show_waiting(self) -> None:
        has_map = self._state.embedding is not None
        self.waiting = "" if has_map else self._state.fit.title or "No map yet"

    def _on_select(self, content: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        mode = content.get("mode")
        if mode not in MODES:
            raise MalformedMessageError("unknown mode")
        polygon = _polygon(buffers)
        if self._state.embedding is None:
            return  # a gesture on a map that is not there yet
        if self._polygons is None:
            self._polygons = PolygonIndex(self._state.embedding)
        rows = self._polygons.inside(polygon)
        visible = rows[self._state.visible[self._state.codes[rows]]]
        self._state.select(visible, mode)
        # Also when the selection is as before: the page has shown a preview, this one stands.
        self.send({"kind": "selected"})

    def _on_clear(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select([])


def _polygon(buffers: Sequence[memoryview]) -> NDArray[np.float64]:
    """(k, 2) float64 vertices in data coordinates, of one buffer of little-endian float64 pairs."""
    if len(buffers) != 1 or not 3 * 16 <= len(buffers[0]) <= MAX_VERTICES * 16:
        raise MalformedMessageError("a polygon needs one buffer of 3 or more vertices")
    if len(buffers[0]) % 16:
        raise MalformedMessageError("a polygon's buffer holds whole pairs of float64")
    polygon = np.frombuffer(buffers[0], dtype="<f8").reshape(-1, 2)
    if not np.isfinite(polygon).all():
        raise MalformedMessageError("a polygon's vertices must be finite")
    return polygon


def _figure(
    x: NDArray[np.float32], y: NDArray[np.float32], state: ExplorerState, colors: Sequence[str]
) -> bqplot.Figure:
    scales = {
        "x": bqplot.LinearScale(min=float(x.min()), max=float(x.max())),
        "y": bqplot.LinearScale(min=float(y.min()), max=float(y.max())),
        "color": bqplot.ColorScale(
            colors=texture_colors(colors[: state.known]), min=0, max=TEXELS - 1
        ),
    }
    area = float(np.clip(MARKERS_AREA / len(x), MIN_MARKER_AREA, MAX_MARKER_AREA))
    mark = bqplot_gl.ScatterGL(
        x=x,
        y=y,
        color=texels(state),
        scales=scales,
        default_size=round(area),
        stroke_width=0.0,
    )
    return bqplot.Figure(
        marks=[mark],
        fig_margin={"top": 0, "bottom": 0, "left": 0, "right": 0},
        min_aspect_ratio=0.01,
        max_aspect_ratio=100,
        padding_x=0,
        padding_y=0,
        animation_duration=0,
        background_style={"fill": "none"},
        display_toolbar=False,
        layout=Layout(width="100%", height="100%", min_width="0px", min_height="0px"),
    )


def texels(state: ExplorerState) -> NDArray[np.float32]:
    """(n,) float32 texel of each row: classes in turn, the last texel for the unknown class."""
    in_turn = state.codes % (TEXELS - 1)
    return np.where(state.codes < state.known, in_turn, TEXELS - 1).astype(np.float32)


def texture_colors(colors: Sequence[str]) -> list[str]:
    """The texture's colours: those of the known classes, the rest as for the unknown class."""
    classes = list(colors[: TEXELS - 1])
    return classes + [UNKNOWN_COLOR] * (TEXELS - len(classes))
