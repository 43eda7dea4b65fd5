"""Settings of these tests: one thread, and workers that get copies."""

from __future__ import annotations

import inspect
import pickle

import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def _one_thread():
    """More threads wait for each other on a busy machine, and the networks are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class CopyingWorker(torch.multiprocessing.Process):
    """A forked worker that gets copies, as on Windows and macOS; a new process takes seconds."""

    def __init__(self, target, args):
        given = inspect.signature(target).bind(*args).arguments
        # torch 2.14 passes the dataset in a list, `dataset_holder`.
        for name in {"dataset", "dataset_holder", "collate_fn", "init_fn"} & given.keys():
            given[name] = pickle.loads(pickle.dumps(given[name]))
        super().__init__(target=target, args=tuple(given.values()))


@pytest.fixture(autouse=True, scope="package")
def _copying_workers():
    with pytest.MonkeyPatch.context() as patch:
        if torch.multiprocessing.get_start_method() == "fork":
            patch.setattr(torch.multiprocessing, "Process", CopyingWorker)
        yield
