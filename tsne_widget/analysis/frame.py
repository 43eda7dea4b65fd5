"""Samples as a pandas DataFrame: one row each, columns in one order, dtypes that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.certainty import confidence, margin
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Python's storage, whether pyarrow is installed or not: pyarrow refuses names of undecodable files.
_TEXT = pd.StringDtype("python")


def sample_frame(
    feature_set: FeatureSet,
    rows: ArrayLike,
    embedding: ArrayLike | None = None,
    selection_names: Sequence[str | None] | Mapping[str, ArrayLike] | None = None,
    features: bool = False,
    *,
    scores: Mapping[str, ArrayLike] | None = None,
) -> pd.DataFrame:
    """What is known of the samples in ``rows``, as a DataFrame.

    Parameters
    ----------
    feature_set : FeatureSet
        Of n samples.
    rows : (m,) array of int, or (n,) array of bool
        Rows 0 … n − 1 of the feature set, in the order of the frame.
    embedding : (n, 2) array of float, optional
        Coordinates in the map.
    selection_names : sequence of n str or None, or mapping of name to rows, optional
        The named selection each sample of the feature set is in; several are joined by ", ".
    features : bool
        Whether to append the features as columns f0 … f{d − 1}.
    scores : mapping of name to (n,) array of numbers, optional
        Columns to put after the others and before the features, in this order.

    Returns
    -------
    pandas.DataFrame
        Index "row" (int64) and the columns

        ======================  ==========  ===============================================
        id                      int64       index in the user's dataset
        path                    string      source file
        label, prediction       Int64       class codes
        …_name                  string      their class names
        confidence, margin      float32     see :func:`confidence`, :func:`margin`
        misclassified           boolean     the prediction differs from the label
        x, y                    float32     coordinates in the map
        selection               string      name of the selection
        scores                  …           float32, boolean, or Int64 with NA for negative ones
        f0 …                    float32     with ``features=True``
        ======================  ==========  ===============================================

        in the order id, path, label, label_name, prediction, prediction_name, confidence, margin,
        misclassified, x, y, selection, then scores. What is unknown is NA (NaN in float32).

    Raises
    ------
    InvalidInputError
        If rows are out of range, an array does not belong to the feature set, or a score has the
        name of another column.

    Examples
    --------
    >>> import numpy as np
    >>> record = FeatureSet.from_arrays(np.eye(3), ["cat", "dog", "cat"], predictions=[0, 0, 0])
    >>> sample_frame(record, [1]).loc[1, ["label_name", "prediction_name"]].tolist()
    ['dog', 'cat']
    """
    n = len(feature_set)
    chosen = _as_rows(rows, n)
    names = pd.array([*feature_set.class_names, None], dtype=_TEXT)  # code −1 takes the last: NA
    labels = _taken(feature_set.labels, chosen)
    predictions = _taken(feature_set.predictions, chosen)
    known = (labels >= 0) & (predictions >= 0)
    logits = None if feature_set.logits is None else feature_set.logits[chosen]
    nothing = np.full(len(chosen), np.nan, dtype=np.float32)
    xy = _as_embedding(embedding, n)
    frame: pd.DataFrame = pd.DataFrame(
        {
            "id": feature_set.ids[chosen],
            "path": _as_text(feature_set.paths, chosen),
            "label": _as_nullable(labels),
            "label_name": names.take(labels),
            "prediction": _as_nullable(predictions),
            "prediction_name": names.take(predictions),
            "confidence": nothing if logits is None else confidence(logits),
            "margin": nothing if logits is None else margin(logits),
            "misclassified": pd.arrays.BooleanArray(labels != predictions, ~known),
            "x": nothing if xy is None else xy[chosen, 0],
            "y": nothing if xy is None else xy[chosen, 1],
            "selection": _as_text(_names_of_rows(selection_names, n), chosen),
        },
        index=pd.Index(chosen, name="row"),
    )
    columns = [f"f{number}" for number in range(feature_set.features.shape[1])] if features else []
    for name, values in (scores or {}).items():
        if name in frame or name in columns:
            raise InvalidInputError(f"scores cannot be called {name!r}: there is such a column")
        frame[name] = _as_score(name, values, n, chosen)
    if not features:
        return frame
    block = pd.DataFrame(feature_set.features[chosen], index=frame.index, columns=columns)
    whole: pd.DataFrame = pd.concat([frame, block], axis=1)
    return whole


def _as_rows(rows: ArrayLike, n: int) -> NDArray[np.int64]:
    values = np.asarray(rows)
    if values.ndim != 1:
        raise InvalidInputError(f"rows must have shape (m,), got {values.shape}")
    if values.dtype.kind == "b":
        if len(values) != n:
            raise InvalidInputError(f"rows as a mask must have {n} entries, got {len(values)}")
        return np.flatnonzero(values)
    if not values.size:
        return np.empty(0, dtype=np.int64)
    if values.dtype.kind not in "iu":
        raise InvalidInputError(f"rows must be integers or a mask, got dtype {values.dtype}")
    if values.min() < 0 or values.max() >= n:
        raise InvalidInputError(
            f"rows must be 0 … {n - 1}, got {values.min()} … {values.max()}; "
            "rows are not ids: find them by feature_set.ids"
        )
    return values.astype(np.int64)


def _taken(codes: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.full(len(rows), -1) if codes is None else codes[rows]


def _as_nullable(codes: NDArray[np.int64]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(codes, codes < 0)


def _as_text(texts: Any, rows: NDArray[np.int64]) -> Any:
    if texts is None:
        return pd.array([None], dtype=_TEXT).take(np.zeros(len(rows), dtype=np.int64))
    chosen = np.asarray(texts, dtype=object)[rows]
    return pd.array(chosen, dtype=_TEXT)


def _as_score(name: str, values: ArrayLike, n: int, rows: NDArray[np.int64]) -> Any:
    score = np.asarray(values)
    if score.shape != (n,) or score.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"scores[{name!r}] must be an array of numbers of shape ({n},), one per sample, "
            f"got shape {score.shape} and dtype {score.dtype}"
        )
    chosen = score[rows]
    if score.dtype.kind == "b":
        return pd.array(chosen, dtype="boolean")
    if score.dtype.kind in "iu":
        return _as_nullable(chosen.astype(np.int64))
    return chosen.astype(np.float32)


def _names_of_rows(names: Any, n: int) -> Any:
    """One name or None for each of the n rows, or None where there are no names at all."""
    if names is None or not isinstance(names, Mapping):
        if names is not None and len(names) != n:
            raise InvalidInputError(
                f"selection_names must have one entry per row of the feature set, {n}, "
                f"got {len(names)}"
            )
        return names
    joined = np.full(n, None, dtype=object)
    for name, rows in names.items():
        members = _as_rows(rows, n)
        joined[members] = [
            name if before is None else f"{before}, {name}" for before in joined[members]
        ]
    return joined


def _as_embedding(embedding: ArrayLike | None, n: int) -> NDArray[np.float32] | None:
    if embedding is None:
        return None
    xy = np.asarray(embedding)
    if xy.shape != (n, 2) or xy.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"embedding must be an array of numbers of shape ({n}, 2), one row per sample, "
            f"got {xy.shape}"
        )
    return xy.astype(np.float32, copy=False)
