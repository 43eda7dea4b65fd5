"""The labels of a batch as class codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsne_widget._class_codes import UNKNOWN, codes_of_names, is_class_code, is_whole
from tsne_widget.errors import InvalidInputError


def label_codes(
    labels: Any, ids: Sequence[int], class_names: Sequence[str] | None
) -> NDArray[np.int64]:
    """(m,) int64 class codes, −1 for None.

    Parameters
    ----------
    labels : list of int, str or None, or a tensor or array (m,), (m, 1) or one-hot (m, c)
    ids : sequence of m int
        For messages.
    class_names : sequence of str or None
        They convert strings to codes, and bound the codes.

    Raises
    ------
    InvalidInputError
        If labels are not whole numbers, not in ``class_names``, or outside 0 … c − 1.
    """
    values = _as_numbers(labels, ids, class_names)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        values = _from_one_hot(values, ids)
    if values.ndim != 1 or len(values) != len(ids):
        raise InvalidInputError(
            f"labels have shape {values.shape} for {len(ids)} samples (ids {ids[0]} …); "
            "each sample needs one class code"
        )
    whole = is_whole(values)
    if not whole.all():
        raise InvalidInputError(
            f"label {values[~whole][0]} of sample {ids[int(np.argmin(whole))]} is not a whole "
            "number; labels are class codes 0 … c - 1, unknown ones -1 or None"
        )
    codes = values.astype(np.int64)
    classes = None if class_names is None else len(class_names)
    valid = is_class_code(codes, classes)
    if not valid.all():
        bound = "0 …" if classes is None else f"0 … {classes - 1} for {classes} classes"
        raise InvalidInputError(
            f"label {codes[~valid][0]} of sample {ids[int(np.argmin(valid))]} must be {bound}, "
            "or -1 for unknown; correct the labels or pass class_names for all classes"
        )
    return codes


def _as_numbers(labels: Any, ids: Sequence[int], class_names: Sequence[str] | None) -> NDArray[Any]:
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
        return np.asarray(labels.float() if labels.dtype == torch.bfloat16 else labels)
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "iufb":
        return labels
    codes = [_as_number(label, class_names) for label in labels]
    try:
        values = np.asarray(codes)
    except ValueError as error:  # one-hot rows of different lengths, or mixed with codes
        raise InvalidInputError(f"labels of the batch of ids {ids[0]} … differ in shape") from error
    if values.dtype.kind not in "iufb":
        raise InvalidInputError(
            f"labels must be class codes or names, got {type(codes[0]).__name__} "
            f"in the batch of ids {ids[0]} …"
        )
    return values


def _as_number(label: Any, class_names: Sequence[str] | None) -> Any:
    if label is None:
        return UNKNOWN
    if isinstance(label, Tensor):
        return label.detach().cpu().numpy()
    if isinstance(label, str):
        if class_names is None:
            raise InvalidInputError(
                f"label {label!r} is a name; pass class_names in the order of the model's outputs"
            )
        return codes_of_names([label], class_names)[0]
    return label


def _from_one_hot(values: NDArray[Any], ids: Sequence[int]) -> NDArray[Any]:
    is_one_hot = np.isin(values, (0, 1)).all(axis=1) & (values.sum(axis=1) == 1)
    if not is_one_hot.all():
        raise InvalidInputError(
            f"the label of sample {ids[int(np.argmin(is_one_hot))]} has shape "
            f"({values.shape[1]},) but is not one-hot; return one class code for each sample"
        )
    codes: NDArray[np.int64] = np.argmax(values, axis=1)
    return codes
