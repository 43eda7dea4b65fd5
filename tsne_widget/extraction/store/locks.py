"""One writer per folder, across processes and machines, without anyone waiting."""

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

# A writer gives a sign of life at least once per shard. One that was silent for so long (seconds)
# is taken for dead, even on another machine or if its process number is in use again.
SILENCE_ENDS_LOCK_SECONDS = 3600.0
# The same for a lock that does not say whose it is.
EMPTY_ENDS_LOCK_SECONDS = 10.0


class Lock:
    """A lock file that only one process can make; it names its owner's process and machine.

    Attributes
    ----------
    held : bool
        Whether this object owns the lock.
    owner : str
        Who owns it, for messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = uuid.uuid4().hex
        self.owner = f"process {os.getpid()} on {socket.gethostname()}"
        self.held = False

    def acquire(self) -> bool:
        """Whether the lock is ours now. Never waits; breaks a lock whose owner is dead.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        for _ in range(2):
            if self._made():
                self.held = True
                return True
            if not self._broken():
                return False
        return False

    def still_ours(self) -> bool:
        """Whether nobody took the lock for abandoned meanwhile; also a sign of life."""
        if not self.held:
            return False
        self.held = _read(self._path).get("token") == self._token
        if self.held:
            with contextlib.suppress(OSError):
                os.utime(self._path)
        return self.held

    def release(self) -> None:
        """Give the lock back, if it is ours."""
        if self.still_ours():
            with contextlib.suppress(OSError):
                self._path.unlink()
        self.held = False

    def _made(self) -> bool:
        """Whether the file could be made: with its content at once, where the disk knows links."""
        content = {"pid": os.getpid(), "host": socket.gethostname(), "token": self._token}
        filled = self._path.with_name(f".lock.{os.getpid()}-{self._token[:8]}.unfinished")
        try:
            _write_new(filled, content)
            try:
                os.link(filled, self._path)
            except FileExistsError:
                return False
            except OSError:
                _write_new(self._path, content)
        except FileExistsError:
            return False
        finally:
            with contextlib.suppress(OSError):
                filled.unlink()
        return True

    def _broken(self) -> bool:
        """Whether the lock was abandoned and is gone now."""
        found = _read(self._path)
        self.owner = f"process {found.get('pid')} on {found.get('host')}"
        try:
            silent = time.time() - self._path.stat().st_mtime
        except OSError:
            return True
        here = found.get("host") == socket.gethostname()
        dead = here and not is_running(found.get("pid"))
        # Where there are no links, a lock without content was made this moment, or by a process
        # that was killed in that moment.
        if not (
            dead
            or silent > SILENCE_ENDS_LOCK_SECONDS
            or (not found and silent > EMPTY_ENDS_LOCK_SECONDS)
        ):
            return False
        # Renamed, not deleted: of two processes that found it abandoned only one must succeed,
        # and a fresh lock that the other made meanwhile must come back.
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
