"""The strip: a row of pictures of the selection, under the panels that show none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Int

from tsne_widget.widgets.models.tiles import MAX_TILES_PER_REPLY, Tiles
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.hovering import Hovering
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer
from tsne_widget.widgets.views.gallery.view import GalleryView, asked_size
from tsne_widget.widgets.views.view import View


class StripView(View):
    """Tiles of the selection in the gallery's order; the page asks for those in sight."""

    page_traits: ClassVar[tuple[str, ...]] = ("is_folded",)

    count = Int(help="number of selected rows").tag(sync=True)
    wrong = Int(help="misclassified ones of them").tag(sync=True)
    epoch = Int(help="increases with each change of the order; older replies are stale").tag(
        sync=True
    )
    is_folded = Bool(help="only the heading is shown").tag(sync=True)
    hovered = Int(None, allow_none=True, help="row").tag(sync=True)

    def __init__(self, state: ExplorerState, tiles: Tiles, gallery: GalleryView) -> None:
        self._state = state
        self._tiles = tiles
        self._gallery = gallery
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        super().__init__()
        self.handlers = {
            "tiles": self._on_tiles,
            "open": self._on_open,
            "hover": Hovering(state).on_hover,
        }
        gallery.observe(lambda _change: self._show(), "epoch")
        self.observe(lambda _change: self._show(), "is_open")
        state.follow(self._show, "selected")
        state.follow(lambda: self.set_trait("hovered", state.hovered), "hovered")

    def _show(self) -> None:
        if not self.is_open:
            return
        rows = self._gallery.rows_of_selection()
        if np.array_equal(rows, self._rows):
            return
        self._rows = rows
        with self.hold_sync():
            self.epoch += 1
            self.count = len(rows)
            self.wrong = int(np.count_nonzero(self._state.feature_set.misclassified[rows]))

    def _on_tiles(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if integer(content, "epoch", 0, 2**53) != self.epoch or not len(self._rows):
            return  # the order has changed; the page asks again
        start = integer(content, "start", 0, len(self._rows) - 1)
        stop = integer(content, "stop", start + 1, len(self._rows))
        if stop - start > MAX_TILES_PER_REPLY:
            raise MalformedMessageError(f"more than {MAX_TILES_PER_REPLY} tiles asked for at once")
        size = asked_size(content)
        tiles, pictures = self._tiles.batch(self._rows[start:stop], size, self._gallery.more_of)
        reply = {"kind": "tiles", "epoch": self.epoch, "start": start, "size": size}
        self.send(reply | {"tiles": tiles}, [b"".join(pictures)])

    def _on_open(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if integer(content, "epoch", 0, 2**53) == self.epoch and len(self._rows):
            self._state.focus = int(self._rows[integer(content, "index", 0, len(self._rows) - 1)])
