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
from tsne_widget.widgets.messages import MalformedMessageError, answer, integer
from tsne_widget.widgets.state import MODES, ExplorerState, Mode
from tsne_widget.widgets.tiles import Tiles

# ScatterGL draws colours from a texture of this many texels; the last one is for unknown classes.
TEXELS = 256
# Vertices of one polygon from the page: a lasso has a few hundred; this bounds a forged one.
MAX_VERTICES = 20_000
# Summed area of all markers, in px²: fewer points are drawn larger, down and up to the bounds.
MARKERS_AREA = 130_000
MIN_MARKER_AREA, MAX_MARKER_AREA = 6, 60
# A ring marks a misclassified point: a second sign beside colour, of --tw-wrong's colour.
RING_COLOR, RING_PIXELS, RING_AREA = "#d6336c", 0.9, 2.2


class ScatterView(anywidget.AnyWidget):
    """The map of one :class:`ExplorerState`: draws it, and turns gestures into selections.

    The page sends polygons in data coordinates; they are resolved here, over all visible rows.
    It knows points, not rows: a point is a row's place in the order of drawing, of which every
    beginning is a sample of all classes, so that the page may draw less of it.
    """

    _esm = script("tiles.js", "geometry.js", "scatter.js")
    _css = style("tiles.css", "scatter.css")

    figure = Instance(Widget, allow_none=True).tag(sync=True, **widget_serialization)
    codes = Bytes(help="class of each point, uint16 little-endian").tag(sync=True)
    wrong = Bytes(help="misclassified points, uint32 little-endian").tag(sync=True)
    visible = Bytes(help="one bit per class, most significant first").tag(sync=True)
    selected = Bytes(help="selected points, uint32 little-endian").tag(sync=True)
    viewport = List(Float(), help="x0, x1, y0, y1 in data units; [] to fit all").tag(sync=True)
    waiting = Unicode(help="what the map waits for, while there is none").tag(sync=True)

    def __init__(
        self, state: ExplorerState, tiles: Tiles, colors: Sequence[str], height: int
    ) -> None:
        self._state = state
        self._tiles = tiles
        self._colors = colors
        self._polygons: PolygonIndex | None = None
        wrong = state.feature_set.misclassified
        self._rows = drawing_order(state.codes, wrong)  # row of each point
        self._points = np.empty_like(self._rows)  # point of each row
        self._points[self._rows] = np.arange(len(self._rows))
        self._ringed = np.flatnonzero(wrong[self._rows])
        super().__init__(
            codes=state.codes[self._rows].astype("<u2").tobytes(),
            wrong=self._ringed.astype("<u4").tobytes(),
            layout=Layout(height=f"{height}px"),
        )
        handlers = {
            "select": self._on_select,
            "pick": self._on_pick,
            "hover": self._on_hover,
            "clear": lambda _content, _buffers: state.select([]),
            "undo": lambda _content, _buffers: state.undo(),
            "redo": lambda _content, _buffers: state.redo(),
        }
        answer(self, state, handlers)
        state.follow(self._draw_embedding, "embedding")
        state.follow(self._show_visible, "visible")
        state.follow(self._show_selected, "selected")
        state.follow(self._show_waiting, "fit", "embedding")

    def _draw_embedding(self) -> None:
        embedding = self._state.embedding
        if embedding is None:
            return
        self._polygons = None  # sorted again when a polygon comes: frames come faster
        x, y = np.ascontiguousarray(embedding[self._rows].T, dtype=np.float32)
        if self.figure is None:
            self.figure = _figure(x, y, self._ringed, self._texels(), self._texture())
            return
        for mark, points in zip(self.figure.marks, (slice(None), self._ringed), strict=False):
            with mark.hold_sync():
                mark.x, mark.y = x[points], y[points]

    def _texels(self) -> NDArray[np.float32]:
        """(n,) float32 texel of each point: classes in turn, the last one for the unknown class."""
        codes = self._state.codes[self._rows]
        known = codes < self._state.known
        return np.where(known, codes % (TEXELS - 1), TEXELS - 1).astype(np.float32)

    def _texture(self) -> list[str]:
        """The texture's colours: those of the known classes, the rest as for the unknown one."""
        classes = list(self._colors[: min(self._state.known, TEXELS - 1)])
        return classes + [UNKNOWN_COLOR] * (TEXELS - len(classes))

    def _show_visible(self) -> None:
        self.visible = np.packbits(self._state.visible).tobytes()

    def _show_selected(self) -> None:
        self.selected = self._points[self._state.selected].astype("<u4").tobytes()

    def _show_waiting(self) -> None:
        fit = self._state.fit
        if self._state.embedding is not None:
            self.waiting = ""
        elif fit.condition == "failed":
            self.waiting = fit.title
        else:
            self.waiting = f"{fit.title} …"

    def _on_select(self, content: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        mode = _mode(content)
        polygon = _polygon(buffers)
        if self._state.embedding is None:
            return  # a gesture on a map that is not there yet
        if self._polygons is None:
            self._polygons = PolygonIndex(self._state.embedding)
        rows = self._polygons.inside(polygon)
        self._state.select(rows[self._state.visible[self._state.codes[rows]]], mode)
        # Also when the selection is as before: the page has shown a preview, this one stands.
        self.send({"kind": "selected"})

    def _on_pick(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select([self._visible_row(content)], _mode(content))

    def _on_hover(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        tile, picture = self._tiles.tile(self._visible_row(content))
        self.send({"kind": "hover", "point": content["point"], "tile": tile}, [picture])

    def _visible_row(self, content: dict[str, Any]) -> int:
        row = int(self._rows[integer(content, "point", 0, len(self._rows) - 1)])
        if not self._state.visible[self._state.codes[row]]:
            raise MalformedMessageError("the point is hidden")
        return row


def drawing_order(codes: NDArray[np.int64], wrong: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) int64 rows in an order of which every beginning is a sample of all classes.

    Each class, and the misclassified of each class, is shuffled and spread over the order, the
    rarer the denser at the beginning: the first m rows hold about √count of each.
    """
    group = 2 * codes + wrong
    shuffled = np.random.default_rng(0).permutation(len(codes))
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    counts = np.bincount(group)
    starts = np.cumsum(counts) - counts
    within = np.arange(len(codes)) - starts[group[by_group]]
    return by_group[np.argsort((within + 0.5) / np.sqrt(counts[group[by_group]]), kind="stable")]


def _mode(content: dict[str, Any]) -> Mode:
    mode = content.get("mode")
    if mode not in MODES:
        raise MalformedMessageError("unknown mode")
    return mode


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
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    ringed: NDArray[np.int64],
    texels: NDArray[np.float32],
    texture: list[str],
) -> bqplot.Figure:
    """A figure without axes: one mark for all points, and one of rings over the misclassified."""
    place = {
        "x": bqplot.LinearScale(min=float(x.min()), max=float(x.max())),
        "y": bqplot.LinearScale(min=float(y.min()), max=float(y.max())),
    }
    color = bqplot.ColorScale(colors=texture, min=0, max=TEXELS - 1)
    area = float(np.clip(MARKERS_AREA / len(x), MIN_MARKER_AREA, MAX_MARKER_AREA))
    points = bqplot_gl.ScatterGL(
        x=x, y=y, color=texels, scales={**place, "color": color},
        default_size=round(area), stroke_width=0.0,
    )  # fmt: skip
    rings = bqplot_gl.ScatterGL(
        x=x[ringed], y=y[ringed], scales=place, colors=[RING_COLOR], fill=False,
        stroke=RING_COLOR, stroke_width=RING_PIXELS, default_size=round(area * RING_AREA),
    )  # fmt: skip
    return bqplot.Figure(
        marks=[points, rings] if len(ringed) else [points],
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
