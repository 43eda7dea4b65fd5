"""The gallery: sorted and grouped pictures, sent in ranges that the page asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Enum, Int, List, Unicode

from tsne_widget.widgets.models.arrangement import Group, grouped, same_pictures
from tsne_widget.widgets.models.picks import Picks
from tsne_widget.widgets.models.sorting import Sorting
from tsne_widget.widgets.models.table import Table
from tsne_widget.widgets.models.tile_maps import tile_map
from tsne_widget.widgets.models.tiles import MAX_TILES_PER_REPLY, TILE_PIXELS, Tiles
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.hovering import Hovering
from tsne_widget.widgets.state.page_messages import (
    MalformedMessageError,
    boolean,
    integer,
    mode_of,
)
from tsne_widget.widgets.state.rows import Ranking
from tsne_widget.widgets.state.selecting import Mode
from tsne_widget.widgets.views.view import View

# Smallest and largest width and height of a tile's picture in screen pixels.
MIN_TILE, MAX_TILE = 56, 200
# Orders whose first tiles are sent until the page asks again; a page that is gone costs no more.
MAX_UNASKED = 8
SOURCES = ("selection", "visible")
GROUPINGS = {"none": (), "label": ("labels",), "prediction": ("predictions",),
             "confusion": ("labels", "predictions")}  # fmt: skip
# Actions on picked rows: how to combine them with the selection; None only clears the picks.
PICKED_MODES: dict[str, Mode | None] = {
    "keep": "replace", "remove": "subtract", "add": "add", "clear": None,
}  # fmt: skip


class GalleryView(View):
    """Tiles of the selected or of all visible rows, as pictures or as a table.

    No picture is a widget: the page asks for a range of tiles and gets one buffer. It knows only
    positions in the order, which this class keeps; a position is valid for one epoch. Once the page
    shows a screenful, the first tiles of the next orders are sent without a request.

    Rows that a finder found come in the finder's order, without groups, until something else is
    selected or the page chooses another order.
    """

    count = Int(help="number of tiles").tag(sync=True)
    epoch = Int(help="increases with each change of the order; older replies are stale").tag(
        sync=True
    )
    coming = Int(-1, help="epoch whose first tiles are sent without a request").tag(sync=True)
    groups: Any = List(help="name, size and colours of each group in order; [] ungrouped").tag(
        sync=True
    )
    has_images = Bool().tag(sync=True)
    note = Unicode(help="remark about the pictures").tag(sync=True)
    source = Enum(SOURCES, "selection").tag(sync=True)
    source_counts: Any = List(help="number of rows of each source").tag(sync=True)
    sorts: Any = List(help="key, name and requirement of each choice").tag(sync=True)
    sorted_by = Unicode("dataset").tag(sync=True)
    descending = Bool().tag(sync=True)
    sort_note = Unicode(help="why the order is not yet the chosen one").tag(sync=True)
    groupings: Any = List(help="key and requirement of each choice").tag(sync=True)
    group_by = Enum(tuple(GROUPINGS), "none").tag(sync=True)
    tile_size = Int(help="least pixels; 0: by the width of the page").tag(sync=True)
    is_table = Bool(help="a table instead of pictures").tag(sync=True)
    columns: Any = List(help="key, name and kind of each column of the table").tag(sync=True)
    has_maps = Bool(help="whether any map of evidence is known").tag(sync=True)
    shows_maps = Bool(help="maps of evidence over the pictures").tag(sync=True)
    hovered = Int(None, allow_none=True, help="row").tag(sync=True)
    focus_index = Int(-1, help="place of the row in focus; -1: it has no tile").tag(sync=True)
    picked = Int(help="number of picked rows").tag(sync=True)
    picks = Bytes(help="one bit per tile from picks_start on").tag(sync=True)
    picks_start = Int().tag(sync=True)

    def __init__(self, state: ExplorerState, tiles: Tiles, background: Background) -> None:
        self._state = state
        self._tiles = tiles
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._among: NDArray[np.int64] = np.array([-1])  # the arranged rows, ascending
        self._seen: object = None  # the selection that the source followed
        self._had_any = False  # whether a visible row of it was selected
        self._is_picking = False  # a selection by picked tiles keeps the source
        self._expected: tuple[int, int] | None = None  # count and size of unasked tiles
        self._unasked = 0  # orders whose tiles are still sent
        self._picks = Picks(len(state.codes))
        record = state.feature_set
        lacks = {key: _lacking(needs, record) for key, needs in GROUPINGS.items()}
        self._chosen_groups = {
            "selection": "none" if lacks["confusion"] else "confusion",
            "visible": "none",
        }
        self._ranking: Ranking | None = None  # the one that is followed
        self._is_ranked = False  # groups are left out
        self._own_sort: tuple[str, bool] | None = None  # the sort before it was followed
        self._sorting = Sorting(state, background, self._rearrange)
        self._table = Table(state, self._sorting)
        super().__init__(
            has_images=tiles.has_images,
            note=tiles.note,
            groupings=[{"key": key, "lacks": words} for key, words in lacks.items()],
        )
        self.handlers = {
            "tiles": self._on_tiles,
            "expect": self._on_expect,
            "arrange": self._on_arrange,
            "hover": Hovering(state).on_hover,
            "open": self._on_open,
            "group": self._on_group,
            "pick": self._on_pick,
            "picked": self._on_picked,
        }
        with self.hold_sync():  # one message instead of several
            self._sorting.choose(self._sorting.default())
            state.follow(self._show_source, "selected", "visible", "ranking")
            state.follow(self._show_focus, "focus")
            state.follow(lambda: self.set_trait("hovered", state.hovered), "hovered")
            state.follow(self._show_maps, "explained")
            state.follow(self._show_sorts, "embedding", "fit", "focus", "measured", "explained")

    # ---- for other views ----

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of the tiles in order."""
        return self._rows

    def place_of(self, row: int | None) -> int:
        """Index of a row in the order; −1 if it has no tile."""
        if row is None:
            return -1
        places = np.flatnonzero(self._rows == row)
        return int(places[0]) if len(places) else -1

    def rows_of_selection(self) -> NDArray[np.int64]:
        """The selected rows in the gallery's order, whether or not it shows them."""
        if self.source == "selection":
            return self._rows
        return self._ordered(self._state.selected, "selection")[0]

    def more_of(self, row: int) -> dict[str, Any]:
        """Fields of a row's tile that depend on the order."""
        return {"value": self._sorting.text(row)}

    def sort_by_similarity(self) -> None:
        """Sort by the distance to the row in focus, without groups."""
        with self._arranging():
            self._own_sort = self._own_sort or (self._sorting.by, self._sorting.descending)
            self._is_ranked = True
            self._sorting.choose("distance")
            self._arrange()

    # ---- the order ----

    @contextmanager
    def _arranging(self) -> Iterator[None]:
        """Send all changes of the block in one message, then the tiles that the page expects."""
        before = self.epoch
        with self.hold_sync():
            yield
        if self.epoch != before and self.coming == self.epoch and self._expected is not None:
            count, size = self._expected
            self._unasked -= 1
            if not self._unasked:
                self._expected = None
            self._send_tiles(0, min(count, len(self._rows)), size)

    def _show_source(self) -> None:
        """Arrange the source's rows if they are others than before, or in another order."""
        state = self._state
        with self._arranging():
            self.source_counts = [len(state.selected), int(np.count_nonzero(state.visible_rows))]
            is_new, is_any = state.chosen is not self._seen, len(state.selected) > 0
            if (is_new and not self._is_picking) or is_any != self._had_any:
                self.source = "selection" if is_any else "visible"
            is_other = (is_new or state.ranking != self._ranking) and self._follow_ranking()
            is_other |= self._grouping(self.source) != self.group_by
            self._seen, self._had_any = state.chosen, is_any
            if is_other or not np.array_equal(self._among, self._source_rows()):
                self._arrange()

    def _follow_ranking(self) -> bool:
        """Take over the order of a finder, or go back from it; returns whether it has changed."""
        ranking, sorting = self._state.ranking, self._sorting
        is_over = ranking is None and (self._is_ranked or self._own_sort is not None)
        self._ranking, self._is_ranked = ranking, ranking is not None
        if ranking is not None:
            self._own_sort = self._own_sort or (sorting.by, sorting.descending)
            sorting.choose(ranking.score, ranking.highest_first)
        elif self._own_sort is not None:
            (by, descending), self._own_sort = self._own_sort, None
            sorting.choose(by, descending)
        return is_over or ranking is not None

    def _source_rows(self) -> NDArray[np.int64]:
        """Rows of the source, ascending."""
        state = self._state
        return state.selected if self.source == "selection" else np.flatnonzero(state.visible_rows)

    def _ordered(
        self, rows: NDArray[np.int64], source: str
    ) -> tuple[NDArray[np.int64], list[Group]]:
        record, sorting = self._state.feature_set, self._sorting
        ordered = grouped(sorting.sorted(rows), self._grouping(source), record)
        numbers = sorting.group_numbers
        if numbers is None or not self._is_ranked or self.is_table:
            return ordered
        return ordered.rows, same_pictures(ordered.rows, numbers, record)

    def _grouping(self, source: str) -> str:
        return "none" if self._is_ranked or self.is_table else self._chosen_groups[source]

    def _arrange(self) -> None:
        """Put the rows into order and start a new epoch."""
        self._among = self._source_rows()
        self._rows, groups = self._ordered(self._among, self.source)
        colors = [*self._tiles.colors[: len(self._state.feature_set.class_names)], ""]
        with self.hold_sync():
            self.epoch += 1
            is_expected = self._expected is not None and self.is_open and len(self._rows) > 0
            is_expected &= not self.is_table  # its rows come on request
            self.coming = self.epoch if is_expected else -1
            self.count = len(self._rows)
            self.group_by = self._grouping(self.source)
            self.groups = [
                [one.name, one.size, colors[one.label], colors[one.prediction]] for one in groups
            ]
            self._show_sorting()
            self._show_focus()
            self._show_picks()

    def _rearrange(self) -> None:
        with self._arranging():
            self._arrange()

    def _show_sorts(self) -> None:
        self._sorting.follow_map()
        self._show_sorting()

    def _show_sorting(self) -> None:
        sorting = self._sorting
        self.sorted_by, self.sort_note = sorting.by, sorting.note
        self.descending, self.sorts = sorting.descending, sorting.menu()
        self.columns = self._table.columns

    def _on_arrange(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        source = _word(content, "source", SOURCES)
        sort = _word(content, "sort", self._sorting.keys)
        group = _word(content, "group", tuple(GROUPINGS))
        descending, is_table = _flag(content, "descending"), _flag(content, "table")
        maps = _flag(content, "maps")
        size = integer(content, "size", 0, MAX_TILE) if "size" in content else None
        if size is not None and 0 < size < MIN_TILE:
            raise MalformedMessageError(f"size is not 0 or {MIN_TILE} … {MAX_TILE}")
        if group is not None and _lacking(GROUPINGS[group], self._state.feature_set):
            raise MalformedMessageError(f"there is nothing to group by {group}")
        with self._arranging():
            self.tile_size = self.tile_size if size is None else size
            self.is_table = self.is_table if is_table is None else is_table
            self.source = source or self.source
            if maps is not None:
                self.shows_maps = maps
                self.send({"kind": "refresh"})
            if group is not None:
                self._chosen_groups[self.source] = group
                self._is_ranked = False
            is_sorted = self._sort(sort, descending)
            if source or group or is_table is not None or is_sorted:
                self._arrange()

    def _sort(self, key: str | None, descending: bool | None) -> bool:
        """Sort as the page asks; returns whether the order changes now."""
        if key is None and descending is None:
            return False
        self._own_sort = None
        if key is None:
            self._sorting.descending = bool(descending)
            return True
        is_ready = self._sorting.choose(key, descending)
        self._show_sorting()
        return is_ready

    # ---- tiles ----

    def _on_tiles(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if not self._is_current(content):
            return  # the order has changed; the page asks again
        start = integer(content, "start", 0, len(self._rows) - 1)
        stop = integer(content, "stop", start + 1, len(self._rows))
        if stop - start > MAX_TILES_PER_REPLY:
            raise MalformedMessageError(f"more than {MAX_TILES_PER_REPLY} tiles asked for at once")
        self._send_tiles(start, stop, asked_size(content))

    def _on_expect(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        count, size = integer(content, "count", 1, MAX_TILES_PER_REPLY), asked_size(content)
        # Otherwise the page is about to learn of a newer order.
        if integer(content, "epoch", 0, 2**53) == self.epoch:
            self._expected, self._unasked = (count, size), MAX_UNASKED

    def _send_tiles(self, start: int, stop: int, size: int) -> None:
        more = self._with_map if size else self._cells_of
        tiles, pictures = self._tiles.batch(self._rows[start:stop], size, more)
        reply = {"kind": "tiles", "epoch": self.epoch, "start": start, "size": size}
        self.send(reply | {"tiles": tiles}, [b"".join(pictures)])

    def _with_map(self, row: int) -> dict[str, Any]:
        values = tile_map(self._state.evidence, row) if self.shows_maps else []
        return self.more_of(row) | ({"map": values} if values else {})

    def _show_maps(self) -> None:
        """Let the page ask for its tiles again after maps have become known."""
        self.has_maps = self._state.evidence.has_maps
        if self.shows_maps:
            self.send({"kind": "refresh"})

    def _cells_of(self, row: int) -> dict[str, Any]:
        return {"cells": self._table.texts(row)}

    def _is_current(self, content: dict[str, Any]) -> bool:
        return integer(content, "epoch", 0, 2**53) == self.epoch and len(self._rows) > 0

    def _index(self, content: dict[str, Any]) -> int:
        return integer(content, "index", 0, len(self._rows) - 1)

    # ---- opening and picking ----

    def _show_focus(self) -> None:
        self.focus_index = self.place_of(self._state.focus)

    def _on_open(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if self._is_current(content):
            self._state.focus = int(self._rows[self._index(content)])

    def _on_group(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the rows of a group."""
        mode = mode_of(content)
        if not self._is_current(content) or not self.groups:
            return
        index = integer(content, "index", 0, len(self.groups) - 1)
        start = sum(size for _name, size, *_colors in self.groups[:index])
        self._state.select(self._rows[start : start + self.groups[index][1]], mode)

    def _on_pick(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        is_range = boolean(content, "range")
        if self._is_current(content):
            self._picks.pick(self._rows, self._index(content), is_range=is_range)
            self._show_picks()

    def _on_picked(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        action = _word(content, "do", tuple(PICKED_MODES))
        if action is None:
            raise MalformedMessageError("no action for the picked rows")
        rows, mode = self._picks.take(), PICKED_MODES[action]
        self._show_picks()
        if mode is None or not len(rows):
            return
        self._is_picking = mode == "add"
        try:
            self._state.select(rows, mode)
        finally:
            self._is_picking = False

    def _show_picks(self) -> None:
        with self.hold_sync():
            self.picked, self.picks_start, self.picks = self._picks.among(self._rows)


def _word(content: dict[str, Any], name: str, known: Sequence[str]) -> str | None:
    """The field if it is one of the known words; None if it is missing."""
    word = content.get(name)
    if word is not None and (not isinstance(word, str) or word not in known):
        raise MalformedMessageError(f"{name} is not one of {', '.join(known)}")
    return word


def _flag(content: dict[str, Any], name: str) -> bool | None:
    """The field if it is true or false; None if it is missing."""
    return None if content.get(name) is None else boolean(content, name)


def asked_size(content: dict[str, Any]) -> int:
    """The size of the pictures that a message asks for; 0 for rows of the table."""
    size = content.get("size", TILE_PIXELS[0])
    if isinstance(size, bool) or size not in (0, *TILE_PIXELS):
        raise MalformedMessageError(f"size is not 0 or one of {TILE_PIXELS}")
    return int(size)


def _lacking(needs: tuple[str, ...], record: Any) -> str:
    missing = [need for need in needs if getattr(record, need) is None]
    return f"needs {' and '.join(missing)}" if missing else ""
