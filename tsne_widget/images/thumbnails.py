"""Thumbnails: small, upright, in plain RGB, without metadata; and a cache of them."""

# ruff: noqa: A001, A002 (`id` is the word of ImageSource)
from __future__ import annotations

from collections import OrderedDict
from io import BytesIO
from threading import Lock
from typing import NamedTuple

import numpy as np
from PIL import Image

from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.arrays import picture
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages, check_size, open_picture, orientation, upright
from tsne_widget.images.levels import extent, levels_of
from tsne_widget.images.reasons import checked_id, only_image_errors, plain_text, reason_of
from tsne_widget.images.source import ImageSource

# Transparent pixels are shown on this grey, on which black and white drawings are both seen.
BACKGROUND = (144, 144, 144)
# Up to this many pixels a PNG is about as small as a JPEG, and every pixel is seen when enlarged.
PNG_PIXELS = 32 * 32
JPEG_QUALITY = 85
MAX_NOTE_CHARACTERS = 120

_ENTRY_BYTES = 512  # what a cached thumbnail takes besides its bytes


class Thumbnail(NamedTuple):
    """An encoded picture. ``data`` is empty where there is none, and ``note`` says why.

    Attributes
    ----------
    data : bytes
        A JPEG or PNG file, without metadata.
    mime : str
        "image/jpeg" or "image/png"; "" without data.
    width, height : int
        Pixels.
    note : str
        What differs from the original, such as "animated, first frame"; mostly "".
    """

    data: bytes
    mime: str
    width: int
    height: int
    note: str


def thumbnail(source: ImageSource, id: int, size: int) -> Thumbnail:
    """A thumbnail of picture *id*, its longest side at most ``size`` pixels; never enlarged.

    Parameters
    ----------
    source : ImageSource
    id : int
        Index in the user's dataset.
    size : int
        Pixels, from 1.

    Returns
    -------
    Thumbnail
        A PNG up to 1,024 pixels, above that a JPEG. Transparency is laid on grey.

    Raises
    ------
    ImageError
        With the reason, for whatever is wrong with the picture or its source.
    InvalidInputError
        If size is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget.images import ArrayImages
    >>> thumbnail(ArrayImages(np.eye(8)[np.newaxis]), 0, 96)[1:]
    ('image/png', 8, 8, '')
    """
    _check_thumbnail_size(size)
    with only_image_errors():
        path = source.path(id) if isinstance(source, (FileImages, DatasetImages)) else None
        if path is None:
            image = source.image(id)
            if not isinstance(image, Image.Image):
                raise ImageError(f"image({id}) gave {type(image).__name__}, not a PIL image")
            check_size(image)
            return _encoded(*_reduced(image, size))
        with open_picture(path) as image:
            image.draft(None, (2 * size, 2 * size))  # JPEG: decode an eighth of a large picture
            small, note = _reduced(image, size)
            return _encoded(small, "; ".join(filter(None, (_frames_note(image), note))))


class ThumbnailCache:
    """Thumbnails of a source, the latest used ones kept; for up to a few threads at once.

    Parameters
    ----------
    source : ImageSource
    size : int
        Longest side in pixels, where :meth:`get` is not asked for another.
    max_bytes : int
        Memory for all thumbnails together.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget.images import ArrayImages
    >>> cache = ThumbnailCache(ArrayImages(np.eye(8)[np.newaxis]))
    >>> cache.get(7).note
    'no picture 7: the source has the ids 0 … 0'
    """

    def __init__(self, source: ImageSource, *, size: int = 96, max_bytes: int = 64 * 2**20) -> None:
        _check_thumbnail_size(size)
        if max_bytes < 0:
            raise InvalidInputError(f"max_bytes must not be negative, got {max_bytes}")
        self.source = source
        self.size = size
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[int, int], Thumbnail] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"ThumbnailCache({len(self._kept)} kept, {self._bytes} of {self._max_bytes} bytes)"

    def get(self, id: int, size: int | None = None) -> Thumbnail:
        """Thumbnail of picture *id*; where it fails, one without data, its note the reason.

        Parameters
        ----------
        id : int
        size : int, optional
            Longest side in pixels, another than the usual one. Each size is kept by itself.
        """
        size = self.size if size is None else size
        _check_thumbnail_size(size)
        try:
            id = checked_id(id, len(self.source))
        except ImageError as error:
            return _failed(error)
        key = id, size
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        try:
            made = thumbnail(self.source, id, size)
        except ImageError as error:
            made = _failed(error)
        self._keep(key, made)
        return made

    def clear(self) -> None:
        """Forget all thumbnails."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _keep(self, key: tuple[int, int], made: Thumbnail) -> None:
        with self._lock:
            if key in self._kept:  # another thread was quicker
                return
            self._kept[key] = made
            self._bytes += _weight(made)
            while self._bytes > self._max_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= _weight(oldest)


def _weight(made: Thumbnail) -> int:
    return len(made.data) + _ENTRY_BYTES


def _failed(error: ImageError) -> Thumbnail:
    text = str(error) if error.strerror is None else reason_of(error)
    return Thumbnail(b"", "", 0, 0, plain_text(text, MAX_NOTE_CHARACTERS))


def _check_thumbnail_size(size: int) -> None:
    if size < 1:
        raise InvalidInputError(f"size must be at least 1 pixel, got {size}")


def _reduced(image: Image.Image, size: int) -> tuple[Image.Image, str]:
    """A new picture in mode L or RGB within size × size, and what had to be done to the values."""
    image.load()
    turn = orientation(image)
    plain, note = _plain(image)
    longest = max(plain.size)
    if longest > size:
        width, height = (max(1, round(side * size / longest)) for side in plain.size)
        plain = plain.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    plain = upright(plain, turn)
    if plain.mode == "RGBA":
        ground = Image.new("RGBA", plain.size, (*BACKGROUND, 255))
        plain = Image.alpha_composite(ground, plain).convert("RGB")
    return plain, note


def _plain(image: Image.Image) -> tuple[Image.Image, str]:
    """The picture in mode L, RGB or RGBA, no value clipped; it may be the same object."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)[..., np.newaxis]
        levels = levels_of(*extent(values), values.dtype)
        return picture(values, levels), levels.note
    grey = image.mode in ("1", "L")
    mode = "RGBA" if image.has_transparency_data else "L" if grey else "RGB"
    return (image if image.mode == mode else image.convert(mode)), ""


def _frames_note(image: Image.Image) -> str:
    """Whether more frames follow the one shown; asked last, since it may move the file on."""
    try:
        several = bool(getattr(image, "is_animated", False))
    except MemoryError:
        raise
    except Exception:  # the rest of the file is broken, the first frame is not
        return ""
    if not several or image.format == "MPO":  # a camera's preview is not a frame
        return ""
    return "first of several pages" if image.format == "TIFF" else "animated, first frame"


def _encoded(image: Image.Image, note: str) -> Thumbnail:
    image.info.clear()  # Pillow would write comment, EXIF and colour profile into the new file
    as_png = image.width * image.height <= PNG_PIXELS
    buffer = BytesIO()
    if as_png:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    mime = "image/png" if as_png else "image/jpeg"
    return Thumbnail(buffer.getvalue(), mime, *image.size, note)
