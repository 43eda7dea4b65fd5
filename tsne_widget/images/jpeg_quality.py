"""The quality with which a JPEG file was written, estimated from its quantisation table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

# Luminance table of the JPEG standard (ITU-T T.81, annex K.1), in rows. libjpeg scales it.
_STANDARD = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


def _scaled_sums() -> list[int]:
    """Sum of the table that libjpeg writes for each quality 1 … 100."""
    standard = np.array(_STANDARD)
    quality = np.arange(1, 101)[:, np.newaxis]
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    sums: list[int] = np.clip((standard * percent + 50) // 100, 1, 255).sum(axis=1).tolist()
    return sums


_SUMS = np.array(_scaled_sums())


def jpeg_quality(table: Sequence[int]) -> float:
    """The quality, 1 … 100, whose luminance table is nearest to a file's.

    The scale is that of libjpeg. Files of programs with tables of their own get the quality that
    loses about as much.

    Parameters
    ----------
    table : sequence of 64 int
        The first quantisation table of the file, in any order.

    Examples
    --------
    >>> jpeg_quality(_STANDARD)
    50.0
    """
    return _of_sum(sum(table))


@lru_cache(maxsize=1024)  # most files of a dataset have the same table
def _of_sum(total: int) -> float:
    return float(np.abs(_SUMS - total).argmin() + 1)
