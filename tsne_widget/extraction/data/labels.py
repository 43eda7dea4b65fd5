"""The labels of a batch as class codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsne_widget._class_codes import UNKNOWN, hint_of_one, is_class_code, is_missing, is_whole
from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.data.items import described

# Names that a message lists.
MAX_NAMES = 20
# Distinct labels of as many samples are likely file names.
MIN_DISTINCT = 20

_CHOOSE = (
    "choose one with label=, a key, an index or a function such as lambda sample: sample[1][0], or "
    "pass label=None for a map without labels"
)


class FoundNames:
    """Class names that are collected from the labels of a model without logits.

    The codes are given in order of arrival; :meth:`settle` sorts the names.
    """

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._has_numbers = False

    def codes(self, labels: Sequence[Any], ids: Sequence[int]) -> NDArray[np.int64] | None:
        """(m,) codes of labels that are names; None if they are numbers.

        Raises
        ------
        InvalidInputError
            If some labels are names and others numbers.
        """
        known = [label for label in labels if not is_missing(label)]
        names = [label for label in known if isinstance(label, (str, bytes))]
        self._has_numbers = self._has_numbers or len(names) < len(known)
        if self._has_numbers and (names or self._codes):
            name = _text(names[0]) if names else next(iter(self._codes))
            raise InvalidInputError(
                f"some labels are names, such as {name!r}, and others numbers (batch of ids "
                f"{ids[0]} …); return one kind, or pass class_names for both"
            )
        if not names:
            return None
        codes = [UNKNOWN if is_missing(label) else self._code(_text(label)) for label in labels]
        return np.array(codes, dtype=np.int64)

    def _code(self, name: str) -> int:
        return self._codes.setdefault(name, len(self._codes))

    def settle(
        self, codes: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], tuple[str, ...]] | None:
        """The codes for the sorted names, and these names; None if no name was found.

        Raises
        ------
        InvalidInputError
            If each of many samples has a name of its own.
        """
        if not self._codes or codes is None:
            return None
        if len(self._codes) == len(codes) >= MIN_DISTINCT:
            first = next(iter(self._codes))
            raise InvalidInputError(
                f"each of the {len(codes)} labels differs from all others, the first is {first!r}: "
                "they are likely no classes; name the label with label=, or pass label=None"
            )
        numeric = all(name.isdecimal() for name in self._codes)
        names = sorted(self._codes, key=int if numeric else None)
        order = np.full(len(names) + 1, UNKNOWN, dtype=np.int64)  # the last is for −1
        for code, name in enumerate(names):
            order[self._codes[name]] = code
        return order[codes], tuple(names)


def label_codes(
    labels: Any,
    ids: Sequence[int],
    class_names: Sequence[str] | None,
    found: FoundNames | None = None,
) -> NDArray[np.int64]:
    """(m,) int64 class codes, −1 for None and pandas' NA.

    Parameters
    ----------
    labels : list of int, str or None, or a tensor or array (m,), (m, 1) or one-hot (m, c)
    ids : sequence of m int
        For messages.
    class_names : sequence of str or None
        They convert strings to codes, and bound the codes.
    found : FoundNames, optional
        Takes the names in the labels if there are no class names.

    Raises
    ------
    InvalidInputError
        If labels are not whole numbers, not in ``class_names``, or outside 0 … c − 1, or if a
        sample has several.
    """
    if class_names is None and found is not None and not _is_numeric(labels):
        codes = found.codes(_as_list(labels), ids)
        if codes is not None and len(codes) == len(ids):
            return codes
    values = _as_numbers(labels, ids, class_names)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and len(values) == len(ids):
        values = _from_one_hot(values, ids, labels, class_names)
    if values.ndim != 1 or len(values) != len(ids):
        raise InvalidInputError(
            f"labels have shape {values.shape} for {len(ids)} samples (ids {ids[0]} …); "
            f"each sample needs one class code; {_CHOOSE}"
        )
    whole = is_whole(values)
    if not whole.all():
        raise InvalidInputError(
            f"label {values[~whole][0]} of sample {ids[int(np.argmin(whole))]} is not a whole "
            "number; labels are class codes 0 … c - 1, unknown ones -1 or None; for a map without "
            "labels pass label=None"
        )
    codes = values.astype(np.int64)
    classes = None if class_names is None else len(class_names)
    valid = is_class_code(codes, classes)
    if not valid.all():
        bound = "0 …" if classes is None else f"0 … {classes - 1} for {classes} classes"
        raise InvalidInputError(
            f"label {codes[~valid][0]} of sample {ids[int(np.argmin(valid))]} must be {bound}, "
            "or -1 for unknown; correct the labels, pass class_names for all classes, or name "
            "another item with label=" + hint_of_one(codes, classes)
        )
    return codes


def _is_numeric(labels: Any) -> bool:
    return isinstance(labels, Tensor) or (
        isinstance(labels, np.ndarray) and labels.dtype.kind in "iufb"
    )


def _as_list(labels: Any) -> list[Any]:
    return list(labels.tolist() if isinstance(labels, np.ndarray) else labels)


def _as_numbers(labels: Any, ids: Sequence[int], class_names: Sequence[str] | None) -> NDArray[Any]:
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
        return np.asarray(labels.float() if labels.dtype == torch.bfloat16 else labels)
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "iufb":
        return labels
    if isinstance(labels, Mapping) or any(isinstance(label, Mapping) for label in labels):
        raise InvalidInputError(
            f"labels of the batch of ids {ids[0]} … are dictionaries, {described(labels)}; "
            f"{_CHOOSE}"
        )
    listed = _as_list(labels)
    _check_names(listed, ids, class_names)
    codes_of = {name: code for code, name in enumerate(class_names or ())}
    has_names = any(isinstance(label, (str, bytes)) for label in listed)
    codes = [_as_number(label, codes_of, has_names=has_names) for label in listed]
    try:
        values = np.asarray(codes)
    except ValueError as error:  # one-hot rows of different lengths, or mixed with codes
        raise InvalidInputError(
            f"labels of the batch of ids {ids[0]} … differ in shape: some samples have several; "
            f"{_CHOOSE}"
        ) from error
    if values.dtype.kind not in "iufb":
        raise InvalidInputError(
            f"labels must be class codes or names, got {described(listed[0])} "
            f"in the batch of ids {ids[0]} …; name another item with label=, or pass label=None"
        )
    return values


def _as_number(label: Any, codes_of: Mapping[str, int], *, has_names: bool) -> Any:
    if isinstance(label, Tensor):
        return label.detach().cpu().numpy()
    if isinstance(label, (str, bytes)):
        return codes_of[_text(label)]
    if isinstance(label, float) and not has_names:  # NaN is no class code, and its error says so
        return label
    return UNKNOWN if is_missing(label) else label


def _check_names(
    labels: Sequence[Any], ids: Sequence[int], class_names: Sequence[str] | None
) -> None:
    """Raise InvalidInputError, with the complete remedy, if a label is a name without a code."""
    names = [_text(label) for label in labels if isinstance(label, (str, bytes))]
    absent = [name for name in dict.fromkeys(names) if name not in (class_names or ())]
    if not absent:
        return
    listed = ", ".join(map(repr, absent[:5])) + (" …" if len(absent) > 5 else "")
    known = sorted(set(names))
    c = None if class_names is None else len(class_names)
    complete = len(known) == c
    example = ", ".join(map(repr, known[:MAX_NAMES])) + ("" if complete else ", …")
    if class_names is None or tuple(class_names) == tuple(map(str, range(len(class_names)))):
        outputs = "outputs" if c is None else f"{c} outputs"
        raise InvalidInputError(
            f"class_names lacks {listed}: the labels are names, and their codes are unknown; pass "
            f"class_names=[{example}] in the order of the model's {outputs}, or label=None for a "
            "map without labels"
        )
    first = next(i for i, label in enumerate(labels) if label in absent or _text(label) in absent)
    raise InvalidInputError(
        f"class_names lacks {listed} (label of sample {ids[first]}); correct the label, or pass "
        "class_names with all classes in the order of the model's outputs"
    )


def _from_one_hot(
    values: NDArray[Any], ids: Sequence[int], labels: Any, class_names: Sequence[str] | None
) -> NDArray[Any]:
    width = values.shape[1]
    is_list = isinstance(labels, (list, tuple)) and isinstance(labels[0], (list, tuple))
    has_other_width = class_names is not None and width != len(class_names)
    if has_other_width or (is_list and (isinstance(labels[0], tuple) or class_names is None)):
        classes = "" if class_names is None else f" for {len(class_names)} classes"
        raise InvalidInputError(
            f"the label of sample {ids[0]} has shape ({width},) but is not one-hot{classes}: it "
            f"has {width} labels; {_CHOOSE}"
        )
    is_one_hot = np.isin(values, (0, 1)).all(axis=1) & (values.sum(axis=1) == 1)
    if not is_one_hot.all():
        raise InvalidInputError(
            f"the label of sample {ids[int(np.argmin(is_one_hot))]} has shape "
            f"({width},) but is not one-hot; each sample needs one class code; {_CHOOSE}"
        )
    codes: NDArray[np.int64] = np.argmax(values, axis=1)
    return codes


def _text(name: str | bytes) -> str:
    return str(name) if isinstance(name, str) else name.decode("utf-8", "replace")
