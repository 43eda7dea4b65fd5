"""Shortcuts: compared with scikit-learn, with planted ones, and with chance."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tsne_widget import InvalidInputError
from tsne_widget.analysis import shortcuts, shortcuts_frame

rng = np.random.default_rng(5)
LABELS = np.repeat(np.arange(4), 60)
NOISE = rng.normal(size=240)


def of_class(found, label):
    return next(one for one in found if one.label == label)


@pytest.mark.parametrize("values", [NOISE, np.round(NOISE), -NOISE + LABELS], ids=str)
def test_auc_is_that_of_scikit_learn(values):
    found = shortcuts({"x": values}, LABELS)
    for label in range(4):
        true = roc_auc_score(label == LABELS, values)
        one = of_class(found, label)
        assert one.auc == pytest.approx(max(true, 1 - true))
        assert one.is_higher == (true > 0.5)


def test_planted_property_tells_its_class_only():
    brightness = NOISE + 3 * (LABELS == 2)
    best, *others = shortcuts({"noise": rng.normal(size=240), "brightness": brightness}, LABELS)
    assert (best.label, best.name, best.words, best.tells) == (2, "brightness", "brighter", True)
    assert not any(one.tells for one in others)


def test_value_of_a_category_can_tell_a_class():
    camera = np.where(LABELS == 1, "phone", np.where(NOISE > 0, "dslr", "scanner"))
    best = shortcuts({"camera": camera}, LABELS)[0]
    assert (best.label, best.level, best.auc) == (1, "phone", 1.0)
    assert best.words == "more often camera = 'phone'"


def test_truth_value_can_tell_a_class():
    best = shortcuts({"mark": LABELS == 3}, LABELS)[0]
    assert (best.label, best.auc, best.words) == (3, 1.0, "more often mark")


@pytest.mark.parametrize(("count", "tells"), [(6, False), (12, False), (60, True)])
def test_few_samples_of_a_class_are_no_proof(count, tells):
    labels = np.r_[np.zeros(count, dtype=int), np.ones(200, dtype=int), np.full(200, 2)]
    columns = {"x": np.where(labels == 0, 1.0, 0.0) + np.arange(len(labels)) / 1e6}
    columns |= {str(k): rng.normal(size=len(labels)) for k in range(20)}
    best = of_class(shortcuts(columns, labels), 0)
    assert (best.auc, best.tells) == (1.0, tells)
    assert (best.low < 0.8) != tells


def test_chance_is_no_shortcut():
    labels, chance = np.r_[np.repeat(np.arange(20), 5), np.full(500, 20)], np.random.default_rng(0)
    columns = {str(k): chance.normal(size=len(labels)) for k in range(400)}
    found = shortcuts(columns, labels)
    assert max(one.auc for one in found) > 0.9
    assert not any(one.tells for one in found)


@pytest.mark.parametrize(
    "copy", [LABELS, LABELS.astype(float), np.array(list("abcd"))[LABELS], LABELS * 5 + 1], ids=str
)
def test_copy_of_the_labels_is_no_shortcut(copy):
    found = shortcuts({"copy": copy, "noise": NOISE}, LABELS)
    assert found[-1].name == "copy"
    assert found[-1].lacking.startswith("a copy of the label")
    assert not any(one.tells for one in found)


def test_unknown_values_and_labels_are_left_out():
    values, labels = NOISE + 3 * (LABELS == 2), LABELS.copy()
    values[:20], labels[60:70] = np.nan, -1
    kept = np.isfinite(values) & (labels >= 0)
    found, few = shortcuts({"x": values}, labels), shortcuts({"x": values[kept]}, labels[kept])
    assert [one.auc for one in found] == [one.auc for one in few]


def test_class_and_column_that_cannot_be_tested_come_last_with_the_reason():
    labels = np.r_[LABELS, [4, 4]]
    columns = {"x": np.r_[NOISE, [0, 0]], "when": np.arange(242).astype("M8[D]")}
    *_, small, column = shortcuts(columns, labels)
    assert (small.label, small.lacking[:7]) == (4, "too few")
    assert (column.name, column.lacking) == ("when", "neither numbers nor text")


def test_frame_has_a_row_per_class_and_fixed_dtypes():
    found = shortcuts({"x": NOISE}, LABELS)
    frame = shortcuts_frame(found, list("abcd"))
    assert sorted(frame["label_name"]) == list("abcd")
    assert frame.dtypes.equals(shortcuts_frame([], []).dtypes)
    assert shortcuts({}, LABELS)[0].lacking == "no property"
    assert shortcuts({"x": []}, []) == []


def test_column_of_another_length_is_refused():
    with pytest.raises(InvalidInputError, match=r"column 'x' must have shape \(240,\)"):
        shortcuts({"x": [1.0]}, LABELS)
