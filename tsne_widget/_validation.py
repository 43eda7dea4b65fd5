"""Checks of caller-supplied values that several parts of the package share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_row_order, is_pandas, is_row_numbers, rows_by_index
from tsne_widget._tensors import to_numpy
from tsne_widget.errors import InvalidInputError

# Row numbers of offending rows that an error message lists.
ROWS_LISTED = 5


def as_rows(
    name: str, rows: Any, n: int, ids: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Row numbers 0 … n − 1 in the given order.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    rows : (m,) int array or (n,) bool array
        Row numbers, or a mask over all n rows. A boolean Series or a DataFrame is read by its
        index, see :func:`rows_by_index`.
    n : int
        Number of rows.
    ids : (n,) int64 array, optional
        Ids of the rows. Default: 0 … n − 1.

    Returns
    -------
    (m,) int64 array

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, a mask has another length, or a row is out of range.
    """
    if is_pandas(rows) and not is_row_numbers(rows):
        return rows_by_index(name, rows, np.arange(n) if ids is None else ids)
    values = np.asarray(rows)
    if values.ndim != 1:
        raise InvalidInputError(
            f"{name} must be 1-dimensional, got shape {values.shape}; for one row pass [5]"
        )
    if values.dtype.kind == "b":
        if len(values) != n:
            raise InvalidInputError(f"{name} as a mask must have shape ({n},), got {values.shape}")
        return np.flatnonzero(values)
    if not values.size:
        return np.empty(0, dtype=np.int64)
    if values.dtype.kind not in "iu":
        raise InvalidInputError(f"{name} must be integers or a mask, got dtype {values.dtype}")
    if values.min() < 0 or values.max() >= n:
        raise InvalidInputError(
            f"{name} must be 0 … {n - 1}, got {values.min()} … {values.max()}; "
            "rows are not ids: find them by feature_set.ids"
        )
    return values.astype(np.int64)


def as_row_set(
    name: str, rows: Any, n: int, ids: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Row numbers 0 … n − 1, ascending and unique; parameters and errors as in :func:`as_rows`."""
    return ascending(as_rows(name, rows, n, ids), n)


def ascending(rows: NDArray[np.integer[Any]], n: int) -> NDArray[np.int64]:
    """Rows 0 … n − 1, ascending and unique: for a million of them ten times as fast as to sort."""
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return np.flatnonzero(mask)


def as_embedding(
    values: Any, n: int, name: str = "embedding", *, ids: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Finite map coordinates, read-only.

    Parameters
    ----------
    values : (n, 2) array of numbers
        A DataFrame is read by its index, see :func:`in_row_order`.
    n : int
        Number of samples.
    name : str
        Name of the argument, for the error message.
    ids : (n,) int64 array, optional
        Ids of the samples. Default: 0 … n − 1.

    Returns
    -------
    (n, 2) float32 array

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is NaN or infinite.
    """
    by_row = in_row_order(name, values, np.arange(n) if ids is None else ids)
    embedding = to_numpy(by_row)
    if embedding.shape != (n, 2):
        raise InvalidInputError(f"{name} must have shape ({n}, 2), got {embedding.shape}")
    if embedding.dtype.kind not in "fiu":
        raise InvalidInputError(f"{name} must be numbers, got dtype {embedding.dtype}")
    with np.errstate(over="ignore"):  # float64 beyond the range of float32 becomes inf
        embedding = embedding.astype(np.float32)
    check_finite(name, embedding)
    embedding.flags.writeable = False
    return embedding


def check_name(kind: str, name: object, limit: int) -> str:
    """The name, if it is non-blank text of at most ``limit`` characters.

    Parameters
    ----------
    kind : str
        What is named, for the error message: "a selection's name".
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"{kind} must be text, got {type(name).__name__}")
    if not name or name != name.strip():
        raise InvalidInputError(
            f"{kind} must be text without surrounding blanks, got {name[:limit]!r}"
        )
    if len(name) > limit:
        raise InvalidInputError(f"{kind} may have {limit} characters, got {len(name)}")
    return name


def did_you_mean(word: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """``"; did you mean 'x'?"`` for the known word nearest to a wrong one; ``""`` if none is near.

    Examples
    --------
    >>> did_you_mean("predicted", ["label", "prediction"])
    "; did you mean 'prediction'?"
    """
    near = nearest_names(word, known, 1, cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def row_blocks(n: int, rows: int) -> list[slice]:
    """Slices that cover n rows in blocks of at most ``rows`` rows, at least 1.

    Examples
    --------
    >>> row_blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, rows)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def nearest_names(word: object, known: Iterable[str], n: int, cutoff: float = 0.6) -> list[str]:
    """At most ``n`` known words similar to a wrong one, the most similar first."""
    return get_close_matches(str(word), list(known), n=n, cutoff=cutoff)


def as_codes(
    name: str, values: ArrayLike, n: int | None = None, c: int | None = None
) -> NDArray[np.int64]:
    """(n,) int64 class codes; −1 means unknown.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    values : (n,) int array
    n : int, optional
        Required length.
    c : int, optional
        Number of classes; without it codes have no upper bound.

    Raises
    ------
    InvalidInputError
        If the shape, the dtype or the length is wrong, or a code is out of range.
    """
    codes = np.asarray(values)
    if codes.ndim != 1 or (codes.size and codes.dtype.kind not in "iu"):
        raise InvalidInputError(
            f"{name} must be an (n,) array of integers, −1 for unknown, "
            f"got shape {codes.shape} and dtype {codes.dtype}"
        )
    check_rows(name, len(codes), n)
    low, high = (int(codes.min()), int(codes.max())) if codes.size else (0, -1)
    if low < -1 or (c is not None and high >= c):
        raise InvalidInputError(
            f"{name} must be {'0 or more' if c is None else f'0 … {c - 1}'}, or −1 for unknown, "
            f"got {low} … {high}; set labels of other classes to −1"
        )
    return codes.astype(np.int64)


def check_rows(name: str, rows: int, n: int | None) -> None:
    """Raise InvalidInputError unless an array has n rows; any number if n is None."""
    if n is not None and rows != n:
        raise InvalidInputError(
            f"{name} must have {n} rows, got {rows}; row i must be the same sample in every array"
        )


def check_finite(name: str, matrix: NDArray[np.floating]) -> None:
    """Raise InvalidInputError if an (n, d) array has a value that is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        raise InvalidInputError(
            f"{name} has NaN or infinite values in {len(bad)} of {len(matrix)} rows "
            f"(first rows: {', '.join(map(str, bad[:ROWS_LISTED]))}); drop these rows"
        )
