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
def record():
    rng = np.random.default_rng(1)
    features = np.eye(8)[TRUE] * 8 + rng.normal(size=(N, 8))
    labels, predictions = TRUE.copy(), TRUE.copy()
    labels[MISLABELLED] = 1
    features[FAR] = rng.normal(size=(2, 8)) * 40
    features[TWINS[1]] = features[TWINS[0]] + 1e-4
    labels[TWINS] = [1, 2]
    predictions[TWINS] = [2, 2]
    predictions[[*FAR, 250]] = (TRUE[[*FAR, 250]] + 1) % C
    logits = np.eye(C)[predictions] * 3 + rng.normal(size=(N, C)) / 4
    return FeatureSet.from_arrays(features, labels, logits=logits)


def rows_by_name(record, rows):
    return {cause.name: set(cause.rows.tolist()) for cause in causes(Scores(record), rows)}


def test_planted_mistakes_have_their_cause(record):
    found = rows_by_name(record, np.arange(N))
    assert found["label"] >= set(MISLABELLED.tolist())
    assert found["outlier"] <= set(FAR.tolist())
    assert 200 in found["twin"] | found["label"]
    assert 250 in found["model"] | found["label"]


def test_each_mistake_of_the_selection_has_one_cause(record):
    rows = np.r_[MISLABELLED[:4], FAR, 200:260]
    found = causes(Scores(record), rows)
    every = np.concatenate([cause.rows for cause in found])
    assert sorted(every) == [row for row in rows if record.misclassified[row]]


def test_missing_inputs_leave_the_mistakes_to_the_model():
    record = FeatureSet.from_arrays(np.ones((20, 2)), np.arange(20) % 2, predictions=[0] * 20)
    found = rows_by_name(record, np.arange(20))
    assert found["model"] == set(range(1, 20, 2))
    bare = FeatureSet.from_arrays(np.eye(4))
    assert all(not rows for rows in rows_by_name(bare, [0, 1]).values())


def test_rows_outside_the_record_are_refused(record):
    with pytest.raises(InvalidInputError):
        causes(Scores(record), [N])
