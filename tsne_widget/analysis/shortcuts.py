"""Shortcuts: properties that alone tell a class, so that a model need not look at anything else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_codes
from tsne_widget.analysis.contrast import MIN_VALUES
from tsne_widget.analysis.property_values import TRUTH, Property, as_property
from tsne_widget.analysis.property_words import comparison
from tsne_widget.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

# A property tells a class if the area under the ROC curve is at least TELLS, and the area's lower
# confidence bound at least LEAST. Without the bound, chance alone would tell a class of ten.
TELLS, LEAST = 0.9, 0.8
# The bounds of all classes and properties hold together with this probability.
_CONFIDENCE = 0.95
# Classes from which on a column whose values each belong to one class is a copy of the labels, and
# no shortcut.
_COPY = 3


class Shortcut(NamedTuple):
    """The property that tells one class best."""

    label: int
    """Code of the class; −1 for a property that is not tested."""
    name: str = ""
    """Name of the property, "" if none is tested."""
    level: str = ""
    """The value of a category that tells the class, "" for numbers and truth values."""
    is_higher: bool = False
    """Whether the class has higher values, or has the value."""
    auc: float = math.nan
    """Probability that the property ranks a sample of the class before one of the rest, 0.5 … 1."""
    low: float = math.nan
    """Lower bound of ``auc``; all bounds hold together with a probability of 95 %."""
    size: int = 0
    """Samples of the class."""
    lacking: str = ""
    """Why nothing is tested, "" otherwise."""
    is_share: bool = False
    """Whether the property is a truth value or a category."""

    @property
    def tells(self) -> bool:
        """Whether the property tells the class: auc ≥ 0.9, and surely ≥ 0.8."""
        return self.auc >= TELLS and self.low >= LEAST

    @property
    def words(self) -> str:
        """How the class differs, in words: "brighter"."""
        return comparison(self.name, self.is_higher, self.level, is_share=self.is_share)


def shortcuts(columns: Mapping[str, ArrayLike], labels: ArrayLike) -> list[Shortcut]:
    """For each class the property that tells it best from all other classes.

    A property with an AUC of 0.9 or more may be all that a model uses: it is then right on these
    samples for a reason that does not hold elsewhere. The bound of the AUC inverts the standard
    error of Hanley & McNeil 1982, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143, and is corrected for all classes and properties.

    Parameters
    ----------
    columns : mapping of name to (n,) array
        Numbers, truth values or text that do not follow from the label or from a model. NaN and
        None mean unknown.
    labels : (n,) array of int
        Class codes; −1 means unknown.

    Returns
    -------
    list of Shortcut
        One per class that occurs, the best told first; then classes with fewer than 5 samples and
        columns that cannot be tested, each with the reason. Time O(n log n) per column, memory
        O(n).

    Raises
    ------
    InvalidInputError
        If a column has another length than the labels.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1, 2], 100)
    >>> brightness = np.where(labels == 1, 0.8, 0.4) + np.arange(300) % 7 / 100
    >>> best = shortcuts({"brightness": brightness}, labels)[0]
    >>> best.label, best.words, best.auc, best.tells
    (1, 'brighter', 1.0, True)
    """
    codes = as_codes("labels", labels)
    rows = np.flatnonzero(codes >= 0)
    codes = codes[rows]
    counts = np.bincount(codes) if len(codes) else np.zeros(0, dtype=np.int64)
    found: list[Shortcut] = []
    tables: list[_Table] = []
    for name, column in columns.items():
        values = np.asarray(column)
        if values.shape != np.shape(labels):
            raise InvalidInputError(
                f"column {name!r} must have shape {np.shape(labels)}, got {values.shape}"
            )
        given = as_property(values, rows)
        lacking = given.lacking or _is_copy(given, codes)
        if lacking:
            found.append(Shortcut(-1, name, lacking=lacking))
        else:
            tables += _tables(name, given, codes, len(counts))
    return _best(tables, counts) + found


class _Table(NamedTuple):
    """AUC of one property, or of one value of a category, for each class."""

    name: str
    level: str
    auc: NDArray[np.float64]
    m: NDArray[np.int64]
    n: NDArray[np.int64]
    is_share: bool = False


def _tables(name: str, given: Property, codes: NDArray[np.int64], c: int) -> list[_Table]:
    known, values = codes[given.known], given.values[given.known]
    m = np.bincount(known, minlength=c)
    n = m.sum() - m
    pairs = np.maximum(m * n, 1)
    if not given.levels:
        sums = np.bincount(known, _ranks(values), c)
        return [_Table(name, "", (sums - m * (m + 1) / 2) / pairs, m, n)]
    having = np.zeros((len(given.levels), c))
    np.add.at(having, (values, known), 1)
    rest = having.sum(axis=1, keepdims=True) - having
    auc = 0.5 + 0.5 * (having / np.maximum(m, 1) - rest / np.maximum(n, 1))
    if given.levels is TRUTH:
        return [_Table(name, "", auc[1], m, n, True)]
    return [_Table(name, level, auc[k], m, n, True) for k, level in enumerate(given.levels)]


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 1, the mean rank for ties."""
    order = np.argsort(values)
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = np.diff(values[order]) != 0
    starts = np.flatnonzero(is_new)
    sizes = np.diff(starts, append=len(order))
    ranks = np.empty(len(order))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def _best(tables: list[_Table], counts: NDArray[np.int64]) -> list[Shortcut]:
    """The best property of each class, the best told class first."""
    occurring = np.flatnonzero(counts)
    if not tables:
        return [Shortcut(int(k), size=int(counts[k]), lacking="no property") for k in occurring]
    auc, m, n = (np.stack(part) for part in list(zip(*tables, strict=True))[2:5])
    tested = (m >= MIN_VALUES) & (n >= MIN_VALUES)
    strength = np.where(tested, np.maximum(auc, 1 - auc), -1.0)
    low = _lower_bounds(strength, m, n, int(tested.sum()))
    found = []
    for k in occurring:
        at = int(np.lexsort((low[:, k], strength[:, k]))[-1])
        size = int(counts[k])
        if not tested[at, k]:
            found.append(Shortcut(int(k), size=size, lacking=_too_few(size)))
            continue
        one, is_higher = tables[at], bool(auc[at, k] > 0.5)
        values = float(strength[at, k]), float(low[at, k]), size
        found.append(
            Shortcut(int(k), one.name, one.level, is_higher, *values, is_share=one.is_share)
        )
    return sorted(found, key=lambda one: (bool(one.lacking), -one.auc if one.auc > 0 else 0))


