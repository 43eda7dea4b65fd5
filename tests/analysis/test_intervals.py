import numpy as np
import pytest

from tsne_widget.analysis import accuracy_table, difference_interval, wilson_interval
from tsne_widget.errors import InvalidInputError

# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
PUBLISHED = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("right", "samples", "low", "high"), PUBLISHED)
def test_wilson_interval_equals_the_published_one(right, samples, low, high):
    found = wilson_interval(right, samples)
    np.testing.assert_allclose(found, (low, high), atol=5e-5)


def test_an_interval_contains_shares_of_0_and_1():
    low, high = wilson_interval([0, 7], [7, 7])
    assert low[0] == 0
    assert high[1] == 1


def test_no_samples_have_no_interval():
    assert np.isnan(wilson_interval(0, 0)).all()


def test_counts_out_of_range_are_refused():
    with pytest.raises(InvalidInputError, match="right must be 0 … samples"):
        wilson_interval(3, 2)


# Newcombe 1998, "Interval estimation for the difference", table II, method 10.
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
    ],
)
def test_interval_of_a_difference_equals_the_published_one(counts, low, high):
    np.testing.assert_allclose(difference_interval(*counts), (low, high), atol=5e-5)


def test_each_part_is_compared_with_the_rest():
    labels, predictions = [0, 0, 1, 1, -1, 1], [0, 1, 1, 1, 1, -1]
    table = accuracy_table(
        labels, predictions, {"night": [0, 1, 4], "day": [False, False, True, True, False, False]}
    )
    assert table["samples"].tolist() == [2, 2]
    assert table["correct"].tolist() == [1, 2]
    assert table["rest_samples"].tolist() == [2, 2]
    assert table["rest_accuracy"].tolist() == [1, 0.5]
    assert table["difference"].tolist() == [-0.5, 0.5]
    assert table.loc["night", "low"] == pytest.approx(float(wilson_interval(1, 2)[0]))


def test_a_part_without_samples_has_no_accuracy():
    table = accuracy_table([0, -1], [0, 0], {"unlabelled": [1]})
    assert np.isnan(table.loc["unlabelled", "accuracy"])
    assert np.isnan(table.loc["unlabelled", "difference_low"])


def test_a_part_is_a_set_of_rows():
    assert accuracy_table([0, 0], [0, 0], {"twice": [0, 0]})["samples"].tolist() == [1]
