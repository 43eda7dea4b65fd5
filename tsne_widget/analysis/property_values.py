"""Values of a property: numbers, or the codes of a category."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Different values of a category that are compared: ids and paths have more.
MAX_LEVELS = 200
# The levels of truth values.
TRUTH = ("False", "True")
NEITHER = "neither numbers nor text"


class Property(NamedTuple):
    """One property of k samples."""

    values: NDArray[Any]
    """(k,) numbers, or codes of ``levels``."""
    known: NDArray[np.bool_]
    """(k,) whether the value is known."""
    levels: tuple[str, ...] = ()
    """The values of a category; () for numbers."""
    lacking: str = ""
    """Why the property cannot be compared, "" if it can."""


def as_property(column: NDArray[Any], rows: NDArray[np.int64]) -> Property:
    """The values of some rows. Numbers that are all 0 or 1 are truth values.

    Parameters
    ----------
    column : (n,) array
    rows : (k,) int64 array
    """
    kind = column.dtype.kind
    if kind in "biuf":
        values = column[rows]
        known = np.ones(len(values), dtype=bool) if kind in "biu" else np.isfinite(values)
        if kind == "b" or (((values == 0) | (values == 1)) | ~known).all():
            return Property(np.where(known, values, 0).astype(np.int64), known, TRUTH)
        return Property(values, known)
    if kind in "UTO":
        return _category(column[rows])
    return Property(column[:0], np.zeros(0, dtype=bool), lacking=NEITHER)


def _category(values: NDArray[Any]) -> Property:
    """Text, truth values or numbers; None and empty text are unknown."""
    import pandas as pd

    try:
        codes, found = pd.factorize(values.astype(object))
    except TypeError:  # lists or dictionaries
        return Property(values, np.ones(len(values), dtype=bool), lacking=NEITHER)
    levels, known = list(found), codes >= 0
    if all(isinstance(level, (bool, np.bool_)) for level in levels):
        truth = np.array([*map(int, levels), 0])[codes]
        return Property(truth, known, TRUTH)
    if all(isinstance(level, (int, float, np.number)) for level in levels):
        return Property(np.array([*map(float, levels), np.nan])[codes], known)
    if not all(isinstance(level, str) for level in levels):
        return Property(codes, known, lacking=NEITHER)
    if "" in levels:
        known &= codes != levels.index("")
    if len(levels) > MAX_LEVELS:
        many = f"{len(levels):,} different texts; at most {MAX_LEVELS} are compared"
        return Property(codes, known, lacking=many)
    return Property(codes, known, tuple(levels))
