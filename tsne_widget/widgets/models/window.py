"""Which points the page knows: all, or of too many a sample of all and then those in sight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Points of which the page gets every one: 13 bytes each.
MAX_WHOLE = 1_000_000
# Points that it knows of where there are more: so many of the sample, then those in sight.
SAMPLE, TAIL = 300_000, 200_000


class Window:
    """The rows that the page knows, in the order of drawing.

    A row's place in it is a *point*. Of up to a million rows all are in it, for good. Of more, it
    begins with a sample of all classes that stays; behind come selected rows and rows in sight,
    and those change as one looks elsewhere.

    Parameters
    ----------
    codes : (n,) int64 array
        Class of each row.
    wrong : (n,) bool array
        Misclassified rows.

    Attributes
    ----------
    rows : (m,) int64 array
        Row of each point.
    points : (n,) int32 array
        Point of each row, −1 for a row that the page does not know.
    epoch : int
        Grows with each change of the points; what the page says of an older one is stale.
    unknown : int
        Shown rows in sight that the page does not know.
    """

    def __init__(self, codes: NDArray[np.int64], wrong: NDArray[np.bool_]) -> None:
        order = drawing_order(codes, wrong)
        n = len(order)
        self.is_whole = n <= MAX_WHOLE
        self.epoch = 0
        self.unknown = 0
        if self.is_whole:
            self.rows = order
        else:
            self.unknown = n - SAMPLE - TAIL
            self.rows = order[: SAMPLE + TAIL].copy()
            self._order = order
            self._places = np.empty(n, dtype=np.int32)  # of each row in the order
            self._places[order] = np.arange(n, dtype=np.int32)
        self.points = np.full(n, -1, dtype=np.int32)
        self.points[self.rows] = np.arange(len(self.rows), dtype=np.int32)

    def lacks(self, selected: NDArray[np.int64]) -> bool:
        """Whether these are few and some are none of the points: of many, the sample has enough."""
        if self.is_whole or len(selected) > SAMPLE:
            return False
        unknown = selected[self.points[selected] < 0]
        return 0 < len(unknown) <= TAIL // 2

    def look(self, in_sight: NDArray[np.bool_], selected: NDArray[np.int64]) -> bool:
        """Take in what is looked at; whether the points have changed.

        Parameters
        ----------
        in_sight : (n,) bool array
            Shown rows in the viewport.
        selected : (k,) int64 array
            Taken in first, wherever they are, up to half of the places there are.
        """
        if self.is_whole:
            return False
        chosen = self._first(selected[self._places[selected] >= SAMPLE], TAIL // 2)
        missing = np.flatnonzero(in_sight & (self.points < 0))
        changed = bool(len(missing)) or bool((self.points[chosen] < 0).any())
        if changed:
            behind = in_sight & (self._places >= SAMPLE)
            behind[chosen] = False
            tail = np.concatenate([chosen, self._first(np.flatnonzero(behind), TAIL - len(chosen))])
            changed = self._replace_tail(tail)
        self.unknown = int(np.count_nonzero(in_sight & (self.points < 0)))
        return changed

    def _first(self, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """The first of these rows in the order of drawing, so many at most, in that order."""
        places = self._places[rows]
        if len(places) > count:
            places = np.partition(places, count)[:count]
        return self._order[np.sort(places)]

    def _replace_tail(self, tail: NDArray[np.int64]) -> bool:
        if np.array_equal(self.rows[SAMPLE:], tail):
            return False
        self.points[self.rows[SAMPLE:]] = -1
        self.points[tail] = np.arange(SAMPLE, SAMPLE + len(tail), dtype=np.int32)
        self.rows = np.concatenate([self.rows[:SAMPLE], tail])
        self.epoch += 1
        return True


def drawing_order(codes: NDArray[np.int64], wrong: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) int64 rows in an order of which every beginning is a sample of all classes.

    Each class, and the misclassified of each class, is shuffled and spread over the order, the
    rarer the denser at the beginning: the first m rows hold about √count of each.
    """
    group = 2 * codes + wrong
    if len(group) and group.max() < 2**16:
        group = group.astype(np.uint16)  # sorted by digits, in a tenth of the time
    shuffled = np.random.default_rng(0).permutation(len(codes))
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    counts = np.bincount(group)
    starts = np.cumsum(counts) - counts
    ordered = group[by_group]
    within = np.arange(len(codes)) - starts[ordered]
    return by_group[np.argsort((within + 0.5) / np.sqrt(counts)[ordered], kind="stable")]
