"""A store resumes runs, and never mixes rows of different runs."""

from __future__ import annotations

import json
import logging
import os

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from tests.extraction.fingerprints import pictures_key
from tests.extraction.nets import Pictures, ResNet, Vgg, made
from tsne_widget import ExtractionError, InvalidInputError, StoreError, extract
from tsne_widget.errors import DoubtWarning
from tsne_widget.extraction.store import store as store_module


class Counting(ResNet):
    """Counts the samples it sees, and can be stopped."""

    def __init__(self):
        super().__init__()
        self.register_forward_pre_hook(self._count)
        self.restart()

    def restart(self, stop_after=10**9):
        self.seen = 0
        self.stop_after = stop_after

    @staticmethod
    def _count(module, args):
        if module.seen >= module.stop_after:
            raise KeyboardInterrupt
        module.seen += len(args[0])


@pytest.fixture(autouse=True)
def _small_and_fast(monkeypatch):
    monkeypatch.setattr(store_module, "SHARD_ROWS", 16)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # for speed


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def run(model, data=None, folder=None, **options):
    data = Pictures(60) if data is None else data
    return extract(model, data, store=folder, **{"batch_size": 4, "progress": False, **options})


def assert_same(found, expected):
    for name in ("features", "labels", "logits", "ids"):
        assert (getattr(found, name) == getattr(expected, name)).all(), name
    assert found.skipped == expected.skipped
    assert found.layer == expected.layer


def started(caplog):
    return [
        r.getMessage().partition("store ")[2].split(" ", 1)[1]
        for r in caplog.records
        if "shard" not in r.getMessage()
    ]


def test_a_finished_run_is_reused_and_only_its_first_batch_compared(folder, caplog):
    caplog.set_level(logging.INFO, "tsne_widget")
    model = made(Counting)
    plain = run(model)
    assert_same(run(model, folder=folder), plain)
    model.restart()
    assert_same(run(model, folder=folder), plain)
    assert model.seen == 4
    assert started(caplog) == ["started anew", "reused: all 60 samples are stored"]


@pytest.mark.parametrize("stop_after", range(4, 60, 4))
def test_interrupted_run_resumes_with_the_same_bits(folder, stop_after):
    model = made(Counting)
    plain = run(model)
    model.restart(stop_after)
    with pytest.raises(KeyboardInterrupt, match=f"{stop_after} are stored in .* to resume"):
        run(model, folder=folder)
    model.restart()
    assert_same(run(model, folder=folder), plain)
    assert model.seen == 60 - stop_after + 4


def test_interrupt_without_a_store_suggests_one():
    model = made(Counting)
    model.restart(8)
    with pytest.raises(KeyboardInterrupt, match="stopped after 8 samples; pass store= "):
        run(model)


def test_progress_shows_the_status_of_the_store(folder, capsys):
    model = made(Counting)
    model.restart(32)
    with pytest.raises(KeyboardInterrupt):
        run(model, folder=folder, progress=True)
    model.restart()
    run(model, folder=folder, progress=True)
    run(model, folder=folder, progress=True)
    nn.init.zeros_(model.fc.bias)
    run(model, folder=folder, progress=True)
    shown = capsys.readouterr().err
    for note in (
        "started anew",
        "resumed: 32 of 60 samples were stored",
        "reused: all 60 samples are stored",
        "started anew: weights changed since the last run",
    ):
        assert note in shown


def test_run_stopped_by_a_bad_sample_keeps_earlier_rows(folder):
    class Failing(Pictures):
        bad = 50

        def __getitem__(self, index):
            if index == self.bad:
                raise OSError("truncated")
            return super().__getitem__(index)

    model, data = made(Counting), Failing(60)
    with pytest.raises(ExtractionError, match=r"dataset\[50\]"):
        run(model, data, folder)
    model.restart()
    data.bad = None
    run(model, data, folder)
    assert model.seen == 60 - 48 + 4


def test_run_can_resume_with_another_batch_size_or_workers(folder):
    model = made(Counting)
    plain = run(model)
    model.restart(32)
    with pytest.raises(KeyboardInterrupt):
        run(model, folder=folder)
    model.restart()
    found = run(model, folder=folder, batch_size=5, num_workers=1)
    np.testing.assert_allclose(found.features, plain.features, rtol=1e-4, atol=1e-5)
    assert (found.ids == plain.ids).all()
    assert model.seen == 60 - 32 + 5


