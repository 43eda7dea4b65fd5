"""Several maps of the same samples in one static figure."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_one_order
from tsne_widget._calls import explained
from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.groups import unit_coordinates
from tsne_widget.plotting.look import FONT_POINTS, GAP_POINTS, Look, as_look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS = 24
# Up to this many panels are in one row by default.
MAX_IN_ROW = 4
_TITLE_INCHES = ((FONT_POINTS + 1) * 1.4 + GAP_POINTS) / 72
_GAP_INCHES = 2 * GAP_POINTS / 72


@explained(
    'call plot_embeddings({"fc2": first, "conv5": second}, labels) and pass everything else by '
    "name: path=, …"
)
@in_one_order("embeddings", "labels", "values", "selected", "wrong")
def plot_embeddings(
    embeddings: Mapping[str, ArrayLike],
    labels: ArrayLike | None = None,
    *,
    columns: int | None = None,
    class_names: Sequence[str] | None = None,
    colors: Mapping[str, str] | Sequence[str] | None = None,
    values: ArrayLike | None = None,
    values_title: str = "",
    selected: ArrayLike | None = None,
    wrong: ArrayLike | None = None,
    size_mm: tuple[float, float] = (60, 60),
    legend: bool = True,
    names: bool = False,
    markers: bool = False,
    point_size: float | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A figure of maps of the same samples side by side, with one legend: layers or checkpoints.

    Parameters
    ----------
    embeddings : mapping of title to (n, 2) array
        1 … 24 maps.
    labels : (n,) array of int or str, optional
        Labels of all maps.
    columns : int, optional
        Maps per row. Default: all if there are up to 4, otherwise as square as possible.
    size_mm : (width, height)
        Size of each map in millimetres; titles, gaps and legend make the figure larger.
    class_names, colors, values, values_title, selected, wrong, legend, names
        See :func:`plot_embedding`.
    markers, point_size, path
        See :func:`plot_embedding`.

    Returns
    -------
    matplotlib.figure.Figure
        As from :func:`plot_embedding`.

    Raises
    ------
    InvalidInputError
        If a shape, a length, a value or the suffix of ``path`` is wrong.
    StoreError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_embeddings({"fc2": np.eye(3)[:, :2], "conv5": np.eye(3)[:, 1:]}, [0, 1, 1])
    >>> [axes.get_title() for axes in figure.axes]
    ['fc2', 'conv5']
    """
    from tsne_widget.plotting import canvas, keys

    suffix = canvas.as_suffix(path)
    maps = _as_maps(embeddings)
    in_row = _as_columns(columns, len(maps))
    n = len(next(iter(maps.values())))
    look = as_look(
        n,
        labels,
        class_names,
        colors,
        values,
        values_title,
        selected,
        wrong,
        markers,
        point_size,
    )
    figure, panels = _draw_panels(maps, look, canvas.as_size(size_mm), in_row)
    if legend:
        _add_key(figure, panels, look, in_row)
    if names:
        for ax, xy in zip(panels, maps.values(), strict=True):
            keys.add_names(ax, xy, look)
    if path is not None:
        canvas.save(figure, Path(path), suffix)
    return figure


def _as_maps(embeddings: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """The maps in the unit square, by title."""
    if not isinstance(embeddings, Mapping) or not 1 <= len(embeddings) <= MAX_PANELS:
        got = len(embeddings) if isinstance(embeddings, Mapping) else type(embeddings).__name__
        raise InvalidInputError(
            f"embeddings must be a dict of 1 … {MAX_PANELS} maps by title, got {got}; "
            'for example {"fc2": first, "conv5": second}'
        )
    maps = {}
    for title, embedding in embeddings.items():
        try:
            maps[title] = unit_coordinates(embedding)
        except InvalidInputError as error:
            raise InvalidInputError(f"embeddings[{title!r}]: {error}") from error
    lengths = {len(xy) for xy in maps.values()}
    if len(lengths) > 1:
        raise InvalidInputError(
            f"embeddings have different numbers of points, {sorted(lengths)}; "
            "row i must be the same sample in all"
        )
    return maps


def _as_columns(columns: int | None, count: int) -> int:
    """Panels per row."""
    if columns is None:
        return count if count <= MAX_IN_ROW else math.ceil(math.sqrt(count))
    if isinstance(columns, bool) or not isinstance(columns, int) or columns < 1:
        raise InvalidInputError(f"columns must be an integer above 0, got {columns!r}")
    return min(columns, count)


def _draw_panels(
    maps: Mapping[str, NDArray[np.float64]],
    look: Look,
    size: tuple[float, float],
    columns: int,
) -> tuple[Figure, list[Axes]]:
    """A figure of all maps in rows; each map has the size, in inches."""
    from tsne_widget.plotting.canvas import MARGIN_MM, MM_PER_INCH, new_figure
    from tsne_widget.plotting.drawing import draw

    margin = MARGIN_MM / MM_PER_INCH
    step = np.array([size[0] + _GAP_INCHES, size[1] + _TITLE_INCHES + _GAP_INCHES])
    grid = np.array([columns, math.ceil(len(maps) / columns)])
    whole = grid * step - _GAP_INCHES + 2 * margin
    figure = new_figure(*whole)
    panels = []
    for number, (title, xy) in enumerate(maps.items()):
        row, column = divmod(number, columns)
        left = margin + column * step[0]
        bottom = whole[1] - margin - row * step[1] - _TITLE_INCHES - size[1]
        ax = figure.add_axes(tuple(np.array([left, bottom, *size]) / np.tile(whole, 2)))
        draw(ax, xy, look, title=str(title))
        ax.title.set_wrap(False)
        panels.append(ax)
    return figure, panels


def _add_key(figure: Figure, panels: list[Axes], look: Look, columns: int) -> None:
    """Add one key beside the first row, and enlarge the figure for it."""
    from tsne_widget.plotting.canvas import MARGIN_MM, MM_PER_INCH
    from tsne_widget.plotting.keys import add_key, key_size

    old = np.array(figure.get_size_inches())
    boxes = [np.array(ax.get_position(original=True).bounds) * np.tile(old, 2) for ax in panels]
    add_key(panels[columns - 1], look)
    key_width, key_height = key_size(panels[columns - 1])
    needed = key_height + _TITLE_INCHES + 2 * MARGIN_MM / MM_PER_INCH
    more = max(0.0, needed - old[1])
    new = old + np.array([key_width, more])
    figure.set_size_inches(*new)
    for ax, box in zip(panels, boxes, strict=True):
        ax.set_position(tuple((box + np.array([0, more, 0, 0])) / np.tile(new, 2)))
