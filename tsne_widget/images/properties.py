"""Properties of pictures: numbers about the picture itself, whatever a model makes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.images.fingerprints import FREQUENCIES, HASHED_SIDE, checksums, frequencies

if TYPE_CHECKING:
    from PIL import Image

# Up to this side every pixel is read; of a larger picture, statistics of single pixels read a grid
# of SAMPLED × SAMPLED pixels.
WHOLE, SAMPLED = 64, 48
# Those of colours read a grid of at most about this side: they are the slowest.
COLOUR_GRID = 24
# Sharpness and noise read evenly spaced rows with about so many pixels together.
ROW_PIXELS = 4_096
# Channels that differ by at most so many of 255 levels count as grey: JPEG adds that much.
GREY_LEVELS = 8
# Below this mean difference of the channels, 0 … 1, a picture has no dominant hue.
LEAST_CHROMA = 0.02

_HUE_BINS = 24
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_LEVELS = np.arange(256, dtype=np.float64)


class Properties(NamedTuple):
    """Properties of m pictures, one value for each.

    Above a side of 64 pixels, statistics of single pixels are those of a grid of 48 × 48 pixels,
    and sharpness and noise are those of evenly spaced rows.
    """

    brightness: NDArray[np.float32]
    """Mean grey level (luma of ITU-R BT.601), 0 (black) … 1 (white)."""
    contrast: NDArray[np.float32]
    """Standard deviation of the grey level, 0 … 0.5: RMS contrast, Peli (1990)."""
    sharpness: NDArray[np.float32]
    """Variance of the Laplacian of the grey levels 0 … 255, from 0; low is blurred. Pech-Pacheco
    et al. (2000), "Diatom autofocusing in brightfield microscopy"."""
    saturation: NDArray[np.float32]
    """Mean saturation of HSV, (max − min) / max of the channels, 0 (grey) … 1."""
    entropy: NDArray[np.float32]
    """Entropy of the histogram of 256 grey levels, 0 (one level) … 8 bits."""
    noise: NDArray[np.float32]
    """Standard deviation of the noise as a share of the grey range, 0 … 1, as estimated by
    Immerkær (1996), "Fast noise variance estimation". Fine texture counts as noise."""
    hue: NDArray[np.float32]
    """Most frequent hue, weighted by chroma, 0 … 360 degrees: 0 red, 120 green, 240 blue. NaN for
    a picture without colour."""
    border_uniformity: NDArray[np.float32]
    """1 − 2 × the standard deviation of the outermost pixels' grey level, 0 … 1: 1 for a border of
    one level."""
    is_grey: NDArray[np.float32]
    """1 if no pixel has a colour (channels within 8 of 255 levels), else 0."""
    checksum: NDArray[np.uint64]
    """Checksum of the pixels of the grid; equal pictures have equal ones."""
    frequencies: NDArray[np.float16]
    """(m, 63) coefficients for :func:`perceptual_hash`."""

    def put(self, places: Sequence[int], values: Properties) -> None:
        """Set the properties of some pictures in place."""
        arrays: Iterable[tuple[Any, Any]] = zip(self, values, strict=True)
        for whole, part in arrays:
            whole[places] = part


def properties(pictures: Sequence[Image.Image]) -> Properties:
    """Properties of pictures, at the size that they have.

    Parameters
    ----------
    pictures : sequence of m PIL images
        In mode L or RGB, at least 1 × 1 pixel. Pictures of one size are measured together, which
        is several times faster for small ones.

    Examples
    --------
    >>> from PIL import Image
    >>> found = properties([Image.new("RGB", (8, 8), "red"), Image.new("L", (9, 5), 255)])
    >>> found.brightness[1].item(), found.hue.tolist()
    (1.0, [0.0, nan])
    """
    found = unknown_properties(len(pictures))
    same: dict[tuple[tuple[int, int], str], list[int]] = defaultdict(list)
    for index, one in enumerate(pictures):
        same[one.size, one.mode].append(index)
    for indices in same.values():
        found.put(indices, _of_one_size([pictures[index] for index in indices]))
    return found


def unknown_properties(m: int) -> Properties:
    """Properties of m pictures that are not measured yet: NaN, and 0 for the fingerprints."""
    b, c, s, t, e, n, h, u, g = np.full((9, m), np.nan, dtype=np.float32)
    none, waves = np.zeros(m, dtype=np.uint64), np.zeros((m, FREQUENCIES), dtype=np.float16)
    return Properties(b, c, s, t, e, n, h, u, g, none, waves)


def _of_one_size(pictures: list[Image.Image]) -> Properties:
    """Properties of m pictures of one size and mode."""
    from PIL import Image

    width, height = pictures[0].size
    if max(width, height) <= WHOLE:
        raw = [one.tobytes() for one in pictures]
        grid = _pixels(raw, pictures[0])
        grey = levels = _grey(grid)
        needs_scaling = (width, height) != (HASHED_SIDE, HASHED_SIDE)
        whole = [Image.fromarray(one) for one in grey] if needs_scaling else []
    else:
        size = min(width, SAMPLED), min(height, SAMPLED)
        sampled = [one.resize(size, Image.Resampling.NEAREST) for one in pictures]
        raw = [one.tobytes() for one in sampled]
        grid = _pixels(raw, sampled[0])
        levels = _grey(grid)
        whole = [one.convert("L") for one in pictures]
        grey = _pixels([one.tobytes() for one in whole], whole[0])
    brightness, contrast, entropy = _of_histogram(levels.reshape(len(pictures), -1))
    sharpness, noise = _of_differences(grey)
    saturation, hue, is_grey = _of_colours(grid)
    return Properties(
        brightness,
        contrast,
        sharpness,
        saturation,
        entropy,
        noise,
        hue,
        _border_uniformity(grey),
        is_grey,
        checksums(raw, width, height),
        frequencies(whole, grey),
    )


def _pixels(raw: list[bytes], one: Image.Image) -> NDArray[np.uint8]:
    """(m, height, width) or (m, height, width, 3) pixels of pictures of the size and mode of one.

    ``raw`` are the bytes of each.
    """
    channels = (3,) if one.mode == "RGB" else ()
    shape = len(raw), one.height, one.width, *channels
    return np.frombuffer(b"".join(raw), dtype=np.uint8).reshape(shape)


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(m, height, width) grey levels, rounded as Pillow does."""
    if pixels.ndim == 3:
        return pixels
    luma = pixels.reshape(-1, 3).astype(np.float32) @ _LUMA
    return (luma + np.float32(0.5)).astype(np.uint8).reshape(pixels.shape[:3])


