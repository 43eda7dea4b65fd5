"""Checks and casts of a FeatureSet's fields."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._class_codes import (
    MAX_UNNAMED_CLASSES,
    UNKNOWN,
    hint_of_one,
    is_class_code,
    is_whole,
    largest_code,
)
from tsne_widget._class_names import as_class_names
from tsne_widget._probabilities import (
    Outputs,
    outputs_as_logits,
    probabilities_as_logits,
    with_two_columns,
)
from tsne_widget._validation import ROWS_LISTED, row_blocks
from tsne_widget.errors import InvalidInputError

# A memory map is checked in blocks of this many bytes, so that a check never loads it whole.
CHECK_BLOCK_BYTES = 64 * 2**20
ACTIVATIONS = ("auto", "softmax", "sigmoid")


def as_array(name: str, values: Any) -> NDArray[Any]:
    """The values as a numpy array."""
    try:
        return np.asarray(values)
    except Exception as error:  # lists of uneven rows, tensors that numpy cannot convert
        raise InvalidInputError(
            f"{name} cannot be read as an array ({error}); "
            "make all rows the same length, or for a tensor pass tensor.detach().cpu().float()"
        ) from error


def as_features(values: ArrayLike) -> NDArray[np.float32]:
    """(n, d) float32 features, all finite, n and d at least 1."""
    features = as_array("features", values)
    if features.ndim == 0:
        raise InvalidInputError(
            f"features must be an (n, d) array, got {type(values).__name__}; for .npy files use "
            "FeatureSet.from_npy(path), for a model and its data extract(model, dataset)"
        )
    if features.ndim != 2:
        shape = "len(features), -1" if features.ndim > 2 else "-1, 1"
        raise InvalidInputError(
            f"features must have shape (n, d), got {features.shape}; "
            f"pool or flatten them, for example features.reshape({shape})"
        )
    n, d = features.shape
    if n == 0:
        raise InvalidInputError("features have no rows: the dataset is empty")
    if d == 0:
        raise InvalidInputError(f"features have shape ({n}, 0): there is nothing to embed")
    if features.dtype.kind not in "fiub":
        raise InvalidInputError(f"features must be numbers, got dtype {features.dtype}")
    return _as_float32("features", features)


def as_logits(name: str, values: ArrayLike, n: int | None = None) -> NDArray[np.float32]:
    """(n, c) float32 outputs of a classifier, all finite, c at least 1; (n,) is one column."""
    logits = as_array(name, values)
    if logits.ndim == 1:
        logits = logits.reshape(-1, 1)
    if logits.ndim != 2 or logits.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"{name} must be an (n, c) array of numbers, got shape {logits.shape} and dtype "
            f"{logits.dtype}"
        )
    if n is not None:
        check_length(name, len(logits), n)
    if not logits.size:
        raise InvalidInputError(f"{name} have no {'columns' if len(logits) else 'rows'}")
    return _as_float32(name, logits)


def as_outputs(
    values: ArrayLike | None, n: int, class_names: Sequence[str], activation: Any
) -> Outputs:
    """Logits and their activation; probabilities become logits unless the activation is given.

    A single column becomes two, unless there is only one class.
    """
    if activation not in ACTIVATIONS:
        raise InvalidInputError(
            f"activation={activation!r} must be one of {', '.join(map(repr, ACTIVATIONS))}"
        )
    if values is None:
        return Outputs(None, "softmax" if activation == "auto" else activation)
    logits = as_logits("logits", values, n)
    found = outputs_as_logits(logits) if activation == "auto" else Outputs(logits, activation)
    if logits.shape[1] == 1 and len(class_names) != 1 and found.logits is not None:
        found = Outputs(with_two_columns(found.logits), "softmax")
    return found


def as_probabilities(values: ArrayLike) -> Outputs:
    """Probabilities as logits; a single column is the probability of class 1 of two."""
    return probabilities_as_logits(as_logits("probabilities", values))


def as_labels(values: ArrayLike, n: int) -> NDArray[np.int64]:
    """(n,) int64 codes; NaN becomes −1."""
    labels = as_array("labels", values)
    if labels.dtype.kind == "f":
        labels = np.where(np.isnan(labels), UNKNOWN, labels)
    return as_integers("labels", labels, n)


def as_integers(name: str, values: ArrayLike, n: int) -> NDArray[np.int64]:
    """(n,) int64 codes or ids; the values must be whole numbers of any dtype."""
    codes = as_array(name, values)
    if codes.ndim == 2 and codes.shape[1] == 1:
        codes = codes[:, 0]
    if codes.ndim != 1:
        raise InvalidInputError(
            f"{name} must have shape ({n},), got {codes.shape}; "
            "for one-hot rows pass values.argmax(axis=1)"
        )
    check_length(name, len(codes), n)
    if codes.dtype.kind not in "fiub":
        raise InvalidInputError(f"{name} must be integers, got dtype {codes.dtype}")
    bad = codes[~is_whole(codes)]
    if len(bad):
        remedy = "; mark unknown ones as -1" if name == "labels" else ""
        raise InvalidInputError(
            f"{name} must be whole numbers up to {largest_code(codes)}, got {_listed(bad)}{remedy}"
        )
    return codes.astype(np.int64)


def as_ids(values: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """(n,) int64 ids, unique and not negative; None stands for 0 … n − 1."""
    if values is None:
        return np.arange(n)
    ids = as_integers("ids", values, n)
    if ids.min() < 0:
        raise InvalidInputError(f"ids must be 0 or more, got {ids.min()}")
    if len(np.unique(ids)) != n:
        raise InvalidInputError("ids must be unique: each row is one sample of the dataset")
    return ids


def as_paths(paths: Sequence[str | os.PathLike[str]], n: int) -> tuple[str, ...]:
    """n paths as str."""
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise InvalidInputError(f"paths must be a list of paths, got {paths!r}")
    try:
        found = tuple(os.fsdecode(path) for path in paths)
    except TypeError as error:
        raise InvalidInputError(f"paths must be str or PathLike: {error}") from error
    check_length("paths", len(found), n)
    return found


def names_of_classes(
    class_names: Any,
    labels: NDArray[np.int64] | None,
    predictions: NDArray[np.int64] | None,
    logits: NDArray[np.float32] | None,
) -> tuple[str, ...]:
    """The class names, by default "0", "1", …; every code and logit must have one."""
    names = as_class_names(class_names)
    codes = [array for array in (labels, predictions) if array is not None]
    width = 0 if logits is None else logits.shape[1]
    if not names:
        needed = max([width, *(int(array.max()) + 1 for array in codes)])
        if needed > MAX_UNNAMED_CLASSES:
            raise InvalidInputError(
                f"labels go up to {needed - 1}, which implies {needed} classes; "
                f"above {MAX_UNNAMED_CLASSES} pass class_names, or map the codes to 0 … c - 1"
            )
        names = tuple(str(code) for code in range(needed))
    _check_codes("labels", labels, len(names), lowest=UNKNOWN)
    _check_codes("predictions", predictions, len(names), lowest=0)
    if width > len(names):
        raise InvalidInputError(f"logits have {width} columns, but class_names has {len(names)}")
    return names


def read_only(array: NDArray[Any] | None) -> NDArray[Any] | None:
    """A view that cannot be written; the caller's array stays writeable."""
    if array is None or not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def check_length(name: str, length: int, n: int) -> None:
    """Raise InvalidInputError unless a field has one entry per row."""
    if length != n:
        raise InvalidInputError(
            f"{name} has {length} entries, but features has {n} rows; row i must be the same sample"
        )


