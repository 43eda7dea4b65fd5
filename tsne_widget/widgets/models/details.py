"""The details of one sample: its values, probabilities and nearest neighbours."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._probabilities import Activation
from tsne_widget._text import printable
from tsne_widget.analysis.scores import PICTURE_SCORES, SCORES, cheap_scores

if TYPE_CHECKING:
    from tsne_widget.widgets.state.explorer_state import ExplorerState

# Number of classes whose probability is displayed.
TOP_CLASSES = 5
# Neighbours in feature space in the close look at a sample.
NEIGHBORS = 12
# Characters of a path, from its end.
MAX_PATH = 2000


class Neighborhood(NamedTuple):
    """The samples nearest to one in feature space, nearest first.

    Attributes
    ----------
    rows : (k,) int64 array
    distances : (k,) float32 array
    differs : (k,) bool array
        Both classes are known, and they differ.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]
    differs: NDArray[np.bool_]


def details(state: ExplorerState, row: int) -> list[tuple[str, str]]:
    """Names and values of a row that need no slow computation, without id, label and prediction."""
    record = state.feature_set
    found = [] if record.ids[row] == row else [("row", str(row))]
    values: dict[str, Any] = {
        name: column[0] for name, column in cheap_scores(record, [row]).items()
    }
    values |= {name: column[row] for name, column in state.scores.ready().items()}
    # Most pictures have no JPEG quality and are in no group.
    values = {k: v for k, v in values.items() if k not in PICTURE_SCORES or not np.isnan(v)}
    names = {name: printable(name.replace("_", " ")) for name in values}
    return found + [(names[name], _value(name, value)) for name, value in values.items()]


def path_of(state: ExplorerState, row: int) -> str:
    """The printable path of a row's file; "" for none."""
    paths = state.feature_set.paths
    if paths is None:
        return ""
    text = os.fspath(paths[row])
    return printable(text if len(text) <= MAX_PATH else "…" + text[1 - MAX_PATH :], MAX_PATH)


def probabilities(state: ExplorerState, row: int, colors: Sequence[str]) -> list[dict[str, Any]]:
    """The most probable classes of a row, and its label, with the class colours."""
    record = state.feature_set
    if record.logits is None:
        return []
    shares = class_shares(record.logits[row : row + 1], record.activation)[0]
    top = top_classes(shares[np.newaxis])[0].tolist()
    label = -1 if record.labels is None else int(record.labels[row])
    if label >= 0 and label not in top:
        top.append(label)
    return [
        {
            "name": class_name(state, code),
            "share": float(shares[code]),
            "is_label": code == label,
            "color": colors[code],
        }
        for code in top
    ]


def class_shares(logits: NDArray[Any], activation: Activation) -> NDArray[np.float32]:
    """(m, c) float32 probabilities of the classes for (m, c) logits."""
    values = np.asarray(logits, dtype=np.float64)
    with np.errstate(under="ignore", over="ignore"):
        if activation == "sigmoid":
            return np.asarray(1 / (1 + np.exp(-values)), dtype=np.float32)
        shares = np.exp(values - values.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(shares, dtype=np.float32)


def top_classes(shares: NDArray[np.float32]) -> NDArray[np.int64]:
    """(m, k) codes of the k most probable classes for (m, c) probabilities, at most 5."""
    return np.argsort(-shares, axis=1, kind="stable")[:, :TOP_CLASSES]


def neighborhood(state: ExplorerState, row: int) -> Neighborhood:
    """The nearest samples in feature space; O(n d)."""
    k = min(NEIGHBORS, len(state.codes) - 1)
    if k < 1:
        none = np.empty(0, dtype=np.int64)
        return Neighborhood(none, none.astype(np.float32), none.astype(bool))
    rows, distances = state.scores.index.nearest_to(row, k)
    known = (state.codes[rows] < state.known) & (state.codes[row] < state.known)
    return Neighborhood(rows, distances, known & (state.codes[rows] != state.codes[row]))


def likeness(state: ExplorerState, row: int, near: Neighborhood) -> str:
    """A sentence on how many neighbours have the row's class; "" if it has none."""
    code, k = int(state.codes[row]), len(near.rows)
    if not k:
        return "There is no other picture."
    if not state.colored_by or code >= state.known:
        return ""
    word = {"label": "labelled", "prediction": "predicted"}[state.colored_by]
    same = int((state.codes[near.rows] == code).sum())
    return (
        f"{same or 'None'} of {k} {'are' if same > 1 else 'is'} {word} {class_name(state, code)}."
    )


def class_name(state: ExplorerState, code: int) -> str:
    """Printable name of a class; "unknown" for −1."""
    return printable(state.feature_set.class_names[code]) if code >= 0 else "unknown"


def value_text(value: Any) -> str:
    """A value of a column, or of a score without a format, as text."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return "unknown" if np.isnan(value) else f"{value:.4g}"
    return printable(value)


def _value(name: str, value: Any) -> str:
    return SCORES[name].text(float(value)) if name in SCORES else value_text(value)