def _of_histogram(levels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
    """Brightness, contrast and entropy of (m, k) grey levels."""
    m, k = levels.shape
    numbers = levels + 256 * np.arange(m)[:, np.newaxis]
    counts = np.bincount(numbers.ravel(), minlength=256 * m).reshape(m, 256)
    mean = counts @ _LEVELS / k
    # Exact in float64: the sums are below 2**53.
    variance = np.maximum(counts @ _LEVELS**2 / k - mean**2, 0)
    # −Σ p log p with p = count / k; the table has the value for each possible count.
    shares = np.arange(k + 1) / k
    table = np.zeros(k + 1)
    table[1:] = -shares[1:] * np.log2(shares[1:])
    entropy = table[counts].sum(axis=1)
    return _narrow(mean / 255), _narrow(np.sqrt(variance) / 255), _narrow(entropy)


def _of_differences(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sharpness and noise of (m, height, width) grey levels; 0 below 3 × 3 pixels."""
    m, height, width = grey.shape
    if min(height, width) < 3:
        return np.zeros(m, dtype=np.float32), np.zeros(m, dtype=np.float32)
    step = max(1, height * width // ROW_PIXELS)
    above, here, below = (
        grey[:, start : height - 2 + start : step].astype(np.int16) for start in range(3)
    )
    vertical = above + below - 2 * here
    laplacian = _second_difference(here) + vertical[..., 1:-1]
    texture = np.abs(_second_difference(vertical))
    flat = laplacian.reshape(m, -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    sharpness = np.einsum("ij,ij->i", flat, flat) / flat.shape[1]
    noise = texture.reshape(m, -1).mean(axis=1) * (np.sqrt(np.pi / 2) / 6 / 255)
    return sharpness, _narrow(noise)


def _second_difference(rows: NDArray[np.int16]) -> NDArray[np.int16]:
    """Second difference along each row."""
    return rows[..., :-2] + rows[..., 2:] - 2 * rows[..., 1:-1]


def _of_colours(
    grid: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Saturation, hue and whether all is grey, of (m, height, width) or (…, 3) pixels."""
    m = len(grid)
    if grid.ndim == 3:
        nothing = np.zeros(m, dtype=np.float32)
        return nothing, np.full(m, np.nan, dtype=np.float32), nothing + 1
    down, right = (-(-side // COLOUR_GRID) for side in grid.shape[1:3])
    grid = grid[:, ::down, ::right]
    red, green, blue = np.ascontiguousarray(np.moveaxis(grid.reshape(m, -1, 3), 2, 0))
    high = np.maximum(np.maximum(red, green), blue)
    chroma = high - np.minimum(np.minimum(red, green), blue)
    saturation = (chroma / np.maximum(high, 1).astype(np.float32)).mean(axis=1)
    is_grey = (chroma.max(axis=1) <= GREY_LEVELS).astype(np.float32)
    return saturation, _hue(red, green, blue, chroma), is_grey


def _hue(
    red: NDArray[np.uint8],
    green: NDArray[np.uint8],
    blue: NDArray[np.uint8],
    chroma: NDArray[np.uint8],
) -> NDArray[np.float32]:
    """The most frequent hue of (m, k) pixels: the mean within the heaviest of 24 bins."""
    m = len(chroma)
    coarse = (red >> 4).astype(np.int64) * 256 + (green >> 4).astype(np.int64) * 16 + (blue >> 4)
    bins = _hue_bins()[coarse] + _HUE_BINS * np.arange(m)[:, np.newaxis]
    across, along = _hue_plane(*(one.astype(np.float32) for one in (red, green, blue)))
    weights = [
        np.bincount(bins.ravel(), values.ravel(), minlength=_HUE_BINS * m).reshape(m, _HUE_BINS)
        for values in (chroma, across, along)
    ]
    peak = weights[0].argmax(axis=1)
    rows = np.arange(m)
    angle = np.degrees(np.arctan2(weights[1][rows, peak], weights[2][rows, peak])) % 360
    angle[weights[0].sum(axis=1) < LEAST_CHROMA * 255 * chroma.shape[1]] = np.nan
    return _narrow(angle)


def _hue_plane(red: Any, green: Any, blue: Any) -> tuple[Any, Any]:
    """Cartesian coordinates of colours whose angle is the hue, 0 for red."""
    return np.float32(np.sqrt(3) / 2) * (green - blue), red - (green + blue) / 2


@lru_cache(maxsize=1)
def _hue_bins() -> NDArray[np.int64]:
    """(4096,) bin of the hue of each colour of 4 bits a channel: the angle takes longer."""
    red, green, blue = (one.astype(np.float32) for one in np.indices((16, 16, 16)))
    turn = np.arctan2(*_hue_plane(red, green, blue)) * (_HUE_BINS / (2 * np.pi))
    bins: NDArray[np.int64] = np.rint(turn).astype(np.int64).ravel() % _HUE_BINS
    return bins


def _border_uniformity(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """1 − 2 × the standard deviation of the outermost pixels of (m, height, width), 0 … 1."""
    edges = (grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1])
    border = np.concatenate(edges, axis=1).astype(np.float32)
    border -= border.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.einsum("ij,ij->i", border, border) / border.shape[1])
    return _narrow(1 - 2 * deviation / 255)


def _narrow(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float32)
