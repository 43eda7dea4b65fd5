"""Other values for a column, and values of labels as something that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

FEW_VALUES = 16  # as many different values are exchanged for their neighbours
MAX_LABEL_VALUES = 64  # of one sample
# Larger columns are pictures, never labels, so they are not copied.
MAX_LABEL_BYTES = 2**26


def exchanged(values: Any, shift: int) -> Any:
    """Values of the same kind that differ from the old ones in each row.

    Single values are exchanged among each other, each for the one ``shift`` places further in the
    list of all different values; rows are rotated. So labels stay valid labels.

    Raises
    ------
    TypeError
        If the values cannot be exchanged.
    """
    if isinstance(values, (Tensor, np.ndarray)):
        if values.nbytes > MAX_LABEL_BYTES:
            raise TypeError("too large for labels")
        if values.ndim > 1 and values.shape[-1] > 1:
            if isinstance(values, Tensor):
                return torch.roll(values, shift, -1)
            return np.roll(values, shift, -1)
        new = _exchanged(values.reshape(-1).tolist(), shift)
        if isinstance(values, Tensor):
            return torch.tensor(new, dtype=values.dtype).reshape(values.shape)
        array = np.empty(len(new), values.dtype)
        array[:] = new
        return array.reshape(values.shape)
    return type(values)(_exchanged(values, shift))


def _exchanged(values: Sequence[Any], shift: int) -> list[Any]:
    tokens = tokens_of(values)
    examples = dict(zip(tokens, values, strict=True))
    if len(examples) == 1:
        return [_other(value) for value in values]
    following = [*examples.values()]
    # Neighbours in a long list, such as paths sorted by class, often have the same label.
    shift = (shift + (len(following) // 2 if len(following) > FEW_VALUES else 0)) % len(following)
    after = dict(zip(examples, [*following[shift:], *following[:shift]], strict=True))
    return [after[key] for key in tokens]


def _other(value: Any) -> Any:
    """Another number: 0 and 1 are exchanged, 2 and 3, and so on."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    raise TypeError("all values are the same")


def tokens_of(values: Sequence[Any]) -> Sequence[Any]:
    """The :func:`token` of each value."""
    if set(map(type, values)) <= {int, str, float, bool, bytes, type(None)}:  # a million at once
        return values
    return [token(value) for value in values]


def token(value: Any) -> Any:
    """A value of a label as something that can be compared and hashed.

    Raises
    ------
    TypeError
        If it is not like a label.
    """
    if value is None or isinstance(value, (str, bytes, int, float)):
        return value
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        if value.size > MAX_LABEL_VALUES:
            raise TypeError("more values than a label")
        return value.item() if value.size == 1 else (value.shape, *value.reshape(-1).tolist())
    if isinstance(value, (list, tuple)) and len(value) <= MAX_LABEL_VALUES:
        return tuple(token(inner) for inner in value)
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not like a label")
