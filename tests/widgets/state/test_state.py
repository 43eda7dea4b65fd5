"""After any change of an explorer's state, only visible rows are selected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.widgets.state.explorer_state import MODES, ExplorerState

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


def test_hiding_a_class_deselects_its_rows():
    state = make_state()
    state.select(np.arange(N))
    state.show([True, False, True, True])
    assert 1 not in state.codes[state.selected]
    assert len(state.selected) == N - N // 4


def test_rows_of_hidden_classes_are_left_out_and_counted():
    state = make_state()
    state.show([True, False, True, True])
    state.select([0, 1, 2, 5])
    assert state.selected.tolist() == [0, 2]
    assert state.message == "2 of 4 rows belong to hidden classes and were not selected"
    state.select([0])
    assert state.message == ""


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


def test_undo_excludes_rows_of_hidden_classes():
    state = make_state()
    state.select([0, 1, 2])
    state.select([4])
    state.show([True, False, True, True])
    state.undo()
    assert state.selected.tolist() == [0, 2]
