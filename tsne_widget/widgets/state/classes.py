"""The classes of a record's rows: their codes and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from operator import index
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import check_name, did_you_mean
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

UNKNOWN = "unknown"
# Name of the group of the classes that are in no other, and the characters of a group's name.
OTHER = "other"
MAX_GROUP_NAME = 80
# Class names that an error message lists.
NAMES_LISTED = 10


class Classes(NamedTuple):
    """Class of each row: the labels, or the predictions where there are no labels.

    Attributes
    ----------
    codes : (n,) int64 array
        Class of each row as an index into ``names``.
    names : list of str
        Names of the g classes, unknown last if a row has no class.
    known : int
        Number of classes that are not "unknown".
    kind : "label", "prediction" or ""
        What the classes are; "" if the record has neither.
    """

    codes: NDArray[np.int64]
    names: list[str]
    known: int
    kind: str

    def codes_of(self, classes: str | int | Sequence[str | int]) -> list[int]:
        """Codes of classes that are given by name or by code.

        Raises
        ------
        InvalidInputError
            If there is no such class.
        """
        is_one = isinstance(classes, str) or getattr(classes, "ndim", 1) == 0
        if is_one or not isinstance(classes, Iterable):
            return [self._code_of(classes)]
        return [self._code_of(given) for given in classes]

    def names_of(self, mask: ArrayLike) -> tuple[str, ...]:
        """Names of the classes of a (g,) bool mask."""
        flags = np.asarray(mask, dtype=bool)
        return tuple(name for name, flag in zip(self.names, flags, strict=True) if flag)

    def accuracies(self, record: FeatureSet) -> NDArray[np.float64]:
        """(g,) float64: accuracy of each class in a record of these rows; NaN where unknown."""
        accuracies = np.full(len(self.names), np.nan)
        if record.labels is None or record.predictions is None:
            return accuracies
        counts = np.bincount(self.codes, minlength=len(self.names))
        wrong = np.bincount(self.codes[record.misclassified], minlength=len(counts))
        judged = (np.arange(len(counts)) < self.known) & (counts > 0)
        accuracies[judged] = 1 - wrong[judged] / counts[judged]
        return accuracies

    def _code_of(self, given: object) -> int:
        if not isinstance(given, (str, bool, np.bool_)) and hasattr(given, "__index__"):
            with suppress(TypeError):  # of an array with several values
                return self._checked(index(given))
        if not isinstance(given, str) or given not in self.names:
            known = ", ".join(self.names[:NAMES_LISTED])
            raise InvalidInputError(
                f"there is no class {given!r}; there are {known}{did_you_mean(given, self.names)}"
            )
        return self.names.index(given)

    def _checked(self, code: int) -> int:
        if not 0 <= code < len(self.names):
            raise InvalidInputError(
                f"there is no class code {code}; codes are 0 … {len(self.names) - 1}"
            )
        return code


def classes_of(feature_set: FeatureSet) -> Classes:
    """The classes of a record's rows."""
    if feature_set.labels is not None:
        codes, kind = feature_set.labels, "label"
    elif feature_set.predictions is not None:
        codes, kind = feature_set.predictions, "prediction"
    else:
        return Classes(np.zeros(len(feature_set), dtype=np.int64), ["all samples"], 1, "")
    names = list(feature_set.class_names)
    known = len(names)
    if (codes < 0).any():
        codes = np.where(codes < 0, known, codes)
        names.append(UNKNOWN if UNKNOWN not in names else f"{UNKNOWN} label")
    return Classes(codes, names, known, kind)


def checked_groups(
    groups: Mapping[str, Sequence[str | int]] | None, classes: Classes
) -> dict[str, list[int]]:
    """Codes of the classes in each group of ``class_groups``.

    Raises
    ------
    InvalidInputError
        If it is no mapping, a name is blank, a group is empty, a class does not exist or is in two
        groups.
    """
    if groups is None:
        return {}
    if not isinstance(groups, Mapping):
        raise InvalidInputError(
            f"class_groups must map names to classes, got {type(groups).__name__}; "
            'pass for example {"animal": ["cat", "dog"]}'
        )
    found: dict[str, list[int]] = {}
    group_of: dict[int, str] = {}
    for name, members in groups.items():
        if check_name("the name of a group", name, MAX_GROUP_NAME) == OTHER:
            raise InvalidInputError(f"class_groups: {OTHER!r} is the name of the remaining classes")
        codes = classes.codes_of(members)
        if not codes:
            raise InvalidInputError(f"class_groups[{name!r}] is empty; name at least one class")
        for code in codes:
            if code >= classes.known:
                raise InvalidInputError(
                    f"class_groups[{name!r}] has the unknown class; leave it out"
                )
            if code in group_of:
                raise InvalidInputError(
                    f"class {classes.names[code]!r} is in class_groups[{group_of[code]!r}] and "
                    f"[{name!r}]; a class can be in one group"
                )
            group_of[code] = name
        found[name] = codes
    return found
