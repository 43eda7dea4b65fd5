"""Which number is black and which is white.

The values of a whole set determine the levels, so that dark pictures stay darker than bright ones:

* bool: False is black, True is white.
* floats: 0 … 1, or 0 … 255 if the largest value is above 1.
* integers: 0 … 255, or 0 … 65535 if the largest value is above 255.
* other ranges, and ranges that would be nearly black (the largest value below an eighth of white),
  are stretched from the smallest to the largest value, and a note reports it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks

# Resampling and float32 rounding exceed black and white by less than one grey level of 255.
OVERSHOOT = 1 / 255
# If the brightest value of a set is below this share of white, the set has another scale.
NEARLY_BLACK = 1 / 8

# Values of a normalised picture are within this many standard deviations.
MAX_SIGMAS = 20.0
NORMALISED = (
    "Colours are approximate: these images are normalised. Pass `mean=` and `std=` to "
    "`from_model()` to show them as they are."
)

_BLOCK_VALUES = 2**20  # converted at a time, to bound the memory for a large picture


class Levels(NamedTuple):
    """The values drawn black and white; ``note`` is not empty if they come from the data."""

    black: float
    white: float
    note: str = ""


def levels_of(low: float, high: float, dtype: np.dtype[Any]) -> Levels:
    """Levels for numbers of this dtype between ``low`` and ``high``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return Levels(0.0, 1.0)
    if dtype.kind == "b":
        return Levels(0.0, 1.0)
    scales = (1.0, 255.0) if dtype.kind == "f" else (255.0, 65535.0)
    for white in scales:
        slack = OVERSHOOT * white if dtype.kind == "f" else 0.0
        if -slack <= low and high <= white + slack:
            if low == high == 0 or high >= NEARLY_BLACK * white:
                return Levels(0.0, white)
            break
    if low == high:
        return Levels(low, high, f"all values are {low:.4g}: drawn as mid grey")
    return Levels(low, high, f"values {low:.4g} … {high:.4g} stretched from black to white")


def described(levels: Levels, dtype: np.dtype[Any], scanned: str, *, normalised: bool) -> Levels:
    """The same levels with a full note, if they have one: the likely cause and the remedy.

    Parameters
    ----------
    levels : Levels
    dtype : numpy.dtype
        Of the pictures.
    scanned : str
        Which values the range comes from, for the note.
    normalised : bool
        Whether a mean and std were undone.
    """
    if not levels.note:
        return levels
    if normalised:
        return levels._replace(
            note=f"{levels.note}{scanned}; mean and std do not lead back to 0 … 1"
        )
    is_normalised = -MAX_SIGMAS <= levels.black < 0 < levels.white <= MAX_SIGMAS
    if dtype.kind == "f" and is_normalised:
        return levels._replace(note=NORMALISED)
    return levels._replace(note=levels.note + scanned)


def value_range(pixels: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest finite value; +inf and −inf if there is none."""
    low, high = float(pixels.min()), float(pixels.max())
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = np.isfinite(pixels)
    return (
        float(pixels.min(where=finite, initial=np.inf)),
        float(pixels.max(where=finite, initial=-np.inf)),
    )


def as_bytes(pixels: NDArray[Any], levels: Levels) -> NDArray[np.uint8]:
    """The pixels as uint8, rounded; values beyond the levels are clipped, NaN becomes black."""
    if pixels.dtype == np.uint8 and levels[:2] == (0.0, 255.0):
        return pixels.astype(np.uint8, copy=False)
    scaled = np.empty(pixels.shape, dtype=np.uint8)
    for block in row_blocks(len(pixels), _BLOCK_VALUES * len(pixels) // max(1, pixels.size)):
        scaled[block] = _scaled(pixels[block], levels)
    return scaled


def _scaled(pixels: NDArray[Any], levels: Levels) -> NDArray[Any]:
    black, white = levels.black, levels.white
    # The difference of two float32 numbers may overflow float32.
    is_wide = max(abs(black), abs(white)) > float(np.finfo(np.float32).max) / 2
    dtype = np.result_type(pixels.dtype, np.float64 if is_wide else np.float32)
    values: NDArray[Any] = pixels.astype(dtype)
    if black == white:
        values.fill(128)
        return values
    if not math.isfinite(white - black):
        values, black, white = values / 4, black / 4, white / 4
    np.nan_to_num(values, copy=False, nan=black, posinf=white, neginf=black)
    np.clip(values, black, white, out=values)
    values -= black
    values /= white - black
    values *= 255
    np.rint(values, out=values)
    return values
