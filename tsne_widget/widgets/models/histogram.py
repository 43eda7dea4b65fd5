"""Histograms of scores and columns: a bin for each row, and counts of rows in each bin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis import Scores
from tsne_widget.analysis.scores import SCORES
from tsne_widget.widgets.models.coloring import TAIL
from tsne_widget.widgets.state.page_messages import integer

# Maximum number of bins: bars of 6 pixels in the key.
BINS = 25
# Bin of rows without a value.
NO_BIN = 255
# Values on a lattice of at most this many steps share bins by whole steps: with other edges, some
# bars would cover more of the possible values than their neighbours.
MAX_STEPS = 250
ON_LATTICE = 1e-3  # tolerance, in steps: the rounding of float32


class Bins(NamedTuple):
    """The bins of one score or column."""

    codes: NDArray[np.uint8]
    """(n,) bin of each row, 255 without a value."""
    low: list[str]
    """Smallest value of each bin as text."""
    high: list[str]
    """Largest value of each bin as text."""


class Histograms:
    """The bins of the scores of one record, made on first use, and counts of rows in them."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._kept: dict[str, tuple[NDArray[Any], Bins]] = {}

    def bins(self, name: str) -> Bins:
        """The bins of a score or column that is ready."""
        values = self._scores[name]
        kept = self._kept.get(name)
        if kept is None or kept[0] is not values:
            kept = self._kept[name] = (values, bins_of(values, text_of(name, values)))
        return kept[1]

    def counts(self, name: str, visible: NDArray[np.bool_], selected: NDArray[np.int64]) -> bytes:
        """Counts of :func:`bin_counts` as little-endian uint32."""
        codes, low, _ = self.bins(name)
        mask = np.zeros(len(codes), dtype=bool)
        mask[selected] = True
        wrong = self._scores.feature_set.misclassified
        return bin_counts(codes, len(low), visible, wrong, mask).astype("<u4").tobytes()

    def rows(self, name: str, content: dict[str, Any]) -> NDArray[np.bool_]:
        """Rows in the bins ``first`` to ``last`` of a message."""
        codes, low, _ = self.bins(name)
        first, last = range_of(content, len(low))
        return (codes >= first) & (codes <= last)


def range_of(content: dict[str, Any], count: int) -> tuple[int, int]:
    """The fields ``first`` and ``last`` of a message about some of the bins."""
    first = integer(content, "first", 0, count - 1)
    return first, integer(content, "last", first, count - 1)


def bins_of(values: NDArray[Any], text: Callable[[float], str]) -> Bins:
    """Bins of (n,) amounts. The first and the last one also hold the outermost percent.

    Parameters
    ----------
    values : (n,) array of numbers or dates
    text : callable
        A value as text.
    """
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    ordered = np.sort(numbers[finite])
    codes = np.full(len(values), NO_BIN, np.uint8)
    if not len(ordered):
        return Bins(codes, [], [])
    least, most = ordered[0], ordered[-1]
    step = _step(ordered)
    if step:
        place = np.rint((numbers[finite] - least) / step).astype(np.int64)
        steps = int(np.rint((most - least) / step)) + 1
        share = -(-steps // BINS)  # rounded up
        starts = np.arange(0, steps, share)
        codes[finite] = place // share
        ends = np.minimum(starts + share, steps) - 1
        return Bins(
            codes,
            [text(least + step * start) for start in starts],
            [text(least + step * end) for end in ends],
        )
    low, high = np.quantile(ordered, [TAIL, 1 - TAIL], method="nearest")
    if low == high:
        low, high = least, most
    place = np.floor((numbers[finite] - low) / (high - low) * BINS)
    codes[finite] = np.clip(place, 0, BINS - 1)
    inner = [text(low + (high - low) * k / BINS) for k in range(1, BINS)]
    return Bins(codes, [text(least), *inner], [*inner, text(most)])


def text_of(name: str, values: NDArray[Any]) -> Callable[[float], str]:
    """The function that writes a value of a score or column, given as a number, as text."""
    if name in SCORES:
        return SCORES[name].text
    if values.dtype.kind in "mM":
        return lambda number: printable(np.array(int(number)).astype(values.dtype))
    return lambda number: f"{number:.4g}"


def bin_counts(
    codes: NDArray[np.uint8],
    bins: int,
    visible: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    selected: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """(bins, 4) visible rows: right or unknown, wrong, selected right, selected wrong."""
    kinds = np.where(visible & (codes < bins), codes, bins).astype(np.int64) * 4
    kinds += wrong
    kinds += 2 * selected
    return np.bincount(kinds, minlength=4 * (bins + 1)).reshape(-1, 4)[:bins]


def _step(ordered: NDArray[np.float64]) -> float:
    """Distance of neighbouring values of a lattice that has all values; 0 for none."""
    gaps = np.diff(ordered)
    gaps = gaps[gaps > 0]
    span = ordered[-1] - ordered[0]
    if not len(gaps):
        return 1.0  # one value
    step = float(gaps.min())
    if span / step > MAX_STEPS:
        return 0.0
    places = (ordered - ordered[0]) / step
    return step if np.abs(places - np.rint(places)).max() < ON_LATTICE else 0.0
