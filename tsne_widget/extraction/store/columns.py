"""What a dataset holds for each sample: arrays, lists, frames and the columns inside them.

A column can be exchanged in a twin of the dataset, a shallow copy whose other attributes are the
same objects. The user's dataset is never changed.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
from torch import Tensor, nn

from tsne_widget._datasets import MAX_WRAPPED

MAX_FIELDS = 64  # columns inside one list of tuples

_SCALARS = (str, bytes, int, float, np.generic, PurePath, type(None))

Put = Callable[[Any], Any]


@dataclass(frozen=True)
class Holder:
    """An object that holds columns: the dataset, or one inside it.

    Attributes
    ----------
    value : object
    rebuild : callable
        A twin of the whole dataset that has another object in place of ``value``.
    """

    value: Any
    rebuild: Put


@dataclass(frozen=True)
class Column:
    """One value for each sample of its holder.

    Attributes
    ----------
    name : str
        Attribute and, inside a container, key or number: "samples[1]".
    values : sequence, array or tensor
    attribute : str
        Empty if the holder itself is the container.
    put : callable
        The attribute with other values in place of this column's.
    """

    name: str
    values: Any
    attribute: str
    put: Put

    def twin(self, holder: Holder, values: Any) -> Any:
        """The whole dataset with other values in this column.

        Raises
        ------
        TypeError
            If the holder cannot be copied safely.
        """
        new = self.put(values)
        return holder.rebuild(_twin(holder.value, self.attribute, new) if self.attribute else new)


def holders_of(dataset: Any) -> Iterator[Holder]:
    """The dataset, then the datasets inside it, breadth first."""
    waiting = deque([Holder(dataset, lambda new: new)])
    seen: set[int] = set()
    for _ in range(MAX_WRAPPED):
        if not waiting:
            return
        holder = waiting.popleft()
        if id(holder.value) in seen:
            continue
        seen.add(id(holder.value))
        yield holder
        waiting.extend(_inner(holder))


def attributes_of(value: Any) -> dict[str, Any]:
    """The attributes of an instance; none for containers and arrays."""
    if isinstance(value, (Tensor, np.ndarray)) or hasattr(value, "iloc"):
        return {}
    found = getattr(value, "__dict__", None)
    return dict(found) if isinstance(found, dict) else {}


def columns_of(value: Any) -> list[Column]:
    """The columns that an object holds itself, not those of datasets inside it."""
    n = length_of(value)
    columns: list[Column] = []
    if n is None or n == 0:
        return columns
    if is_container(value):
        columns += _split("", value, n, "")
    seen: set[int] = set()  # ``samples`` and ``imgs`` of an ImageFolder are one list
    for attribute, inner in attributes_of(value).items():
        if id(inner) not in seen:
            columns += _split(attribute, inner, n, attribute) or _loose(attribute, inner, n)
        seen.add(id(inner))
    return columns


def _loose(name: str, value: Any, n: int) -> list[Column]:
    """The columns of arrays, frames and longer lists, where row i is not sample i."""
    own = length_of(value)
    if isinstance(value, (dict, str, bytes)) or not is_container(value):
        return []
    if own is None:  # an array without an axis
        return [Column(name, value, name, lambda new: new)]
    if own == 0 or (isinstance(value, (list, tuple)) and own <= n):
        return []
    return _split(name, value, own, name)


def is_container(value: Any) -> bool:
    """Whether a value may hold one entry for each sample."""
    kinds = (list, tuple, dict, np.ndarray, Tensor)
    return isinstance(value, kinds) or (hasattr(value, "iloc") and hasattr(value, "to_numpy"))


def is_table(value: Any) -> bool:
    """Whether a value is an Arrow table; this does not import pyarrow."""
    return all(hasattr(value, name) for name in ("column_names", "set_column", "num_rows"))


def length_of(value: Any) -> int | None:
    """``len(value)``, or None without one."""
    try:
        return len(value)
    except Exception:  # a dataset without a length, or a tensor without an axis
        return None


def _split(name: str, value: Any, n: int, attribute: str) -> list[Column]:
    """The columns in a container; none if it has not one entry for each sample."""
    if not is_container(value):
        return []
    if hasattr(value, "iloc"):
        return _split_frame(name, value, n, attribute)
    if isinstance(value, dict):
        keys = [key for key, inner in value.items() if _is_long(inner, n)]
        if not keys and len(value) == n:
            return _split_mapping(name, value, attribute)
        return [_field(name, value, key, attribute) for key in keys]
    if isinstance(value, tuple) and value and all(_is_long(inner, n) for inner in value):
        return [_field(name, value, number, attribute) for number in range(len(value))]
    if length_of(value) != n:
        return []
    if isinstance(value, (list, tuple)):
        return _split_entries(name, value, attribute)
    return [Column(name, value, attribute, lambda new: new)]


def _field(name: str, value: Any, key: Any, attribute: str) -> Column:
    """A column of a dictionary or tuple of columns."""
    return Column(f"{name}[{key!r}]", value[key], attribute, lambda new: _changed(value, key, new))


def _split_mapping(name: str, value: dict[Any, Any], attribute: str) -> list[Column]:
    """The keys and values of a dictionary such as {path: label}; pictures by index are a cache."""
    keys, values = list(value), list(value.values())
    if not isinstance(values[0], _SCALARS):
        return []

    def with_values(new: Any) -> Any:
        return dict(zip(keys, new, strict=True))

    columns = [Column(name, values, attribute, with_values)]
    if isinstance(keys[0], (str, PurePath)):
        columns.append(
            Column(f"{name} keys", keys, attribute, lambda new: dict(zip(new, values, strict=True)))
        )
    return columns


def _split_frame(name: str, frame: Any, n: int, attribute: str) -> list[Column]:
    """The columns of a pandas frame, or a series as one column."""
    if len(frame) != n:
        return []

    def series(old: Any, values: Any) -> Any:
        return type(old)(values, index=old.index, dtype=old.dtype, name=old.name)

    if not hasattr(frame, "columns"):
        return [Column(name, frame.to_numpy(), attribute, lambda new: series(frame, new))]

    def put(number: int) -> Put:
        def changed(values: Any) -> Any:
            copy = frame.copy(deep=False)
            copy.isetitem(number, series(frame.iloc[:, number], values))
            return copy

        return changed

    return [
        Column(f"{name}[{key}]", frame.iloc[:, k].to_numpy(), attribute, put(k))
        for k, key in enumerate(frame.columns)
    ]


def _split_entries(name: str, entries: Sequence[Any], attribute: str) -> list[Column]:
    """The columns of a list of tuples, dictionaries or objects; or the list as one column."""
    kind = type(entries[0])
    fields = _fields(entries[0])
    if not 0 < len(fields) <= MAX_FIELDS or not _are_alike(entries, fields):
        return [Column(name, entries, attribute, type(entries))]
    get: Any = operator.getitem if issubclass(kind, (tuple, list, dict)) else getattr
    parts = {key: [get(entry, key) for entry in entries] for key in fields}

    def put(key: Any) -> Put:
        if kind is tuple:  # a million at once
            return lambda new: [*zip(*{**parts, key: new}.values(), strict=True)]
        return lambda new: [
            _changed(entry, key, value) for entry, value in zip(entries, new, strict=True)
        ]

    return [
        Column(f"{name}[{key!r}]", values, attribute, put(key)) for key, values in parts.items()
    ]


def _are_alike(entries: Sequence[Any], fields: Sequence[Any]) -> bool:
    """Whether all entries have the type and the fields of the first."""
    kind = type(entries[0])
    if set(map(type, entries)) != {kind}:
        return False
    if issubclass(kind, (tuple, list)):
        return set(map(len, entries)) == {len(fields)}
    return all(_fields(entry) == fields for entry in entries)


def _fields(entry: Any) -> Sequence[Any]:
    """The numbers of a tuple, the keys of a dictionary, or the attributes of a plain object."""
    if isinstance(entry, (tuple, list)):
        return range(len(entry))
    if isinstance(entry, dict):
        return list(entry)
    if is_container(entry) or isinstance(entry, _SCALARS) or hasattr(type(entry), "__del__"):
        return ()
    return list(getattr(entry, "__dict__", ()))


def _changed(entry: Any, key: Any, value: Any) -> Any:
    """A copy of an entry with another value in one field."""
    if isinstance(entry, (tuple, list)):
        make = getattr(entry, "_make", type(entry))
        return make([*entry[:key], value, *entry[key + 1 :]])
    if isinstance(entry, dict):
        return {**entry, key: value}
    twin = object.__new__(type(entry))
    twin.__dict__.update(vars(entry))
    twin.__dict__[key] = value
    return twin


def _is_long(value: Any, n: int) -> bool:
    return is_container(value) and length_of(value) == n


def _inner(holder: Holder) -> Iterator[Holder]:
    """The datasets among an object's attributes."""
    for name, value in attributes_of(holder.value).items():
        if is_dataset(value):
            yield Holder(value, _put_inner(holder, name))
        elif are_datasets(value):
            for number, inner in enumerate(value[:MAX_WRAPPED]):
                yield Holder(inner, _put_inner(holder, name, value, number))


