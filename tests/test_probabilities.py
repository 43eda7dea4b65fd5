"""Probabilities are recognised wherever logits are taken."""

from __future__ import annotations

import numpy as np
import pytest

from tsne_widget import FeatureSet
from tsne_widget.analysis import confidence, entropy, loss, margin, sample_frame
from tsne_widget.errors import DoubtWarning, InvalidInputError

N, C = 30, 10
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(N, C)) * 4
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
SIGMOID = 1 / (1 + np.exp(-LOGITS))


def record_of(**outputs):
    return FeatureSet.from_arrays(np.ones((N, 2)), **outputs)


def confidences(record):
    return sample_frame(record, range(N))["confidence"].to_numpy()


@pytest.mark.parametrize("name", ["logits", "probabilities"])
@pytest.mark.parametrize(
    ("values", "tolerance"),
    [
        (SOFTMAX, 1e-6),
        (SOFTMAX.astype(np.float16), 1e-3),
        (SOFTMAX.round(2), 0.05),
        (SOFTMAX.tolist(), 1e-6),
    ],
    ids=["float64", "float16", "two decimals", "lists"],
)
def test_rows_that_sum_to_one_are_probabilities(name, values, tolerance):
    record = record_of(**{name: values})
    np.testing.assert_allclose(confidences(record), SOFTMAX.max(axis=1), atol=tolerance)
    assert record.activation == "softmax"
    assert record.notes == ()


def test_the_constructor_and_one_hot_rows_are_recognised_too():
    one_hot = np.eye(C)[np.arange(N) % C]
    record = FeatureSet(np.ones((N, 2)), logits=one_hot)
    np.testing.assert_allclose(confidences(record), 1)
    assert record.predictions.tolist() == (np.arange(N) % C).tolist()


def test_percentages_and_logarithms_of_probabilities_are_recognised():
    for values in (100 * SOFTMAX, np.log(SOFTMAX)):
        np.testing.assert_allclose(
            confidences(record_of(logits=values)), SOFTMAX.max(axis=1), atol=1e-4
        )


def test_logits_stay_as_they_are():
    np.testing.assert_array_equal(record_of(logits=LOGITS).logits, LOGITS.astype(np.float32))
    small = SIGMOID[:3]
    np.testing.assert_array_equal(
        FeatureSet.from_arrays(np.ones((3, 2)), logits=small).logits, small.astype(np.float32)
    )


def test_an_activation_says_that_they_are_logits():
    record = record_of(logits=SOFTMAX, activation="softmax")
    np.testing.assert_array_equal(record.logits, SOFTMAX.astype(np.float32))


def test_the_confidence_of_sigmoids_is_the_sigmoid():
    record = record_of(probabilities=SIGMOID)
    assert record.activation == "sigmoid"
    assert record.notes == ()
    np.testing.assert_allclose(confidences(record), SIGMOID.max(axis=1), atol=1e-6)
    np.testing.assert_array_equal(record.predictions, SIGMOID.argmax(axis=1))


def test_sigmoids_passed_as_logits_are_recognised_with_a_doubt():
    with pytest.warns(DoubtWarning, match=r"do not sum to 1.*probabilities="):
        record = record_of(logits=SIGMOID)
    np.testing.assert_allclose(confidences(record), SIGMOID.max(axis=1), atol=1e-6)


def test_certain_sigmoids_are_finite_and_certain():
    certain = np.where(SIGMOID > 0.5, 1.0, 0.0)
    np.testing.assert_allclose(confidences(record_of(probabilities=certain)), certain.max(axis=1))


@pytest.mark.parametrize("name", ["logits", "probabilities"])
@pytest.mark.parametrize("shape", [(N, 1), (N,)])
def test_a_single_column_within_the_unit_is_the_probability_of_class_one(name, shape):
    p = RNG.uniform(size=shape)
    record = record_of(**{name: p}, class_names=["no", "yes"])
    np.testing.assert_allclose(confidences(record), np.maximum(p, 1 - p).reshape(N), atol=1e-6)
    assert record.predictions.tolist() == (p > 0.5).astype(int).reshape(N).tolist()


def test_a_single_column_of_logits_is_that_of_class_one():
    z = RNG.normal(size=(N, 1)) * 4
    record = record_of(logits=z, class_names=["no", "yes"])
    np.testing.assert_allclose(confidences(record), 1 / (1 + np.exp(-np.abs(z[:, 0]))), atol=1e-6)


def test_probabilities_outside_the_unit_are_refused():
    with pytest.raises(InvalidInputError, match=r"0 … 1, got .*; pass raw outputs as logits="):
        record_of(probabilities=LOGITS)
    with pytest.raises(InvalidInputError, match="not both"):
        record_of(probabilities=SOFTMAX, logits=LOGITS)
    with pytest.raises(InvalidInputError, match="activation='relu' must be one of"):
        record_of(logits=LOGITS, activation="relu")


def test_the_activation_is_saved_and_kept_by_subsets(tmp_path):
    record = record_of(probabilities=SIGMOID)
    record.save(tmp_path / "record")
    for other in (FeatureSet.load(tmp_path / "record"), record.take([3, 1])):
        assert other.activation == "sigmoid"
    assert FeatureSet.load(tmp_path / "record").logits.tolist() == record.logits.tolist()


def test_scores_of_sigmoids_are_those_of_independent_probabilities():
    labels = RNG.integers(0, C, N)
    ordered = np.sort(SIGMOID, axis=1)
    is_label = np.eye(C, dtype=bool)[labels]
    of_label = -np.log(np.where(is_label, SIGMOID, 1 - SIGMOID)).sum(axis=1)
    spread = -(SIGMOID * np.log(SIGMOID) + (1 - SIGMOID) * np.log(1 - SIGMOID)).sum(axis=1)
    np.testing.assert_allclose(confidence(LOGITS, "sigmoid"), ordered[:, -1], atol=1e-6)
    np.testing.assert_allclose(
        margin(LOGITS, "sigmoid"), ordered[:, -1] - ordered[:, -2], atol=1e-6
    )
    np.testing.assert_allclose(entropy(LOGITS, "sigmoid"), spread, rtol=1e-5)
    np.testing.assert_allclose(loss(LOGITS, labels, "sigmoid"), of_label, rtol=1e-5)
    assert np.isfinite(loss([[1000.0, -1000.0]], [1], "sigmoid")).all()
