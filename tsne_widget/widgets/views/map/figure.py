"""The bqplot figure of a map: one mark for all points, one for those above the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from ipywidgets import Layout, Widget
from numpy.typing import NDArray

from tsne_widget.widgets.models.appearance import TEXELS
from tsne_widget.widgets.models.coloring import Coloring

# Area of a marker in px² until the page sets its own, see looks.js.
MARKER_AREA = 20


def webgl_figure(xy: NDArray[np.float32], colors: Coloring) -> Any:
    """A figure of one mark for all points, and one that the page fills with those to emphasise.

    Parameters
    ----------
    xy : (n, 2) float32 array
    colors : Coloring
        Of these points.
    """
    import bqplot  # slow to import

    x, y = _columns(xy)
    scales = {
        **_place(x, y),
        "color": bqplot.ColorScale(colors=colors.texture, min=0, max=TEXELS - 1),
    }
    nothing = np.zeros(1, dtype=np.float32)
    above = _mark(x[:1], y[:1], nothing, scales)
    return _figure([_mark(x, y, _small(colors.texels), scales), above])


def move(figure: Any, xy: NDArray[np.float32]) -> None:
    """Move the points of a figure to other places."""
    points = figure.marks[0]
    with points.hold_sync():
        points.x, points.y = _columns(xy)


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


def _mark(x: Any, y: Any, color: Any, scales: dict[str, Any]) -> Any:
    import bqplot_gl

    return bqplot_gl.ScatterGL(
        x=x, y=y, color=color, scales=scales, default_size=MARKER_AREA, stroke_width=0.0
    )


def _columns(xy: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x, y = np.ascontiguousarray(xy.T, dtype=np.float32)
    return x, y


def _small(texels: NDArray[np.float32]) -> NDArray[Any]:
    """Whole texels as bytes: a quarter of what is sent."""
    whole = texels.astype(np.uint8)
    return whole if np.array_equal(whole, texels) else texels


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
