"""The gallery's order, compared with slow and simple references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsne_widget import FeatureSet
from tsne_widget.widgets.models.arrangement import grouped, same_pictures, sort_key, sorted_rows

NAMES = ["cat", "dog", "owl"]


def a_record(labels, predictions=None, names=NAMES):
    return FeatureSet.from_arrays(
        np.eye(len(labels)), labels, predictions=predictions, class_names=names
    )


def order(rows, values, descending=False, group_by="none", record=None):
    ordered = sorted_rows(np.asarray(rows), values, descending=descending)
    return grouped(ordered, group_by, record)


def sizes(found):
    return [(group.name, group.size) for group in found.groups]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([np.nan, -np.inf, 0.0, 0.5, 1.0, 2.0, np.inf]), max_size=30),
    st.booleans(),
    st.randoms(),
)
def test_rows_are_sorted_by_value_then_by_row_with_missing_values_last(values, descending, random):
    rows = sorted(random.sample(range(len(values)), random.randint(0, len(values))))
    sign = -1 if descending else 1
    expected = sorted(
        rows, key=lambda r: (np.isnan(values[r]), 0 if np.isnan(values[r]) else sign * values[r], r)
    )
    found = order(np.array(rows, dtype=np.int64), np.array(values, dtype=float), descending)
    assert found.rows.tolist() == expected
    assert found.groups == []


def test_integers_are_sorted_both_ways_without_overflow():
    values = np.array([2, np.iinfo(np.int64).min, 2, np.iinfo(np.int64).max])
    assert order([0, 1, 2, 3], values).rows.tolist() == [1, 0, 2, 3]
    assert order([0, 1, 2, 3], values, descending=True).rows.tolist() == [3, 0, 2, 1]
    unsigned = np.array([1, 0, 255], dtype=np.uint8)
    assert order([0, 1, 2], unsigned, descending=True).rows.tolist() == [2, 0, 1]


def test_rows_without_values_keep_or_reverse_the_order_of_the_dataset():
    assert order([3, 5, 8], None).rows.tolist() == [3, 5, 8]
    assert order([3, 5, 8], None, descending=True).rows.tolist() == [8, 5, 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array(["b", "a", "c"]), [1, 0, 2]),
        (np.array(["b", None, "a", np.nan, "B"], dtype=object), [4, 2, 0, 1, 3]),
        (np.array([3, "x", None, 1], dtype=object), [3, 0, 1, 2]),
        (np.array(["2024-05-01", "NaT", "2023-01-01"], dtype="M8[D]"), [2, 0, 1]),
        (np.array([True, False, True]), [1, 0, 2]),
    ],
)
def test_columns_of_any_kind_are_sorted_with_missing_values_last(values, expected):
    assert order(np.arange(len(values)), sort_key(values)).rows.tolist() == expected


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 2), st.floats(0, 1)), min_size=1),
    st.sampled_from(["label", "prediction", "confusion"]),
    st.booleans(),
)
def test_groups_hold_their_rows_in_sorted_order(samples, group_by, descending):
    labels, predictions, values = map(np.array, zip(*samples, strict=True))
    record = a_record(labels, predictions)
    rows = np.arange(len(samples))
    found = order(rows, values, descending, group_by, record)
    assert sorted(found.rows.tolist()) == rows.tolist()
    assert sum(group.size for group in found.groups) == len(rows)
    word = [*NAMES, "unknown"]

    def title(row):
        label, prediction = word[labels[row]], word[predictions[row]]
        is_right = labels[row] == predictions[row]
        return {
            "label": label,
            "prediction": f"→ {prediction}",
            "confusion": "right" if is_right else f"{label} → {prediction}",
        }[group_by]

    start, seen = 0, []
    by_value = order(rows, values, descending).rows.tolist()
    for name, count in sizes(found):
        expected = [row for row in by_value if title(row) == name]
        assert found.rows[start : start + count].tolist() == expected
        start += count
        seen.append(name)
    assert len(set(seen)) == len(seen)


def test_mistakes_come_by_frequency_then_all_right_samples_then_unknown_ones():
    labels = [0, 0, 0, 1, 1, 2, 2, -1]
    predictions = [0, 1, 1, 1, 2, 2, 0, 1]
    found = order(np.arange(8), None, group_by="confusion", record=a_record(labels, predictions))
    assert found.groups == [
        ("cat → dog", 2, 0, 1), ("dog → owl", 1, 1, 2), ("owl → cat", 1, 2, 0),
        ("right", 3, -1, -1), ("unknown → dog", 1, -1, 1),
    ]  # fmt: skip


def test_groups_beyond_the_limit_become_one_group(monkeypatch):
    monkeypatch.setattr("tsne_widget.widgets.models.arrangement.MAX_GROUPS", 2)
    found = order(np.arange(5), None, group_by="label", record=a_record([2, 1, 0, 2, 1]))
    assert sizes(found) == [("cat", 1), ("2 other groups", 4)]
    assert found.rows.tolist() == [2, 0, 1, 3, 4]


@pytest.mark.filterwarnings("ignore::tsne_widget.errors.DoubtWarning")  # random predictions
def test_many_classes_are_grouped_like_few():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(-1, 3, 200), rng.integers(0, 3, 200)
    few, many = (
        order(np.arange(200), None, group_by="confusion", record=record)
        for record in (
            a_record(labels, predictions),
            a_record(labels, predictions, [*NAMES, *(f"class {i}" for i in range(3, 400))]),
        )
    )
    assert sizes(many) == sizes(few)
    assert np.array_equal(many.rows, few.rows)


def test_equal_pictures_stand_under_their_labels():
    record = FeatureSet.from_arrays(np.eye(6), [0, 1, 0, 0, -1, 1], class_names=["cat", "dog"])
    rows, numbers = np.array([1, 4, 2, 3, 0, 5]), np.array([2, 0, 1, 1, 0, 2])
    groups = same_pictures(rows, numbers.astype(np.float32), record)
    assert [(one.name, one.size, one.label) for one in groups] == [
        ("dog, unknown", 2, -1), ("cat", 2, 0), ("cat, dog", 2, -1),
    ]  # fmt: skip


def test_equal_pictures_without_labels_have_headings():
    rows = np.array([0, 2, 1, 3])
    groups = same_pictures(rows, np.array([0, 1, 0, 1.0]), FeatureSet.from_arrays(np.eye(4)))
    assert [(one.name, one.size) for one in groups] == [("same picture", 2)] * 2
    assert same_pictures(rows[:0], np.zeros(4), FeatureSet.from_arrays(np.eye(4))) == []
