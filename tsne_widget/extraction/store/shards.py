"""Rows as the bytes of one file: several arrays, one after another. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsne_widget.extraction.store.rows import Rows
from tsne_widget.feature_set import Skipped


def shard_name(position: int) -> str:
    return f"shard-{position:010d}.npy"


def packed(rows: Rows) -> bytes:
    """The rows as arrays one after another, the first of them a JSON text that says which."""
    header = {
        "layers": len(rows.features),
        "labels": rows.labels is not None,
        "logits": rows.logits is not None,
        "skipped": rows.skipped,
    }
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    file = io.BytesIO()
    for array in (text, rows.ids, rows.labels, rows.logits, *rows.features):
        if array is not None:
            np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def entry(rows: Rows, content: bytes, policy: str) -> dict[str, Any]:
    """What the manifest says of rows and their packed content."""
    return {
        "samples": rows.samples,
        "skipped": len(rows.skipped),
        "policy": policy,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def unpacked(content: bytes) -> Rows:
    file = io.BytesIO(content)

    def take() -> Any:
        return np.lib.format.read_array(file, allow_pickle=False)

    header = json.loads(take().tobytes())
    ids = take()
    labels = take() if header["labels"] else None
    logits = take() if header["logits"] else None
    features = tuple(take() for _ in range(header["layers"]))
    skipped = tuple(Skipped(int(id_), str(reason)) for id_, reason in header["skipped"])
    return Rows(ids, features, labels, logits, skipped)


def accounts_for(rows: Rows, ids: Sequence[int]) -> bool:
    found = np.concatenate([rows.ids, np.array([entry.id for entry in rows.skipped], np.int64)])
    return np.array_equal(np.sort(found), np.asarray(ids, dtype=np.int64))
