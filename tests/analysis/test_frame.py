import os

import numpy as np
import pandas as pd
import pytest

from tsne_widget.analysis import confidence, entropy, label_rank, loss, margin, sample_frame
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

COLUMNS = [
    "path",
    "label",
    "label_name",
    "prediction",
    "prediction_name",
    "confidence",
    "margin",
    "misclassified",
    "x",
    "y",
    "selection",
    "entropy",
    "loss",
    "label_rank",
]
DTYPES = [
    "string",
    "Int64",
    "string",
    "Int64",
    "string",
    "float32",
    "float32",
    "boolean",
    "float32",
    "float32",
    "string",
    "float32",
    "float32",
    "float32",
]
LOGITS = np.array([[2, 0, 0], [0, 3, 0], [0, 1, 0], [0, 0, 5]], dtype=np.float32)
XY = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.fixture
def record():
    return FeatureSet.from_arrays(
        np.arange(12).reshape(4, 3),
        [0, 2, -1, 2],
        logits=LOGITS,
        class_names=["cat", "dog", "emu"],
        ids=[10, 11, 17, 13],
        paths=["a/0.png", "a/1.png", "b/2.png", "b/3.png"],
    )


@pytest.fixture
def bare():
    return FeatureSet.from_arrays(np.eye(4))


def test_each_row_describes_its_sample(record):
    frame = sample_frame(record, [1, 0], XY)
    assert frame.index.tolist() == [11, 10]
    assert frame.index.name == "id"
    assert dict(frame.iloc[0].items()) == {
        "path": "a/1.png",
        "label": 2,
        "label_name": "emu",
        "prediction": 1,
        "prediction_name": "dog",
        "confidence": confidence(LOGITS)[1],
        "margin": margin(LOGITS)[1],
        "misclassified": True,
        "x": 2.0,
        "y": 3.0,
        "selection": pd.NA,
        "entropy": entropy(LOGITS)[1],
        "loss": loss(LOGITS, [0, 2, -1, 2])[1],
        "label_rank": label_rank(LOGITS, [0, 2, -1, 2])[1],
    }
    assert not frame.misclassified.iloc[1]


def test_unknown_label_is_na_and_so_is_misclassified(record):
    row = sample_frame(record, [2]).iloc[0]
    for column in ("label", "label_name", "misclassified"):
        assert row[column] is pd.NA
    assert row["prediction_name"] == "dog"


@pytest.mark.parametrize("rows", [[], [0], [3, 3, 1], np.arange(4, dtype=np.uint32)])
@pytest.mark.parametrize("has_embedding", [True, False])
def test_columns_and_dtypes_are_always_the_same(record, bare, rows, has_embedding):
    for known in (record, bare):
        frame = sample_frame(known, rows, XY if has_embedding else None)
        assert frame.columns.tolist() == COLUMNS
        assert [str(dtype) for dtype in frame.dtypes] == DTYPES
        assert len(frame) == len(rows)
        assert frame.index.dtype == np.int64


def test_frames_of_any_rows_can_be_joined_without_a_change_of_dtype(record):
    joined = pd.concat([sample_frame(record, []), sample_frame(record, [1])])
    assert [str(dtype) for dtype in joined.dtypes] == DTYPES


def test_labels_and_predictions_are_missing_values_without_their_inputs(bare):
    frame = sample_frame(bare, [0, 1])
    assert frame.isna().all(axis=None)
    assert frame.index.tolist() == [0, 1]


def test_misclassified_is_na_without_predictions():
    frame = sample_frame(FeatureSet.from_arrays(np.eye(3), [0, 1, 0]), [0, 1, 2])
    assert frame.misclassified.isna().all()
    assert frame.label.tolist() == [0, 1, 0]


def test_predictions_without_logits_have_no_confidence():
    record = FeatureSet.from_arrays(np.eye(3), [0, 1, 0], predictions=[0, 0, 0])
    frame = sample_frame(record, [0, 1, 2])
    assert frame.confidence.isna().all()
    assert frame.misclassified.tolist() == [False, True, False]


def test_mask_selects_rows(record):
    assert sample_frame(record, record.misclassified).index.tolist() == [11]
    with pytest.raises(InvalidInputError, match=r"mask must have shape \(4,\), got \(3,\)"):
        sample_frame(record, [True, False, True])


def test_features_are_appended_as_float32_in_one_block(record):
    frame = sample_frame(record, [2, 0], features=True)
    assert frame.columns.tolist() == [*COLUMNS, "f0", "f1", "f2"]
    np.testing.assert_array_equal(frame[["f0", "f1", "f2"]], record.features[[2, 0]])
    assert (frame.dtypes[-3:] == np.float32).all()
    wide = FeatureSet.from_arrays(np.zeros((2, 500)))
    frame = sample_frame(wide, [0], features=True)
    frame["new"] = 1  # pandas would warn of a fragmented frame
    assert sample_frame(record, [], features=True).shape == (0, 17)


def test_frame_copies_rows_of_a_memory_map(record, tmp_path):
    record.save(tmp_path / "saved")
    loaded = FeatureSet.load(tmp_path / "saved")
    frame = sample_frame(loaded, [3], features=True)
    assert frame[["f0", "f1", "f2"]].to_numpy().tolist() == [[9, 10, 11]]
    assert not np.shares_memory(frame["f0"].to_numpy(), loaded.features)


def test_changes_of_the_frame_do_not_reach_the_record(record):
    frame = sample_frame(record, [0, 1, 2, 3], XY, features=True)
    frame[["x", "f0"]] = 99
    assert XY[0, 0] == 0
    assert record.ids[0] == 10
    assert record.features[0, 0] == 0


def test_a_sample_has_the_names_of_all_the_selections_it_is_in(record):
    selections = {"odd": [0, 3], "far": [3, 1], "no": [], "last": np.array([False] * 3 + [True])}
    frame = sample_frame(record, [3, 0, 2, 1], selections=selections)
    assert frame["selection"].tolist() == ["odd, far, last", "odd", pd.NA, "far"]


def test_rows_of_a_selection_that_do_not_exist_are_refused(record):
    with pytest.raises(InvalidInputError, match=r"rows must be 0 … 3"):
        sample_frame(record, [0, 1], selections={"a": [4]})


def test_hostile_paths_are_not_changed():
    paths = [os.fsdecode(b"caf\xe9.png"), "=cmd()", "<b>", "a\nb"]
    record = FeatureSet.from_arrays(np.eye(4), paths=paths)
    assert sample_frame(record, [0, 1, 2, 3])["path"].tolist() == paths


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([4], r"rows must be 0 … 3, got 4 … 4.*not ids"),
        ([-1, 0], r"got -1 … 0"),
        ([0.0], "integers or a mask, got dtype float64"),
        ([[0, 1]], r"1-dimensional, got shape \(1, 2\)"),
        (["cat"], "integers or a mask"),
    ],
)
def test_rows_that_are_not_the_feature_sets_are_refused(record, rows, message):
    with pytest.raises(InvalidInputError, match=message):
        sample_frame(record, rows)


@pytest.mark.parametrize("embedding", [XY[:3], XY.T, XY[:, :1], XY.astype(str)])
def test_an_embedding_of_other_samples_is_refused(record, embedding):
    with pytest.raises(InvalidInputError, match="embedding must"):
        sample_frame(record, [0], embedding)
