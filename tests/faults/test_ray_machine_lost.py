"""A machine of the cluster is lost during an extraction."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
import torch

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import extract
from tsne_widget.extraction.store import store as store_module

ray = pytest.importorskip("ray", reason="ray is not installed: nothing is run on a cluster")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # from ray itself
]

N, HALF = 60, 32
PATIENCE = 60  # seconds


class Held(Pictures):
    """Processes other than the driver that read the second half wait until a machine is gone."""

    def __init__(self, folder):
        super().__init__(N)
        self.gone, self.driver = folder / "gone", os.getpid()

    def __getitem__(self, index):
        until = time.monotonic() + PATIENCE
        while index >= HALF and os.getpid() != self.driver and not self.gone.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        return super().__getitem__(index)


def test_other_machines_redo_the_work_of_a_lost_one_with_the_same_bits(tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setattr(store_module, "SHARD_ROWS", 16)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cluster = Cluster(True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        data = Held(tmp_path)

        def lose_it(done, total):
            if not data.gone.exists():
                cluster.remove_node(second, allow_graceful=False)
                data.gone.touch()

        options = {"batch_size": 4, "dataset_key": "held"}
        found = extract(
            made(ResNet),
            data,
            store=tmp_path / "store",
            executor="ray",
            progress=lose_it,
            **options,
        )
        assert data.gone.exists()
        expected = extract(made(ResNet), Pictures(N), progress=False, **options)
        assert np.array_equal(found.features, expected.features)
        assert np.array_equal(found.ids, expected.ids)
    finally:
        ray.shutdown()
        cluster.shutdown()
        torch.set_num_threads(threads)