def _put_inner(holder: Holder, name: str, several: Any = None, number: int = 0) -> Put:
    """A function that gives the whole dataset with another one in this attribute."""

    def put(new: Any) -> Any:
        value = new if several is None else _changed(several, number, new)
        return holder.rebuild(_twin(holder.value, name, value))

    return put


def are_datasets(value: Any) -> bool:
    """Whether a value is a list of datasets."""
    return isinstance(value, (list, tuple)) and bool(value) and all(map(is_dataset, value[:16]))


def is_dataset(value: Any) -> bool:
    """Whether a value has samples by index and is no plain container."""
    kind = type(value)
    return (
        not is_container(value)
        and not is_table(value)
        and not isinstance(value, (nn.Module, str, bytes, range, Mapping))
        and hasattr(kind, "__getitem__")
        and hasattr(kind, "__len__")
    )


def _twin(value: Any, attribute: str, new: Any) -> Any:
    """A shallow copy with another attribute; its own lists and dictionaries are copies, too.

    Names of one object all get the new one, such as ``samples`` and ``imgs`` of an ImageFolder.
    """
    kind = type(value)
    if not getattr(kind, "__del__", _twin).__module__.startswith((__name__, "datasets.")):
        raise TypeError(f"{kind.__name__} has __del__, which may close what its copies share")
    twin = object.__new__(kind)
    old = vars(value)[attribute]
    for name, inner in vars(value).items():
        if inner is old:
            twin.__dict__[name] = new
        else:
            twin.__dict__[name] = inner.copy() if type(inner) in (dict, list, set) else inner
    return twin
