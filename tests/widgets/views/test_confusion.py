"""The confusion panel without a browser: its counts, and what its messages select."""

import numpy as np
import pytest

from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget.widgets.models.confusion import MAX_DRAWN
from tsne_widget.widgets.views.confusion.view import MAX_PAIRS

NAMES = ["cat", "dog", "owl"]
LABELS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, -1, 0, 1])
PREDICTIONS = np.array([0, 1, 1, 1, 1, 0, 2, 2, 0, 1, 0, 2])
N, C = len(LABELS), len(NAMES)


def make_explorer(labels=LABELS, predictions=PREDICTIONS, names=NAMES):
    record = FeatureSet.from_arrays(
        np.eye(len(labels)), labels, predictions=predictions, class_names=names
    )
    explorer = EmbeddingExplorer(record, embedding=np.eye(len(labels))[:, :2])
    Page(explorer).opens("confusion")
    return explorer


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def shows(explorer, name):
    return Page(explorer).shows("confusion", name)


def send(explorer, kind, mode="replace", **content):
    Page(explorer).send("confusion", kind, mode=mode, **content)


def table(values, columns=C):
    return np.frombuffer(values, "<u4").reshape(-1, columns).tolist()


def counted(rows):
    """The matrix, row by row."""
    matrix = [[0] * C for _ in range(C)]
    for row in rows:
        if LABELS[row] >= 0:
            matrix[LABELS[row]][PREDICTIONS[row]] += 1
    return matrix


def test_matrix_counts_known_labels_by_known_predictions(explorer):
    assert (
        table(shows(explorer, "counts")) == counted(range(N)) == [[2, 2, 0], [1, 2, 1], [1, 0, 2]]
    )
    assert shows(explorer, "chosen") == b""


def test_rows_of_hidden_classes_do_not_count(explorer):
    explorer.visible_classes = ["cat", "owl"]
    assert table(shows(explorer, "counts")) == [[2, 2, 0], [0, 0, 0], [1, 0, 2]]
    assert [row[0] for row in table(shows(explorer, "report"))] == [4, 0, 3]


def test_selection_is_counted_next_to_all_samples(explorer):
    explorer.select([0, 1, 2, 5, 9])
    assert table(shows(explorer, "chosen")) == counted([0, 1, 2, 5, 9])
    assert table(shows(explorer, "counts")) == counted(range(N))
    samples_predicted_right = table(shows(explorer, "chosen_report"))
    assert samples_predicted_right == [[3, 2, 1], [1, 2, 0], [0, 0, 0]]
    assert table(shows(explorer, "chosen_pairs")) == [[0, 1, 2], [1, 0, 1]]


def test_the_most_confused_pairs_come_worst_first(explorer):
    assert table(shows(explorer, "pairs")) == [[0, 1, 2], [1, 0, 1], [1, 2, 1], [2, 0, 1]]


def test_cell_selects_its_rows_and_heading_selects_those_of_its_class(explorer):
    send(explorer, "cell", label=0, prediction=1)
    assert explorer.selected.tolist() == [1, 2]
    send(explorer, "label", code=2)
    assert explorer.selected.tolist() == [6, 7, 8]
    send(explorer, "prediction", code=1)  # not row 9, whose label is unknown: it is not counted
    assert explorer.selected.tolist() == [1, 2, 3, 4]


def test_block_selects_the_rows_of_its_labels_and_predictions(explorer):
    send(explorer, "block", labels=[0, 1], predictions=[1, 2])
    assert explorer.selected.tolist() == [1, 2, 3, 4, 11]
    send(explorer, "block", "subtract", labels=[1], predictions=[1])
    assert explorer.selected.tolist() == [1, 2, 11]
    send(explorer, "block", labels=[], predictions=[1])
    assert explorer.selected.tolist() == []


def test_mistakes_are_summarised_by_pairs_and_by_those_with_half_of_them(explorer):
    assert shows(explorer, "spread") == [4, 2]  # 2 + 1 + 1 + 1 mistakes
    explorer.select([0, 1, 2])
    assert shows(explorer, "chosen_spread") == [1, 1]
    explorer.select([0])
    assert shows(explorer, "chosen_spread") == [0, 0]


def test_classes_have_colors_and_an_order(explorer):
    assert sorted(shows(explorer, "order")) == [0, 1, 2]
    assert all(color.startswith("#") for color in shows(explorer, "colors"))
    assert len(shows(explorer, "colors")) == C


@pytest.mark.filterwarnings("ignore::tsne_widget.errors.DoubtWarning")
def test_model_that_is_worse_than_a_guess_is_doubted():
    labels = np.repeat([0, 1, 2], [100, 50, 50])
    rng = np.random.default_rng(0)
    with make_explorer(labels, np.where(rng.random(200) < 0.1, 0, 1)) as explorer:
        assert shows(explorer, "doubt").startswith("Always answering cat would be right for 50.0")
    with make_explorer(labels, np.zeros(200, dtype=int)) as explorer:
        assert shows(explorer, "doubt") == ""


@pytest.mark.parametrize("codes", [[C], [-1], [0.0], ["0"], [0, 0, 0, 0], "0", None, [[0]], {}])
def test_invalid_block_changes_nothing(explorer, codes):
    explorer.select([0])
    send(explorer, "block", labels=codes, predictions=[0])
    send(explorer, "block", labels=[0], predictions=codes)
    assert explorer.selected.tolist() == [0]


