"""What the diagnosis panel shows: numbers of the analysis as texts for the page."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget.analysis import Diagnosis, Finding, Scores, confused_pairs, diagnose
from tsne_widget.analysis.causes import Cause, causes
from tsne_widget.analysis.clusters import MIN_POINTS
from tsne_widget.widgets.models.contrast_report import contrast_report
from tsne_widget.widgets.models.percent import percent
from tsne_widget.widgets.models.shortcut_report import ShortcutMemory, shortcut_report
from tsne_widget.widgets.models.verdict import Pair, trust_sentence, verdict

# Pairs of classes that are listed.
MAX_PAIRS = 2
# Shares between 0 and 1 are never written as 0 % or 100 %.
LEAST_SHARE = 0.001


class Report(NamedTuple):
    """The traits of the panel, and the rows that each cause and each difference select."""

    traits: dict[str, Any]
    rows: dict[str, NDArray[np.int64]]
    contrasts: dict[str, NDArray[np.int64]]


def quick_report(
    scores: Scores,
    rows: NDArray[np.int64],
    visible: NDArray[np.bool_],
    compared: str = "",
    memory: ShortcutMemory | None = None,
) -> Report:
    """What needs no neighbours: the confusions, and the contrast of the columns at hand.

    Parameters
    ----------
    scores : Scores
    rows : (k,) int64 array
        The selection; if it is empty, all visible rows are diagnosed.
    visible : (n,) bool array
    compared : str
        What is compared, "mistakes" or "selection"; see :func:`contrast_report`.
    memory : ShortcutMemory, optional
        Keeps the shortcuts between calls.
    """
    return _report(scores, rows, visible, compared, memory, None, ())


def full_report(
    scores: Scores,
    rows: NDArray[np.int64],
    visible: NDArray[np.bool_],
    compared: str = "",
    memory: ShortcutMemory | None = None,
) -> Report:
    """Everything; computes the scores that it needs, see :func:`diagnosis_seconds`."""
    among = rows if len(rows) else np.flatnonzero(visible)
    found = diagnose(scores, among, visible)
    return _report(scores, rows, visible, compared, memory, found, causes(scores, among))


def _report(
    scores: Scores,
    rows: NDArray[np.int64],
    visible: NDArray[np.bool_],
    compared: str,
    memory: ShortcutMemory | None,
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
    said = ""
    if not lacking:
        said = verdict(pairs, names, suspect=suspect, faith=faith, here=here)
    if not len(among):
        said = "No class is shown."
    contrasts = contrast_report(scores, rows, visible, compared)
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
        **contrasts.traits,
        **shortcut_report((memory or ShortcutMemory()).of(scores), scores, rows),
        "trust": [] if found is None else _meters(found, here=here),
        "trust_sentence": trust_sentence(faith),
        "trust_lacking": "" if found is None else found.findings[-1].lacking,
        "cluster": found.cluster if found and len(rows) >= MIN_POINTS else "",
        "findings": [] if found is None else [_as_row(one, here) for one in found.findings],
        "has_selection": here,
    }  # fmt: skip
    return Report(traits, {cause.name: cause.rows for cause in divided}, contrasts.rows)


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
        return f"{line}, {percent(count / total)}."
    everywhere = wrong[visible].mean() if visible.any() else math.nan
    return f"{line}, {percent(count / total)} against {percent(everywhere)} everywhere."


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
