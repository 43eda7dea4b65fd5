"""Which columns set some samples apart from others: rank tests, corrected for their number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_codes, as_rows
from tsne_widget.errors import InvalidInputError

# Known values that each side needs for a test.
MIN_VALUES = 5
# A contrast is worth showing if its corrected p-value is at most SIGNIFICANT and its share is at
# least NOTABLE away from 0.5: among many samples the smallest difference is significant.
SIGNIFICANT, NOTABLE = 0.05, 0.06
# Points of a curve, and the share of all values at each end that it leaves out.
BINS, _TAIL = 24, 0.01


class Contrast(NamedTuple):
    """How one column differs between two sets of samples."""

    name: str
    """Name of the column."""
    share: float
    """Probability that a value of the one set is higher than one of the other set, 0 … 1; ties
    count half. 0.5 means no difference."""
    p: float
    """p-value, corrected for the number of columns, 0 … 1."""
    medians: tuple[float, float]
    """Medians of both sets; that of the other set is weighted as the strata are in the first."""
    curves: tuple[tuple[float, ...], tuple[float, ...]]
    """Smoothed shares of both sets' values in 24 bins of equal width from ``low`` to ``high``."""
    low: float
    high: float

    @property
    def is_notable(self) -> bool:
        """Whether the difference is significant and not negligible."""
        return self.p <= SIGNIFICANT and abs(self.share - 0.5) >= NOTABLE


def contrast(
    columns: Mapping[str, ArrayLike],
    rows: ArrayLike,
    against: ArrayLike,
    *,
    strata: ArrayLike | None = None,
) -> list[Contrast]:
    """What sets some samples apart from others, the clearest difference first.

    Each column is tested with the rank test of Mann & Whitney 1947, "On a test of whether one of
    two random variables is stochastically larger than the other", Ann. Math. Stat. 18. With strata,
    only samples of the same stratum are compared, as in van Elteren's test of 1960. p-values are
    corrected as in Benjamini & Hochberg 1995, "Controlling the false discovery rate",
    J. R. Stat. Soc. B 57.

    Parameters
    ----------
    columns : mapping of name to (n,) array
        Numbers or truth values. NaN means unknown. Other columns are left out.
    rows, against : (m,) array of int, or (n,) array of bool
        The samples, and those to compare them with.
    strata : (n,) array of int, optional
        For example the labels: mistakes are then compared with right predictions of the same
        labels. Default: all samples are comparable.

    Returns
    -------
    list of Contrast
        Columns with at least 5 known values on each side, by p, then by strength. Time O(n log n)
        per column, memory O(n).

    Raises
    ------
    InvalidInputError
        If a column has another length, or rows are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> columns = {"even": np.arange(40) % 2, "size": np.arange(40)}
    >>> found = contrast(columns, range(20), range(20, 40))
    >>> [(one.name, one.share, one.is_notable) for one in found]
    [('size', 0.0, True), ('even', 0.5, False)]
    """
    numeric = {name: np.asarray(values) for name, values in columns.items()}
    numeric = {name: values for name, values in numeric.items() if values.dtype.kind in "biuf"}
    if not numeric:
        return []
    n = len(next(iter(numeric.values())))
    for name, values in numeric.items():
        if values.shape != (n,):
            raise InvalidInputError(f"column {name!r} must have shape ({n},), got {values.shape}")
    groups = np.zeros(n, dtype=np.int64) if strata is None else as_codes("strata", strata, n)
    one, other = as_rows("rows", rows, n), as_rows("against", against, n)
    found = [
        tested
        for name, values in numeric.items()
        if (tested := _contrast(name, values.astype(np.float64), one, other, groups)) is not None
    ]
    found = [
        tested._replace(p=p)
        for tested, p in zip(found, _corrected([tested.p for tested in found]), strict=True)
    ]
    return sorted(found, key=lambda tested: (tested.p, -abs(tested.share - 0.5)))


def _contrast(
    name: str,
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    against: NDArray[np.int64],
    strata: NDArray[np.int64],
) -> Contrast | None:
    """The contrast of one column, p not corrected; None if too few values are comparable."""
    one, other = (part[np.isfinite(values[part])] for part in (rows, against))
    shared = np.intersect1d(strata[one], strata[other])
    one, other = (part[np.isin(strata[part], shared)] for part in (one, other))
    if min(len(one), len(other)) < MIN_VALUES:
        return None
    share, p = _rank_test(values[one], values[other], strata[one], strata[other])
    weights = _weights(strata[one], strata[other])
    low, high = np.quantile(np.concatenate([values[one], values[other]]), (_TAIL, 1 - _TAIL))
    medians = float(np.median(values[one])), _median(values[other], weights)
    curves = _curve(values[one], None, low, high), _curve(values[other], weights, low, high)
    return Contrast(name, share, p, medians, curves, float(low), float(high))


def _rank_test(
    x: NDArray[np.float64], y: NDArray[np.float64], at: NDArray[Any], among: NDArray[Any]
) -> tuple[float, float]:
    """Probability that x is higher than y within a stratum, and its two-sided p-value."""
    higher = pairs = excess = variance = 0.0
    for stratum in np.unique(at):
        part, others = x[at == stratum], y[among == stratum]
        m, n = len(part), len(others)
        ranks, ties = _ranks(np.concatenate([part, others]))
        u = float(ranks[:m].sum()) - m * (m + 1) / 2
        weight = 1 / (m + n + 1)
        higher, pairs = higher + weight * u, pairs + weight * m * n
        excess += weight * (u - m * n / 2)
        spread = (m + n + 1) - ties / max((m + n) * (m + n - 1), 1)
        variance += weight**2 * m * n / 12 * spread
    p = math.erfc(abs(excess) / math.sqrt(2 * variance)) if variance > 0 else 1.0
    return higher / pairs, p


def _ranks(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Ranks from 1, the mean rank for ties; and Σ t³ − t over groups of t ties."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = last - (counts - 1) / 2
    sizes = counts.astype(np.float64)
    return ranks[place], float((sizes**3 - sizes).sum())


def _corrected(ps: list[float]) -> list[float]:
    """p-values of Benjamini and Hochberg."""
    given = np.asarray(ps, dtype=np.float64)
    order = np.argsort(given)
    scaled = given[order] * len(given) / np.arange(1, len(given) + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(least, 1)
    return [float(p) for p in corrected]


def _weights(at: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights that give each stratum of ``among`` the size that it has in ``at``."""
    codes, place, sizes = np.unique(among, return_inverse=True, return_counts=True)
    wanted = np.array([np.count_nonzero(at == code) for code in codes])
    return np.asarray((wanted / sizes)[place])


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    at = int(np.searchsorted(total, total[-1] / 2))
    exact = math.isclose(total[at], total[-1] / 2) and at + 1 < len(order)
    return float(values[order[at : at + 2]].mean() if exact else values[order[at]])


def _curve(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None, low: float, high: float
) -> tuple[float, ...]:
    """Share of the values in each bin, smoothed over neighbouring bins."""
    width = (high - low) or 1.0
    place = np.clip(((values - low) / width * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(place, weights, BINS)
    padded = np.pad(counts / counts.sum(), 1, mode="edge")
    smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return tuple(round(float(share), 5) for share in smooth)
