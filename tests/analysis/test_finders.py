"""Finders, each compared with a slow reference."""

from collections import Counter

import numpy as np
import pytest

from tsne_widget import FeatureSet, InvalidInputError, analysis
from tsne_widget.analysis import (
    FINDER_NAMES,
    FINDERS,
    Scores,
    finder_is_ready,
    finder_lacks,
    finder_rows,
)

N, C = 240, 4
OF_PICTURES = {"duplicates", "near_duplicates", "darkest", "brightest", "blurriest", "odd_sizes"}


@pytest.fixture(scope="module")
def record():
    rng = np.random.default_rng(3)
    labels = np.arange(N) % C
    features = np.eye(C)[labels] * 4 + rng.normal(size=(N, C))
    logits = features * 1.5 + rng.normal(size=(N, C))
    labels[::17] = (labels[::17] + 1) % C  # wrong labels
    labels[5] = -1
    return FeatureSet.from_arrays(features, labels, logits=logits)


@pytest.fixture(scope="module")
def scores(record):
    columns = Scores(record)
    columns.use_embedding(np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32))
    return columns


VISIBLE = np.arange(N) % 5 != 0


def mistakes(record):
    return [
        row
        for row in range(N)
        if record.labels[row] >= 0 and record.labels[row] != record.predictions[row]
    ]


def confidence_of(record, row):
    weights = np.exp(record.logits[row].astype(float))
    return weights.max() / weights.sum()


def test_misclassified_rows_have_a_prediction_that_differs_from_the_label(record, scores):
    assert finder_rows("misclassified", scores).tolist() == mistakes(record)


def test_confident_mistakes_are_misclassified_samples_by_descending_confidence(record, scores):
    ranked = sorted(mistakes(record), key=lambda row: -confidence_of(record, row))
    assert len(ranked) > 7
    assert finder_rows("confident_mistakes", scores, limit=7).tolist() == ranked[:7]


def test_least_confident_samples_have_the_smallest_maximum_probability(record, scores):
    ranked = sorted(range(N), key=lambda row: confidence_of(record, row))
    assert finder_rows("least_confident", scores).tolist() == ranked[:50]


def test_a_sample_is_in_another_cluster_if_most_of_its_nearest_have_another_label(record, scores):
    expected = []
    for row in range(N):
        if record.labels[row] < 0:
            continue
        distances = np.linalg.norm(record.features - record.features[row], axis=1)
        distances[row] = np.inf
        near = record.labels[np.argsort(distances)[:15]]
        votes = Counter(near[near >= 0].tolist())
        most = max(votes.values())
        winner = next(code for code in near if votes[code] == most)
        if winner != record.labels[row]:
            expected.append(row)
    assert len(expected) > 5
    assert finder_rows("other_cluster", scores).tolist() == expected


def test_labels_more_probably_wrong_than_right_are_found_the_most_suspect_first(record, scores):
    suspicion = analysis.label_suspicion(record.logits, record.labels, record.features)
    ranked = sorted(np.flatnonzero(record.labels >= 0), key=lambda row: -suspicion[row])
    suspect = [row for row in ranked if np.exp(-suspicion[row]) < 0.5]
    assert 5 < len(suspect) < 50
    assert finder_rows("suspected_labels", scores).tolist() == suspect
    assert finder_rows("suspected_labels", scores, limit=5).tolist() == suspect[:5]
    planted = set(range(0, N, 17))
    assert len(planted & set(ranked[: len(planted)])) > 0.8 * len(planted)


@pytest.mark.parametrize(
    ("name", "score", "sign"), [("outliers", "outlier_score", -1), ("torn", "trustworthiness", 1)]
)
def test_the_extreme_samples_of_a_score_come_first(scores, name, score, sign):
    ranked = sorted(range(N), key=lambda row: sign * scores[score][row])
    assert finder_rows(name, scores, limit=20).tolist() == ranked[:20]


@pytest.mark.parametrize("name", sorted({*FINDER_NAMES} - OF_PICTURES - {"label_conflicts"}))
def test_hidden_samples_are_not_found(scores, name):
    everywhere = finder_rows(name, scores, limit=N)
    expected = [row for row in everywhere if VISIBLE[row]]
    assert finder_rows(name, scores, VISIBLE, limit=N).tolist() == expected
    assert finder_rows(name, scores, np.zeros(N, dtype=bool)).tolist() == []


def test_finder_with_missing_inputs_names_them():
    bare = Scores(FeatureSet.from_arrays(np.eye(4)))
    lacking = {finder.name: finder_lacks(finder.name, bare) for finder in FINDERS}
    assert lacking == {
        "misclassified": "needs labels and predictions",
        "confident_mistakes": "needs labels and predictions and logits",
        "least_confident": "needs logits",
        "other_cluster": "needs labels",
        "suspected_labels": "needs labels",
        "outliers": "",
        "torn": "needs the finished map",
        "label_conflicts": "needs pictures and labels",
        **dict.fromkeys(OF_PICTURES, "needs pictures"),
    }
    with pytest.raises(InvalidInputError, match="'least_confident' needs logits"):
        finder_rows("least_confident", bare)


def test_predictions_without_logits_are_enough():
    given = Scores(FeatureSet.from_arrays(np.eye(4), [0, 1, 0, 1], predictions=[0, 0, 0, 1]))
    assert finder_rows("misclassified", given).tolist() == [1]
    assert finder_lacks("confident_mistakes", given) == "needs logits"


def test_finder_is_ready_once_its_scores_are_computed(record):
    fresh = Scores(record)
    assert finder_is_ready("misclassified", fresh)
    for name in ("other_cluster", "confident_mistakes"):
        assert not finder_is_ready(name, fresh)
        finder_rows(name, fresh)
        assert finder_is_ready(name, fresh)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("nearest",), {}, "no finder 'nearest'.*; available: .'label_conflicts'"),
        (
            ("misclassified", np.ones(N - 1, bool)),
            {},
            r"visible must be .* \(240,\)",
        ),
        (("misclassified", np.ones(N)), {}, "visible must be a bool array"),
        (("outliers",), {"limit": 0}, "limit=0"),
    ],
)
def test_wrong_arguments_are_refused(scores, arguments, options, message):
    name, *visible = arguments
    with pytest.raises(InvalidInputError, match=message):
        finder_rows(name, scores, *visible, **options)