def _too_few(size: int) -> str:
    return f"too few: {size} samples, or few known values; {MIN_VALUES} are needed"


def _lower_bounds(
    auc: NDArray[np.float64], m: NDArray[np.int64], n: NDArray[np.int64], tests: int
) -> NDArray[np.float64]:
    """The AUC below 0.5 … 1 at which the measured one would just be too high."""
    z = NormalDist().inv_cdf(1 - (1 - _CONFIDENCE) / 2 / max(tests, 1))
    pairs = np.maximum(m * n, 1)
    low, high = np.zeros(auc.shape), np.maximum(auc, 0)
    for _ in range(30):
        a = (low + high) / 2
        two_rest, two_mine = 2 * a**2 / (1 + a), a / (2 - a)
        spread = a * (1 - a) + (m - 1) * (two_mine - a**2) + (n - 1) * (two_rest - a**2)
        is_possible = auc - a <= z * np.sqrt(np.maximum(spread, 0) / pairs)
        high, low = np.where(is_possible, a, high), np.where(is_possible, low, a)
    return np.asarray(low)


def _is_copy(given: Property, codes: NDArray[np.int64]) -> str:
    """Why a column that repeats the labels is left out; "" if it does not."""
    known, values = codes[given.known], given.values[given.known]
    classes = np.unique(known)
    if len(classes) < _COPY:
        return ""
    _, place = np.unique(values, return_inverse=True)
    if not given.levels and place.max() >= len(classes) * 20:
        return ""  # numbers that vary within the classes
    pairs = np.unique(place.astype(np.int64) * (classes[-1] + 1) + known)
    if len(pairs) > place.max() + 1:
        return ""
    return "a copy of the label: each of its values belongs to one class"


def shortcuts_frame(found: list[Shortcut], class_names: Sequence[str]) -> pd.DataFrame:
    """The result of :func:`shortcuts` as a DataFrame, one row per class.

    Time O(1) and memory O(1) per class.

    Parameters
    ----------
    found : list of Shortcut
    class_names : sequence of c str

    Returns
    -------
    pandas.DataFrame

        | column | dtype | content |
        |---|---|---|
        | label_name | string | the class; NA for a property that is not tested |
        | property | string | the property that tells the class best |
        | value | string | the value of a category, "" for numbers |
        | direction | string | how the class differs, in words |
        | auc, auc_low | float64 | area under the ROC curve, and its lower bound |
        | is_shortcut | bool | whether auc ≥ 0.9 and auc_low ≥ 0.8 |
        | count | int64 | samples of the class |
        | note | string | why nothing is tested, "" otherwise |
    """
    import pandas as pd

    names = [*class_names, None]
    columns: dict[str, list[Any]] = {
        "label_name": [names[one.label] for one in found],
        "property": [one.name for one in found],
        "value": [one.level for one in found],
        "direction": ["" if one.lacking else one.words for one in found],
        "auc": [one.auc for one in found],
        "auc_low": [one.low for one in found],
        "is_shortcut": [one.tells for one in found],
        "count": [one.size for one in found],
        "note": [one.lacking for one in found],
    }
    kinds = dict.fromkeys(("label_name", "property", "value", "direction", "note"), "string")
    kinds |= {"auc": "float64", "auc_low": "float64", "is_shortcut": "bool", "count": "int64"}
    return pd.DataFrame(columns).astype(kinds)
