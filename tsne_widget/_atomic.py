"""Files and folders that appear with all of their content or not at all, also if power fails."""

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

# What a dead process left unfinished is removed after this time (seconds): it may run elsewhere.
UNFINISHED_KEPT_SECONDS = 86_400.0
# Windows refuses to replace a file that a virus scanner has open: tries, and seconds between them.
REPLACE_TRIES, REPLACE_PAUSE = 10, 0.1
# A file's name may say any number; the system's call takes a C int.
MAX_PID = 2**31 - 1

# The name that it is to have, and the process that writes it.
_UNFINISHED = re.compile(r"\.?(.+)\.(\d+)-[0-9a-f]{8}\.unfinished", re.DOTALL)
_PREVIOUS = ".previous"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at the block's end, with all of its content or not at all.

    That holds even if the power fails.

    Raises
    ------
    OSError
        If the disk cannot take it; nothing is left behind then.
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
    """Make the file appear with this content, see :func:`whole_file`."""
    with whole_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the target's place at the block's end, whole or not at all.

    Whatever stops this, what was there before is there again. What killed processes have left of
    the same target is removed, see :func:`remove_unfinished`.

    Raises
    ------
    OSError
        If the disk cannot take it; nothing is left behind then.
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
    """Where the old folder is if a process was killed in the instant of replacing it."""
    if target.exists() or not target.parent.is_dir():
        return None
    for entry in target.parent.iterdir():
        match = _UNFINISHED.fullmatch(entry.name.removesuffix(_PREVIOUS))
        if match and match[1] == target.name and entry.name.endswith(_PREVIOUS):
            return entry
    return None


def remove_unfinished(folder: Path, name: str | None = None) -> None:
    """Remove what was left unfinished in a folder a day ago or earlier, by processes now dead.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Of the file or folder that was to be; default: of any.
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
    """Whether that is how a file or folder is named before it is whole."""
    return _UNFINISHED.fullmatch(name) is not None


def is_running(pid: Any) -> bool:
    """Whether this machine has a process of that number."""
    return isinstance(pid, int) and 0 < pid <= MAX_PID and psutil.pid_exists(pid)


def flush_file(file: Any) -> None:
    """Make a file's content survive a loss of power."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive it, too; Windows does so by itself."""
    if os.name == "nt":  # has no handle of a folder to flush
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unfinished(path: Path) -> str:
    return f"{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.unfinished"


def _put_in_place(built: Path, target: Path) -> None:
    """Rename a finished folder to its name; whatever stops this, the old one is back there."""
    previous = built.with_name(built.name + _PREVIOUS)
    try:
        if target.exists():
            target.rename(previous)
        built.rename(target)
        flush_folder(target.parent)
    except BaseException:
        if previous.exists() and not target.exists():
            previous.rename(target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)


def _replace(source: Path, target: Path) -> None:
    for remaining in reversed(range(REPLACE_TRIES)):
        try:
            os.replace(source, target)  # noqa: PTH105 - the call that the tests let fail
        except PermissionError:
            if os.name != "nt" or not remaining:
                raise
            time.sleep(REPLACE_PAUSE)
        else:
            return
