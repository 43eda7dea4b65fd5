"""The gallery: pictures of the selected rows, sent range by range as the page asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
from traitlets import Bool, Int, Unicode

from tsne_widget.analysis import confidence
from tsne_widget.images import ImageSource, ThumbnailCache
from tsne_widget.widgets.assets import script, style
from tsne_widget.widgets.messages import MalformedMessageError, answer, integer
from tsne_widget.widgets.state import ExplorerState
from tsne_widget.widgets.text import MAX_SENTENCE, shown

# Tiles of one reply: a screenful; keeps a reply well under 300 kB and the kernel free in between.
MAX_TILES_PER_REPLY = 64
THUMBNAIL_PIXELS = 96


class GalleryView(anywidget.AnyWidget):
    """Tiles of the selected rows: picture, label → prediction, confidence, id.

    Nothing per picture is a widget: the page asks for a range of tiles and gets one buffer.
    """

    _esm = script("gallery.js")
    _css = style("gallery.css")

    count = Int(help="how many tiles there are").tag(sync=True)
    epoch = Int(help="grows with each change of the tiles; older replies are stale").tag(sync=True)
    has_images = Bool().tag(sync=True)
    note = Unicode(help="what to know of the pictures, for example how they were scaled").tag(
        sync=True
    )

    def __init__(
        self, state: ExplorerState, images: ImageSource | None, colors: Sequence[str]
    ) -> None:
        self._state = state
        self._colors = colors
        self._thumbnails = None if images is None else ThumbnailCache(images, size=THUMBNAIL_PIXELS)
        self._wrong = state.feature_set.misclassified
        logits = state.feature_set.logits
        self._confidence = None if logits is None else confidence(logits)
        super().__init__(
            has_images=images is not None,
            note=shown(getattr(images, "note", "") or "", MAX_SENTENCE),
        )
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
        pictures = []
        tiles = []
        for row in self._state.selected[start:stop].tolist():
            tile, picture = self._tile(row)
            tiles.append(tile)
            pictures.append(picture)
        self.send(
            {"kind": "tiles", "epoch": epoch, "start": start, "tiles": tiles}, [b"".join(pictures)]
        )

    def _tile(self, row: int) -> tuple[dict[str, Any], bytes]:
        record = self._state.feature_set
        sample = int(record.ids[row])
        tile: dict[str, Any] = {
            "id": sample,
            "label": _name(record.labels, row, record.class_names),
            "prediction": _name(record.predictions, row, record.class_names),
            "wrong": bool(self._wrong[row]),
            "confidence": None if self._confidence is None else float(self._confidence[row]),
            "color": self._colors[self._state.codes[row]],
            "title": "" if record.paths is None else shown(record.paths[row].rpartition("/")[2]),
        }
        if self._thumbnails is None:
            return tile | {"mime": "", "bytes": 0, "note": ""}, b""
        thumbnail = self._thumbnails.get(sample)
        return (
            tile
            | {
                "mime": thumbnail.mime,
                "bytes": len(thumbnail.data),
                "width": thumbnail.width,
                "note": shown(thumbnail.note, MAX_SENTENCE),
            },
            thumbnail.data,
        )


def _name(codes: np.ndarray | None, row: int, names: Sequence[str]) -> str | None:
    """Name of a row's class; "unknown" for −1; None where there are no codes at all."""
    if codes is None:
        return None
    return shown(names[codes[row]]) if codes[row] >= 0 else "unknown"
