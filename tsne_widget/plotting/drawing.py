"""One map drawn into matplotlib axes: points, and a legend, a colour bar or names on the map."""

from __future__ import annotations

from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba_array
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.colors import UNKNOWN_COLOR
from tsne_widget.plotting.groups import Groups

# In SVG and PDF, more points than this become one picture: every point is about 100 bytes there.
MAX_VECTOR_POINTS = 10_000
# The legend names at most this many classes, those with the most points, and counts the others.
MAX_LEGEND_CLASSES = 100
MAX_NAME_CHARACTERS = 40
MAX_TITLE_CHARACTERS = 300
FONT_POINTS = 7.0
GAP_POINTS = 5.0  # between map, legend and title
_LEGEND_ROW_POINTS = 10.0
_PADDING = 0.02  # around the points, as a share of the map
# Shapes that are told apart at 2 mm; after the last they begin again.
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
# Of what is not selected, beside what is.
_DIMMED_OPACITY = 0.15
# Colours of values: viridis without its ends, which vanish on white.
RAMP = LinearSegmentedColormap.from_list(
    "tsne_widget", matplotlib.colormaps["viridis"](np.linspace(0.02, 0.92, 256))
)
# Of values, the share at either end that takes the end's colour, as in the widget; the bar's ends
# are pointed then.
_TAIL = 0.01
# Names on the map stand where their class is densest, on a grid of so many cells along each side.
_DENSITY_CELLS = 16
# Names are moved apart in at most so many steps; by time, figures would differ between machines.
_STEPS_APART = 500
_NAME_GROUND = {"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0}


class Look(NamedTuple):
    """How the points of a map are drawn."""

    groups: Groups
    palette: tuple[str, ...]
    diameter: float
    values: NDArray[np.float64] | None = None
    """(n,) in place of classes, NaN unknown."""
    values_title: str = ""
    selected: NDArray[np.bool_] | None = None
    markers: bool = False


def draw(ax: Axes, xy: NDArray[np.float64], look: Look, title: str | None = None) -> None:
    """Points, frame and title. Points lie over each other in random, repeatable order."""
    codes = look.groups.codes
    known = codes >= 0 if look.values is None else np.isfinite(look.values)
    order = np.random.default_rng(0).permutation(len(xy))  # else the last class hides the others
    order = order[np.argsort(known[order], kind="stable")]  # unknown ones beneath
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
    box = np.array([ax.bbox.width, ax.bbox.height])
    per_unit = (box / (np.ptp(xy, axis=0) + 2 * _PADDING)).min()  # the scale at which both fit
    ax.set(xlim=0.5 + np.array([-0.5, 0.5]) * box[0] / per_unit, xticks=[])
    ax.set(ylim=0.5 + np.array([-0.5, 0.5]) * box[1] / per_unit, yticks=[])
    ax.set_aspect("equal", adjustable="box")
    for spine in ax.spines.values():
        spine.set(linewidth=0.5, color=UNKNOWN_COLOR)
    if title is not None:
        text = ax.set_title("", fontsize=FONT_POINTS + 1, pad=GAP_POINTS, wrap=True)
        write(text, title, MAX_TITLE_CHARACTERS)


def _rgba(look: Look) -> NDArray[np.float64]:
    """(n, 4) colours of the points."""
    grey = to_rgba_array(UNKNOWN_COLOR)
    if look.values is None:
        # code −1 takes the last
        of_codes: NDArray[np.float64] = np.vstack([to_rgba_array([*look.palette]), grey])
        return of_codes[look.groups.codes]
    rgba = np.repeat(grey, len(look.values), axis=0)
    finite = np.isfinite(look.values)
    rgba[finite] = RAMP(_norm(look.values)(look.values[finite]))
    return rgba


def _norm(values: NDArray[np.float64]) -> Normalize:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Normalize(0, 1)
    low, high = np.quantile(finite, [_TAIL, 1 - _TAIL], method="nearest")
    return Normalize(low, high) if low < high else Normalize(finite.min(), finite.max())


def add_key(ax: Axes, look: Look) -> None:
    """Say beside the map what its colours mean."""
    if look.values is not None:
        _add_colorbar(ax, look)
    elif look.groups.names != ("",):
        _add_legend(ax, look)


def _add_colorbar(ax: Axes, look: Look) -> None:
    assert look.values is not None  # noqa: S101 - as add_key() has seen
    width = ax.bbox.width / ax.figure.dpi * 72
    beside = ax.inset_axes((1 + GAP_POINTS / width, 0, 7 / width, 1))
    norm = _norm(look.values)
    scaled = norm(look.values[np.isfinite(look.values)])  # 0 to 1 within the range of colours
    beyond = bool((scaled < 0).any()), bool((scaled > 1).any())
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[beyond]
    bar = ax.figure.colorbar(ScalarMappable(norm, RAMP), cax=beside, extend=extend)
    bar.outline.set_linewidth(0)
    beside.tick_params(labelsize=FONT_POINTS, width=0.5, length=2, pad=2)
    text = beside.set_ylabel("", fontsize=FONT_POINTS, labelpad=3)
    write(text, look.values_title, MAX_NAME_CHARACTERS)


def _add_legend(ax: Axes, look: Look) -> None:
    groups, palette = look.groups, look.palette
    counts = np.bincount(groups.codes[groups.codes >= 0], minlength=len(groups.names))
    shown = np.argsort(-counts, kind="stable")[:MAX_LEGEND_CLASSES]
    shown = np.sort(shown[counts[shown] > 0])
    entries = [
        (palette[code], groups.names[code], MARKERS[code % len(MARKERS)] if look.markers else "o")
        for code in shown
    ]
    if (groups.codes < 0).any():
        entries.append((UNKNOWN_COLOR, "unknown", "o"))
    left_out = np.count_nonzero(counts) - len(shown)
    if left_out:
        entries.append(("none", f"and {left_out} more", "o"))
    handles = [
        Line2D([], [], linestyle="", marker=marker, markersize=4, markeredgewidth=0, color=color)
        for color, _, marker in entries
    ]
    width, height = ax.bbox.width / ax.figure.dpi * 72, ax.bbox.height / ax.figure.dpi * 72
    rows = max(1, int(height / _LEGEND_ROW_POINTS))
    legend = ax.legend(
        handles,
        [""] * len(entries),  # written below: matplotlib 3.8 drops labels with a leading "_"
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
        write(text, name, MAX_NAME_CHARACTERS)


def add_names(ax: Axes, xy: NDArray[np.float64], look: Look) -> None:
    """Write the classes' names on the map, where each is densest, and move them apart.

    Raises
    ------
    InvalidInputError
        Without adjustText, an extra.
    """
    try:
        from adjustText import adjust_text
    except ImportError as error:
        raise InvalidInputError(
            "names=True needs adjustText, which moves names apart; "
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
            bbox=dict(_NAME_GROUND), zorder=5,
        )  # fmt: skip
        write(text, name, MAX_NAME_CHARACTERS)
        texts.append(text)
    if len(texts) > 1:
        adjust_text(
            texts, ax=ax, iter_lim=_STEPS_APART, min_arrow_len=1e9, expand=(1.05, 1.1),
            ensure_inside_axes=True,
        )  # fmt: skip


def _densest(part: NDArray[np.float64]) -> tuple[float, float]:
    """The middle of the points in the fullest cell of a grid over the map."""
    cells = np.minimum((part * _DENSITY_CELLS).astype(int), _DENSITY_CELLS - 1)
    number = cells[:, 0] * _DENSITY_CELLS + cells[:, 1]
    x, y = part[number == np.bincount(number).argmax()].mean(axis=0).tolist()
    return x, y


def write(text: Text, content: str, limit: int) -> None:
    """Put data into a text: trimmed, controls as escapes, and never read as mathematics or TeX."""
    text.set_parse_math(False)
    text.set_usetex(False)
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in content[:limit]
    )
    text.set_text(shown if len(content) <= limit else shown[: limit - 1] + "…")


def beside(ax: Axes) -> tuple[float, float]:
    """Width and height in inches of what is drawn beside the map, its distance included."""
    dots: Any = ax.figure.dpi
    legend = ax.get_legend()
    if legend is not None:
        extent = legend.get_window_extent()
        return GAP_POINTS / 72 + extent.width / dots, extent.height / dots
    if ax.child_axes:  # a colour bar
        extent = ax.child_axes[0].get_tightbbox() or ax.bbox
        return (extent.x1 - ax.bbox.x1) / dots, 0.0
    return 0.0, 0.0
