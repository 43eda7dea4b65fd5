"""Rows on disk as they come: killed at any moment, the next run goes on where this one stopped.

A store folder holds one folder per fingerprint, in it::

    manifest.json           what the features depend on; size and SHA-256 of each shard
    manifest-1.json         the same of the samples beyond the first 1,048,576, and so on
    shard-0000004096.npy    the rows from that sample on: several arrays, one after another
    lock                    the one process that writes

Each file appears whole or not at all: written under another name, flushed to the disk, renamed.
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
from tsne_widget.extraction.store.rows import Rows
from tsne_widget.extraction.store.shards import accounts_for, entry, packed, shard_name, unpacked

SCHEMA = 1
# A shard is written when any of these is reached: what a kill can cost, against what writing costs.
SHARD_ROWS = 4096
SHARD_BYTES = 32 * 2**20
SHARD_SECONDS = 15.0
# Samples whose shards stand in one manifest, which is written anew with each of them: one manifest
# of all would take time that grows with the square of their number.
MANIFEST_SAMPLES = 2**20

_MANIFEST = "manifest.json"
_LOGGER = logging.getLogger(__name__)


class Store:
    """The shards of one run. Make one with :func:`opened`.

    Attributes
    ----------
    folder : Path
        The folder of this fingerprint.
    started : str
        "started anew", "resumed at …" or "reused", with the reason.
    """

    def __init__(self, folder: Path, parts: Mapping[str, str], lock: Lock | None) -> None:
        self.folder = folder
        self._parts = dict(parts)
        self._lock = lock
        self._shards = _shards_in(folder, parts)
        self.started = ""

    @property
    def stored(self) -> int:
        """How many samples the shards account for."""
        return sum(shard["samples"] for shard in self._shards.values())

    @property
    def is_writable(self) -> bool:
        """Whether further shards will be kept."""
        return self._lock is not None

    def next_start(self, position: int) -> int | None:
        """Where the first shard at or after a position starts."""
        return min((start for start in self._shards if start >= position), default=None)

    def covers(self, position: int, policy: str) -> int:
        """How many samples the shard that starts at ``position`` holds; 0 without a good one."""
        shard = self._shards.get(position)
        if shard is None or (shard["skipped"] and shard["policy"] != policy):
            return 0
        return int(shard["samples"])

    def read(self, position: int, ids: Sequence[int], policy: str) -> Rows | None:
        """The rows of the shard that starts at ``position``, None without a whole one.

        Parameters
        ----------
        position : int
            Number of the sample in the order of the run.
        ids : sequence of int
            Ids of all samples of the run, which those of the shard must be part of.
        policy : str
            What is done with bad samples. A shard that left some out is good for no other.
        """
        if not self.covers(position, policy):
            self._shards.pop(position, None)
            return None
        shard = self._shards[position]
        try:
            content = (self.folder / shard_name(position)).read_bytes()
            if hashlib.sha256(content).hexdigest() != shard["sha256"]:
                raise StoreError("its SHA-256 is not the one in the manifest")
            rows = unpacked(content)
            if not accounts_for(rows, ids[position : position + shard["samples"]]):
                raise StoreError("it holds other samples than the manifest says")
        except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError) as error:
            _LOGGER.warning("%s: shard %s is computed anew: %s", self.folder, position, error)
            del self._shards[position]
            return None
        return rows

    def write(self, position: int, rows: Rows, policy: str) -> None:
        """Keep rows that start at ``position``. If that fails, warn once and keep no more."""
        if not self._may_write():
            return
        content = packed(rows)
        try:
            write_whole(self.folder / shard_name(position), content)
            self._shards[position] = entry(rows, content, policy)
            self._write_manifest(position)
        except OSError as error:
            self._shards.pop(position, None)
            self.give_up(f"{error} ({len(content):,} bytes needed, {_free(self.folder)} free)")

    def adopt(self, position: int, shard: Mapping[str, Any]) -> None:
        """Enter a shard that another process has written into this folder on our behalf.

        Parameters
        ----------
        position : int
        shard : mapping
            Its :func:`~tsne_widget.extraction.store.shards.entry`.

        Raises
        ------
        StoreError
            If the folder holds no such file.
        """
        path = self.folder / shard_name(position)
        try:
            size = path.stat().st_size
        except OSError:
            size = -1
        if size != shard["bytes"]:
            raise StoreError(
                f"a worker has written {path}, but it is not there: the folder of store= must lie "
                "on a disk that all machines of the cluster share"
            )
        self._shards[position] = dict(shard)
        if self._may_write():
            try:
                self._write_manifest(position)
            except OSError as error:
                self.give_up(f"{error} ({_free(self.folder)} bytes free)")

    def give_up(self, reason: str) -> None:
        """Warn, once, that no further rows are kept, and let others write."""
        if self._lock is None:
            return
        self.close()
        self._warn(reason)

    def close(self) -> None:
        """Let others write."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _write_manifest(self, position: int) -> None:
        """Write the manifest that the shard at ``position`` stands in."""
        number = position // MANIFEST_SAMPLES
        starts = sorted(start for start in self._shards if start // MANIFEST_SAMPLES == number)
        manifest = {
            "schema": SCHEMA,
            "parts": self._parts,
            "shards": {str(start): self._shards[start] for start in starts},
        }
        name = f"manifest-{number}.json" if number else _MANIFEST
        write_whole(self.folder / name, json.dumps(manifest).encode())  # indented takes 5 times

    def _may_write(self) -> bool:
        if self._lock is None:
            return False
        if not self._lock.still_ours():
            self.give_up(f"another process took over, {self._lock.owner}")
            return False
        return True

    def _warn(self, reason: str) -> None:
        warnings.warn(
            f"store {self.folder} cannot be written: {reason}; extraction goes on in memory, "
            "further rows are not stored",
            stacklevel=3,
        )


@contextmanager
def opened(folder: Path, parts: Mapping[str, str], samples: int) -> Iterator[Store]:
    """The store of a fingerprint in ``folder``, made if there is none, writable if we are alone.

    Parameters
    ----------
    folder : Path
        Holds the stores of any number of fingerprints.
    parts : mapping of str to str
        What the features depend on, each as text or hash.
    samples : int
        How many samples the run has.

    Raises
    ------
    StoreError
        If ``folder`` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"store={os.fspath(folder)!r} is a file; pass a folder")
    own = folder / key_of(parts)[:16]
    lock, hindrance = _locked(own)
    store = Store(own, parts, lock)
    try:
        store.started = _told_start(store, folder, samples)
        if hindrance:
            store._warn(hindrance)
        if lock is not None:
            for left in own.glob("lock.abandoned-*"):
                with contextlib.suppress(OSError):
                    left.unlink()
            remove_unfinished(own)
        yield store
    finally:
        store.close()


def _locked(folder: Path) -> tuple[Lock | None, str]:
    """The lock if it is ours, otherwise why not."""
    lock = Lock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if lock.acquire():
            return lock, ""
    except OSError as error:
        return None, str(error)
    return None, f"{lock.owner} is writing it (its finished shards are read)"


def _shards_in(folder: Path, parts: Mapping[str, str]) -> dict[int, dict[str, Any]]:
    """The manifests' shards whose files have the right size, by start."""
    found = [_manifest_of(path) for path in sorted(folder.glob("manifest*.json"))]
    manifests = [manifest for manifest in found if manifest and manifest["parts"] == dict(parts)]
    entries = [entry for manifest in manifests for entry in manifest["shards"].items()]
    shards: dict[int, dict[str, Any]] = {}
    for start, shard in entries:
        try:
            position = int(start)
            good: dict[str, Any] = {
                "samples": int(shard["samples"]),
                "skipped": int(shard["skipped"]),
                "policy": str(shard["policy"]),
                "bytes": int(shard["bytes"]),
                "sha256": str(shard["sha256"]),
            }
            size = (folder / shard_name(position)).stat().st_size
        except (KeyError, TypeError, ValueError, OSError):
            continue
        if size == good["bytes"] and position >= 0 < good["samples"]:
            shards[position] = good
        else:
            _LOGGER.warning("%s: shard %s is computed anew: it has %s bytes", folder, start, size)
    return shards


def _manifest_of(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(path.read_bytes())
        if manifest["schema"] != SCHEMA:
            _LOGGER.warning("%s has schema %r and is left alone", path, manifest["schema"])
            return None
        parts, shards = dict(manifest["parts"]), dict(manifest["shards"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOGGER.warning("%s cannot be read and is left alone: %s", path, error)
        return None
    return {"parts": parts, "shards": shards}


def _told_start(store: Store, folder: Path, samples: int) -> str:
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
    return f"started anew: other {', '.join(changed)} than in the last run"


def _free(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free:,}"
    except OSError:
        return "unknown"
