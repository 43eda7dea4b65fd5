"""Numbers as pixels (h, w, c), from any common layout, and the bands that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError

_CHANNELS = (1, 3, 4)  # grey, RGB, RGBA

NOT_SHOWN = "The fourth channel is not shown. Pass `bands=` to choose the channels to show."


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


def as_bands(bands: Any) -> tuple[int, ...] | None:
    """The numbers of one or three channels; None if ``bands`` is None.

    Raises
    ------
    InvalidInputError
        If they are no numbers of channels.
    """
    if bands is None:
        return None
    try:
        numbers = tuple(int(band) for band in np.atleast_1d(np.asarray(bands)).ravel())
        exact = np.array_equal(np.atleast_1d(np.asarray(bands)).ravel(), numbers)
    except (TypeError, ValueError):
        numbers, exact = (), False
    if not exact or len(numbers) not in (1, 3) or min(numbers) < 0:
        raise InvalidInputError(
            f"bands={bands!r} must be the number of one channel or of three (red, green, blue), "
            "counted from 0, such as bands=(3, 2, 1)"
        )
    return numbers


def shown_pixels(
    pixels: NDArray[Any], *, channels_first: bool, bands: Sequence[int] | None
) -> NDArray[Any]:
    """Pixels (n, h, w, c), c = 1, 3 or 4, from (n, h, w), (n, h, w, c) or (n, c, h, w).

    A fourth channel is opacity if the channels are last. If they are first, it is left out: so
    models get their channels, and a fourth one is then infrared, depth or a mask.

    Parameters
    ----------
    pixels : array of 3 or 4 axes
    channels_first : bool
        Decides where the channels are if both axes fit, and with bands in any case.
    bands : sequence of 1 or 3 int, or None
        The channels to show.

    Raises
    ------
    InvalidInputError
        If no axis has 1, 3 or 4 channels and there are no bands, or if a band does not exist.
    """
    if pixels.ndim == 3:
        pixels, first = pixels[..., np.newaxis], False
    else:
        first = (bands is not None and channels_first) or channels_are_first(
            pixels, channels_first=channels_first, any_number=bands is not None
        )
    last = np.moveaxis(pixels, 1, 3) if first else pixels
    if bands is None:
        return last[..., :3] if first and last.shape[3] == 4 else last
    if max(bands) >= last.shape[3]:
        raise InvalidInputError(
            f"bands={tuple(bands)} must be below {last.shape[3]}, the number of channels of images "
            f"of shape {pixels.shape}"
        )
    if tuple(bands) == tuple(range(bands[0], bands[0] + len(bands))):  # a view
        return last[..., bands[0] : bands[0] + len(bands)]
    return last[..., list(bands)]


def has_hidden_channel(pixels: NDArray[Any], *, channels_first: bool) -> bool:
    """Whether :func:`shown_pixels` leaves out a fourth channel of (n, …) without bands."""
    return (
        pixels.ndim == 4
        and 4 in pixels.shape[1:]
        and (
            channels_are_first(pixels, channels_first=channels_first, any_number=False)
            and pixels.shape[1] == 4
        )
    )


def channels_are_first(pixels: NDArray[Any], *, channels_first: bool, any_number: bool) -> bool:
    """Whether axis 1 of (n, c, h, w) has the channels, and not axis 3 of (n, h, w, c).

    Raises
    ------
    InvalidInputError
        If no axis has length 1, 3 or 4 and ``any_number`` is False.
    """
    first, last = pixels.shape[1] in _CHANNELS, pixels.shape[3] in _CHANNELS
    if first or last:
        return first and (channels_first or not last)
    if any_number:
        return channels_first or pixels.shape[1] < pixels.shape[3]
    raise InvalidInputError(
        f"images of shape {pixels.shape} have no channel axis of 1 (grey), 3 (RGB) or 4 (RGBA) "
        "entries; pass the channels to show as red, green and blue, such as bands=(3, 2, 1)"
    )
