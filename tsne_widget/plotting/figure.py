"""The static figure of an embedding, for papers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from io import BytesIO
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.plotting.colors import UNKNOWN_COLOR, class_colors, near_names

# In SVG and PDF, more points than this become one picture: every point is about 100 bytes there.
MAX_VECTOR_POINTS = 10_000
# The legend names at most this many classes, those with the most points, and counts the others.
MAX_LEGEND_CLASSES = 100
MAX_NAME_CHARACTERS = 40
MAX_TITLE_CHARACTERS = 300
MAX_SIZE_MM = 2000  # 24,000 dots: more is a slip of the pen, such as dots for millimetres
# Without class_names a label c implies c + 1 classes. Above this many the codes are ids.
MAX_UNNAMED_CLASSES = 10_000
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
_FONT_POINTS = 7.0
_MM_PER_INCH = 25.4
_GAP_POINTS = 5.0  # between map, legend and title
_LEGEND_ROW_POINTS = 10.0
_MARGIN_MM = 1.0
_PADDING = 0.02  # around the points, as a share of the map


def plot_embedding(
    embedding: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    title: str | None = None,
    colors: Mapping[str, str] | Sequence[str] | None = None,
    size_mm: tuple[float, float] = (90, 90),
    legend: bool = True,
    point_size: float | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A figure of the embedding: one colour per class, a legend beside it, no ticks.

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
    size_mm : (width, height)
        Of the map, in millimetres. Legend and title enlarge the figure beyond it.
    legend : bool
        Whether to name the classes that have points.
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
    suffix = _as_suffix(path)
    xy = _scaled(embedding)
    groups = _as_groups(labels, class_names, len(xy))
    if labels is None and colors is not None:
        raise InvalidInputError("colors are by class, but there are no classes; pass labels")
    palette = class_colors(groups.names, colors)
    width, height = _as_size(size_mm)
    diameter = _as_diameter(point_size, len(xy))
    if ax is not None:
        _draw(ax, xy, groups, palette, diameter, title=title, legend=legend)
        drawn: Figure = ax.figure.figure
    else:
        drawn = EmbeddingFigure(figsize=(width, height))
        drawn.set_layout_engine("none")  # whatever the user's matplotlibrc says: _fit does it
        FigureCanvasAgg(drawn)
        axes = drawn.add_axes((0, 0, 1, 1))
        _draw(axes, xy, groups, palette, diameter, title=title, legend=legend)
        _fit(drawn, axes, width, height)
    if path is not None:
        _save(drawn, Path(path), suffix)
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


class _Groups(NamedTuple):
    """A class code for each point, −1 unknown, and the name of each code."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]


def _as_suffix(path: str | os.PathLike[str] | None) -> str:
    suffix = "" if path is None else Path(path).suffix.lower()
    if path is not None and suffix not in _NO_DATES:
        raise InvalidInputError(f"path must end in {', '.join(_NO_DATES)}, got {os.fspath(path)!r}")
    return suffix


def _as_size(size_mm: tuple[float, float]) -> tuple[float, float]:
    """Width and height in inches."""
    size: NDArray[Any] = np.asarray(size_mm)
    if size.shape != (2,) or size.dtype.kind not in "iuf" or not (size > 0).all():
        raise InvalidInputError(f"size_mm must be (width, height) above 0, got {size_mm!r}")
    if (size > MAX_SIZE_MM).any():
        raise InvalidInputError(f"size_mm must be at most {MAX_SIZE_MM} each, got {size_mm!r}")
    return float(size[0]) / _MM_PER_INCH, float(size[1]) / _MM_PER_INCH


def _as_diameter(point_size: float | None, n: int) -> float:
    """Points: by default so that a few are seen and many leave room between clusters."""
    if point_size is None:
        return float(np.clip(20 / n**0.3, 0.4, 6))
    if not (np.isfinite(point_size) and point_size > 0):
        raise InvalidInputError(f"point_size must be above 0, got {point_size}")
    return float(point_size)


