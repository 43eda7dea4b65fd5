"""Scores of all rows from the pictures that were measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis import PictureScores, duplicate_groups, size_oddity
from tsne_widget.images import Measured


def picture_scores(measured: Measured, rows: NDArray[np.int64], n: int) -> PictureScores:
    """Scores of n rows; NaN for those whose picture is not measured or cannot be read.

    Parameters
    ----------
    measured : Measured
        Of m pictures.
    rows : (m,) int64 array
        Their rows.
    n : int
    """
    own, width, height = measured.properties, measured.width, measured.height
    exact, near = duplicate_groups(
        measured.content, width, height, measured.hashes, own.frequencies
    )
    found = PictureScores(
        picture_brightness=own.brightness,
        picture_contrast=own.contrast,
        picture_sharpness=own.sharpness,
        picture_saturation=own.saturation,
        picture_entropy=own.entropy,
        picture_noise=own.noise,
        picture_hue=own.hue,
        picture_width=width,
        picture_height=height,
        picture_aspect=width / height,
        picture_size_oddity=size_oddity(width, height),
        picture_border_uniformity=own.border_uniformity,
        picture_is_grey=own.is_grey,
        jpeg_quality=measured.jpeg_quality,
        duplicate_group=exact,
        near_duplicate_group=near,
    )
    return PictureScores(*(_of_all(values, rows, n) for values in found))


def _of_all(values: NDArray[Any], rows: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    every = np.full(n, np.nan, dtype=np.float32)
    every[rows] = values
    return every
