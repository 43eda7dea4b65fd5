"""What the diagnosis panel shows of the properties that set samples apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget.analysis import SCORES, Contrast, Scores, contrast
from tsne_widget.analysis.contrast import MIN_VALUES
from tsne_widget.analysis.distributions import curves_of
from tsne_widget.analysis.properties import compared_properties, lacks_pictures
from tsne_widget.analysis.property_values import TRUTH, as_property
from tsne_widget.analysis.sides import Sides, sides_of
from tsne_widget.widgets.models.percent import percent

# Differences that are listed.
MAX_CONTRASTS = 5
# Names that the line of what does not differ lists.
MAX_NAMED = 12
# Properties whose words say all: the title is not repeated.
_SAID = ("label_agreement",)


class Compared(NamedTuple):
    """Two sets of rows, and how the page calls them."""

    rows: NDArray[np.int64]
    against: NDArray[np.int64]
    who: str
    """The first set: "mistakes" or "selection"."""
    those: str
    """The second set, in a few words."""
    strata: NDArray[np.int64]
    """(n,) samples of the same number are compared."""


class ContrastReport(NamedTuple):
    """The traits of the panel, and the rows that each difference selects."""

    traits: dict[str, Any]
    rows: dict[str, NDArray[np.int64]]


NOTHING = ContrastReport({"contrasts": [], "no_difference": "", "compared": [], "against": ""}, {})


def choices(
    scores: Scores, rows: NDArray[np.int64], visible: NDArray[np.bool_]
) -> dict[str, Compared]:
    """What can be compared, by name: the mistakes with right ones, the selection with the rest.

    Parameters
    ----------
    rows : (k,) int64 array
        The selection; if it is empty, the mistakes of all visible rows are compared.
    visible : (n,) bool array
    """
    record, found = scores.feature_set, {}
    strata = _strata(scores)
    among = rows if len(rows) else np.flatnonzero(visible)
    if record.labels is not None and record.predictions is not None:
        wrong = record.misclassified
        right = np.flatnonzero(visible & ~wrong & (record.labels >= 0))
        mistakes = among[wrong[among]]
        if len(mistakes):
            found["mistakes"] = Compared(
                mistakes, right, "mistakes", "right ones of the same labels", strata
            )
    if len(rows):
        others = visible.copy()
        others[rows] = False
        if others.any():
            found["selection"] = _selected(rows, np.flatnonzero(others), strata, record)
    return found


def _selected(
    rows: NDArray[np.int64], others: NDArray[np.int64], strata: NDArray[np.int64], record: Any
) -> Compared:
    """The selection and others of its labels; of whole classes there are none, so all others."""
    same = others[np.isin(strata[others], strata[rows])]
    if len(same) < MIN_VALUES or not strata.any():
        return Compared(rows, others, "selection", "all others", np.zeros_like(strata))
    kind = "labels" if record.labels is not None else "predictions"
    return Compared(rows, others, "selection", f"others of the same {kind}", strata)


def contrast_report(
    scores: Scores, rows: NDArray[np.int64], visible: NDArray[np.bool_], wanted: str = ""
) -> ContrastReport:
    """What sets the mistakes, or the selection, apart from others of the same labels.

    Parameters
    ----------
    wanted : str
        "mistakes" or "selection", if it can be compared; otherwise the first that can.
    """
    possible = choices(scores, rows, visible)
    if not possible:
        return NOTHING
    who = wanted if wanted in possible else next(iter(possible))
    both, columns = possible[who], compared_properties(scores)
    sides = sides_of(both.rows, both.against, both.strata)
    found = contrast(columns, both.rows, both.against, strata=both.strata)
    notable = [one for one in found if one.is_notable and not one.follows][:MAX_CONTRASTS]
    left = len(both.rows) - sides.counts[0]
    left_out = f" {left:,} {_noun(both)} have none to be compared with." if left else ""
    waiting = " The pictures are being measured." if lacks_pictures(scores) else ""
    traits = {
        "contrasts": [_as_row(one, columns[one.name], sides, both) for one in notable],
        "no_difference": printable(
            f"{_rest(found, notable, both)}{left_out}{waiting}".strip(), MAX_SENTENCE
        ),
        "compared": [who, *(other for other in possible if other != who)],
        "against": f"from {both.those}",
    }
    chosen = {one.name: _beyond(one, columns[one.name], both.rows) for one in notable}
    return ContrastReport(traits, chosen)


def _strata(scores: Scores) -> NDArray[np.int64]:
    """The labels, or the predictions if there are none, or zeros."""
    record = scores.feature_set
    for codes in (record.labels, record.predictions):
        if codes is not None:
            return np.asarray(codes)
    return np.zeros(len(record), dtype=np.int64)


def _beyond(one: Contrast, column: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows with the property: beyond the others' median, or with the value that differs."""
    values, known, levels, _ = as_property(column, rows)
    if levels:
        wanted = 1 if levels is TRUTH else [*levels, one.level].index(one.level)
        has = (values == wanted) == (one.effect > 0)
    else:
        has = values > one.there if one.effect > 0 else values < one.there
    return np.asarray(rows[has & known])


