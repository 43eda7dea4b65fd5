"""Samples as a pandas DataFrame: one row each, columns in one order, dtypes that never change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_rows
from tsne_widget.analysis.certainty import confidence, margin
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Python's storage, whether pyarrow is installed or not: pyarrow refuses names of undecodable files.
_TEXT = pd.StringDtype("python")
_BLOCK = 16_384  # rows at a time


def sample_frame(
    feature_set: FeatureSet,
    rows: ArrayLike,
    embedding: ArrayLike | None = None,
    selections: Mapping[str, ArrayLike] | None = None,
    features: bool = False,
    *,
    scores: Mapping[str, ArrayLike | None] | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
) -> pd.DataFrame:
    """What is known of the samples in ``rows``, as a DataFrame indexed by their ids.

    Parameters
    ----------
    feature_set : FeatureSet
        Of n samples.
    rows : (m,) array of int, or (n,) array of bool
        Rows 0 … n − 1 of the feature set, in the order of the frame.
    embedding : (n, 2) array of float, optional
        Coordinates in the map.
    selections : mapping of name to rows, optional
        Named selections; a sample that is in several has their names, joined by ", ".
    features : bool
        Whether to append the features as columns f0 … f{d − 1}.
    scores : mapping of name to (n,) array of numbers or None, optional
        Columns to put after the others, in this order; None is a column of NaN. "confidence" and
        "margin" are taken from here where given.
    columns : mapping of name to (n,) array, optional
        The user's own, to put after the scores; numbers, truth values, text or anything else.

    Returns
    -------
    pandas.DataFrame
        Index "id" (int64), the index in the user's dataset, and the columns

        | column | dtype | what it is |
        |---|---|---|
        | path | string | source file |
        | label, prediction | Int64 | class codes |
        | …_name | string | their class names |
        | confidence, margin | float32 | see :func:`confidence`, :func:`margin` |
        | misclassified | boolean | the prediction differs from the label |
        | x, y | float32 | coordinates in the map |
        | selection | string | names of the selections |
        | scores | float32, boolean, Int64 | Int64 with NA for negative ones |
        | columns | boolean, Int64, string | or as they were given |
        | f0 … | float32 | with ``features=True`` |

        in the order path, label, label_name, prediction, prediction_name, confidence, margin,
        misclassified, x, y, selection, then scores, columns and features. What is unknown is NA
        (NaN in float32). The dtypes do not depend on the rows. Time O(n + m c), memory O(n + m),
        with features O(m d) more.

    Raises
    ------
    InvalidInputError
        If rows are out of range, an array does not belong to the feature set, or a score or column
        has the name of another column.

    Examples
    --------
    >>> import numpy as np
    >>> record = FeatureSet.from_arrays(np.eye(3), ["cat", "dog", "cat"], predictions=[0, 0, 0])
    >>> sample_frame(record, [1]).loc[1, ["label_name", "prediction_name"]].tolist()
    ['dog', 'cat']
    """
    n = len(feature_set)
    chosen = as_rows("rows", rows, n)
    scores = dict(scores or {})
    names = pd.array([*feature_set.class_names, None], dtype=_TEXT)  # code −1 takes the last: NA
    labels = _taken(feature_set.labels, chosen)
    predictions = _taken(feature_set.predictions, chosen)
    known = (labels >= 0) & (predictions >= 0)
    xy = _as_embedding(embedding, n)
    known_columns: dict[str, Any] = {
        "path": _as_text(feature_set.paths, chosen),
        "label": _as_nullable(labels),
        "label_name": names.take(labels),
        "prediction": _as_nullable(predictions),
        "prediction_name": names.take(predictions),
        **{
            name: _as_score(name, scores.pop(name), n, chosen)
            if name in scores
            else _of_logits(measure, feature_set.logits, chosen)
            for name, measure in (("confidence", confidence), ("margin", margin))
        },
        "misclassified": pd.arrays.BooleanArray(labels != predictions, ~known),
        "x": _nothing(chosen) if xy is None else xy[chosen, 0],
        "y": _nothing(chosen) if xy is None else xy[chosen, 1],
        "selection": _names_of_rows(selections or {}, n, chosen),
    }
    taken = {"id", *known_columns}
    if features:
        taken.update(f"f{number}" for number in range(feature_set.features.shape[1]))
    for kind, given, convert in (("scores", scores, _as_score), ("columns", columns, _as_column)):
        for name, values in (given or {}).items():
            if name in taken:
                raise InvalidInputError(f"{kind} cannot be called {name!r}: there is such a column")
            taken.add(name)
            known_columns[name] = convert(name, values, n, chosen)
    frame: pd.DataFrame = pd.DataFrame(known_columns)
    frame.index = pd.Index(feature_set.ids[chosen], name="id")
    if not features:
        return frame
    wide = feature_set.features[chosen]
    block = pd.DataFrame(wide, frame.index, [f"f{number}" for number in range(wide.shape[1])])
    whole: pd.DataFrame = pd.concat([frame, block], axis=1)
    return whole


def _taken(codes: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.full(len(rows), -1) if codes is None else codes[rows]


def _as_nullable(codes: NDArray[np.int64]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(codes, codes < 0)


def _as_text(texts: Any, rows: NDArray[np.int64]) -> Any:
    if texts is None:
        return pd.array([None], dtype=_TEXT).take(np.zeros(len(rows), dtype=np.int64))
    chosen = np.asarray(texts, dtype=object)[rows]
    return pd.array(chosen, dtype=_TEXT)


def _nothing(rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.full(len(rows), np.nan, dtype=np.float32)


def _of_logits(
    measure: Callable[[ArrayLike], NDArray[np.float32]],
    logits: NDArray[np.float32] | None,
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    if logits is None:
        return _nothing(rows)
    values = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):  # a copy of all rows' logits could fill the memory
        values[start : start + _BLOCK] = measure(logits[rows[start : start + _BLOCK]])
    return values


def _as_score(name: str, values: ArrayLike | None, n: int, rows: NDArray[np.int64]) -> Any:
    if values is None:
        return _nothing(rows)
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


def _as_column(name: str, values: ArrayLike | None, n: int, rows: NDArray[np.int64]) -> Any:
    column = np.asarray(values)
    if column.shape != (n,):
        raise InvalidInputError(
            f"columns[{name!r}] must have shape ({n},), one value per sample, got {column.shape}"
        )
    chosen = column[rows]
    if column.dtype.kind == "b":
        return pd.array(chosen, dtype="boolean")
    if column.dtype.kind == "i":
        return pd.array(chosen, dtype="Int64")
    # Asked of the whole column: the dtype must not depend on the rows.
    if column.dtype.kind in "UT" or pd.api.types.infer_dtype(column, skipna=True) == "string":
        return pd.array(chosen.astype(object), dtype=_TEXT)
    if column.dtype.kind == "O":
        return pd.Series(chosen, dtype=object)  # otherwise pandas looks for text in these rows
    return chosen


def _names_of_rows(selections: Mapping[str, ArrayLike], n: int, chosen: NDArray[np.int64]) -> Any:
    """Text array: the names of the selections that each chosen row is in, NA for none."""
    joined: list[str | None] = [None]  # every combination of names that occurs
    combination = np.zeros(n, dtype=np.int64)
    for name, rows in selections.items():
        members = as_rows("rows", rows, n)
        occurs = np.zeros(len(joined), dtype=bool)
        occurs[combination[members]] = True
        before = np.flatnonzero(occurs)
        longer = np.zeros(len(joined), dtype=np.int64)
        longer[before] = len(joined) + np.arange(len(before))
        combination[members] = longer[combination[members]]
        joined += [
            name if joined[number] is None else f"{joined[number]}, {name}" for number in before
        ]
    return pd.array(joined, dtype=_TEXT).take(combination[chosen])


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
