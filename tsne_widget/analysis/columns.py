"""The user's own columns, checked and put in the order of the rows."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError

# Columns of the frame that are neither scores nor the user's own.
FRAME_COLUMNS = (
    "id",
    "path",
    "label",
    "label_name",
    "prediction",
    "prediction_name",
    "misclassified",
    "x",
    "y",
    "selection",
)


def as_columns(
    columns: Mapping[str, ArrayLike] | None, ids: NDArray[np.int64], scores: Container[str]
) -> dict[str, NDArray[Any]]:
    """The columns as arrays in the order of the rows.

    Parameters
    ----------
    columns : mapping of name to (n,) array, or DataFrame, or None
    ids : (n,) int64 array
        Ids of the rows.
    scores : container of str
        Names of scores, which no column may have.

    Returns
    -------
    dict of name to (n,) array

    Raises
    ------
    InvalidInputError
        If a name is empty or in use, a shape is wrong, or an index does not contain the ids.
    """
    n = len(ids)
    given: dict[str, NDArray[Any]] = {}
    for name, values in ({} if columns is None else columns).items():
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"a column's name must be text, got {name!r}")
        if name in scores or name in FRAME_COLUMNS:
            kind = "a score" if name in scores else "a column of the frame"
            raise InvalidInputError(f"columns: {name!r} is already {kind}; rename your column")
        array = _row_values(name, values, ids)
        if array.shape != (n,):
            raise InvalidInputError(
                f"columns[{name!r}] must have shape ({n},), one value per sample, got {array.shape}"
            )
        given[name] = array
    return given


def _row_values(name: str, values: ArrayLike, ids: NDArray[np.int64]) -> NDArray[Any]:
    """The values row by row; a Series is aligned by its index unless that is 0 … n − 1."""
    import pandas as pd

    if not isinstance(values, pd.Series) or len(values) < len(ids):
        return np.asarray(values)
    index = values.index
    if index.equals(pd.RangeIndex(len(ids))):
        return np.asarray(values)
    if not index.is_unique or not pd.Index(ids).isin(index).all():
        raise InvalidInputError(
            f"columns[{name!r}] has an index that does not contain the samples' ids "
            f"({ids[0]} … {ids[-1]}); if its values are in the order of the samples, "
            "pass frame.reset_index(drop=True)"
        )
    return np.asarray(values.loc[pd.Index(ids)])
