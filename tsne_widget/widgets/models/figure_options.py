"""Options of the static figure: visible classes, colours and selection of a state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.widgets.models.appearance import (
    CHANGE_COLORS,
    RIGHT_COLOR,
    WRONG_COLOR,
    title_of,
)
from tsne_widget.widgets.models.coloring import is_amount
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.named_selections import selection_codes


def drawn_rows(state: ExplorerState) -> NDArray[np.bool_]:
    """(n,) bool: the rows that the map draws."""
    wrong = state.feature_set.misclassified
    only = state.mistakes == "only" and wrong.any()
    return state.visible_rows & wrong if only else state.visible_rows


def figure_options(state: ExplorerState, colors: Mapping[str, str], color_by: str) -> Any:
    """Arguments of :func:`plot_embedding` for the visible rows, in the colours of ``color_by``."""
    rows, record = drawn_rows(state), state.feature_set
    names = record.class_names
    options: dict[str, Any] = {"selected": None}
    if len(state.selected):
        mask = np.zeros(len(rows), dtype=bool)
        mask[state.selected] = True
        options["selected"] = mask[rows]
    if state.mistakes == "mark" and color_by not in ("correct", "change"):
        options["wrong"] = record.misclassified[rows]
    of_classes = {
        "class_names": names or None,
        "colors": {k: v for k, v in colors.items() if k in names},
    }
    if color_by == state.colored_by:
        if not color_by:
            return options
        codes = np.where(state.codes < state.known, state.codes, -1)
        return options | of_classes | {"labels": codes[rows]}
    if color_by == "prediction" and record.predictions is not None:
        return options | of_classes | {"labels": record.predictions[rows]}
    if color_by == "correct":
        return options | {
            "labels": np.where(record.judged, record.misclassified, -1)[rows],
            "class_names": ("right", "wrong"),
            "colors": {"right": RIGHT_COLOR, "wrong": WRONG_COLOR},
        }
    if color_by == "selection":
        return options | {
            "labels": selection_codes(state.selections, len(rows))[rows],
            "class_names": list(state.selections),
            "colors": state.selection_colors,
        }
    values = state.scores[color_by][rows]
    if is_amount(values):
        return options | {"values": values, "values_title": title_of(color_by)}
    texts = [None if value is None or value != value else str(value) for value in values.tolist()]
    used = {text for text in texts if text is not None}
    colors_of = {word: color for word, color in CHANGE_COLORS.items() if word in used}
    return options | {
        "labels": np.array(texts, dtype=object),
        "colors": colors_of if used and len(colors_of) == len(used) else None,
    }
