"""The text that shows a FeatureSet."""

from __future__ import annotations

from typing import Any

_OPTIONAL = ("labels", "predictions", "logits", "paths", "images")


def record_text(record: Any) -> str:
    """The repr of a FeatureSet: its size and fields in one line, then each note in its own."""
    parts = [
        f"n={len(record)}",
        f"d={record.features.shape[1]}",
        f"classes={len(record.class_names)}",
        *(name for name in _OPTIONAL if getattr(record, name) is not None),
        f"ids {record.ids.min()}…{record.ids.max()}",
        *([f"layer={record.layer!r}"] if record.layer else []),
        *([f"{len(record.skipped)} skipped"] if record.skipped else []),
    ]
    return "\n".join([f"FeatureSet({', '.join(parts)})", *(f"  {note}" for note in record.notes)])
