"""What an item of a sample is: a picture, a vector, a class code, a name, a path, …."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

# "photos/7", "7.png"
_PATH = re.compile(r"[/\\]|\.[A-Za-z]\w{1,4}$")
# Items of a long tuple or dictionary that a message lists.
MAX_LISTED = 8

# Kinds that can be the label of one sample.
CODES = ("code", "name")


def kind_of(item: Any) -> str:
    """The kind of an item of one sample.

    Returns
    -------
    {"picture", "vector", "code", "number", "name", "path", "none", "mapping", "nested", "other"}
        A picture is a PIL image, or an array of at least two dimensions. A code is a whole number,
        a number has a fraction. A tuple or list is nested.
    """
    if isinstance(item, (Tensor, np.ndarray, np.generic)):
        return _kind_of_array(item)
    if isinstance(item, int):
        return "code"
    if item is None or type(item).__name__ in ("NAType", "NaTType"):
        return "none"
    if isinstance(item, float):
        return "code" if item.is_integer() else "number"
    if isinstance(item, os.PathLike):
        return "path"
    if isinstance(item, (str, bytes)):
        text = item if isinstance(item, str) else item[:200].decode("utf-8", "replace")
        return "path" if _PATH.search(text) or len(text) > 200 else "name"
    if isinstance(item, Mapping):
        return "mapping"
    if isinstance(item, (tuple, list)):
        return "nested"
    if _is_array(item):
        return _kind_of_array(item)
    return "picture" if is_pil(item) else "other"


def is_pil(item: Any) -> bool:
    """Whether an item has the methods of a PIL image."""
    return hasattr(item, "getbands") and hasattr(item, "convert")


def of_one_sample(item: Any, *, batched: bool) -> Any:
    """The part of a batch's item that belongs to its first sample; the item itself if not batched.

    A list of tensors is one item for each sample, unless the tensors differ in their number of
    dimensions: these are the collated items of a tuple.
    """
    if not batched:
        return item
    if isinstance(item, (Tensor, np.ndarray)) or _is_array(item):
        return item[0] if item.ndim and len(item) else item
    if isinstance(item, (tuple, list)) and item and not is_collated_tuple(item):
        return item[0]
    return item


def is_collated_tuple(item: Any) -> bool:
    """Whether an item of a batch holds the collated items of a tuple, not one for each sample."""
    if not isinstance(item, (tuple, list)) or not item:
        return False
    ndims = {value.ndim if isinstance(value, Tensor) else None for value in item}
    if not ndims - {None}:
        return False
    return len(ndims) > 1 or min(n for n in ndims if n is not None) > 3


def described(item: Any, *, batched: bool = False) -> str:
    """A short text: "(int, float32 (3, 8, 8), str 'a.png')"."""
    if type(item).__name__ in ("NAType", "NoneType"):
        return "None"
    if isinstance(item, (Tensor, np.ndarray)) or _is_array(item):
        dtype = str(item.dtype).removeprefix("torch.")
        return f"{dtype} {tuple(item.shape)}" if item.ndim else f"{dtype} number"
    if isinstance(item, Mapping):
        return "a dictionary with the keys " + _listed(repr(key) for key in item)
    if isinstance(item, (tuple, list)):
        if batched and not is_collated_tuple(item) and len(item) > MAX_LISTED:
            return f"{type(item).__name__} of {described(item[0])}"
        return f"({_listed(described(part) for part in item)})"
    if isinstance(item, str):
        return f"str {item[:40]!r}"
    return type(item).__name__


def looks_like_batch(image: Any, label: Any) -> bool:
    """Whether the picture and the label of one "sample" are those of a ready batch.

    Each of the m pictures then has one of m labels, and the labels are not one-hot.
    """
    ndim = getattr(image, "ndim", 0)
    if ndim not in (2, 4, 5) or not isinstance(label, (Tensor, np.ndarray, list, tuple)):
        return False
    if isinstance(label, (Tensor, np.ndarray)):
        if label.ndim != 1 or len(label) != len(image):
            return False
        values = label.tolist()
    else:
        values = list(label)
        if len(values) != len(image) or any(kind_of(value) not in CODES for value in values):
            return False
    return not (set(values) <= {0, 1} and sum(map(int, values)) == 1 and len(values) > 1)


def _is_array(item: Any) -> bool:
    return all(hasattr(item, name) for name in ("shape", "dtype", "ndim", "__getitem__"))


def _kind_of_array(item: Any) -> str:
    is_number = isinstance(item, Tensor) or np.dtype(item.dtype).kind in "iufb"
    if not is_number:
        return kind_of(item.item()) if item.ndim == 0 else "nested"
    if item.ndim >= 2:
        return "picture"
    if item.ndim == 1:
        floats = item.is_floating_point() if isinstance(item, Tensor) else item.dtype.kind == "f"
        return "code" if len(item) == 1 and not floats else "vector"
    return kind_of(item.item())


def _listed(texts: Any) -> str:
    shown = list(texts)
    more = " …" if len(shown) > MAX_LISTED else ""
    return ", ".join(shown[:MAX_LISTED]) + more
