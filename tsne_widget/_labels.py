"""Labels and predictions in every form: codes or names, in arrays, pandas objects and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._class_codes import UNKNOWN, codes_of_names, is_missing
from tsne_widget._feature_set_fields import as_array
from tsne_widget.errors import InvalidInputError


def names_of(columns: Mapping[str, Any], logits: Any) -> tuple[str, ...] | None:
    """The class names that labels and predictions imply; None if they are codes.

    They are the categories of pandas Categoricals, otherwise the sorted names.

    Parameters
    ----------
    columns : mapping of str to (n,) array or None
        The labels and predictions, by the name of the argument.
    logits : (n, c) array or None

    Raises
    ------
    InvalidInputError
        If some are names, but others are codes or there are logits: the order of the names is then
        unknown.
    """
    given = {name: values for name, values in columns.items() if values is not None}
    named = {name: values for name, values in given.items() if _has_names(values)}
    if not named:
        return None
    categories = {_categories(values) for values in named.values()}
    ordered = categories.pop() if len(categories) == 1 else None
    if ordered is not None and _is_misordered(ordered):
        ordered = None
    coded = [name for name in given if name not in named] + ["logits"] * (logits is not None)
    if coded and (ordered is None or (logits is not None and len(ordered) != _width(logits))):
        raise InvalidInputError(
            f"{' and '.join(named)} are names, but {' and '.join(coded)} have codes, so the order "
            "of the classes is unknown; pass class_names= in the order of the model's outputs"
        )
    if ordered is not None:
        return ordered
    used = {
        name
        for values in named.values()
        for name in _codes_or_names("", values).ravel()
        if name is not None
    }
    return tuple(sorted(used))


def codes_of(name: str, values: Any, names: tuple[str, ...] | None) -> NDArray[Any] | None:
    """The values as an array of codes; names become codes, missing values −1."""
    if values is None:
        return None
    array = _codes_or_names(name, values)
    if array.dtype.kind != "O":
        return array
    return codes_of_names(array.ravel().tolist(), names or ())


def _has_names(values: Any) -> bool:
    return _codes_or_names("labels", values).dtype.kind == "O"


def _codes_or_names(name: str, values: Any) -> NDArray[Any]:
    """Codes as an array of numbers, or names as an object array of str and None."""
    array = as_array(name, values)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in "OUT":
        return array
    if not hasattr(values, "dtype"):  # numpy turned a NaN among names into "nan"
        array = np.array(values, dtype=object)
    missing = np.array([is_missing(value) for value in array.ravel()], dtype=bool)
    missing = missing.reshape(array.shape)
    if all(isinstance(value, (Real, np.bool_)) for value in array[~missing]):
        numbers = np.where(missing, UNKNOWN, array)  # codes in an array of objects
        exact = all(isinstance(value, (Integral, np.bool_)) for value in numbers.ravel())
        return numbers.astype(np.int64 if exact else np.float64)
    names = array.astype(object)
    names[missing] = None
    names[~missing] = [_as_text(value) for value in names[~missing]]
    return names


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _categories(values: Any) -> tuple[str, ...] | None:
    """The categories of a pandas Categorical, in their order; None for anything else."""
    categories = getattr(getattr(values, "dtype", None), "categories", None)
    return None if categories is None else tuple(map(str, categories))


def _is_misordered(categories: tuple[str, ...]) -> bool:
    """Whether categories are numbers in the order of their text: "1", "10", "2"."""
    if not all(name.isascii() and name.isdigit() for name in categories):
        return False
    return list(categories) != sorted(categories, key=int)


def _width(logits: Any) -> int:
    """Number of classes of logits: a single column means two."""
    shape = np.shape(logits)
    return max(2, shape[1]) if len(shape) == 2 else 2
