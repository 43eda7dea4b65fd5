"""Accuracies with 95 % intervals: of parts of the samples, against the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import ids_of, in_one_order
from tsne_widget._validation import as_codes, as_rows
from tsne_widget.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

# Standard normal quantile of 97.5 %: 95 % lie within ± Z.
Z = 1.959963984540054


def wilson_interval(
    right: ArrayLike, samples: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of a share of which some samples are known: Wilson's score interval.

    It holds for few samples and for shares of 0 and 1, unlike mean ± 1.96 standard errors. Source:
    Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22.

    Parameters
    ----------
    right, samples : int or (m,) array of int
        Number of correct samples, and of all samples.

    Returns
    -------
    low, high : (m,) float64 arrays
        0 … 1; NaN for 0 samples. Time O(m), memory O(m).

    Raises
    ------
    InvalidInputError
        If not 0 ≤ right ≤ samples.

    Examples
    --------
    >>> low, high = wilson_interval(81, 263)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2553, 0.3662)
    """
    k, n = np.asarray(right, np.float64), np.asarray(samples, np.float64)
    if np.any(k < 0) or np.any(k > n):
        raise InvalidInputError("right must be 0 … samples; pass counts, not shares")
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / n
        middle = share + Z**2 / (2 * n)
        spread = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
        low, high = ((middle - spread) / (1 + Z**2 / n), (middle + spread) / (1 + Z**2 / n))
    # Rounding must not exclude a share of 0 or 1.
    some = n > 0
    return np.where(some & (k == 0), 0, low), np.where(some & (k == n), 1, high)


def difference_interval(
    right: ArrayLike, samples: ArrayLike, other_right: ArrayLike, other_samples: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of the difference of two shares of different samples.

    It combines both Wilson intervals: method 10 of Newcombe 1998, "Interval estimation for the
    difference between independent proportions", Statistics in Medicine 17. If it excludes 0, the
    shares differ.

    Parameters
    ----------
    right, samples, other_right, other_samples : int or (m,) array of int

    Returns
    -------
    low, high : (m,) float64 arrays
        −1 … 1; NaN if there are no samples. Time O(m), memory O(m).

    Raises
    ------
    InvalidInputError
        As :func:`wilson_interval`.

    Examples
    --------
    >>> low, high = difference_interval(56, 70, 48, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    low, high = wilson_interval(right, samples)
    other_low, other_high = wilson_interval(other_right, other_samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.asarray(right, np.float64) / np.asarray(samples, np.float64)
        other = np.asarray(other_right, np.float64) / np.asarray(other_samples, np.float64)
    difference = share - other
    below = np.hypot(share - low, other_high - other)
    above = np.hypot(high - share, other - other_low)
    return difference - below, difference + above


@in_one_order("labels", "predictions")
def accuracy_table(
    labels: ArrayLike, predictions: ArrayLike, parts: Mapping[Any, ArrayLike]
) -> pd.DataFrame:
    """Accuracy of parts of the samples with a 95 % interval, each against the rest.

    Parameters
    ----------
    labels, predictions : (n,) array of int
        0 or more; samples with −1 (unknown) in either are ignored.
    parts : mapping of name to (k,) int array of rows or (n,) bool array
        May overlap.

    Returns
    -------
    pandas.DataFrame
        Index "part". Columns ``samples`` and ``correct`` (int64); ``accuracy``, ``low`` and
        ``high``; the same of all samples outside the part with the prefix ``rest_``; and
        ``difference`` to the rest with ``difference_low`` and ``difference_high``, see
        :func:`difference_interval`. Shares are float64, 0 … 1, NaN without samples. Time O(n) for
        each part, memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> table = accuracy_table([0, 0, 1, 1], [0, 1, 1, 1], {"night": [0, 1]})
    >>> table[["samples", "accuracy", "rest_accuracy"]].values.tolist()
    [[2.0, 0.5, 1.0]]
    """
    true = as_codes("labels", labels)
    predicted = as_codes("predictions", predictions, len(true))
    judged = (true >= 0) & (predicted >= 0)
    correct = judged & (true == predicted)
    counts = np.zeros((len(parts), 2), np.int64)
    for place, rows in enumerate(parts.values()):
        inside = np.unique(as_rows("rows", rows, len(true), ids_of(labels)))
        counts[place] = np.count_nonzero(judged[inside]), np.count_nonzero(correct[inside])
    return _table_of_counts(list(parts), counts, (int(judged.sum()), int(correct.sum())))


def _table_of_counts(
    names: list[Any], counts: NDArray[np.int64], total: tuple[int, int]
) -> pd.DataFrame:
    """The table of :func:`accuracy_table` from (m, 2) samples and correct ones of each part."""
    import pandas as pd

    n, right = counts.T
    rest, rest_right = total[0] - n, total[1] - right
    columns: dict[str, NDArray[Any]] = {"samples": n, "correct": right}
    for prefix, k, m in (("", right, n), ("rest_", rest_right, rest)):
        if prefix:
            columns["rest_samples"] = m
        share = np.divide(k, m, out=np.full(len(m), np.nan), where=m > 0)
        low, high = wilson_interval(k, m)
        columns |= {f"{prefix}accuracy": share, f"{prefix}low": low, f"{prefix}high": high}
    low, high = difference_interval(right, n, rest_right, rest)
    columns["difference"] = columns["accuracy"] - columns["rest_accuracy"]
    columns |= {"difference_low": low, "difference_high": high}
    return pd.DataFrame(columns, index=pd.Index(names, name="part", tupleize_cols=False))