def _rest(found: list[Contrast], listed: list[Contrast], both: Compared) -> str:
    """What else differs, what does not, and what cannot be compared, in a line."""
    if not found:
        return "There are no pictures and no columns of yours to compare."
    tested = [one for one in found if not one.lacking]
    if not tested and all(one.lacking.startswith("too few") for one in found):
        return f"Too few {_noun(both)}, or too few {both.those}, to compare."
    similar = [title(one.name) for one in tested if not one.is_notable]
    parts = []
    more = [title(one.name) for one in tested if one.is_notable and one not in listed]
    if more:
        parts.append(f"Also different: {_listed(more, 'and')}.")
    if similar and len(similar) == len(tested):
        parts.append("Nothing sets them apart.")
    if similar:
        parts.append(f"No clear difference in {_listed(similar, 'or')}.")
    parts += [f"{title(one.name)} is not compared: {one.lacking}." for one in found if one.lacking]
    return " ".join(parts)


def _noun(both: Compared) -> str:
    return "mistakes" if both.who == "mistakes" else "selected pictures"


def _listed(words: list[str], last: str) -> str:
    if len(words) > MAX_NAMED:
        words = [*words[:MAX_NAMED], f"{len(words) - MAX_NAMED} others"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _as_row(one: Contrast, column: NDArray[Any], sides: Sides, both: Compared) -> dict[str, Any]:
    """A difference as texts and curves for the page."""
    here, there = (value_text(one, value) for value in (one.here, one.there))
    words = printable(one.words)
    says_title = one.measure == "share" or one.name in _SAID or one.name in words
    name = "" if says_title else f"{title(one.name)} "
    average = "on average " if one.measure == "mean" else ""
    return {
        "name": one.name,
        "words": words[:1].upper() + words[1:],
        "numbers": f"{name}{average}{here} against {there}",
        "title": _explained(one, here, there, both),
        **_drawn(one, column, sides),
    }


def _explained(one: Contrast, here: str, there: str, both: Compared) -> str:
    """The numbers in full, for a tooltip."""
    noun, chance = _noun(both), f"q = {one.q:.2g}, corrected for the number of properties"
    what = f"{one.measure}{f' of {printable(one.level)!r}' if one.level else ''}"
    line = f"{title(one.name)}: {what} {here} of the {noun}, {there} of {both.those}"
    if one.measure == "share":
        return f"{line} ({chance})."
    higher, share = ("higher", 1 + one.effect) if one.effect > 0 else ("lower", 1 - one.effect)
    return f"{line}. It is {higher} in {percent(share / 2)} of the pairs ({chance})."


def _drawn(one: Contrast, column: NDArray[Any], sides: Sides) -> dict[str, Any]:
    """Both curves with the places of their medians. A share has no curves, only two values."""
    if one.measure == "share":
        return {"curves": [], "marks": [round(one.here, 4), round(one.there, 4)]}
    given = as_property(column, sides.rows)
    part, values = sides.only(given.known, given.values)
    curves = curves_of(values, part)
    return {
        "curves": [list(curves.here), list(curves.there)],
        "marks": [round(curves.place(value), 4) for value in (one.here, one.there)],
    }


def title(name: str) -> str:
    """The title of a property, without its unit."""
    return SCORES[name].title.partition(" (")[0] if name in SCORES else printable(name)


def value_text(one: Contrast, value: float) -> str:
    """A value of a contrast as text, with its unit."""
    is_share = one.measure == "share" or one.name == "label_agreement"
    if is_share or (one.name in SCORES and SCORES[one.name].format == "percent"):
        return percent(value)
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
