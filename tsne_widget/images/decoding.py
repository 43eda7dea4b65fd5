"""Decoded pictures of any source, and notes on how they differ from the original."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tsne_widget._image_source import ImageSource
from tsne_widget.errors import ImageError
from tsne_widget.images.arrays import picture as picture_of
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages, check_size, open_picture, orientation
from tsne_widget.images.levels import levels_of, value_range
from tsne_widget.images.reasons import only_image_errors
from tsne_widget.images.remarks import RemarkedImages

if TYPE_CHECKING:
    from PIL import Image


# Transparent pixels appear as this grey, on which black and white drawings are both visible.
BACKGROUND = (144, 144, 144)


class Opened(NamedTuple):
    """A picture of a source: its file, or the picture itself if it is not in a file."""

    path: Path | None
    image: Any
    """What the source's ``image(id)`` returned; None with a path."""
    turn: bool
    """Whether a file is turned by its EXIF orientation."""
    turn_note: str
    """The note on a file with an EXIF orientation."""
    remark: str


class Decoded(NamedTuple):
    """A decoded picture in mode L, RGB or RGBA."""

    image: Image.Image
    steps: int
    """EXIF orientation, 1 … 8, that makes it upright."""
    size: tuple[int, int]
    """Width and height of the upright original, pixels. A large JPEG is decoded at a half, a
    quarter or an eighth of it."""
    table: Sequence[int] | None
    """First quantisation table of a JPEG file."""
    note: str


def opened(source: ImageSource, id: int) -> Opened:
    """Picture *id*, read from an array or a dataset; a file is not read yet.

    Raises
    ------
    ImageError
        If the source has no such picture.
    """
    with only_image_errors():
        if isinstance(source, RemarkedImages):
            inside = opened(source.source, id)
            return inside._replace(remark=joined(source.remark(id), inside.remark))
        path = source.path(id) if isinstance(source, (FileImages, DatasetImages)) else None
        if path is None:
            return Opened(None, _checked(source.image(id)), True, "", "")
        turn = source.turns(id, path) if isinstance(source, DatasetImages) else True
        return Opened(path, None, turn, _turn_note(source, turn=turn), "")


def decoded(picture: Opened, size: int = 0) -> Decoded:
    """The picture, decoded.

    Parameters
    ----------
    picture : Opened
    size : int
        A large JPEG file is decoded at a fraction of its size that leaves twice as many pixels on
        each side; 0 for all of it.

    Raises
    ------
    ImageError
        If it cannot be decoded.
    """
    with only_image_errors():
        if picture.path is None:
            return _loaded(picture.image, picture.image.size, picture)
        with open_picture(picture.path) as image:
            whole = image.size
            is_reduced = size > 0 and image.draft(None, (2 * size, 2 * size)) is not None
            image.load()
            return _loaded(image, whole if is_reduced else image.size, picture)


def on_ground(image: Image.Image) -> Image.Image:
    """A picture in mode L or RGB: a transparent one on grey."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, (*BACKGROUND, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _checked(image: Any) -> Image.Image:
    """A picture of a source, loaded: another thread may use it, but must not load it."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise ImageError(f"image() returned {type(image).__name__}, not a PIL image")
    check_size(image)
    image.load()
    return image


def _loaded(image: Image.Image, original: tuple[int, int], picture: Opened) -> Decoded:
    """The plain form of a decoded image; ``original`` is its size in full."""
    steps = orientation(image) if picture.turn else 1
    plain, stretched = _plain(image)
    note = stretched
    if picture.path is not None:
        turned = "" if orientation(image) == 1 else picture.turn_note
        note = joined(_frames_note(image), turned, stretched)
    tables = getattr(image, "quantization", None)
    return Decoded(
        plain,
        steps,
        original if steps < 5 else (original[1], original[0]),
        tables[0] if isinstance(tables, dict) and 0 in tables else None,
        joined(picture.remark, note),
    )


def _turn_note(source: ImageSource, *, turn: bool) -> str:
    """A note on a file with an EXIF orientation."""
    if not turn:
        return "as the model got it: the dataset does not turn it by its EXIF orientation"
    # Without a dataset it is unknown what the model got.
    return "turned by its EXIF orientation" if isinstance(source, FileImages) else ""


def joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _plain(image: Image.Image) -> tuple[Image.Image, str]:
    """The picture in mode L, RGB or RGBA without clipped values, and a note if it was stretched.

    The picture may be the same object.
    """
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)[..., np.newaxis]
        levels = levels_of(*value_range(values), values.dtype)
        return picture_of(values, levels), levels.note
    grey = image.mode in ("1", "L")
    mode = "RGBA" if image.has_transparency_data else "L" if grey else "RGB"
    return (image if image.mode == mode else image.convert(mode)), ""


def _frames_note(image: Image.Image) -> str:
    """A note if the file has more frames. Call this last: it may change the file position."""
    try:
        several = bool(getattr(image, "is_animated", False))
    except MemoryError:
        raise
    except Exception:  # a broken later frame does not affect the first
        return ""
    if not several or image.format == "MPO":  # the preview of a camera is not a frame
        return ""
    return "first of several pages" if image.format == "TIFF" else "animated, first frame"
