"""The map: a bqplot figure, and the gestures over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Dict, Float, Int, List, TraitError, Unicode, validate

from tsne_widget._text import printable
from tsne_widget._validation import ascending
from tsne_widget.analysis import PolygonIndex
from tsne_widget.analysis.scores import SCORES
from tsne_widget.plotting import UNKNOWN_COLOR
from tsne_widget.widgets.models.appearance import TEXELS, title_of
from tsne_widget.widgets.models.coloring import Coloring, coloring, key_of
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.models.window import Window
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.map_model import MapModel
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer, mode_of
from tsne_widget.widgets.views.map.drawn import DrawnPoints
from tsne_widget.widgets.views.map.look import SETTINGS
from tsne_widget.widgets.views.map.messages import pictures_of, points_of, polygon_of

# Number of lines from the focused sample to its nearest neighbours in feature space.
LINKS = 12

# What precedes the first frame of a map; the second is running.
STEPS = ["Features read", "Finding neighbours", "Arranging the map"]


class MapView(DrawnPoints):
    """The map of one :class:`MapModel`: draws it and turns gestures into selections.

    The page sends polygons in data coordinates, which select among all visible rows here. The page
    knows points, not rows: a point is a row's position in the drawing order. Every prefix of that
    order is a sample of all classes, so the page can draw fewer points. Beyond a million rows, the
    page knows those of a :class:`Window`.
    """

    codes = Bytes(help="class of each point, uint8 up to 256 classes, then uint16").tag(sync=True)
    names = List(Unicode(), help="names of the classes").tag(sync=True)
    wrong = Bytes(help="misclassified points, uint32 little-endian").tag(sync=True)
    epoch = Int(help="increases when the points are other rows").tag(sync=True)
    unknown = Int(help="visible rows in the viewport that are no points").tag(sync=True)
    visible = Bytes(help="one bit per class, most significant first").tag(sync=True)
    selected = Bytes(help="selected points, uint32 little-endian").tag(sync=True)
    viewport = List(Float(), help="x0, x1, y0, y1 in data units; [] to fit all").tag(sync=True)
    waiting = Unicode(help="what the map waits for; '' if it exists").tag(sync=True)
    steps = List(Unicode(), help="of the first map; the second is running").tag(sync=True)
    budget = Int(help="maximum points drawn; 0: the renderer decides").tag(sync=True)
    lit = Bytes(help="points that are lit up for the moment, uint32; b'' for none").tag(sync=True)
    hovered = Int(-1, help="point of the hovered row; -1: none").tag(sync=True)
    links = Bytes(help="the focused point, then its nearest in feature space").tag(sync=True)
    trails = Bytes(help="lines in data units, x0, y0, x1, y1 each, float32").tag(sync=True)
    show_labels = Bool(help="class names on the map").tag(sync=True)
    turn = Float(help="degrees by which the finished map is turned").tag(sync=True)
    color_by = Unicode(help="what the colours mean").tag(sync=True)
    key = Dict(help="meaning of the colours").tag(sync=True)

    page_traits = ("viewport", "show_labels", *SETTINGS)

    def __init__(
        self,
        state: MapModel,
        tiles: Tiles,
        background: Background,
        colors: Sequence[str],
        *,
        budget: int = 0,
    ) -> None:
        self._state = state
        self._tiles = tiles
        self._background = background
        self._colors = colors
        self._coloring: Coloring | None = None  # of all rows; None until computed
        self._colored_map: object = None  # the map that the colours depend on
        self._painted = ""  # the choice that the points show
        self._polygons: PolygonIndex | None = None
        self._sorted: NDArray[np.float32] | None = None  # embedding of the index
        self._wrong = state.feature_set.misclassified
        self._window = Window(state.codes, self._wrong)
        super().__init__(
            show_labels=bool(state.colored_by),
            names=[printable(name) for name in state.class_names],
            budget=budget,
            unknown=self._window.unknown,
        )
        self.handlers = {
            "select": self._on_select,
            "pick": self._on_pick,
            "open": self._on_open,
            "pictures": self._on_pictures,
            "hover": self._on_hover,
            "leave": self._on_leave,
            "no_figure": self._on_no_figure,
            "clear": self._on_clear,
            "undo": lambda _content, _buffers: state.undo(),
            "redo": lambda _content, _buffers: state.redo(),
        }
        with self.hold_sync():  # one message instead of several
            self._show_points()
            state.follow(self._show_color, "color_by")
            state.observe(lambda _change: self.set_trait("viewport", []), "map_name")
            state.follow(self._draw_embedding, "embedding")
            state.follow(self._follow_map, "embedding", "fit")
            state.follow(self._show_visible, "visible")
            state.follow(self._show_mistakes, "mistakes")
            state.follow(self._show_selected, "selected")
            state.follow(self._show_waiting, "fit", "embedding")
            state.follow(self._show_selections, "selections")
            state.follow(self._show_hovered, "hovered")
            state.follow(self._show_lit, "lit")
            state.follow(self._show_links, "focus")
        state.observe(lambda _change: self._follow_viewport(), ["visible", "embedding", "fit"])
        state.observe(self._follow_selected, "selected")
        self.observe(lambda _change: self._follow_viewport(), "viewport")
        self._sort_points()

    @property
    def _rows(self) -> NDArray[np.int64]:
        """Row of each point."""
        return self._window.rows

    @property
    def _points(self) -> NDArray[np.int32]:
        """Point of each row; −1 if the page does not know it."""
        return self._window.points

    def _show_points(self) -> None:
        few = len(self._state.class_names) <= 256
        self.codes = self._state.codes[self._rows].astype("u1" if few else "<u2").tobytes()
        self.wrong = np.flatnonzero(self._wrong[self._rows]).astype("<u4").tobytes()

    def _follow_viewport(self) -> None:
        """Send the rows in the viewport, if the page does not know all rows."""
        state, window = self._state, self._window
        is_moving = state.embedding is None or state.fit.condition == "running"
        if window.is_whole or is_moving:
            return
        self._sort_points()
        if window.move(self._in_sight(), state.selected):
            with self.hold_sync():
                self.epoch = window.epoch
                self._show_points()
                self._show_selected()
                self._show_hovered()
            self._show_links()
            # Positions come last: the page draws when they arrive.
            with self.hold_sync():
                self._send_colors()
                self._send_places()
        self.unknown = window.unknown

    def _follow_selected(self, _change: object) -> None:
        if self._window.lacks(self._state.selected):
            self._follow_viewport()

    def _in_sight(self) -> NDArray[np.bool_]:
        """(n,) bool: visible and in the viewport."""
        in_sight = self._state.visible_rows
        if len(self.viewport) == 4:
            left, right, low, high = self.viewport
            x, y = self._state.embedding.T
            in_sight &= (x >= left) & (x <= right) & (y >= low) & (y <= high)
        return in_sight

    def _sort_points(self) -> None:
        """Index millions of points before the first lasso."""
        embedding = self._state.embedding
        if self._window.is_whole or embedding is None or self._sorted is embedding:
            return
        self._sorted = embedding

        def keep(polygons: PolygonIndex) -> None:
            if self._state.embedding is embedding:
                self._polygons = polygons

        self._background.run("Sorting the points", lambda: PolygonIndex(embedding), keep)

    def _draw_embedding(self) -> None:
        embedding = self._state.embedding
        if embedding is None:
            return
        self._polygons = None  # made again for the next polygon: frames are more frequent
        self._send_places()

    def _follow_map(self) -> None:
        """Recompute colours that depend on the visible map."""
        name, scores = self._state.color_by, self._state.scores
        if scores.embedding is None or self._colored_map is scores.embedding:
            return
        self._colored_map = scores.embedding
        if name in SCORES and "embedding" in SCORES[name].needs:
            self._show_color()

    def _places_of_points(self) -> NDArray[np.float32]:
        places: NDArray[np.float32] = self._state.embedding[self._rows]
        return places

    def _colors_of_points(self) -> Coloring:
        if self._coloring is not None:
            return self._coloring._replace(texels=self._coloring.texels[self._rows])
        return Coloring(np.zeros(len(self._rows), dtype=np.float32), [UNKNOWN_COLOR] * TEXELS, [])

    def _show_color(self) -> None:
        name, scores = self._state.color_by, self._state.scores
        if name not in scores.names or scores.is_ready(name):
            try:
                self._paint(name)
            except BaseException:
                self._stay_as_drawn(name)
                raise
            return
        self._background.run(
            f"Computing {title_of(name)}",
            lambda: scores[name],
            lambda _values: self._paint(name) if self._state.color_by == name else None,
            lambda: self._stay_as_drawn(name),
        )

    def _stay_as_drawn(self, name: str) -> None:
        """Reset the state to the colours that the map shows, because others failed."""
        if self._state.color_by == name and self._painted:
            self._state.color_by = self._painted

    def _paint(self, name: str) -> None:
        """Colour the points by this choice."""
        colors = self._coloring = coloring(self._state, name, self._colors)
        self._painted = name
        with self.hold_sync(), self.hold_trait_notifications():  # the key belongs to the name
            self.color_by = name
            self.key = key_of(colors, name, name in (self._state.colored_by, "prediction"))
        self._send_colors()

    def _show_selections(self) -> None:
        if self._state.color_by == "selection":
            self._paint("selection")

    def _show_hovered(self) -> None:
        row = self._state.hovered
        self.hovered = -1 if row is None else int(self._points[row])

    def _show_lit(self) -> None:
        rows = self._state.lit
        points = self._points[[] if rows is None else rows]
        self.lit = ascending(points[points >= 0], len(self._rows)).astype("<u4").tobytes()

    def _show_links(self) -> None:
        """Draw lines from the focused sample to its nearest neighbours in feature space."""
        row, scores = self._state.focus, self._state.scores
        k = min(LINKS, len(self._state.codes) - 1)
        if row is None or k < 1:
            self.links = b""
            return

        def show(found: tuple[NDArray[np.int64], NDArray[np.float32]]) -> None:
            if self._state.focus == row:
                points = self._points[[row, *found[0]]]
                known = points[points >= 0] if points[0] >= 0 else points[:0]
                self.links = known.astype("<u4").tobytes()

        self._background.run("Finding neighbours", lambda: scores.index.nearest_to(row, k), show)

    def _show_visible(self) -> None:
        self.visible = np.packbits(self._state.visible).tobytes()

    def _show_mistakes(self) -> None:
        self.mistakes = self._state.mistakes

    def _shows(self, rows: Any) -> Any:
        """Whether the map draws these rows: of visible classes, and wrong if only those are."""
        shown = self._state.visible[self._state.codes[rows]]
        if self._state.mistakes == "only":
            shown = shown & self._wrong[rows]
        return shown

    def _show_selected(self) -> None:
        points = self._points[self._state.selected]
        known = points if self._window.is_whole else points[points >= 0]
        # Ascending, as in the page's preview, so that equal selections compare equal at once.
        self.selected = ascending(known, len(self._rows)).astype("<u4").tobytes()

    def _show_waiting(self) -> None:
        fit = self._state.fit
        self.turn = fit.turn
        is_first = self._state.embedding is None and fit.condition == "running" and fit.total
        self.steps = STEPS if is_first else []
        if self._state.embedding is not None:
            self.waiting = ""
        elif fit.condition == "failed":
            self.waiting = fit.title
        else:
            self.waiting = f"{fit.title}: {fit.stage} …" if fit.stage else f"{fit.title} …"

    @validate("viewport")
    def _validate_viewport(self, proposal: Any) -> list[float]:
        """Refuse what load() would refuse: the page sets the viewport and save() writes it."""
        bounds: list[float] = proposal["value"]
        if len(bounds) not in (0, 4) or not np.isfinite(bounds).all():
            raise TraitError("viewport must be [] or four finite numbers")
        return bounds

    def _on_select(self, content: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        mode = mode_of(content)
        polygon = polygon_of(buffers)
        if self._state.embedding is None:
            return  # there is no map yet
        if self._polygons is None:
            self._polygons = PolygonIndex(self._state.embedding)
        rows = self._polygons.inside(polygon)
        try:
            self._state.select(rows[self._shows(rows)], mode)
        finally:
            # Also for an unchanged selection: it replaces the page's preview.
            self.send({"kind": "selected"})

    def _on_pick(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select([self._visible_row(content)], mode_of(content))

    def _on_open(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.focus = self._visible_row(content)

    def _on_pictures(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Send the pictures of some points, as many as fit into one reply."""
        points = points_of(content)
        rows = [self._visible_row({**content, "point": point}) for point in points]
        tiles, pictures = pictures_of(self._tiles, rows)
        reply = {"kind": "pictures", "points": points, "tiles": tiles, "epoch": self.epoch}
        self.send(reply, [b"".join(pictures)])

    def _on_clear(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select([])
        self._state.focus = None

    def _on_hover(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        row = self._visible_row(content)
        self._state.hovered = row
        if content.get("known") is not True:
            tile, picture = self._tiles.tile(row)
            self.send({"kind": "hover", "point": content["point"], "tile": tile}, [picture])

    def _on_leave(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.hovered = None

    def _visible_row(self, content: dict[str, Any]) -> int:
        if content.get("epoch", 0) != self.epoch:
            raise MalformedMessageError("the points have changed since")
        row = int(self._rows[integer(content, "point", 0, len(self._rows) - 1)])
        if not self._shows(row):
            raise MalformedMessageError("the point is hidden")
        return row
