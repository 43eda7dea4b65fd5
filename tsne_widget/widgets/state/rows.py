"""Selected rows: an array that traitlets can compare, and how a finder ranked them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Rows(np.ndarray[Any, np.dtype[np.int64]]):
    """(k,) int64 row numbers, read-only.

    An ordinary array, except that ``rows != rows`` is False for one and the same object:
    :func:`traitlets.link` asks for that as a single truth value after it has set the other side.
    """

    def __ne__(self, other: object) -> Any:
        return False if other is self else super().__ne__(other)

    def __repr__(self) -> str:
        return repr(np.asarray(self))


def as_selected(rows: NDArray[np.int64]) -> Rows:
    """A read-only view of (k,) int64 rows."""
    view = rows.view(Rows)
    view.flags.writeable = False
    return view


class Ranking(NamedTuple):
    """The score by which selected rows were found, and whether the highest come first."""

    score: str
    highest_first: bool
