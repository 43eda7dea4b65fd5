"""Which classes a classifier confuses, for all samples or a selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import ids_of, in_one_order
from tsne_widget._validation import as_codes, as_rows
from tsne_widget.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

# A square table of more classes is unreadable and large (32 MB); confused_pairs has no limit.
MAX_DENSE_CLASSES = 2_000


@in_one_order("labels", "predictions")
def confusion_matrix(
    labels: ArrayLike, predictions: ArrayLike, c: int, *, rows: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Number of samples for each pair of label and prediction.

    Parameters
    ----------
    labels, predictions : (n,) array of int
        0 … c − 1; samples with −1 (unknown) in either are ignored.
    c : int
        Number of classes, 1 … 2,000.
    rows : (m,) array of int, or (n,) array of bool, optional
        Count only these samples.

    Returns
    -------
    (c, c) int64 array
        Labels in rows, predictions in columns. Time O(n + c²), memory O(n + c²).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2)
    array([[1, 1],
           [0, 1]])
    """
    if not 1 <= c <= MAX_DENSE_CLASSES:
        raise InvalidInputError(
            f"c={c} must be 1 … {MAX_DENSE_CLASSES}; for more classes use confused_pairs"
        )
    true, predicted = _known(labels, predictions, c, rows)
    return np.bincount(true * c + predicted, minlength=c * c).reshape(c, c)


def row_shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Each count as a share of its row: how the samples of each class are predicted.

    Parameters
    ----------
    counts : (c, c) array of int
        From :func:`confusion_matrix`.

    Returns
    -------
    (c, c) float64 array
        0 … 1; NaN in rows of classes without samples. Time O(c²), memory O(c²).

    Examples
    --------
    >>> row_shares([[3, 1], [0, 0]])
    array([[0.75, 0.25],
           [ nan,  nan]])
    """
    table = np.asarray(counts, dtype=np.float64)
    totals = table.sum(axis=1, keepdims=True)
    shares = np.full_like(table, np.nan)
    np.divide(table, totals, out=shares, where=totals > 0)
    return shares


@in_one_order("labels", "predictions")
def classification_report(
    labels: ArrayLike, predictions: ArrayLike, c: int, *, rows: ArrayLike | None = None
) -> pd.DataFrame:
    """Precision, recall and accuracy of each class.

    Parameters
    ----------
    labels, predictions : (n,) array of int
        0 … c − 1; samples with −1 (unknown) in either are ignored.
    c : int
        Number of classes, at least 1.
    rows : (m,) array of int, or (n,) array of bool, optional
        Count only these samples.

    Returns
    -------
    pandas.DataFrame
        Index "label" 0 … c − 1; columns ``samples``, ``predicted`` and ``correct`` (int64 counts),
        ``precision``, ``recall`` and ``accuracy`` (float64, 0 … 1). Accuracy is one-versus-rest.
        NaN where the denominator is 0. Time O(n + c), memory O(n + c).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> classification_report([0, 0, 1], [0, 1, 1], 2)["precision"].tolist()
    [1.0, 0.5]
    """
    import pandas as pd

    if c < 1:
        raise InvalidInputError(f"c={c} must be at least 1, the number of classes")
    true, predicted = _known(labels, predictions, c, rows)
    samples, named = np.bincount(true, minlength=c), np.bincount(predicted, minlength=c)
    correct = np.bincount(true[true == predicted], minlength=c)
    right = len(true) - samples - named + 2 * correct
    shares = {
        name: np.divide(part, whole, out=np.full(c, np.nan), where=np.asarray(whole) > 0)
        for name, part, whole in (
            ("precision", correct, named),
            ("recall", correct, samples),
            ("accuracy", right, np.full(c, len(true))),
        )
    }
    counts = {"samples": samples, "predicted": named, "correct": correct}
    return pd.DataFrame({**counts, **shares}, index=pd.RangeIndex(c, name="label"))


@in_one_order("labels", "predictions")
def accuracy(labels: ArrayLike, predictions: ArrayLike, *, rows: ArrayLike | None = None) -> float:
    """Share of correct predictions, 0 … 1, among samples whose label and prediction are known.

    NaN if there are none. Errors are those of :func:`classification_report`. Time O(n), memory
    O(n).

    Parameters
    ----------
    labels, predictions : (n,) int arrays
        Class codes, −1 where unknown.
    rows : (k,) int array or (n,) bool mask, optional
        Only these samples.

    Examples
    --------
    >>> accuracy([0, 0, 1, -1], [0, 1, 1, 1], rows=[1, 2, 3])
    0.5
    """
    true, predicted = _known(labels, predictions, None, rows)
    return float((true == predicted).mean()) if len(true) else float("nan")


@in_one_order("labels", "predictions")
def confused_pairs(
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    rows: ArrayLike | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Pairs of a label and a different prediction, most frequent first.

    Parameters
    ----------
    labels, predictions : (n,) array of int
        0 or more; samples with −1 (unknown) in either are ignored.
    rows : (m,) array of int, or (n,) array of bool, optional
        Count only these samples.
    limit : int, optional
        Maximum number of pairs. Default: all.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``prediction``, ``count`` (int64) and ``share`` (float64, 0 … 1, of the
        samples with that label). Ties are sorted by label, then by prediction. Time O(n log n) and
        memory O(n) for any number of classes.

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> confused_pairs([0, 0, 0, 1], [0, 1, 1, 0]).values.tolist()
    [[0.0, 1.0, 2.0, 0.6666666666666666], [1.0, 0.0, 1.0, 1.0]]
    """
    import pandas as pd

    if limit is not None and limit < 0:
        raise InvalidInputError(f"limit={limit} must be 0 or more; pass None for all pairs")
    true, predicted = _known(labels, predictions, None, rows)
    classes, samples = np.unique(true, return_counts=True)
    wrong = np.flatnonzero(true != predicted)
    names, place = np.unique(predicted[wrong], return_inverse=True)
    # One number per pair: sorting numbers is many times faster than sorting pairs.
    pair = np.searchsorted(classes, true[wrong]) * len(names) + place.ravel()
    pairs, counts = np.unique(pair, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:limit]
    at_label, at_prediction = np.divmod(pairs[order], max(len(names), 1))
    label, prediction, count = classes[at_label], names[at_prediction], counts[order]
    share = count / samples[np.searchsorted(classes, label)]
    return pd.DataFrame({"label": label, "prediction": prediction, "count": count, "share": share})


def _known(
    labels: ArrayLike, predictions: ArrayLike, c: int | None, rows: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels and predictions of the samples that have both."""
    true = as_codes("labels", labels, c=c)
    predicted = as_codes("predictions", predictions, len(true), c)
    if rows is not None:
        chosen = as_rows("rows", rows, len(true), ids_of(labels))
        true, predicted = true[chosen], predicted[chosen]
    both = (true >= 0) & (predicted >= 0)
    return true[both], predicted[both]
