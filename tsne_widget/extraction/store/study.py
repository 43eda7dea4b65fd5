"""What the samples of a dataset depend on: which of its columns are labels, and which pictures.

A column is a label if other values in it change the labels of a few samples and not their pictures.
This is tried on a twin of the dataset, see :mod:`tsne_widget.extraction.store.columns`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

from tsne_widget.extraction.store import files
from tsne_widget.extraction.store.arrow import table_columns
from tsne_widget.extraction.store.columns import (
    Column,
    Holder,
    are_datasets,
    attributes_of,
    columns_of,
    holders_of,
    is_dataset,
    is_table,
    length_of,
)
from tsne_widget.extraction.store.digests import (
    add_object,
    digest_of,
    function_state,
    name_of,
    stable_text,
)
from tsne_widget.extraction.store.exchange import exchanged, token, tokens_of

# Columns that are tried; a dataset with more has a frame of which few are labels.
MAX_TRIED = 32
# Share of rows in which a second list of the labels agrees with the first.
DUPLICATE_SHARE = 0.9
# Exchanges that are tried: a function of the labels may map the first ones to the same code.
SHIFTS = (1, 2, 3)
# Entries of a container that are compared before and after a sample is read.
GLANCE = 4096
_CONTENT = "_fingerprint"  # of a dataset of Hugging Face; it changes with any label

Reader = Callable[[Any, int], "Read"]


class Read(NamedTuple):
    """One sample: hashes of the model's inputs and of its label, and the label itself.

    ``is_bare`` is True for a picture that has no room for a label.
    """

    inputs: str
    label: str
    labels: Any = None
    failed: bool = False
    is_bare: bool = False


@dataclass
class Part:
    """One innermost dataset, studied with a few of its samples.

    Attributes
    ----------
    dataset : object
    indices : (m,) int64 array
        The samples of the run in it.
    tried : sequence of int
        The indices of a few of them, which are read.
    """

    dataset: Any
    indices: NDArray[np.int64]
    tried: Sequence[int]
    read: Reader
    holders: list[Holder] = field(init=False)
    columns: list[tuple[Holder, Column]] = field(init=False)
    samples: list[Read] = field(init=False)
    is_steady: bool = field(init=False)
    labels: list[tuple[Holder, Column]] = field(default_factory=list, init=False)
    sources: int = field(default=0, init=False)
    _by_row: set[int] = field(default_factory=set, init=False)
    _left_out: set[int] = field(default_factory=set, init=False)
    _moving: set[tuple[int, str]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.holders = list(holders_of(self.dataset))
        before = self._glances()
        base = [self.read(self.dataset, index) for index in self.tried]
        again = [self.read(self.dataset, index) for index in self.tried[:1]]
        after = self._glances()
        self._moving = {key for key, text in after.items() if before.get(key) != text}
        self.columns = [
            (holder, column)
            for holder in self.holders
            for column in _columns_of(holder.value)
            if (id(holder.value), column.attribute) not in self._moving
        ]
        self.samples = base
        self.is_steady = all(a[:2] == b[:2] for a, b in zip(again, base, strict=False))
        good = {
            index: sample
            for index, sample in zip(self.tried, base, strict=True)
            if not sample.failed
        }
        if good and self.is_steady:
            for holder, column in self.columns[:MAX_TRIED]:
                self._try(holder, column, good)
            self._leave_out_duplicates()

    @property
    def is_traced(self) -> bool:
        """Whether it is known which columns the labels come from."""
        return self.sources > 0

    def picture_columns(self) -> list[tuple[Holder, Column]]:
        """The columns that are neither labels nor a cache of pictures."""
        return [(h, c) for h, c in self.columns if id(c) not in self._left_out]

    def has_pictures(self) -> bool:
        """Whether some column holds the pictures themselves."""
        return any(_holds_pictures(column.values) for _, column in self.picture_columns())

    def marks(self) -> NDArray[np.uint64]:
        """(m,) hash of what the label of each sample is made of."""
        total = np.full(len(self.indices), 1, np.uint64)
        for _, column in self.labels:
            if id(column) in self._by_row:
                values = _hashes(column.values)[self.indices]
            else:
                values = np.array([int(digest_of(column.values)[:16], 16)], np.uint64)
            total = total * np.uint64(0x9E3779B97F4A7C15) + values
        return total

    def add_rest(self, digest: Any, *, with_pictures: bool) -> None:
        """Add everything to the hash that labels may depend on, and that is no column of labels."""
        for holder in self.holders:
            add_class(digest, type(holder.value))
            attributes = attributes_of(holder.value)
            own = {id(attributes.get(c.attribute)) for h, c in self.columns if h is holder}
            for name, value in attributes.items():
                moves = (id(holder.value), name) in self._moving
                if id(value) in own or name == _CONTENT or moves or _is_inner(value):
                    continue
                digest.update(name.encode())
                add_object(digest, value)
        for _, column in self.labels:
            digest.update(column.name.encode("utf-8", "surrogatepass"))
        if with_pictures:
            for _, column in self.picture_columns():
                digest.update(digest_of(column.values).encode())

    def _try(self, holder: Holder, column: Column, base: Mapping[int, Read]) -> None:
        """Find out what other values in this column change."""
        if _is_blank_without_change(self, holder, column, base):
            self._left_out.add(id(column))
            return
        unchanged = dict(base)
        same_inputs = True
        try:
            for shift in SHIFTS:
                twin = column.twin(holder, exchanged(column.values, shift))
                for index, before in list(unchanged.items()):
                    now = self.read(twin, index)
                    same_inputs &= now.inputs == before.inputs
                    if now.label != before.label:
                        del unchanged[index]
                    elif not same_inputs or shift == SHIFTS[-1]:
                        return  # pictures, or nothing that a sample shows
                    if now.failed:
                        return
        except Exception:  # it cannot be copied or exchanged, so it may be anything
            return
        self.sources += 1
        if self._is_by_row(holder, column, base):
            self._by_row.add(id(column))
        if same_inputs:
            self.labels.append((holder, column))
            self._left_out.add(id(column))

    def _is_by_row(self, holder: Holder, column: Column, base: Mapping[int, Read]) -> bool:
        """Whether the label of sample i depends on no other value of the column than value i."""
        if holder.value is not self.dataset or length_of(column.values) != length_of(self.dataset):
            return False
        kind = type(column.values)
        others = exchanged(column.values, SHIFTS[0])
        others = list(others) if kind is tuple else others
        for index in base:
            others[index] = column.values[index]
        try:
            twin = column.twin(holder, kind(others) if kind is tuple else others)
            return all(self.read(twin, i).label == before.label for i, before in base.items())
        except Exception:  # it cannot be copied, so it may depend on anything
            return False

    def _leave_out_duplicates(self) -> None:
        """Leave out further lists of the same labels, such as ``targets`` beside ``samples``."""
        for _, label in tuple(self.labels):
            for holder, column in self.columns:
                if id(column) not in self._left_out and _agree(label.values, column.values):
                    self._left_out.add(id(column))
                    self.labels.append((holder, column))
                    if id(label) in self._by_row:
                        self._by_row.add(id(column))

    def _glances(self) -> dict[tuple[int, str], str]:
        """A short hash of each attribute that reading a sample may change."""
        return {
            (id(holder.value), name): _glance(value)
            for holder in self.holders
            for name, value in attributes_of(holder.value).items()
        }


def add_class(digest: Any, kind: type) -> None:
    """Add the code of a class to the hash."""
    for base in kind.__mro__:
        if not base.__module__.startswith(("torch.", "builtins", "typing")):
            digest.update(name_of(base).encode())
            for name, value in vars(base).items():
                inner = getattr(value, "__func__", getattr(value, "fget", value))
                if hasattr(inner, "__code__"):
                    digest.update(f"{name} {function_state(inner)}".encode())


def _columns_of(value: Any) -> list[Column]:
    tables = {name: inner for name, inner in attributes_of(value).items() if is_table(inner)}
    return columns_of(value) + [
        column for name, table in tables.items() for column in table_columns(name, table, name)
    ]


def _is_blank_without_change(
    part: Part, holder: Holder, column: Column, base: Mapping[int, Read]
) -> bool:
    """Whether samples are the same without this column's pictures: then it is a cache."""
    values = column.values
    if not isinstance(values, list) or not (
        values[0] is None or isinstance(values[0], (Tensor, np.ndarray, Image, tuple, list))
    ):
        return False
    try:
        index, before = next(iter(base.items()))
        now = part.read(column.twin(holder, [None] * len(values)), index)
    except Exception:  # it cannot be copied, so it may be anything
        return False
    return not now.failed and now[:2] == before[:2]


