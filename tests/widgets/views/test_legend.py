"""The legend without a browser: the effects of its messages, and what it sends to the page."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.state.explorer_state import ExplorerState

N = 24
NAMES = ["cat", "dog", "owl", "emu"]
CODES = np.arange(N) % 4


def make_explorer() -> EmbeddingExplorer:
    record = FeatureSet.from_arrays(np.eye(N), CODES, class_names=NAMES)
    return EmbeddingExplorer(record, embedding=np.eye(N)[:, :2])


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def send(explorer, kind, **content):
    Page(explorer).send("legend", kind, **content)


def test_list_of_classes_is_shown_or_hidden_and_others_do_not_change(explorer):
    send(explorer, "show", codes=[1, 2], visible=False)
    assert explorer.visible_classes == ("cat", "emu")
    send(explorer, "show", codes=[2, 3, 2], visible=True)
    assert explorer.visible_classes == ("cat", "owl", "emu")
    send(explorer, "show", codes=[], visible=False)
    assert explorer.visible_classes == ("cat", "owl", "emu")


def test_inverting_changes_only_the_listed_classes(explorer):
    explorer.visible_classes = ["cat", "dog"]
    send(explorer, "invert", codes=[1, 2])
    assert explorer.visible_classes == ("cat", "owl")
    send(explorer, "invert", codes=[0, 1, 2, 3])
    assert explorer.visible_classes == ("dog", "emu")


def test_showing_only_one_class_twice_shows_all(explorer):
    send(explorer, "only", code=2)
    assert explorer.visible_classes == ("owl",)
    send(explorer, "only", code=2)
    assert explorer.visible_classes == tuple(NAMES)


def test_single_class_can_be_toggled_and_all_can_be_shown_or_hidden(explorer):
    send(explorer, "toggle", code=1)
    assert explorer.visible_classes == ("cat", "owl", "emu")
    send(explorer, "toggle", code=1)
    assert explorer.visible_classes == tuple(NAMES)
    send(explorer, "all", visible=False)
    assert explorer.visible_classes == ()
    send(explorer, "all", visible=True)
    assert explorer.visible_classes == tuple(NAMES)


def double_click(explorer, code):
    send(explorer, "toggle", code=code)
    send(explorer, "only", code=code, second_click=True)


def test_double_click_keeps_the_selected_rows_of_the_class(explorer):
    explorer.select([0, 1, 2, 3, 5])
    double_click(explorer, 1)
    assert explorer.visible_classes == ("dog",)
    assert explorer.selected.tolist() == [1, 5]


def test_a_second_double_click_shows_all_again_and_keeps_the_selection(explorer):
    explorer.select([1, 5])
    double_click(explorer, 1)
    double_click(explorer, 1)
    assert explorer.visible_classes == tuple(NAMES)
    assert explorer.selected.tolist() == [1, 5]


def test_a_double_click_on_a_hidden_class_shows_only_it(explorer):
    explorer.visible_classes = ["cat"]
    double_click(explorer, 3)
    assert explorer.visible_classes == ("emu",)


def test_second_click_on_another_class_restores_nothing(explorer):
    explorer.select([1])
    send(explorer, "toggle", code=1)
    send(explorer, "only", code=2, second_click=True)
    assert explorer.visible_classes == ("owl",)
    assert explorer.selected.tolist() == []
    assert explorer.state.message == ""
    explorer.visible_classes = ["dog"]
    send(explorer, "toggle", code=1)
    send(explorer, "only", code=2, second_click=True)
    assert explorer.visible_classes == ("owl",)


@pytest.mark.parametrize("code", [-1, 4, 10**30, 1.0, "1", True, None, [1]])
@pytest.mark.parametrize("kind", ["toggle", "only", "show", "invert"])
def test_a_class_that_does_not_exist_changes_nothing(explorer, kind, code):
    explorer.visible_classes = ["cat", "dog"]
    send(explorer, kind, code=code, codes=[0, code], visible=False)
    assert explorer.visible_classes == ("cat", "dog")
    assert explorer.state.message == ""


def test_a_list_longer_than_the_classes_is_refused(explorer):
    send(explorer, "invert", codes=[0, 1, 2, 3, 0])
    assert explorer.visible_classes == tuple(NAMES)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
messages = st.fixed_dictionaries(
    {"kind": st.sampled_from(["toggle", "only", "all", "show", "invert"])},
    optional={
        "code": st.integers(0, 3) | anything,
        "codes": st.lists(st.integers(0, 3), max_size=4) | anything,
        "visible": st.booleans() | anything,
        "second_click": st.booleans() | anything,
    },
)


@given(st.lists(messages, min_size=5, max_size=20), st.lists(st.integers(0, N - 1), max_size=N))
@settings(max_examples=60, deadline=None)
def test_forged_messages_never_raise_and_only_visible_rows_stay_selected(contents, rows):
    with make_explorer() as explorer:
        state = explorer.state
        held = []
        explorer.select(rows)
        explorer.observe(
            lambda _change: held.append(is_whole(state)), ["selected", "visible_classes"]
        )
        for content in contents:
            send(explorer, **content)
            assert is_whole(state)
            assert set(state.selected) <= set(rows)
            assert state.message == ""  # dropped, not reported: no user has sent it
        assert all(held)


def is_whole(state: ExplorerState) -> bool:
    return state.visible.shape == (4,) and bool(state.visible_rows[state.selected].all())


def accuracies(labels, predictions):
    record = FeatureSet.from_arrays(
        np.eye(len(labels or predictions)), labels, predictions=predictions, class_names=NAMES
    )
    return ExplorerState(record, None).accuracies


def test_accuracy_of_a_class_is_the_share_of_its_rows_predicted_correctly():
    values = accuracies([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 2])
    assert values[:2].tolist() == [0.75, 0]


def test_a_class_without_rows_and_the_unknown_one_have_no_accuracy():
    values = accuracies([0, -1, 1, 3], [0, 1, 1, 0])
    assert values[[0, 1, 3]].tolist() == [1, 1, 0]
    assert np.isnan(values[[2, 4]]).all()


@pytest.mark.parametrize(("labels", "predictions"), [([0, 1, 1], None), (None, [0, 1, 1])])
def test_without_labels_or_predictions_no_class_has_an_accuracy(labels, predictions):
    assert np.isnan(accuracies(labels, predictions)).all()


def test_page_receives_names_counts_and_accuracies_of_each_class():
    record = FeatureSet.from_arrays(
        np.eye(4), [0, 1, 1, 1], predictions=[0, 1, 0, 0], class_names=["a\nb", "dog"]
    )
    with EmbeddingExplorer(record, embedding=np.eye(4)[:, :2]) as explorer:
        page = Page(explorer)
        explorer.select([1, 3])
        assert page.shows("legend", "names") == ["a\\nb", "dog"]
        assert page.shows("legend", "counts") == [1, 3]
        assert np.allclose(page.shows("legend", "accuracies", "<f4"), [1, 1 / 3])
        assert page.shows("legend", "selected_counts", "<u4").tolist() == [0, 2]


def test_a_toggle_sends_the_legend_one_bit_per_class(explorer):
    page = Page(explorer)
    page.send("legend", "toggle", code=1)
    assert page.updates("legend") == [["visible"]]  # counts only if the selection has changed
    assert len(page.shows("legend", "visible")) == 1


def test_page_stores_the_order_of_its_classes_in_the_model(explorer):
    page = Page(explorer)
    page.sets("legend", sorted_by="name")
    assert page.shows("legend", "sorted_by") == "name"
    page.sets("legend", sorted_by=3)
    page.sets("legend", names=[])
    assert page.shows("legend", "sorted_by") == "name"
    assert page.shows("legend", "names") == NAMES


def test_colours_may_change_from_an_amount_to_words_and_back():
    record = FeatureSet.from_arrays(np.eye(N), CODES, logits=np.eye(4)[CODES])
    columns = {"split": np.array(["train", "test"])[CODES % 2]}
    with EmbeddingExplorer(record, embedding=np.eye(N)[:, :2], columns=columns) as explorer:
        page = Page(explorer)
        for name, has_bins in (("confidence", True), ("split", False), ("confidence", True)):
            explorer.color_by = name
            assert bool(page.shows("legend", "bins")) == has_bins


def test_a_map_without_classes_takes_another_colour_and_one_colour_again():
    record = FeatureSet.from_arrays(np.eye(5))
    camera = {"camera": np.arange(5.0)}
    with EmbeddingExplorer(record, embedding=np.eye(5, 2), columns=camera) as explorer:
        page = Page(explorer)
        assert page.shows("legend", "color_choices")[0][:3] == ["", "one colour", ""]
        for name in ("camera", ""):
            page.send("legend", "color", name=name)
            assert explorer.color_by == page.shows("legend", "color_by") == name
