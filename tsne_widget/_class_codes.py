"""Class codes and class names: rules that every part of the package shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError

# Without class names a label c implies c + 1 classes. Codes above this many are likely ids.
MAX_UNNAMED_CLASSES = 10_000
UNKNOWN = -1


def is_missing(value: object) -> bool:
    """Whether a label is None, NaN, or a missing value of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def codes_of_names(names: Iterable[str | None], class_names: Sequence[str]) -> NDArray[np.int64]:
    """Class codes of n names.

    Parameters
    ----------
    names : iterable of n str or None
        None becomes −1, the code of an unknown class.
    class_names : sequence of str
        The position of a name is its code.

    Returns
    -------
    (n,) int64 array

    Raises
    ------
    InvalidInputError
        If a name is not in ``class_names``.
    """
    names = list(names)
    codes: dict[str | None, int] = {name: code for code, name in enumerate(class_names)}
    codes[None] = UNKNOWN
    absent = sorted({str(name) for name in names if name not in codes})
    for name in absent:
        shared = [other for other in class_names if other.startswith(f"{name} (")]
        if len(shared) > 1:
            raise InvalidInputError(
                f"{name!r} is the name of several classes: {', '.join(map(repr, shared[:5]))}; "
                "pass these names, or class codes"
            )
    if absent:
        raise InvalidInputError(f"class_names lacks {', '.join(map(repr, absent[:5]))}")
    return np.array([codes[name] for name in names], dtype=np.int64)


def is_whole(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """(n,) bool: which of n numbers are whole and fit into int64 without rounding."""
    if values.dtype.kind not in "fu":
        return np.ones(values.shape, dtype=bool)
    whole: NDArray[np.bool_] = (values == np.rint(values)) & (
        np.abs(values) <= largest_code(values)
    )
    return whole


def largest_code(values: NDArray[np.generic]) -> int:
    """The largest code that an array of this dtype represents exactly."""
    return 2**53 if values.dtype.kind == "f" else 2**63 - 1


def is_class_code(
    codes: NDArray[np.int64], classes: int | None, *, lowest: int = UNKNOWN
) -> NDArray[np.bool_]:
    """(n,) bool: which codes are ``lowest`` … classes − 1; ``classes=None`` has no upper bound."""
    in_range: NDArray[np.bool_] = codes >= lowest
    return in_range if classes is None else in_range & (codes < classes)


def hint_of_one(codes: NDArray[np.int64], classes: int | None) -> str:
    """The end of an error about codes that seem to be 1 … c instead of 0 … c − 1, else ""."""
    from_one = classes is not None and len(codes) > 0 and codes.min() > 0 and codes.max() == classes
    return "; if they start at 1, subtract 1" if from_one else ""
