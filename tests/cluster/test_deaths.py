"""Workers, drivers and machines that die during an extraction."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.cluster.runs import (
    HALF,
    PATIENCE,
    N,
    Noted,
    assert_read_again,
    assert_same,
    on_ray,
    run,
    stored_in,
    wait_until,
)
from tests.extraction.nets import Pictures
from tsne_widget import ExtractionError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # in ray itself
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL"),
]

ROOT = Path(__file__).resolve().parents[2]


class Deadly(Pictures):
    """At one sample, the first process of each kind that reads it is killed."""

    def __init__(self, folder, at=40):
        super().__init__(N)
        self.folder, self.at, self.driver = folder, at, os.getpid()

    def __getitem__(self, index):
        mark = self.folder / "died"
        if index == self.at and os.getpid() != self.driver and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class Always(Deadly):
    """Every process that reads the sample dies."""

    def __getitem__(self, index):
        if index == self.at and os.getpid() != self.driver:
            os.kill(os.getpid(), signal.SIGKILL)
        return Pictures.__getitem__(self, index)


class Waiting(Noted):
    """Processes that read the second half wait for a signal."""

    def __getitem__(self, index):
        if index >= HALF:
            wait_until((self.folder / "go").exists)
        return super().__getitem__(index)


def test_killed_worker_is_replaced_and_the_rows_are_the_same(machines, tmp_path):
    data = Deadly(tmp_path)
    found = on_ray(data, store=tmp_path / "store", actors=1)
    assert (tmp_path / "died").exists()
    assert_same(found, run(Pictures(N)))


def test_sample_that_kills_every_worker_is_an_error(machines, tmp_path, monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.executors.ray_pool.RETRIES", 1)
    with pytest.raises(ExtractionError, match=r"the Ray job failed: .* is repeated 1 times"):
        on_ray(Always(tmp_path), actors=1)


DRIVER = """
import sys
from pathlib import Path
import torch
from tests.cluster.test_deaths import Waiting, on_ray
from tsne_widget.extraction.store import store as store_module

torch.set_num_threads(1)
store_module.SHARD_ROWS = 16
folder = Path(sys.argv[1])
on_ray(Waiting(folder), store=folder / "store", dataset_key="waiting", actors=1)
"""


@pytest.mark.parametrize("clusters", ["its own", "one that outlives it"])
def test_run_resumes_after_the_driver_is_killed(machines, tmp_path, clusters):
    store = tmp_path / "store"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("RAY_ADDRESS", None)
    if clusters != "its own":
        environment["RAY_ADDRESS"] = machines.address
    killed_once(lambda: stored_in(store), [DRIVER, str(tmp_path)], environment, tmp_path)
    kept = stored_in(store)
    assert 0 < len(kept) <= HALF
    written = {path: path.stat().st_mtime_ns for path in store.glob("*/shard-*")}
    for read in tmp_path.glob("*-*"):
        read.unlink()
    (tmp_path / "go").touch()
    found = on_ray(Waiting(tmp_path), store=store, dataset_key="waiting", actors=1)
    assert_same(found, run(Pictures(N)))
    again = {int(path.name.split("-")[0]) for path in tmp_path.glob("*-*")}
    assert_read_again(again, set(range(N)) - kept)
    assert not [
        path
        for path, then in written.items()
        if int(path.stem.split("-")[1]) in kept and path.stat().st_mtime_ns != then
    ]


def killed_once(condition, arguments, environment, folder):
    """Run Python, kill it when a condition is true, and end its child processes and cluster."""
    command = [sys.executable, "-c", *arguments]
    with (folder / "output").open("wb") as output:
        driver = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: driver.poll() is not None or condition())
    finally:
        started = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        driver.wait()
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _, left = psutil.wait_procs(started, timeout=PATIENCE)
    assert driver.returncode == -signal.SIGKILL, (folder / "output").read_text()
    assert not left


class Held(Pictures):
    """Processes other than the driver that read the second half wait until a machine is gone."""

    def __init__(self, folder):
        super().__init__(N)
        self.gone, self.driver = folder / "gone", os.getpid()

    def __getitem__(self, index):
        if index >= HALF and os.getpid() != self.driver:
            wait_until(self.gone.exists)
        return super().__getitem__(index)


def test_other_machines_redo_the_work_of_a_lost_one_with_the_same_bits(machines, tmp_path):
    second = machines.add_node(num_cpus=1)
    data = Held(tmp_path)

    def lose_it(done, total):
        if not data.gone.exists():
            machines.remove_node(second, allow_graceful=False)
            data.gone.touch()

    found = on_ray(data, store=tmp_path / "store", progress=lose_it)
    assert data.gone.exists()
    assert_same(found, run(Pictures(N)))
