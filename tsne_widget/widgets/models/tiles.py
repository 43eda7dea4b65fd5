"""A sample as a tile of the page: its picture and its captions."""

from __future__ import annotations

from collections.abc import Sequence
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


class Tiles:
    """Tiles of the rows of one :class:`MapModel`, made on request.

    Attributes
    ----------
    has_images : bool
    colors : sequence of str
        "#rrggbb" of each class.
    note : str
        Remark about the pictures, for example how their values were scaled; "" for none.
    """

    def __init__(self, state: MapModel, images: ImageSource | None, colors: Sequence[str]) -> None:
        self._state = state
        self.colors = colors
        self._wrong = state.feature_set.misclassified
        self._thumbnails = None if images is None else ThumbnailCache(images, size=TILE_PIXELS[0])
        self.has_images = images is not None
        self.note = printable(getattr(images, "note", "") or "", MAX_SENTENCE)

    def tile(self, row: int, size: int = TILE_PIXELS[0]) -> tuple[dict[str, Any], bytes]:
        """The captions of a row, and its picture as an image file (b"" for none).

        Parameters
        ----------
        row : int
        size : int
            Longest side of the picture in pixels; a smaller picture is not enlarged.
        """
        record = self._state.feature_set
        sample = int(record.ids[row])
        tile: dict[str, Any] = {
            "row": row,
            "id": sample,
            "label": _name(record.labels, row, record.class_names),
            "prediction": _name(record.predictions, row, record.class_names),
            "wrong": bool(self._wrong[row]),
            "confidence": self._confidence(row),
            "color": self.colors[self._state.codes[row]],
            "title": "" if record.paths is None else printable(file_name(record.paths[row])),
        }
        if self._thumbnails is None:
            return tile | {"mime": "", "bytes": 0, "width": 0, "height": 0, "note": ""}, b""
        thumbnail = self._thumbnails.get(sample, size)
        picture = {
            "mime": thumbnail.mime,
            "bytes": len(thumbnail.data),
            "width": thumbnail.width,
            "height": thumbnail.height,
            "note": printable(thumbnail.note, MAX_SENTENCE),
        }
        return tile | picture, thumbnail.data

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
