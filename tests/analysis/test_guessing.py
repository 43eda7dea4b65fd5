"""Whether a classifier does worse than naming the most frequent class."""

import numpy as np
import pytest
from scipy.stats import binomtest

from tsne_widget.analysis.guessing import MIN_SAMPLES, SIGNIFICANCE, better_guess

LABELS = np.repeat([0, 1, 2], [60, 30, 30])


def predictions(right):
    """Predictions of which exactly the first ones are right."""
    return np.where(np.arange(len(LABELS)) < right, LABELS, (LABELS + 1) % 3)


@pytest.mark.parametrize("right", range(30, 61, 2))
def test_a_one_sided_binomial_test_decides(right):
    p = binomtest(right, len(LABELS), 0.5, alternative="less").pvalue
    assert (better_guess(LABELS, predictions(right)) is not None) == (p < SIGNIFICANCE)


def test_the_guess_names_the_most_frequent_label():
    found = better_guess(LABELS, predictions(12))
    assert found == (0, 0.5, 0.1, 120)


@pytest.mark.parametrize("seed", range(20))
def test_a_model_that_knows_nothing_is_no_worse_than_the_guess(seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(2000) % 10
    assert better_guess(labels, rng.integers(0, 10, 2000)) is None


def test_few_samples_and_a_single_label_decide_nothing():
    few = np.arange(MIN_SAMPLES - 1) % 2
    assert better_guess(few, 1 - few) is None
    assert better_guess(np.zeros(500, dtype=int), np.ones(500, dtype=int)) is None


def test_unknown_labels_and_predictions_do_not_count():
    unknown = np.full(100, -1)
    labels = np.r_[LABELS, unknown, LABELS]
    predicted = np.r_[predictions(12), LABELS[:100], np.full(120, -1)]
    assert better_guess(labels, predicted).samples == 120
