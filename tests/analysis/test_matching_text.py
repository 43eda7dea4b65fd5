import numpy as np
import pytest

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.analysis import matching_rows

RECORD = FeatureSet.from_arrays(
    np.eye(4),
    [0, 1, -1, 1],
    predictions=[0, 0, 1, 1],
    class_names=["Straße", "b[a]r"],
    ids=[3, 12, 123, 5],
    paths=["x/12.png", "x/b.png", "y/.*.png", "y/é.png"],
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("STRASSE", [0, 1]),  # label or prediction, whatever the case
        ("b[a]r", [1, 2, 3]),  # not a pattern
        (".*", [2]),
        (" É.png ", [3]),
        ("12", [0, 1]),  # in a path, and as a whole id
        ("#12", [1]),
        ("#9999999999999999999999", []),
        ("²", []),  # a digit, but no number
    ],
)
def test_a_text_is_found_in_paths_and_class_names_and_as_an_id(text, rows):
    assert matching_rows(RECORD, text).tolist() == rows


def test_unknown_label_matches_no_text():
    record = FeatureSet.from_arrays(np.eye(2), [-1, 0], class_names=["cat"])
    assert matching_rows(record, "cat").tolist() == [1]


def test_features_alone_are_searched_by_id():
    assert matching_rows(FeatureSet.from_arrays(np.eye(2)), "1").tolist() == [1]


@pytest.mark.parametrize("text", ["", "  ", None, 3])
def test_blank_text_is_refused(text):
    with pytest.raises(InvalidInputError, match="text must have"):
        matching_rows(RECORD, text)
