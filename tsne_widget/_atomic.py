"""Atomic writes: files and folders appear complete or not at all, even if the power fails."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psutil

# Age (seconds) at which unfinished files of a dead process are removed. Younger ones may belong to
# a process on another machine.
UNFINISHED_KEPT_SECONDS = 86_400.0
# Windows does not replace a file that a virus scanner has open, nor rename its folder: attempts,
# and the pause between them (seconds).
REPLACE_TRIES, REPLACE_PAUSE = 10, 0.1
# A file name may contain any number; the system call takes a C int.
MAX_PID = 2**31 - 1

# The final name, and the number of the process that writes the file.
_UNFINISHED = re.compile(r"\.?(.+)\.(\d+)-[0-9a-f]{8}\.unfinished", re.DOTALL)
_PREVIOUS = ".previous"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it appears under its name when the block ends without an error.

    Raises
    ------
    OSError
        If the file cannot be written. The old file stays and the new one is removed.
    """
    unfinished = path.with_name(f".{_unfinished(path)}")
    try:
        with unfinished.open("wb") as file:
            yield file
            flush_file(file)
        _replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    flush_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file with this content, see :func:`whole_file`."""
    with whole_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to fill; it replaces the target when the block ends without an error.

    After an error or an interrupt the old folder is in place again. Leftovers of killed processes
    with the same target are removed, see :func:`remove_unfinished`.

    Raises
    ------
    OSError
        If the folder cannot be written. The old folder stays and the new one is removed.
    """
    building = target.with_name(_unfinished(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(target.parent, target.name)
        building.mkdir()
        yield building
        _put_in_place(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def moved_aside(target: Path) -> Path | None:
    """The path of the old folder, if a process was killed while it replaced ``target``."""
    if target.exists() or not target.parent.is_dir():
        return None
    for entry in target.parent.iterdir():
        match = _UNFINISHED.fullmatch(entry.name.removesuffix(_PREVIOUS))
        if match and match[1] == target.name and entry.name.endswith(_PREVIOUS):
            return entry
    return None


def remove_unfinished(folder: Path, name: str | None = None) -> None:
    """Remove unfinished files in a folder that are older than a day and whose process is dead.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Final name of the files or folders to remove; default: any.
    """
    for path in folder.iterdir():
        match = _UNFINISHED.fullmatch(path.name.removesuffix(_PREVIOUS))
        if not match or name not in (None, match[1]) or is_running(int(match[2])):
            continue
        if path.name.endswith(_PREVIOUS) and not (folder / match[1]).exists():
            continue  # the only copy, see moved_aside
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > UNFINISHED_KEPT_SECONDS:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def is_unfinished(name: str) -> bool:
    """Whether a file or folder of this name is not finished yet."""
    return _UNFINISHED.fullmatch(name) is not None


def is_running(pid: Any) -> bool:
    """Whether this machine runs a process with this number."""
    return isinstance(pid, int) and 0 < pid <= MAX_PID and psutil.pid_exists(pid)


def flush_file(file: Any) -> None:
    """Write a file's content to the disk, so that it survives a power failure."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Write a folder's list of names to the disk; Windows does this itself."""
    if os.name == "nt":  # Windows has no handle of a folder to flush
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unfinished(path: Path) -> str:
    return f"{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.unfinished"


def _put_in_place(built: Path, target: Path) -> None:
    """Rename a finished folder to its final name; after an error the old one is back in place."""
    previous = built.with_name(built.name + _PREVIOUS)
    try:
        if target.exists():
            _replace(target, previous)
        _replace(built, target)
        flush_folder(target.parent)
    except BaseException:
        if previous.exists() and not target.exists():
            _replace(previous, target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)


def _replace(source: Path, target: Path) -> None:
    for remaining in reversed(range(REPLACE_TRIES)):
        try:
            os.replace(source, target)  # noqa: PTH105 - tests make this call fail
        except PermissionError:
            if os.name != "nt" or not remaining:
                raise
            time.sleep(REPLACE_PAUSE)
        else:
            return
