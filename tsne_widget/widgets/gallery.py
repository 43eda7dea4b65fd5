"""The gallery: pictures of the selected rows, sent range by range as the page asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
from traitlets import Bool, Int, Unicode

from tsne_widget.widgets.assets import script, style
from tsne_widget.widgets.messages import MalformedMessageError, answer, integer
from tsne_widget.widgets.state import ExplorerState
from tsne_widget.widgets.tiles import Tiles

# Tiles of one reply: a screenful; keeps a reply well under 300 kB and the kernel free in between.
MAX_TILES_PER_REPLY = 64


class GalleryView(anywidget.AnyWidget):
    """Tiles of the selected rows: picture, label → prediction, confidence, id.

    Nothing per picture is a widget: the page asks for a range of tiles and gets one buffer.
    """

    _esm = script("tiles.js", "gallery.js")
    _css = style("tiles.css", "gallery.css")

    count = Int(help="how many tiles there are").tag(sync=True)
    epoch = Int(help="grows with each change of the tiles; older replies are stale").tag(sync=True)
    has_images = Bool().tag(sync=True)
    note = Unicode(help="what to know of the pictures").tag(sync=True)

    def __init__(self, state: ExplorerState, tiles: Tiles) -> None:
        self._state = state
        self._tiles = tiles
        super().__init__(has_images=tiles.has_images, note=tiles.note)
        answer(self, state, {"tiles": self._on_tiles})
        state.follow(self._show_selected, "selected")

    def _show_selected(self) -> None:
        with self.hold_sync():
            self.epoch += 1
            self.count = len(self._state.selected)

    def _on_tiles(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        epoch = integer(content, "epoch", 0, 2**53)
        if epoch != self.epoch or self.count == 0:
            return  # asked before the selection changed: the page asks again
        start = integer(content, "start", 0, self.count - 1)
        stop = integer(content, "stop", start + 1, self.count)
        if stop - start > MAX_TILES_PER_REPLY:
            raise MalformedMessageError(f"more than {MAX_TILES_PER_REPLY} tiles asked for at once")
        made = [self._tiles.tile(row) for row in self._state.selected[start:stop].tolist()]
        tiles, pictures = zip(*made, strict=True)
        reply = {"kind": "tiles", "epoch": epoch, "start": start, "tiles": list(tiles)}
        self.send(reply, [b"".join(pictures)])
