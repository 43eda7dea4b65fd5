"""Titles and colours of scores, in the widget and on an exported page."""

from __future__ import annotations

import matplotlib
import matplotlib.colors

from tsne_widget.analysis.scores import SCORES

# ScatterGL reads colours from a texture of this many texels; the last one means unknown.
TEXELS = 256
# Without the ends of viridis, which vanish on a dark and on a light background.
RAMP_COLORS = tuple(
    matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](0.12 + 0.8 * i / (TEXELS - 2)))
    for i in range(TEXELS - 1)
)
RIGHT_COLOR, WRONG_COLOR = "#5b84b1", "#d6336c"

_TITLES = {
    "label": "label",
    "prediction": "prediction",
    "correct": "right or wrong",
    "selection": "named selection",
}


def titles() -> dict[str, str]:
    """Titles of everything that the map can be coloured by, without the user's columns."""
    return _TITLES | {name: score.title for name, score in SCORES.items()}


def title_of(name: str) -> str:
    """Title of a score or colouring; a user's column is its own title."""
    return titles().get(name, name)
