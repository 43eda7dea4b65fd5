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
    levels_of,
    remedy,
    value_range,
)
from tsne_widget.images.reasons import checked_id

if TYPE_CHECKING:
    from PIL import Image

# The scale comes from the pixel values. Of arrays above this size only every k-th picture is read.
MAX_SCANNED_BYTES = 2**30
_SCAN_BLOCK_BYTES = 4 * 2**20
_CHANNELS = (1, 3, 4)  # grey, RGB, RGBA


class ArrayImages:
    """Pictures in an array: picture *id* is ``images[id]``.

    The shape determines the layout: (n, h, w) is grey; otherwise the axis of length 1, 3 or 4 has
    the channels, last (n, h, w, c) or first (n, c, h, w). If both axes fit, the channels are last
    in an array and first in a torch tensor. The values determine the scale: 0 … 1, 0 … 255 or
    0 … 65535. Other values are stretched from the smallest to the largest of the whole array, and
    :attr:`note` reports it.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, c) or (n, c, h, w) array, tensor or nested sequence
        Numbers or bool, c = 1 (grey), 3 (RGB) or 4 (RGBA). Not copied.
    mean, std : float or sequence of one float per channel, optional
        The normalisation (x − mean) / std to undo, to show the original picture.

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
        self, images: Any, *, mean: ArrayLike | None = None, std: ArrayLike | None = None
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
        self._pixels = channels_last(pixels, channels_first=is_tensor(images))
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
        """How the values were stretched from black to white; "" if they were not."""
        return self._levels.note

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
        if not levels.note:
            return levels
        scanned = f" (range of every {step}th picture)" if step > 1 else ""
        hint = remedy(levels, dtype, normalised=self._normalisation is not None)
        return levels._replace(note=levels.note + scanned + hint)


class Normalisation:
    """A per-channel (x − mean) / std that can be undone."""

    def __init__(self, mean: ArrayLike, std: ArrayLike) -> None:
        try:
            self.mean, self.std = (
                np.atleast_1d(np.asarray(as_array(values), dtype=np.float64)).ravel()
                for values in (mean, std)
            )
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"mean and std must be numbers: {error}") from error
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all()):
            raise InvalidInputError(f"mean and std must be finite, got {self.mean}, {self.std}")
        if not (self.std > 0).all():
            raise InvalidInputError(f"std must be above 0, got {self.std}")
        if len(self.mean) not in (1, 3) or len(self.std) not in (1, 3):
            raise InvalidInputError(
                f"mean and std must have 1 or 3 entries, got {len(self.mean)} and {len(self.std)}"
            )

    @classmethod
    def of(cls, mean: ArrayLike | None, std: ArrayLike | None) -> Normalisation | None:
        """The normalisation, or None without mean and std; one without the other is an error."""
        if (mean is None) != (std is None):
            missing = "mean" if mean is None else "std"
            raise InvalidInputError(f"{missing} is missing: pass mean and std, or neither")
        return None if mean is None or std is None else cls(mean, std)

    def check(self, pixels: NDArray[Any]) -> None:
        """Raise InvalidInputError if this normalisation cannot have produced the pixels (…, c)."""
        if pixels.dtype.kind != "f":
            raise InvalidInputError(
                f"mean and std undo a normalisation, but images of dtype {pixels.dtype} are not "
                "normalised; leave them out"
            )
        if not self.fits(pixels):
            entries = max(len(self.mean), len(self.std))
            raise InvalidInputError(
                f"mean and std have {entries} entries, but images have 1 colour channel"
            )

    def fits(self, pixels: NDArray[Any]) -> bool:
        """Whether pixels (…, c) have one colour channel per entry, or one entry is for all."""
        return max(len(self.mean), len(self.std)) in (1, min(3, pixels.shape[-1]))

    def undo(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The colour channels of pixels (…, c) as x · std + mean; alpha is unchanged."""
        colours = min(3, pixels.shape[-1])
        undone = pixels.astype(np.result_type(pixels.dtype, np.float32))
        undone[..., :colours] = undone[..., :colours] * self.std + self.mean
        return undone


def as_array(values: Any) -> NDArray[Any]:
    """Values as a numpy array; also tensors on any device, without importing torch."""
    if is_tensor(values):
        tensor = values.detach().cpu()
        try:
            return np.asarray(tensor.numpy())
        except TypeError:  # bfloat16 has no numpy dtype
            return np.asarray(tensor.float().numpy())
    return np.asarray(values)


def is_tensor(values: Any) -> bool:
    """Whether values have the methods of a torch tensor."""
    return hasattr(values, "detach") and hasattr(values, "cpu")


def channels_last(pixels: NDArray[Any], *, channels_first: bool) -> NDArray[Any]:
    """Pixels (n, h, w, c) from (n, h, w), (n, h, w, c) or (n, c, h, w).

    ``channels_first`` decides only if both axes fit.

    Raises
    ------
    InvalidInputError
        If no axis has length 1, 3 or 4.
    """
    if pixels.ndim == 3:
        return pixels[..., np.newaxis]
    first, last = pixels.shape[1] in _CHANNELS, pixels.shape[3] in _CHANNELS
    if first and (channels_first or not last):
        return np.moveaxis(pixels, 1, 3)
    if last:
        return pixels
    raise InvalidInputError(
        f"images of shape {pixels.shape} have no channel axis of 1 (grey), 3 (RGB) or 4 (RGBA) "
        "entries; pass the three channels to show, for example images[..., [3, 2, 1]]"
    )


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
