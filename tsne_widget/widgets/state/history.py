"""The selections before and after the current one, for undo and redo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Selections that undo() can go back to; each takes 8 bytes a row.
MAX_UNDO = 50
# Bytes of all of them: 50 selections of millions of rows would take gigabytes.
MAX_UNDO_BYTES = 400_000_000

_Rows = NDArray[np.int64]


class History:
    """Past and future selections, bounded in number and in bytes."""

    def __init__(self) -> None:
        self.past: list[_Rows] = []
        self.future: list[_Rows] = []

    def record(self, previous: _Rows) -> None:
        """Remember a selection that was replaced; there is no future then."""
        past = [*self.past[1 - MAX_UNDO :], previous]
        size = sum(rows.nbytes for rows in past)
        while size > MAX_UNDO_BYTES and len(past) > 1:
            size -= past.pop(0).nbytes
        self.past, self.future = past, []

    def after_undo(self, current: _Rows) -> tuple[list[_Rows], list[_Rows]]:
        """Past and future once the last past selection is restored."""
        return self.past[:-1], [*self.future, current]

    def after_redo(self, current: _Rows) -> tuple[list[_Rows], list[_Rows]]:
        """Past and future once the next future selection is restored."""
        return [*self.past, current], self.future[:-1]
