"""Groups of mistakes as the panel shows them: words, places on a small map, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis import MistakeGroup
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.known_groups import MAX_GROUPS, KnownGroups

# Pictures of a group, points of the small map, and points of a group on it.
MAX_PICTURES = 8
MAX_PLACES = 1_500
MAX_SPOTS = 200


def cards(known: KnownGroups, record: FeatureSet, colors: Sequence[str]) -> list[dict[str, Any]]:
    """What the page shows of each group.

    Parameters
    ----------
    known : KnownGroups
    record : FeatureSet
    colors : sequence of str
        "#rrggbb" of each class.
    """
    pairs = zip(known.found.groups[:MAX_GROUPS], known.captions, strict=False)
    return [_card(group, caption, record, colors) for group, caption in pairs]


def _card(
    group: MistakeGroup, caption: str, record: FeatureSet, colors: Sequence[str]
) -> dict[str, Any]:
    label, prediction = group.pairs[0]
    names = [printable(name) for name in record.class_names]
    others = [
        names[guess] if code == label else f"{names[code]} → {names[guess]}"
        for code, guess in group.pairs[1:]
    ]
    held, tested = group.held_out
    also = f"or {' or '.join(others)}" if others else ""
    if 2 * group.named < group.mistakes:
        also = f"{also} and others".strip()
    return {
        "title": f"{names[label]} → {names[prediction]}",
        "others": also,
        "color": colors[label],
        "prediction_color": colors[prediction],
        "wrong": f"{group.mistakes:,} of {len(group.rows):,} wrong",
        "times": f"{group.ratio:.1f}× the rest" if np.isfinite(group.ratio) else "none elsewhere",
        "held": f"{held:,} of {tested:,}",
        "caption": printable(caption),
    }


def typical(known: KnownGroups) -> list[NDArray[np.int64]]:
    """The rows whose pictures each group shows."""
    return [group.rows[:MAX_PICTURES] for group in known.found.groups[:MAX_GROUPS]]


def places(embedding: NDArray[np.float32] | None) -> bytes:
    """(m, 2) uint8 places of some points on a small map, y down; b"" without a map."""
    if embedding is None:
        return b""
    step = max(1, -(-len(embedding) // MAX_PLACES))
    return _on_small_map(embedding, np.arange(0, len(embedding), step)).tobytes()


def spots(known: KnownGroups, embedding: NDArray[np.float32] | None) -> list[list[int]]:
    """Places of each group's points on the small map: x and y in turn; [] without a map."""
    groups = known.found.groups[:MAX_GROUPS]
    if embedding is None:
        return [[] for _ in groups]
    return [_on_small_map(embedding, group.rows[:MAX_SPOTS]).ravel().tolist() for group in groups]


def _on_small_map(embedding: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    low, high = embedding.min(axis=0), embedding.max(axis=0)
    span = float((high - low).max()) or 1.0
    centred = (embedding[rows] - (low + high) / 2) / span
    centred[:, 1] *= -1
    return np.asarray(np.clip(np.round(127.5 + 255 * centred), 0, 255).astype(np.uint8))
