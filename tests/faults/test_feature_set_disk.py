"""Saved records on disks that are read-only, shared, or overwritten while they are read."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tsne_widget import FeatureSet, StoreError

ROWS, COLUMNS = 64, 2048  # 512 kB: many disk pages
PROCESSES, ROUNDS = 8, 20


def record(value: float) -> FeatureSet:
    labels = np.full(ROWS, int(value) % 7)
    features = np.full((ROWS, COLUMNS), value, dtype=np.float32)
    features[0, 0] += 1  # not constant
    return FeatureSet.from_arrays(features, labels, class_names=list("abcdefg"))


def is_one_whole_record(found: FeatureSet) -> bool:
    value = found.features[1, 1]
    return bool((found.features[1:] == value).all() and (found.labels == int(value) % 7).all())


def test_read_only_record_loads_and_overwriting_it_is_a_store_error(tmp_path, monkeypatch):
    record(3).save(tmp_path / "saved")
    real_open, real_mkdir = os.open, Path.mkdir

    def refuse(path: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", os.fspath(path))  # type: ignore[call-overload]

    def read_only_open(path, flags, *arguments, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return real_open(path, flags, *arguments, **options)

    def read_only_mkdir(path, *arguments, **options):
        if not path.is_dir():
            refuse(path)
        real_mkdir(path, *arguments, **options)

    monkeypatch.setattr(os, "open", read_only_open)
    monkeypatch.setattr(Path, "mkdir", read_only_mkdir)
    assert is_one_whole_record(FeatureSet.load(tmp_path / "saved"))
    with pytest.raises(StoreError, match="Read-only file system"):
        record(4).save(tmp_path / "saved", overwrite=True)
    monkeypatch.setattr(os, "open", real_open)
    monkeypatch.setattr(Path, "mkdir", real_mkdir)
    assert (FeatureSet.load(tmp_path / "saved").features == record(3).features).all()
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_mapped_record_stays_intact_while_it_is_overwritten(tmp_path):
    record(3).save(tmp_path / "saved")
    script = """
import sys
import numpy as np
from tsne_widget import FeatureSet
found = FeatureSet.load(sys.argv[1])
print("mapped", flush=True)
sys.stdin.read()
assert (found.features[1:] == 3).all()  # a file truncated in place would end this process here
print("whole")
"""
    reader = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "saved")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "mapped\n"
        small = FeatureSet.from_arrays(np.eye(4))
        small.save(tmp_path / "saved", overwrite=True)
        output, _ = reader.communicate(timeout=60)
    finally:
        reader.kill()
        reader.wait()
    assert output == "whole\n"
    assert reader.returncode == 0
    assert (FeatureSet.load(tmp_path / "saved").features == small.features).all()


def test_overwriting_during_a_load_is_a_store_error(tmp_path, monkeypatch):
    record(1).save(tmp_path / "saved")
    load, opened = np.load, []

    def load_and_save(path, *arguments, **options):
        opened.append(path)
        array = load(path, *arguments, **options)
        if len(opened) == 1:
            record(2).save(tmp_path / "saved", overwrite=True)
        return array

    monkeypatch.setattr(np, "load", load_and_save)
    with pytest.raises(StoreError, match=r"overwritten .* load it again"):
        FeatureSet.load(tmp_path / "saved")
    assert is_one_whole_record(FeatureSet.load(tmp_path / "saved"))


def save_and_load(folder: Path, number: int) -> None:
    for turn in range(ROUNDS):
        with contextlib.suppress(StoreError):  # another process saved at the same moment
            record(100 * number + turn).save(folder, overwrite=True)
        try:
            found = FeatureSet.load(folder)
        except StoreError:
            continue  # read between two renames
        assert is_one_whole_record(found)


def test_concurrent_saves_always_leave_one_complete_record(tmp_path):
    record(1).save(tmp_path / "saved")
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=save_and_load, args=(tmp_path / "saved", number))
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    assert is_one_whole_record(FeatureSet.load(tmp_path / "saved"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full exists only on Linux")
def test_disk_that_is_full_at_the_first_byte_is_a_store_error(tmp_path, monkeypatch):
    real_open = os.open

    def full(path, flags, *arguments, **options):
        is_written = flags & (os.O_WRONLY | os.O_RDWR)
        return real_open(
            "/dev/full" if is_written else path, flags & ~os.O_EXCL, *arguments, **options
        )

    before = set(tmp_path.iterdir())
    monkeypatch.setattr(np.lib.format, "write_array", lambda file, array, **_: _fill(file, array))
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StoreError, match="No space left on device"):
        record(1).save(tmp_path / "saved")
    monkeypatch.undo()
    assert set(tmp_path.iterdir()) == before


def _fill(_file: object, array: np.ndarray) -> None:
    with Path("/dev/full").open("wb", buffering=0) as disk:
        disk.write(array.tobytes())


KILLED = """
import os, signal, sys
from tests.faults.test_feature_set_disk import record
replace, calls = os.replace, []
def counted(source, target):
    calls.append(target)
    if len(calls) == 2:  # the old record is renamed, the new one is not in place yet
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(source, target)
os.replace = counted
record(4).save(sys.argv[1], overwrite=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills processes with POSIX signals")
def test_error_after_a_killed_save_names_the_folder_of_the_old_record(tmp_path):
    saved = tmp_path / "saved"
    record(3).save(saved)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(saved)], cwd=Path(__file__).resolve().parents[2]
    )
    assert killed.returncode == -9
    with pytest.raises(StoreError, match=r"rename .*\.previous to .*saved$") as caught:
        FeatureSet.load(saved)
    (aside,) = tmp_path.glob("saved.*.unfinished.previous")
    assert str(aside) in str(caught.value)
    aside.rename(saved)
    assert (FeatureSet.load(saved).features == record(3).features).all()
    record(5).save(saved, overwrite=True)
    assert (FeatureSet.load(saved).features == record(5).features).all()
