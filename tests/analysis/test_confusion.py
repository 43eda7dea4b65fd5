import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn import metrics

from tsne_widget.analysis import (
    accuracy,
    classification_report,
    confused_pairs,
    confusion_matrix,
    row_shares,
)
from tsne_widget.errors import InvalidInputError


@st.composite
def judged(draw):
    """(labels, predictions, c) with some unknown codes."""
    c, n = draw(st.integers(1, 6)), draw(st.integers(0, 30))
    codes = npst.arrays(np.int64, n, elements=st.integers(-1, c - 1))
    return draw(codes), draw(codes), c


def counted(labels, predictions, c):
    """Slow reference: a loop over the samples."""
    counts = np.zeros((c, c), dtype=int)
    for label, prediction in zip(labels, predictions, strict=True):
        if label >= 0 and prediction >= 0:
            counts[label, prediction] += 1
    return counts


@settings(max_examples=150, deadline=None)
@given(judged())
def test_each_sample_with_label_and_prediction_counts_once(case):
    labels, predictions, c = case
    counts = confusion_matrix(labels, predictions, c)
    np.testing.assert_array_equal(counts, counted(labels, predictions, c))
    assert counts.dtype == np.int64


@settings(max_examples=100, deadline=None)
@given(judged(), st.randoms(use_true_random=False))
def test_neither_order_nor_a_split_of_the_samples_changes_the_counts(case, random):
    labels, predictions, c = case
    order = list(range(len(labels)))
    random.shuffle(order)
    whole = confusion_matrix(labels, predictions, c)
    np.testing.assert_array_equal(
        confusion_matrix(labels[order], predictions[order], c) if order else whole, whole
    )
    half = np.arange(len(labels)) % 2 == 0
    parts = [confusion_matrix(labels, predictions, c, rows=part) for part in (half, ~half)]
    np.testing.assert_array_equal(parts[0] + parts[1], whole)


@settings(max_examples=100, deadline=None)
@given(judged())
def test_precision_and_recall_are_those_of_scikit_learn(case):
    labels, predictions, c = case
    known = (labels >= 0) & (predictions >= 0)
    report = classification_report(labels, predictions, c)
    if known.any():
        precision, recall, _, samples = metrics.precision_recall_fscore_support(
            labels[known], predictions[known], labels=range(c), zero_division=np.nan
        )
        np.testing.assert_allclose(report["precision"], precision)
        np.testing.assert_allclose(report["recall"], recall)
        np.testing.assert_array_equal(report["samples"], samples)
        same = (labels[known, None] == range(c)) == (predictions[known, None] == range(c))
        np.testing.assert_allclose(report["accuracy"], same.mean(axis=0))
        assert accuracy(labels, predictions) == (labels == predictions)[known].mean()
    else:
        assert report[["precision", "recall", "accuracy"]].isna().all(axis=None)
        assert np.isnan(accuracy(labels, predictions))


@settings(max_examples=100, deadline=None)
@given(judged())
def test_pairs_are_the_off_diagonal_cells_largest_first(case):
    labels, predictions, c = case
    table = confused_pairs(labels, predictions)
    counts, shares = counted(labels, predictions, c), row_shares(counted(labels, predictions, c))
    cells = [(i, j) for i in range(c) for j in range(c) if i != j and counts[i, j]]
    cells.sort(key=lambda cell: (-counts[cell], cell))
    assert list(zip(table["label"], table["prediction"], strict=True)) == cells
    np.testing.assert_array_equal(table["count"], [counts[cell] for cell in cells])
    np.testing.assert_allclose(table["share"], [shares[cell] for cell in cells])
    assert len(confused_pairs(labels, predictions, limit=2)) == min(2, len(cells))
    assert table.dtypes.tolist() == [np.int64, np.int64, np.int64, np.float64]


def test_shares_are_per_row_and_nan_for_empty_rows():
    np.testing.assert_array_equal(row_shares([[3, 1], [0, 0]]), [[0.75, 0.25], [np.nan, np.nan]])


def test_rows_restrict_the_counts():
    labels, predictions = [0, 0, 1, 1], [0, 1, 1, 0]
    np.testing.assert_array_equal(
        confusion_matrix(labels, predictions, 2, rows=[1, 2]), [[0, 1], [0, 1]]
    )
    assert classification_report(labels, predictions, 2, rows=[0, 2])["recall"].tolist() == [1, 1]
    assert accuracy(labels, predictions, rows=[True, True, True, False]) == pytest.approx(2 / 3)
    assert confused_pairs(labels, predictions, rows=[]).empty


def test_confusion_matrix_counts_a_thousand_classes():
    random = np.random.default_rng(0)
    labels, predictions = random.integers(0, 1000, (2, 50_000))
    expected = metrics.confusion_matrix(labels, predictions, labels=range(1000))
    np.testing.assert_array_equal(confusion_matrix(labels, predictions, 1000), expected)
    table = confused_pairs(labels, predictions, limit=1)
    np.fill_diagonal(expected, 0)
    assert table.loc[0, "count"] == expected.max()


def test_too_many_classes_for_a_matrix_are_refused():
    with pytest.raises(InvalidInputError, match=r"c=1000000 must be 1 … 2000; .*confused_pairs"):
        confusion_matrix([0], [999_999], 1_000_000)
    assert confused_pairs([0], [999_999]).values.tolist() == [[0, 999_999, 1, 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 2], [0, 0], 2), r"labels must be 0 … 1.*got 0 … 2"),
        (([0, 1], [0, -2], 2), r"predictions must be 0 … 1.*got -2 … 0"),
        (([0, 1], [0], 2), "predictions must have 2 rows, got 1"),
        (([0.5], [0], 2), r"labels must be .* integers"),
        (([[0]], [0], 2), r"labels must be an \(n,\) array.*shape \(1, 1\)"),
        (([], [], 0), r"c=0 must be"),
    ],
)
def test_wrong_codes_are_refused(arguments, message):
    for function in (confusion_matrix, classification_report):
        with pytest.raises(InvalidInputError, match=message):
            function(*arguments)


def test_rows_out_of_range_are_refused():
    with pytest.raises(InvalidInputError, match=r"rows must be 0 … 1, got 2 … 2"):
        accuracy([0, 1], [0, 1], rows=[2])
    with pytest.raises(InvalidInputError, match="limit=-1 must be 0 or more"):
        confused_pairs([0], [1], limit=-1)
