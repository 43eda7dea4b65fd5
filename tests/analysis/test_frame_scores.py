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


def test_scores_come_after_other_columns_and_before_features(record):
    plain = sample_frame(record, [0, 1, 2], scores={})
    frame = sample_frame(record, [0, 1, 2], features=True, scores=SCORES)
    assert frame.columns.tolist() == [*plain.columns, *SCORES, "f0", "f1", "f2"]
    pd.testing.assert_frame_equal(frame[plain.columns], plain)


def test_scores_follow_the_rows_and_missing_values_are_na(record):
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


def test_score_given_as_none_is_a_column_of_nan(record):
    frame = sample_frame(record, [0, 1], scores={"suspicion": None})
    assert frame["suspicion"].dtype == np.float32
    assert frame["suspicion"].isna().all()


def test_given_confidence_replaces_the_computed_one(record):
    given = np.array([0.1, 0.2, 0.3], np.float32)
    frame = sample_frame(record, [2, 0], scores={"suspicion": None, "confidence": given})
    assert frame.columns.tolist() == [*sample_frame(record, [], scores={}).columns, "suspicion"]
    assert frame["confidence"].tolist() == [given[2], given[0]]


COLUMNS = {
    "age": np.array([-5, 0, 7]),
    "height": np.array([1.5, np.nan, 2]),
    "is_new": np.array([True, False, True]),
    "who": np.array(["=a", "b", "c"]),
    "author": np.array(["ann", None, "bob"], dtype=object),
    "mixed": np.array(["ann", 3, None], dtype=object),
    "when": np.array(["2026-01-01", "NaT", "2026-01-03"], dtype="M8[s]"),
    "count": np.array([1, 2, 2**63], dtype=np.uint64),
}


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 0], []])
def test_columns_keep_their_values_and_their_dtypes_for_any_rows(record, rows):
    frame = sample_frame(record, rows, scores={"suspicion": None}, columns=COLUMNS)
    assert frame.columns.tolist()[-9:] == ["suspicion", *COLUMNS]
    assert [str(frame[name].dtype) for name in COLUMNS] == [
        "Int64", "float64", "boolean", "string", "string", "object", "datetime64[s]", "uint64",
    ]  # fmt: skip
    assert frame["age"].tolist() == COLUMNS["age"][rows].tolist()  # −5 does not mean missing
    assert frame["author"].isna().tolist() == [row == 1 for row in rows]
    assert frame["mixed"].tolist() == COLUMNS["mixed"][rows].tolist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": np.zeros(3)}, "columns: 'label' is already"),
        ({"id": np.zeros(3)}, "columns: 'id' is already"),
        ({"suspicion": np.zeros(3)}, "columns: 'suspicion' is already"),
        ({"age": np.zeros(2)}, r"columns\['age'\] must have shape \(3,\), .* got \(2,\)"),
    ],
)
def test_columns_of_other_samples_or_names_in_use_are_refused(record, columns, message):
    with pytest.raises(InvalidInputError, match=message):
        sample_frame(record, [0], scores={"suspicion": None}, columns=columns)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"label": np.zeros(3)}, "scores: 'label' is already"),
        ({"f1": np.zeros(3)}, "scores: 'f1' is already"),
        ({"score": np.zeros(2)}, r"scores\['score'\] must be .* shape \(3,\).*got shape \(2,\)"),
        ({"score": np.array(["a", "b", "c"])}, "must be an array of numbers"),
    ],
)
def test_scores_of_other_samples_or_names_in_use_are_refused(record, scores, message):
    with pytest.raises(InvalidInputError, match=message):
        sample_frame(record, [0], features=True, scores=scores)
