"""Diagnosis: numbers compared with a slow reference, sentences with planted faults."""

import numpy as np
import pytest

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.analysis import (
    Scores,
    describe_layer,
    diagnose,
    diagnosis_seconds,
    label_suspicion,
    layer_summary,
)
from tsne_widget.analysis.trust import faithfulness

N, C = 300, 3
LABELS = np.arange(N) % C
PLANTED = np.arange(0, 30, 3)  # truly class 0, labelled 1
FAR = np.arange(100, 103)  # far from everything
TWINS = np.array([200, 203])  # the same sample twice


@pytest.fixture(scope="module")
def record():
    rng = np.random.default_rng(1)
    features = np.eye(8)[LABELS] * 8 + rng.normal(size=(N, 8))
    features[FAR] = rng.normal(size=(3, 8)) * 40
    features[TWINS[1]] = features[TWINS[0]] + 1e-4
    logits = features[:, :C] * 2
    labels = LABELS.copy()
    labels[PLANTED] = 1
    return FeatureSet.from_arrays(features, labels, logits=logits)


@pytest.fixture(scope="module")
def embedding(record):
    """A map of two of the eight directions: classes are faithful, their interior is not."""
    return np.ascontiguousarray(record.features[:, :2])


@pytest.fixture(scope="module")
def scores(record, embedding):
    columns = Scores(record)
    columns.use_embedding(embedding)
    return columns


def finding(diagnosis, title):
    return next(found for found in diagnosis.findings if found.title == title)


def test_mistakes_are_divided_between_labels_and_model(record, scores):
    mistakes = np.setdiff1d(np.flatnonzero(record.misclassified), PLANTED[:2])  # not all of them
    suspicion = label_suspicion(record.logits, record.labels, record.features)
    label = sum(1 - np.exp(-float(suspicion[row])) > 0.5 for row in mistakes)
    assert set(PLANTED[2:]) <= set(mistakes)
    assert label >= 6
    model = len(mistakes) - label
    rows = np.r_[mistakes, 250:260]
    assert not record.misclassified[250:260].any()
    assert diagnose(scores, rows).fault == (
        f"Of {label + model} errors, {model} look like model mistakes, {label} like wrong labels."
        if model
        else f"All {label} errors look like wrong labels."
    )
    right = np.flatnonzero(~record.misclassified)
    assert diagnose(scores, right).fault == "No selected sample is misclassified."


def test_counts_are_given_for_the_selection_and_for_all(record, scores):
    rows = np.r_[PLANTED, 40:60]
    found = diagnose(scores, rows)
    wrong = [bool(record.labels[row] != record.predictions[row]) for row in range(N)]
    misclassified = finding(found, "Misclassified")
    assert misclassified.counted == sum(wrong[row] for row in rows)
    assert misclassified.selected == pytest.approx(misclassified.counted / len(rows))
    assert misclassified.whole == pytest.approx(sum(wrong) / N)
    weights = np.exp(record.logits - record.logits.max(axis=1, keepdims=True))
    confidences = weights / weights.sum(axis=1, keepdims=True)
    mean = finding(found, "Mean confidence")
    assert mean.counted is None
    assert mean.selected == pytest.approx(confidences.max(axis=1)[rows].mean(), rel=1e-4)


def test_planted_outliers_and_twins_are_found(scores):
    assert finding(diagnose(scores, FAR), "Outliers").counted == 3
    assert finding(diagnose(scores, TWINS), "Near-duplicates").counted == 2
    assert finding(diagnose(scores, np.arange(40, 60)), "Near-duplicates").counted == 0


def test_numbers_of_all_are_restricted_by_among(record, scores):
    among = record.labels == 1
    found = diagnose(scores, np.arange(10), among)
    expected = record.misclassified[among].mean()
    assert finding(found, "Misclassified").whole == pytest.approx(expected)


def test_separate_class_is_strongly_clustered_and_random_rows_are_not(scores):
    assert diagnose(scores, np.flatnonzero(LABELS == 2)).cluster.endswith("strongly clustered.")
    random = np.random.default_rng(0).choice(N, 30, replace=False)
    assert "not clustered" in diagnose(scores, random).cluster


def test_faithfulness_is_measured_on_the_selection(record, embedding, scores):
    rows = np.arange(60, 120)
    found = diagnose(scores, rows)
    true = faithfulness(record.features, embedding, 15, rows=rows)
    trust, continuity = finding(found, "Trustworthiness"), finding(found, "Continuity")
    assert trust.selected == pytest.approx(true.trustworthiness.mean(), abs=1e-5)
    assert continuity.selected == pytest.approx(true.continuity.mean(), abs=1e-5)
    assert f"{trust.selected:.2f} ({trust.whole:.2f} overall)" in found.faith


def test_kept_scores_equal_measured_ones(record, embedding):
    measured, ready = Scores(record), Scores(record)
    for columns in (measured, ready):
        columns.use_embedding(embedding)
    ready["trustworthiness"]
    rows = np.arange(50)
    first, second = (diagnose(columns, rows).faith for columns in (measured, ready))
    assert first == second != ""


def test_random_map_is_not_reliable(record):
    columns = Scores(record)
    columns.use_embedding(np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32))
    assert diagnose(columns, np.arange(50)).faith.startswith("Many neighbours ")
    assert "reliable" not in diagnose(columns, np.arange(50)).faith


def test_missing_inputs_are_named_and_the_rest_is_computed(record):
    bare = diagnose(Scores(FeatureSet.from_arrays(record.features)), FAR)
    lacking = {found.title: found.lacking for found in bare.findings}
    assert lacking == {
        "Misclassified": "needs labels and predictions",
        "Suspected label errors": "needs labels",
        "Mean confidence": "needs logits",
        "Outliers": "",
        "Near-duplicates": "",
        "Trustworthiness": "needs the finished map",
        "Continuity": "needs the finished map",
    }
    assert finding(bare, "Outliers").counted == 3
    assert (bare.fault, bare.faith) == ("", "")


def test_dead_layer_is_reported_as_the_reason():
    constant = Scores(FeatureSet.from_arrays(np.ones((20, 2)), np.arange(20) % 2))
    assert "constant over 20 samples" in finding(diagnose(constant, [0]), "Outliers").lacking
    assert "constant over 20 samples" in describe_layer(constant)


def test_empty_selection_has_only_numbers_of_all(record, scores):
    nothing = diagnose(scores, [])
    assert str(nothing) == ""
    assert finding(nothing, "Misclassified").counted == 0
    assert np.isnan(finding(nothing, "Misclassified").selected)
    assert finding(nothing, "Misclassified").whole == pytest.approx(record.misclassified.mean())


def test_layer_description_is_its_summary(record, scores):
    summary = layer_summary(record.features, record.labels, k=15)
    assert describe_layer(scores) == f"{summary}."


def test_diagnosis_takes_no_time_once_scores_are_kept(record):
    fresh = Scores(record)
    assert diagnosis_seconds(fresh) > 0
    diagnose(fresh, [0, 1])
    assert diagnosis_seconds(fresh) == 0


@pytest.mark.parametrize("arguments", [([N],), (np.ones(N - 1, bool),), ([0], np.ones(3, bool))])
def test_rows_outside_the_record_are_refused(scores, arguments):
    with pytest.raises(InvalidInputError):
        diagnose(scores, *arguments)
