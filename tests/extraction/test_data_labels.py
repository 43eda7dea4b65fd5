"""Labels of any kind become class codes, or the error says what to pass."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from tests.extraction.nets import CLASSES, Pictures
from tests.extraction.samples import HEADLESS, MODEL, PLAIN, As, assert_plain, run
from tsne_widget import ExtractionError, InvalidInputError, extract


@pytest.mark.parametrize(
    "label",
    [
        torch.tensor([1, 0, 1]),
        [0, 1],
        [1, 2],
        (0, 1),
        torch.tensor([0.0, 1.0, 1.0]),
        {"boxes": torch.zeros(2, 4), "labels": torch.tensor([1, 2])},
        (1, 2, 0),
        np.array([1, 1, 1]),
        torch.zeros(8, 8),
    ],
)
def test_several_labels_are_an_error_that_names_both_remedies(label):
    with pytest.raises(InvalidInputError, match=r"label=.*label=None"):
        run(lambda x, y, i: (x, label))
    assert_plain(run(lambda x, y, i: (x, label), label=None), labels=False)


def test_two_labels_of_zero_and_one_are_not_read_as_one_hot():
    with pytest.raises(InvalidInputError, match=r"not one-hot for 3 classes: it has 2 labels"):
        run(lambda x, y, i: (x, (0, 1)))
    with pytest.raises(InvalidInputError, match=r"it has 2 labels"):
        run(lambda x, y, i: (x, [0, 1]), model=HEADLESS)


def test_labels_of_different_number_are_an_error_with_the_remedy():
    with pytest.raises(InvalidInputError, match=r"differ in shape.*label=None"):
        run(lambda x, y, i: (x, list(range(y + 1))))


def test_a_label_dictionary_without_a_known_key_lists_the_keys():
    with pytest.raises(InvalidInputError, match=r"keys 'breed', 'age'.*label='breed'"):
        run(lambda x, y, i: (x, {"breed": y, "age": 3}))
    assert_plain(run(lambda x, y, i: (x, {"breed": y, "age": 3}), label="breed"))


@pytest.mark.parametrize("missing", [pd.NA, None, pd.NaT])
def test_a_missing_label_is_unknown(missing):
    found = run(lambda x, y, i: (x, missing if y == 0 else y))
    assert (found.labels == np.where(PLAIN.labels == 0, -1, PLAIN.labels)).all()


def test_missing_names_are_unknown():
    names = ["ant", math.nan, pd.NA]
    found = run(lambda x, y, i: (x, names[y]), model=HEADLESS)
    assert found.class_names == ("ant",)
    assert (found.labels == np.where(PLAIN.labels == 0, 0, -1)).all()


def test_names_of_classes_come_from_the_labels_if_there_are_no_logits():
    names = ["eel", "cat", "dog"]
    found = run(lambda x, y, i: (x, names[y]), model=HEADLESS)
    assert found.class_names == ("cat", "dog", "eel")
    assert [found.class_names[code] for code in found.labels] == [names[y] for y in PLAIN.labels]


def test_labels_that_are_numbers_as_text_are_sorted_by_number():
    found = run(lambda x, y, i: (x, str(i // 2 * 5)), model=HEADLESS)
    assert found.class_names == tuple(str(5 * k) for k in range(10))
    assert found.labels.tolist() == [i // 2 for i in range(20)]


def test_names_and_numbers_in_one_dataset_are_refused():
    with pytest.raises(InvalidInputError, match="some labels are names, such as 'a', and others"):
        run(lambda x, y, i: (x, "a" if i < 10 else y), model=HEADLESS)


def test_a_name_for_each_sample_is_no_class():
    with pytest.raises(InvalidInputError, match=r"each of the 20 labels differs.*label=None"):
        run(lambda x, y, i: (x, f"picture {i}"), model=HEADLESS)


def test_names_of_classes_with_logits_are_an_error_with_the_complete_remedy():
    names = ["eel", "cat", "dog"]
    with pytest.raises(
        InvalidInputError,
        match=r"pass class_names=\['cat', 'dog', 'eel'\] in the order of the model's 3 outputs",
    ):
        run(lambda x, y, i: (x, names[y]))
    assert_plain(run(lambda x, y, i: (x, names[y]), class_names=names))


def test_a_name_that_class_names_lacks_is_named_with_its_sample():
    with pytest.raises(InvalidInputError, match=r"lacks 'ox' \(label of sample 5\)"):
        run(lambda x, y, i: (x, "ox" if i == 5 else "a"), class_names=["a", "b", "c"])


def test_a_missing_value_among_names_is_unknown():
    names = [math.nan, "cat", "dog"]
    found = run(lambda x, y, i: (x, names[y]), class_names=["dog", "cat", "eel"])
    assert (found.labels == np.array([-1, 1, 0])[PLAIN.labels]).all()


def test_targets_are_not_checked_if_label_names_another_item():
    class Other(As):
        classes = ["a", "b", "c"]
        targets = [7] * 20

    data = Other(lambda x, y, i: (x, 7, y))
    assert_plain(run(lambda x, y, i: (x, y), label=None), labels=False)
    assert_plain(extract(MODEL, data, label=2, batch_size=4, progress=False))


def test_bytes_are_names():
    assert_plain(run(lambda x, y, i: (x, f"n{y}".encode()), class_names=["n0", "n1", "n2"]))


# Pictures that the model refuses


def test_channels_last_pictures_are_told_to_turn_their_axes_first():
    with pytest.raises(ExtractionError, match=r"torch.uint8: .*permute\(0, 3, 1, 2\); .*/ 255"):
        run(torch.zeros(8, 9, 9, 3, dtype=torch.uint8))
    with pytest.raises(ExtractionError, match=r"permute\(0, 3, 1, 2\)$"):
        run(torch.zeros(8, 9, 9, 3))


def test_a_batch_of_one_in_each_sample_is_told_so():
    with pytest.raises(ExtractionError, match=r"axis too many: pass x\.squeeze\(1\)"):
        run(lambda x, y, i: {"pixel_values": x[None], "label": y})


def test_pictures_without_channels_are_told_so():
    with pytest.raises(ExtractionError, match=r"\(4, 28, 28\) has no axis of channels"):
        run(torch.zeros(8, 28, 28))


def test_pil_images_suggest_a_transform():
    with pytest.raises(ExtractionError, match=r"type Image cannot be stacked.*ToTensor\(\)"):
        run(lambda x, y, i: (Image.new("RGB", (8, 8)), y))


def test_tensor_dataset_of_three_reads_the_second_as_labels():
    x, y = Pictures().x, torch.arange(20) % CLASSES
    assert_plain(run(TensorDataset(x, y, torch.arange(20))))
