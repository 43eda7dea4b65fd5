"""The static figure of one map, for papers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from tsne_widget._by_index import in_one_order
from tsne_widget._calls import explained
from tsne_widget.plotting.groups import unit_coordinates
from tsne_widget.plotting.look import as_look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@explained(
    "call plot_embedding(embedding, labels) and pass everything else by name: class_names=, "
    "path=, …; for an explorer, call explorer.figure()"
)
@in_one_order("embedding", "labels", "values", "selected", "wrong")
def plot_embedding(
    embedding: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    title: str | None = None,
    colors: Mapping[str, str] | Sequence[str] | None = None,
    values: ArrayLike | None = None,
    values_title: str = "",
    selected: ArrayLike | None = None,
    wrong: ArrayLike | None = None,
    size_mm: tuple[float, float] = (90, 90),
    legend: bool = True,
    names: bool = False,
    markers: bool = False,
    point_size: float | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A figure of a map: one colour per class, a legend beside it, no ticks.

    With up to 10 classes, any two default colours are at least 0.149 apart in OKLab, in
    deuteranopia 0.095, in protanopia 0.085. ``markers`` adds shapes, ``names`` writes the class
    names on the map.

    Both axes are scaled by one factor, so distances keep their proportions. Overlapping points are
    in random, repeatable order, with unknown ones below. pyplot is not used, so the figure is freed
    when nothing refers to it.

    Parameters
    ----------
    embedding : (n, 2) array of finite numbers
    labels : (n,) array of int or str, optional
        Class codes, −1 if unknown; or class names, None if unknown.
    class_names : sequence of str, optional
        Name of each class code. Default: the sorted names, or the codes.
    title : str, optional
    colors : mapping of class name to colour, or sequence of colours, optional
        See :func:`class_colors`.
    values : (n,) array of numbers, optional
        Colour by these instead of the classes, for example by confidence, with a colour bar; NaN is
        grey.
    values_title : str
        Label of the colour bar.
    selected : (n,) array of bool, optional
        Points to emphasise; the others are drawn smaller and fainter.
    wrong : (n,) array of bool, optional
        Misclassified points, drawn above the others, larger and with a ring if there is room.
    size_mm : (width, height)
        Size of the map in millimetres. Legend and title make the figure larger.
    legend : bool
        Whether to add a legend of the classes that have points, or a colour bar.
    names : bool
        Whether to write each class name where the class is densest, without overlap. Requires
        adjustText: ``pip install "tsne-widget[figures]"``.
    markers : bool
        Whether each of up to 8 classes has its own shape as well as its colour.
    point_size : float, optional
        Diameter of a point in typographic points (1/72 inch). Default: depends on n.
    ax : matplotlib Axes, optional
        Draw here instead of in a new figure; ``size_mm`` is then ignored.
    path : str or PathLike, optional
        Also save the figure, as ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    matplotlib.figure.Figure
        It displays itself in a notebook, and its ``savefig`` embeds fonts.

    Raises
    ------
    InvalidInputError
        If a shape, a length, a value or the suffix of ``path`` is wrong.
    StoreError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_embedding(np.eye(4)[:, :2], ["cat", "dog", "cat", "dog"], title="Pets")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['cat', 'dog']
    """
    from tsne_widget.plotting import canvas, drawing, keys

    suffix = canvas.as_suffix(path)
    xy = unit_coordinates(embedding)
    look = as_look(
        len(xy),
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
    width, height = canvas.as_size(size_mm)
    if ax is not None:
        figure: Figure = ax.figure.figure
    else:
        figure = canvas.new_figure(width, height)
        ax = figure.add_axes((0, 0, 1, 1))
    drawing.draw(ax, xy, look, title)
    if legend:
        keys.add_key(ax, look)
    if isinstance(figure, canvas.EmbeddingFigure) and len(figure.axes) == 1:
        canvas.fit(figure, ax, width, height)
    if names:
        keys.add_names(ax, xy, look)
    if path is not None:
        canvas.save(figure, Path(path), suffix)
    return figure
