"""Labels and predictions whose codes mean different classes are noticed, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from tsne_widget import FeatureSet
from tsne_widget.errors import DoubtWarning

RNG = np.random.default_rng(0)


def judged(labels, predictions, **fields):
    return FeatureSet.from_arrays(
        np.ones((len(labels), 2)), labels, predictions=predictions, **fields
    )


def predicted(labels, classes, accuracy, seed=0):
    """Predictions of a classifier that is right with this probability, otherwise guesses."""
    rng = np.random.default_rng(seed)
    guesses = rng.integers(0, classes, len(labels))
    return np.where(rng.random(len(labels)) < accuracy, labels, guesses)


LABELS = np.repeat(np.arange(10), 30)


def test_a_permutation_of_all_classes_is_noted_with_its_pairs():
    order = np.roll(np.arange(10), 3)
    with pytest.warns(
        DoubtWarning, match=r"order the classes differently.*'0' as '7'.*class_names"
    ):
        record = judged(LABELS, order[predicted(LABELS, 10, 0.8)])
    assert len(record.notes) == 1


def test_two_exchanged_classes_of_ten_are_noted():
    order = np.arange(10)
    order[[3, 5]] = [5, 3]
    with pytest.warns(DoubtWarning, match=r"\('3' as '5', '5' as '3'\)"):
        judged(LABELS, order[predicted(LABELS, 10, 0.9)])


@pytest.mark.parametrize("names", [["even", "odd"], ["cat", "dog"]])
def test_two_exchanged_classes_of_two_are_noted(names):
    labels = np.arange(60) % 2
    with pytest.warns(DoubtWarning, match=f"'{names[0]}' as '{names[1]}'"):
        judged(labels, 1 - predicted(labels, 2, 0.9), class_names=names)


@pytest.mark.parametrize(
    ("shift", "message"),
    [(1, "labels are 1 higher.*pass labels - 1"), (-2, "labels are 2 lower.*pass labels [+] 2")],
)
def test_a_shift_is_noted_with_the_correction(shift, message):
    labels = LABELS[(LABELS >= 2) & (LABELS < 8)]
    predictions = predicted(labels, 10, 0.9)
    with pytest.warns(DoubtWarning, match=message):
        judged(np.clip(labels + shift, 0, 9), predictions, class_names=list("abcdefghij"))


def test_labels_from_one_with_an_absent_last_class_are_noted():
    labels = np.tile([1, 2], 6)
    with pytest.warns(DoubtWarning, match="labels are 1 higher than the predictions for 12 of 12"):
        judged(labels, labels - 1, class_names=["a", "b", "c"])


def test_few_samples_of_many_reordered_classes_are_noted():
    labels = np.repeat(np.arange(100), 4)
    order = np.random.default_rng(1).permutation(100)
    with pytest.warns(DoubtWarning, match="order the classes differently"):
        judged(labels, order[labels])


def test_codes_of_a_part_of_the_classes_are_noted():
    labels = np.repeat(np.arange(10), 20)
    outputs = np.random.default_rng(1).choice(np.arange(10, 1000), 10, replace=False)
    with pytest.warns(DoubtWarning, match="order the classes differently"):
        judged(labels, outputs[labels], class_names=[f"n{code}" for code in range(1000)])


def test_a_classifier_that_guesses_is_not_doubted():
    assert judged(LABELS, RNG.integers(0, 10, len(LABELS))).notes == ()


def test_a_constant_prediction_is_not_doubted():
    assert judged(LABELS, np.zeros_like(LABELS)).notes == ()


@pytest.mark.parametrize("classes", [2, 3, 10, 100, 1000])
@pytest.mark.parametrize("accuracy", [0.4, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("n", [8, 40, 400])
def test_a_classifier_that_is_only_wrong_has_no_notes(classes, accuracy, n):
    labels = np.random.default_rng(n).integers(0, classes, n)
    assert judged(labels, predicted(labels, classes, accuracy, seed=classes)).notes == ()


def test_mistakes_in_favour_of_a_large_class_have_no_notes():
    labels = np.where(np.arange(1000) < 950, 0, 1)
    predictions = np.where(np.arange(1000) < 980, 0, 1)
    assert judged(labels, predictions).notes == ()


def test_a_confusable_pair_has_no_notes():
    predictions = LABELS.copy()
    for start in (90, 150):  # half of two classes is predicted as the other
        predictions[start : start + 15] = 8 - LABELS[start]
    assert judged(LABELS, predictions).notes == ()


def test_unknown_labels_are_not_judged():
    assert judged(np.full(100, -1), RNG.integers(0, 3, 100)).notes == ()


def test_misclassified_samples_alone_have_no_new_note():
    labels = np.arange(200) % 2
    record = judged(labels, predicted(labels, 2, 0.8))
    assert record.take(record.misclassified).notes == ()


def test_a_saved_note_does_not_warn_again(tmp_path):
    labels = np.arange(60) % 2
    with pytest.warns(DoubtWarning):
        record = judged(labels, 1 - labels)
    record.save(tmp_path / "record")
    assert FeatureSet.load(tmp_path / "record").notes == record.notes
    assert record.take([0, 1]).notes == record.notes