def test_cells_combine_with_the_selection_by_their_mode(explorer):
    send(explorer, "label", code=0)
    send(explorer, "cell", "add", label=2, prediction=0)
    assert explorer.selected.tolist() == [0, 1, 2, 8, 10]
    send(explorer, "cell", "subtract", label=0, prediction=1)
    assert explorer.selected.tolist() == [0, 8, 10]
    send(explorer, "label", "intersect", code=2)
    assert explorer.selected.tolist() == [8]


def test_cell_of_a_hidden_class_selects_nothing_without_a_message(explorer):
    explorer.visible_classes = ["dog", "owl"]
    send(explorer, "prediction", code=0)
    assert explorer.selected.tolist() == [5, 8]
    assert explorer.state.message == ""


def test_counts_are_computed_once_the_panel_opens():
    with make_explorer() as explorer:
        Page(explorer).opens("gallery")
        explorer.select([0, 1])
        assert shows(explorer, "chosen") == b""
        Page(explorer).opens("confusion")
        assert table(shows(explorer, "chosen")) == counted([0, 1])


@pytest.mark.parametrize(
    ("labels", "predictions", "lacking"),
    [
        (LABELS, None, "predictions"),
        (None, PREDICTIONS, "labels"),
        (None, None, "labels and predictions"),
    ],
)
def test_panel_without_labels_or_predictions_names_its_inputs(labels, predictions, lacking):
    record = FeatureSet.from_arrays(np.eye(N), labels, predictions=predictions)
    with EmbeddingExplorer(record, embedding=np.eye(N)[:, :2]) as explorer:
        Page(explorer).opens("confusion")
        assert lacking in shows(explorer, "lacking")
        send(explorer, "label", code=0)
        assert explorer.selected.tolist() == []


def test_the_matrix_of_too_many_classes_has_those_that_are_confused_most():
    c = MAX_DRAWN + 50
    labels = np.repeat(np.arange(c), 3)
    predictions = np.where(np.arange(3 * c) % 3 == 0, (labels + 1) % c, labels)
    predictions[labels == 140] = 149  # the only pair with more than one mistake
    with make_explorer(labels, predictions, [f"class {i}" for i in range(c)]) as explorer:
        units = shows(explorer, "units")
        assert len(units) == MAX_DRAWN
        assert {"class 140", "class 149"} <= {name for name, _codes in units}
        assert np.frombuffer(shows(explorer, "counts"), "<u4").shape == (MAX_DRAWN**2,)
        assert table(shows(explorer, "pairs"))[0] == [140, 149, 3]
        assert len(table(shows(explorer, "pairs"))) == MAX_PAIRS
        assert table(shows(explorer, "report"))[5] == [3, 3, 2]
        send(explorer, "cell", label=7, prediction=8)
        assert explorer.selected.tolist() == [21]


def test_names_reach_the_page_as_visible_text():
    with make_explorer(names=["a\nb", "<b>", "\u202ex"]) as explorer:
        assert shows(explorer, "names") == ["a\\nb", "<b>", "\\u202ex"]


@pytest.mark.parametrize("code", [-1, C, 1.0, "1", True, None, 10**30, [0]])
@pytest.mark.parametrize("kind", ["cell", "label", "prediction"])
def test_invalid_class_changes_nothing(explorer, kind, code):
    explorer.select([0])
    send(explorer, kind, code=code, label=0, prediction=code)
    assert explorer.selected.tolist() == [0]


# ---- groups of classes ----

GROUPS = {"pet": ["cat", 1]}


def grouped(groups):
    record = FeatureSet.from_arrays(np.eye(N), LABELS, predictions=PREDICTIONS, class_names=NAMES)
    return EmbeddingExplorer(record, embedding=np.eye(N)[:, :2], class_groups=groups)


def test_groups_of_classes_are_counted_and_the_rest_is_the_last_one(tmp_path):
    with grouped(GROUPS) as explorer:
        Page(explorer).opens("confusion")
        send(explorer, "set", state={"by_group": True})
        assert shows(explorer, "units") == [["pet", [0, 1]], ["other", [2]]]
        assert table(shows(explorer, "counts"), 2) == [[7, 1], [1, 2]]
        send(explorer, "set", state={"by_group": False})
        assert table(shows(explorer, "counts")) == counted(range(N))
        folder = explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(folder) as loaded:
        assert loaded.state.class_groups == {"pet": [0, 1]}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["cat"]], "class_groups must map names to classes, got list"),
        ({"": ["cat"]}, "the name of a group must be text"),
        ({"pet": []}, "'pet'. is empty"),
        ({"pet": ["cot"]}, "no class 'cot'.*did you mean 'cat'"),
        ({"pet": ["unknown"]}, "has the unknown class"),
        ({"pet": ["cat"], "bird": ["owl", "cat"]}, "'cat' is in .*'pet'. and .'bird'"),
        ({"other": ["cat"]}, "'other' is the name of the remaining classes"),
    ],
)
def test_bad_groups_are_refused(groups, message):
    with pytest.raises(InvalidInputError, match=message):
        grouped(groups)
