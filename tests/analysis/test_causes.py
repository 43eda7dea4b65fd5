"""Causes of mistakes, with planted ones."""

import numpy as np
import pytest

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.analysis import Scores
from tsne_widget.analysis.causes import causes

N, C = 300, 3
TRUE = np.arange(N) % C
MISLABELLED = np.arange(0, 30, 3)  # truly class 0, labelled 1
FAR = np.array([100, 101])
TWINS = np.array([200, 201])  # almost the same sample, with two labels


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(1)
    features = np.eye(8)[TRUE] * 8 + rng.normal(size=(N, 8))
    features[FAR] = rng.normal(size=(2, 8)) * 40
    features[TWINS[1]] = features[TWINS[0]] + 1e-4
    labels, predictions = TRUE.copy(), TRUE.copy()
    labels[[*MISLABELLED, *TWINS]] = 1
    labels[TWINS[1]] = predictions[TWINS] = 2
    predictions[[*FAR, 250]] = (TRUE[[*FAR, 250]] + 1) % C
    columns = Scores(FeatureSet.from_arrays(features, labels, predictions=predictions))
    suspicion = np.zeros(N, dtype=np.float32)
    suspicion[MISLABELLED] = 2  # the label is wrong with a probability of 86 %
    columns.restore({"suspicion": suspicion})
    return columns


def rows_by_name(scores, rows):
    return {cause.name: cause.rows.tolist() for cause in causes(scores, rows)}


def test_planted_mistakes_have_their_cause(scores):
    assert rows_by_name(scores, np.arange(N)) == {
        "label": MISLABELLED.tolist(),
        "twin": [200],  # its twin is predicted right
        "outlier": FAR.tolist(),
        "model": [250],
    }


def test_each_mistake_of_the_selection_has_one_cause(scores):
    rows = np.r_[MISLABELLED[:4], FAR, 200:260]
    every = np.concatenate([cause.rows for cause in causes(scores, rows)])
    wrong = scores.feature_set.misclassified
    assert sorted(every) == sorted(row for row in rows if wrong[row])


def test_missing_inputs_leave_the_mistakes_to_the_model():
    record = FeatureSet.from_arrays(np.ones((20, 2)), np.arange(20) % 2, predictions=[0] * 20)
    found = rows_by_name(Scores(record), np.arange(20))
    assert found["model"] == list(range(1, 20, 2))
    bare = FeatureSet.from_arrays(np.eye(4))
    assert all(not rows for rows in rows_by_name(Scores(bare), [0, 1]).values())


def test_rows_outside_the_record_are_refused(scores):
    with pytest.raises(InvalidInputError):
        causes(scores, [N])
