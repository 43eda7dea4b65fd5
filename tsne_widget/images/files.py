"""Pictures in files, opened as if each were hostile."""

# ruff: noqa: A002 (`id` is the word of ImageSource)
from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Imported for their effect: each registers its format in Image.OPEN.
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.reasons import checked_id, only_image_errors, short_path

# Nothing else is tried: Pillow would hand an EPS file to Ghostscript.
FORMATS = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        GifImagePlugin.GifImageFile,
        WebPImagePlugin.WebPImageFile,
        BmpImagePlugin.BmpImageFile,
        TiffImagePlugin.TiffImageFile,
    )
)
SUFFIXES = frozenset(
    (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff")
)
# Decoded, an RGB picture of this size takes 192 MB; the largest cameras make 61 million pixels.
MAX_PIXELS = 64_000_000

_PREFIX_BYTES = 16  # as much as Pillow's own plugins ask for to recognise their format
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EXIF_ORIENTATION = 0x0112


class FileImages:
    """Pictures of files: picture *id* is ``paths[id]``. PNG, JPEG, GIF, WebP, BMP and TIFF.

    Parameters
    ----------
    paths : sequence of n str or PathLike
        Regular files. They are opened only when their picture is asked for.

    Raises
    ------
    InvalidInputError
        If paths are empty, or hold something else than paths.

    Examples
    --------
    >>> FileImages(["pets/cat/0001.jpg", "pets/dog/0002.jpg"]).caption(1)
    'dog/0002.jpg'
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        if isinstance(paths, (str, bytes, os.PathLike)):
            raise InvalidInputError(
                f"paths must be a sequence of paths, got one: {paths!r}; "
                "for a folder pass sorted(pathlib.Path(folder).rglob('*.jpg'))"
            )
        try:
            self._paths = [os.fsdecode(path) for path in paths]
        except TypeError as error:
            raise InvalidInputError(f"paths must be str or PathLike: {error}") from error
        if not self._paths:
            raise InvalidInputError("paths are empty: there is no picture to show")

    note = ""  # files carry their own scale

    def __len__(self) -> int:
        return len(self._paths)

    def __repr__(self) -> str:
        return f"FileImages(n={len(self)})"

    def path(self, id: int) -> Path:
        """The file of picture *id*."""
        return Path(self._paths[checked_id(id, len(self))])

    def image(self, id: int) -> Image.Image:
        """Picture *id*, decoded whole and upright, in its file's mode; the first frame of several.

        Raises
        ------
        ImageError
            If the file is missing, cut, too large, no regular file, or of an unknown format.
        """
        with open_picture(self.path(id)) as image:
            image.load()
            return upright(image, orientation(image))

    def caption(self, id: int) -> str:
        """The file's name with its folder's: ``cat/0001.jpg``."""
        return short_path(self._paths[checked_id(id, len(self))])


@contextmanager
def open_picture(path: str | os.PathLike[str]) -> Iterator[ImageFile.ImageFile]:
    """The picture of a file with its header read and its size checked, not yet decoded.

    The file is closed at the end of the block, and only ImageError escapes from it.

    Raises
    ------
    ImageError
        With the reason, without the file's folder.
    """
    if "\0" in os.fspath(path):  # Python's own words for it differ among its versions
        raise ImageError("a path cannot hold a NUL character")
    with only_image_errors():
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  # a test puts a pipe there after it
            raise ImageError("not a regular file")
        # Without O_NONBLOCK, a pipe put in the file's place meanwhile would hang us.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags), "rb")
    with file, only_image_errors("cannot be decoded"), _recognised(file) as image:
        check_size(image)
        yield image


def check_size(image: Image.Image) -> None:
    """Raise ImageError if the picture, by its header, has more pixels than we decode."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{width} × {height} pixels are more than the {MAX_PIXELS // 10**6} million we decode"
        )


def orientation(image: Image.Image) -> int:
    """How the camera was held, 1 … 8 as in EXIF; 1 where that is unknown or unreadable.

    Ask after ``load()``: Pillow turns a TIFF upright by itself while it decodes.
    """
    try:
        value = int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # broken EXIF does not spoil the picture
        return 1
    return value if value in _UPRIGHT else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as EXIF says, as a new one that is independent of its file."""
    return image.transpose(_UPRIGHT[orientation]) if orientation != 1 else image.copy()


def _recognised(file: IO[bytes]) -> ImageFile.ImageFile:
    # Not Image.open: that warns of a large picture before we could refuse it, and turning a warning
    # into an error means changing the filters of all threads.
    prefix = file.read(_PREFIX_BYTES)
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        answer = accept is None or accept(prefix)
        if answer and not isinstance(answer, str):  # a str says that this Pillow lacks the format
            file.seek(0)
            return factory(file, "")
    raise ImageError(f"not a {', '.join(FORMATS)} picture" if prefix else "the file is empty")
