"""The picture in a sample of a dataset: an image, numbers, an encoded file or a path."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._datasets import IMAGE_KEYS
from tsne_widget.errors import ImageError
from tsne_widget.images.files import decoded_picture, file_picture
from tsne_widget.images.pixels import as_array, has_hidden_channel, is_tensor, shown_pixels
from tsne_widget.images.reasons import only_image_errors


def picture_in(sample: Any) -> Any:
    """The picture in a sample: (x, …), a mapping, or the picture itself.

    An encoded file (bytes, or the ``{"bytes": …, "path": …}`` of Hugging Face) and a path are read.

    Raises
    ------
    ImageError
        If there is no picture, or it cannot be read.
    """
    if isinstance(sample, Mapping) and not _is_encoded(sample):
        for key in IMAGE_KEYS:
            if key in sample:
                return _read(sample[key])
        raise ImageError(
            f"the sample has the keys {', '.join(map(str, list(sample)[:5]))}, "
            f"but none of {', '.join(IMAGE_KEYS)}"
        )
    if isinstance(sample, (tuple, list)):
        if not sample:
            raise ImageError("the sample is empty")
        return _read(sample[0])
    return _read(sample)


def pixels_of(x: Any, bands: Sequence[int] | None) -> NDArray[Any]:
    """The pixels (h, w, c) of one picture that is given as numbers.

    Raises
    ------
    ImageError
        If they are not a picture.
    """
    pixels = _numbers(x)
    with only_image_errors():
        shown = shown_pixels(pixels[np.newaxis], channels_first=is_tensor(x), bands=bands)
    return shown.reshape(shown.shape[1:])


def hides_channel(x: Any) -> bool:
    """Whether :func:`pixels_of` leaves out a fourth channel."""
    return has_hidden_channel(_numbers(x)[np.newaxis], channels_first=is_tensor(x))


def is_encoded(value: Any) -> bool:
    """Whether a value is a picture file in memory, and not the path of one."""
    return _is_encoded(value) or (
        isinstance(value, (bytes, bytearray, memoryview))
        and (
            b"\0" in (head := bytes(value[:64])) or head.startswith((b"\xff\xd8", b"GIF8", b"RIFF"))
        )
    )


def _is_encoded(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and set(value) <= {"bytes", "path"}


def _read(x: Any) -> Any:
    """An image for an encoded file or a path; anything else as it is."""
    if isinstance(x, Mapping) and _is_encoded(x):
        return _read(x.get("path") if x.get("bytes") is None else x["bytes"])
    if isinstance(x, (bytes, bytearray, memoryview)):
        return decoded_picture(bytes(x))
    if isinstance(x, (str, os.PathLike)) and os.path.splitext(os.fspath(x))[1]:  # noqa: PTH122
        return file_picture(x)
    return x


def _numbers(x: Any) -> NDArray[Any]:
    pixels = as_array(x)
    if pixels.dtype.kind not in "buif":
        raise ImageError(f"the sample's picture is {type(x).__name__}, not an image or numbers")
    while pixels.ndim > 3 and len(pixels) == 1:  # a batch of one, as image processors return it
        pixels = pixels[0]
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise ImageError(f"an array of shape {pixels.shape} is not a picture")
    return pixels
