import numpy as np
import pandas as pd
import pytest

from tsne_widget import FeatureSet
from tsne_widget.analysis import sample_frame
from tsne_widget.errors import InvalidInputError

SCORES = {
    "suspicion": np.array([0.5, np.nan, 2.0]),
    "duplicate_of": np.array([-1, 4, 4]),
    "outlier": np.array([True, False, True]),
}


@pytest.fixture
def record():
    return FeatureSet.from_arrays(np.eye(3), ["a", "b", "a"])


def test_scores_stand_after_the_other_columns_and_before_the_features(record):
    plain = sample_frame(record, [0, 1, 2])
    frame = sample_frame(record, [0, 1, 2], features=True, scores=SCORES)
    assert frame.columns.tolist() == [*plain.columns, *SCORES, "f0", "f1", "f2"]
    pd.testing.assert_frame_equal(frame[plain.columns], plain)


def test_scores_follow_the_rows_and_know_what_is_missing(record):
    frame = sample_frame(record, [2, 0], scores=SCORES)
    assert frame["suspicion"].tolist() == [2, 0.5]
    assert frame["duplicate_of"].tolist() == [4, pd.NA]
    assert frame["outlier"].tolist() == [True, True]
    assert frame.loc[2, "suspicion"] == 2


@pytest.mark.parametrize("rows", [[0, 1], []])
def test_dtypes_of_scores_do_not_depend_on_the_rows(record, rows):
    frame = sample_frame(record, rows, scores=SCORES)
    assert [str(frame[name].dtype) for name in SCORES] == ["float32", "Int64", "boolean"]


def test_scores_are_copied(record):
    values = np.zeros(3, np.float32)
    frame = sample_frame(record, [0, 1, 2], scores={"score": values})
    frame.loc[:, "score"] = 9
    assert (values == 0).all()


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"label": np.zeros(3)}, "scores cannot be called 'label'"),
        ({"f1": np.zeros(3)}, "scores cannot be called 'f1'"),
        ({"score": np.zeros(2)}, r"scores\['score'\] must be .* shape \(3,\).*got shape \(2,\)"),
        ({"score": np.array(["a", "b", "c"])}, "must be an array of numbers"),
    ],
)
def test_scores_of_other_samples_or_names_in_use_are_refused(record, scores, message):
    with pytest.raises(InvalidInputError, match=message):
        sample_frame(record, [0], features=True, scores=scores)
