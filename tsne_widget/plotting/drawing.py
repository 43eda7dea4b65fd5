"""The points of a map, drawn into matplotlib axes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from numpy.typing import NDArray

from tsne_widget.plotting.colors import UNKNOWN_COLOR
from tsne_widget.plotting.keys import RAMP, set_text, value_range
from tsne_widget.plotting.look import FONT_POINTS, GAP_POINTS, MARKERS, Look

# In SVG and PDF, more points than this are drawn as one picture: a point takes about 100 bytes.
MAX_VECTOR_POINTS = 10_000
MAX_TITLE_CHARACTERS = 300
_PADDING = 0.02  # around the points, as a share of the map
_DIMMED_OPACITY = 0.15  # of points that are not selected


def draw(ax: Axes, xy: NDArray[np.float64], look: Look, title: str | None = None) -> None:
    """Draw points, frame and title; overlapping points are in random, repeatable order."""
    codes = look.groups.codes
    known = codes >= 0 if look.values is None else np.isfinite(look.values)
    order = np.random.default_rng(0).permutation(len(xy))  # else the last class hides the others
    order = order[np.argsort(known[order], kind="stable")]  # unknown ones first, below the others
    rgba = _rgba(look)
    if look.selected is not None:
        rgba[~look.selected, 3] = _DIMMED_OPACITY
        order = order[np.argsort(look.selected[order], kind="stable")]
    shapes = np.where(codes >= 0, codes % len(MARKERS), 0) if look.markers else np.zeros(len(xy))
    for shape in np.unique(shapes):
        part = order[shapes[order] == shape]
        ax.scatter(
            xy[part, 0],
            xy[part, 1],
            s=look.diameter**2,
            c=rgba[part],
            marker=MARKERS[int(shape)],
            linewidths=0,
            rasterized=len(xy) > MAX_VECTOR_POINTS,
        )
    _draw_frame(ax, xy)
    if title is not None:
        text = ax.set_title("", fontsize=FONT_POINTS + 1, pad=GAP_POINTS, wrap=True)
        set_text(text, title, MAX_TITLE_CHARACTERS)


def _draw_frame(ax: Axes, xy: NDArray[np.float64]) -> None:
    """Set limits that contain all points at one scale, without ticks, in a thin frame."""
    box = np.array([ax.bbox.width, ax.bbox.height])
    per_unit = (box / (np.ptp(xy, axis=0) + 2 * _PADDING)).min()
    ax.set(xlim=0.5 + np.array([-0.5, 0.5]) * box[0] / per_unit, xticks=[])
    ax.set(ylim=0.5 + np.array([-0.5, 0.5]) * box[1] / per_unit, yticks=[])
    ax.set_aspect("equal", adjustable="box")
    for spine in ax.spines.values():
        spine.set(linewidth=0.5, color=UNKNOWN_COLOR)


def _rgba(look: Look) -> NDArray[np.float64]:
    """(n, 4) colours of the points."""
    grey = to_rgba_array(UNKNOWN_COLOR)
    if look.values is None:
        # Code −1 selects the last row.
        by_code: NDArray[np.float64] = np.vstack([to_rgba_array([*look.palette]), grey])
        return by_code[look.groups.codes]
    rgba = np.repeat(grey, len(look.values), axis=0)
    finite = np.isfinite(look.values)
    rgba[finite] = RAMP(value_range(look.values)(look.values[finite]))
    return rgba
