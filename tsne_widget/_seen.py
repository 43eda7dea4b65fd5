"""What the model got for a few samples, small, to compare the pictures on the screen with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._alike import small

_CHANNELS = (1, 3, 4)


class Seen(NamedTuple):
    """A sample as the model got it.

    Attributes
    ----------
    id : int
        Index in the user's dataset.
    pixels : (h, w, c) float32 array
        A small copy, on the model's own scale.
    """

    id: int
    pixels: NDArray[np.float32]


def seen(id_: int, values: NDArray[Any]) -> Seen | None:
    """One sample of the model's input, None if it has not the shape of a picture.

    Parameters
    ----------
    id_ : int
    values : (c, h, w), (h, w, c) or (h, w) array
        A first axis of 1, 3 or 4 entries, or two axes that are longer, decide for (c, h, w).
    """
    if values.ndim == 2:
        values = values[np.newaxis]
    if values.ndim != 3 or values.dtype.kind not in "buif" or not values.size:
        return None
    is_last = values.shape[2] in _CHANNELS and values.shape[0] not in _CHANNELS
    pixels = values if is_last else np.moveaxis(values, 0, 2)
    return None if min(pixels.shape[:2]) < 2 else Seen(id_, small(pixels))
