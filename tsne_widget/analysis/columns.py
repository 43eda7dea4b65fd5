"""The user's own columns, checked and put in the order of the rows."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._by_index import ID, in_row_order
from tsne_widget._tensors import to_numpy
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
    columns: Any, ids: NDArray[np.int64], scores: Container[str]
) -> dict[str, NDArray[Any]]:
    """The columns as arrays in the order of the rows.

    Parameters
    ----------
    columns : mapping of name to (n,) array, or table, or None
        pandas objects are read by their index of ids; everything else, also tables of polars and
        pyarrow, by position.
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
    for name, values in _named(columns):
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"a column's name must be text, got {name!r}")
        if name in given:
            raise InvalidInputError(f"columns: two columns have the name {name!r}; rename one")
        if name in scores or name in FRAME_COLUMNS:
            kind = "a score" if name in scores else "a column of the frame"
            remedy = (
                "make it the index: frame.set_index('id')" if name == ID else "rename your column"
            )
            raise InvalidInputError(f"columns: {name!r} is already {kind}; {remedy}")
        array = to_numpy(in_row_order(f"columns[{name!r}]", values, ids))
        if array.shape != (n,):
            raise InvalidInputError(
                f"columns[{name!r}] must have shape ({n},), one value per sample, got {array.shape}"
            )
        given[name] = array
    return given


def _named(columns: Any) -> Iterable[tuple[Any, Any]]:
    """Names and values of the columns of a mapping or of a table of any library."""
    if columns is None:
        return ()
    is_one = getattr(columns, "ndim", 2) == 1  # a Series also has items()
    if callable(getattr(columns, "items", None)) and not is_one:
        pairs: Iterable[tuple[Any, Any]] = columns.items()
        return pairs
    names = getattr(columns, "column_names", None)  # pyarrow
    names = getattr(columns, "columns", None) if names is None else names  # polars
    if names is None or callable(names) or is_one:
        raise InvalidInputError(
            f"columns must be a DataFrame or a dict of name to array, got {type(columns).__name__}"
        )
    return [(name, columns[name]) for name in names]
