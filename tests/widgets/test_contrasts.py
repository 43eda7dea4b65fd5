"""Contrasts and shortcuts as frames of an explorer."""

import numpy as np
import pytest

from tests.widgets.records import three_classes
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError

N = 120
LABELS = np.arange(N) % 3
rng = np.random.default_rng(2)
# "age" follows the label, "size" does not; the first 30 rows are smaller.
COLUMNS = {
    "age": LABELS * 10 + rng.random(N),
    "size": rng.random(N) - 2 * (np.arange(N) < 30),
    "camera": np.where(np.arange(N) % 7, "phone", "scanner"),
}


@pytest.fixture
def explorer():
    record = three_classes(N)
    with EmbeddingExplorer(record, embedding=record.features[:, :2], columns=COLUMNS) as opened:
        yield opened


def row(frame, name):
    return frame.set_index("property").loc[name]


def test_selection_is_compared_with_others_of_the_same_labels(explorer):
    explorer.select(range(30))
    frame = explorer.contrast()
    assert frame["property"].iloc[0] == "size"
    assert frame["is_clear"].tolist()[:2] == [True, False]
    assert row(frame, "size")["direction"] == "lower size"
    assert row(frame, "label")["note"] == "compared within samples of the same label"


def test_class_explains_differences_from_all_visible_samples(explorer):
    rows = np.flatnonzero(LABELS == 0)
    frame = explorer.contrast(rows, against="visible")
    assert (row(frame, "age")["is_clear"], row(frame, "age")["n_there"]) == (True, 80)
    assert row(frame, "label")["value"] == "cat"
    explorer.visible_classes = ["cat", "dog"]
    assert row(explorer.contrast(rows, against="visible"), "age")["n_there"] == 40


def test_two_named_selections_are_compared(explorer):
    explorer.name_selection("small", range(30))
    explorer.name_selection("others", range(30, 60))
    frame = explorer.contrast("small", "others")
    assert row(frame, "size")[["is_clear", "n_here", "n_there"]].tolist() == [True, 30, 30]


def test_frame_says_where_each_property_comes_from(explorer):
    kinds = row(explorer.contrast(range(30)), ["camera", "confidence", "prediction", "label"])
    assert kinds["kind"].tolist() == ["column", "model", "prediction", "label"]


def test_record_without_labels_is_compared_within_predictions():
    record = FeatureSet.from_arrays(np.eye(N), predictions=LABELS)
    with EmbeddingExplorer(record, embedding=np.eye(N)[:, :2], columns=COLUMNS) as explorer:
        frame = explorer.contrast(range(30))
        assert not row(frame, "age")["is_clear"]
        assert row(frame, "prediction")["note"].startswith("compared within")


def test_contrast_of_nothing_is_refused(explorer):
    with pytest.raises(InvalidInputError, match="rows has no samples; select some"):
        explorer.contrast()


def test_column_that_alone_tells_a_class_is_a_shortcut(explorer):
    best = explorer.shortcuts().iloc[0]
    assert (best["property"], best["is_shortcut"]) == ("age", True)
    assert best["label_name"] in ("cat", "owl")


def test_shortcuts_need_labels():
    record = FeatureSet.from_arrays(np.eye(N), predictions=LABELS)
    with (
        EmbeddingExplorer(record, embedding=np.eye(N)[:, :2]) as explorer,
        pytest.raises(InvalidInputError, match=r"shortcuts\(\) requires labels"),
    ):
        explorer.shortcuts()


def test_pictures_are_measured_when_they_are_needed():
    record, pictures = three_classes(N), rng.integers(90, 160, (N, 8, 8), dtype=np.uint8)
    pictures[:30] //= 2
    with EmbeddingExplorer(record, embedding=record.features[:, :2], images=pictures) as explorer:
        best = explorer.contrast(range(30)).iloc[0]
        assert (best["property"], best["kind"]) == ("picture_brightness", "picture")
        assert best["direction"] == "darker"
        assert set(explorer.shortcuts()["property"]) <= {*explorer.state.scores.ready()}
