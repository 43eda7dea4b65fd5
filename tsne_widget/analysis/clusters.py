"""Whether a cluster on the map is a cluster in feature space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tsne_widget._validation import as_rows, row_blocks
from tsne_widget.analysis.inputs import as_neighbors

# Thresholds of Verdict.strength: points are strongly clustered from STRONG on and weakly clustered
# above WEAK.
STRONG = 0.6
WEAK = 0.2
MIN_POINTS = 3
_BLOCK = 16_384  # rows per block, to keep temporary arrays small


class Verdict(NamedTuple):
    """How many of a selection's nearest neighbours are in it; ``str()`` is the conclusion."""

    share: float
    """Share of the points' nearest neighbours in feature space that are selected, 0 … 1; or NaN."""
    chance: float
    """Expected share for as many points chosen at random, 0 … 1; or NaN."""
    points: int
    """Number of selected points."""
    k: int
    """Neighbours per point that are counted; at most the number of other selected points."""

    @property
    def strength(self) -> float:
        """(share − chance) / (1 − chance): 1 if all are selected, about 0 at random; or NaN."""
        return (self.share - self.chance) / (1 - self.chance) if self.chance < 1 else float("nan")

    def __str__(self) -> str:
        if self.points < MIN_POINTS:
            return f"{self.points} selected points are too few to judge a cluster"
        if not self.chance < 1:
            return "all points are selected, so every neighbour is in the selection"
        if self.strength >= STRONG:
            conclusion = "strongly clustered"
        elif self.strength <= WEAK:
            conclusion = "not clustered"
        else:
            conclusion = "weakly clustered"
        return (
            f"{100 * self.share:.0f} % of these {self.points:,} points’ nearest neighbours in "
            f"feature space are in the selection (by chance: {100 * self.chance:.0f} %): "
            f"the points are {conclusion}"
        )


def verdict(rows: ArrayLike, indices: ArrayLike) -> Verdict:
    """Whether a selection is a cluster in feature space.

    Parameters
    ----------
    rows : (m,) array of int, or (n,) array of bool
        The selection; duplicates count once.
    indices : (n, k) array of int
        Neighbours in feature space, nearest first, from :func:`kneighbors`. For m selected points
        at most the m − 1 nearest are counted.

    Returns
    -------
    Verdict
        Numbers; ``str()`` is a sentence. Time O(n k), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> from tsne_widget.analysis import kneighbors
    >>> near = kneighbors([[0.0], [0.1], [0.2], [5.0], [5.1], [5.3]], k=2)
    >>> print(verdict([0, 1, 2], near.indices))
    100 % of these 3 points’ nearest neighbours in feature space are in the selection (by chance: \
40 %): the points are strongly clustered
    """
    near = as_neighbors("indices", indices)
    inside = np.zeros(len(near), dtype=bool)
    inside[as_rows("rows", rows, len(near))] = True
    points = int(inside.sum())
    k = min(near.shape[1], points - 1)
    if k < 1:
        return Verdict(float("nan"), float("nan"), points, 0)
    found = sum(
        int(inside[near[block][inside[block], :k]].sum()) for block in row_blocks(len(near), _BLOCK)
    )
    return Verdict(found / (points * k), (points - 1) / (len(near) - 1), points, k)
