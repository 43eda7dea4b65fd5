"""Named selections: the state, the effects of the panel's messages, and what the page receives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plotting.test_colors import contrast, lab
from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget.plotting import class_colors
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.named_selections import (
    COLORS,
    MAX_CHARACTERS,
    MAX_SELECTIONS,
    selection_codes,
    selection_color,
)
from tsne_widget.widgets.state.selecting import MODES

N = 24
CODES = np.arange(N) % 4


def make_explorer() -> EmbeddingExplorer:
    record = FeatureSet.from_arrays(np.eye(N), CODES, class_names=["cat", "dog", "owl", "emu"])
    return EmbeddingExplorer(record, embedding=np.eye(N)[:, :2])


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def shows(explorer, name, dtype=None):
    return Page(explorer).shows("selections", name, dtype)


def send(explorer, kind, **content):
    content = {"epoch": shows(explorer, "epoch")} | content
    Page(explorer).send("selections", kind, **content)


def named(explorer) -> dict[str, list[int]]:
    return {name: rows.tolist() for name, rows in explorer.selections.items()}


def overlaps(explorer) -> list[int]:
    return shows(explorer, "overlaps", "<u4").tolist()


# ---- from Python ----


def test_selection_can_be_named_selected_again_renamed_and_dropped(explorer):
    explorer.select([3, 1, 2])
    explorer.name_selection("odd ones")
    explorer.name_selection("late", np.arange(N) > 20)
    explorer.clear()
    explorer.select("odd ones")
    assert explorer.selected.tolist() == [1, 2, 3]
    explorer.select("late", "add")
    explorer.name_selection("odd ones")  # again: the current selection
    assert named(explorer) == {"odd ones": [1, 2, 3, 21, 22, 23], "late": [21, 22, 23]}
    explorer.rename_selection("odd ones", "mine")
    assert list(explorer.selections) == ["mine", "late"]
    explorer.drop_selection("mine")
    assert named(explorer) == {"late": [21, 22, 23]}
    assert explorer.selected.tolist() == [1, 2, 3, 21, 22, 23]


def test_undo_restores_the_selection_before_a_named_selection(explorer):
    explorer.name_selection("late", [22, 23])
    explorer.select([1])
    explorer.select("late")
    explorer.undo()
    assert explorer.selected.tolist() == [1]


def test_named_rows_of_hidden_classes_are_kept_but_not_selected(explorer):
    explorer.name_selection("few", [0, 1, 2, 5])
    explorer.visible_classes = ["cat", "owl"]
    explorer.select("few")
    assert explorer.selected.tolist() == [0, 2]
    assert explorer.message == (
        "2 of 4 rows belong to hidden classes: they are selected once their classes are shown"
    )
    assert named(explorer) == {"few": [0, 1, 2, 5]}


def test_rows_can_be_named_in_every_form_that_select_accepts(explorer):
    explorer.name_selection("cats", lambda frame: frame["label_name"] == "cat")
    explorer.name_selection("kittens", "cats")
    assert named(explorer)["kittens"] == list(range(0, N, 4))


def test_names_are_a_column_of_the_frame_and_a_word_of_to_dataframe(explorer):
    explorer.name_selection("early", range(6))
    explorer.name_selection("third", [2, 3])
    frame = explorer.to_dataframe("all")
    assert frame["selection"].iloc[:4].tolist() == [
        "early",
        "early",
        "early, third",
        "early, third",
    ]
    assert frame["selection"].iloc[6:].isna().all()
    assert explorer.to_dataframe("third").index.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "blanks around it"),
        (" a", "blanks around it, got ' a'"),
        ("x" * (MAX_CHARACTERS + 1), f"may have {MAX_CHARACTERS} characters, got"),
        ("misclassified", "'misclassified' cannot name a selection.*choose another name"),
        (3, "must be text, got int"),
    ],
)
def test_invalid_names_are_refused_and_nothing_changes(explorer, name, message):
    explorer.name_selection("mine", [1])
    with pytest.raises(InvalidInputError, match=message):
        explorer.name_selection(name, [2])
    with pytest.raises(InvalidInputError, match=message):
        explorer.rename_selection("mine", name)
    assert named(explorer) == {"mine": [1]}


def test_missing_and_duplicate_names_are_errors(explorer):
    explorer.name_selection("a", [1])
    explorer.name_selection("b", [2])
    with pytest.raises(InvalidInputError, match="no selection named 'c'; there are 'a', 'b'"):
        explorer.drop_selection("c")
    with pytest.raises(InvalidInputError, match="there is a selection 'b' already"):
        explorer.rename_selection("a", "b")
    explorer.rename_selection("a", "a")
    assert named(explorer) == {"a": [1], "b": [2]}


def test_rows_that_do_not_exist_cannot_be_named(explorer):
    with pytest.raises(InvalidInputError, match=f"rows must be 0 … {N - 1}, got {N}"):
        explorer.name_selection("a", [N])
    assert named(explorer) == {}


def test_number_of_selections_is_limited_to_distinct_colours(explorer):
    explorer.state.selections = {str(i): [i % N] for i in range(MAX_SELECTIONS)}
    with pytest.raises(InvalidInputError, match=f"{MAX_SELECTIONS} selections .* drop some"):
        explorer.name_selection("one more", [1])
    assert len(explorer.selections) == MAX_SELECTIONS


def test_named_selections_cannot_be_changed_in_place(explorer):
    rows = np.array([1, 2])
    explorer.name_selection("a", rows)
    rows[0] = 9
    with pytest.raises(ValueError, match="read-only"):
        explorer.selections["a"][0] = 5
    with pytest.raises(TypeError):
        explorer.selections["b"] = [1]
    assert named(explorer) == {"a": [1, 2]}


def test_observers_receive_a_new_dict_for_each_change(explorer):
    heard = []
    explorer.observe(lambda change: heard.append((change.old, change.new)), "selections")
    explorer.name_selection("a", [1])
    explorer.rename_selection("a", "b")
    explorer.drop_selection("b")
    assert [list(new) for _, new in heard] == [["a"], ["b"], []]
    assert all(old is not new for old, new in heard)


def test_selection_keeps_its_color_when_others_are_added_or_dropped(explorer):
    state = explorer.state
    for name in "abc":
        explorer.name_selection(name, [1])
    colors = state.selection_colors
    assert list(colors.values()) == list(COLORS[:3])
    explorer.drop_selection("b")
    explorer.rename_selection("c", "z")
    assert state.selection_colors == {"a": colors["a"], "z": colors["c"]}
    explorer.name_selection("new", [2])
    assert state.selection_colors["new"] == colors["b"]
    assert selection_color(len(COLORS)) == COLORS[0]


def test_colors_of_selections_are_visible_on_both_themes_and_differ_from_ten_classes():
    for color in COLORS:
        assert contrast(color, "#ffffff") > 2.1
        assert contrast(color, "#212121") >= 3
    ours = lab([*COLORS, *class_colors([str(i) for i in range(10)])])
    apart = np.linalg.norm(ours[:, None] - ours[None], axis=2) + 99 * np.eye(len(ours))
    assert apart[: len(COLORS)].min() > 15


def test_the_first_selection_of_a_row_colors_it():
    assert selection_codes({"a": [1, 2], "b": np.array([2, 3]), "c": []}, 5).tolist() == [
        -1, 0, 0, 1, -1,
    ]  # fmt: skip


# ---- from the page ----


def test_page_can_name_the_selection_and_select_it_again(explorer):
    explorer.select([4, 5])
    send(explorer, "name", name="  mine ")
    assert named(explorer) == {"mine": [4, 5]}
    explorer.select([5, 6])
    for mode, rows in [("intersect", [5]), ("add", [4, 5]), ("subtract", []), ("replace", [4, 5])]:
        send(explorer, "select", index=0, mode=mode)
        assert explorer.selected.tolist() == rows


def test_page_receives_names_colors_counts_and_overlaps(explorer):
    explorer.name_selection("a\nb", range(5))
    explorer.name_selection("late", [22, 23])
    explorer.select([3, 4, 22])
    assert shows(explorer, "names") == ["a\\nb", "late"]
    assert shows(explorer, "counts") == [5, 2]
    assert shows(explorer, "colors") == list(COLORS[:2])
    assert shows(explorer, "selected") == 3
    assert overlaps(explorer) == [2, 1]


def test_page_receives_how_many_of_each_are_wrong():
    record = FeatureSet.from_arrays(np.eye(N), CODES, predictions=[0] * N)
    with EmbeddingExplorer(record, embedding=np.eye(N)[:, :2]) as explorer:
        explorer.name_selection("five", range(5))
        assert shows(explorer, "wrong") == [3]


def test_wrong_ones_are_not_counted_without_predictions(explorer):
    explorer.name_selection("five", range(5))
    assert shows(explorer, "wrong") == []


def test_kept_selection_has_the_first_free_number_and_can_be_renamed(explorer):
    explorer.name_selection("Selection 2", [1])
    explorer.select([4, 5])
    for name in ("Selection 1", "Selection 3"):
        send(explorer, "keep")
        assert shows(explorer, "kept") == name
    assert named(explorer) == {"Selection 2": [1], "Selection 1": [4, 5], "Selection 3": [4, 5]}
    send(explorer, "rename", index=2, name="mine")
    assert shows(explorer, "kept") == ""
    assert list(explorer.selections)[2] == "mine"


def test_nothing_is_kept_without_a_selection(explorer):
    send(explorer, "keep")
    assert named(explorer) == {}
    assert shows(explorer, "kept") == ""


def test_page_can_rename_drop_and_restore_at_the_same_place(explorer):
    for name in "abc":
        explorer.name_selection(name, [1])
    send(explorer, "rename", index=1, name="B")
    send(explorer, "drop", index=1)
    assert list(explorer.selections) == ["a", "c"]
    assert shows(explorer, "dropped") == "B"
    send(explorer, "restore")
    assert list(explorer.selections) == ["a", "B", "c"]
    assert shows(explorer, "dropped") == ""
    send(explorer, "restore")
    assert list(explorer.selections) == ["a", "B", "c"]


def test_existing_name_is_refused_with_a_message_on_the_page(explorer):
    explorer.name_selection("a", [1])
    explorer.name_selection("b", [1])
    send(explorer, "rename", index=0, name="b")
    assert explorer.message.startswith("there is a selection 'b' already; choose another")
    send(explorer, "name", name="visible")
    assert explorer.message.startswith("'visible' cannot name a selection")
    assert list(explorer.selections) == ["a", "b"]


def test_a_message_about_an_older_list_does_nothing(explorer):
    explorer.name_selection("a", [1])
    epoch = shows(explorer, "epoch")
    explorer.name_selection("b", [2])
    explorer.drop_selection("a")  # "b" is now at the place of "a"
    send(explorer, "drop", index=0, epoch=epoch)
    send(explorer, "select", index=0, mode="replace", epoch=epoch)
    assert named(explorer) == {"b": [2]}
    assert explorer.selected.tolist() == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
messages = st.fixed_dictionaries(
    {"kind": st.sampled_from(["name", "keep", "select", "rename", "drop", "restore"])},
    optional={
        "name": st.sampled_from(["a", "b", "all", "x" * 500]) | anything,
        "index": st.integers(0, 2) | anything,
        "epoch": st.integers(0, 6) | anything,
        "mode": st.sampled_from(MODES) | anything,
    },
)


@given(st.lists(messages, min_size=6, max_size=20))
@settings(max_examples=75, deadline=None)
def test_forged_messages_never_raise_and_keep_the_state_whole(contents):
    with make_explorer() as explorer:
        explorer.select([1, 2, 3])
        explorer.name_selection("first", [0, 5])
        explorer.visible_classes = ["cat", "dog"]
        for content in contents:
            Page(explorer).send("selections", **content)
            assert whole(explorer.state)
            assert "Error" not in explorer.message


names = st.sampled_from(["a", "b", "c", "all"])
rows = st.lists(st.integers(0, N - 1), max_size=N)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["undo", "redo"])),
        st.tuples(st.just("show"), st.lists(st.booleans(), min_size=4, max_size=4)),
        st.tuples(st.just("select"), rows, st.sampled_from(MODES)),
        st.tuples(st.just("name_selection"), names, rows),
        st.tuples(st.just("drop_selection"), names),
        st.tuples(st.just("rename_selection"), names, names),
        st.tuples(st.just("again"), names, st.sampled_from(MODES)),
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=250, deadline=None)
def test_only_visible_rows_of_any_named_selection_are_selected(steps):
    state = ExplorerState(FeatureSet.from_arrays(np.eye(N), CODES), None)
    kept: dict[str, list[int]] = {}
    seen = []
    state.observe(lambda _change: seen.append(whole(state)), ["selected", "visible", "selections"])
    for what, *values in steps:
        try:
            if what == "again":
                state.select(state.selections[values[0]], values[1])
            else:
                getattr(state, what)(*values)
        except (InvalidInputError, KeyError):
            continue
        if what == "name_selection":
            kept[values[0]] = sorted(set(values[1]))
        elif what == "drop_selection":
            del kept[values[0]]
        elif what == "rename_selection":
            kept[values[1]] = kept.pop(values[0])
        assert whole(state)
        assert {name: rows.tolist() for name, rows in state.selections.items()} == kept
    assert all(seen)


def whole(state: ExplorerState) -> bool:
    slots = [state.selection_slots[name] for name in state.selections]
    return bool(
        state.visible_rows[state.selected].all()
        and all((np.diff(rows) > 0).all() for rows in state.selections.values())
        and len(set(slots)) == len(slots)
    )
