"""The groups panel: what mistakes have in common, tested on samples that did not find it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Dict, Float, Int, List, Unicode

from tsne_widget._text import failure
from tsne_widget.widgets.models.groups import cards, places, spots
from tsne_widget.widgets.models.groups import typical as typical_rows
from tsne_widget.widgets.models.tiles import MAX_TILES_PER_REPLY, Tiles
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.known_groups import KnownGroups, known_groups
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer, mode_of
from tsne_widget.widgets.views.gallery.view import asked_size
from tsne_widget.widgets.views.view import View

logger = logging.getLogger(__name__)


class _StoppedError(Exception):
    """The person has stopped the search."""


class GroupsView(View):
    """The groups of mistakes of one :class:`ExplorerState`.

    They are searched in the background when the panel is opened first, and then kept.
    """

    lacking = Unicode(help="what the panel requires and the record lacks").tag(sync=True)
    wrong = Int(help="misclassified samples").tag(sync=True)
    groups = List(Dict(), help="title, others, colours, wrong, times, held, caption").tag(sync=True)
    not_held = Int(help="groups that did not hold").tag(sync=True)
    places = Bytes(help="(m, 2) uint8 of the small map").tag(sync=True)
    spots = List(List(Int()), help="of each group: x, y in turn, 0 … 255").tag(sync=True)
    pictures = List(Int(), help="pictures of each group").tag(sync=True)
    epoch = Int(help="increases with the groups; older replies are stale").tag(sync=True)
    is_done = Bool(help="the groups are known").tag(sync=True)
    is_running = Bool().tag(sync=True)
    can_compute = Bool(True, help="there is a kernel, which can find groups").tag(sync=True)
    share = Float(help="of the running search, 0 … 1").tag(sync=True)

    def __init__(
        self,
        state: ExplorerState,
        tiles: Tiles,
        background: Background,
        *,
        is_open: bool = True,
    ) -> None:
        self._state, self._tiles, self._background = state, tiles, background
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # of all pictures
        self._is_stopped = False
        record = state.feature_set
        missing = [name for name in ("labels", "predictions") if getattr(record, name) is None]
        super().__init__(
            is_open=is_open,
            lacking=" and ".join(missing),
            wrong=int(np.count_nonzero(record.misclassified)),
        )
        self.handlers = {
            "compute": self._on_compute,
            "stop": self._on_stop,
            "tiles": self._on_tiles,
            "select": self._on_select,
            "light": self._on_light,
        }
        self.observe(lambda _change: self._opened(), "is_open")
        state.observe(lambda _change: self._show_places(), ["fit", "embedding"])
        self._opened()

    def _opened(self) -> None:
        if not self.is_open:
            self._state.lit = None
        elif self._state.groups is not None:
            self._show()
        elif not self._is_stopped:
            self._compute()

    # ---- computation ----

    def _compute(self) -> None:
        if self.lacking or not self.wrong or self.is_running:
            return
        self._is_stopped = False
        self.is_running, self.share = True, 0.0
        scores, call = self._state.scores, self._state.main_thread.call

        def progress(share: float) -> None:
            if self._is_stopped:
                raise _StoppedError
            call(self.set_trait, "share", share)

        def work() -> KnownGroups | Exception:
            try:
                return known_groups(scores, progress)
            except Exception as error:  # shown on the main thread
                return error

        self._background.run("Finding groups of mistakes", work, self._deliver)

    def _deliver(self, result: KnownGroups | Exception) -> None:
        self.is_running = False
        if isinstance(result, _StoppedError):
            return
        if isinstance(result, Exception):
            logger.error("finding groups failed", exc_info=result)
            self._is_stopped = True
            self._state.message = failure(result, "Finding groups of mistakes")
            return
        self._state.groups = result
        self._show()

    def _show(self) -> None:
        known = self._state.groups
        if known is None or self.is_done:
            return
        typical = typical_rows(known)
        self._rows = np.concatenate([np.empty(0, np.int64), *typical])
        with self.hold_sync():
            self.groups = cards(known, self._state.feature_set, self._tiles.colors)
            self.not_held = known.found.not_held
            self.pictures = [len(rows) for rows in typical] if self._tiles.has_images else []
            self.epoch += 1
            self.is_done = True
            self._show_places()

    def _show_places(self) -> None:
        """Draw the small maps, once the map is done."""
        known, embedding = self._state.groups, self._state.scores.embedding
        if known is None or not self.is_done or (self.places and embedding is None):
            return  # a map that moves is drawn when it rests
        with self.hold_sync():
            self.places, self.spots = places(embedding), spots(known, embedding)

    # ---- messages ----

    def _on_compute(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._compute()

    def _on_stop(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._is_stopped = True

    def _on_tiles(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if integer(content, "epoch", 0, 2**53) != self.epoch or not len(self._rows):
            return
        start = integer(content, "start", 0, len(self._rows) - 1)
        stop = integer(content, "stop", start + 1, len(self._rows))
        if stop - start > MAX_TILES_PER_REPLY:
            raise MalformedMessageError(f"more than {MAX_TILES_PER_REPLY} tiles asked for at once")
        size = asked_size(content)
        tiles, pictures = self._tiles.batch(self._rows[start:stop], size, lambda _row: {})
        reply = {"kind": "tiles", "epoch": self.epoch, "start": start, "size": size}
        self.send(reply | {"tiles": tiles}, [b"".join(pictures)])

    def _on_select(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select(self._rows_of(content), mode_of(content))

    def _on_light(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        is_none = content.get("group", "") is None
        self._state.lit = None if is_none else self._rows_of(content)

    def _rows_of(self, content: dict[str, Any]) -> NDArray[np.int64]:
        """The rows of the message's group."""
        group = integer(content, "group", 0, len(self.groups) - 1)
        known = self._state.groups
        if known is None:
            raise MalformedMessageError("there are no groups yet")
        return known.found.groups[group].rows
