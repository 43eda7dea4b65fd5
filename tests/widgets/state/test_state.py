"""After any change of an explorer's state, only visible rows are selected."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.selecting import MODES

N = 40


def make_state(labels: object = None) -> ExplorerState:
    codes = np.arange(N) % 4 if labels is None else np.asarray(labels)
    return ExplorerState(FeatureSet.from_arrays(np.eye(N), codes), None)


actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["undo", "redo"]), st.none()),
        st.tuples(st.just("color"), st.sampled_from(["label", "outlier_score"])),
        st.tuples(st.just("show"), st.lists(st.booleans(), min_size=4, max_size=4)),
        st.tuples(st.sampled_from(MODES), st.lists(st.integers(0, N - 1), max_size=N, unique=True)),
    ),
    max_size=25,
)


@given(actions)
@settings(max_examples=200, deadline=None)
def test_selected_rows_are_always_visible_sorted_and_unique(steps):
    state = make_state()
    observed = []
    state.observe(lambda _change: observed.append(invariant(state)), ["selected", "visible"])
    for name, value in steps:
        if name == "show":
            state.show(value)
        elif name == "color":
            before = state.selected
            state.color_by = value
            assert state.selected is before
        elif name in ("undo", "redo"):
            getattr(state, name)()
        else:
            state.select(value, name)
        assert invariant(state)
    assert all(observed)  # observers also see this in the middle of a step


def invariant(state: ExplorerState) -> bool:
    rows = state.selected
    return bool(state.visible_rows[rows].all() and (np.diff(rows) > 0).all())


def test_modes_combine_as_sets():
    state = make_state()
    state.select([1, 2, 3])
    state.select([3, 4], "add")
    assert state.selected.tolist() == [1, 2, 3, 4]
    state.select([2], "subtract")
    assert state.selected.tolist() == [1, 3, 4]
    state.select([3, 4, 5], "intersect")
    assert state.selected.tolist() == [3, 4]
    with pytest.raises(InvalidInputError, match="mode must be one of"):
        state.select([1], "xor")


@pytest.mark.parametrize("again", [[2, 5], np.array([5, 2, 2]), np.isin(np.arange(N), [2, 5])])
def test_selecting_the_same_rows_again_is_no_change(again):
    state, changes = make_state(), []
    state.select([2, 5])
    state.observe(changes.append, ["selected", "visible"])
    state.selected = again
    state.select(again)
    state.select([2], "add")
    state.visible = state.visible.copy()
    assert changes == []
    state.select([2])
    assert [change.old.tolist() for change in changes] == [[2, 5]]


def test_rows_of_a_hidden_class_are_selected_again_when_it_is_shown():
    state = make_state()
    state.select(np.arange(8))
    state.show([True, False, True, True])
    assert state.selected.tolist() == [0, 2, 3, 4, 6, 7]
    assert state.selected_hidden == 2
    state.show([True, True, True, True])
    assert state.selected.tolist() == list(range(8))
    assert state.selected_hidden == 0


def test_a_new_selection_replaces_the_rows_of_hidden_classes_too():
    state = make_state()
    state.select(np.arange(8))
    state.show([True, False, True, True])
    state.select([0])
    state.show([True, True, True, True])
    assert state.selected.tolist() == [0]


@pytest.mark.parametrize(
    ("mode", "rows", "expected"),
    [
        ("add", [8], [0, 1, 2, 3, 8]),
        ("subtract", [0], [1, 2, 3]),
        ("intersect", [0, 1, 8], [0, 1]),
    ],
)
def test_modes_combine_with_the_rows_of_hidden_classes_too(mode, rows, expected):
    state = make_state()
    state.select([0, 1, 2, 3])
    state.show([True, False, True, True])
    state.select(rows, mode)
    state.show([True, True, True, True])
    assert state.selected.tolist() == expected


def test_selecting_rows_of_hidden_classes_selects_them_when_these_are_shown():
    state = make_state()
    state.show([True, False, True, True])
    state.select([0, 1, 2, 5])
    assert state.selected.tolist() == [0, 2]
    assert state.message == (
        "2 of 4 rows belong to hidden classes: they are selected once their classes are shown"
    )
    state.show([True, True, True, True])
    assert state.selected.tolist() == [0, 1, 2, 5]
    state.select([0])
    assert state.message == ""


def test_a_linked_widget_that_sends_the_selection_back_drops_no_hidden_row():
    state = make_state()
    state.select([0, 1])
    state.show([True, False, True, True])
    state.selected = state.selected.tolist()
    assert state.selected_hidden == 1
    state.selected = []
    assert state.selected_hidden == 0


def test_a_mask_selects_its_true_rows():
    state = make_state()
    state.selected = np.arange(N) < 3
    assert state.selected.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([N], f"selected must be 0 … {N - 1}, got {N}"),
        ([-1], f"selected must be 0 … {N - 1}, got -1"),
        ([0.5], "float64"),
        (["a"], "integers"),
        ([[1, 2]], r"\(1, 2\)"),
        (np.ones(3, dtype=bool), rf"\({N},\), got \(3,\)"),
    ],
)
def test_rows_out_of_range_are_refused_and_change_nothing(rows, message):
    state = make_state()
    state.select([7])
    with pytest.raises(InvalidInputError, match=message):
        state.selected = rows
    assert state.selected.tolist() == [7]


def test_no_rows_are_a_valid_selection():
    state = make_state()
    for nothing in ([], np.zeros(N, dtype=bool), np.empty(0)):
        state.select([7])
        state.select(nothing)
        assert state.selected.dtype == np.int64
        assert state.selected.tolist() == []


def test_unknown_labels_are_a_class_of_their_own():
    state = make_state([-1, 0, 1, 1] * 10)
    assert state.class_names == ["0", "1", "unknown"]
    assert state.counts.tolist() == [10, 20, 10]
    assert state.known == 2


def test_class_named_unknown_keeps_its_name():
    record = FeatureSet.from_arrays(np.eye(3), [0, 1, -1], class_names=["cat", "unknown"])
    state = ExplorerState(record, None)
    assert len(set(state.class_names)) == 3


def test_without_labels_the_predictions_are_the_classes():
    state = ExplorerState(FeatureSet.from_arrays(np.eye(3), predictions=[0, 1, 1]), None)
    assert state.colored_by == "prediction"
    assert state.counts.tolist() == [1, 2]


def test_without_labels_and_predictions_all_samples_are_one_class():
    state = ExplorerState(FeatureSet.from_arrays(np.eye(3)), None)
    assert state.class_names == ["all samples"]
    assert state.counts.tolist() == [3]


def test_the_selection_cannot_be_changed_in_place():
    state = make_state()
    state.select([1, 2])
    with pytest.raises(ValueError, match="read-only"):
        state.selected[0] = 5


def test_undo_and_redo_step_through_the_selections():
    state = make_state()
    for rows in ([1], [1, 2], [3]):
        state.select(rows)
    state.select([3])  # no change, no step
    state.undo()
    assert state.selected.tolist() == [1, 2]
    state.undo()
    state.undo()
    assert state.selected.tolist() == []
    state.undo()  # nothing earlier
    state.redo()
    state.redo()
    assert state.selected.tolist() == [1, 2]
    state.select([7])
    state.redo()  # a new selection clears the redo history
    assert state.selected.tolist() == [7]
    state.undo()
    assert state.selected.tolist() == [1, 2]


def test_undo_continues_after_an_error_in_an_observer():
    state = make_state()
    for rows in ([0], [1], [2]):
        state.select(rows)
    state.observe(lambda _change: 1 / 0, "selected")
    for expected in ([1], [0], []):
        with pytest.raises(ZeroDivisionError):
            state.undo()
        assert state.selected.tolist() == expected
    with pytest.raises(ZeroDivisionError):
        state.redo()
    assert state.selected.tolist() == [0]


def test_undo_history_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr("tsne_widget.widgets.state.history.MAX_UNDO_BYTES", 8 * 12)
    state = make_state()
    for rows in ([0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6], [4, 5, 6, 7]):
        state.select(rows)
    seen = []
    for _ in range(5):
        state.undo()
        seen.append(state.selected.tolist())
    assert seen == [[3, 4, 5, 6], [2, 3, 4, 5], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]


def test_undo_restores_the_classes_that_were_visible():
    state = make_state()
    state.select([0, 1, 2])
    state.show([True, False, True, True])
    state.select([4])
    state.undo()
    assert (state.selected.tolist(), state.selected_hidden) == ([0, 2], 1)
    state.undo()
    assert state.visible.all()
    assert state.selected.tolist() == [0, 1, 2]
    state.redo()
    assert state.visible.tolist() == [True, False, True, True]
    assert state.selected.tolist() == [0, 2]


@given(actions)
@settings(max_examples=200, deadline=None)
def test_each_step_of_undo_changes_the_screen(steps):
    state = make_state()
    for name, value in steps:
        if name == "show":
            state.show(value)
        elif name in MODES:
            state.select(value, name)
    seen = [screen(state)]
    while state.can_undo:
        state.undo()
        seen.append(screen(state))
    assert all(one != other for one, other in itertools.pairwise(seen))
    for expected in seen[-2::-1]:
        assert state.can_redo
        state.redo()
        assert screen(state) == expected
    assert not state.can_redo


def screen(state: ExplorerState) -> tuple[object, ...]:
    return state.selected.tolist(), state.chosen_counts.tolist(), state.visible.tolist()


def test_a_change_that_amends_the_last_one_is_the_same_step_of_undo():
    state = make_state()
    state.show([False, True, True, True])
    state.show([True, False, False, False], amends=True)
    state.undo()
    assert state.visible.all()
    assert not state.can_undo


def test_nothing_before_a_restored_state_can_be_undone():
    state = make_state()
    state.select([3])
    state.restore([True, False, True, True], [0, 1], {}, {})
    assert (state.selected.tolist(), state.selected_hidden, state.message) == ([0], 1, "")
    assert not state.can_undo
    state.undo()
    assert state.selected.tolist() == [0]


def test_mistakes_are_marked_alone_or_plain():
    state = make_state()
    state.mistakes = "only"
    with pytest.raises(InvalidInputError, match="must be one of mark, only, plain, got 'red'"):
        state.mistakes = "red"
    assert state.mistakes == "only"
