"""The samples of an exported page as plain data: arrays in base64, names as text."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import file_name
from tsne_widget._validation import row_blocks
from tsne_widget.analysis.scores import SCORES, cheap_scores
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.models.calibration import calibrated_of
from tsne_widget.widgets.models.confusion import class_units, doubt_of, group_units
from tsne_widget.widgets.models.details import TOP_CLASSES, class_shares, top_classes
from tsne_widget.widgets.models.window import drawing_order

# Rows whose probabilities are computed at a time: the logits are never copied whole.
_BLOCK = 16_384


class NamedRows(NamedTuple):
    """A named selection."""

    name: str
    color: str
    """ "#rrggbb"."""
    slot: int
    """Number of the colour, see :func:`assigned_slots`."""
    rows: NDArray[np.int64]
    """(k,) rows of the feature set."""


def shared_record(
    record: FeatureSet,
    rows: NDArray[np.int64],
    embedding: NDArray[np.float32],
    *,
    colors: Sequence[str],
    scores: Mapping[str, NDArray[Any]],
    selections: Sequence[NamedRows],
    class_groups: Mapping[str, Sequence[int]],
    whole_paths: bool,
) -> dict[str, Any]:
    """Plain data of some rows of a feature set, without features and pictures.

    Parameters
    ----------
    record : FeatureSet
        Has n samples and c classes.
    rows : (m,) int64 array
        The exported rows, ascending. Row i of the page is ``rows[i]``.
    embedding : (n, 2) float32 array
    colors : sequence of c str
        "#rrggbb" of each class.
    scores : mapping of name to (n,) array of numbers
        Scores besides the cheap ones.
    selections : sequence of NamedRows
    class_groups : mapping of name to codes
    whole_paths : bool
        Whether to export whole paths instead of file names.

    Returns
    -------
    dict
        For ``page/record.js``, which documents the fields.
    """
    place = places_of(rows, len(record))
    known = cheap_scores(record, rows)
    known |= {name: np.asarray(column)[rows] for name, column in scores.items()}
    ids = record.ids[rows]
    return {
        "n": len(rows),
        "names": list(record.class_names),
        "colors": list(colors),
        "x": packed(embedding[rows, 0].astype(np.float32)),
        "y": packed(embedding[rows, 1].astype(np.float32)),
        "order": packed(_drawing_order(record, rows)),
        "ids": packed(ids.astype(np.int32 if ids.max() < 2**31 else np.int64)),
        "labels": _codes(record.labels, rows),
        "predictions": _codes(record.predictions, rows),
        "paths": _paths(record, rows, whole_paths=whole_paths),
        "scores": [
            {**_score_entry(name), "values": packed(column.astype(np.float32))}
            for name, column in known.items()
        ],
        "probabilities": _probabilities(record, rows),
        "confusion": {
            "classes": class_units(record, rows)._asdict(),
            "groups": group_units(record, class_groups, rows)._asdict(),
            "doubt": doubt_of(record, rows),
        },
        "calibration": _calibration(record, rows),
        "selections": [
            {
                "name": one.name,
                "color": one.color,
                "slot": one.slot,
                "rows": packed(on_page(place, one.rows)),
            }
            for one in selections
        ],
    }


def _calibration(record: FeatureSet, rows: NDArray[np.int64]) -> dict[str, Any] | None:
    """The temperature that is fitted to all rows, and the confidence of some rows after it."""
    found = calibrated_of(record)
    if found is None:
        return None
    return {"temperature": found.temperature, "confidence": packed(found.confidence[rows])}


def _score_entry(name: str) -> dict[str, Any]:
    """Name, title, order and format of a score; a score that is not in the table has no title."""
    score = SCORES.get(name)
    return {
        "name": name,
        "title": None if score is None else score.title,
        "highest_first": score is not None and score.highest_first,
        "format": "number" if score is None else score.format,
    }


def packed(array: NDArray[Any]) -> dict[str, str]:
    """A C-ordered array as little-endian bytes in base64, with its dtype."""
    plain = np.ascontiguousarray(array)
    data = plain.astype(plain.dtype.newbyteorder("<"), copy=False).tobytes()
    return {"dtype": plain.dtype.name, "data": base64.b64encode(data).decode("ascii")}


def places_of(rows: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) int64 row of the page for each row of the feature set, −1 for rows that are left out."""
    place = np.full(n, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return place


def on_page(place: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Rows of the page, ascending, for rows of the feature set; those left out are skipped."""
    found = place[rows]
    return np.sort(found[found >= 0]).astype(np.uint32)


def _drawing_order(record: FeatureSet, rows: NDArray[np.int64]) -> NDArray[Any]:
    """(m,) rows of the page in the order in which the widget draws them."""
    classes = record.predictions if record.labels is None else record.labels
    codes = np.zeros(len(rows), dtype=np.int64) if classes is None else classes[rows]
    codes = np.where(codes < 0, len(record.class_names), codes)
    order = drawing_order(codes, record.misclassified[rows])
    return order.astype(np.uint16 if len(rows) <= 2**16 else np.uint32)


def _codes(codes: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> dict[str, str] | None:
    if codes is None:
        return None
    few = codes.size == 0 or codes.max() < 2**15
    return packed(codes[rows].astype(np.int16 if few else np.int32))


def _paths(record: FeatureSet, rows: NDArray[np.int64], *, whole_paths: bool) -> list[str] | None:
    if record.paths is None:
        return None
    paths = [record.paths[row] for row in rows]
    return paths if whole_paths else [file_name(path) for path in paths]


def _probabilities(record: FeatureSet, rows: NDArray[np.int64]) -> dict[str, Any] | None:
    """The most probable classes of each row, their probabilities, and that of the label."""
    if record.logits is None:
        return None
    k = min(TOP_CLASSES, record.logits.shape[1])
    codes = np.empty((len(rows), k), dtype=np.uint32)
    shares = np.empty((len(rows), k), dtype=np.float32)
    own = np.zeros(len(rows), dtype=np.float32)
    for block in row_blocks(len(rows), _BLOCK):
        every = class_shares(record.logits[rows[block]], record.activation)
        codes[block] = top_classes(every)
        shares[block] = np.take_along_axis(every, codes[block], axis=1)
        if record.labels is not None:
            labels = record.labels[rows[block]]
            own[block] = np.where(labels < 0, 0, every[np.arange(len(every)), labels])
    narrow = np.uint16 if record.logits.shape[1] <= 2**16 else np.uint32
    return {
        "k": k,
        "codes": packed(codes.astype(narrow)),
        "shares": packed(shares),
        "label_shares": packed(own),
    }
