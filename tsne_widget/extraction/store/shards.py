"""Rows as the bytes of one file: several arrays in sequence. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tsne_widget.extraction.store.rows import Marks, Rows
from tsne_widget.feature_set import Skipped


def shard_name(position: int) -> str:
    """File name of the shard that starts at a sample."""
    return f"shard-{position:010d}.npy"


class Stored(NamedTuple):
    """The rows of a shard, and the marks that their labels had when the shard was written.

    The labels serve only to save reading: they hold as long as their marks are the same.
    """

    rows: Rows
    marks: Marks | None


class RowMarks(NamedTuple):
    """The marks of some rows, and the hash of those of all their samples, skipped ones included."""

    marks: Marks | None
    digest: str


NO_MARKS = RowMarks(None, "")


def row_marks(marks: Marks | None, rows: Rows, start: int, ids: Sequence[int]) -> RowMarks:
    """The marks of rows that start at a position of the run; ``ids`` are all ids of the run."""
    if marks is None:
        return NO_MARKS
    return RowMarks(marks.of(rows, ids), marks.digest(start, rows.samples))


def pack(rows: Rows, marks: Marks | None = None) -> bytes:
    """The rows as arrays in sequence; the first array is a JSON text that lists the others."""
    header = {
        "state": None if marks is None else marks.state,
        "layers": len(rows.features),
        "labels": rows.labels is not None,
        "logits": rows.logits is not None,
        "skipped": rows.skipped,
    }
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    file = io.BytesIO()
    values = None if marks is None else marks.values
    for array in (text, rows.ids, values, rows.labels, rows.logits, *rows.features):
        if array is not None:
            np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def shard_entry(rows: Rows, content: bytes, policy: str, marks: str = "") -> dict[str, Any]:
    """The manifest's entry for rows and their packed content.

    ``marks`` is the hash of what their labels are made of.
    """
    return {
        "marks": marks,
        "samples": rows.samples,
        "skipped": len(rows.skipped),
        "policy": policy,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def unpack(content: bytes) -> Stored:
    """The rows and marks that :func:`pack` converted."""
    file = io.BytesIO(content)

    def read() -> Any:
        return np.lib.format.read_array(file, allow_pickle=False)

    header = json.loads(read().tobytes())
    ids = read()
    marks = None if header["state"] is None else Marks(str(header["state"]), read())
    labels = read() if header["labels"] else None
    logits = read() if header["logits"] else None
    features = tuple(read() for _ in range(header["layers"]))
    skipped = tuple(Skipped(int(id_), str(reason)) for id_, reason in header["skipped"])
    return Stored(Rows(ids, features, labels, logits, skipped), marks)


def has_ids(rows: Rows, ids: Sequence[int]) -> bool:
    """Whether the rows and their skipped samples have exactly these ids."""
    found = np.concatenate([rows.ids, np.array([entry.id for entry in rows.skipped], np.int64)])
    return np.array_equal(np.sort(found), np.asarray(ids, dtype=np.int64))
