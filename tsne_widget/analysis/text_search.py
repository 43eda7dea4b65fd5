"""Search for samples by their id, path and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import fold
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Characters of a search: longer than any word and most file names.
MAX_TEXT = 200
_ID = re.compile(r"#?(\d{1,18})", re.ASCII)  # an int64 holds 18 digits


def matching_rows(feature_set: FeatureSet, text: str) -> NDArray[np.int64]:
    """Rows whose path, label or prediction contains a text, or whose id it is.

    Parameters
    ----------
    feature_set : FeatureSet
        n samples.
    text : str
        1 … 200 characters without surrounding blanks. Case and accents do not matter: "Creme"
        finds "crème". A number also matches an id; ``#12`` matches only the id 12.

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
    >>> matching_rows(record, "Cat")
    array([0, 2])
    """
    wanted = text.strip() if isinstance(text, str) else ""
    if not 1 <= len(wanted) <= MAX_TEXT:
        raise InvalidInputError(
            f"text must have 1 … {MAX_TEXT} characters, got {text!r:.50}; pass part of a name"
        )
    number = _ID.fullmatch(wanted)
    found = np.zeros(len(feature_set), dtype=bool)
    if number:
        found |= feature_set.ids == int(number[1])
    if wanted.startswith("#") and number:
        return np.flatnonzero(found)
    folded = fold(wanted)
    if not folded:  # accents without letters
        return np.flatnonzero(found)
    named = _contain(folded, feature_set.class_names)
    for codes in (feature_set.labels, feature_set.predictions):
        if codes is not None and named.any():
            found |= (codes >= 0) & named[codes]
    if feature_set.paths is not None:
        found |= _contain(folded, feature_set.paths)
    return np.flatnonzero(found)


def _contain(folded: str, texts: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) bool: the folded text is part of each text."""
    return np.fromiter((folded in fold(text) for text in texts), bool, len(texts))
