"""Tests of two sets of samples within strata, and their correction for the number of tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.sides import Sides

# Expected number of samples with a value below which its share is tested exactly.
FEW = 20
# Values of a category that are tested exactly: those that differ most.
EXACT = 3


class Difference(NamedTuple):
    """The result of a test."""

    effect: float
    """Probability that a value of the first set is higher than one of the second, minus the
    probability that it is lower; −1 … 1."""
    p: float
    """Two-sided p-value, 0 … 1."""


def rank_test(values: NDArray[np.floating], sides: Sides) -> Difference:
    """Whether the values of one side are higher within the strata.

    The test of Mann & Whitney 1947, "On a test of whether one of two random variables is
    stochastically larger than the other", Ann. Math. Stat. 18; with several strata that of van
    Elteren 1960, "On the combination of independent two-sample tests of Wilcoxon".

    Parameters
    ----------
    values : (k,) array of finite numbers
    sides : Sides
        Has k rows.
    """
    m, n = sides.m.astype(np.float64), sides.n.astype(np.float64)
    sums, ties = _rank_sums(values, sides)
    total = m + n
    weights = 1 / (total + 1)
    u = sums - m * (m + 1) / 2
    spread = (total + 1) - ties / np.maximum(total * (total - 1), 1)
    excess = float((weights * (u - m * n / 2)).sum())
    variance = float((weights**2 * m * n / 12 * spread).sum())
    pairs = float((weights * m * n).sum())
    p = math.erfc(abs(excess) / math.sqrt(2 * variance)) if variance > 1e-12 * pairs else 1.0
    return Difference(2 * excess / pairs, p)


def _rank_sums(
    values: NDArray[np.floating], sides: Sides
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(g,) sums of the first side's ranks from 1 within the strata, and Σ t³ − t over ties of t."""
    g = len(sides.m)
    order = np.argsort(values)
    if g > 1:
        order = order[np.argsort(sides.strata[order], kind="stable")]
    sorted_values, at = values[order], sides.strata[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (sorted_values[1:] != sorted_values[:-1]) | (at[1:] != at[:-1])
    starts = np.flatnonzero(is_new)
    sizes = np.diff(starts, append=len(order)).astype(np.float64)
    stratum = at[starts]
    first = np.concatenate([[0], np.cumsum(sides.m + sides.n)[:-1]])
    ranks = starts - first[stratum] + (sizes + 1) / 2
    mine = np.add.reduceat(sides.here[order], starts, dtype=np.int64)
    sums, ties = (np.bincount(stratum, part, g) for part in (mine * ranks, sizes**3 - sizes))
    return sums.astype(np.float64), ties.astype(np.float64)


def share_test(codes: NDArray[np.int64], levels: int, sides: Sides) -> tuple[int, Difference]:
    """The value of a category whose share differs most, and whether it differs within the strata.

    The test of Mantel & Haenszel 1959, "Statistical aspects of the analysis of data from
    retrospective studies of disease", JNCI 22. For small counts it is exact: with one stratum that
    of Fisher, with several the conditional test of Gart 1970, "Point and interval estimation of the
    common odds ratio", Biometrika 57. The p-value is corrected for the number of values.

    Parameters
    ----------
    codes : (k,) array of int
        Values 0 … levels − 1.
    sides : Sides
        Has k rows.

    Returns
    -------
    value : int
    tested : Difference
        The effect is the difference of the shares; those of the second side are weighted as the
        strata are in the first.
    """
    m, n = sides.m[:, None].astype(np.float64), sides.n[:, None].astype(np.float64)
    cell = sides.strata.astype(np.int64) * levels + codes
    shape = (len(m), levels)
    mine = np.bincount(cell[sides.here], minlength=m.size * levels).reshape(shape)
    total = np.bincount(cell, minlength=m.size * levels).reshape(shape)
    size = m + n
    expected = m * total / size
    variance = m * n * total * (size - total) / (size**2 * np.maximum(size - 1, 1))
    spread = np.sqrt(variance.sum(axis=0))
    z = np.divide((mine - expected).sum(axis=0), spread, out=np.zeros(levels), where=spread > 0)
    ps = np.array([math.erfc(abs(value) / math.sqrt(2)) for value in z])
    foremost = np.argsort(-np.abs(z), kind="stable")[:EXACT]
    rest = (size[:, 0] - total.T).T
    for level in foremost:
        if min(expected[:, level].sum(), (m * rest / size)[:, level].sum()) < FEW:
            ps[level] = _exact_p(mine[:, level], total[:, level], sides)
    best = int(foremost[np.argmin(ps[foremost])])
    occurring = int(np.count_nonzero(spread))
    possible = 1 if occurring <= 2 else occurring  # of two values, one share follows
    shares = mine / m - (total - mine) / n
    effects = (shares * m).sum(axis=0) / m.sum()
    p = min(1.0, float(ps[best]) * possible)
    if occurring == 2:  # both differ alike: name the one that is more frequent here
        best = int(np.argmax(effects))
    return best, Difference(float(effects[best]), p)


def _exact_p(mine: NDArray[np.int64], total: NDArray[np.int64], sides: Sides) -> float:
    """Twice the smaller tail of the sum of hypergeometric counts over the strata."""
    size = sides.m + sides.n
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, int(size.max()) + 1)))])
    chances, least = np.ones(1), 0
    for m, n, t in zip(sides.m.tolist(), sides.n.tolist(), total.tolist(), strict=True):
        low, high = max(0, t - n), min(m, t)
        k = np.arange(low, high + 1)
        chance = np.exp(
            logs[m] - logs[k] - logs[m - k]
            + logs[n] - logs[t - k] - logs[n - t + k]
            - (logs[m + n] - logs[t] - logs[m + n - t])
        )  # fmt: skip
        chances, least = np.convolve(chances, chance), least + low
    at = int(mine.sum()) - least
    return min(1.0, 2 * float(min(chances[: at + 1].sum(), chances[at:].sum())))


def adjusted(ps: Sequence[float] | ArrayLike) -> NDArray[np.float64]:
    """p-values corrected as in Benjamini & Hochberg 1995, "Controlling the false discovery rate".

    Parameters
    ----------
    ps : (m,) array of float, 0 … 1

    Examples
    --------
    >>> adjusted([0.01, 0.5, 0.02]).tolist()
    [0.03, 0.5, 0.03]
    """
    given = np.asarray(ps, dtype=np.float64)
    order = np.argsort(given)
    scaled = given[order] * len(given) / np.arange(1, len(given) + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(least, 1)
    return corrected
