"""The selections and visible classes before and after the current ones, for undo and redo."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.widgets.state.rows import Rows

# Steps that undo() can go back; each takes 8 bytes per selected row.
MAX_UNDO = 50
# Bytes of all of them: 50 selections of millions of rows would take gigabytes.
MAX_UNDO_BYTES = 400_000_000


class Moment(NamedTuple):
    """What one step of undo restores."""

    chosen: Rows
    """(k,) int64: the selection, rows of hidden classes included."""
    visible: NDArray[np.bool_]
    """(g,) bool: which classes are visible."""

    def equals(self, other: Moment) -> bool:
        """Whether both moments look the same on screen."""
        return np.array_equal(self.chosen, other.chosen) and np.array_equal(
            self.visible, other.visible
        )


class History:
    """Past and future moments, bounded in number and in bytes."""

    def __init__(self) -> None:
        self.past: list[Moment] = []
        self.future: list[Moment] = []

    def record(self, previous: Moment) -> None:
        """Remember a moment that was replaced; there is no future then."""
        self.past, self.future = [*self.past[1 - MAX_UNDO :], previous], []
        while len(self.past) > 1 and _size(self.past) > MAX_UNDO_BYTES:
            del self.past[0]

    def amend(self, current: Moment) -> None:
        """Make the last step end in this moment; a step that ends where it began is none."""
        if self.past and self.past[-1].equals(current):
            del self.past[-1]
        self.future = []

    def after_undo(self, current: Moment) -> tuple[list[Moment], list[Moment]]:
        """Past and future once the last step is taken back."""
        return self.past[:-1], [*self.future, current]

    def after_redo(self, current: Moment) -> tuple[list[Moment], list[Moment]]:
        """Past and future once the step that was taken back is made again."""
        return [*self.past, current], self.future[:-1]


def _size(moments: list[Moment]) -> int:
    """Bytes of the selections; steps that only show or hide classes share one."""
    return sum({id(one.chosen): one.chosen.nbytes for one in moments}.values())
