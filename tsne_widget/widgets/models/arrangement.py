"""The order of the gallery: rows sorted by a value and grouped."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.feature_set import FeatureSet

# Maximum number of groups; the last one holds the rest. Their names and sizes take up to 200 kB.
MAX_GROUPS = 2000


class Group(NamedTuple):
    """A heading of the gallery, the number of rows under it, and what they have in common.

    ``label`` and ``prediction`` are class codes; −1 if the rows differ or it is unknown.
    """

    name: str
    size: int
    label: int = -1
    prediction: int = -1


class Arrangement(NamedTuple):
    """Rows in display order.

    Attributes
    ----------
    rows : (k,) int64 array
    groups : list of Group
        In order; their sizes add up to k. Empty without grouping.
    """

    rows: NDArray[np.int64]
    groups: list[Group]


def sorted_rows(
    rows: NDArray[np.int64], values: NDArray[Any] | None, *, descending: bool
) -> NDArray[np.int64]:
    """Rows sorted by their values.

    Parameters
    ----------
    rows : (k,) int64 array, ascending
    values : (n,) array of numbers or None
        Sort keys of all rows, see :func:`sort_key`. Rows with equal values stay in ascending order;
        NaN comes last. None for ascending rows.
    descending : bool
    """
    if values is None:
        return rows[::-1] if descending else rows
    return rows[_sorted(values[rows], descending)]


def grouped(rows: NDArray[np.int64], group_by: str, record: FeatureSet) -> Arrangement:
    """Rows in their order, group by group.

    Parameters
    ----------
    rows : (k,) int64 array
    group_by : "none", "label", "prediction" or "confusion"
        For "confusion", mistakes come first, the most frequent pair before the others, then one
        group of all right rows, then those whose label or prediction is unknown.
    record : FeatureSet
        Has the labels or predictions to group by.
    """
    if group_by == "none" or not len(rows):
        return Arrangement(rows, [])
    places, groups = _groups(rows, group_by, record)
    # numpy sorts 16-bit integers by radix, ten times as fast.
    narrow = places.astype(np.uint16 if len(groups) < 2**16 else np.uint32)
    return Arrangement(rows[np.argsort(narrow, kind="stable")], groups)


def same_pictures(
    rows: NDArray[np.int64], numbers: NDArray[Any], record: FeatureSet
) -> list[Group]:
    """A heading for each group of equal pictures, with the labels that they have.

    Parameters
    ----------
    rows : (k,) int64 array
        Rows in their order, those of one group side by side.
    numbers : (n,) array
        Number of each row's group.
    record : FeatureSet
    """
    starts = np.flatnonzero(np.diff(numbers[rows], prepend=np.nan) != 0)
    if not len(starts) or len(starts) > MAX_GROUPS:
        return []
    sizes = np.diff(starts, append=len(rows))
    if record.labels is None:
        return [Group("same picture", int(size)) for size in sizes]
    names, c = record.class_names, len(record.class_names)
    groups = []
    for part in np.split(_codes(record.labels, rows, c), starts[1:]):
        codes = np.unique(part)
        label = _known(codes[0], c) if len(codes) == 1 else -1
        groups.append(Group(", ".join(_name(names, code) for code in codes), len(part), label))
    return groups


def sort_key(values: NDArray[Any]) -> NDArray[Any]:
    """(n,) numbers in the order of the values: text alphabetically, missing values as NaN."""
    kind = values.dtype.kind
    if kind in "fiub":
        return values
    if kind in "mM":
        return np.where(np.isnat(values), np.nan, values.astype("i8").astype(float))
    import pandas as pd  # slow to import

    codes, names = pd.factorize(values)
    rank = np.empty(len(names) + 1)
    rank[np.argsort(np.array([str(name) for name in names], dtype=object), kind="stable")] = (
        np.arange(len(names))
    )
    rank[len(names)] = np.nan  # the code −1 of missing values refers to it
    return rank[codes]


def _sorted(chosen: NDArray[Any], descending: bool) -> NDArray[np.int64]:
    """Positions that sort the values: stable, NaN last."""
    known, unknown = np.arange(len(chosen)), np.empty(0, dtype=np.int64)
    if chosen.dtype.kind == "f":
        missing = np.isnan(chosen)
        if missing.any():
            known, unknown = np.flatnonzero(~missing), np.flatnonzero(missing)
            chosen = chosen[known]
    if descending:  # reversed twice, so that the sort stays stable
        order = len(chosen) - 1 - np.argsort(chosen[::-1], kind="stable")[::-1]
    else:
        order = np.argsort(chosen, kind="stable")
    return np.concatenate([known[order], unknown])


def _groups(
    rows: NDArray[np.int64], group_by: str, record: FeatureSet
) -> tuple[NDArray[np.int64], list[Group]]:
    """Index of each row's group, and the groups."""
    names, c = record.class_names, len(record.class_names)
    labels = _codes(record.labels, rows, c)
    predictions = _codes(record.predictions, rows, c)
    if group_by == "confusion":
        # Right rows are one group, under the number after those of all pairs.
        all_right = (c + 1) ** 2
        is_right = (labels == predictions) & (labels < c)
        pairs = np.where(is_right, all_right, labels * (c + 1) + predictions)
        pair, inverse, counts = _unique(pairs, all_right + 1)
        label, prediction = pair // (c + 1), pair % (c + 1)
        right = pair == all_right
        is_mistake = ~right & (label < c) & (prediction < c)
        order = np.lexsort([pair, -counts, np.where(is_mistake, 0, np.where(right, 1, 2))])
        heads = [
            Group("right", 0) if right[i] else
            Group(f"{_name(names, label[i])} → {_name(names, prediction[i])}", 0,
                  _known(label[i], c), _known(prediction[i], c))
            for i in order[:MAX_GROUPS]
        ]  # fmt: skip
    else:
        codes = labels if group_by == "label" else predictions
        code, inverse, counts = _unique(codes, c + 1)
        order = np.arange(len(code))
        arrow = "" if group_by == "label" else "→ "
        heads = [
            Group(arrow + _name(names, i), 0, **{group_by: _known(i, c)}) for i in code[:MAX_GROUPS]
        ]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    sizes = counts[order].tolist()
    if len(sizes) > MAX_GROUPS:
        rest = len(sizes) - MAX_GROUPS + 1
        heads[MAX_GROUPS - 1 :] = [Group(f"{rest:,} other groups", 0)]
        sizes[MAX_GROUPS - 1 :] = [sum(sizes[MAX_GROUPS - 1 :])]
        place = np.minimum(place, MAX_GROUPS - 1)
    groups = [head._replace(size=size) for head, size in zip(heads, sizes, strict=True)]
    return place[inverse], groups


def _known(code: int, c: int) -> int:
    return int(code) if code < c else -1


def _codes(codes: NDArray[np.int64] | None, rows: NDArray[np.int64], c: int) -> NDArray[np.int64]:
    """Class of each row; c if it is unknown."""
    if codes is None:
        return np.full(len(rows), c)
    chosen = codes[rows]
    return np.where(chosen < 0, c, chosen)


def _unique(
    codes: NDArray[np.int64], bound: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """As numpy.unique with inverse and counts; by counting if the bound is small."""
    if bound > max(2**16, 4 * len(codes)):
        unique, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
        return unique, inverse, counts
    counts = np.bincount(codes, minlength=bound)
    unique = np.flatnonzero(counts)
    number = np.zeros(bound, dtype=np.int64)
    number[unique] = np.arange(len(unique))
    return unique, number[codes], counts[unique]


def _name(names: tuple[str, ...], code: int) -> str:
    return printable(names[code]) if code < len(names) else "unknown"
