"""Datasets and loaders of every kind give the same rows, in dataset order, with their ids."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
)

from tests.extraction.nets import CLASSES, Pictures, ResNet, Sample, made
from tsne_widget import ExtractionError, InvalidInputError, extract

MODEL = made(ResNet)
PLAIN = extract(MODEL, Pictures(), batch_size=4, progress=False)


class As(Dataset):
    """The pictures, with samples in another format."""

    def __init__(self, form, n=20):
        self.pictures = Pictures(n)
        self.form = form

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.form(*self.pictures[index])


def run(data, **options):
    return extract(MODEL, data, **{"batch_size": 4, "progress": False, **options})


def assert_plain(found, labels=True):
    assert (found.features == PLAIN.features).all()
    assert (found.ids == np.arange(20)).all()
    if labels:
        assert (found.labels == PLAIN.labels).all()
    else:
        assert found.labels is None


Named = namedtuple("Named", ["label", "image"])

FORMS = {
    "x, y": lambda x, y: (x, y),
    "[x, y]": lambda x, y: [x, y],
    "more fields": lambda x, y: (x, y, "text", None, torch.zeros(y)),
    "named tuple": lambda x, y: Sample(x, y),
    "named tuple in another order": lambda x, y: Named(y, x),
    "array": lambda x, y: (x.numpy(), np.int64(y)),
    "float64": lambda x, y: (x.double(), float(y)),
    "label of shape (1,)": lambda x, y: (x, torch.tensor([y])),
    "one-hot": lambda x, y: (x, nn.functional.one_hot(torch.tensor(y), CLASSES)),
    "class name": lambda x, y: (x, str(y)),
    **{
        f"{image} and {label}": lambda x, y, image=image, label=label: {
            "path": "a/b",
            "boxes": [None],
            image: x,
            label: y,
        }
        for image, label in zip(
            ("image", "images", "pixel_values", "img", "x", "input", "inputs"),
            ("label", "labels", "target", "targets", "y", "class", "label"),
            strict=True,
        )
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_samples_may_have_any_format(form):
    names = ("0", "1", "2") if form == "class name" else None
    assert_plain(run(As(FORMS[form]), class_names=names))


@pytest.mark.parametrize(
    "form", [lambda x, y: x, lambda x, y: (x,), lambda x, y: {"image": x}, lambda x, y: (x, None)]
)
def test_data_without_labels_has_no_labels(form):
    assert_plain(run(As(form)), labels=False)


def test_a_missing_label_is_unknown():
    found = run(As(lambda x, y: (x, y or None)))
    assert (found.labels == np.where(PLAIN.labels == 0, -1, PLAIN.labels)).all()


@pytest.mark.parametrize(
    "collate",
    [
        default_collate,
        lambda samples: default_collate([(x, y) for x, y in samples]),
        lambda samples: {
            "images": torch.stack([x for x, _ in samples]),
            "targets": np.array([y for _, y in samples]),
        },
        lambda samples: Sample(torch.stack([x for x, _ in samples]), [y for _, y in samples]),
    ],
)
def test_a_loaders_own_collate_function_is_used(collate):
    assert_plain(extract(MODEL, DataLoader(Pictures(), 4, collate_fn=collate), progress=False))


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": True},
        {"shuffle": True, "drop_last": True, "batch_size": 3},
        {"sampler": RandomSampler(range(20))},
        {
            "batch_sampler": BatchSampler(RandomSampler(range(20)), 4, drop_last=False),
            "batch_size": 1,
        },
        {"batch_sampler": [[5, 3], list(range(3)), [4], list(range(19, 5, -1))], "batch_size": 1},
        {"shuffle": True, "num_workers": 2},
    ],
)
def test_the_rows_of_a_shuffling_loader_are_in_dataset_order_and_none_is_dropped(options):
    loader = DataLoader(Pictures(), **{"batch_size": 4, **options})
    found = extract(MODEL, loader, progress=False)
    assert (found.ids == np.arange(20)).all()
    np.testing.assert_allclose(found.features, PLAIN.features, rtol=1e-4, atol=1e-5)
    assert (found.labels == PLAIN.labels).all()


def test_a_sampler_of_some_samples_gives_their_ids():
    loader = DataLoader(Pictures(), 4, sampler=SubsetRandomSampler([7, 2, 11]))
    found = extract(MODEL, loader, progress=False)
    assert found.ids.tolist() == [2, 7, 11]
    np.testing.assert_allclose(found.features, PLAIN.features[[2, 7, 11]], rtol=1e-4, atol=1e-5)


def test_a_sampler_that_repeats_a_sample_is_refused_with_the_remedy():
    sampler = WeightedRandomSampler([1.0] * 20, 1000)
    with pytest.raises(InvalidInputError, match=r"twice.*data=loader\.dataset"):
        extract(MODEL, DataLoader(Pictures(), 4, sampler=sampler), progress=False)


def test_ids_of_a_subset_index_the_subset():
    found = run(Subset(Pictures(), [9, 3, 4]))
    assert found.ids.tolist() == [0, 1, 2]
    assert found.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.features, PLAIN.features[[9, 3, 4]], rtol=1e-4, atol=1e-5)


def test_tensors_and_arrays_are_valid_data():
    x, y = Pictures().x, torch.arange(20) % CLASSES
    assert_plain(run((x, y)))
    assert_plain(run((x.numpy(), y.numpy())))
    assert_plain(run((x, y.tolist())))
    assert_plain(run(TensorDataset(x, y)))
    assert_plain(run(TensorDataset(x)), labels=False)
    assert_plain(run(x), labels=False)
    assert_plain(run(x.numpy()), labels=False)
    with pytest.raises(InvalidInputError, match=r"same length, got \[20, 3\]"):
        run((x, y[:3]))


def test_getitems_is_called_once_per_batch():
    asked = []

    class Many(Pictures):
        def __getitems__(self, indices):
            asked.append(list(indices))
            return [self[index] for index in indices]

    assert_plain(run(Many()))
    assert asked == [list(range(start, start + 4)) for start in range(0, 20, 4)]


class Arriving(IterableDataset):
    def __init__(self, form=lambda x, y: (x, y)):
        self.samples = As(form)

    def __iter__(self):
        return (self.samples[index] for index in range(20))


@pytest.mark.parametrize(
    "data",
    [
        Arriving(),
        DataLoader(Arriving(), batch_size=4),
        DataLoader(Arriving(lambda x, y: {"img": x, "y": y}), batch_size=4),
        DataLoader(As(lambda x, y: (x[None], torch.tensor([y]))), batch_size=None, shuffle=False),
    ],
)
def test_ids_of_a_stream_count_arrivals(data):
    found = run(data)
    assert found.ids.tolist() == list(range(20))
    np.testing.assert_allclose(found.features, PLAIN.features, rtol=1e-4, atol=1e-5)
    assert (found.labels == PLAIN.labels).all()


def test_failing_stream_reports_the_samples_read():
    class Breaking(Arriving):
        def __iter__(self):
            for index in range(20):
                if index == 10:
                    raise OSError("socket closed")
                yield self.samples[index]

    with pytest.raises(ExtractionError, match="after 8 samples: OSError: socket closed"):
        run(Breaking())


def test_workers_do_not_change_the_result():
    # Started as on Windows and macOS.
    loader = DataLoader(Pictures(), 4, num_workers=1, multiprocessing_context="spawn")
    assert_plain(extract(MODEL, loader, progress=False))


@pytest.mark.filterwarnings("ignore:Got pickle error")
def test_a_dataset_that_no_worker_can_get_names_the_remedy():
    class Inside(Pictures):
        """No module has this class, so a worker that is spawned cannot import it."""

    loader = DataLoader(Inside(), 4, num_workers=1, multiprocessing_context="spawn")
    with pytest.raises(ExtractionError, match=r"copy of the dataset.*; pass num_workers=0"):
        extract(MODEL, loader, progress=False)


class Opened(Pictures):
    file = None

    def __getitem__(self, index):
        return self.file[index], index % CLASSES


def test_attribute_set_by_a_worker_reaches_the_users_dataset():
    loader = DataLoader(Opened(), 4, num_workers=1, worker_init_fn=open_file)
    assert_plain(extract(MODEL, loader, progress=False))


def open_file(worker):
    dataset = torch.utils.data.get_worker_info().dataset
    dataset.file = dataset.x


def test_other_entries_of_a_dictionary_go_to_parameters_of_that_name():
    class WithMask(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(192, CLASSES)

        def forward(self, pixel_values, mask=None, labels=None):
            assert labels is None
            assert mask is not None
            return {"loss": None, "logits": self.fc(pixel_values.flatten(1) * mask)}

    data = As(lambda x, y: {"pixel_values": x, "mask": torch.tensor([y]), "labels": y, "n": 1})
    found = extract(WithMask(), data, progress=False)
    assert (found.features[found.labels == 0] == 0).all()
    assert found.logits.shape == (20, CLASSES)


def test_class_names_come_from_the_dataset_or_from_inside_a_subset():
    class Named(Pictures):
        classes = ["cat", "dog", "eel"]

    assert run(Named()).class_names == ("cat", "dog", "eel")
    assert run(Subset(Subset(Named(), range(9)), range(5))).class_names == ("cat", "dog", "eel")
    assert run(Named(), class_names=["a", "b", "c"]).class_names == ("a", "b", "c")
    assert run(Pictures()).class_names == ("0", "1", "2")


def test_synonyms_and_duplicates_in_class_names_become_distinct():
    class Like(Pictures):
        classes = [("crane", "bird"), "crane", "crane"]

    assert run(Like()).class_names == ("crane, bird", "crane (1)", "crane (2)")


def test_paths_come_from_an_image_folder_or_from_inside_a_subset():
    class Folder(Pictures):
        samples = [(f"c{i % 3}/{i}.png", i % 3) for i in range(20)]

    assert run(Folder()).paths == tuple(f"c{i % 3}/{i}.png" for i in range(20))
    subset = Subset(Subset(Folder(), [5, 6, 7, 8]), [3, 0])
    assert run(subset).paths == ("c2/8.png", "c2/5.png")


def test_progress_reaches_a_callback_or_a_bar(capsys):
    calls = []
    run(Pictures(), progress=lambda done, total: calls.append((done, total)))
    extract(MODEL, Arriving(), batch_size=10, progress=lambda *state: calls.append(state))
    assert calls == [(n, 20) for n in (4, 8, 12, 16, 20)] + [(10, None), (20, None)]
    run(Pictures(), progress=False)
    assert capsys.readouterr().err == ""
    run(Pictures(), progress=True)
    assert "Extracting features: 100%" in capsys.readouterr().err
