"""Several maps of the same samples in one static figure."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tsne_widget._calls import explained
from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.drawing import FONT_POINTS, GAP_POINTS, add_key, add_names, beside, draw
from tsne_widget.plotting.figure import (
    MARGIN_MM,
    MM_PER_INCH,
    as_size,
    as_suffix,
    look_of,
    new_figure,
    save,
)
from tsne_widget.plotting.groups import scaled

MAX_PANELS = 24


@explained(
    'write plot_embeddings({"fc2": one, "conv5": other}, labels), all else by name: path=, …'
)
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
    size_mm: tuple[float, float] = (60, 60),
    legend: bool = True,
    names: bool = False,
    markers: bool = False,
    point_size: float | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A figure of maps of the same samples side by side, with one legend: layers, or checkpoints.

    Parameters
    ----------
    embeddings : mapping of title to (n, 2) array
    labels : (n,) array of int or str, optional
        Of all maps.
    columns : int, optional
        Maps beside each other. Default: all up to 4, otherwise as square as possible.
    size_mm : (width, height)
        Of each map, in millimetres; the figure is larger by titles, gaps and legend.
    class_names, colors, values, values_title, selected, legend, names, markers, point_size, path
        See :func:`plot_embedding`.

    Raises
    ------
    InvalidInputError
        For shapes, lengths or values that do not fit, or another suffix of ``path``.
    StoreError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_embeddings({"fc2": np.eye(3)[:, :2], "conv5": np.eye(3)[:, 1:]}, [0, 1, 1])
    >>> [axes.get_title() for axes in figure.axes]
    ['fc2', 'conv5']
    """
    suffix = as_suffix(path)
    if not isinstance(embeddings, Mapping) or not 1 <= len(embeddings) <= MAX_PANELS:
        got = len(embeddings) if isinstance(embeddings, Mapping) else type(embeddings).__name__
        raise InvalidInputError(
            f"embeddings must be a dict of 1 … {MAX_PANELS} maps by title, got {got}; "
            'for example {"fc2": one, "conv5": other}'
        )
    count = len(embeddings)
    across = (count if count <= 4 else math.ceil(math.sqrt(count))) if columns is None else columns
    if isinstance(across, bool) or not isinstance(across, int) or across < 1:
        raise InvalidInputError(f"columns must be an integer above 0, got {columns!r}")
    across = min(across, count)
    down = math.ceil(count / across)
    places: list[Any] = []
    for title, embedding in embeddings.items():
        try:
            places.append(scaled(embedding))
        except InvalidInputError as error:
            raise InvalidInputError(f"embeddings[{title!r}]: {error}") from error
    lengths = {len(xy) for xy in places}
    if len(lengths) > 1:
        raise InvalidInputError(
            f"the maps have different numbers of points, {sorted(lengths)}; "
            "row i must be the same sample in all"
        )
    look = look_of(
        len(places[0]), labels, class_names, colors, values, values_title, selected, markers,
        point_size,
    )  # fmt: skip
    width, height = as_size(size_mm)
    margin, gap = MARGIN_MM / MM_PER_INCH, 2 * GAP_POINTS / 72
    title_height = (FONT_POINTS + 1) * 1.4 / 72 + GAP_POINTS / 72
    whole = np.array(
        [
            across * width + (across - 1) * gap + 2 * margin,
            down * (height + title_height) + (down - 1) * gap + 2 * margin,
        ]
    )
    figure = new_figure(*whole)
    panels = []
    for number, (title, xy) in enumerate(zip(embeddings, places, strict=True)):
        row, column = divmod(number, across)
        left = margin + column * (width + gap)
        top = whole[1] - margin - row * (height + title_height + gap)
        box = np.array([left, top - title_height - height, width, height])
        ax = figure.add_axes(tuple(box / np.tile(whole, 2)))
        draw(ax, xy, look, title=str(title))
        ax.title.set_wrap(False)
        panels.append((ax, xy, box))
    if legend:
        rightmost = panels[across - 1][0]
        add_key(rightmost, look)
        at_side, tall = beside(rightmost)
        more = max(0.0, tall + title_height + 2 * margin - whole[1])
        wider = whole + np.array([at_side, more])
        figure.set_size_inches(*wider)
        for ax, _, box in panels:
            ax.set_position(tuple((box + np.array([0, more, 0, 0])) / np.tile(wider, 2)))
    if names:
        for ax, xy, _ in panels:
            add_names(ax, xy, look)
    if path is not None:
        save(figure, Path(path), suffix)
    return figure
