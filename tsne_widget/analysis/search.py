"""Which samples a word is found in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet


def rows_with_text(feature_set: FeatureSet, text: str) -> NDArray[np.bool_]:
    """(n,) bool: the text is in the sample's path or class names, or is its id.

    Parameters
    ----------
    feature_set : FeatureSet
        Of n samples.
    text : str
        Found whatever its case, anywhere in a path, a label's or a prediction's name. A number,
        also as "#12", is found as an id too.

    Raises
    ------
    InvalidInputError
        If text is blank or no text.

    Examples
    --------
    >>> import numpy as np
    >>> record = FeatureSet.from_arrays(np.eye(3), ["cat", "dog", "cat"], ids=[7, 8, 9])
    >>> rows_with_text(record, "CAT").tolist(), rows_with_text(record, "#8").tolist()
    ([True, False, True], [False, True, False])
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(f"text must be what to look for, got {text!r}")
    wanted = text.strip().casefold()
    found = np.zeros(len(feature_set), dtype=bool)
    named = np.array([wanted in name.casefold() for name in feature_set.class_names], dtype=bool)
    for codes in (feature_set.labels, feature_set.predictions):
        if codes is not None and named.any():
            found |= np.append(named, False)[codes]  # code −1 takes the last
    if feature_set.paths is not None:
        found |= np.array([wanted in path.casefold() for path in feature_set.paths], dtype=bool)
    number = wanted.removeprefix("#")
    if number.isdecimal() and len(number) < 19:  # as many digits as an id may have
        found |= feature_set.ids == int(number)
    return found
