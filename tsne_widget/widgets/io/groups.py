"""The groups of mistakes of an exploration on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis import MistakeGroup, MistakeGroups
from tsne_widget.widgets.state.known_groups import KnownGroups


def written_groups(known: KnownGroups | None) -> tuple[dict[str, Any] | None, NDArray[np.int64]]:
    """Plain data of the groups, and their rows one after the other."""
    rows = np.empty(0, dtype=np.int64)
    if known is None:
        return None, rows
    groups = [
        {
            "count": len(group.rows),
            "mistakes": group.mistakes,
            "rest_error_rate": group.rest_error_rate,
            "pairs": group.pairs,
            "named": group.named,
            "p_value": group.p_value,
            "held_out": group.held_out,
            "caption": caption,
        }
        for group, caption in zip(known.found.groups, known.captions, strict=True)
    ]
    plain = {"not_held": known.found.not_held, "groups": groups}
    return plain, np.concatenate([rows, *(group.rows for group in known.found.groups)])


def read_groups(
    plain: dict[str, Any] | None, rows: NDArray[Any], n: int, c: int
) -> KnownGroups | None:
    """The groups that :func:`written_groups` wrote for n samples of c classes.

    Raises
    ------
    ValueError
        If a value does not fit.
    """
    if plain is None:
        return None
    counts = [int(one["count"]) for one in plain["groups"]]
    if min(counts, default=1) < 1 or sum(counts) != len(rows):
        raise ValueError(f"groups of {counts} rows do not fit {len(rows)} rows")
    if len(rows) and not (rows.dtype.kind in "iu" and rows.min() >= 0 and rows.max() < n):
        raise ValueError(f"rows of groups are not 0 … {n - 1}")
    parts = np.split(rows.astype(np.int64), np.cumsum(counts)[:-1]) if counts else []
    groups = tuple(_group(one, part, c) for one, part in zip(plain["groups"], parts, strict=True))
    captions = tuple(str(one["caption"]) for one in plain["groups"])
    return KnownGroups(MistakeGroups(groups, int(plain["not_held"])), captions)


def _group(one: dict[str, Any], rows: NDArray[np.int64], c: int) -> MistakeGroup:
    pairs = tuple((int(label), int(guess)) for label, guess in one["pairs"])
    if not pairs or not all(0 <= code < c for pair in pairs for code in pair):
        raise ValueError(f"pairs {pairs!r} of a group are not classes 0 … {c - 1}")
    held, tested = map(int, one["held_out"])
    rest, p = float(one["rest_error_rate"]), float(one["p_value"])
    return MistakeGroup(
        rows, int(one["mistakes"]), rest, pairs, int(one["named"]), p, (held, tested)
    )
