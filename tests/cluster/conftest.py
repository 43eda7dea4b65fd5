"""One Ray cluster for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tsne_widget.extraction.store import store as store_module


@pytest.fixture(scope="package")
def machines() -> Iterator[Any]:
    """A cluster of one machine with two processors. This process is connected to it."""
    ray = pytest.importorskip("ray", reason="ray is not installed: nothing is run on a cluster")
    from ray.cluster_utils import Cluster

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # an actor takes as many processors
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {
            "num_cpus": 2,
            "include_dashboard": False,
            "include_log_monitor": False,
            "no_monitor": True,
        }
        try:
            cluster = Cluster(initialize_head=True, head_node_args=head)
        except Exception:  # on a busy machine Ray's agents take longer than its 15 seconds
            cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            ray.init(address=cluster.address, log_to_driver=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()
            torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SHARD_ROWS", 16)
