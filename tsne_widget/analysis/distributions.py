"""How the values of a property are distributed in two sets of samples: curves to draw."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis.sides import Sides

# Points of a curve, and the share of all values at each end that it leaves out.
BINS, TAIL = 24, 0.01


class Curves(NamedTuple):
    """Smoothed shares of the values of both sides in 24 bins of equal width."""

    here: tuple[float, ...]
    there: tuple[float, ...]
    """Weighted as the strata are in the first set."""
    low: float
    """Lower end of the first bin, in the unit of the values."""
    high: float
    """Upper end of the last bin."""

    def place(self, value: float) -> float:
        """Where a value is between the ends, 0 … 1."""
        span = self.high - self.low
        return min(1.0, max(0.0, (value - self.low) / span)) if span else 0.5


def curves_of(values: NDArray[Any], sides: Sides) -> Curves:
    """The distributions of both sides; one percent of all values at each end is clipped.

    Parameters
    ----------
    values : (k,) array of finite numbers
    sides : Sides
        Has k rows.
    """
    values = values.astype(np.float64)  # an exported page has no other numbers
    low, high = (float(end) for end in np.quantile(values, (TAIL, 1 - TAIL)))
    weights = sides.weights
    here, there = (
        _curve(values[side], weights[side], low, high) for side in (sides.here, ~sides.here)
    )
    return Curves(here, there, low, high)


def _curve(
    values: NDArray[Any], weights: NDArray[np.float64], low: float, high: float
) -> tuple[float, ...]:
    width = (high - low) or 1.0
    place = np.clip(((values - low) / width * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(place, weights, BINS)
    padded = np.pad(counts / counts.sum(), 1, mode="edge")
    smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return tuple(round(float(share), 5) for share in smooth)
