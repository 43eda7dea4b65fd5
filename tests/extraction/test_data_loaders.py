"""Datasets, loaders and batches of other packages give the same rows, or the error says how.

fastai, datasets, webdataset and timm are not required: classes of their structure stand in.
"""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset

from tests.extraction.nets import Pictures
from tests.extraction.samples import NAMES, PLAIN, X, Y
from tests.extraction.samples import assert_near_plain as assert_plain
from tests.extraction.samples import run_on as run
from tsne_widget import ExtractionError, InvalidInputError, extract

# Datasets of other packages


class HuggingFace(Dataset):
    """Like datasets.Dataset: rows are dictionaries, and a transform gets a dictionary of lists."""

    def __init__(self, transform=None):
        self._transform = transform

    def with_transform(self, transform):
        return HuggingFace(transform)

    def __len__(self):
        return 20

    def __getitem__(self, key):
        return self.__getitems__([key])[0]

    def __getitems__(self, keys):
        rows = {"image": [Image.new("RGB", (8, 8))] * len(keys), "label": [int(Y[k]) for k in keys]}
        rows["pixel_values"] = [X[key] for key in keys]
        if self._transform is None:
            del rows["pixel_values"]
        else:
            rows = self._transform(rows)
        return [{name: rows[name][i] for name in rows} for i in range(len(keys))]


def test_a_hugging_face_dataset_as_it_comes_names_with_transform():
    with pytest.raises(ExtractionError, match=r"dataset\.with_transform\(lambda rows: "):
        run(HuggingFace())
    with pytest.raises(ExtractionError, match=r"dataset\.with_transform\(lambda rows: "):
        run(Subset(HuggingFace(), [1, 2]))


def test_a_hugging_face_dataset_with_a_transform_is_data():
    assert_plain(run(HuggingFace().with_transform(lambda rows: rows)))


def test_a_target_transform_and_nested_datasets_are_read():
    class Even(Pictures):
        target_transform = staticmethod(lambda y: y % 2)

        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return x, self.target_transform(y)

    nested = ConcatDataset(
        [Subset(Even(), range(10)), Subset(Subset(Even(), range(20)), range(10, 20))]
    )
    assert run(nested).labels.tolist() == [y % 2 for y in PLAIN.labels]


class FastaiLoader:
    """Like fastai's DataLoader: none of torch, with transforms of items and batches."""

    def __init__(self, dataset, bs=4, shuffle=True, drop_last=True):
        self.dataset, self.bs, self.shuffle, self.drop_last = dataset, bs, shuffle, drop_last
        self.num_workers = 1

    def new(self, **options):
        return FastaiLoader(self.dataset, self.bs, **options)

    def one_batch(self):
        return next(iter(self))

    def __len__(self):
        return len(self.dataset) // self.bs

    def __iter__(self):
        order = torch.randperm(20).tolist() if self.shuffle else range(20)
        return iter(DataLoader(Subset(self.dataset, order), self.bs, drop_last=self.drop_last))


class FastaiLoaders:
    def __init__(self):
        self.train = self.valid = FastaiLoader(Pictures())

    def __getitem__(self, index):
        return (self.train, self.valid)[index]

    def __len__(self):
        return 2

    def one_batch(self):
        return self.train.one_batch()


def test_a_fastai_loader_is_read_in_order():
    assert_plain(run(FastaiLoader(Pictures(), bs=3)))


def test_fastai_loaders_name_the_part_to_pass():
    with pytest.raises(InvalidInputError, match=r"FastaiLoaders; pass .*data\.valid"):
        run(FastaiLoaders())


def test_a_data_module_names_its_loader():
    class Module:
        def val_dataloader(self):
            return DataLoader(Pictures())

    with pytest.raises(InvalidInputError, match=r"Module; pass .*data\.val_dataloader\(\)"):
        run(Module())


def test_a_wrapper_of_a_loader_names_its_dataset():
    class Prefetching:
        dataset = Pictures()

        def __iter__(self):
            return iter(DataLoader(self.dataset, 4))

        def __len__(self):
            return 5

    with pytest.raises(InvalidInputError, match=r"Prefetching; pass .*data\.dataset"):
        run(Prefetching())


# Ready batches


def batches():
    return [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 20, 4)]


class Batched(IterableDataset):
    """Like a webdataset pipeline with .batched()."""

    def __init__(self, form=lambda x, y: (x, y), size=4):
        self.form, self.size = form, size

    def __iter__(self):
        for i in range(0, 20, self.size):
            yield self.form(X[i : i + self.size], Y[i : i + self.size])


@pytest.mark.parametrize(
    "data",
    [
        Batched(),
        Batched(lambda x, y: {"image": x, "label": y}),
        Batched(lambda x, y: [x, y.tolist()]),
        Batched(lambda x, y: (x, [NAMES[k] for k in y])),
        Batched(size=3),
        batches(),
    ],
)
def test_ready_batches_are_an_error_that_names_the_line_to_write(data):
    with pytest.raises(
        (InvalidInputError, ExtractionError),
        match=r"look like ready batches.*DataLoader\(data, batch_size=None\)",
    ):
        run(data)


def test_ready_batches_without_labels_name_the_line_to_write():
    class Alone(IterableDataset):
        def __iter__(self):
            return iter(X[i : i + 4] for i in range(0, 20, 4))

    with pytest.raises(ExtractionError, match=r"ready batches.*DataLoader\(data, batch_size=None"):
        run(Alone())


def test_the_line_to_write_works():
    assert_plain(run(DataLoader(Batched(), batch_size=None)))
    assert_plain(run(DataLoader(batches(), batch_size=None)))


def test_a_generator_of_batches_names_the_line_to_write():
    with pytest.raises(
        InvalidInputError, match=r"ready batches .*DataLoader\(list\(data\), batch_size=None\)"
    ):
        run(iter(batches()))


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y: (x, torch.nn.functional.one_hot(torch.tensor(y), 3)),
        lambda x, y: (x[0], y),
        lambda x, y: (x.flatten(), y),
        lambda x, y: (x[:, None], torch.nn.functional.one_hot(torch.tensor(y), 3)),
    ],
)
def test_samples_are_not_taken_for_batches(form):
    samples = [form(*Pictures()[i]) for i in range(20)]
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(6), torch.nn.Linear(6, 3))
    found = extract(model, samples, progress=False)
    assert (found.labels == PLAIN.labels).all()
