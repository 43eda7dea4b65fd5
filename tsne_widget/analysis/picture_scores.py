"""Scores of the pictures themselves: their properties, and the groups of equal pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis.same_pictures import (
    conflicting,
    equal_pictures,
    similar_pictures,
)

# A size or a shape counts as odd from this factor to the median on.
ODD_FACTOR = 1.25

Values = NDArray[np.float32]


class PictureScores(NamedTuple):
    """Scores of n pictures, (n,) float32 each; NaN for one that cannot be read or is not measured.

    The names are those of the scores and of the frame's columns. How each is measured:
    ``tsne_widget.images.Properties``.
    """

    picture_brightness: Values
    picture_contrast: Values
    picture_sharpness: Values
    picture_saturation: Values
    picture_entropy: Values
    picture_noise: Values
    picture_hue: Values
    picture_width: Values
    picture_height: Values
    picture_aspect: Values
    picture_size_oddity: Values
    picture_border_uniformity: Values
    picture_is_grey: Values
    jpeg_quality: Values
    duplicate_group: Values
    near_duplicate_group: Values


def size_oddity(width: Values, height: Values) -> Values:
    """(n,) float32: how far a picture's size or shape is from the usual one; above 1 is odd.

    The distance of log(width × height) / 2 and of log(width / height) from their medians, the
    larger of both, in units of 1.5 interquartile ranges, but at least of a factor of 1.25.

    Parameters
    ----------
    width, height : (n,) float32 array
        Pixels; NaN if unknown. Time O(n log n), memory O(n).

    Examples
    --------
    >>> sides = np.array([32, 32, 32, 64], dtype=np.float32)
    >>> (size_oddity(sides, sides) > 1).tolist()
    [False, False, False, True]
    """
    known = np.flatnonzero(~np.isnan(width + height))
    oddity = np.full(len(width), np.nan, dtype=np.float32)
    if not len(known):
        return oddity
    across, down = np.log(width[known]), np.log(height[known])
    distances = []
    for values in ((across + down) / 2, across - down):
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        distances.append(np.abs(values - middle) / max(1.5 * (high - low), np.log(ODD_FACTOR)))
    oddity[known] = np.maximum(*distances)
    return oddity


def duplicate_groups(
    content: NDArray[np.uint64],
    width: Values,
    height: Values,
    hashes: NDArray[np.uint64],
    frequencies: NDArray[np.floating],
) -> tuple[Values, Values]:
    """Groups of equal pictures and of nearly equal ones, as two scores of n rows.

    A group of nearly equal pictures has at least two different ones. NaN for a row in no group.

    Parameters
    ----------
    content : (n,) uint64 array
        Checksums of the pictures.
    width, height : (n,) float32 array
        Pixels; NaN for a picture that could not be read, which is in no group.
    hashes, frequencies : arrays
        As for :func:`similar_pictures`.

    Returns
    -------
    two (n,) float32 arrays
        Groups are numbered from 0. Time O(n log n + p) for p compared pairs, as
        :func:`similar_pictures`; memory O(n).
    """
    known = np.flatnonzero(~np.isnan(width))
    exact = np.full(len(width), -1, dtype=np.int64)
    exact[known] = equal_pictures(content[known], width[known], height[known])
    # Of equal pictures only the first is compared with the others.
    first = np.unique(exact, return_index=True)[1][int(exact.min(initial=0) < 0) :]
    rows = np.union1d(np.flatnonzero(exact < 0), first)
    near = np.full(len(exact), -1, dtype=np.int64)
    near[rows] = similar_pictures(hashes[rows], frequencies[rows])
    if len(first):
        near[exact >= 0] = near[first][exact[exact >= 0]]
    return _score(exact), _score(near)


def label_conflict(pictures: Callable[[], PictureScores], labels: NDArray[np.int64]) -> Values:
    """(n,) float32: the group of a picture whose equals have another label; NaN for others.

    Time O(n), memory O(n), without measuring.

    Parameters
    ----------
    pictures : callable
        Returns the :class:`PictureScores`.
    labels : (n,) int64 array
        Codes; −1 is unknown.
    """
    groups = pictures().duplicate_group
    exact = np.where(np.isnan(groups), -1, groups).astype(np.int64)
    return _score(np.where(conflicting(exact, labels), exact, -1))


def measured(pictures: Callable[[], PictureScores]) -> PictureScores:
    """The scores of the pictures, measured on the first call."""
    return pictures()


def _score(groups: NDArray[np.int64]) -> Values:
    """Numbers of groups as a score; float32 has every integer below 2**24."""
    return np.where(groups < 0, np.nan, groups).astype(np.float32)
