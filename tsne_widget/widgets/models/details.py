"""The details of one sample: its values, probabilities and nearest neighbours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis.scores import SCORES, cheap_scores

if TYPE_CHECKING:
    from tsne_widget.widgets.state.explorer_state import ExplorerState

# Number of classes whose probability is displayed.
TOP_CLASSES = 5
# Neighbours in feature space in the strip of a sample's details.
NEIGHBORS = 12
# Characters of a displayed path, from its end.
MAX_PATH = 160


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
    """Names and values of a row that need no slow computation."""
    record = state.feature_set
    found = [("id", str(record.ids[row]))]
    if record.ids[row] != row:
        found.append(("row", str(row)))
    if record.paths is not None:
        found.append(("path", _path(record.paths[row])))
    for word, codes in (("label", record.labels), ("prediction", record.predictions)):
        if codes is not None:
            found.append((word, class_name(state, int(codes[row]))))
    values: dict[str, Any] = {
        name: column[0] for name, column in cheap_scores(record, [row]).items()
    }
    values |= {name: column[row] for name, column in state.scores.ready().items()}
    names = {name: printable(name.replace("_", " ")) for name in values}
    return found + [(names[name], _value(name, value)) for name, value in values.items()]


def probabilities(state: ExplorerState, row: int) -> list[dict[str, Any]]:
    """The most probable classes of a row, and its label."""
    record = state.feature_set
    if record.logits is None:
        return []
    shares = class_shares(record.logits[row : row + 1])[0]
    top = top_classes(shares[np.newaxis])[0].tolist()
    label = -1 if record.labels is None else int(record.labels[row])
    if label >= 0 and label not in top:
        top.append(label)
    return [
        {"name": class_name(state, code), "share": float(shares[code]), "is_label": code == label}
        for code in top
    ]


def class_shares(logits: NDArray[Any]) -> NDArray[np.float32]:
    """(m, c) float32 probabilities of the classes for (m, c) logits."""
    values = np.asarray(logits, dtype=np.float64)
    with np.errstate(under="ignore"):
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


def differing(state: ExplorerState, near: Neighborhood) -> str:
    """A sentence on how many neighbours have a different class."""
    what = {"label": "label", "prediction": "prediction"}.get(state.colored_by, "")
    count, k = int(near.differs.sum()), len(near.rows)
    if not k:
        return "There is no other sample"
    if not what:
        return f"The {k} nearest samples"
    if count == k > 1:
        return f"All {k} nearest neighbours have a different {what}"
    has = "have" if count > 1 else "has"
    return f"{count or 'None'} of the {k} nearest neighbours {has} a different {what}"


def class_name(state: ExplorerState, code: int) -> str:
    """Printable name of a class; "unknown" for −1."""
    return printable(state.feature_set.class_names[code]) if code >= 0 else "unknown"


def _path(path: str) -> str:
    text = os.fspath(path)
    return printable(text if len(text) <= MAX_PATH else "…" + text[1 - MAX_PATH :], MAX_PATH)


def _value(name: str, value: Any) -> str:
    if name in SCORES:
        return SCORES[name].text(float(value))
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return "unknown" if np.isnan(value) else f"{value:.4g}"
    return printable(value)
