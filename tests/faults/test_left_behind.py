"""Files of a killed save: a later save to the same place removes them once they are old."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tsne_widget import EmbeddingExplorer, FeatureSet, _atomic

N = 12

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="killed as POSIX does")


def make_explorer() -> EmbeddingExplorer:
    images = np.arange(N * 16, dtype=np.uint8).reshape(N, 4, 4)
    record = FeatureSet.from_arrays(np.eye(N), np.arange(N) % 3)
    explorer = EmbeddingExplorer(record, embedding=np.eye(N)[:, :2], images=images)
    explorer.select(range(N))
    return explorer


def export_pictures(explorer: EmbeddingExplorer, target: Path) -> None:
    if target.exists():  # it accepts only a new or an empty folder
        for path in target.iterdir():
            path.unlink()
    explorer.copy_images(target, progress=False)


SAVES: dict[str, Callable[[EmbeddingExplorer, Path], object]] = {
    "record": lambda explorer, target: explorer.feature_set.save(target, overwrite=True),
    "explorer": lambda explorer, target: explorer.save(target, overwrite=True),
    "pictures": export_pictures,
    "frame.csv": lambda explorer, target: explorer.export(target),
    "page.html": lambda explorer, target: explorer.save_html(target),
}


def is_killed(save: Callable[[], object], at: int) -> bool:
    """Whether a process was killed at its n-th disk operation; otherwise the save succeeded."""

    def target() -> None:
        steps = 0

        def counted(function):
            def step(*arguments, **options):
                nonlocal steps
                steps += 1
                if steps == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)

            return step

        os.fsync, os.replace, os.rename = map(counted, (os.fsync, os.replace, os.rename))
        save()

    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def unfinished(folder: Path) -> list[Path]:
    """Files that belong to nothing complete, including exploration data that no manifest names."""
    found = [path for path in folder.rglob("*") if ".unfinished" in path.name]
    for data in folder.rglob("data-*"):
        manifest = data.parent / "explorer.json"
        if not manifest.exists() or data.name not in manifest.read_text("utf-8"):
            found.append(data)
    return found


def make_old(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))


@pytest.mark.parametrize("existed", [False, True], ids=["new", "replaced"])
@pytest.mark.parametrize("name", SAVES)
def test_files_left_by_a_killed_save_are_removed_by_later_saves(tmp_path, name, existed):
    kills, left = 0, 0
    with make_explorer() as explorer:
        while True:
            folder = tmp_path / str(kills)
            folder.mkdir()
            target = folder / name
            if existed:
                SAVES[name](explorer, target)
            if not is_killed(lambda target=target: SAVES[name](explorer, target), kills + 1):
                break
            kills += 1
            left += bool(unfinished(folder))
            make_old(folder)
            for _ in range(2):  # the first save keeps what may be the only copy
                SAVES[name](explorer, target)
                make_old(folder)
            assert unfinished(folder) == []
            assert [path.name for path in folder.iterdir()] == [name]
    assert kills >= 2
    assert left


@pytest.mark.parametrize("name", SAVES)
def test_recent_files_and_files_of_running_processes_are_kept(tmp_path, name):
    target = tmp_path / name
    with make_explorer() as explorer:
        assert is_killed(lambda: SAVES[name](explorer, target), 1)
        young = unfinished(tmp_path)
        assert young
        SAVES[name](explorer, target)
        assert set(young) <= set(unfinished(tmp_path))
        living = tmp_path / f"{name}.{os.getpid()}-00000000.unfinished"
        living.mkdir()
        make_old(tmp_path)
        SAVES[name](explorer, target)
        assert unfinished(tmp_path) == [living]


def test_files_with_other_names_or_owners_are_not_touched(tmp_path):
    ended = multiprocessing.get_context("fork").Process(target=str)
    ended.start()
    ended.join()
    names = [
        f"other.{ended.pid}-00000000.unfinished",
        f"saved.{ended.pid}-0000000.unfinished",
        f"saved.{ended.pid}-00000000.unfinished.txt",
        "saved.unfinished",
        "saved.previous",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / f"saved.{ended.pid}-00000000.unfinished").symlink_to(tmp_path / names[0])
    make_old(tmp_path)
    os.utime(tmp_path / f"saved.{ended.pid}-00000000.unfinished", (1, 1), follow_symlinks=False)
    _atomic.remove_unfinished(tmp_path, "saved")
    assert {path.name for path in tmp_path.iterdir()} >= set(names)


def test_renamed_folder_stays_until_its_replacement_exists(tmp_path):
    with make_explorer() as explorer:
        explorer.feature_set.save(tmp_path / "saved")
    ended = multiprocessing.get_context("fork").Process(target=str)
    ended.start()
    ended.join()
    aside = tmp_path / f"saved.{ended.pid}-00000000.unfinished.previous"
    (tmp_path / "saved").rename(aside)  # the state after a save killed between two renames
    make_old(tmp_path)
    assert is_killed(lambda: FeatureSet.from_arrays(np.eye(4)).save(tmp_path / "saved"), 1)
    assert len(FeatureSet.load(aside)) == N
    for _ in range(2):
        make_old(tmp_path)
        FeatureSet.from_arrays(np.eye(4)).save(tmp_path / "saved", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
