"""The static figure of an embedding, for papers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from tsne_widget._calls import explained
from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.plotting.colors import class_colors
from tsne_widget.plotting.drawing import GAP_POINTS, MARKERS, Look, add_key, add_names, beside, draw
from tsne_widget.plotting.groups import as_groups, scaled

MAX_SIZE_MM = 2000  # 24,000 dots: more is a slip of the pen, such as dots for millimetres
DOTS_PER_INCH = 300  # of PNG, and of points that became one picture

# Fonts go into the PDF as such, and SVG keeps text as text, so that a publisher can edit both.
# Without dates and random ids the same figure is the same file.
_FILE_STYLE: dict[Any, Any] = {
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "tsne_widget",
}
_NO_DATES: dict[str, dict[str, None]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None, "ModDate": None},
}
MM_PER_INCH = 25.4
MARGIN_MM = 1.0


@explained(
    "write plot_embedding(embedding, labels), all else by name: class_names=, path=, …; "
    "of an explorer it is explorer.figure()"
)
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
    size_mm: tuple[float, float] = (90, 90),
    legend: bool = True,
    names: bool = False,
    markers: bool = False,
    point_size: float | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A figure of the embedding: one colour per class, a legend beside it, no ticks.

    Any two default colours of 8 classes are at least 0.09 apart in OKLab, of 10 classes 0.06, also
    as seen with protanopia, deuteranopia and tritanopia (in CIEDE2000: 9.1 and 7.3). ``markers``
    adds shapes, ``names`` writes the classes on the map.

    Both axes are min–max scaled by one factor, so that distances keep their proportions. Points lie
    over each other in random, repeatable order, unknown ones beneath. pyplot is not involved: the
    figure is freed when it is no longer used.

    Parameters
    ----------
    embedding : (n, 2) array of finite numbers
    labels : (n,) array of int or str, optional
        Class codes, −1 unknown; or class names, None unknown.
    class_names : sequence of str, optional
        Name of each class code. Default: the sorted names, or the codes.
    title : str, optional
    colors : mapping of class name to colour, or sequence of colours, optional
        See :func:`class_colors`.
    values : (n,) array of numbers, optional
        Colour by these, for example the confidence, with a colour bar; NaN is grey.
    values_title : str
        What they are, beside the colour bar.
    selected : (n,) array of bool, optional
        Rows that stand out; all others are drawn faintly.
    size_mm : (width, height)
        Of the map, in millimetres. Legend and title enlarge the figure beyond it.
    legend : bool
        Whether to name the classes that have points, or the values, beside the map.
    names : bool
        Whether to write each class's name where it is densest, without overlap. Needs adjustText:
        ``pip install "tsne-widget[figures]"``.
    markers : bool
        Whether each of up to 8 classes has a shape of its own, beside its colour.
    point_size : float, optional
        Diameter of a point in typographic points (1/72 inch). Default: by the number of points.
    ax : matplotlib Axes, optional
        Where to draw instead of a new figure; ``size_mm`` is then ignored.
    path : str or PathLike, optional
        Also save the figure there, as ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    matplotlib.figure.Figure
        It shows itself in a notebook, and its ``savefig`` embeds fonts.

    Raises
    ------
    InvalidInputError
        For shapes, lengths or values that do not fit, or another suffix of ``path``.
    StoreError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_embedding(np.eye(4)[:, :2], ["cat", "dog", "cat", "dog"], title="Pets")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['cat', 'dog']
    """
    suffix = as_suffix(path)
    xy = scaled(embedding)
    look = look_of(
        len(xy), labels, class_names, colors, values, values_title, selected, markers, point_size
    )
    width, height = as_size(size_mm)
    if ax is not None:
        drawn: Figure = ax.figure.figure
    else:
        drawn = new_figure(width, height)
        ax = drawn.add_axes((0, 0, 1, 1))
    draw(ax, xy, look, title)
    if legend:
        add_key(ax, look)
    if isinstance(drawn, EmbeddingFigure) and len(drawn.axes) == 1:
        _fit(drawn, ax, width, height)
    if names:
        add_names(ax, xy, look)
    if path is not None:
        save(drawn, Path(path), suffix)
    return drawn