def _scaled(embedding: ArrayLike) -> NDArray[np.float64]:
    """(n, 2) float64 within 0 … 1: one factor for both axes, the shorter one in the middle."""
    points = np.asarray(embedding)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InvalidInputError(f"embedding must have shape (n, 2), n above 0, got {points.shape}")
    if points.dtype.kind not in "fiu":
        raise InvalidInputError(f"embedding must be numbers, got dtype {points.dtype}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise InvalidInputError(
            f"embedding holds NaN or infinite values in {len(bad)} of {len(points)} rows "
            f"(first row: {bad[0]}); drop these rows"
        )
    xy = points.astype(np.float64)
    xy /= np.abs(xy).max() or 1.0  # or a difference of two could overflow
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = (high - low).max() or 1.0
    scaled: NDArray[np.float64] = (xy - (low + high) / 2) / span + 0.5
    return scaled


def _as_groups(labels: ArrayLike | None, class_names: Sequence[str] | None, n: int) -> _Groups:
    if labels is None:
        return _Groups(np.zeros(n, dtype=np.int64), ("",))
    values = np.asarray(labels)
    if values.dtype.kind in "UT" and not hasattr(labels, "dtype"):
        values = np.array(labels, dtype=object)  # a NaN among names would be the name "nan"
    if values.ndim != 1:
        raise InvalidInputError(f"labels must have shape ({n},), got {values.shape}")
    if len(values) != n:
        raise InvalidInputError(
            f"labels has {len(values)} entries, but embedding has {n} rows; "
            "row i must be the same sample"
        )
    names = None if class_names is None else tuple(map(str, class_names))
    if names is not None and len(set(names)) < len(names):
        raise InvalidInputError("class_names must differ from each other")
    if values.dtype.kind in "OUT":
        missing = np.array([_is_missing(value) for value in values])
        if not all(isinstance(value, Integral) for value in values[~missing]):
            return _groups_by_name(values.astype(object), missing, names)
        values = np.where(missing, -1, values)
    elif values.dtype.kind == "f":
        values = np.where(np.isnan(values), -1, values)
        if not (values == np.rint(values)).all():
            raise InvalidInputError(
                "labels must be whole numbers or names; mark unknown ones as -1"
            )
    elif values.dtype.kind not in "iub":
        raise InvalidInputError(f"labels must be integers or names, got dtype {values.dtype}")
    lowest, highest = int(values.min()), int(values.max())
    count = MAX_UNNAMED_CLASSES if names is None else len(names)
    if lowest < -1 or highest >= count:
        raise InvalidInputError(
            f"labels must be 0 … {count - 1}, or -1 for unknown, got {lowest} … {highest}; "
            "correct them or class_names"
        )
    codes = values.astype(np.int64)
    return _Groups(codes, tuple(map(str, range(highest + 1))) if names is None else names)


def _groups_by_name(
    values: NDArray[Any], missing: NDArray[np.bool_], names: tuple[str, ...] | None
) -> _Groups:
    texts = [None if absent else str(value) for value, absent in zip(values, missing, strict=True)]
    used = {text for text in texts if text is not None}
    if names is None:
        names = tuple(sorted(used))
    unknown = sorted(used - set(names))
    if unknown:
        raise InvalidInputError(
            f"labels name {unknown[0]!r}, which class_names lacks; {near_names(unknown[0], names)}"
        )
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    return _Groups(np.array([code_of.get(text, -1) for text in texts]), names)


def _is_missing(value: object) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas's
        return True
    return isinstance(value, float) and value != value


