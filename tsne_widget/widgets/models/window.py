"""The points that the page knows: all, or a sample of them and those in sight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Maximum number of points that the page gets in full: 13 bytes each.
MAX_WHOLE = 1_000_000
# If there are more, points of the sample that the page keeps, and points in sight.
SAMPLE, TAIL = 300_000, 200_000


class Window:
    """The rows that the page knows, in drawing order.

    A row's position in it is a *point*. Up to a million rows, it holds all of them. Beyond, it
    holds a fixed sample of all classes, followed by selected rows and rows in the viewport, which
    change with the viewport.

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
        Point of each row; −1 for a row that the page does not know.
    epoch : int
        Increases with each change of the points; messages about an older epoch are stale.
    unknown : int
        Number of visible rows in the viewport that the page does not know.
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
            self._places = np.empty(n, dtype=np.int32)  # position of each row in the drawing order
            self._places[order] = np.arange(n, dtype=np.int32)
        self.points = np.full(n, -1, dtype=np.int32)
        self.points[self.rows] = np.arange(len(self.rows), dtype=np.int32)

    def lacks(self, selected: NDArray[np.int64]) -> bool:
        """Whether some of a few selected rows are no points; for many rows, the sample suffices."""
        if self.is_whole or len(selected) > SAMPLE:
            return False
        unknown = selected[self.points[selected] < 0]
        return 0 < len(unknown) <= TAIL // 2

    def move(self, in_sight: NDArray[np.bool_], selected: NDArray[np.int64]) -> bool:
        """Make the points follow the viewport; returns whether they changed.

        Parameters
        ----------
        in_sight : (n,) bool array
            Visible rows in the viewport.
        selected : (k,) int64 array
            Added first, wherever they are, up to half of the available points.
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
        """The first ``count`` of these rows in drawing order."""
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
    """(n,) int64 rows, ordered so that every prefix is a sample of all classes.

    Each class, and the misclassified rows of each class, is shuffled and spread over the order.
    Rare groups are denser at the start: a prefix holds about √count rows of each group.
    """
    group = 2 * codes + wrong
    if len(group) and group.max() < 2**16:
        group = group.astype(np.uint16)  # radix sort, ten times as fast
    shuffled = np.random.default_rng(0).permutation(len(codes))
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    counts = np.bincount(group)
    starts = np.cumsum(counts) - counts
    ordered = group[by_group]
    within = np.arange(len(codes)) - starts[ordered]
    return by_group[np.argsort((within + 0.5) / np.sqrt(counts)[ordered], kind="stable")]
