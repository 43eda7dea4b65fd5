import numpy as np
import pytest

from tsne_widget.analysis import (
    calibrated_confidence,
    confidence,
    label_rank,
    reliability,
    top_k_accuracy,
)
from tsne_widget.errors import InvalidInputError


def draws(temperature, n=4000, c=5, seed=0):
    """Logits of a model whose probabilities are right once divided by a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, c)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    return (logits * temperature).astype(np.float32), labels


def test_calibration_error_equals_the_one_computed_by_hand():
    sure = [0.9, 0.6, 0.8, 0.7, 0.95, 0.65]
    right = [True, False, False, True, True, True]
    # Bins {.6, .65, .7} and {.8, .9, .95}: promised .65 and .8833, kept 2/3 and 2/3.
    found = reliability(sure, right, bins=2)
    np.testing.assert_allclose(found.promised, [0.65, 2.65 / 3])
    np.testing.assert_allclose(found.kept, [2 / 3, 2 / 3])
    assert found.error == pytest.approx((abs(0.65 - 2 / 3) + abs(2.65 / 3 - 2 / 3)) / 2)
    np.testing.assert_array_equal(found.low, [0.6, 0.8])
    np.testing.assert_array_equal(found.high, [0.7, 0.95])


def test_bins_weigh_by_their_number_of_samples():
    # 5 in 2 bins: {.5, .5, .5} and {1, 1}.
    found = reliability([0.5, 0.5, 0.5, 1.0, 1.0], [True, True, True, True, True], bins=2)
    assert found.samples.tolist() == [3, 2]
    assert found.error == pytest.approx(3 / 5 * 0.5)


def test_equal_confidences_are_never_divided():
    found = reliability(np.ones(100), np.arange(100) < 70, bins=10)
    assert found.samples.tolist() == [100]
    assert found.error == pytest.approx(0.3)


def test_bins_have_equally_many_samples():
    sure = np.random.default_rng(0).random(1003)
    found = reliability(sure, np.ones(1003, bool), bins=10)
    assert set(found.samples.tolist()) == {100, 101}


def test_unknown_confidences_are_ignored():
    found = reliability([np.nan, 0.5], [True, True])
    assert found.samples.tolist() == [1]


def test_no_sample_has_no_error():
    found = reliability([], np.empty(0, bool))
    assert np.isnan(found.error)
    assert len(found.samples) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.5]], [True]), "confidence must be an"),
        (([0.5], [1]), "correct must be an array of bool"),
        (([0.5], [True, False]), "correct must have 1 rows"),
        (([0.5], [True], 0), "bins=0 must be at least 1"),
    ],
)
def test_bad_reliability_arguments_are_named(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        reliability(*arguments)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_a_distorted_model_is_found(temperature):
    logits, labels = draws(temperature)
    assert calibrated_confidence(logits, labels).temperature == pytest.approx(temperature, rel=0.1)


def test_the_temperature_lowers_the_calibration_error_of_a_model_that_is_too_sure():
    logits, labels = draws(3.0)
    right = logits.argmax(axis=1) == labels
    before = reliability(confidence(logits), right).error
    after = reliability(calibrated_confidence(logits, labels).confidence, right).error
    assert before > 0.15
    assert after < 0.03


def test_unknown_labels_get_a_calibrated_confidence():
    logits, labels = draws(3.0, n=400)
    labels[:50] = -1
    found = calibrated_confidence(logits, labels).confidence
    assert (found[:50] < confidence(logits)[:50]).all()


def test_the_calibrated_confidence_does_not_depend_on_the_blocks(monkeypatch):
    logits, labels = draws(2.0, n=300)
    expected = calibrated_confidence(logits, labels).confidence
    monkeypatch.setattr("tsne_widget.analysis.calibration._BLOCK_BYTES", 8 * 5 * 7)
    np.testing.assert_array_equal(calibrated_confidence(logits, labels).confidence, expected)


# ---- the rank of the label ----


def test_the_rank_counts_the_more_probable_classes():
    assert label_rank([[0.1, 3.0, 2.0]] * 3, [1, 2, 0]).tolist() == [1, 2, 3]


def test_of_equal_logits_the_first_class_is_predicted():
    assert label_rank(np.zeros((3, 3)), [0, 1, 2]).tolist() == [1, 2, 3]


def test_an_unknown_label_has_no_rank():
    assert np.isnan(label_rank([[1.0, 2.0]], [-1])[0])


def test_the_rank_does_not_depend_on_the_blocks(monkeypatch):
    logits, labels = draws(1.0, n=100)
    expected = label_rank(logits, labels)
    monkeypatch.setattr("tsne_widget.analysis.certainty._BLOCK_BYTES", 8 * 5 * 7)
    np.testing.assert_array_equal(label_rank(logits, labels), expected)


def test_top_k_accuracy_is_the_share_of_ranks_up_to_k():
    logits, labels = [[3.0, 2.0, 1.0]] * 4, [0, 1, 2, -1]
    assert [top_k_accuracy(logits, labels, k) for k in (1, 2, 3)] == pytest.approx(
        [1 / 3, 2 / 3, 1]
    )


def test_top_k_accuracy_needs_a_positive_k():
    with pytest.raises(InvalidInputError, match="k=0 must be at least 1"):
        top_k_accuracy([[1.0]], [0], 0)