def look_of(
    n: int,
    labels: ArrayLike | None,
    class_names: Sequence[str] | None,
    colors: Mapping[str, str] | Sequence[str] | None,
    values: ArrayLike | None,
    values_title: str,
    selected: ArrayLike | None,
    markers: bool,
    point_size: float | None,
) -> Look:
    """What :func:`plot_embedding` was given, checked, for n points."""
    groups = as_groups(labels, class_names, n)
    if labels is None and colors is not None:
        raise InvalidInputError("colors are by class, but there are no classes; pass labels")
    if markers and len(groups.names) > len(MARKERS):
        raise InvalidInputError(
            f"markers=True tells {len(MARKERS)} classes apart, got {len(groups.names)}; "
            "use names=True, or plot fewer classes"
        )
    numbers = None if values is None else np.asarray(values)
    if numbers is not None and (numbers.shape != (n,) or numbers.dtype.kind not in "fiub"):
        raise InvalidInputError(
            f"values must be numbers of shape ({n},), got {numbers.dtype} of {numbers.shape}"
        )
    mask = None if selected is None else np.asarray(selected)
    if mask is not None and (mask.shape != (n,) or mask.dtype != bool):
        raise InvalidInputError(
            f"selected must be a bool mask of shape ({n},), got {mask.dtype} of {mask.shape}"
        )
    return Look(
        groups,
        class_colors(groups.names, colors),
        _as_diameter(point_size, n, markers),
        None if numbers is None else numbers.astype(np.float64),
        values_title,
        mask,
        markers,
    )


def new_figure(width: float, height: float) -> EmbeddingFigure:
    """A figure of so many inches, without pyplot."""
    drawn = EmbeddingFigure(figsize=(width, height))
    drawn.set_layout_engine("none")  # whatever the user's matplotlibrc says: _fit does it
    FigureCanvasAgg(drawn)
    return drawn


class EmbeddingFigure(Figure):
    """A Figure that shows itself in a notebook without pyplot, and saves with fonts embedded."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=DOTS_PER_INCH / 2)
        return buffer.getvalue()

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """As :meth:`matplotlib.figure.Figure.savefig`, with fonts embedded."""
        with matplotlib.rc_context(_FILE_STYLE):
            super().savefig(fname, transparent=transparent, **kwargs)


def as_suffix(path: str | os.PathLike[str] | None) -> str:
    suffix = "" if path is None else Path(path).suffix.lower()
    if path is not None and suffix not in _NO_DATES:
        raise InvalidInputError(f"path must end in {', '.join(_NO_DATES)}, got {os.fspath(path)!r}")
    return suffix


def as_size(size_mm: tuple[float, float]) -> tuple[float, float]:
    """Width and height in inches."""
    size: NDArray[Any] = np.asarray(size_mm)
    if size.shape != (2,) or size.dtype.kind not in "iuf" or not (size > 0).all():
        raise InvalidInputError(f"size_mm must be (width, height) above 0, got {size_mm!r}")
    if (size > MAX_SIZE_MM).any():
        raise InvalidInputError(f"size_mm must be at most {MAX_SIZE_MM} each, got {size_mm!r}")
    return float(size[0]) / MM_PER_INCH, float(size[1]) / MM_PER_INCH


def _as_diameter(point_size: float | None, n: int, markers: bool) -> float:
    """Points: by default so that a few are seen and many leave room between clusters."""
    if point_size is None:
        larger = 1.35 if markers else 1.0  # or their shapes are not seen
        return larger * float(np.clip(20 / n**0.3, 0.4, 6))
    if not (np.isfinite(point_size) and point_size > 0):
        raise InvalidInputError(f"point_size must be above 0, got {point_size}")
    return float(point_size)


def _fit(figure: Figure, ax: Axes, width: float, height: float) -> None:
    """Make the figure as large as map (width × height inches), legend and title need."""
    margin, gap = MARGIN_MM / MM_PER_INCH, GAP_POINTS / 72
    at_side, tall = beside(ax)
    tall = max(height, tall)
    whole_width = width + at_side + 2 * margin

    def place(above: float) -> None:
        whole_height = above + tall + 2 * margin
        figure.set_size_inches(whole_width, whole_height)
        ax.set_position(
            (
                margin / whole_width,
                (margin + tall - height) / whole_height,
                width / whole_width,
                height / whole_height,
            )
        )

    place(above=0.0)
    if ax.get_title():
        place(above=height)  # it is wrapped at the figure's width, but only inside the figure
        place(above=gap + ax.title.get_window_extent().height / figure.dpi)


def save(figure: Figure, path: Path, suffix: str) -> None:
    buffer = BytesIO()
    with matplotlib.rc_context(_FILE_STYLE):
        figure.savefig(
            buffer, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=_NO_DATES[suffix] or None
        )
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
