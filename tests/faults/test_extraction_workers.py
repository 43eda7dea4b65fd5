"""No worker process survives its run, also after a dead worker, an error or an interrupt."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
import torch

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import ExtractionError, extract

MODEL = made(ResNet)
LATE = 150  # after the start of the loader; a death during the start can hang torch itself


class KillsItsWorker(Pictures):
    def __getitem__(self, index):
        if index == LATE and torch.utils.data.get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class Hangs(Pictures):
    def __getitem__(self, index):
        if index == 9:
            signal.pause()
        return super().__getitem__(index)


class Breaks(Pictures):
    def __getitem__(self, index):
        if index == LATE:
            raise ZeroDivisionError("no such picture")
        return super().__getitem__(index)


def run(data, **options):
    return extract(MODEL, data, **{"batch_size": 4, "progress": False, **options})


BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def only_own_processes():
    """Exclude processes of other tests in this session, such as a browser."""
    BEFORE.clear()
    BEFORE.update(process.pid for process in psutil.Process().children())


def children():
    started = (p for p in psutil.Process().children() if p.pid not in BEFORE)
    return [p for p in started if p.status() != "zombie"]


def assert_no_workers_left():
    _, alive = psutil.wait_procs(children(), timeout=20)
    assert alive == []


def test_a_worker_that_is_killed_gives_an_error_with_the_remedy():
    with pytest.raises(ExtractionError, match=r"^DataLoader worker .*; pass num_workers=0 to load"):
        run(KillsItsWorker(200), num_workers=2)
    assert_no_workers_left()
    assert len(run(KillsItsWorker(200))) == 200


def test_a_worker_that_hangs_ends_in_an_error_with_the_remedy(monkeypatch):
    # torch waits that long for a worker to end before it kills it
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.5)  # seconds
    loader = torch.utils.data.DataLoader(Hangs(), batch_size=4, num_workers=1, timeout=2)
    with pytest.raises(ExtractionError, match=r"DataLoader timed out.*; pass num_workers=0"):
        extract(MODEL, loader, progress=False)
    assert_no_workers_left()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_workers_stop_when_the_run_is_interrupted(error):
    def stop(done, total):
        assert len(children()) >= 2
        raise error

    # A notebook keeps the traceback, which must not keep the workers alive.
    with pytest.raises(error) as kept:
        run(Pictures(400), num_workers=2, progress=stop)
    assert_no_workers_left()
    assert kept.tb is not None


def test_workers_stop_when_a_sample_fails_in_one_of_them():
    with pytest.raises(ExtractionError, match="no such picture") as kept:  # with its traceback
        run(Breaks(200), num_workers=2)
    assert_no_workers_left()
    assert kept.tb is not None


def test_rows_stored_before_a_worker_died_are_kept(tmp_path):
    with pytest.raises(ExtractionError, match="num_workers=0"):
        run(KillsItsWorker(200), num_workers=1, store=tmp_path)
    seen = []
    hook = MODEL.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    run(KillsItsWorker(200), store=tmp_path)
    hook.remove()
    assert sum(seen) < 200
