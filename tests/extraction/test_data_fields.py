"""The picture and the label are found in any form of sample, or the error says what to pass."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

from tests.extraction.nets import CLASSES
from tests.extraction.samples import HEADLESS, MODEL, PLAIN, As, assert_plain, run
from tsne_widget import EmbeddingExplorer, ExtractionError, InvalidInputError, extract
from tsne_widget.errors import DoubtWarning

# Dictionaries


@pytest.mark.parametrize(
    "key",
    ["fine_label", "label_idx", "category", "cls", "gt", "ground_truth", "class_id", "Label", "Y"],
)
def test_more_keys_are_labels(key):
    assert_plain(run(lambda x, y, i: {"img": x, key: y, "path": f"a/{i}.png"}))


@pytest.mark.parametrize("key", ["Image", "imgs", "jpg", "picture"])
def test_more_keys_are_pictures(key):
    assert_plain(run(lambda x, y, i: {key: x, "label": y, "__key__": f"{i}"}))


def coarse_and_fine(x, y, i):
    return {"img": x, "fine_label": y, "coarse_label": 7}


def test_several_label_keys_are_an_error_that_lists_them():
    with pytest.raises(InvalidInputError, match=r"'fine_label', 'coarse_label'.*label='fine_label"):
        run(coarse_and_fine)


def test_label_names_the_key():
    assert_plain(run(coarse_and_fine, label="fine_label"))
    with pytest.raises(InvalidInputError, match=r"label 7 of sample 0 must be 0 … 2"):
        run(coarse_and_fine, label="coarse_label")


def test_label_none_reads_no_labels():
    assert_plain(run(coarse_and_fine, label=None), labels=False)
    assert_plain(run(lambda x, y, i: (x, y), label=None), labels=False)
    assert_plain(run(lambda x, y, i: (x, {"boxes": 3}), label=None), labels=False)


def test_label_may_be_a_function_of_the_sample():
    assert_plain(run(coarse_and_fine, label=lambda sample: sample["fine_label"]))
    assert_plain(run(lambda x, y, i: (x, (7, y)), label=lambda sample: sample[1][1]))


def test_a_failing_label_function_is_an_error_with_the_sample():
    with pytest.raises(ExtractionError, match=r"label= failed on sample 0, \(float32 \(3, 8, 8\)"):
        run(lambda x, y, i: (x, y), label=lambda sample: sample["nothing"])


@pytest.mark.parametrize("key", ["emotion", "breed"])
@pytest.mark.parametrize("value", [1, "happy", torch.tensor(1)])
def test_an_unknown_key_that_could_be_the_label_is_an_error_that_lists_it(key, value):
    with pytest.raises(InvalidInputError, match=f"no known label key, but '{key}'.*label='{key}'"):
        run(lambda x, y, i: {"image": x, key: value, "file_name": "a.png"})
    assert_plain(run(lambda x, y, i: {"image": x, key: y}, label=key))


def test_objects_with_labels_are_not_dropped_silently():
    with pytest.raises(InvalidInputError, match=r"'objects' could be one; pass label=lambda"):
        run(lambda x, y, i: {"image": x, "objects": {"category": [1, 2], "bbox": []}})


def test_metadata_of_unlabelled_pictures_is_no_label():
    assert_plain(
        run(lambda x, y, i: {"image": x, "image_id": i, "width": 8, "file": "a.png"}), labels=False
    )


def test_parameters_of_the_model_are_no_labels():
    class Conditional(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(192, CLASSES)

        def forward(self, image, category):
            return self.fc(image.flatten(1) + category[:, None])

    found = run(lambda x, y, i: {"image": x, "category": y}, model=Conditional())
    assert found.labels is None


def test_equal_labels_under_two_keys_are_one():
    assert_plain(run(lambda x, y, i: {"image": x, "label": y, "target": y}))


def test_two_different_usual_labels_are_an_error():
    with pytest.raises(InvalidInputError, match=r"'label', 'target'; choose one"):
        run(lambda x, y, i: {"image": x, "label": y, "target": y + 1})


def test_a_code_beside_its_name_is_taken_and_noted():
    with pytest.warns(DoubtWarning, match=r"'class', 'label'|'label', 'class'.*'label' is taken"):
        found = run(lambda x, y, i: {"image": x, "class": "cat", "label": y})
    assert_plain(found)


def test_a_tensor_is_preferred_to_the_raw_picture():
    raw = Image.new("RGB", (8, 8))
    assert_plain(run(lambda x, y, i: {"image": raw, "pixel_values": x, "label": y}))


def test_two_pictures_in_a_dictionary_are_noted_and_image_chooses():
    def form(x, y, i):
        return {"image": x, "input": x * 0, "label": y}

    with pytest.warns(DoubtWarning, match=r"'image', 'input': 'image' is taken"):
        assert_plain(run(form))
    black = run(form, image="input").features
    np.testing.assert_allclose(black, np.broadcast_to(black[0], black.shape), rtol=1e-6)


def test_image_names_an_unknown_key():
    def form(x, y, i):
        return {"photo": x, "label": y}

    with pytest.raises(ExtractionError, match=r"no image key .*pass image='photo'"):
        run(form)
    assert_plain(run(form, image="photo"))
    assert_plain(run(form, image=lambda sample: sample["photo"]))


def test_the_models_own_parameter_names_the_picture():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(192, CLASSES)

        def forward(self, input_values):
            return self.fc(input_values.flatten(1))

    found = run(lambda x, y, i: {"input_values": x, "label": y}, model=Named())
    assert (found.labels == PLAIN.labels).all()


def test_a_dataclass_is_read_like_a_dictionary():
    @dataclass
    class Item:
        label: int
        image: torch.Tensor

    assert_plain(run(lambda x, y, i: Item(y, x)))


def test_a_missing_key_is_an_error_that_lists_the_keys():
    with pytest.raises(InvalidInputError, match=r"no item label='lable'.*'label'.*mean 'label'"):
        run(lambda x, y, i: {"image": x, "label": y}, label="lable")


# Tuples


@pytest.mark.parametrize(
    ("form", "note"),
    [
        (lambda x, y, i: (i, x, y), r"\(int, float32 \(3, 8, 8\), int\): item \[1\] is taken as"),
        (lambda x, y, i: (f"c/{i}.png", x, y), r"and item \[2\] as the label; pass image=1"),
        (lambda x, y, i: (torch.tensor(i), x, torch.tensor(y)), r"pass image=1, label=2"),
        (lambda x, y, i: ((x, 31.5), y), r"item \[0\]\[0\] is taken as the picture"),
        (lambda x, y, i: ((31.5, x), y), r"item \[0\]\[1\] is taken as the picture"),
        (lambda x, y, i: (x, f"c/{i}.png", y), r"item \[2\] is taken as the label"),
        (
            lambda x, y, i: (x, torch.zeros(8, 8), y),
            r"\): item \[2\] is taken as the label",
        ),
        (lambda x, y, i: (Image.new("RGB", (8, 8)), x, y), r"item \[1\] is taken as the picture"),
        (lambda x, y, i: (x, {"size": 8}, y), r"item \[2\] is taken as the label"),
        (
            lambda x, y, i: (f"{i}.png", i, x, y),
            r"\[2\] is taken as the picture and item \[3\]",
        ),
    ],
)
def test_the_picture_is_found_and_the_note_says_which_item(form, note):
    with pytest.warns(DoubtWarning, match=note):
        found = run(form)
    assert_plain(found)
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y, i: (x, y, "text", {"size": 8}),
        lambda x, y, i: (x, y, i),
        lambda x, y, i: (x, {"label": y}),
        lambda x, y, i: (x, {"category_id": y, "size": 8}),
        lambda x, y, i: ({"image": x}, y),
        lambda x, y, i: (x, y, f"c/{i}.png"),
    ],
)
def test_usual_tuples_have_no_note(form):
    found = run(form)
    assert_plain(found)
    assert found.notes == ()


def test_image_and_label_settle_the_note():
    found = run(lambda x, y, i: (i, x, y), image=1, label=2)
    assert_plain(found)
    assert found.notes == ()
    assert_plain(run(lambda x, y, i: ((x, 31.5), y), image=lambda s: s[0][0], label=-1))


def test_an_item_before_the_picture_is_not_silently_a_label():
    with pytest.raises(InvalidInputError, match=r"\(int, float32 \(3, 8, 8\)\).*label=0.*None"):
        run(lambda x, y, i: (y, x))
    with pytest.warns(DoubtWarning, match="taken as the picture"):
        assert_plain(run(lambda x, y, i: (y, x), label=0))


def test_an_index_in_the_place_of_the_label_is_noted():
    with pytest.warns(DoubtWarning, match=r"equals the index.*\[2\].*pass label=2"):
        run(lambda x, y, i: (x, i, y), model=HEADLESS)
    assert_plain(run(lambda x, y, i: (x, i, y), label=2))


def test_a_second_label_is_noted():
    with pytest.warns(DoubtWarning, match=r"\[1\] is taken as the label, and \[2\] could be it"):
        found = run(lambda x, y, i: (x, y, 2 - y))
    assert_plain(found)


def test_a_named_tuple_may_have_any_names():
    named = namedtuple("Row", ["emotion", "photo"])
    assert_plain(run(lambda x, y, i: named(y, x), image="photo", label="emotion"))


def test_samples_without_a_picture_say_what_their_items_are():
    with pytest.raises(
        ExtractionError, match=r"\(str 'c/0.png', int\), and no item is a picture.*image="
    ):
        run(lambda x, y, i: (f"c/{i}.png", y))


def test_a_number_out_of_range_is_an_error_that_lists_the_items():
    with pytest.raises(InvalidInputError, match=r"no item label=5: it is \(float32"):
        run(lambda x, y, i: (x, y), label=5)


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y, i: {"jpg": b"\xff\xd8" * 200, "cls": y},
        lambda x, y, i: (b"\xff\xd8" * 200, y),
        lambda x, y, i: {"image": {"bytes": b"abc", "path": None}, "label": y},
        lambda x, y, i: {"image": "c/0.png", "label": y},
        lambda x, y, i: "c/0.png",
    ],
)
def test_files_that_are_not_decoded_are_an_error_with_the_remedy(form):
    with pytest.raises(ExtractionError, match=r"image=.*transform\(PIL\.Image\.open"):
        run(form)


def test_inputs_in_a_dictionary_of_their_own_are_read():
    assert_plain(run(lambda x, y, i: {"inputs": {"image": x}, "labels": y}))


def test_a_model_of_several_inputs_says_how_to_name_them():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(193, 3)

        def forward(self, x, age):
            return self.fc(torch.cat([x.flatten(1), age[:, None]], 1))

    with pytest.raises(ExtractionError, match="dictionaries whose keys are the parameters"):
        run(lambda x, y, i: ((x, 0.5), y), model=Two())
    found = run(lambda x, y, i: ({"x": x, "age": torch.tensor(0.5)}, y), model=Two())
    assert (found.labels == PLAIN.labels).all()


@pytest.mark.parametrize("name", ["image", "label"])
@pytest.mark.parametrize("key", [1.5, True, b"a", ("a", 1)])
def test_an_invalid_key_is_refused(name, key):
    with pytest.raises(InvalidInputError, match=f"{name}=.* must be the key or the index"):
        run(lambda x, y, i: (x, y), **{name: key})


def test_image_none_is_refused():
    with pytest.raises(InvalidInputError, match="image=None must be"):
        run(lambda x, y, i: (x, y), image=None)


def test_from_model_takes_label_and_image():
    explorer = EmbeddingExplorer.from_model(
        MODEL,
        As(lambda x, y, i: (i, x, y)),
        image=1,
        label=2,
        progress=False,
        embedding=np.zeros((20, 2)),
    )
    assert (explorer.feature_set.labels == PLAIN.labels).all()
    explorer.close()


# Loaders


def index_first(x, y, index):
    return index, x, y


def three_columns(samples):
    indices, x, y = zip(*samples, strict=True)
    return list(indices), torch.stack(x), torch.tensor(y)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_custom_collate_function_keeps_the_choice(workers):
    loader = DataLoader(As(index_first), 4, collate_fn=three_columns, num_workers=workers)
    assert_plain(extract(MODEL, loader, image=1, label=2, progress=False))
    with pytest.warns(DoubtWarning, match=r"batches are .*item \[1\] is taken as the picture"):
        assert_plain(extract(MODEL, loader, progress=False))


def test_a_collate_function_of_detection_works_with_a_label_function():
    data = As(lambda x, y, i: (x, {"boxes": torch.zeros(2, 4), "labels": torch.tensor([y, 0])}))
    loader = DataLoader(data, 4, collate_fn=lambda samples: tuple(zip(*samples, strict=True)))
    found = extract(MODEL, loader, label=lambda sample: sample[1]["labels"][0], progress=False)
    assert_plain(found)
    assert_plain(extract(MODEL, loader, label=None, progress=False), labels=False)


def test_image_and_label_may_be_functions_with_a_collate_function():
    loader = DataLoader(As(lambda x, y, i: (i, (x, y))), 4, collate_fn=lambda samples: samples)
    found = extract(MODEL, loader, image=lambda s: s[1][0], label=lambda s: s[1][1], progress=False)
    assert_plain(found)
