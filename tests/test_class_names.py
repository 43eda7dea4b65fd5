"""Class names in every form, labels in every form, and the order that connects them."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pandas as pd
import pytest
import torch

from tsne_widget import FeatureSet
from tsne_widget._class_names import as_class_names
from tsne_widget.errors import DoubtWarning, InvalidInputError

X = np.random.default_rng(0).normal(size=(4, 3))


class Animal(Enum):
    dog = 1
    cat = 0


# Forms of class names


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog"],
        ("cat", "dog"),
        {"dog": 1, "cat": 0},
        {1: "dog", 0: "cat"},
        {"1": "dog", "0": "cat"},
        {np.int64(1): "dog", np.int64(0): "cat"},
        {"dog": "1", "cat": "0"},
        np.array(["cat", "dog"]),
        np.array([b"cat", b"dog"]),
        pd.Series(["cat", "dog"]),
        pd.Series(["dog", "cat"], index=[1, 0]),
        pd.Series([1, 0], index=["dog", "cat"]),
        pd.Index(["cat", "dog"]),
        pd.Categorical(["dog", "cat", "dog"]),
        pd.CategoricalDtype(["cat", "dog"]),
        Animal,
        [Animal.cat, Animal.dog],
        dict.fromkeys(["cat", "dog"]).keys(),
        (name for name in ("cat", "dog")),
    ],
)
def test_every_form_of_class_names_is_read_in_the_order_of_the_codes(names):
    assert as_class_names(names) == ("cat", "dog")


def test_numbers_as_names_are_told_from_codes_by_their_gaps():
    assert as_class_names({1990: 0, 1991: 1}) == ("1990", "1991")
    assert as_class_names({0: 1990, 1: 1991}) == ("1990", "1991")
    assert as_class_names({"1": 0, "10": 1, "2": 2}) == ("1", "10", "2")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"cat", "dog"}, "is a set, which has no order"),
        (frozenset({"cat"}), "is a set"),
        ({0: "cat", 2: "dog"}, r"must be 0 … c - 1.* lack 1"),
        ({1: "cat", 2: "dog"}, "lack 0"),
        ({"cat": 0, "kitty": 0}, "has a code twice"),
        ({"cat": "a", "dog": "b"}, "has no codes"),
        ({0: 1, 1: 0}, "can map codes to names or names to codes"),
        (["cat", None], "has None for code 1"),
        (pd.Series(["cat", "dog"], index=[3, 7]), "lack 0"),
        (pd.Series(["cat", "dog"], index=[0, 0]), "without one name for each code"),
        (pd.DataFrame({"name": ["cat"]}), "without one name for each code"),
        (np.array([["cat"], ["dog"]]), r"one dimension, got shape \(2, 1\)"),
        ("cat", "must be a list of names, got 'cat'"),
        (10, "must be a list of names, got 10"),
    ],
)
def test_class_names_without_an_order_are_refused(names, message):
    with pytest.raises(InvalidInputError, match=message):
        as_class_names(names)


def test_a_name_of_two_classes_gets_its_code():
    assert as_class_names(["crane", "dog", "crane"]) == ("crane (0)", "dog", "crane (2)")
    assert as_class_names([("tench", "Tinca tinca"), "dog"]) == ("tench, Tinca tinca", "dog")


def test_a_label_that_names_two_classes_is_refused():
    with pytest.raises(InvalidInputError, match=r"'crane' is the name of several classes: 'crane"):
        FeatureSet.from_arrays(X, ["crane"] * 4, class_names=["crane", "dog", "crane"])


def test_a_record_takes_a_mapping():
    record = FeatureSet.from_arrays(X, [0, 1, 1, 0], class_names={"dog": 1, "cat": 0})
    assert record.class_names == ("cat", "dog")


# Names in labels


@pytest.mark.parametrize("outputs", ["logits", "probabilities", "predictions"])
def test_names_in_labels_and_codes_in_outputs_need_class_names(outputs):
    names = [str(code) for code in range(11)]
    features, scores = np.ones((11, 2)), np.eye(11)
    values = scores.argmax(axis=1) if outputs == "predictions" else scores
    with pytest.raises(InvalidInputError, match=r"order.*unknown; pass class_names="):
        FeatureSet.from_arrays(features, names, **{outputs: values})
    record = FeatureSet.from_arrays(features, names, class_names=names, **{outputs: values})
    assert not record.misclassified.any()


def test_names_in_predictions_and_codes_in_labels_need_class_names():
    with pytest.raises(InvalidInputError, match="predictions are names, but labels have codes"):
        FeatureSet.from_arrays(X, [0, 1, 0, 1], predictions=list("abab"))


def test_categories_keep_their_order():
    labels = pd.Series(["small", "large", None, "small"]).astype(
        pd.CategoricalDtype(["small", "medium", "large"])
    )
    record = FeatureSet.from_arrays(X, labels)
    assert record.class_names == ("small", "medium", "large")
    assert record.labels.tolist() == [0, 2, -1, 0]
    with_logits = FeatureSet.from_arrays(X, labels, logits=np.eye(4, 3) * 5)
    assert with_logits.class_names == record.class_names


def test_categories_that_do_not_fit_the_outputs_are_refused():
    numbers = pd.Series([str(code) for code in range(11)], dtype="category")
    with pytest.raises(InvalidInputError, match="pass class_names="):
        FeatureSet.from_arrays(np.ones((11, 2)), numbers, logits=9 * np.eye(11))
    with pytest.raises(InvalidInputError, match="pass class_names="):
        FeatureSet.from_arrays(X, pd.Categorical(list("abab")), logits=9 * np.eye(4, 3))


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series([0, 1, None, 1], dtype="Int64"),
        pd.array([0, 1, None, 1], dtype="Int8"),
        pd.Series([0, 1, None, 1]),
        pd.Series([False, True, None, True], dtype="boolean"),
        pd.Series([0, 1, None, 1], dtype="category"),
        np.array([0, 1, np.nan, 1]),
        np.array([0.0, 1, None, 1], dtype=object),
        [0, 1, None, 1],
        [0, 1, float("nan"), 1],
        torch.tensor([0, 1, -1, 1]),
        [torch.tensor(0), torch.tensor(1), torch.tensor(-1), torch.tensor(1)],
    ],
)
def test_a_missing_code_is_unknown(labels):
    assert FeatureSet.from_arrays(X, labels).labels.tolist() == [0, 1, -1, 1]


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "b", "a", "b"]),
        np.array([b"a", b"b", b"a", b"b"]),
        pd.Series(list("abab"), dtype="string"),
        pd.Series(list("abab"), dtype="category"),
        pd.Series(list("abab")),
    ],
)
def test_names_of_any_array_are_names(labels):
    record = FeatureSet.from_arrays(X, labels)
    assert record.class_names == ("a", "b")
    assert record.labels.tolist() == [0, 1, 0, 1]


def test_codes_of_the_frame_make_the_same_record():
    pytest.importorskip("pandas")
    from tsne_widget.analysis import sample_frame

    record = FeatureSet.from_arrays(X, [0, -1, 1, 2], predictions=[0, 1, 1, 2])
    frame = sample_frame(record, range(4))
    again = FeatureSet.from_arrays(X, frame["label"], predictions=frame["prediction"])
    assert again.labels.tolist() == record.labels.tolist()


# Names and outputs


def test_more_names_than_logits_are_a_doubt():
    with pytest.warns(DoubtWarning, match=r"3 classes, but logits have 2 columns.*class_names="):
        record = FeatureSet.from_arrays(X, logits=9 * np.eye(4, 2), class_names=list("abc"))
    assert len(record.notes) == 1


def test_predictions_that_contradict_the_logits_are_a_doubt():
    logits = 9 * np.eye(4)[np.arange(40) % 4]
    with pytest.warns(DoubtWarning, match="predictions differ from the largest logit in 40 of 40"):
        FeatureSet.from_arrays(np.ones((40, 2)), logits=logits, predictions=np.arange(1, 41) % 4)
