"""Search for samples by their id, path and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import fold, printable
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Characters of a search: longer than any word and most file names.
MAX_TEXT = 200
# Typing errors up to which a class is suggested; fewer in short texts.
MAX_TYPOS = 3
_ID = re.compile(r"(#?)(\d{1,18})", re.ASCII)  # an int64 holds 18 digits
_OF_CLASS = re.compile(r"(label|prediction):\s*(\S.*)", re.IGNORECASE | re.DOTALL)


class Found(NamedTuple):
    """Rows that a search has found."""

    rows: NDArray[np.int64]
    """(k,) int64: rows, ascending."""
    what: str
    """What they have in common, for example "with label cat"."""


def matching_rows(feature_set: FeatureSet, text: str) -> NDArray[np.int64]:
    """Rows that a text names: by a class, an id, or a part of the path or the label.

    The first of these rules that applies decides:

    1. ``#12`` is the sample with the id 12.
    2. The whole name of a class finds the samples with this label; in a record without labels,
       those with this prediction.
    3. ``prediction:cat`` and ``label:cat`` find the samples with this prediction or label. Where no
       class has this name, a part of a name is enough.
    4. Any other text finds the samples whose path or label contains it; a number also matches an
       id.

    Parameters
    ----------
    feature_set : FeatureSet
        n samples.
    text : str
        1 … 200 characters without surrounding blanks. Case and accents do not matter: "Creme"
        finds "crème".

    Returns
    -------
    (k,) int64 array
        Rows, ascending. Time O(n), memory O(n).

    Raises
    ------
    InvalidInputError
        If text is not a str, is blank or is too long.

    Examples
    --------
    >>> record = FeatureSet.from_arrays([[0.0], [1.0], [2.0]], ["cat", "dog", "wildcat"])
    >>> matching_rows(record, "Cat"), matching_rows(record, "wild")
    (array([0]), array([2]))
    """
    return found_by_text(feature_set, text).rows


def found_by_text(feature_set: FeatureSet, text: str) -> Found:
    """Rows that :func:`matching_rows` finds, and which of its rules has found them."""
    wanted = text.strip() if isinstance(text, str) else ""
    if not 1 <= len(wanted) <= MAX_TEXT:
        raise InvalidInputError(
            f"text must have 1 … {MAX_TEXT} characters, got {text!r:.50}; pass part of a name"
        )
    number = _ID.fullmatch(wanted)
    if number and number[1]:
        found = feature_set.ids == int(number[2])
        return Found(np.flatnonzero(found), f"with id {int(number[2])}")
    kind = "label" if feature_set.labels is not None else "prediction"
    named = _with_class(feature_set, kind, wanted, is_whole=True)
    of_class, name = _OF_CLASS.fullmatch(wanted), wanted
    if named is None and of_class:
        kind, name = of_class[1].lower(), of_class[2]
        named = _with_class(feature_set, kind, name, is_whole=True) or _with_class(
            feature_set, kind, name, is_whole=False
        )
    if named is not None:
        return named
    found = _containing(feature_set, kind, wanted, number and int(number[2]))
    is_text = not len(found.rows) and number is None
    near = _nearest_name(fold(name), feature_set.class_names) if is_text else ""
    return Found(found.rows, f"{found.what}; did you mean {printable(near)}?") if near else found


def _with_class(feature_set: FeatureSet, kind: str, name: str, *, is_whole: bool) -> Found | None:
    """Rows whose label or prediction has this name; None if no class has it."""
    codes = feature_set.labels if kind == "label" else feature_set.predictions
    folded, names = fold(name), feature_set.class_names
    if codes is None or not folded:
        return None
    matches = [folded == one if is_whole else folded in one for one in map(fold, names)]
    if not any(matches):
        return None
    first = printable(names[matches.index(True)])
    what = f"with {kind} {first}" if is_whole else f"with “{printable(name)}” in {kind}"
    return Found(np.flatnonzero((codes >= 0) & np.array(matches)[codes]), what)


def _containing(feature_set: FeatureSet, kind: str, text: str, number: int | None) -> Found:
    """Rows whose path or class contains a text, or whose id is the number."""
    found = np.zeros(len(feature_set), dtype=bool)
    places = []
    folded = fold(text)
    if feature_set.paths is not None:
        places.append("path")
        if folded:  # else accents without letters
            found |= _contain(folded, feature_set.paths)
    codes = feature_set.labels if kind == "label" else feature_set.predictions
    if codes is not None:
        places.append(kind)
        if folded:
            found |= (codes >= 0) & _contain(folded, feature_set.class_names)[codes]
    if number is not None:
        places.append("id")
        found |= feature_set.ids == number
    where = " or ".join(places) or "id"
    return Found(np.flatnonzero(found), f"with “{printable(text)}” in {where}")


def _nearest_name(folded: str, names: Sequence[str]) -> str:
    """The first of the names that are nearest to a misspelt one; "" if none is near."""
    if not folded:
        return ""
    limit = min(MAX_TYPOS, max(1, len(folded) // 3))
    near = [(_typos(folded, fold(name), limit), name) for name in names]
    typos, name = min(near, key=lambda pair: pair[0], default=(limit + 1, ""))
    return name if typos <= limit else ""


def _typos(text: str, other: str, limit: int) -> int:
    """Letters added, left out, replaced or swapped with the next one; beyond the limit, any more.

    The optimal string alignment distance.
    """
    if abs(len(text) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(text):
        last, row, before = before, [i + 1], row
        for j, others in enumerate(other):
            costs = [before[j + 1] + 1, row[j] + 1, before[j] + (letter != others)]
            if i and j and letter == other[j - 1] and text[i - 1] == others:
                costs.append(last[j - 1] + 1)
            row.append(min(costs))
    return row[-1]


def _contain(folded: str, texts: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) bool: the folded text is part of each text."""
    return np.fromiter((folded in fold(text) for text in texts), bool, len(texts))
