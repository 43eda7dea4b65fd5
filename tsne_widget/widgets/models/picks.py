"""The picked tiles of a gallery: rows that an action applies to, before they are selected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PickedTiles(NamedTuple):
    """How many tiles are picked, and one bit per tile from a start."""

    number: int
    start: int
    bits: bytes


class Picks:
    """The picked ones of n rows."""

    def __init__(self, n: int) -> None:
        self._is_picked = np.zeros(n, dtype=bool)
        self._anchor = -1  # the row picked last, where a range starts

    def pick(self, rows: NDArray[np.int64], index: int, *, is_range: bool) -> None:
        """Toggle the row at an index of the order; a range picks all from the last one to it."""
        first = np.flatnonzero(rows == self._anchor)
        if is_range and len(first):
            low, high = min(first[0], index), max(first[0], index)
            self._is_picked[rows[low : high + 1]] = True
        else:
            self._anchor = int(rows[index])
            self._is_picked[self._anchor] ^= True

    def take(self) -> NDArray[np.int64]:
        """The picked rows, ascending; afterwards none is picked."""
        rows = np.flatnonzero(self._is_picked)
        self._is_picked[:] = False
        self._anchor = -1
        return rows

    def among(self, rows: NDArray[np.int64]) -> PickedTiles:
        """The picked ones of the rows in order; rows without a tile are no longer picked."""
        if not self._is_picked.any():
            return PickedTiles(0, 0, b"")
        flags = self._is_picked[rows]
        places = np.flatnonzero(flags)
        self._is_picked[:] = False
        self._is_picked[rows[places]] = True
        if not len(places):
            return PickedTiles(0, 0, b"")
        start = int(places[0])
        return PickedTiles(len(places), start, np.packbits(flags[start : places[-1] + 1]).tobytes())
