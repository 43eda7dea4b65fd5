"""Pictures in files. Every file is treated as hostile."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tsne_widget._paths import absolute_paths
from tsne_widget._text import file_name
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.reasons import checked_id, only_image_errors, reason_of, short_path

if TYPE_CHECKING:
    from PIL import Image, ImageFile

# Other formats are not tried: Pillow would pass an EPS file to Ghostscript.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
SUFFIXES = frozenset(
    (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff")
)
# A decoded RGB picture of this size takes 192 MB; the largest cameras have 61 million pixels.
MAX_PIXELS = 64_000_000

_PREFIX_BYTES = 16  # Pillow's plugins recognise their format by this many bytes
_EXIF_ORIENTATION = 0x0112


class FileImages:
    """Pictures in files: picture *id* is ``paths[id]``. PNG, JPEG, GIF, WebP, BMP and TIFF.

    Parameters
    ----------
    paths : sequence of n str or PathLike
        Regular files. Each is opened when its picture is requested. Relative paths stay valid
        after a change of the current folder.

    Raises
    ------
    InvalidInputError
        If ``paths`` is empty, or an item is not a path.

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
            self._paths = absolute_paths([os.fsdecode(path) for path in paths])
        except TypeError as error:
            raise InvalidInputError(f"paths must be str or PathLike: {error}") from error
        if not self._paths:
            raise InvalidInputError("paths is empty; pass at least one file")

    note = ""  # files define their own scale

    def __len__(self) -> int:
        return len(self._paths)

    def __repr__(self) -> str:
        return f"FileImages(n={len(self)})"

    def path(self, id: int) -> Path:
        """The file of picture *id*."""
        return Path(self._paths[checked_id(id, len(self))])

    def image(self, id: int) -> Image.Image:
        """Picture *id*, decoded and upright, in the mode of its file; only the first frame.

        Raises
        ------
        ImageError
            If the file is missing, truncated, too large, not regular, or of another format.
        """
        return file_picture(self.path(id))

    def caption(self, id: int) -> str:
        """The file name with its folder: ``cat/0001.jpg``."""
        return short_path(self._paths[checked_id(id, len(self))])


def file_picture(path: str | os.PathLike[str], *, turn: bool = True) -> Image.Image:
    """The picture in a file, decoded; ``turn`` makes it upright as its EXIF data say.

    Raises
    ------
    ImageError
        If the file is no picture that this package reads.
    """
    with open_picture(path) as image:
        image.load()
        return upright(image, orientation(image) if turn else 1)


def decoded_picture(data: bytes) -> Image.Image:
    """The picture in the bytes of a file, decoded and upright.

    Raises
    ------
    ImageError
        If the bytes are no picture that this package reads.
    """
    with only_image_errors("cannot be decoded"), _identified(BytesIO(data)) as image:
        check_size(image)
        image.load()
        return upright(image, orientation(image))


@contextmanager
def open_picture(path: str | os.PathLike[str]) -> Iterator[ImageFile.ImageFile]:
    """A picture file whose header is read and whose size is checked; it is not decoded yet.

    The file is closed at the end of the block, and every error in the block is an ImageError.

    Raises
    ------
    ImageError
        With the reason, without the folder of the file.
    """
    if "\0" in os.fspath(path):  # Python's own message differs between versions
        raise ImageError("a path cannot contain a NUL character")
    with only_image_errors(), _missing_named(path):
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a test patches os.stat
            raise ImageError("not a regular file")
        # O_NONBLOCK: opening a pipe that has just replaced the file would block.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags), "rb")
    with file, only_image_errors("cannot be decoded"), _identified(file) as image:
        check_size(image)
        yield image


@contextmanager
def _missing_named(path: str | os.PathLike[str]) -> Iterator[None]:
    """A block whose error about a missing file ends in the file's name, without its folder."""
    try:
        yield
    except FileNotFoundError as error:
        raise ImageError(f"{reason_of(error)}: {file_name(os.fspath(path))}") from error


def check_size(image: Image.Image) -> None:
    """Raise ImageError if the header gives more pixels than this package decodes."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{width} × {height} pixels exceed the limit of {MAX_PIXELS // 10**6} million"
        )


def orientation(image: Image.Image) -> int:
    """The EXIF orientation 1 … 8; 1 if it is absent or unreadable.

    Call this after ``load()``: Pillow rotates a TIFF while it decodes it.
    """
    try:
        value = int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # a picture with broken EXIF data is still a picture
        return 1
    return value if 1 <= value <= 8 else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """A copy of the picture, rotated and flipped as its EXIF orientation says."""
    from PIL.Image import Transpose

    steps = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(steps[orientation]) if orientation in steps else image.copy()


def _identified(file: IO[bytes]) -> ImageFile.ImageFile:
    # Image.open is not used: it warns about a large picture before check_size can refuse it, and a
    # filter that turns this warning into an error would affect all threads.
    from PIL import (  # each plugin registers its format in Image.OPEN
        BmpImagePlugin,  # noqa: F401
        GifImagePlugin,  # noqa: F401
        Image,
        JpegImagePlugin,  # noqa: F401
        PngImagePlugin,  # noqa: F401
        TiffImagePlugin,  # noqa: F401
        WebPImagePlugin,  # noqa: F401
    )

    prefix = file.read(_PREFIX_BYTES)
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        answer = accept is None or accept(prefix)
        if answer and not isinstance(answer, str):  # a str means that this Pillow lacks the format
            file.seek(0)
            return factory(file, "")
    raise ImageError(f"not a {', '.join(FORMATS)} picture" if prefix else "the file is empty")
