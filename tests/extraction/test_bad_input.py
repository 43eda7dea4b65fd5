"""Bad samples and arguments are an error with the remedy, or are skipped and counted."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import EmbeddingExplorer, ExtractionError, InvalidInputError, extract

MODEL = made(ResNet)
PLAIN = extract(MODEL, Pictures(), batch_size=4, progress=False)


class Changed(Dataset):
    """The pictures, with ``change`` applied to some of the samples."""

    def __init__(self, change, at=(5,), n=20):
        self.pictures = Pictures(n)
        self.change = change
        self.at = at

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        sample = self.pictures[index]
        return self.change(*sample) if index in self.at else sample


def unreadable(x, y):
    raise OSError("image file is truncated")


def run(data, **options):
    return extract(MODEL, data, **{"batch_size": 4, "progress": False, **options})


def with_nan(x, y):
    return torch.full_like(x, math.nan), y


def test_an_unreadable_sample_is_named():
    with pytest.raises(
        ExtractionError, match=r"dataset\[5\] raised OSError: image file is trunc"
    ) as e:
        run(Changed(unreadable))
    assert isinstance(e.value.__cause__, OSError)
    assert "on_error='skip'" in str(e.value)


def test_an_unreadable_sample_is_named_when_workers_load():
    with pytest.raises(ExtractionError, match=r"^dataset\[5\] raised OSError: image file is trunc"):
        run(Changed(unreadable), num_workers=1)


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_samples_can_be_skipped_and_are_listed(workers):
    data = Changed(unreadable, at=(5,), n=21)
    found = run(data, on_error="skip", num_workers=workers)
    assert found.ids.tolist() == [i for i in range(21) if i != 5]
    assert found.skipped == ((5, "OSError: image file is truncated"),)
    np.testing.assert_allclose(
        found.features[:19], np.delete(PLAIN.features, 5, 0), rtol=1e-4, atol=1e-5
    )
    assert (found.labels == found.ids % CLASSES).all()


def test_many_skipped_samples_give_a_warning_with_their_share():
    with pytest.warns(UserWarning, match=r"4 of 20 samples were skipped \(20%\)"):
        found = run(Changed(unreadable, at=(4, 5, 6, 7)), on_error="skip")
    assert len(found) == 16


def test_if_every_sample_is_skipped_the_error_gives_the_first_reason():
    with pytest.raises(ExtractionError, match=r"all 20 samples .* 0: OSError: image file"):
        run(Changed(unreadable, at=range(20)), on_error="skip")


def test_a_sample_that_is_none_is_refused_or_skipped():
    with pytest.raises(ExtractionError, match=r"dataset\[5\] returned None"):
        run(Changed(lambda x, y: None))
    found = run(Changed(lambda x, y: None, n=21), on_error="skip")
    assert found.skipped == ((5, "the dataset returned None"),)


def test_dataset_shorter_than_its_len_is_an_error():
    class Shrunk(Pictures):
        def __len__(self):
            return 25

    with pytest.raises(ExtractionError, match=r"dataset\[20\] raised IndexError"):
        run(Shrunk())


def test_pictures_of_different_shape_are_listed():
    with pytest.raises(
        ExtractionError, match=r"\(3, 8, 8\) \(id 4\), \(3, 9, 9\) \(id 5\).*batch_size=1"
    ):
        run(Changed(lambda x, y: (torch.zeros(3, 9, 9), y)))
    assert len(run(Changed(lambda x, y: (torch.zeros(3, 9, 9), y)), batch_size=1)) == 20


def test_pictures_that_are_not_tensors_suggest_a_transform():
    with pytest.raises(ExtractionError, match=r"type object cannot be stacked .*ToTensor\(\)"):
        run(Changed(lambda x, y: (object(), y), at=range(20)))


def test_unknown_keys_are_listed():
    with pytest.raises(
        ExtractionError, match="sample 0 has the keys 'photo', 'label', but no image key"
    ):
        run(Changed(lambda x, y: {"photo": x, "label": y}, at=range(20)))


def test_nonfinite_features_are_counted_with_their_layer():
    with pytest.raises(
        ExtractionError, match=r"layer='fc:input' .* 2 of the 4 .*first ids: 5, 6.*drop"
    ):
        run(Changed(with_nan, at=(5, 6)))


def test_nonfinite_features_can_be_dropped_and_are_listed():
    found = run(Changed(with_nan, n=21), on_nonfinite="drop")
    assert found.skipped == ((5, "layer='fc:input' has NaN or infinite values"),)
    assert 5 not in found.ids
    assert len(found) == 20


def test_overflow_of_half_precision_is_found_before_it_is_stored():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.Linear(4, 3)).half()
    data = Changed(lambda x, y: (x * 6e4, y), at=(3,))
    with pytest.raises(ExtractionError, match=r"first ids: 3\); look for float16 overflow"):
        extract(model, data, progress=False)


def test_integer_pictures_give_the_models_error_with_the_ids_and_a_hint():
    with pytest.raises(
        ExtractionError, match=r"ids 0 … 3, input \(4, 3, 8, 8\) torch\.uint8.*/ 255"
    ):
        run(torch.zeros(10, 3, 8, 8, dtype=torch.uint8))


def test_out_of_memory_suggests_a_smaller_batch_size():
    model = made(ResNet)

    def exhausted(module, args):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    model.register_forward_pre_hook(exhausted)
    with pytest.raises(ExtractionError, match=r"2\.00 GiB; pass .* batch_size=4$"):
        extract(model, Pictures(), batch_size=8, progress=False)


def test_pictures_of_the_wrong_shape_give_the_models_error_with_the_ids():
    with pytest.raises(ExtractionError, match=r"ids 0 … 3, input \(4, 1, 8, 8\).*transform"):
        run(torch.zeros(10, 1, 8, 8))


def test_a_batch_that_the_model_shortens_is_refused():
    class Dropping(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(192, 3)

        def forward(self, x):
            return self.fc(x.flatten(1)[1:])

    with pytest.raises(ExtractionError, match=r"\(3, 192\) for a batch of 4"):
        extract(Dropping(), Pictures(), batch_size=4, progress=False)


def test_features_whose_width_varies_are_refused_with_the_ids():
    class Varying(Pictures):
        def __getitem__(self, index):
            size = 8 if index < 8 else 6
            return torch.ones(3, size, size), 0

    with pytest.raises(ExtractionError, match=r"\(216, 3\) for ids 8 … 11, but \(384, 3\) before"):
        extract(made(ResNet), Varying(), "conv1", pool="flatten", batch_size=4, progress=False)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (3, r"label 3 of sample 5 must be 0 … 2 for 3 classes"),
        (-2, r"label -2 of sample 5"),
        (0.5, r"label 0\.5 of sample 5 is not a whole number"),
        (math.nan, r"label nan of sample 5"),
        ([0, 1], r"differ in shape"),
        ("cat", r"class_names lacks 'cat'"),
        (object(), r"codes or names"),
    ],
)
def test_invalid_label_is_refused_with_its_sample(label, message):
    with pytest.raises(InvalidInputError, match=message):
        run(Changed(lambda x, y: (x, label)))


def test_soft_labels_are_refused():
    with pytest.raises(InvalidInputError, match=r"sample 0 has shape \(2,\) but is not one-hot"):
        run(Changed(lambda x, y: (x, torch.tensor([0.5, 0.5])), at=range(20)))


def test_targets_without_a_class_name_are_refused_before_the_model_runs():
    class Wrong(Pictures):
        classes = ("a", "b")
        targets = [i % 3 for i in range(20)]

    model = made(ResNet)
    model.forward = None
    with pytest.raises(InvalidInputError, match=r"targets must be 0 … 1 for 2 classes.*it has 2"):
        extract(model, Wrong(), progress=False)


def test_class_names_that_are_fewer_than_the_outputs_are_refused():
    with pytest.raises(InvalidInputError, match="3 outputs, but class_names has 2; name each"):
        run(Pictures(), class_names=["a", "b"])


def test_a_model_with_more_outputs_than_the_dataset_has_classes_keeps_its_features():
    class Two(Pictures):
        classes = ("a", "b")

        def __getitem__(self, index):
            return self.x[index], index % 2

    with pytest.warns(
        UserWarning, match="3 outputs, but class_names has 2 .*there will be no predictions"
    ):
        found = run(Two())
    assert found.predictions is None
    assert (found.features == PLAIN.features).all()
    assert found.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size=0 must be a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"num_workers": -1}, "num_workers=-1"),
        ({"on_error": "ignore"}, "on_error='ignore' must be 'raise' or 'skip'"),
        ({"on_nonfinite": "skip"}, "'raise' or 'drop'"),
        ({"class_names": {"a", "b", "c"}}, "class_names is a set, which has no order"),
        ({"class_names": "abc"}, "must be a list of names"),
        ({"layer": 4}, "layer must be a dotted name"),
        ({"device": "nowhere"}, "device='nowhere' cannot be used.*device='cpu'"),
    ],
)
def test_invalid_argument_is_refused_with_its_bound(options, message):
    with pytest.raises(InvalidInputError, match=message):
        run(Pictures(), **options)


def test_model_that_is_not_a_module_is_refused():
    with pytest.raises(InvalidInputError, match=r"torch\.nn\.Module, got function"):
        extract(lambda x: x, Pictures())


def test_a_model_without_weights_is_refused():
    with pytest.raises(InvalidInputError, match="meta device"):
        extract(made(ResNet).to("meta"), Pictures())


@pytest.mark.parametrize("data", [[], torch.zeros(0, 3, 8, 8), DataLoader([], batch_size=4)])
def test_an_empty_dataset_is_refused(data):
    with pytest.raises(InvalidInputError, match="data is empty"):
        run(data)


def test_an_empty_stream_is_refused():
    class Nothing(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(())

    with pytest.raises(InvalidInputError, match="data is empty"):
        run(Nothing())


@pytest.mark.parametrize("data", [None, 3, (x for x in range(3)), {1, 2}])
def test_data_of_another_kind_is_refused(data):
    with pytest.raises(InvalidInputError, match="data must be a Dataset"):
        run(data)


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (((x, 0) for x in range(3)), r"got generator; .*pass list\(data\)"),
        ("photos", r"the path 'photos'; .*ImageFolder\(path, transform\)"),
        (Path("photos"), r"the path 'photos'"),
    ],
)
def test_nearly_valid_data_is_refused_with_the_remedy(data, remedy):
    with pytest.raises(InvalidInputError, match=remedy):
        run(data)
    with pytest.raises(InvalidInputError, match=remedy):
        EmbeddingExplorer.from_model(MODEL, data)


@pytest.mark.parametrize("model", [MODEL.state_dict(), nn.Linear])
def test_state_dict_or_class_as_model_is_refused_with_the_remedy(model):
    with pytest.raises(InvalidInputError, match="pass the trained network itself"):
        extract(model, Pictures())


def test_three_samples_are_enough_to_extract():
    assert len(run(Pictures(3))) == 3
    assert len(run(Pictures(1))) == 1