def _agree(labels: Any, values: Any) -> bool:
    if length_of(labels) != length_of(values):
        return False
    try:
        rows = files.spread(len(labels), 256)
        pairs = [token(labels[row]) == token(values[row]) for row in rows]
    except (TypeError, KeyError, IndexError):
        return False
    return bool(sum(pairs) >= DUPLICATE_SHARE * len(pairs))


def _holds_pictures(values: Any) -> bool:
    if isinstance(values, (Tensor, np.ndarray)) and values.dtype != object:
        is_float = (
            values.is_floating_point()
            if isinstance(values, Tensor)
            else (values.dtype.kind in "fc")
        )
        return values.ndim > 1 or is_float
    first = next((value for value in values if value is not None), None)
    return isinstance(first, (Tensor, np.ndarray, Image, bytes, list, tuple, float))


def _hashes(values: Any) -> NDArray[np.uint64]:
    """(n,) a number for each value, equal for equal values in any process."""

    def number(key: Any) -> int:
        text = f"{type(key).__name__} {stable_text(key)}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")

    listed = values.tolist() if isinstance(values, (Tensor, np.ndarray)) else values
    tokens = tokens_of(listed)
    known = {key: number(key) for key in set(tokens)}
    return np.fromiter(map(known.__getitem__, tokens), np.uint64, len(tokens))


def _glance(value: Any) -> str:
    n = length_of(value)
    if isinstance(value, (Tensor, np.ndarray)):
        return digest_of(value) if value.nbytes <= GLANCE * 256 else ""
    if n is not None and n > GLANCE:
        return f"{type(value)} {n}"
    digest = hashlib.sha256()
    if not _is_inner(value):
        add_object(digest, value, 2)
    return digest.hexdigest()


def _is_inner(value: Any) -> bool:
    return is_dataset(value) or are_datasets(value)
