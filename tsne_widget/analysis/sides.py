"""Two sets of samples that are compared within strata, such as the labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Sides(NamedTuple):
    """The comparable samples of both sets, k in total, in g strata that each have both sides."""

    rows: NDArray[np.int64]
    """(k,) rows."""
    here: NDArray[np.bool_]
    """(k,) whether the row is of the first set."""
    strata: NDArray[Any]
    """(k,) int, 0 … g − 1."""
    m: NDArray[np.int64]
    """(g,) rows of the first set in each stratum."""
    n: NDArray[np.int64]
    """(g,) rows of the second set in each stratum."""

    @property
    def counts(self) -> tuple[int, int]:
        """Number of rows of each set."""
        return int(self.m.sum()), int(self.n.sum())

    @property
    def weights(self) -> NDArray[np.float64]:
        """(k,) weights that give each stratum of the second set its share in the first."""
        return np.asarray(np.where(self.here, 1.0, (self.m / self.n)[self.strata]))

    def only(self, known: NDArray[np.bool_], values: NDArray[Any]) -> tuple[Sides, NDArray[Any]]:
        """The rows of a (k,) mask and their values, without strata that lose a side."""
        if known.all():
            return self, values
        part, keep = _sides(self.rows[known], self.here[known], self.strata[known])
        return part, values[known][keep]


def sides_of(
    rows: NDArray[np.int64], against: NDArray[np.int64], strata: NDArray[np.int64]
) -> Sides:
    """Both sets, without the strata that only one of them has; rows in both count for the first.

    Parameters
    ----------
    rows, against : (m,) int64 arrays
    strata : (n,) int array
        Stratum of every sample.
    """
    _, strata = np.unique(strata, return_inverse=True)
    side = np.zeros(len(strata), dtype=np.int8)
    side[against] = 2
    side[rows] = 1
    both = np.flatnonzero(side)
    return _sides(both, side[both] == 1, strata[both])[0]


def _sides(
    rows: NDArray[np.int64], here: NDArray[np.bool_], codes: NDArray[Any]
) -> tuple[Sides, NDArray[np.bool_]]:
    """The rows of strata with both sides, and which these are."""
    g = int(codes.max()) + 1 if len(codes) else 0
    m, n = (np.bincount(codes[side], minlength=g) for side in (here, ~here))
    shared = np.flatnonzero((m > 0) & (n > 0))
    # Small integers sort in linear time.
    place = np.full(g, -1, dtype=np.int16 if len(shared) < 2**15 else np.int64)
    place[shared] = np.arange(len(shared))
    strata = place[codes]
    keep = strata >= 0
    return Sides(rows[keep], here[keep], strata[keep], m[shared], n[shared]), keep
