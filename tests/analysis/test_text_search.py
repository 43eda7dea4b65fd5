"""Text search over ids, paths and class names, compared with a loop over the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.analysis import matching_rows
from tsne_widget.analysis.text_search import found_by_text

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
    if is_number and wanted.startswith("#"):
        return [row for row in range(6) if IDS[row] == int(digits)]
    folded = [name.casefold() for name in NAMES]
    kind, colon, name = wanted.partition(":")
    if wanted in folded:
        kind, name = "label", wanted
    elif not colon or kind not in ("label", "prediction"):
        name = ""
    codes, name = (PREDICTIONS if kind == "prediction" else LABELS), name.strip()
    if name and any(name in one for one in folded):
        known = [code for code, one in enumerate(folded) if one == name] or [
            code for code, one in enumerate(folded) if name in one
        ]
        return [row for row in range(6) if codes[row] in known]
    codes = PREDICTIONS if kind == "prediction" and name else LABELS
    return [
        row for row in range(6)
        if wanted in PATHS[row].casefold()
        or (codes[row] >= 0 and wanted in folded[codes[row]])
        or (is_number and IDS[row] == int(digits))
    ]  # fmt: skip


@given(st.sampled_from(["cat", "CAT", " dog ", "12", "#12", "#7", "7", "straße", ".png", "\udcff",
                        "zebra", "#x", "b/", "unknown", "wild", "label:cat", "prediction: Dog",
                        "prediction:c", "label:zebra"])
       | st.text("catdog127#./:", min_size=1, max_size=4))  # fmt: skip
def test_a_whole_name_is_a_class_and_other_text_is_part_of_a_path_or_label(text):
    if text.strip():
        assert matching_rows(RECORD, text).tolist() == reference(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CAT", "with label cat"),
        ("prediction:dog", "with prediction dog"),
        ("#007", "with id 7"),
        ("wild", "with “wild” in path or label"),
        ("12", "with “12” in path or label or id"),
        ("wildact", "with “wildact” in path or label; did you mean Wildcat?"),
        ("prediction:dgo", "with “prediction:dgo” in path or prediction; did you mean dog?"),
        ("999", "with “999” in path or label or id"),
    ],
)
def test_the_rule_that_has_found_the_rows_is_said(text, what):
    assert found_by_text(RECORD, text).what == what


def test_number_after_a_hash_is_only_an_id():
    assert matching_rows(RECORD, "#12").tolist() == [1]
    assert matching_rows(RECORD, "#7").tolist() == [3]
    assert matching_rows(RECORD, "7").tolist() == [5]  # the class "7"


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
        ("b[a]r", [1, 3]),  # not a pattern
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
