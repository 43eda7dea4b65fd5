"""The gallery: sorted and grouped pictures, sent in ranges that the page asks for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Enum, Int, List, Unicode

from tsne_widget.widgets.models.arrangement import arranged
from tsne_widget.widgets.models.details import (
    Neighborhood,
    details,
    differing,
    neighborhood,
    probabilities,
)
from tsne_widget.widgets.models.sorting import Sorting
from tsne_widget.widgets.models.tiles import DETAILS_PIXELS, TILE_PIXELS, Tiles
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer
from tsne_widget.widgets.state.selecting import Mode
from tsne_widget.widgets.views.view import View

# Maximum tiles per request: a screenful. A reply ends earlier after so many bytes, to arrive soon
# on a slow connection, or after so many seconds, to keep the kernel free between large photographs.
MAX_TILES_PER_REPLY = 64
MAX_REPLY_BYTES = 280_000
MAX_REPLY_SECONDS = 0.1
# Width and height of a tile's picture in screen pixels.
MIN_TILE, MAX_TILE = 56, 200
SOURCES = ("selection", "visible")
GROUPINGS = {"none": (), "label": ("labels",), "prediction": ("predictions",),
             "confusion": ("labels", "predictions")}  # fmt: skip
# Actions on picked rows: how to combine them with the selection; None only clears the picks.
PICKED_MODES: dict[str, Mode | None] = {
    "keep": "replace", "remove": "subtract", "add": "add", "clear": None,
}  # fmt: skip


class GalleryView(View):
    """Tiles of the selected or of all visible rows, and the details of one sample.

    No picture is a widget: the page asks for a range of tiles and gets one buffer. It knows only
    positions in the order, which this class keeps; a position is valid for one epoch. Once the page
    shows a screenful, the first tiles of the next order are sent without a request.
    """

    count = Int(help="number of tiles").tag(sync=True)
    epoch = Int(help="increases with each change of the order; older replies are stale").tag(
        sync=True
    )
    coming = Int(-1, help="epoch whose first tiles are sent without a request").tag(sync=True)
    groups: Any = List(help="name and size of each group in order; [] ungrouped").tag(sync=True)
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
    tile_size = Int(96, help="pixels").tag(sync=True)
    hovered = Int(None, allow_none=True, help="row").tag(sync=True)
    focus = Int(None, allow_none=True, help="row").tag(sync=True)
    focus_index = Int(-1, help="its position in the order; -1: it has no tile").tag(sync=True)
    picked = Int(help="number of picked rows").tag(sync=True)
    picks = Bytes(help="one bit per tile from picks_start on").tag(sync=True)
    picks_start = Int().tag(sync=True)

    def __init__(self, state: ExplorerState, tiles: Tiles, background: Background) -> None:
        self._state = state
        self._tiles = tiles
        self._background = background
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._among: NDArray[np.int64] | None = None  # the arranged rows, ascending
        self._is_source_chosen = False  # by the page; until then the source follows the selection
        self._expected: tuple[int, int] | None = None  # count and size of unasked tiles
        self._is_picked = np.zeros(len(state.codes), dtype=bool)
        self._hovering: int | None = None  # the row under the pointer, last reported by the page
        self._anchor: int | None = None  # the row picked last, where a range starts
        self._near: tuple[int, Neighborhood] | None = None
        self._sorting = Sorting(state, background, self._rearrange)
        record = state.feature_set
        super().__init__(
            has_images=tiles.has_images,
            note=tiles.note,
            groupings=[
                {"key": key, "lacks": _lacking(needs, record)} for key, needs in GROUPINGS.items()
            ],
        )
        self.handlers = {
            "tiles": self._on_tiles,
            "expect": self._on_expect,
            "arrange": self._on_arrange,
            "hover": self._on_hover,
            "open": self._on_open,
            "focus": self._on_focus,
            "look": self._on_look,
            "neighbors": self._on_neighbors,
            "pick": self._on_pick,
            "picked": self._on_picked,
        }
        with self.hold_sync():  # one message instead of several
            state.follow(self._show_source, "selected", "visible")
            state.follow(self._show_focus, "focus")
            state.follow(self._show_hovered, "hovered")
            state.follow(self._show_sorts, "embedding", "fit", "focus")

    # ---- the order ----

    @contextmanager
    def _arranging(self) -> Iterator[None]:
        """Send all changes of the block in one message, then the tiles that the page expects."""
        before = self.epoch
        with self.hold_sync():
            yield
        if self.epoch != before and self.coming == self.epoch and self._expected is not None:
            (count, size), self._expected = self._expected, None
            self._send_tiles(0, min(count, len(self._rows)), size)

    def _show_source(self) -> None:
        """Arrange the source's rows if they are others than before."""
        state = self._state
        with self._arranging():
            self.source_counts = [len(state.selected), int(np.count_nonzero(state.visible_rows))]
            if not self._is_source_chosen:
                self.source = "selection" if len(state.selected) else "visible"
            if self._among is None or not np.array_equal(self._among, self._source_rows()):
                self._arrange()

    def _source_rows(self) -> NDArray[np.int64]:
        """Rows of the source, ascending."""
        state = self._state
        return state.selected if self.source == "selection" else np.flatnonzero(state.visible_rows)

    def _arrange(self) -> None:
        """Put the rows into order and start a new epoch."""
        state, sorting = self._state, self._sorting
        self._among = self._source_rows()
        self._rows, groups = arranged(
            self._among,
            sorting.values,
            descending=sorting.descending,
            group_by=self.group_by,
            record=state.feature_set,
        )
        with self.hold_sync():
            self.epoch += 1
            self.coming = self.epoch if self._expected is not None and len(self._rows) else -1
            self.count = len(self._rows)
            self.groups = [list(group) for group in groups]
            self._show_sorting()
            self.focus_index = self._place_of(state.focus)
            self._show_picks()

    def _rearrange(self) -> None:
        with self._arranging():
            self._arrange()

    def _show_sorts(self) -> None:
        self._sorting.follow_map()
        self.sorts = self._sorting.menu()

    def _show_sorting(self) -> None:
        sorting = self._sorting
        self.sorted_by, self.sort_note = sorting.by, sorting.note
        self.descending, self.sorts = sorting.descending, sorting.menu()

    def _on_arrange(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        source = _word(content, "source", SOURCES)
        sort = _word(content, "sort", self._sorting.keys)
        group = _word(content, "group", tuple(GROUPINGS))
        descending = content.get("descending")
        if descending is not None and not isinstance(descending, bool):
            raise MalformedMessageError("descending is not true or false")
        size = integer(content, "size", MIN_TILE, MAX_TILE) if "size" in content else None
        if group is not None and _lacking(GROUPINGS[group], self._state.feature_set):
            raise MalformedMessageError(f"there is nothing to group by {group}")
        with self._arranging():
            self.tile_size = self.tile_size if size is None else size
            self.source, self.group_by = source or self.source, group or self.group_by
            self._is_source_chosen |= source is not None
            is_there = True
            if sort is not None:
                is_there = self._sorting.choose(sort, descending)
                self._show_sorting()
            elif descending is not None:
                self._sorting.descending = descending
            if source or group or (is_there and (sort is not None or descending is not None)):
                self._arrange()

    # ---- tiles ----

    def _on_tiles(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if not self._is_current(content):
            return  # the order has changed; the page asks again
        start = integer(content, "start", 0, len(self._rows) - 1)
        stop = integer(content, "stop", start + 1, len(self._rows))
        if stop - start > MAX_TILES_PER_REPLY:
            raise MalformedMessageError(f"more than {MAX_TILES_PER_REPLY} tiles asked for at once")
        self._send_tiles(start, stop, _size(content))

    def _on_expect(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        count, size = integer(content, "count", 1, MAX_TILES_PER_REPLY), _size(content)
        if (
            integer(content, "epoch", 0, 2**53) == self.epoch
        ):  # otherwise the page knows a newer order
            self._expected = count, size

    def _send_tiles(self, start: int, stop: int, size: int) -> None:
        tiles, pictures = self._made(self._rows[start:stop], size)
        reply = {"kind": "tiles", "epoch": self.epoch, "start": start, "size": size}
        self.send(reply | {"tiles": tiles}, [b"".join(pictures)])

    def _made(self, rows: NDArray[np.int64], size: int) -> tuple[list[dict[str, Any]], list[bytes]]:
        """Tiles and pictures of the first rows, at least one, within the limits of a reply."""
        tiles: list[dict[str, Any]] = []
        pictures: list[bytes] = []
        total, deadline = 0, time.monotonic() + MAX_REPLY_SECONDS
        for row in rows.tolist():
            tile, picture = self._tiles.tile(row, size)
            total += len(picture) + len(json.dumps(tile))
            if tiles and total > MAX_REPLY_BYTES:
                break  # its thumbnail is cached for the next reply
            tiles.append(tile)
            pictures.append(picture)
            if time.monotonic() > deadline:
                break
        return tiles, pictures

    def _is_current(self, content: dict[str, Any]) -> bool:
        return integer(content, "epoch", 0, 2**53) == self.epoch and len(self._rows) > 0

    # ---- hovering ----

    def _show_hovered(self) -> None:
        self.hovered = self._state.hovered

    def _on_hover(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        row, before = self._row_or_none(content), self._hovering
        self._hovering = row
        # A pointer that left the gallery may already be over a point of the map.
        if row is not None or self._state.hovered == before:
            self._state.hovered = row

    def _row_or_none(self, content: dict[str, Any]) -> int | None:
        if content.get("row", "") is None:
            return None
        return integer(content, "row", 0, len(self._state.codes) - 1)

    # ---- details ----

    def _show_focus(self) -> None:
        with self.hold_sync():
            self.focus = self._state.focus
            self.focus_index = self._place_of(self._state.focus)

    def _place_of(self, row: int | None) -> int:
        if row is None:
            return -1
        places = np.flatnonzero(self._rows == row)
        return int(places[0]) if len(places) else -1

    def _on_open(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if self._is_current(content):
            self._state.focus = int(self._rows[integer(content, "index", 0, len(self._rows) - 1)])

    def _on_focus(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.focus = self._row_or_none(content)

    def _on_look(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        state, row = self._state, integer(content, "row", 0, len(self._state.codes) - 1)
        if row != state.focus:
            return  # the details of another sample are open
        tile, picture = self._tiles.tile(row, DETAILS_PIXELS)
        reply = {"kind": "look", "row": row, "tile": tile, "details": details(state, row)}
        self.send(reply | {"probabilities": probabilities(state, row)}, [picture])
        if state.scores.index_is_ready:
            self._send_neighbors(row, neighborhood(state, row))
            return
        self._background.run(
            "Finding the nearest samples in feature space",
            lambda: neighborhood(state, row),
            lambda near: self._send_neighbors(row, near),
        )

    def _send_neighbors(self, row: int, near: Neighborhood) -> None:
        if row != self._state.focus:
            return
        self._near = row, near
        made = [self._tiles.tile(neighbor) for neighbor in near.rows.tolist()]
        reply = {
            "kind": "neighbors",
            "row": row,
            "tiles": [tile for tile, _picture in made],
            "distances": near.distances.tolist(),
            "differs": near.differs.tolist(),
            "summary": differing(self._state, near),
        }
        self.send(reply, [b"".join(picture for _tile, picture in made)])

    def _on_neighbors(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        row = integer(content, "row", 0, len(self._state.codes) - 1)
        if self._near is not None and self._near[0] == row:
            self._state.select(self._near[1].rows)

    # ---- picking ----

    def _on_pick(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        is_range = content.get("range")
        if not isinstance(is_range, bool):
            raise MalformedMessageError("range is not true or false")
        if not self._is_current(content):
            return
        index = integer(content, "index", 0, len(self._rows) - 1)
        first = self._place_of(self._anchor)
        if is_range and first >= 0:
            low, high = min(first, index), max(first, index)
            self._is_picked[self._rows[low : high + 1]] = True
        else:
            self._anchor = int(self._rows[index])
            self._is_picked[self._anchor] ^= True
        self._show_picks()

    def _on_picked(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        action = _word(content, "do", tuple(PICKED_MODES))
        if action is None:
            raise MalformedMessageError("no action for the picked rows")
        rows, mode = np.flatnonzero(self._is_picked), PICKED_MODES[action]
        self._is_picked[:] = False
        self._anchor = None
        self._show_picks()
        if mode is not None and len(rows):
            self._state.select(rows, mode)

    def _show_picks(self) -> None:
        """Send the picked tiles; rows without a tile are no longer picked."""
        start, bits, places = 0, b"", np.empty(0, dtype=np.int64)
        if self._is_picked.any():
            flags = self._is_picked[self._rows]
            places = np.flatnonzero(flags)
            self._is_picked[:] = False
            self._is_picked[self._rows[places]] = True
        if len(places):
            start = int(places[0])
            bits = np.packbits(flags[start : places[-1] + 1]).tobytes()
        with self.hold_sync():
            self.picked, self.picks_start, self.picks = len(places), start, bits


def _word(content: dict[str, Any], name: str, known: Sequence[str]) -> str | None:
    """The field if it is one of the known words; None if it is missing."""
    word = content.get(name)
    if word is not None and (not isinstance(word, str) or word not in known):
        raise MalformedMessageError(f"{name} is not one of {', '.join(known)}")
    return word


def _size(content: dict[str, Any]) -> int:
    size = content.get("size", TILE_PIXELS[0])
    if isinstance(size, bool) or size not in TILE_PIXELS:
        raise MalformedMessageError(f"size is not one of {TILE_PIXELS}")
    return int(size)


def _lacking(needs: tuple[str, ...], record: Any) -> str:
    missing = [need for need in needs if getattr(record, need) is None]
    return f"needs {' and '.join(missing)}" if missing else ""
