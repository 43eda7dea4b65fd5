"""A sample as a tile of the page: its picture and its captions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from tsne_widget._text import MAX_SENTENCE, file_name, printable
from tsne_widget.analysis import confidence
from tsne_widget.images import ImageSource, ThumbnailCache
from tsne_widget.widgets.state.map_model import MapModel

# Longest side of a tile's picture in pixels. The page asks for the smallest size that fills its
# tile, so at most three sizes of each picture are cached.
TILE_PIXELS = (96, 192, 384)
# Longest side of the picture in the details, in pixels: at most 250 kB, for black and white noise.
DETAILS_PIXELS = 512
# Maximum tiles per request: a screenful. A reply ends earlier after so many bytes, to arrive soon
# on a slow connection, or after so many seconds, to keep the kernel free between large photographs.
MAX_TILES_PER_REPLY = 64
MAX_REPLY_BYTES = 280_000
MAX_REPLY_SECONDS = 0.1


class Tiles:
    """Tiles of the rows of one :class:`MapModel`, made on request.

    Attributes
    ----------
    has_images : bool
    colors : sequence of str
        "#rrggbb" of each class.
    note : str
        Remark about the pictures, for example how their values were scaled; "" for none.
    thumbnails : ThumbnailCache or None
        The pictures that were made.
    when_asked : callable
        Called whenever the page asks for tiles with pictures.
    """

    def __init__(self, state: MapModel, images: ImageSource | None, colors: Sequence[str]) -> None:
        self._state = state
        self.colors = colors
        self._wrong = state.feature_set.misclassified
        self.thumbnails = None if images is None else ThumbnailCache(images, size=TILE_PIXELS[0])
        self.has_images = images is not None
        self.when_asked: Callable[[], None] = lambda: None
        self.note = printable(getattr(images, "note", "") or "", MAX_SENTENCE)

    def tile(self, row: int, size: int = TILE_PIXELS[0]) -> tuple[dict[str, Any], bytes]:
        """The captions of a row, and its picture as an image file (b"" for none).

        Parameters
        ----------
        row : int
        size : int
            Longest side of the picture in pixels; a smaller picture is not enlarged.
        """
        tile = self.words(row)
        if self.thumbnails is None:
            return tile | {"mime": "", "bytes": 0, "width": 0, "height": 0, "note": ""}, b""
        thumbnail = self.thumbnails.get(tile["id"], size)
        picture = {
            "mime": thumbnail.mime,
            "bytes": len(thumbnail.data),
            "width": thumbnail.width,
            "height": thumbnail.height,
            "note": printable(thumbnail.note, MAX_SENTENCE),
        }
        return tile | picture, thumbnail.data

    def words(self, row: int) -> dict[str, Any]:
        """The captions of a row without its picture."""
        record = self._state.feature_set
        return {
            "row": row,
            "id": int(record.ids[row]),
            "label": _name(record.labels, row, record.class_names),
            "prediction": _name(record.predictions, row, record.class_names),
            "wrong": bool(self._wrong[row]),
            "confidence": self._confidence(row),
            "color": self.colors[self._state.codes[row]],
            "prediction_color": self._color_of(record.predictions, row),
            "title": "" if record.paths is None else printable(file_name(record.paths[row])),
        }

    def batch(
        self, rows: NDArray[Any], size: int, more: Callable[[int], dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[bytes]]:
        """Tiles and pictures of the first rows, at least one, within the limits of a reply.

        Parameters
        ----------
        rows : (k,) int array
        size : int
            Longest side of the pictures in pixels; 0 for tiles without pictures.
        more : callable
            Returns further fields of a row's tile.
        """
        tiles: list[dict[str, Any]] = []
        pictures: list[bytes] = []
        total, deadline = 0, time.monotonic() + MAX_REPLY_SECONDS
        for row in rows.tolist():
            tile, picture = self.tile(row, size) if size else (self.words(row), b"")
            tile |= more(row)
            total += len(picture) + len(json.dumps(tile))
            if tiles and total > MAX_REPLY_BYTES:
                break  # its thumbnail is cached for the next reply
            tiles.append(tile)
            pictures.append(picture)
            if time.monotonic() > deadline:
                break
        if size:
            self.when_asked()
        return tiles, pictures

    def _color_of(self, codes: NDArray[Any] | None, row: int) -> str:
        return "" if codes is None or codes[row] < 0 else self.colors[codes[row]]

    def _confidence(self, row: int) -> float | None:
        record = self._state.feature_set
        if record.logits is None:
            return None
        return float(confidence(record.logits[row : row + 1], record.activation)[0])


def _name(codes: NDArray[Any] | None, row: int, names: Sequence[str]) -> str | None:
    """Name of a row's class; "unknown" for −1; None where there are no codes at all."""
    if codes is None:
        return None
    return printable(names[codes[row]]) if codes[row] >= 0 else "unknown"
