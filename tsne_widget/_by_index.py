"""pandas objects, read by their index: the one place that relates their rows to samples.

Other arrays are read by position. Nothing here imports pandas: where it is not loaded, no object is
of its kinds.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Name of the frames' index and of its column after reset_index().
ID = "id"
# The largest id is below this many times the number of paths. Larger numbers do not count the
# samples of a dataset.
MAX_ID_GAPS = 100


def is_pandas(values: object) -> bool:
    """Whether the values are a pandas Series, DataFrame or Index."""
    return _is_a(values, "Series", "DataFrame", "Index")


def is_row_numbers(values: Any) -> bool:
    """Whether a pandas object only holds row numbers: integers that are not named "id"."""
    if not _is_a(values, "Series", "Index") or values.name == ID:
        return False
    return _integers(values) is not None


def ids_of(values: Any) -> NDArray[np.int64] | None:
    """The integers of a pandas object's index; None for other values and other indexes."""
    return _integers(values.index) if _is_a(values, "Series", "DataFrame") else None


def in_row_order(name: str, values: Any, ids: NDArray[np.int64]) -> Any:
    """One value or row per sample, in the order of the samples.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    values : array, Series or DataFrame
        A Series or DataFrame is read by its index, which must contain every id once. It may contain
        further ids. Anything else is read by position and returned unchanged.
    ids : (n,) int64 array
        Ids of the samples, unique.

    Raises
    ------
    InvalidInputError
        If the index of a pandas object lacks an id, or contains one twice.
    """
    if not _is_a(values, "Series", "DataFrame"):
        return values
    labels = _integers(values.index)
    if labels is None:
        raise InvalidInputError(f"{name} {_not_ids(values.index)}; {_by_position(name)}")
    lacking = ids[~np.isin(ids, labels)]
    if len(lacking):
        raise InvalidInputError(
            f"{name} is read by its index, which lacks {len(lacking):,} of {len(ids):,} ids, the "
            f"first is {lacking[0]}; {_by_position(name)}"
        )
    order = np.argsort(labels, kind="stable")
    found = np.searchsorted(labels, ids, sorter=order)
    last = np.searchsorted(labels, ids, side="right", sorter=order) - 1
    if (found != last).any():
        twice = ids[found != last]
        raise InvalidInputError(
            f"{name} has {len(twice):,} ids more than once in its index, the first is {twice[0]}; "
            f"keep one row of each: {name}[~{name}.index.duplicated()]"
        )
    return values.iloc[order[found]]


def listed_by_id(name: str, values: Any) -> list[Any]:
    """Paths as a list whose position i belongs to id i.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    values : array or Series of paths
        A Series is read by its index of ids; ids that it lacks have the path "". Anything else is
        read by position.

    Raises
    ------
    InvalidInputError
        If the index of a Series does not hold ids, or one of them twice.
    """
    if not _is_a(values, "Series"):
        return list(values)
    labels = _integers(values.index)
    if labels is None or not values.index.is_unique or (len(labels) and labels.min() < 0):
        raise InvalidInputError(
            f"{name} is read by its index, which must hold unique ids of samples; "
            f"{name}.to_list() is read by position: item i belongs to id i"
        )
    if len(labels) and labels.max() > MAX_ID_GAPS * len(labels):
        raise InvalidInputError(
            f"{name} has {len(labels):,} paths, but its index goes up to {labels.max()}: these are "
            "not ids, which count the samples of a dataset"
        )
    listed = [""] * (int(labels.max(initial=-1)) + 1)
    for id_, path in zip(labels.tolist(), values, strict=True):
        listed[id_] = path
    return listed


