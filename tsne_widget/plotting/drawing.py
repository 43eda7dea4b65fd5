"""The points of a map, drawn into matplotlib axes."""

from __future__ import annotations

from typing import NamedTuple

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
# As on the map of the widget: opacity and diameter, as a factor, of right and wrong points.
_OPACITY = {"right": 0.62, "right unselected": 0.34, "wrong unselected": 0.48}
_SIZE = {"wrong": 1.16, "unselected": 0.76, "wrong unselected": 0.84, "selected": 1.12}
# Where points are closer than so many diameters, or more than this share is wrong, rings would
# cover each other.
_RING_GAP, _MANY_WRONG = 1.6, 0.35
_RING_POINTS, _RING_INK = 0.45, 0.74


def draw(ax: Axes, xy: NDArray[np.float64], look: Look, title: str | None = None) -> None:
    """Draw points, frame and title; overlapping points are in random, repeatable order.

    Selected points are above others, wrong ones above right ones, unknown ones below all.
    """
    codes = look.groups.codes
    known = codes >= 0 if look.values is None else np.isfinite(look.values)
    order = np.random.default_rng(0).permutation(len(xy))  # else the last class hides the others
    order = order[np.argsort(known[order], kind="stable")]  # unknown ones first, below the others
    style = _styled(ax, look, len(xy))
    order = order[np.argsort(style.level[order], kind="stable")]
    shapes = np.where(codes >= 0, codes % len(MARKERS), 0) if look.markers else np.zeros(len(xy))
    for shape in np.unique(shapes):
        part = order[shapes[order] == shape]
        ax.scatter(
            xy[part, 0],
            xy[part, 1],
            s=style.diameter[part] ** 2,
            facecolors=style.rgba[part],
            edgecolors=style.edge[part],
            linewidths=style.ring[part],
            marker=MARKERS[int(shape)],
            rasterized=len(xy) > MAX_VECTOR_POINTS,
        )
    _draw_frame(ax, xy)
    if title is not None:
        text = ax.set_title("", fontsize=FONT_POINTS + 1, pad=GAP_POINTS, wrap=True)
        set_text(text, title, MAX_TITLE_CHARACTERS)


class _Style(NamedTuple):
    """How each of n points is drawn."""

    rgba: NDArray[np.float64]
    diameter: NDArray[np.float64]
    edge: NDArray[np.float64]
    ring: NDArray[np.float64]
    level: NDArray[np.int64]


def _styled(ax: Axes, look: Look, n: int) -> _Style:
    """Weight, size and ring of the points: what is wrong or selected stands out."""
    rgba = _rgba(look)
    marks = look.wrong is not None and look.values is None
    wrong = look.wrong if marks and look.wrong is not None else np.zeros(n, dtype=bool)
    chosen = np.zeros(n, dtype=bool) if look.selected is None else look.selected
    others = ~chosen if look.selected is not None else np.zeros(n, dtype=bool)
    size = np.where(chosen, _SIZE["selected"], 1.0)
    if marks:
        rgba[~wrong & ~chosen, 3] = _OPACITY["right"]
        size[wrong] = _SIZE["wrong"]
    rgba[others, 3] = _OPACITY["right unselected"]
    rgba[others & wrong, 3] = _OPACITY["wrong unselected"]
    size[others] = _SIZE["unselected"]
    size[others & wrong] = _SIZE["wrong unselected"]
    points = ax.bbox.width * ax.bbox.height * (72 / ax.figure.dpi) ** 2
    has_room = np.sqrt(points / n) > _RING_GAP * look.diameter and wrong.mean() <= _MANY_WRONG
    ringed = wrong & ~others & bool(has_room)
    edge = rgba.copy()
    edge[:, :3] *= 1 - _RING_INK
    return _Style(
        rgba,
        size * look.diameter,
        edge,
        np.where(ringed, _RING_POINTS, 0.0),
        2 * chosen.astype(np.int64) + wrong,
    )


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
