"""What a shared page knows of its samples, as plain data: arrays in base64, names as text."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis.finders import FINDERS, FOUND
from tsne_widget.analysis.scores import SCORES, cheap_scores
from tsne_widget.feature_set import FeatureSet
from tsne_widget.plotting import UNKNOWN_COLOR
from tsne_widget.widgets.models.appearance import (
    RAMP_COLORS,
    RIGHT_COLOR,
    WRONG_COLOR,
    titles,
)
from tsne_widget.widgets.state.named_selections import COLORS

FORMAT = 1
# Classes of which the close look at a sample shows the probability.
TOP_CLASSES = 5


def shared_record(
    record: FeatureSet,
    rows: NDArray[np.int64],
    embedding: NDArray[np.float32],
    *,
    colors: Sequence[str],
    scores: Mapping[str, NDArray[Any]],
    selections: Mapping[str, NDArray[np.int64]],
    selection_colors: Mapping[str, str],
    whole_paths: bool,
) -> dict[str, Any]:
    """Plain data of these rows of a record; features and pictures are not in it.

    Parameters
    ----------
    record : FeatureSet
        Of n samples.
    rows : (m,) int64 array, ascending
        The samples that are shared: row i of the page is the i-th of them.
    embedding : (n, 2) float32 array
    colors : sequence of c str
        "#rrggbb" of each class.
    scores : mapping of name to (n,) array of numbers
        Scores besides the cheap ones.
    selections : mapping of name to (k,) int64 rows
    selection_colors : mapping of name to "#rrggbb"
    whole_paths : bool
        Paths as they are, in place of the files' names.
    """
    place = np.full(len(record), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    ids = record.ids[rows]
    logits = None if record.logits is None else record.logits[rows]
    known = cheap_scores(record, rows)
    known |= {name: np.asarray(column)[rows] for name, column in scores.items()}
    return {
        "format": FORMAT,
        "n": len(rows),
        "names": list(record.class_names),
        "colors": list(colors),
        "unknown_color": UNKNOWN_COLOR,
        "right_and_wrong": [RIGHT_COLOR, WRONG_COLOR],
        "ramp": list(RAMP_COLORS),
        "titles": titles(),
        "x": packed(embedding[rows, 0].astype(np.float32)),
        "y": packed(embedding[rows, 1].astype(np.float32)),
        "ids": packed(ids.astype(np.int32 if ids.max() < 2**31 else np.int64)),
        "labels": _codes(record.labels, rows),
        "predictions": _codes(record.predictions, rows),
        "paths": None
        if record.paths is None
        else [record.paths[row] if whole_paths else file_name(record.paths[row]) for row in rows],
        "scores": [
            {
                "name": name,
                "values": packed(column.astype(np.float32)),
                "highest_first": name in SCORES and SCORES[name].highest_first,
                "format": SCORES[name].format if name in SCORES else "number",
            }
            for name, column in known.items()
        ],
        "top": None if logits is None else _top(logits),
        "lenses": _lenses(record, known),
        "selections": [
            {"name": name, "color": selection_colors[name], "rows": packed(places(place, chosen))}
            for name, chosen in selections.items()
        ],
        "selection_colors": list(COLORS),
    }


def packed(array: NDArray[Any]) -> dict[str, str]:
    """An array of one dimension after the other, little-endian, as the page unpacks it."""
    plain = np.ascontiguousarray(array)
    data = plain.astype(plain.dtype.newbyteorder("<"), copy=False).tobytes()
    return {"dtype": plain.dtype.name, "data": base64.b64encode(data).decode("ascii")}


def places(place: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Rows of the page, ascending, of those of these rows that are in it."""
    found = place[rows]
    return np.sort(found[found >= 0]).astype(np.uint32)


def file_name(path: str) -> str:
    """A path's last part, whichever system wrote it."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def _codes(codes: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> dict[str, str] | None:
    if codes is None:
        return None
    few = codes.size == 0 or codes.max() < 2**15
    return packed(codes[rows].astype(np.int16 if few else np.int32))


def _top(logits: NDArray[np.float32]) -> dict[str, Any]:
    """The most probable classes of each sample, and their probabilities."""
    k = min(TOP_CLASSES, logits.shape[1])
    codes = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    with np.errstate(under="ignore"):
        shares = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return {
        "k": k,
        "codes": packed(codes.astype(np.uint16 if logits.shape[1] <= 2**16 else np.uint32)),
        "shares": packed(np.take_along_axis(shares, codes, axis=1).astype(np.float32)),
    }


def _lenses(record: FeatureSet, scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The finders that the page can answer: those that read no features."""
    judged = record.labels is not None and record.predictions is not None
    return [
        {
            "name": finder.name,
            "title": finder.title,
            "meaning": finder.meaning,
            "score": finder.score,
            "highest": finder.highest_first,
            "only_wrong": finder.only_misclassified,
            "limit": FOUND,
        }
        for finder in FINDERS
        if finder.matches is None
        and (judged or not finder.only_misclassified)
        and (not finder.score or finder.score in scores)
    ]