def _draw(
    ax: Axes,
    xy: NDArray[np.float64],
    groups: _Groups,
    palette: tuple[str, ...],
    diameter: float,
    *,
    title: str | None,
    legend: bool,
) -> None:
    order = np.random.default_rng(0).permutation(len(xy))  # else the last class hides the others
    order = order[np.argsort(groups.codes[order] >= 0, kind="stable")]  # unknown ones beneath
    rgba = matplotlib.colors.to_rgba_array([*palette, UNKNOWN_COLOR])  # code −1 takes the last
    ax.scatter(
        xy[order, 0],
        xy[order, 1],
        s=diameter**2,
        c=rgba[groups.codes[order]],
        linewidths=0,
        rasterized=len(xy) > MAX_VECTOR_POINTS,
    )
    box = np.array([ax.bbox.width, ax.bbox.height])
    per_unit = (box / (np.ptp(xy, axis=0) + 2 * _PADDING)).min()  # the scale at which both fit
    ax.set(xlim=0.5 + np.array([-0.5, 0.5]) * box[0] / per_unit, xticks=[])
    ax.set(ylim=0.5 + np.array([-0.5, 0.5]) * box[1] / per_unit, yticks=[])
    ax.set_aspect("equal", adjustable="box")
    for spine in ax.spines.values():
        spine.set(linewidth=0.5, color=UNKNOWN_COLOR)
    if title is not None:
        text = ax.set_title("", fontsize=_FONT_POINTS + 1, pad=_GAP_POINTS, wrap=True)
        _write(text, title, MAX_TITLE_CHARACTERS)
    if legend and groups.names != ("",):
        _add_legend(ax, groups, palette)


def _add_legend(ax: Axes, groups: _Groups, palette: tuple[str, ...]) -> None:
    counts = np.bincount(groups.codes[groups.codes >= 0], minlength=len(groups.names))
    shown = np.argsort(-counts, kind="stable")[:MAX_LEGEND_CLASSES]
    shown = np.sort(shown[counts[shown] > 0])
    entries = [(palette[code], groups.names[code]) for code in shown]
    if (groups.codes < 0).any():
        entries.append((UNKNOWN_COLOR, "unknown"))
    left_out = np.count_nonzero(counts) - len(shown)
    if left_out:
        entries.append(("none", f"and {left_out} more"))
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=4, markeredgewidth=0, color=color)
        for color, _ in entries
    ]
    width, height = ax.bbox.width / ax.figure.dpi * 72, ax.bbox.height / ax.figure.dpi * 72
    rows = max(1, int(height / _LEGEND_ROW_POINTS))
    legend = ax.legend(
        handles,
        [""] * len(entries),  # written below: matplotlib 3.8 drops labels with a leading "_"
        loc="upper left",
        bbox_to_anchor=(1 + _GAP_POINTS / width, 1),
        borderaxespad=0,
        borderpad=0,
        columnspacing=1,
        fontsize=_FONT_POINTS,
        frameon=False,
        handlelength=1,
        handletextpad=0.3,
        labelspacing=0.3,
        ncols=-(-len(entries) // rows),
    )
    for text, (_, name) in zip(legend.get_texts(), entries, strict=True):
        _write(text, name, MAX_NAME_CHARACTERS)


def _write(text: Text, content: str, limit: int) -> None:
    """Put data into a text: trimmed, controls as escapes, and never read as mathematics or TeX."""
    text.set_parse_math(False)
    text.set_usetex(False)
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in content[:limit]
    )
    text.set_text(shown if len(content) <= limit else shown[: limit - 1] + "…")


def _fit(figure: Figure, ax: Axes, width: float, height: float) -> None:
    """Make the figure as large as map (width × height inches), legend and title need."""
    margin, gap = _MARGIN_MM / _MM_PER_INCH, _GAP_POINTS / 72
    legend, beside, tall = ax.get_legend(), 0.0, height
    if legend is not None:
        extent = legend.get_window_extent()
        beside = gap + extent.width / figure.dpi
        tall = max(height, extent.height / figure.dpi)
    whole_width = width + beside + 2 * margin

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


def _save(figure: Figure, path: Path, suffix: str) -> None:
    buffer = BytesIO()
    with matplotlib.rc_context(_FILE_STYLE):
        figure.savefig(
            buffer, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=_NO_DATES[suffix] or None
        )
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
