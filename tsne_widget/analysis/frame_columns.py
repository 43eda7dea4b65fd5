"""Columns of the frame: numpy arrays converted to pandas arrays of fixed dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_row_order
from tsne_widget._validation import as_rows
from tsne_widget.analysis.scores import SCORES
from tsne_widget.errors import InvalidInputError

# Python's own storage even if pyarrow is installed: pyarrow refuses names that are not UTF-8.
_TEXT = pd.StringDtype("python")


def frame(
    table: Mapping[str, Any], ids: NDArray[np.int64], features: NDArray[np.float32] | None
) -> pd.DataFrame:
    """The columns as a DataFrame indexed by id; (m, d) features are appended as one block."""
    whole = pd.DataFrame(dict(table))
    whole.index = pd.Index(ids, name="id")
    if features is None:
        return whole
    names = [f"f{number}" for number in range(features.shape[1])]
    return pd.concat([whole, pd.DataFrame(features, whole.index, names)], axis=1)


def text(values: Any) -> Any:
    """Text array; None is NA."""
    return pd.array(values, dtype=_TEXT)


def paths(texts: Any, rows: NDArray[np.int64]) -> Any:
    """Text array of the rows' paths, all NA if there are none."""
    if texts is None:
        return text([None]).take(np.zeros(len(rows), dtype=np.int64))
    return text(np.asarray(texts, dtype=object)[rows])


def codes(values: NDArray[np.int64]) -> pd.arrays.IntegerArray:
    """Int64 array; negative values are NA."""
    return pd.arrays.IntegerArray(values, values < 0)


def differs(labels: NDArray[np.int64], predictions: NDArray[np.int64]) -> pd.arrays.BooleanArray:
    """Boolean array: whether two codes differ; NA if one of them is unknown."""
    unknown = (labels < 0) | (predictions < 0)
    return pd.arrays.BooleanArray(labels != predictions, unknown)


def score(
    name: str, values: ArrayLike | None, ids: NDArray[np.int64], rows: NDArray[np.int64]
) -> Any:
    """float32, boolean or Int64 array of a score; negative integers are NA, None is all NaN."""
    if values is None:
        nothing = np.full(len(rows), np.nan, dtype=np.float32)
        is_integer = name in SCORES and SCORES[name].format == "integer"
        return codes(np.full(len(rows), -1)) if is_integer else nothing
    n, whole = len(ids), np.asarray(in_row_order(f"scores[{name!r}]", values, ids))
    if whole.shape != (n,) or whole.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"scores[{name!r}] must be an array of numbers of shape ({n},), one per sample, "
            f"got shape {whole.shape} and dtype {whole.dtype}"
        )
    chosen = whole[rows]
    if name in SCORES and SCORES[name].format == "integer":
        return codes(np.where(np.isnan(chosen), -1, chosen).astype(np.int64))
    if whole.dtype.kind == "b":
        return pd.array(chosen, dtype="boolean")
    if whole.dtype.kind in "iu":
        return codes(chosen.astype(np.int64))
    return chosen.astype(np.float32)


def column(
    name: str, values: ArrayLike | None, ids: NDArray[np.int64], rows: NDArray[np.int64]
) -> Any:
    """The rows of one of the user's columns; truth values, integers and text become nullable."""
    n, whole = len(ids), np.asarray(in_row_order(f"columns[{name!r}]", values, ids))
    if whole.shape != (n,):
        raise InvalidInputError(
            f"columns[{name!r}] must have shape ({n},), one value per sample, got {whole.shape}"
        )
    chosen = whole[rows]
    if whole.dtype.kind == "b":
        return pd.array(chosen, dtype="boolean")
    if whole.dtype.kind == "i":
        return pd.array(chosen, dtype="Int64")
    # Inferred from the whole column: the dtype must not depend on the rows.
    if whole.dtype.kind in "UT" or pd.api.types.infer_dtype(whole, skipna=True) == "string":
        return text(chosen.astype(object))
    if whole.dtype.kind == "O":
        return pd.Series(chosen, dtype=object)  # otherwise pandas infers text from these rows
    return chosen


def selection_names(
    selections: Mapping[str, ArrayLike], ids: NDArray[np.int64], chosen: NDArray[np.int64]
) -> Any:
    """Text array: the names of the selections that contain each chosen row, NA for none."""
    joined: list[str | None] = [None]  # every combination of names that occurs
    combination = np.zeros(len(ids), dtype=np.int64)
    for name, rows in selections.items():
        members = as_rows("rows", rows, len(ids), ids)
        occurs = np.zeros(len(joined), dtype=bool)
        occurs[combination[members]] = True
        before = np.flatnonzero(occurs)
        longer = np.zeros(len(joined), dtype=np.int64)
        longer[before] = len(joined) + np.arange(len(before))
        combination[members] = longer[combination[members]]
        joined += [
            name if joined[number] is None else f"{joined[number]}, {name}" for number in before
        ]
    return text(joined).take(combination[chosen])
