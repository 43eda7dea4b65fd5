"""Files that appear with all of their content or not at all, even if the power fails."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tsne_widget.extraction.locks import is_running

# Unfinished files of a dead process are removed after this time (seconds): it may run elsewhere.
UNFINISHED_KEPT_SECONDS = 86_400.0
# Windows refuses to replace a file that a virus scanner has open: tries, and seconds between them.
REPLACE_TRIES, REPLACE_PAUSE = 10, 0.1

_UNFINISHED = re.compile(r"\.(\d+)-[0-9a-f]{8}\.unfinished$")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at the block's end, with all of its content or not at all.

    That holds even if the power fails.

    Raises
    ------
    OSError
        If the disk cannot take it; nothing is left behind then.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    _flush_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Make the file appear with this content, see :func:`whole_file`."""
    with whole_file(path) as file:
        file.write(content)


def remove_unfinished(folder: Path) -> None:
    for path in folder.glob("lock.abandoned-*"):
        with contextlib.suppress(OSError):
            path.unlink()
    for path in folder.iterdir():
        match = _UNFINISHED.search(path.name)
        if match and not is_running(int(match[1])):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > UNFINISHED_KEPT_SECONDS:
                    path.unlink()


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


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # has no handle of a folder to flush
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
