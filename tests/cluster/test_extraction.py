"""Rows computed on a Ray cluster equal those of a local run."""

from __future__ import annotations

import importlib
import sys
import threading

import pytest
import torch

from tests.cluster.runs import N, Noted, assert_read_again, assert_same, on_ray, run, shards_of
from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import ExtractionError, InvalidInputError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # in ray itself
]


class Torn(Pictures):
    """Some samples cannot be read."""

    def __getitem__(self, index):
        if index in (17, 41):
            raise OSError(f"no picture {index}")
        return super().__getitem__(index)


def test_rows_equal_a_local_run_which_can_reuse_the_store(machines, tmp_path):
    model = made(ResNet)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = []
    found = on_ray(Pictures(N), model, store=tmp_path, progress=lambda *done: seen.append(done))
    assert_same(found, run(Pictures(N)))
    assert seen[-1] == (N, N)
    assert sum(shard["samples"] for shard in shards_of(tmp_path).values()) == N
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training
    passes = []
    model.register_forward_pre_hook(lambda *_: passes.append(1))
    assert_same(run(Pictures(N), model, store=tmp_path), found)
    assert len(passes) == 1


def test_ray_run_resumes_a_local_run_without_repeating_its_shards(machines, tmp_path):
    stopped = made(ResNet)
    stopped.register_forward_pre_hook(_stopping_after(9))
    with pytest.raises(KeyboardInterrupt):
        run(Noted(tmp_path), stopped, store=tmp_path / "store", dataset_key="noted")
    assert 0 < len(shards_of(tmp_path / "store")) < 4
    for read in tmp_path.glob("*-*"):
        read.unlink()
    found = on_ray(Noted(tmp_path), store=tmp_path / "store", dataset_key="noted", actors=1)
    assert_same(found, run(Pictures(N)))
    again = {int(path.name.split("-")[0]) for path in tmp_path.glob("*-*")}
    assert_read_again(again, set(range(36, N)))


def _stopping_after(batches):
    seen = []

    def stop(*_):
        seen.append(1)
        if len(seen) > batches:
            raise KeyboardInterrupt

    return stop


def test_without_a_store_actors_return_their_rows_and_bad_samples_are_listed(machines):
    found = on_ray(Torn(N), on_error="skip", actors=1)
    assert_same(found, run(Torn(N), on_error="skip"))
    assert [entry.id for entry in found.skipped] == [17, 41]


def test_unreadable_sample_gives_the_error_of_a_local_run(machines, tmp_path):
    with pytest.raises(ExtractionError) as local:
        run(Torn(N))
    with pytest.raises(ExtractionError) as there:
        on_ray(Torn(N), store=tmp_path, actors=1)
    assert str(there.value) == str(local.value)
    assert 0 in {int(start) for start in shards_of(tmp_path)}  # earlier rows are stored


def test_cluster_without_room_for_an_actor_is_an_error(machines):
    with pytest.raises(InvalidInputError, match="num_gpus=1, but no machine of the cluster"):
        on_ray(Pictures(N), num_gpus=1)


MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(192, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""


@pytest.fixture
def net_of_the_driver(tmp_path, monkeypatch):
    """A model whose module is only on this process's path."""
    (tmp_path / "only_of_the_driver.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("only_of_the_driver").Net()
    del sys.modules["only_of_the_driver"]


def test_workers_find_modules_where_the_driver_does(machines, net_of_the_driver):
    assert_same(
        on_ray(Pictures(N), net_of_the_driver, actors=1), run(Pictures(N), net_of_the_driver)
    )


def test_on_another_machine_the_error_names_the_missing_module(
    machines, net_of_the_driver, monkeypatch
):
    monkeypatch.setattr("platform.node", lambda: "another")
    with pytest.raises(
        ExtractionError,
        match=r'import only_of_the_driver, .* ray\.init\(runtime_env=\{"py_modules": \[only_of',
    ):
        on_ray(Pictures(N), net_of_the_driver, actors=1)


def test_data_that_cannot_be_pickled_is_an_error(machines):
    class Locked(Pictures):
        def __init__(self):
            super().__init__(N)
            self.lock = threading.Lock()

    with pytest.raises(InvalidInputError, match=r"sent to Ray's workers: cannot pickle '_thread"):
        on_ray(Locked())
