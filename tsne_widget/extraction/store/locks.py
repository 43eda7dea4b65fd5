"""A lock file: one writer per folder across processes and machines, without waiting."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from pathlib import Path
from typing import Any

from tsne_widget._atomic import is_running

# A writer updates its lock at least once per shard. After this many seconds without an update the
# writer counts as dead, even on another machine or if its process number is in use again.
SILENCE_ENDS_LOCK_SECONDS = 3600.0
# The same for a lock without content.
EMPTY_ENDS_LOCK_SECONDS = 10.0


class Lock:
    """A lock file that only one process can create; it names that process and its machine.

    Attributes
    ----------
    held : bool
        Whether this object owns the lock.
    owner : str
        The process and machine that own it, for messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = uuid.uuid4().hex
        self.owner = f"process {os.getpid()} on {socket.gethostname()}"
        self.held = False

    def acquire(self) -> bool:
        """Try to get the lock, and return whether that worked. It breaks the lock of a dead owner.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        for _ in range(2):
            if self._create():
                self.held = True
                return True
            if not self._break_abandoned():
                return False
        return False

    def renew(self) -> bool:
        """Update the time of the lock, and return whether this object still owns it."""
        if not self.held:
            return False
        self.held = _read(self._path).get("token") == self._token
        if self.held:
            with contextlib.suppress(OSError):
                os.utime(self._path)
        return self.held

    def release(self) -> None:
        """Release the lock, if this object owns it."""
        if self.renew():
            with contextlib.suppress(OSError):
                self._path.unlink()
        self.held = False

    def _create(self) -> bool:
        """Create the file, if possible together with its content, and return whether it worked."""
        content = {"pid": os.getpid(), "host": socket.gethostname(), "token": self._token}
        complete = self._path.with_name(f".lock.{os.getpid()}-{self._token[:8]}.unfinished")
        try:
            _write_new(complete, content)
            try:
                os.link(complete, self._path)
            except FileExistsError:
                return False
            except OSError:  # the file system has no hard links
                _write_new(self._path, content)
        except FileExistsError:
            return False
        finally:
            with contextlib.suppress(OSError):
                complete.unlink()
        return True

    def _break_abandoned(self) -> bool:
        """Remove the lock if its owner is dead, and return whether it is gone."""
        found = _read(self._path)
        self.owner = f"process {found.get('pid')} on {found.get('host')}"
        try:
            silent = time.time() - self._path.stat().st_mtime
        except OSError:
            return True
        here = found.get("host") == socket.gethostname()
        dead = here and not is_running(found.get("pid"))
        # Without hard links, a lock without content has just been created, or its process was
        # killed at that moment.
        if not (
            dead
            or silent > SILENCE_ENDS_LOCK_SECONDS
            or (not found and silent > EMPTY_ENDS_LOCK_SECONDS)
        ):
            return False
        # Rename instead of delete: if two processes find the lock abandoned, only one may succeed,
        # and a new lock that the other has created must be restored.
        aside = self._path.with_name(f"{self._path.name}.abandoned-{self._token}")
        try:
            self._path.rename(aside)
            if _read(aside).get("token") != found.get("token"):
                with contextlib.suppress(OSError):
                    os.link(aside, self._path)
            aside.unlink()
        except OSError:
            return not self._path.exists()
        return True


def _write_new(path: Path, content: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
