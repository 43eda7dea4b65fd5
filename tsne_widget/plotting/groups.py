"""The data of a figure, checked: coordinates in the unit square and the class of each point."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._class_codes import (
    MAX_UNNAMED_CLASSES,
    UNKNOWN,
    codes_of_names,
    is_missing,
    is_whole,
)
from tsne_widget._class_names import as_class_names
from tsne_widget._validation import as_codes, check_finite, check_rows
from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.colors import known_names


class Groups(NamedTuple):
    """The classes of the points."""

    codes: NDArray[np.int64]
    """(n,) class code of each point, −1 if unknown."""
    names: tuple[str, ...]
    """Name of each class code."""


def unit_coordinates(embedding: ArrayLike) -> NDArray[np.float64]:
    """The map in the unit square: one factor for both axes, the shorter axis centred.

    Parameters
    ----------
    embedding : (n, 2) array of finite numbers

    Returns
    -------
    (n, 2) float64 array
        0 … 1.

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is not finite.
    """
    points = np.asarray(embedding)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        got = points.shape if points.ndim else type(embedding).__name__
        raise InvalidInputError(
            f"embedding must have shape (n, 2) with n above 0, got {got}; compute one with "
            "TSNE().fit_transform(features), or for an explorer use explorer.figure()"
        )
    if points.dtype.kind not in "fiu":
        raise InvalidInputError(f"embedding must be numbers, got dtype {points.dtype}")
    xy = points.astype(np.float64)
    check_finite("embedding", xy)
    xy /= np.abs(xy).max() or 1.0  # otherwise a difference could overflow
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = (high - low).max() or 1.0
    return np.asarray((xy - (low + high) / 2) / span + 0.5)


def as_groups(labels: ArrayLike | None, class_names: Sequence[str] | None, n: int) -> Groups:
    """The class of each of n points, from codes or names; one nameless class without labels."""
    if labels is None:
        return Groups(np.zeros(n, dtype=np.int64), ("",))
    values = np.asarray(labels)
    if values.dtype.kind in "UT" and not hasattr(labels, "dtype"):
        values = np.array(labels, dtype=object)  # numpy turned a NaN among names into "nan"
    if values.ndim != 1:
        raise InvalidInputError(f"labels must have shape ({n},), got {values.shape}")
    check_rows("labels", len(values), n)
    names = None if class_names is None else as_class_names(class_names)
    if values.dtype.kind in "OUT":
        missing = np.array([is_missing(value) for value in values])
        if not all(isinstance(value, Integral) for value in values[~missing]):
            return _groups_by_name(values, missing, names)
        whole = np.where(missing, UNKNOWN, values)
        values = np.clip(whole, -(2**63), 2**63 - 1).astype(np.int64)  # Python's have no bounds
    codes = as_codes("labels", _as_integers(values), n, c=_count(names))
    if names is None:
        names = tuple(map(str, range(int(codes.max()) + 1)))
    return Groups(codes, names)


def _count(names: tuple[str, ...] | None) -> int:
    return MAX_UNNAMED_CLASSES if names is None else len(names)


def _as_integers(values: NDArray[Any]) -> NDArray[np.int64]:
    """The codes as integers; NaN is unknown."""
    if values.dtype.kind not in "fiub":
        raise InvalidInputError(f"labels must be integers or names, got dtype {values.dtype}")
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), UNKNOWN, values)
    if not is_whole(values).all():
        raise InvalidInputError("labels must be whole numbers or names; mark unknown ones as -1")
    return values.astype(np.int64)


def _groups_by_name(
    values: NDArray[Any], missing: NDArray[np.bool_], names: tuple[str, ...] | None
) -> Groups:
    texts = [None if absent else str(value) for value, absent in zip(values, missing, strict=True)]
    used = {text for text in texts if text is not None}
    if names is None:
        names = tuple(sorted(used))
    unknown = sorted(used - set(names))
    if unknown:
        raise InvalidInputError(
            f"labels: {unknown[0]!r} is not in class_names{known_names(unknown[0], names)}"
        )
    return Groups(codes_of_names(texts, names), names)
