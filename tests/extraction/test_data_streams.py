"""Streams are read once, whatever the number of workers."""

from __future__ import annotations

import functools
import itertools
import types

import pytest
import torch
from torch.utils.data import ChainDataset, DataLoader, IterableDataset, get_worker_info

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import extract
from tsne_widget.errors import DoubtWarning
from tsne_widget.extraction.data.sharding import shares_workers

stages = types.ModuleType("stages")
MODEL = made(ResNet)
PLAIN = extract(MODEL, Pictures(), batch_size=4, progress=False)
SAMPLES = [Pictures()[i] for i in range(20)]


class Whole(IterableDataset):
    """Does not ask which worker it runs in."""

    def __iter__(self):
        return iter(SAMPLES)


class Sharing(IterableDataset):
    """Gives each worker its share."""

    def __iter__(self):
        info = get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return itertools.islice(iter(SAMPLES), start, None, step)


class Asking(IterableDataset):
    """Asks, and does nothing with the answer."""

    def __iter__(self):
        torch.utils.data.get_worker_info()
        return iter(SAMPLES)


class Augmented(Asking):
    """Changes the samples whenever they are read."""

    def __len__(self):
        return 20

    def __iter__(self):
        return ((x + torch.rand(()), y) for x, y in super().__iter__())


class Constant(Sharing):
    def __iter__(self):
        return ((torch.ones(3, 8, 8), 0) for _ in super().__iter__())


def my_share(samples, count=1):
    info = torch.utils.data.get_worker_info()
    return samples if info is None else itertools.islice(samples, info.id, None, info.num_workers)


stages.my_share = my_share


def other(samples):
    return samples


class ByFunction(IterableDataset):
    def __iter__(self):
        return my_share(iter(SAMPLES))


class Pipeline(IterableDataset):
    """Like a webdataset pipeline: a list of stages."""

    def __init__(self, *stages):
        self.pipeline = list(stages)

    def __iter__(self):
        samples = iter(SAMPLES)
        for stage in self.pipeline:
            samples = stage(samples)
        return samples


def split_by_worker(samples):
    return samples


class ByModule(IterableDataset):
    """Like webdataset: the function that asks is in another module."""

    def __iter__(self):
        return stages.my_share(iter(SAMPLES))


class Wrapping(IterableDataset):
    def __init__(self, dataset):
        self.dataset = dataset

    def __iter__(self):
        yield from self.dataset


def labels(data, **options):
    found = extract(MODEL, data, **{"batch_size": 4, "progress": False, **options})
    assert found.ids.tolist() == list(range(len(found)))
    return sorted(found.labels.tolist())


def test_a_stream_that_does_not_ask_for_its_share_is_read_once():
    assert labels(Whole(), num_workers=2) == sorted(PLAIN.labels.tolist())
    assert labels(Wrapping(Whole()), num_workers=3) == sorted(PLAIN.labels.tolist())


def test_a_loader_of_such_a_stream_reads_it_once():
    loader = DataLoader(Whole(), batch_size=4, num_workers=2)
    found = extract(MODEL, loader, progress=False)
    assert found.labels.tolist() == PLAIN.labels.tolist()
    batched = DataLoader(Whole(), batch_size=None, collate_fn=one_row, num_workers=2)
    assert extract(MODEL, batched, progress=False).labels.tolist() == PLAIN.labels.tolist()


def one_row(sample):
    return sample[0][None], torch.tensor([sample[1]])


@pytest.mark.parametrize("data", [Sharing(), ByFunction(), Pipeline(my_share), Wrapping(Sharing())])
def test_a_stream_that_shares_keeps_its_workers(data):
    assert shares_workers(data)
    assert labels(data, num_workers=2) == sorted(PLAIN.labels.tolist())


def test_rows_that_every_worker_reads_are_a_warning():
    with pytest.warns(DoubtWarning, match=r"20 of 40 rows repeat .*num_workers=1"):
        found = extract(MODEL, Asking(), num_workers=2, batch_size=4, progress=False)
    assert len(found) == 40
    assert "get_worker_info" in found.notes[0]


def seed(worker: int) -> None:
    torch.manual_seed(worker)


def test_rows_repeated_in_spite_of_a_worker_init_fn_are_a_warning():
    loader = DataLoader(Whole(), batch_size=4, num_workers=2, worker_init_fn=seed)
    with pytest.warns(DoubtWarning, match="20 of 40 rows repeat"):
        extract(MODEL, loader, progress=False)


def test_more_samples_than_the_length_are_a_warning():
    with pytest.warns(DoubtWarning, match=r"length 20, but 40 samples arrived"):
        extract(MODEL, Augmented(), num_workers=2, batch_size=4, progress=False)


def test_a_stream_of_equal_rows_is_not_repeated():
    assert labels(Constant(), num_workers=2) == [0] * 20


def test_sharding_is_found_wherever_the_code_is():
    class Attribute(IterableDataset):
        def __init__(self, source):
            self.source = source

        def __iter__(self):
            return iter(self.source)

    def closure():
        inner = my_share

        class Closing(IterableDataset):
            def __iter__(self):
                return inner(iter(SAMPLES))

        return Closing()

    class DataPipe(Whole):
        def apply_sharding(self, instances, instance, groups):
            raise NotImplementedError

    for data in (
        Attribute(Sharing()),
        Attribute({"a": [Sharing()]}),
        Attribute(functools.partial(my_share, count=2)),
        Pipeline(other, my_share),
        Attribute([split_by_worker]),
        ByModule(),
        closure(),
        DataPipe(),
        ChainDataset([Whole(), Sharing()]),
    ):
        assert shares_workers(data), data
    for data in (
        Whole(),
        Wrapping(Whole()),
        Pipeline(other),
        Attribute(list(range(10))),
        Attribute(torch.zeros(3)),
        ChainDataset([Whole()]),
    ):
        assert not shares_workers(data), data


def test_samples_of_a_stream_may_have_further_entries():
    class Rows(Whole):
        def __iter__(self):
            return ({"image": x, "label": y, "caption": None, "boxes": [1] * y} for x, y in SAMPLES)

    assert labels(Rows()) == sorted(PLAIN.labels.tolist())


def test_the_picture_of_a_stream_is_found_and_noted():
    class Rows(Whole):
        def __iter__(self):
            return ((f"{i}.png", x, i % CLASSES) for i, (x, _) in enumerate(SAMPLES))

    for data in (Rows(), DataLoader(Rows(), 4)):
        with pytest.warns(DoubtWarning, match=r"item \[1\] is taken as the picture"):
            assert labels(data) == sorted(PLAIN.labels.tolist())
        assert labels(data, image=1, label=2) == sorted(PLAIN.labels.tolist())
