"""The bqplot figure of a map: one mark for all points, one for the rings."""

from __future__ import annotations

from typing import Any

import numpy as np
from ipywidgets import Layout, Widget
from numpy.typing import NDArray

from tsne_widget.widgets.models.appearance import TEXELS
from tsne_widget.widgets.models.coloring import Coloring

# Summed area of all markers, in px²: fewer points are drawn larger, down and up to the bounds.
MARKERS_AREA = 130_000
MIN_MARKER_AREA, MAX_MARKER_AREA = 6, 60
# A ring marks a misclassified point: a second sign beside colour, of --tw-wrong's colour.
RING_COLOR, RING_PIXELS, RING_AREA = "#d6336c", 0.9, 2.2


def webgl_figure(xy: NDArray[np.float32], ringed: NDArray[np.int64], colors: Coloring) -> Any:
    """A figure of one mark for all points, and one of rings around some of them.

    Parameters
    ----------
    xy : (n, 2) float32 array
    ringed : (m,) int64 array
        Points with a ring, ascending.
    colors : Coloring
        Of these points.
    """
    import bqplot  # slow to import
    import bqplot_gl

    x, y = _columns(xy)
    place = _place(x, y)
    color = bqplot.ColorScale(colors=colors.texture, min=0, max=TEXELS - 1)
    area = _area(len(xy))
    points = bqplot_gl.ScatterGL(
        x=x, y=y, color=_small(colors.texels), scales={**place, "color": color},
        default_size=area, stroke_width=0.0,
    )  # fmt: skip
    return _figure([points, *_rings(x[ringed], y[ringed], place, area)])


def move(figure: Any, xy: NDArray[np.float32], ringed: NDArray[np.int64]) -> None:
    """Move the points of a figure to other places."""
    x, y = _columns(xy)
    # The points come last: with their places the page draws the rings, too.
    everything = np.arange(len(x))
    for mark, points in [*zip(figure.marks, (everything, ringed), strict=False)][::-1]:
        with mark.hold_sync():
            mark.x, mark.y = x[points], y[points]


def paint(figure: Any, colors: Coloring) -> None:
    """Give the points of a figure other colours."""
    points = figure.marks[0]
    points.scales["color"].colors = colors.texture
    points.color = _small(colors.texels)


def close_figure(figure: Widget) -> None:
    """Close a figure and every widget that its traits refer to.

    ipywidgets keeps children, layouts and scales of a closed widget in its registry for ever.
    """
    pending: list[Any] = [figure]
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, (list, tuple)):
            pending.extend(value)
        elif isinstance(value, Widget) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(value._trait_values.values())
            value.close()


def _rings(x: Any, y: Any, place: dict[str, Any], area: int) -> list[Any]:
    """The mark of these rings, none where there are none: a widget that no one holds stays open."""
    import bqplot_gl

    if not len(x):
        return []
    return [
        bqplot_gl.ScatterGL(
            x=x, y=y, scales=place, colors=[RING_COLOR], fill=False, stroke=RING_COLOR,
            stroke_width=RING_PIXELS, default_size=round(area * RING_AREA),
        )
    ]  # fmt: skip


def _columns(xy: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x, y = np.ascontiguousarray(xy.T, dtype=np.float32)
    return x, y


def _small(texels: NDArray[np.float32]) -> NDArray[Any]:
    """Whole texels as bytes: a quarter of what is sent."""
    whole = texels.astype(np.uint8)
    return whole if np.array_equal(whole, texels) else texels


def _area(n: int) -> int:
    return round(float(np.clip(MARKERS_AREA / n, MIN_MARKER_AREA, MAX_MARKER_AREA)))


def _place(x: NDArray[np.float32], y: NDArray[np.float32]) -> dict[str, Any]:
    import bqplot

    return {
        "x": bqplot.LinearScale(min=float(x.min()), max=float(x.max())),
        "y": bqplot.LinearScale(min=float(y.min()), max=float(y.max())),
    }


def _figure(marks: list[Any]) -> Any:
    """A figure without axes or margins, for the scatter view to host."""
    import bqplot

    return bqplot.Figure(
        marks=marks,
        fig_margin={"top": 0, "bottom": 0, "left": 0, "right": 0},
        min_aspect_ratio=0.01,
        max_aspect_ratio=100,
        padding_x=0,
        padding_y=0,
        animation_duration=0,
        background_style={"fill": "none"},
        display_toolbar=False,
        layout=Layout(width="100%", height="100%", min_width="0px", min_height="0px"),
    )
