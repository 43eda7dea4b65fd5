"""Text search over ids, paths and class names, compared with a loop over the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.analysis import matching_rows

NAMES = ["cat", "Wildcat", "dog", "STRASSE", "7"]
IDS = [3, 12, 120, 7, 5, 9]
LABELS = [0, 1, 2, -1, 3, 4]
PREDICTIONS = [2, 1, 1, 0, 3, 2]
PATHS = ["a/Cat-1.png", "b/12.png", "c\udcff.png", "d/7-dog.png", "b/e.png", "f.png"]
RECORD = FeatureSet.from_arrays(
    np.eye(6), LABELS, predictions=PREDICTIONS, class_names=NAMES, ids=IDS, paths=PATHS
)


def reference(text):
    wanted = text.strip().casefold()
    digits = wanted.removeprefix("#")
    is_number = digits.isascii() and digits.isdigit()
    found = []
    for row in range(6):
        texts = [PATHS[row], NAMES[PREDICTIONS[row]]]
        texts += [NAMES[LABELS[row]]] if LABELS[row] >= 0 else []
        is_id = is_number and IDS[row] == int(digits)
        in_text = any(wanted in part.casefold() for part in texts)
        if is_id or (in_text and not (is_number and wanted.startswith("#"))):
            found.append(row)
    return found


@given(st.sampled_from(["cat", "CAT", " dog ", "12", "#12", "#7", "7", "straße", ".png", "\udcff",
                        "zebra", "#x", "b/", "unknown"]) | st.text("catdog127#./", min_size=1,
                                                                   max_size=4))  # fmt: skip
def test_the_text_is_found_in_paths_and_classes_and_a_number_is_an_id(text):
    if text.strip():
        assert matching_rows(RECORD, text).tolist() == reference(text)


def test_number_after_a_hash_is_only_an_id():
    assert matching_rows(RECORD, "#12").tolist() == [1]
    assert matching_rows(RECORD, "#7").tolist() == [3]
    assert matching_rows(RECORD, "7").tolist() == [3, 5]  # the id, a path, and the class "7"


def test_record_of_features_alone_is_searched_by_id():
    bare = FeatureSet.from_arrays(np.eye(3), ids=[10, 11, 12])
    assert matching_rows(bare, "11").tolist() == [1]
    assert matching_rows(bare, "cat").tolist() == []


@pytest.mark.parametrize("text", ["", "  ", "x" * 201, None, 3])
def test_empty_or_long_text_is_refused(text):
    with pytest.raises(InvalidInputError, match="1 … 200 characters"):
        matching_rows(RECORD, text)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("b[a]r", [1, 2, 3]),  # not a pattern
        (".*", [2]),
        (" É.png ", [3]),
        ("E.PNG", [3]),  # without the accent
        ("²", [0]),  # a digit, but not an id
    ],
)
def test_text_is_not_a_pattern(text, rows):
    record = FeatureSet.from_arrays(
        np.eye(4),
        [0, 1, -1, 1],
        predictions=[0, 0, 1, 1],
        class_names=["Straße", "b[a]r"],
        paths=["x/12.png", "x/b.png", "y/.*.png", "y/é.png"],
    )
    assert matching_rows(record, text).tolist() == rows


def test_unknown_label_matches_no_text():
    record = FeatureSet.from_arrays(np.eye(2), [-1, 0], class_names=["cat"])
    assert matching_rows(record, "cat").tolist() == [1]


def test_a_number_longer_than_any_id_finds_nothing():
    assert matching_rows(RECORD, "9" * 30).tolist() == []
