"""The key to a map's colours: a legend, a colour bar, or class names on the map."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.colors import UNKNOWN_COLOR
from tsne_widget.plotting.look import FONT_POINTS, GAP_POINTS, MARKERS, Look

# The legend lists at most this many classes, those with the most points, and counts the others.
MAX_LEGEND_CLASSES = 100
MAX_NAME_CHARACTERS = 40
_LEGEND_ROW_POINTS = 10.0
# Colours of values: viridis without its ends, which are invisible on white.
RAMP = LinearSegmentedColormap.from_list(
    "tsne_widget", matplotlib.colormaps["viridis"](np.linspace(0.02, 0.92, 256))
)
# Share of the values at either end that get the colour of the end, as in the widget. The colour
# bar then has a pointed end.
_TAIL = 0.01
# A name is placed where its class is densest, on a grid with this many cells along each side.
_DENSITY_CELLS = 16
# Steps in which names are moved apart. A time limit would give other figures on other machines.
_STEPS_APART = 500
_NAME_BOX = {"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0}


def add_key(ax: Axes, look: Look) -> None:
    """Add a legend or a colour bar beside the map."""
    if look.values is not None:
        _add_colorbar(ax, look.values, look.values_title)
    elif look.groups.names != ("",):
        _add_legend(ax, look)


def key_size(ax: Axes) -> tuple[float, float]:
    """Width, including the gap, and height of the key beside the map, in inches."""
    dots: Any = ax.figure.dpi
    legend = ax.get_legend()
    if legend is not None:
        extent = legend.get_window_extent()
        return GAP_POINTS / 72 + extent.width / dots, extent.height / dots
    if ax.child_axes:  # a colour bar
        extent = ax.child_axes[0].get_tightbbox() or ax.bbox
        return (extent.x1 - ax.bbox.x1) / dots, 0.0
    return 0.0, 0.0


def value_range(values: NDArray[np.float64]) -> Normalize:
    """The range of colours, without the tails."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Normalize(0, 1)
    low, high = np.quantile(finite, [_TAIL, 1 - _TAIL], method="nearest")
    return Normalize(low, high) if low < high else Normalize(finite.min(), finite.max())


def set_text(text: Text, content: str, limit: int) -> None:
    """Set data as text: one visible line of at most ``limit`` characters, never mathtext or TeX."""
    text.set_parse_math(False)
    text.set_usetex(False)
    text.set_text(printable(content, limit))


def _add_colorbar(ax: Axes, values: NDArray[np.float64], title: str) -> None:
    width = ax.bbox.width / ax.figure.dpi * 72
    beside = ax.inset_axes((1 + GAP_POINTS / width, 0, 7 / width, 1))
    norm = value_range(values)
    scaled = norm(values[np.isfinite(values)])  # 0 to 1 within the range of colours
    beyond = bool((scaled < 0).any()), bool((scaled > 1).any())
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[beyond]
    bar = ax.figure.colorbar(ScalarMappable(norm, RAMP), cax=beside, extend=extend)
    bar.outline.set_linewidth(0)
    beside.tick_params(labelsize=FONT_POINTS, width=0.5, length=2, pad=2)
    text = beside.set_ylabel("", fontsize=FONT_POINTS, labelpad=3)
    set_text(text, title, MAX_NAME_CHARACTERS)


def _legend_entries(look: Look) -> list[tuple[str, str, str]]:
    """Colour, name and marker of each entry of the legend."""
    codes, names = look.groups
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    listed = np.argsort(-counts, kind="stable")[:MAX_LEGEND_CLASSES]
    listed = np.sort(listed[counts[listed] > 0])
    entries = [
        (look.palette[code], names[code], MARKERS[code % len(MARKERS)] if look.markers else "o")
        for code in listed
    ]
    if (codes < 0).any():
        entries.append((UNKNOWN_COLOR, "unknown", "o"))
    omitted = np.count_nonzero(counts) - len(listed)
    if omitted:
        entries.append(("none", f"and {omitted} more", "o"))
    return entries


def _add_legend(ax: Axes, look: Look) -> None:
    entries = _legend_entries(look)
    handles = [
        Line2D([], [], linestyle="", marker=marker, markersize=4, markeredgewidth=0, color=color)
        for color, _, marker in entries
    ]
    width, height = ax.bbox.width / ax.figure.dpi * 72, ax.bbox.height / ax.figure.dpi * 72
    rows = max(1, int(height / _LEGEND_ROW_POINTS))
    legend = ax.legend(
        handles,
        [""] * len(entries),  # set below: matplotlib 3.8 drops labels with a leading "_"
        loc="upper left",
        bbox_to_anchor=(1 + GAP_POINTS / width, 1),
        borderaxespad=0,
        borderpad=0,
        columnspacing=1,
        fontsize=FONT_POINTS,
        frameon=False,
        handlelength=1,
        handletextpad=0.3,
        labelspacing=0.3,
        ncols=-(-len(entries) // rows),
    )
    for text, (_, name, _) in zip(legend.get_texts(), entries, strict=True):
        set_text(text, name, MAX_NAME_CHARACTERS)


def add_names(ax: Axes, xy: NDArray[np.float64], look: Look) -> None:
    """Write each class name on the map where the class is densest, without overlap.

    Raises
    ------
    InvalidInputError
        If adjustText, an extra, is not installed.
    """
    try:
        from adjustText import adjust_text
    except ImportError as error:
        raise InvalidInputError(
            "names=True requires adjustText, which moves names apart; "
            'pip install "tsne-widget[figures]"'
        ) from error
    texts: list[Text] = []
    for code, name in enumerate(look.groups.names):
        part = xy[look.groups.codes == code]
        if not len(part) or not name:
            continue
        x, y = _densest(part)
        text = ax.text(
            x, y, "", fontsize=FONT_POINTS, fontweight="bold", ha="center", va="center",
            bbox=dict(_NAME_BOX), zorder=5,
        )  # fmt: skip
        set_text(text, name, MAX_NAME_CHARACTERS)
        texts.append(text)
    if len(texts) > 1:
        adjust_text(
            texts, ax=ax, iter_lim=_STEPS_APART, min_arrow_len=1e9, expand=(1.05, 1.1),
            ensure_inside_axes=True,
        )  # fmt: skip


def _densest(part: NDArray[np.float64]) -> tuple[float, float]:
    """Mean of the points in the fullest cell of a grid over the map."""
    cells = np.minimum((part * _DENSITY_CELLS).astype(int), _DENSITY_CELLS - 1)
    number = cells[:, 0] * _DENSITY_CELLS + cells[:, 1]
    x, y = part[number == np.bincount(number).argmax()].mean(axis=0).tolist()
    return x, y
