"""What sets some samples apart from others: every property is tested within strata."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_codes, as_rows
from tsne_widget.analysis.property_values import TRUTH, Property, as_property
from tsne_widget.analysis.property_words import comparison, origins, plain_name
from tsne_widget.analysis.rank_tests import adjusted, rank_test, share_test
from tsne_widget.analysis.sides import Sides, sides_of
from tsne_widget.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

# Known values that each side needs for a test.
MIN_VALUES = 5
# A contrast is worth showing if its corrected p-value is at most SIGNIFICANT and its effect is at
# least NOTABLE: among many samples the smallest difference is significant.
SIGNIFICANT, NOTABLE = 0.05, 0.12
# Share of a property's effect from which another one, from which it follows, explains it.
AS_MUCH = 0.8


class Contrast(NamedTuple):
    """How one property differs between two sets of samples, here and there."""

    name: str
    """Name of the property."""
    here: float = math.nan
    """Median of the first set; or its mean or share, see ``measure``."""
    there: float = math.nan
    """The same of the second set, weighted as the strata are in the first."""
    measure: str = "median"
    """What ``here`` and ``there`` are: "median"; "mean" where the medians are equal; "share" for
    truth values and categories."""
    level: str = ""
    """The value of a category whose share is given, "" otherwise."""
    effect: float = math.nan
    """Probability that a value here is higher than one there, minus the probability that it is
    lower, −1 … 1: the rank-biserial correlation. For a category the difference of the shares."""
    p: float = math.nan
    """p-value of this property alone, 0 … 1."""
    q: float = math.nan
    """p-value corrected for the number of properties, 0 … 1."""
    counts: tuple[int, int] = (0, 0)
    """Known and comparable values here and there."""
    lacking: str = ""
    """Why the property is not tested, "" if it is."""
    follows: str = ""
    """A property that differs about as much and from which this one follows, "" if none does: a
    dark picture also has less contrast."""

    @property
    def is_notable(self) -> bool:
        """Whether the difference is significant and not negligible."""
        return self.q <= SIGNIFICANT and abs(self.effect) >= NOTABLE

    @property
    def words(self) -> str:
        """The difference in words: "darker", "higher age", "more often camera = 'phone'"."""
        return comparison(self.name, self.effect > 0, self.level, is_share=self.measure == "share")


def contrast(
    columns: Mapping[str, ArrayLike],
    rows: ArrayLike,
    against: ArrayLike | None = None,
    *,
    strata: ArrayLike | None = None,
) -> list[Contrast]:
    """What sets some samples apart from others, the clearest difference first.

    Numbers are tested by their ranks (Mann & Whitney 1947), categories by the share of the value
    that differs most (Mantel & Haenszel 1959, exactly for small counts). With strata, only samples
    of the same stratum are compared (van Elteren 1960). p-values are corrected as in Benjamini &
    Hochberg 1995, "Controlling the false discovery rate", J. R. Stat. Soc. B 57.

    A difference is no cause. Do not test a property that follows from how the rows were chosen,
    such as the loss of mistakes.

    Parameters
    ----------
    columns : mapping of name to (n,) array
        Numbers, truth values or text. NaN and None mean unknown.
    rows : (m,) array of int, or (n,) array of bool
        The samples.
    against : (m,) array of int, or (n,) array of bool, optional
        The samples to compare them with; those that are in ``rows`` too are left out. Default: all
        others.
    strata : (n,) array of int, optional
        For example the labels: mistakes are then compared with right predictions of the same
        labels. Strata that lack one side are left out. Default: all samples are comparable.

    Returns
    -------
    list of Contrast
        One per column: the tested ones by p-value, then by strength, but a property that
        ``follows`` from another one after that. Then those that cannot be tested, each with the
        reason. Time O(n log n) per column, memory O(n).

    Raises
    ------
    InvalidInputError
        If a column has another length, or rows are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> columns = {"even": np.arange(40) % 2, "size": np.arange(40)}
    >>> found = contrast(columns, range(20), range(20, 40))
    >>> [(one.name, one.effect, one.is_notable) for one in found]
    [('size', -1.0, True), ('even', 0.0, False)]
    """
    given = {name: np.asarray(values) for name, values in columns.items()}
    if not given:
        return []
    n = len(next(iter(given.values())))
    for name, values in given.items():
        if values.shape != (n,):
            raise InvalidInputError(f"column {name!r} must have shape ({n},), got {values.shape}")
    groups = np.zeros(n, dtype=np.int64) if strata is None else as_codes("strata", strata, n)
    one = as_rows("rows", rows, n)
    other = np.arange(n) if against is None else as_rows("against", against, n)
    sides = sides_of(one, other, groups)
    found = [
        _contrast(name, as_property(values, sides.rows), sides) for name, values in given.items()
    ]
    tested = [one for one in found if not one.lacking]
    qs = adjusted([one.p for one in tested])
    tested = [one._replace(q=float(q)) for one, q in zip(tested, qs, strict=True)]
    tested.sort(key=lambda one: (one.p, -abs(one.effect)))
    return _origins_first(tested) + [one for one in found if one.lacking]


def _origins_first(found: list[Contrast]) -> list[Contrast]:
    """Put properties that follow from others after these, where those differ about as much."""
    by_name = {plain_name(one.name): one for one in found if one.is_notable}
    ordered: dict[str, Contrast] = {}
    follows: dict[str, str] = {}
    for one in found:
        for name in origins(one.name):
            origin = by_name.get(name)
            if origin is not None and origin.effect * one.effect >= AS_MUCH * one.effect**2:
                ordered.setdefault(origin.name, origin)
                follows.setdefault(one.name, origin.name)
        ordered.setdefault(one.name, one)
    return [one._replace(follows=follows.get(name, "")) for name, one in ordered.items()]


def contrast_caption(
    columns: Mapping[str, ArrayLike],
    rows: ArrayLike,
    against: ArrayLike | None = None,
    *,
    strata: ArrayLike | None = None,
    limit: int = 1,
) -> str:
    """What sets some samples apart, in a few words: "darker"; "" if nothing clearly does.

    Time O(n log n) per column, memory O(n).

    Parameters
    ----------
    columns, rows, against, strata
        As in :func:`contrast`. For a group of mistakes pass the labels as ``strata``.
    limit : int
        Maximum number of differences, the clearest first.

    Examples
    --------
    >>> import numpy as np
    >>> columns = {"brightness": np.linspace(0, 1, 100), "age": np.arange(100) % 7}
    >>> contrast_caption(columns, range(20))
    'darker'
    """
    found = contrast(columns, rows, against, strata=strata)
    clear = [one.words for one in found if one.is_notable and not one.follows]
    return ", ".join(clear[:limit])


def contrast_frame(found: list[Contrast]) -> pd.DataFrame:
    """The result of :func:`contrast` as a DataFrame, one row per property.

    Time O(1) and memory O(1) per property.

    Parameters
    ----------
    found : list of Contrast

    Returns
    -------
    pandas.DataFrame

        | column | dtype | content |
        |---|---|---|
        | property | string | name |
        | here, there | float64 | median of the rows, and of those they are compared with |
        | measure | string | "median", "mean" (equal medians) or "share" (of a value) |
        | value | string | the value of a category whose share is given, "" otherwise |
        | effect | float64 | rank-biserial correlation, or difference of the shares, −1 … 1 |
        | direction | string | the difference in words, "" where there is none |
        | p_value, q_value | float64 | alone, and corrected for the number of properties |
        | is_clear | bool | whether q_value ≤ 0.05 and \\|effect\\| ≥ 0.12 |
        | follows | string | a property that it follows from and that differs as much, or "" |
        | n_here, n_there | int64 | known values that are compared |
        | note | string | why the property is not tested, "" if it is |
    """
    import pandas as pd

    columns: dict[str, list[Any]] = {
        "property": [one.name for one in found],
        "here": [one.here for one in found],
        "there": [one.there for one in found],
        "measure": [one.measure for one in found],
        "value": [one.level for one in found],
        "effect": [one.effect for one in found],
        "direction": ["" if one.lacking or not one.effect else one.words for one in found],
        "p_value": [one.p for one in found],
        "q_value": [one.q for one in found],
        "is_clear": [one.is_notable for one in found],
        "follows": [one.follows for one in found],
        "n_here": [one.counts[0] for one in found],
        "n_there": [one.counts[1] for one in found],
        "note": [one.lacking for one in found],
    }
    frame = pd.DataFrame(columns)
    kinds = {
        "property": "string",
        "measure": "string",
        "value": "string",
        "direction": "string",
        "note": "string",
        "follows": "string",
        "is_clear": "bool",
    }
    kinds |= dict.fromkeys(("here", "there", "effect", "p_value", "q_value"), "float64")
    return frame.astype(kinds | {"n_here": "int64", "n_there": "int64"})


def _contrast(name: str, given: Property, sides: Sides) -> Contrast:
    """The contrast of one property, p not corrected."""
    if given.lacking:
        return Contrast(name, lacking=given.lacking)
    part, values = sides.only(given.known, given.values)
    counts = part.counts
    if min(counts) < MIN_VALUES:
        return Contrast(name, counts=counts, lacking=_too_few(counts))
    if given.levels:
        level, (effect, p) = share_test(values, len(given.levels), part)
        if given.levels is TRUTH and not level:
            level, effect = 1, 0.0 - effect
        here, there = _mean(values == level, part)
        word = "" if given.levels is TRUTH else given.levels[level]
        return Contrast(name, here, there, "share", word, effect, p, counts=counts)
    effect, p = rank_test(values, part)
    measure = "median"
    here, there = _medians(values, part)
    if here == there and effect:
        measure = "mean"
        here, there = _mean(values, part)
    return Contrast(name, here, there, measure, "", effect, p, counts=counts)


def _too_few(counts: tuple[int, int]) -> str:
    place, count = ("here", counts[0]) if counts[0] < MIN_VALUES else ("to compare with", counts[1])
    return f"too few: {count} known values {place}, {MIN_VALUES} are needed"


def _mean(values: NDArray[Any], sides: Sides) -> tuple[float, float]:
    weights = sides.weights
    return tuple(  # type: ignore[return-value]
        float(np.average(values[side], weights=weights[side])) for side in (sides.here, ~sides.here)
    )


def _medians(values: NDArray[Any], sides: Sides) -> tuple[float, float]:
    others = values[~sides.here]
    if len(sides.m) == 1:
        there = float(np.median(others))
    else:
        there = _median(others, sides.weights[~sides.here])
    return float(np.median(values[sides.here])), there


def _median(values: NDArray[Any], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    at = int(np.searchsorted(total, total[-1] / 2))
    exact = math.isclose(total[at], total[-1] / 2) and at + 1 < len(order)
    return float(values[order[at : at + 2]].mean() if exact else values[order[at]])
