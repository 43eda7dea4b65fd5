"""Pictures in one array, in any common layout and scale."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.levels import (
    NEARLY_BLACK,
    Levels,
    as_bytes,
    described,
    levels_of,
    value_range,
)
from tsne_widget.images.normalisation import Normalisation
from tsne_widget.images.pixels import (
    NOT_SHOWN,
    as_array,
    as_bands,
    has_hidden_channel,
    is_tensor,
    shown_pixels,
)
from tsne_widget.images.reasons import checked_id

if TYPE_CHECKING:
    from PIL import Image

# The scale comes from the pixel values. Of arrays above this size only every k-th picture is read.
MAX_SCANNED_BYTES = 2**30
_SCAN_BLOCK_BYTES = 4 * 2**20


class ArrayImages:
    """Pictures in an array: picture *id* is ``images[id]``.

    The shape determines the layout: (n, h, w) is grey; otherwise the axis of length 1, 3 or 4 has
    the channels, last (n, h, w, c) or first (n, c, h, w). If both axes fit, the channels are last
    in an array and first in a torch tensor. A fourth channel is opacity if the channels are last,
    and is not shown if they are first. The values determine the scale: 0 … 1, 0 … 255 or
    0 … 65535. Other values are stretched from the smallest to the largest of the whole array.
    :attr:`note` reports what is not shown as it is.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, c) or (n, c, h, w) array, tensor or nested sequence
        Numbers or bool, c = 1 (grey), 3 (RGB) or 4 (RGBA); any c with ``bands``. Not copied.
    mean, std : float or sequence of one float per channel, optional
        The normalisation (x − mean) / std to undo, to show the original picture. With ``bands``,
        of the channels that are shown.
    bands : int or sequence of 3 int, optional
        The channels to show, counted from 0: one in grey, or red, green and blue.

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or mean and std do not fit the array.

    Examples
    --------
    >>> import numpy as np
    >>> images = ArrayImages(np.linspace(0, 1, 2 * 28 * 28).reshape(2, 28, 28))
    >>> len(images), images.image(1).size
    (2, (28, 28))
    """

    def __init__(
        self,
        images: Any,
        *,
        mean: ArrayLike | None = None,
        std: ArrayLike | None = None,
        bands: ArrayLike | None = None,
    ) -> None:
        try:
            pixels = as_array(images)
        except Exception as error:
            raise InvalidInputError(
                f"images cannot be read as one array ({error}); "
                "for pictures of different sizes pass a list of them"
            ) from error
        if pixels.ndim == 3 and pixels.shape[-1] in (3, 4) and pixels.shape[1] > 4:
            raise InvalidInputError(
                f"images of shape {pixels.shape} look like one colour picture; "
                "pass several, or images[numpy.newaxis]"
            )
        if pixels.ndim not in (3, 4):
            raise InvalidInputError(
                "images must have shape (n, h, w), (n, h, w, c) or (n, c, h, w), "
                f"got {pixels.shape}; reshape them, for example images.reshape(-1, 28, 28)"
            )
        if pixels.dtype.kind not in "buif":
            raise InvalidInputError(f"images must be numbers, got dtype {pixels.dtype}")
        if 0 in pixels.shape:
            raise InvalidInputError(f"images are empty: their shape is {pixels.shape}")
        first = is_tensor(images)
        self.bands = as_bands(bands)
        self._pixels = shown_pixels(pixels, channels_first=first, bands=self.bands)
        hides = self.bands is None and has_hidden_channel(pixels, channels_first=first)
        self._hidden = NOT_SHOWN if hides else ""
        self._normalisation = Normalisation.of(mean, std)
        if self._normalisation is not None:
            self._normalisation.check(self._pixels)

    def __len__(self) -> int:
        return len(self._pixels)

    def __repr__(self) -> str:
        n, height, width, channels = self._pixels.shape
        return f"ArrayImages(n={n}, {width}×{height}, {channels} channels, {self._pixels.dtype})"

    @property
    def note(self) -> str:
        """What is not shown as it is: stretched values, a fourth channel; "" if nothing."""
        return " ".join(filter(None, [self._levels.note, self._hidden]))

    def image(self, id: int) -> Image.Image:
        """Picture *id* in mode L, RGB or RGBA.

        Raises
        ------
        ImageError
            If the id is out of range, or the picture has no finite value.
        """
        pixels = self._pixels[checked_id(id, len(self))]
        if self._normalisation is not None:
            pixels = self._normalisation.undo(pixels)
        return picture(pixels, self._levels)

    def caption(self, id: int) -> str:
        """The id, as ``#12``."""
        return f"#{checked_id(id, len(self))}"

    @cached_property
    def _levels(self) -> Levels:
        step = -(-self._pixels.nbytes // MAX_SCANNED_BYTES)
        dtype = self._pixels.dtype
        low, high = np.inf, -np.inf
        sample = self._pixels[::step]
        for rows in row_blocks(len(sample), _SCAN_BLOCK_BYTES // max(1, sample[0].nbytes)):
            block = sample[rows]
            if self._normalisation is not None:
                block = self._normalisation.undo(block)
            block_low, block_high = value_range(block[..., :3])  # without alpha
            low, high = min(low, block_low), max(high, block_high)
            if dtype == np.uint8 and high >= 255 * NEARLY_BLACK:
                break  # 0 … 255, whatever the other blocks have
        levels = levels_of(low, high, dtype)
        scanned = f" (range of every {step}th picture)" if step > 1 else ""
        return described(levels, dtype, scanned, normalised=self._normalisation is not None)


def picture(pixels: NDArray[Any], levels: Levels) -> Image.Image:
    """A picture in mode L, RGB or RGBA from pixels (h, w, c)."""
    from PIL import Image

    colours = min(3, pixels.shape[-1])
    if not pixels.size:
        raise ImageError(f"the picture is empty: its shape is {pixels.shape}")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).any():
        raise ImageError("the picture has no finite value")
    scaled = as_bytes(pixels[..., :colours], levels)
    if colours == 1:
        return Image.fromarray(np.ascontiguousarray(scaled[..., 0]))
    if pixels.shape[-1] == 4:
        alpha = pixels[..., 3:]
        opaque = max(value_range(alpha)[1], 1e-9) if levels.note else levels.white
        scaled = np.concatenate([scaled, as_bytes(alpha, Levels(0.0, opaque))], axis=-1)
    return Image.fromarray(np.ascontiguousarray(scaled))
