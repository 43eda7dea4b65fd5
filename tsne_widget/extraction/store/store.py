"""Rows on disk: a run that was killed at any moment can be resumed.

A store folder has one folder per fingerprint, which contains::

    manifest.json           hashes of everything the features depend on; size and hash of each shard
    manifest-1.json         the same for the samples from 1,048,576 on, and so on
    shard-0000004096.npy    the rows from that sample on: several arrays in sequence
    lock                    the process that writes

Each file appears complete or not at all: it is written under another name, flushed and renamed.
Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tsne_widget._atomic import remove_unfinished, write_whole
from tsne_widget.errors import StoreError
from tsne_widget.extraction.store.fingerprint import key_of
from tsne_widget.extraction.store.locks import Lock
from tsne_widget.extraction.store.rows import Marks, Rows
from tsne_widget.extraction.store.shards import (
    NO_MARKS,
    RowMarks,
    Stored,
    has_ids,
    pack,
    shard_entry,
    shard_name,
    unpack,
)

SCHEMA = 2
# A shard is written when it reaches one of these. They balance the work that a kill can lose and
# the cost of writing.
SHARD_ROWS = 4096
SHARD_BYTES = 32 * 2**20
SHARD_SECONDS = 15.0
# Number of samples per manifest. Each shard rewrites its manifest; with a single manifest the time
# would grow with the square of the number of shards.
MANIFEST_SAMPLES = 2**20

_MANIFEST = "manifest.json"
_LOGGER = logging.getLogger(__name__)


class Store:
    """The shards of one run. Make one with :func:`open_store`.

    Attributes
    ----------
    folder : Path
        The folder of this fingerprint.
    status : str
        "started anew", "resumed: …" or "reused: …", with the reason.
    """

    def __init__(self, folder: Path, parts: Mapping[str, str], lock: Lock | None) -> None:
        self.folder = folder
        self._parts = dict(parts)
        self._lock = lock
        self._shards = _shards_in(folder, parts)
        self._fresh: set[int] = set()
        self.status = ""

    @property
    def stored(self) -> int:
        """Number of samples in the shards."""
        return sum(shard["samples"] for shard in self._shards.values())

    @property
    def is_writable(self) -> bool:
        """Whether further shards are stored."""
        return self._lock is not None

    def next_start(self, position: int) -> int | None:
        """The start of the first shard at or after a position; None if there is none."""
        return min((start for start in self._shards if start >= position), default=None)

    def covers(self, position: int, policy: str) -> int:
        """Number of samples in the shard that starts at ``position``; 0 if it cannot be used."""
        shard = self._shards.get(position)
        if shard is None or (shard["skipped"] and shard["policy"] != policy):
            return 0
        return int(shard["samples"])

    def is_fresh(self, position: int) -> bool:
        """Whether the shard that starts at ``position`` was written in this run."""
        return position in self._fresh

    def has_marks(self, start: int, marks: Marks) -> bool:
        """Whether the labels of the shard are made of the same as those with these marks."""
        shard = self._shards[start]
        return bool(shard["marks"] == marks.digest(start, shard["samples"]))

    @property
    def starts(self) -> list[int]:
        """The starts of all shards, ascending."""
        return sorted(self._shards)

    def start_of(self, position: int) -> int | None:
        """The start of the shard that has this sample; None if none has it."""
        starts = [start for start in self._shards if start <= position]
        start = max(starts, default=None)
        if start is None or position >= start + self._shards[start]["samples"]:
            return None
        return start

    def read(self, position: int, ids: Sequence[int], policy: str) -> Rows | None:
        """The rows of a shard with the labels it was stored with, see :meth:`read_shard`."""
        stored = self.read_shard(position, ids, policy)
        return None if stored is None else stored.rows

    def read_shard(self, position: int, ids: Sequence[int], policy: str) -> Stored | None:
        """The content of the shard that starts at ``position``; None if it is missing or damaged.

        Parameters
        ----------
        position : int
            Index of the sample in the order of the run.
        ids : sequence of int
            Ids of all samples of the run; the shard must have its part of them.
        policy : str
            How bad samples are treated. A shard with skipped samples fits only the same policy.
        """
        if not self.covers(position, policy):
            self._shards.pop(position, None)
            return None
        shard = self._shards[position]
        try:
            content = (self.folder / shard_name(position)).read_bytes()
            if hashlib.sha256(content).hexdigest() != shard["sha256"]:
                raise StoreError("its SHA-256 differs from the manifest")
            stored = unpack(content)
            if not has_ids(stored.rows, ids[position : position + shard["samples"]]):
                raise StoreError("its samples differ from the manifest")
        except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError) as error:
            _LOGGER.warning("%s: shard %s is computed again: %s", self.folder, position, error)
            del self._shards[position]
            return None
        return stored

    def write(self, position: int, rows: Rows, policy: str, marks: RowMarks = NO_MARKS) -> None:
        """Store rows that start at ``position``, with the marks of their labels.

        After a failure, warn once and store no more.
        """
        if not self._may_write():
            return
        content = pack(rows, marks.marks)
        try:
            write_whole(self.folder / shard_name(position), content)
            self._shards[position] = shard_entry(rows, content, policy, marks.digest)
            self._fresh.add(position)
            self._write_manifest(position)
        except OSError as error:
            self._shards.pop(position, None)
            self.give_up(f"{error} ({len(content):,} bytes needed, {_free(self.folder)} free)")

    def adopt(self, position: int, shard: Mapping[str, Any]) -> None:
        """Add a shard to the manifest that a worker has written into this folder.

        Parameters
        ----------
        position : int
        shard : mapping
            Its :func:`~tsne_widget.extraction.store.shards.shard_entry`.

        Raises
        ------
        StoreError
            If the folder has no such file.
        """
        path = self.folder / shard_name(position)
        try:
            size = path.stat().st_size
        except OSError:
            size = -1
        if size != shard["bytes"]:
            raise StoreError(
                f"a worker wrote {path}, but it is missing here: the folder of store= must be on a "
                "disk that all machines of the cluster share"
            )
        self._shards[position] = dict(shard)
        self._fresh.add(position)
        if self._may_write():
            try:
                self._write_manifest(position)
            except OSError as error:
                self.give_up(f"{error} ({_free(self.folder)} bytes free)")

    def give_up(self, reason: str) -> None:
        """Warn once that no further rows are stored, and release the lock."""
        if self._lock is None:
            return
        self.close()
        self._warn(reason)

    def close(self) -> None:
        """Release the lock, so that other processes can write."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _write_manifest(self, position: int) -> None:
        """Write the manifest that lists the shard at ``position``."""
        number = position // MANIFEST_SAMPLES
        starts = sorted(start for start in self._shards if start // MANIFEST_SAMPLES == number)
        manifest = {
            "schema": SCHEMA,
            "parts": self._parts,
            "shards": {str(start): self._shards[start] for start in starts},
        }
        name = f"manifest-{number}.json" if number else _MANIFEST
        write_whole(
            self.folder / name, json.dumps(manifest).encode()
        )  # indentation takes 5 times as long

    def _may_write(self) -> bool:
        if self._lock is None:
            return False
        if not self._lock.renew():
            self.give_up(f"another process took over, {self._lock.owner}")
            return False
        return True

    def _warn(self, reason: str) -> None:
        warnings.warn(
            f"store {self.folder} cannot be written: {reason}; extraction continues in memory, "
            "further rows are not stored",
            stacklevel=3,
        )


@contextmanager
def open_store(folder: Path, parts: Mapping[str, str], samples: int) -> Iterator[Store]:
    """The store of a fingerprint in ``folder``; it is writable unless another process writes it.

    Parameters
    ----------
    folder : Path
        The folder of stores with any fingerprint; it is created if necessary.
    parts : mapping of str to str
        Everything that the features depend on, each as a text or hash.
    samples : int
        Number of samples of the run.

    Raises
    ------
    StoreError
        If ``folder`` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"store={os.fspath(folder)!r} is a file; pass a folder")
    own = folder / key_of(parts)[:16]
    lock, obstacle = _locked(own)
    store = Store(own, parts, lock)
    try:
        store.status = _status(store, folder, samples)
        if obstacle:
            store._warn(obstacle)
        if lock is not None:
            for abandoned in own.glob("lock.abandoned-*"):
                with contextlib.suppress(OSError):
                    abandoned.unlink()
            remove_unfinished(own)
        yield store
    finally:
        store.close()


def _locked(folder: Path) -> tuple[Lock | None, str]:
    """The lock, or None and the reason."""
    lock = Lock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if lock.acquire():
            return lock, ""
    except OSError as error:
        return None, str(error)
    return None, f"{lock.owner} is writing it (its finished shards are read)"


def _shards_in(folder: Path, parts: Mapping[str, str]) -> dict[int, dict[str, Any]]:
    """The shards in the manifests whose files have the right size, by start."""
    found = [_manifest_of(path) for path in sorted(folder.glob("manifest*.json"))]
    manifests = [manifest for manifest in found if manifest and manifest["parts"] == dict(parts)]
    entries = [entry for manifest in manifests for entry in manifest["shards"].items()]
    shards: dict[int, dict[str, Any]] = {}
    for start, shard in entries:
        try:
            position = int(start)
            entry: dict[str, Any] = {
                "samples": int(shard["samples"]),
                "skipped": int(shard["skipped"]),
                "policy": str(shard["policy"]),
                "bytes": int(shard["bytes"]),
                "sha256": str(shard["sha256"]),
                "marks": str(shard["marks"]),
            }
            size = (folder / shard_name(position)).stat().st_size
        except (KeyError, TypeError, ValueError, OSError):
            continue
        if size == entry["bytes"] and position >= 0 < entry["samples"]:
            shards[position] = entry
        else:
            _LOGGER.warning("%s: shard %s is computed again: it has %s bytes", folder, start, size)
    return shards


def _manifest_of(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(path.read_bytes())
        if manifest["schema"] != SCHEMA:
            _LOGGER.warning("%s has schema %r and is ignored", path, manifest["schema"])
            return None
        parts, shards = dict(manifest["parts"]), dict(manifest["shards"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOGGER.warning("%s cannot be read and is ignored: %s", path, error)
        return None
    return {"parts": parts, "shards": shards}


def _status(store: Store, folder: Path, samples: int) -> str:
    if store.stored >= samples:
        return f"reused: all {samples:,} samples are stored"
    if store.stored:
        return f"resumed: {store.stored:,} of {samples:,} samples were stored"
    others = []
    with contextlib.suppress(OSError):
        others = [entry for entry in folder.iterdir() if entry != store.folder and entry.is_dir()]
    latest = max(others, key=lambda entry: entry.stat().st_mtime, default=None)
    manifest = None if latest is None else _manifest_of(latest / _MANIFEST)
    if manifest is None:
        return "started anew"
    changed = [name for name, text in store._parts.items() if manifest["parts"].get(name) != text]
    return f"started anew: {', '.join(changed)} changed since the last run"


def _free(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free:,}"
    except OSError:
        return "unknown"
