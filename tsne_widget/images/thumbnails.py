"""Thumbnails: small, upright, in plain RGB, without metadata; and a cache of them."""

# ruff: noqa: A001, A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

from collections import OrderedDict
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from tsne_widget._image_source import ImageSource
from tsne_widget._text import printable
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.decoding import Decoded, decoded, on_ground, opened
from tsne_widget.images.files import upright
from tsne_widget.images.reasons import checked_id, only_image_errors, reason_of

if TYPE_CHECKING:
    from PIL import Image

# Up to this many pixels a PNG is about as small as a JPEG, and stays sharp when enlarged.
PNG_PIXELS = 32 * 32
JPEG_QUALITY = 85
MAX_NOTE_CHARACTERS = 120

_ENTRY_BYTES = 512  # memory of a cached thumbnail besides its data


class Thumbnail(NamedTuple):
    """An encoded picture. If there is none, ``data`` is empty and ``note`` gives the reason.

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
    """A thumbnail of picture *id*: its longest side is at most ``size`` pixels; never enlarged.

    Parameters
    ----------
    source : ImageSource
    id : int
        Index in the user's dataset.
    size : int
        Longest side in pixels, at least 1.

    Returns
    -------
    Thumbnail
        A PNG up to 1,024 pixels, a JPEG above that. Transparent pixels become grey.

    Raises
    ------
    ImageError
        If the picture or its source has any problem; the message gives the reason.
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
        return encoded(reduced(decoded(opened(source, id), size), size))


class ThumbnailCache:
    """A cache of thumbnails that drops the least recently used ones; safe for a few threads.

    Parameters
    ----------
    source : ImageSource
    size : int
        Default longest side in pixels.
    max_bytes : int
        Memory for all thumbnails together, in bytes.

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
            raise InvalidInputError(f"max_bytes must be 0 or more, got {max_bytes}")
        self.source = source
        self.size = size
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[int, int], Thumbnail] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"ThumbnailCache({len(self._kept)} kept, {self._bytes} of {self._max_bytes} bytes)"

    def get(self, id: int, size: int | None = None) -> Thumbnail:
        """Thumbnail of picture *id*; if it fails, one without data whose note gives the reason.

        Parameters
        ----------
        id : int
        size : int, optional
            Longest side in pixels. Default: ``self.size``. Each size is cached separately.
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
            created = thumbnail(self.source, id, size)
        except ImageError as error:
            created = _failed(error)
        self.keep(id, created, size)
        return created

    @property
    def has_room(self) -> bool:
        """Whether less than half of the memory is in use."""
        return 2 * self._bytes < self._max_bytes

    def clear(self) -> None:
        """Remove all thumbnails."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def keep(self, id: int, created: Thumbnail, size: int | None = None) -> None:
        """Keep a thumbnail of picture *id* that was made elsewhere."""
        key = id, self.size if size is None else size
        with self._lock:
            if key in self._kept:  # another thread was faster
                return
            self._kept[key] = created
            self._bytes += _weight(created)
            while self._bytes > self._max_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= _weight(oldest)


def _weight(created: Thumbnail) -> int:
    return len(created.data) + _ENTRY_BYTES


def _failed(error: ImageError) -> Thumbnail:
    text = str(error) if error.strerror is None else reason_of(error)
    return Thumbnail(b"", "", 0, 0, printable(text, MAX_NOTE_CHARACTERS))


def _check_thumbnail_size(size: int) -> None:
    if size < 1:
        raise InvalidInputError(f"size must be at least 1 pixel, got {size}")


def reduced(picture: Decoded, size: int, gap: float = 2.0) -> tuple[Image.Image, str]:
    """A picture in mode L or RGB within size × size, upright, and its note.

    Parameters
    ----------
    picture : Decoded
    size : int
    gap : float
        Whole blocks of pixels are averaged down to so many times the size before the picture is
        resampled, 1 or more: less is faster and blurs a little.
    """
    from PIL.Image import Resampling

    plain = picture.image
    longest = max(plain.size)
    if longest > size:
        width, height = (max(1, round(side * size / longest)) for side in plain.size)
        plain = plain.resize((width, height), Resampling.LANCZOS, reducing_gap=gap)
    return on_ground(upright(plain, picture.steps)), picture.note


def encoded(picture: tuple[Image.Image, str]) -> Thumbnail:
    """A small picture in mode L or RGB as a thumbnail, with its note."""
    image, note = picture
    image.info.clear()  # Pillow would copy comment, EXIF and colour profile
    as_png = image.width * image.height <= PNG_PIXELS
    buffer = BytesIO()
    if as_png:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    mime = "image/png" if as_png else "image/jpeg"
    return Thumbnail(buffer.getvalue(), mime, *image.size, note)