def rows_by_index(
    name: str, given: Any, ids: NDArray[np.int64], skipped: Iterable[int] = ()
) -> NDArray[np.int64]:
    """Row numbers for a mask over samples, a part of the frame, or its index.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    given : Series, DataFrame or Index
        A boolean Series, read by its index; NA is False. A DataFrame with ids as its index or as a
        column "id". An Index or a Series of integers that is named "id".
    ids : (n,) int64 array
        Ids of the samples, unique.
    skipped : iterable of int
        Ids of samples that have no row, for the error message.

    Returns
    -------
    (m,) int64 array
        A mask gives ascending rows; a frame or index gives its own order, repetitions included.

    Raises
    ------
    InvalidInputError
        If the index is not one of ids, or ids are not in the record.
    """
    if _is_a(given, "DataFrame"):
        if len(given.columns) and all(_is_truth(column) for _, column in given.items()):
            raise InvalidInputError(
                f"{name} is a frame of truth values, which may be a mask or a part of the frame; "
                f"pass one column, frame[{given.columns[0]!r}], as a mask, or frame.index for rows"
            )
        if given.index.name != ID and ID in given.columns:
            return rows_of_ids(given[ID], ids, skipped)
        if given.index.name == ID:
            return rows_of_ids(given.index, ids, skipped)
        raise InvalidInputError(
            "a frame must have the samples' ids, as its index or as a column named 'id'; pass "
            "select(ids=…) for ids, or frame.index.to_numpy() for rows"
        )
    if _is_a(given, "Series") and _is_truth(given):
        return _rows_of_mask(name, given, ids, skipped)
    if given.name == ID:
        return rows_of_ids(given, ids, skipped)
    if _is_a(given, "Index"):
        raise InvalidInputError(
            f"an Index must be named 'id', as the index of to_dataframe(), got {given.name!r}; "
            "pass select(ids=index) for ids, or index.to_numpy() for rows"
        )
    raise InvalidInputError(
        f"column {given.name!r} is not boolean; compare it (frame[{given.name!r}] > 0.5), or "
        "pass select(ids=series) for ids, series.to_numpy() for rows"
    )


def rows_of_ids(
    wanted: Any, ids: NDArray[np.int64], skipped: Iterable[int] = ()
) -> NDArray[np.int64]:
    """Rows of samples by their index in the user's dataset.

    Parameters
    ----------
    wanted : (m,) array of int
        The values are ids, also those of a Series.
    ids : (n,) int64 array
        Ids of the samples, unique.
    skipped : iterable of int
        Ids of samples that have no row, for the error message.

    Raises
    ------
    InvalidInputError
        If they are not integers, or some are not in ``ids``.
    """
    numbers = _integers(wanted) if is_pandas(wanted) else np.asarray(wanted)
    if numbers is not None and numbers.size == 0:
        return np.empty(0, dtype=np.int64)
    if numbers is None or numbers.dtype.kind not in "iu" or numbers.ndim > 1:
        given = wanted if numbers is None else numbers
        kind = getattr(given, "dtype", type(given).__name__)
        raise InvalidInputError(
            f"ids must be a 1-d array of integers, got {kind} of shape {given.shape}"
        )
    numbers = numbers.reshape(-1)
    order = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids, numbers, sorter=order), len(ids) - 1)
    rows: NDArray[np.int64] = order[place]
    missing = numbers[ids[rows] != numbers]
    if len(missing):
        why = ", which was skipped" if int(missing[0]) in set(skipped) else ""
        raise InvalidInputError(
            f"{len(missing):,} of {len(numbers):,} ids are not in this record, "
            f"the first is {missing[0]}{why}; pass row numbers as select(rows)"
        )
    return rows


def in_one_order(*names: str) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """A decorator for functions of several arrays whose row i is the same sample.

    Pandas objects among these arguments, or in a mapping that is one of them, are put into the
    order of the first one, by index.

    Parameters
    ----------
    *names : str
        Names of the arguments.

    Raises
    ------
    InvalidInputError
        By the decorated function, if two pandas objects do not have the same index labels.
    """

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def called(*arguments: _P.args, **options: _P.kwargs) -> _T:
            if "pandas" not in sys.modules:
                return function(*arguments, **options)
            bound = signature.bind(*arguments, **options)
            given = {name: bound.arguments.get(name) for name in names}
            bound.arguments |= _aligned(given)
            return function(*bound.args, **bound.kwargs)

        return called

    return decorate


