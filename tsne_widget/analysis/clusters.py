"""Is a cluster on the map a cluster in feature space?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tsne_widget._validation import as_rows
from tsne_widget.analysis.inputs import as_neighbors

# Of the way from chance to 1 that the share of neighbours inside has come. What lies between is
# said to be partly real.
REAL = 0.6
NOT_REAL = 0.2
MIN_POINTS = 3
_BLOCK = 16_384  # rows at a time, so that temporaries stay small


class Verdict(NamedTuple):
    """How many of a selection's nearest neighbours are in it; ``str()`` says it in words."""

    share: float
    """Of the points' nearest neighbours in feature space, those in the selection, 0 … 1; or NaN."""
    chance: float
    """The share to be expected of as many points taken at random, 0 … 1; or NaN."""
    points: int
    """Points in the selection."""
    k: int
    """Neighbours looked at for each; never more than there are other points in the selection."""

    @property
    def strength(self) -> float:
        """(share − chance) / (1 − chance): 1 where all is inside, about 0 at random; or NaN."""
        return (self.share - self.chance) / (1 - self.chance) if self.chance < 1 else float("nan")

    def __str__(self) -> str:
        if self.points < MIN_POINTS:
            return f"{self.points} selected points are too few to be judged as a cluster"
        if not self.chance < 1:
            return "all points are selected, so that every neighbour is in the selection"
        if self.strength >= REAL:
            conclusion = "the cluster is real"
        elif self.strength <= NOT_REAL:
            conclusion = "in feature space this is no cluster"
        else:
            conclusion = "the cluster is partly real"
        return (
            f"{100 * self.share:.0f} % of these {self.points:,} points’ nearest neighbours in "
            f"feature space are in the selection (by chance: {100 * self.chance:.0f} %): "
            f"{conclusion}"
        )


def verdict(rows: ArrayLike, indices: ArrayLike) -> Verdict:
    """Whether a selection is a cluster in feature space, in numbers and in words.

    Parameters
    ----------
    rows : (m,) array of int, or (n,) array of bool
        The selection; rows that stand twice count once.
    indices : (n, k) array of int
        Neighbours in feature space, nearest first, from :func:`kneighbors`. Of m points, the
        nearest m − 1 are looked at where k is more.

    Returns
    -------
    Verdict
        Numbers; ``str()`` of it is the sentence. Time O(n k), memory O(n).

    Raises
    ------
    InvalidInputError
        If an array is not as described.

    Examples
    --------
    >>> from tsne_widget.analysis import kneighbors
    >>> near = kneighbors([[0.0], [0.1], [0.2], [5.0], [5.1], [5.3]], k=2)
    >>> print(verdict([0, 1, 2], near.indices))
    100 % of these 3 points’ nearest neighbours in feature space are in the selection (by chance: \
40 %): the cluster is real
    """
    near = as_neighbors("indices", indices)
    inside = np.zeros(len(near), dtype=bool)
    inside[as_rows("rows", rows, len(near))] = True
    points = int(inside.sum())
    k = min(near.shape[1], points - 1)
    if k < 1:
        return Verdict(float("nan"), float("nan"), points, 0)
    found = 0
    for start in range(0, len(near), _BLOCK):
        block = slice(start, start + _BLOCK)
        found += int(inside[near[block][inside[block], :k]].sum())
    return Verdict(found / (points * k), (points - 1) / (len(near) - 1), points, k)
