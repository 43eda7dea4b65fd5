"""The score columns of a frame."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

from tsne_widget.analysis import Scores

# Scores that a frame computes by default: they take milliseconds.
CHEAP_SCORES = ("confidence", "margin", "entropy", "loss")


def frame_scores(scores: Scores, wanted: bool | Literal["all"]) -> dict[str, NDArray[Any] | None]:
    """The values of each score column by name, None where they are not computed."""
    columns: dict[str, NDArray[Any] | None] = {}
    for name in scores.names:
        if name in scores.columns or (not wanted and name not in ("confidence", "margin")):
            continue
        wants = wanted == "all" or name in CHEAP_SCORES or scores.is_ready(name)
        columns[name] = scores[name] if wants and not scores.lacks(name) else None
    return columns