def in_first_order(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The pandas objects among some arrays by name, in the order of the first one.

    Raises
    ------
    InvalidInputError
        If two of them do not have the same index labels.
    """
    tables = {name: one for name, one in arrays.items() if _is_a(one, "Series", "DataFrame")}
    if len(tables) < 2:
        return tables
    first, index = next((name, one.index) for name, one in tables.items())
    for name, one in tables.items():
        if one.index.equals(index):
            continue
        if len(one) != len(index) or not _same_labels(one.index, index):
            raise InvalidInputError(
                f"{name} and {first} have different indexes, so their rows cannot be matched; pass "
                f"{name}.to_numpy() and {first}.to_numpy() if row i is the same sample in both"
            )
        tables[name] = one.loc[index]
    return tables


def _aligned(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that hold pandas objects, in the order of the first one."""
    flat = dict(arrays)
    for name, value in arrays.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}[{key!r}]": one for key, one in value.items()}
    tables = in_first_order(flat)
    found = {name: one for name, one in tables.items() if name in arrays}
    for name, value in arrays.items():
        if isinstance(value, Mapping):
            found[name] = {key: tables.get(f"{name}[{key!r}]", one) for key, one in value.items()}
    return found


def _same_labels(one: Any, other: Any) -> bool:
    return bool(one.is_unique and other.is_unique and one.isin(other).all())


def _rows_of_mask(
    name: str, mask: Any, ids: NDArray[np.int64], skipped: Iterable[int]
) -> NDArray[np.int64]:
    """Rows whose id has the value True in a boolean Series; NA is False."""
    flags = mask.astype("boolean").fillna(False).to_numpy(dtype=bool)
    if not len(flags):
        return np.empty(0, dtype=np.int64)
    labels = _integers(mask.index)
    if labels is None:
        raise InvalidInputError(f"{name} {_not_ids(mask.index)}; {_by_position(name)}")
    if mask.index.name != ID:
        _check_unnamed(name, mask.index, labels, ids)
    chosen = np.unique(labels[flags])
    if np.isin(chosen, labels[~flags]).any():
        both = chosen[np.isin(chosen, labels[~flags])]
        raise InvalidInputError(
            f"{name} is True and False for {len(both):,} ids, the first is {both[0]}; keep one row "
            f"of each: {name}[~{name}.index.duplicated()]"
        )
    return np.sort(rows_of_ids(chosen, ids, skipped))


def _check_unnamed(
    name: str, index: Any, labels: NDArray[np.int64], ids: NDArray[np.int64]
) -> None:
    """Refuse an index that may hold positions instead of ids: its name does not say."""
    other = labels[~np.isin(labels, ids)]
    if len(other):
        raise InvalidInputError(
            f"{name} is read by its index, and {len(other):,} of its {len(labels):,} labels are "
            f"not ids of this record, the first is {other[0]}; {_by_position(name)}"
        )
    if (
        len(labels) < len(ids)
        and _is_a(index, "RangeIndex")
        and np.array_equal(labels, np.arange(len(labels)))
    ):
        raise InvalidInputError(
            f"{name} has the default index 0 … {len(labels) - 1} for {len(labels):,} of "
            f"{len(ids):,} samples, which may be positions in a part of the frame; "
            "index it by id: frame.set_index('id')"
        )


def _not_ids(index: Any) -> str:
    return f"is read by its index, which must hold the samples' ids, but is of type {index.dtype}"


def _by_position(name: str) -> str:
    """The remedy for an index that is not one of ids."""
    return (
        f"set_index('id') makes an index of ids, and {name}.to_numpy() is read by position, "
        "in the order of the samples"
    )


def _is_truth(series: Any) -> bool:
    types = sys.modules["pandas"].api.types
    return bool(
        types.is_bool_dtype(series.dtype) or types.infer_dtype(series, skipna=True) == "boolean"
    )


def _integers(values: Any) -> NDArray[np.int64] | None:
    """The values of a Series or Index as int64; None if they are not integers."""
    if _is_a(values, "DataFrame", "MultiIndex"):
        return None
    if (
        len(values)
        and sys.modules["pandas"].api.types.infer_dtype(values, skipna=False) != "integer"
    ):
        return None
    try:
        return np.asarray(values.to_numpy(dtype=np.int64))
    except (TypeError, ValueError, OverflowError):  # NA, or beyond int64
        return None


def _is_a(values: object, *kinds: str) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, tuple(getattr(pandas, kind) for kind in kinds))
