"""Clock jumps: locks and unfinished files of running processes are kept."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from tsne_widget import _atomic
from tsne_widget.extraction.store import locks
from tsne_widget.extraction.store import store as store_module
from tsne_widget.extraction.store.rows import Rows

DAY = 86_400.0
JUMPS = [-3650 * DAY, -DAY, -60.0, 60.0, 2 * DAY, 3650 * DAY]


def rows_at(start: int) -> Rows:
    ids = np.arange(start, start + 8)
    return Rows(ids, (np.full((8, 3), start, np.float32),), ids % 3, None)


@pytest.mark.filterwarnings("ignore:store .* cannot be written")
@pytest.mark.parametrize("jump", JUMPS)
def test_clock_jump_breaks_no_active_lock_and_loses_no_row(tmp_path, monkeypatch, jump):
    """A jump ahead may end a lock; its owner then notices and stops writing."""
    now = time.time
    with store_module.open_store(tmp_path, {"weights": "w"}, 40) as first:
        first.write(0, rows_at(0), "")
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        with store_module.open_store(tmp_path, {"weights": "w"}, 40) as second:
            writers = [store for store in (first, second) if store.is_writable]
            assert second.is_writable == (jump > locks.SILENCE_ENDS_LOCK_SECONDS)
            for store in writers:
                store.write(8, rows_at(8), "")
            assert [store.is_writable for store in (first, second)].count(True) == 1
    with store_module.open_store(tmp_path, {"weights": "w"}, 40) as store:
        for start in (0, 8):
            assert (store.read(start, range(40), "").features[0] == start).all()
        assert store.is_writable


@pytest.mark.parametrize("jump", JUMPS)
def test_unfinished_file_of_a_running_process_is_kept_at_any_clock_time(
    tmp_path, monkeypatch, jump
):
    now = time.time
    unfinished = tmp_path / f".shard.{os.getpid()}-00000000.unfinished"
    unfinished.touch()
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    _atomic.remove_unfinished(tmp_path)
    assert unfinished.exists()


@pytest.mark.parametrize("when", [0, 2**31 - 1, 2**33])
def test_files_from_the_past_and_the_future_are_read(tmp_path, when):
    with store_module.open_store(tmp_path, {"weights": "w"}, 40) as store:
        store.write(0, rows_at(0), "")
    for path in tmp_path.rglob("*"):
        os.utime(path, (when, when))
    with store_module.open_store(tmp_path, {"weights": "w"}, 40) as store:
        assert (store.read(0, range(40), "").features[0] == 0).all()
        store.write(8, rows_at(8), "")
        assert store.is_writable
