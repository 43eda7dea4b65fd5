"""What a figure is given: places and classes, checked and made fit to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.colors import near_names

# Without class_names a label c implies c + 1 classes. Above this many the codes are ids.
MAX_UNNAMED_CLASSES = 10_000


class Groups(NamedTuple):
    """A class code for each point, −1 unknown, and the name of each code."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]


def scaled(embedding: ArrayLike) -> NDArray[np.float64]:
    """(n, 2) float64 within 0 … 1: one factor for both axes, the shorter one in the middle."""
    points = np.asarray(embedding)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        got = points.shape if points.ndim else type(embedding).__name__
        raise InvalidInputError(
            f"embedding must have shape (n, 2), n above 0, got {got}; "
            "TSNE().fit_transform(features) makes one, of an explorer explorer.figure() draws it"
        )
    if points.dtype.kind not in "fiu":
        raise InvalidInputError(f"embedding must be numbers, got dtype {points.dtype}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise InvalidInputError(
            f"embedding holds NaN or infinite values in {len(bad)} of {len(points)} rows "
            f"(first row: {bad[0]}); drop these rows"
        )
    xy = points.astype(np.float64)
    xy /= np.abs(xy).max() or 1.0  # or a difference of two could overflow
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = (high - low).max() or 1.0
    placed: NDArray[np.float64] = (xy - (low + high) / 2) / span + 0.5
    return placed


def as_groups(labels: ArrayLike | None, class_names: Sequence[str] | None, n: int) -> Groups:
    if labels is None:
        return Groups(np.zeros(n, dtype=np.int64), ("",))
    values = np.asarray(labels)
    if values.dtype.kind in "UT" and not hasattr(labels, "dtype"):
        values = np.array(labels, dtype=object)  # a NaN among names would be the name "nan"
    if values.ndim != 1:
        raise InvalidInputError(f"labels must have shape ({n},), got {values.shape}")
    if len(values) != n:
        raise InvalidInputError(
            f"labels has {len(values)} entries, but embedding has {n} rows; "
            "row i must be the same sample"
        )
    names = None if class_names is None else tuple(map(str, class_names))
    if names is not None and len(set(names)) < len(names):
        raise InvalidInputError("class_names must differ from each other")
    if values.dtype.kind in "OUT":
        missing = np.array([_is_missing(value) for value in values])
        if not all(isinstance(value, Integral) for value in values[~missing]):
            return _groups_by_name(values.astype(object), missing, names)
        values = np.where(missing, -1, values)
    elif values.dtype.kind == "f":
        values = np.where(np.isnan(values), -1, values)
        if not (values == np.rint(values)).all():
            raise InvalidInputError(
                "labels must be whole numbers or names; mark unknown ones as -1"
            )
    elif values.dtype.kind not in "iub":
        raise InvalidInputError(f"labels must be integers or names, got dtype {values.dtype}")
    lowest, highest = int(values.min()), int(values.max())
    count = MAX_UNNAMED_CLASSES if names is None else len(names)
    if lowest < -1 or highest >= count:
        raise InvalidInputError(
            f"labels must be 0 … {count - 1}, or -1 for unknown, got {lowest} … {highest}; "
            "correct them or class_names"
        )
    codes = values.astype(np.int64)
    return Groups(codes, tuple(map(str, range(highest + 1))) if names is None else names)


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
            f"labels name {unknown[0]!r}, which class_names lacks; {near_names(unknown[0], names)}"
        )
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    return Groups(np.array([code_of.get(text, -1) for text in texts]), names)


def _is_missing(value: object) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas's
        return True
    return isinstance(value, float) and value != value
