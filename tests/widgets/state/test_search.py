"""The search field: conditions, and what a page that is not trusted cannot do with them."""

from contextlib import suppress

import numpy as np
import pytest

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.search import rows_of_search

LOGITS = np.array([[4.0, 0.0], [0.1, 0.0], [0.0, 4.0], [0.0, 0.1]])


def make_state() -> ExplorerState:
    record = FeatureSet.from_arrays(
        np.eye(4), [0, 0, 1, 0], logits=LOGITS, class_names=["cat", "a<b"]
    )
    return ExplorerState(record, None, {"batch": [1, 2, 3, 4]})


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("confidence < .6", [1, 3]),
        ("confidence < .6 and label_name == 'cat'", [1, 3]),
        ("misclassified & (batch > 1)", [3]),
        ("not misclassified and batch != 1", [1, 2]),
        ("batch in [1, 4]", [0, 3]),
        (" batch - 1 >= 2 ", [2, 3]),
    ],
)
def test_a_comparison_is_a_condition_on_the_columns(text, rows):
    found = rows_of_search(make_state(), text)
    assert found.rows.tolist() == rows
    assert found.what == f"where {text.strip()}"


def test_a_class_whose_name_looks_like_a_condition_is_a_class():
    assert rows_of_search(make_state(), "a<b").what == "with label a<b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("confidence <", "does not parse: .*; write for example"),
        ("sure < 1", "'sure'.*; the columns are path, label"),
        ("label_name < 1", "query .* failed"),
    ],
)
def test_a_condition_that_fails_says_why(text, message):
    with pytest.raises(InvalidInputError, match=message):
        rows_of_search(make_state(), text)


@pytest.mark.parametrize(
    "text",
    [
        "confidence.to_csv('{file}') == 1",
        "1 < 2 and confidence.to_csv('{file}')",
        "confidence < 1 #\u2028confidence.to_csv('{file}')",
        "'`' + confidence.to_csv('{file}') + '`' != ''",
    ],
)
def test_a_condition_runs_no_code(text, tmp_path):
    file = tmp_path / "written"
    state = make_state()
    with suppress(InvalidInputError):
        rows_of_search(state, text.replace("{file}", str(file)))
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    [
        "confidence.to_csv('file') == 1",
        "label_name[0] == 'c'",
        "batch * 9 > 1",
        "batch ** 9999 > 1",
        "batch @ batch > 1",
        "(lambda: 1)() == 1",
    ],
)
def test_what_is_more_than_a_condition_is_refused(text):
    with pytest.raises(InvalidInputError, match=r"pass other expressions to select\(query=\)"):
        rows_of_search(make_state(), text)
