"""What the diagnosis panel shows: numbers of the analysis as texts for the page."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget.analysis import SCORES, Diagnosis, Finding, Scores, confused_pairs, diagnose
from tsne_widget.analysis.causes import Cause, causes
from tsne_widget.analysis.clusters import MIN_POINTS
from tsne_widget.analysis.contrast import Contrast, contrast
from tsne_widget.widgets.models.verdict import Pair, trust_sentence, verdict

# Scores that are compared. The others follow from these, from the label or from the prediction.
COMPARED = ("confidence", "label_agreement", "outlier_score")
# How a lower and a higher value of a score are called.
WORDS = {
    "confidence": ("Less sure", "More sure"),
    "label_agreement": ("Fewer neighbours agree", "More neighbours agree"),
    "outlier_score": ("Less unusual", "More unusual"),
}
# Differences and pairs that are listed.
MAX_CONTRASTS, MAX_PAIRS = 6, 2
# Shares between 0 and 1 are never written as 0 % or 100 %.
LEAST_SHARE = 0.001


class Report(NamedTuple):
    """The traits of the panel, and the rows of each cause."""

    traits: dict[str, Any]
    rows: dict[str, NDArray[np.int64]]


def quick_report(scores: Scores, rows: NDArray[np.int64], visible: NDArray[np.bool_]) -> Report:
    """What needs no neighbours: the confusions, and the contrast of the columns at hand.

    Parameters
    ----------
    scores : Scores
    rows : (k,) int64 array
        The selection; if it is empty, all visible rows are diagnosed.
    visible : (n,) bool array
    """
    return _report(scores, rows, visible, None, ())


def full_report(scores: Scores, rows: NDArray[np.int64], visible: NDArray[np.bool_]) -> Report:
    """Everything; computes the scores that it needs, see :func:`diagnosis_seconds`."""
    among = rows if len(rows) else np.flatnonzero(visible)
    found = diagnose(scores, among, visible)
    return _report(scores, rows, visible, found, causes(scores, among))


def _report(
    scores: Scores,
    rows: NDArray[np.int64],
    visible: NDArray[np.bool_],
    found: Diagnosis | None,
    divided: tuple[Cause, ...],
) -> Report:
    record, here = scores.feature_set, len(rows) > 0
    among = rows if here else np.flatnonzero(visible)
    names = [printable(name) for name in record.class_names]
    lacking = " and ".join(
        name for name in ("labels", "predictions") if getattr(record, name) is None
    )
    pairs = [] if lacking else _pairs(record.labels, record.predictions, among)
    faith = None if found is None else _faith(found)
    suspect = None
    if found is not None and not scores.lacks("suspicion"):
        suspect = next((len(cause.rows) for cause in divided if cause.name == "label"), 0)
    said = "" if lacking else verdict(pairs, names, suspect=suspect, faith=faith, here=here)
    traits = {
        "lacking": lacking,
        "verdict": printable(said, MAX_SENTENCE),
        "summary": "" if lacking else _summary(record.misclassified, among, visible, here=here),
        "pairs": [
            {"label": pair.label, "prediction": pair.prediction, "count": pair.mistakes,
             "text": f"{names[pair.label]} → {names[pair.prediction]}"}
            for pair in pairs[:MAX_PAIRS]
        ],
        "causes": [
            {"name": cause.name, "title": cause.title, "rule": cause.rule,
             "count": len(cause.rows)}
            for cause in divided if len(cause.rows)
        ],
        **_contrasts(scores, among, visible),
        "trust": [] if found is None else _meters(found, here=here),
        "trust_sentence": trust_sentence(faith),
        "trust_lacking": "" if found is None else found.findings[-1].lacking,
        "cluster": found.cluster if found and len(rows) >= MIN_POINTS else "",
        "findings": [] if found is None else [_as_row(one, here) for one in found.findings],
        "has_selection": here,
    }  # fmt: skip
    return Report(traits, {cause.name: cause.rows for cause in divided})


def _pairs(labels: Any, predictions: Any, rows: NDArray[np.int64]) -> list[Pair]:
    frame = confused_pairs(labels[rows], predictions[rows])
    columns = (frame[name].tolist() for name in ("label", "prediction", "count"))
    return [Pair(*row) for row in zip(*columns, strict=True)]


def _summary(
    wrong: NDArray[np.bool_], rows: NDArray[np.int64], visible: NDArray[np.bool_], *, here: bool
) -> str:
    count, total = int(wrong[rows].sum()), len(rows)
    if not count:
        return ""
    line = f"{count:,} of {total:,} {'is' if count == 1 else 'are'} wrong"
    if not here:
        return f"{line}, {_percent(count / total)}."
    everywhere = wrong[visible].mean() if visible.any() else math.nan
    return f"{line}, {_percent(count / total)} against {_percent(everywhere)} everywhere."


def _faith(found: Diagnosis) -> tuple[float, float] | None:
    trust, continuity = (one.selected for one in found.findings[-2:])
    return (trust, continuity) if math.isfinite(trust) and math.isfinite(continuity) else None


def _meters(found: Diagnosis, *, here: bool) -> list[dict[str, Any]]:
    return [
        {"title": one.title, "meaning": one.meaning, "value": round(one.selected, 4),
         "whole": round(one.whole, 4) if here and math.isfinite(one.whole) else None}
        for one in found.findings[-2:]
        if math.isfinite(one.selected)
    ]  # fmt: skip


def _contrasts(
    scores: Scores, among: NDArray[np.int64], visible: NDArray[np.bool_]
) -> dict[str, Any]:
    """What sets the mistakes apart from right ones of the same labels."""
    record = scores.feature_set
    wrong, labels = record.misclassified, record.labels
    rows = among[wrong[among]]
    if labels is None or record.predictions is None or not len(rows):
        return {"contrasts": [], "no_difference": ""}
    against = np.flatnonzero(visible & ~wrong & (labels >= 0))
    columns = {name: scores[name] for name in COMPARED if _is_at_hand(scores, name)}
    columns |= {name: own for name, own in scores.columns.items() if own.dtype.kind in "biuf"}
    if not columns:
        return {"contrasts": [], "no_difference": ""}
    found = contrast(columns, rows, against, strata=labels)
    notable = [one for one in found if one.is_notable]
    rest = [_title(one.name) for one in found if not one.is_notable]
    if found:
        line = f"No clear difference in {_listed(rest, 'or')}." if rest else ""
    else:
        line = "Too few mistakes, or too few right pictures of the same labels, to compare."
    return {
        "contrasts": [_as_contrast(one) for one in notable[:MAX_CONTRASTS]],
        "no_difference": printable(line, MAX_SENTENCE),
    }


def _is_at_hand(scores: Scores, name: str) -> bool:
    """Whether a score takes no time worth mentioning."""
    if scores.lacks(name):
        return False
    needs = SCORES[name].needs
    return SCORES[name].is_cheap or ("neighbors" in needs and scores.has_neighbors)


def _as_contrast(one: Contrast) -> dict[str, Any]:
    title, is_higher = _title(one.name), one.share > 0.5
    words = WORDS.get(one.name, (f"Lower {title}", f"Higher {title}"))
    mine, others = (_value(one.name, value) for value in one.medians)
    share = one.share if is_higher else 1 - one.share
    return {
        "name": one.name,
        "words": words[is_higher],
        "numbers": f"{mine} against {others}",
        "title": (
            f"{title}: median {mine} of the mistakes, {others} of right ones with the same labels. "
            f"A mistake is {'higher' if is_higher else 'lower'} in {_percent(share)} of the pairs "
            f"(p = {one.p:.2g}, corrected)."
        ),
        "curves": [list(curve) for curve in one.curves],
        "marks": [_place(value, one) for value in one.medians],
    }


def _place(value: float, one: Contrast) -> float:
    """Where a median is between the ends of the curves, 0 … 1."""
    span = one.high - one.low
    return round(min(1.0, max(0.0, (value - one.low) / span)), 4) if span else 0.5


def _title(name: str) -> str:
    return SCORES[name].title if name in SCORES else printable(name)


def _value(name: str, value: float) -> str:
    if (name in SCORES and SCORES[name].format == "percent") or name == "label_agreement":
        return _percent(value)
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _percent(share: float) -> str:
    if not math.isfinite(share):
        return "–"
    rounded = round(100 * share)
    return f"{min(99, max(1, rounded)) if 0 < share < 1 else rounded}\u202f%"


def _as_row(finding: Finding, here: bool) -> dict[str, Any]:
    """A finding as texts for the page."""
    row = {"title": finding.title, "points_to": finding.points_to, "meaning": finding.meaning}
    if finding.lacking:
        lacking = printable(finding.lacking, MAX_SENTENCE)
        return row | {"selected": "", "whole": "", "lacking": lacking}
    is_share = finding.counted is not None or finding.points_to != "the map"
    texts = [_number(value, is_share) for value in (finding.selected, finding.whole)]
    if finding.counted is not None:
        texts[0] = f"{finding.counted:,} ({texts[0]})"
    return row | {"selected": texts[0] if here else "", "whole": texts[1], "lacking": ""}


def _number(value: float, is_share: bool) -> str:
    if math.isnan(value):
        return "–"
    if not is_share:
        return f"{value:.3f}"
    if 0 < value < LEAST_SHARE:
        return f"< {100 * LEAST_SHARE:.1f} %"
    if 1 - LEAST_SHARE < value < 1:
        return f"> {100 * (1 - LEAST_SHARE):.1f} %"
    return f"{100 * value:.1f} %"