def _check_codes(name: str, codes: NDArray[np.int64] | None, classes: int, *, lowest: int) -> None:
    if codes is None:
        return
    bad = codes[~is_class_code(codes, classes, lowest=lowest)]
    if len(bad):
        unknown = " or -1 for unknown" if lowest else ""
        raise InvalidInputError(
            f"{name} must be 0 … {classes - 1}{unknown} for {classes} classes, "
            f"but {len(bad)} are not: {_listed(np.unique(bad))}; correct them or class_names"
            + hint_of_one(codes, classes)
        )


def _as_float32(name: str, values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # float64 beyond the range of float32 becomes inf
        matrix = values.astype(np.float32, copy=False)
    bad: NDArray[np.bool_] = np.zeros(len(matrix), dtype=bool)
    for block in row_blocks(len(matrix), CHECK_BLOCK_BYTES // (matrix.shape[1] * 4)):
        bad[block] = ~np.isfinite(matrix[block]).all(axis=1)
        _release_pages(matrix)
    if bad.any():
        rows = np.flatnonzero(bad)
        raise InvalidInputError(
            f"{name} have NaN or infinite values in {len(rows)} of {len(matrix)} rows "
            f"(first rows: {', '.join(map(str, rows[:ROWS_LISTED]))}); "
            "look for float16 overflow or a wrong normalisation, or drop these rows"
        )
    return matrix


def _release_pages(array: Any) -> None:
    """Free the memory that reading a read-only map took; its file still has the values."""
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    if array is not None and array.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # numpy has no API


def _listed(values: NDArray[Any]) -> str:
    return ", ".join(str(value) for value in values[:5]) + (" …" if len(values) > 5 else "")
