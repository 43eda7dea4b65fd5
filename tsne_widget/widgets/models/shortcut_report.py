"""What the diagnosis panel shows of shortcuts: properties that alone tell a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget.analysis import Scores, Shortcut, shortcuts
from tsne_widget.analysis.properties import picture_properties
from tsne_widget.widgets.models.contrast_report import title
from tsne_widget.widgets.models.percent import percent

# Shortcuts that are listed.
MAX_SHORTCUTS = 5


class ShortcutMemory:
    """The shortcuts of one record, tested again only if there are more properties."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] | None = None
        self._found: list[Shortcut] = []

    def of(self, scores: Scores) -> list[Shortcut]:
        """The shortcuts of the pictures' properties and of the user's columns."""
        labels = scores.feature_set.labels
        if labels is None:
            return []
        columns = picture_properties(scores) | scores.columns
        if self._names != tuple(columns):
            self._found = shortcuts(columns, labels) if columns else []
            self._names = tuple(columns)
        return self._found


def shortcut_report(
    found: list[Shortcut], scores: Scores, rows: NDArray[np.int64]
) -> dict[str, Any]:
    """The traits of the panel, if nothing or one class is selected.

    Parameters
    ----------
    found : list of Shortcut
        Of all classes.
    rows : (k,) int64 array
        The selection.
    """
    record = scores.feature_set
    classes = [] if record.labels is None else np.unique(record.labels[rows]).tolist()
    if not found or len(classes) > 1:
        return {"shortcuts": [], "shortcuts_note": ""}
    names = [printable(name) for name in record.class_names]
    telling = [one for one in found if one.tells and (not classes or one.label in classes)]
    return {
        "shortcuts": [_as_row(one, names[one.label]) for one in telling[:MAX_SHORTCUTS]],
        "shortcuts_note": printable(_note(found, telling, names, classes), MAX_SENTENCE),
    }


def shared_shortcuts(scores: Scores) -> dict[str, Any] | None:
    """Plain data of the shortcuts for ``page/diagnosis_model.js``; None if nothing is tested.

    A page leaves your own columns out, so only pictures are tested.
    """
    columns, labels = picture_properties(scores), scores.feature_set.labels
    if labels is None or not columns:
        return None
    names = [printable(name) for name in scores.feature_set.class_names]
    found = shortcuts(columns, labels)
    return {
        "telling": [
            {"label": one.label, "shown": _as_row(one, names[one.label])}
            for one in found
            if one.tells
        ],
        "few": _too_small(found),
        "untested": _untested(found),
    }


def _note(
    found: list[Shortcut], telling: list[Shortcut], names: list[str], classes: list[int]
) -> str:
    parts = []
    if len(telling) > MAX_SHORTCUTS:
        more = len(telling) - MAX_SHORTCUTS
        parts.append(f"{more:,} more classes: explorer.shortcuts() lists them.")
    if not telling:
        known = [names[label] for label in classes if label >= 0]
        parts.append(f"No property alone tells {known[0] if known else 'a class'}.")
    few = _too_small(found)
    if few and not classes:
        parts.append(few)
    return " ".join([*parts, *_untested(found)])


def _too_small(found: list[Shortcut]) -> str:
    few = sum(bool(one.lacking) and one.label >= 0 for one in found)
    are = "class is" if few == 1 else "classes are"
    return f"{few:,} {are} too small to test." if few else ""


def _untested(found: list[Shortcut]) -> list[str]:
    return [f"{title(one.name)} is not tested: {one.lacking}." for one in found if one.label < 0]


def _as_row(one: Shortcut, name: str) -> dict[str, Any]:
    what = f"{title(one.name)} = {one.level!r}" if one.level else title(one.name)
    direction = "" if one.level else f", {printable(one.words)}"
    what = printable(what)
    return {
        "name": one.name,
        "words": f"{what[:1].upper()}{what[1:]} alone tells {name}",
        "numbers": f"AUC {one.auc:.2f}{direction}",
        "title": (
            f"It ranks a picture of {name} before one of the rest in {percent(one.auc)} of the "
            f"pairs, surely in {percent(one.low)}. A model may look at nothing else."
        ),
    }