def test_several_layers_are_stored_together(folder):
    model = made(Counting)
    plain = run(model, layers=["layer1", None])
    model.restart(24)
    with pytest.raises(KeyboardInterrupt):
        run(model, folder=folder, layers=["layer1", None])
    model.restart()
    for _ in range(2):
        for found, expected in zip(
            run(model, folder=folder, layers=["layer1", None]), plain, strict=True
        ):
            assert_same(found, expected)


class Spoilt(Pictures):
    """Sample 7 cannot be read, sample 30 gives NaN."""

    def __getitem__(self, index):
        if index == 7:
            raise OSError("truncated")
        x, y = super().__getitem__(index)
        return x * (np.nan if index == 30 else 1), y


def test_skipped_samples_are_stored_only_for_runs_that_skip(folder):
    model = made(Counting)
    skipping = {"on_error": "skip", "on_nonfinite": "drop"}
    plain = run(model, Spoilt(60), **skipping)
    assert [entry.id for entry in plain.skipped] == [7, 30]
    for _ in range(2):
        model.restart()
        assert_same(run(model, Spoilt(60), folder, **skipping), plain)
    assert model.seen == 4
    with pytest.raises(ExtractionError, match=r"dataset\[7\]"):
        run(model, Spoilt(60), folder, on_nonfinite="drop")
    with pytest.raises(ExtractionError, match="first ids: 30"):
        run(model, Spoilt(60), folder, on_error="skip")


def variants():
    x, y = (
        torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(1)),
        torch.arange(20) % 3,
    )
    other = x.clone()
    other[13, 0, 0, 0] += 1e-3
    plain = {"data": TensorDataset(x, y)}
    return {
        "plain": plain,
        "layer": {**plain, "layer": "conv1"},
        "pool": {**plain, "layer": "conv1", "pool": "flatten"},
        "function": {**plain, "layer": "conv1", "pool": lambda maps: maps.amax((2, 3))},
        "other function": {**plain, "layer": "conv1", "pool": lambda maps: maps.amin((2, 3))},
        "call": {**plain, "layer": "layer1.0.relu", "call": 0},
        "other call": {**plain, "layer": "layer1.0.relu", "call": 1},
        "layers": {**plain, "layers": ["conv1"]},
        "dtype": {**plain, "dtype": "bf16"},
        "pixel": {"data": TensorDataset(other, y)},
        "label": {"data": TensorDataset(x, (y + 1) % 3)},
        "subset": {"data": Subset(TensorDataset(x, y), range(20))},
        "other subset": {"data": Subset(TensorDataset(x, y), [*range(10), *range(19, 9, -1)])},
        "shorter": {"data": TensorDataset(x[:19], y[:19])},
        "key": {**plain, "dataset_key": "v1"},
        "other key": {**plain, "dataset_key": "v2"},
    }


def test_every_change_of_the_features_starts_a_new_run(folder, caplog):
    caplog.set_level(logging.INFO, "tsne_widget")
    model = made(ResNet)
    for _ in range(2):
        for options in variants().values():
            run(model, folder=folder, **options)
    messages = started(caplog)
    n = len(variants())
    # "layers": ["conv1"] gives what "layer": "conv1" gave, and labels are no part of the features
    anew = [message.startswith("started anew") for message in messages]
    assert anew == [name not in ("layers", "label") for name in variants()] + [False] * n


def test_dataset_key_reuses_rows_of_changed_data(folder):
    model = made(Counting)
    run(model, Pictures(20), folder, dataset_key="v1")
    model.restart()
    changed = Pictures(20)
    changed.x[19] += 1
    run(model, changed, folder, dataset_key="v1")
    assert model.seen == 4


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_changed_bit_of_the_weights_starts_a_new_run(data):
    from tsne_widget.extraction.store.fingerprint import weights_part

    model = made(ResNet)
    before = weights_part(model)
    tensors = [*model.parameters(), *model.buffers()]
    chosen = data.draw(st.sampled_from(range(len(tensors))))
    flat = tensors[chosen].detach().reshape(-1).view(torch.uint8)
    bit = data.draw(st.integers(0, 8 * len(flat) - 1))
    flat[bit // 8] ^= 1 << (bit % 8)
    assert weights_part(model) != before
    flat[bit // 8] ^= 1 << (bit % 8)
    assert weights_part(model) == before


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_any_change_of_large_data_in_memory_starts_a_new_run(data):
    x = torch.zeros(3, 700_000)  # several blocks and a remainder
    x[1] = torch.arange(700_000)
    before = pictures_key(TensorDataset(x))
    at = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 699_999)))
    x[at] += 1
    assert pictures_key(TensorDataset(x)) != before
    x[at] -= 1
    assert pictures_key(TensorDataset(x)) == before
    x[1, 1000], x[1, 2000] = 2000, 1000  # the same numbers in another order
    assert pictures_key(TensorDataset(x)) != before


