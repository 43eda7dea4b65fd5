"""Tensors inside tuples, lists, mappings and dataclasses, and the paths to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

Step = int | str
Path = tuple[Step, ...]


def tensors_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """All tensors in a value, nested to any depth, each with its path of indices and names."""
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from tensors_in(item, (*path, key))
    elif is_dataclass(value) and not isinstance(value, type):
        for entry in fields(value):
            yield from tensors_in(getattr(value, entry.name), (*path, entry.name))
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from tensors_in(item, (*path, index))


def item_at(value: Any, path: Path) -> Any:
    """The item that a path of indices, keys and attribute names leads to.

    Raises
    ------
    LookupError, TypeError, AttributeError
        If there is none.
    """
    for step in path:
        if isinstance(step, str) and not isinstance(value, Mapping):
            value = getattr(value, step)
        else:
            value = value[step]
    return value


def path_text(path: Path) -> str:
    """A path as in an expression: "[0]['logits']"; "" for the value itself."""
    return "".join(f"[{step!r}]" for step in path)


def listed(value: Any) -> str:
    """The shapes of all tensors in a value for a message: ": [0] (4, 3), [1] (4, 8)"."""
    found = list(tensors_in(value))
    if not found:
        return ""
    shapes = (f"{path_text(path) or 'itself'} {tuple(tensor.shape)}" for path, tensor in found)
    return ": " + ", ".join(shapes)