def test_another_forward_with_the_same_modules_starts_a_new_run(folder):
    class Other(ResNet):
        def forward(self, x):
            return super().forward(x * 2)

    Other.__qualname__, Other.__module__ = ResNet.__qualname__, ResNet.__module__
    plain = run(made(ResNet), folder=folder)
    assert not np.allclose(run(made(Other), folder=folder).features, plain.features)


def test_changed_file_starts_a_new_run(folder, tmp_path):
    class Folder(Dataset):
        def __init__(self):
            self.samples = [(str(tmp_path / f"{i}.npy"), i % 3) for i in range(20)]

        def __len__(self):
            return 20

        def __getitem__(self, index):
            path, label = self.samples[index]
            return torch.from_numpy(np.load(path, allow_pickle=False)), label

    for i in range(20):
        np.save(tmp_path / f"{i}.npy", Pictures(20).x[i].numpy())
    model = made(Counting)
    first = run(model, Folder(), folder)
    assert first.paths[3] == str(tmp_path / "3.npy")
    path = tmp_path / "13.npy"
    np.save(path, np.ones((3, 8, 8), np.float32))
    os.utime(path, ns=(1, 1))
    second = run(model, Folder(), folder)
    assert (first.features[13] != second.features[13]).any()


def test_dataset_with_random_samples_is_not_resumed(folder):
    class Augmented(Pictures):
        def __getitem__(self, index):
            self.draws = getattr(self, "draws", 0) + 1
            return super().__getitem__(index)[0] + self.draws, index % 3

    data = Augmented(20)
    with pytest.warns(DoubtWarning, match="gives another value each time"):
        run(made(Vgg), data, folder)
    with pytest.raises(StoreError, match=r"random augmentation\?.*make it deterministic"):
        run(made(Vgg), data, folder)


def test_store_is_refused_for_a_stream(folder):
    class Arriving(IterableDataset):
        def __iter__(self):
            return iter(Pictures(8))

    with pytest.raises(
        InvalidInputError, match="iterable datasets cannot be resumed, so store= is refused"
    ):
        run(made(ResNet), Arriving(), folder)


def test_file_in_place_of_the_store_folder_is_refused(folder):
    folder.write_text("")
    with pytest.raises(StoreError, match="is a file; pass a folder"):
        run(made(ResNet), folder=folder)


def test_all_manifests_are_read_and_each_lists_its_samples(folder, monkeypatch):
    monkeypatch.setattr(store_module, "MANIFEST_SAMPLES", 32)
    expected = run(made(Counting), folder=folder)
    (own,) = folder.iterdir()
    listed = {
        path.name: list(json.loads(path.read_text())["shards"])
        for path in own.glob("manifest*.json")
    }
    assert listed == {"manifest.json": ["0", "16"], "manifest-1.json": ["32", "48"]}
    again = made(Counting)
    again.restart()
    assert_same(run(again, folder=folder), expected)
    assert again.seen == 4  # the first batch, which is compared
    (own / "manifest-1.json").unlink()
    again.restart()
    assert_same(run(again, folder=folder), expected)
    assert again.seen == 4 + 28


def test_finished_store_has_only_manifest_and_shards(folder):
    run(made(ResNet), folder=folder)
    (own,) = folder.iterdir()
    assert sorted(path.name for path in own.iterdir()) == [
        "manifest.json",
        *(f"shard-{start:010d}.npy" for start in (0, 16, 32, 48)),
    ]
    manifest = json.loads((own / "manifest.json").read_text())
    assert sum(shard["samples"] for shard in manifest["shards"].values()) == 60
