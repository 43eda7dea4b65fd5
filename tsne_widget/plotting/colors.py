"""One colour per class: distinct for the colour-blind, readable on white and on near-black."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError

UNKNOWN_COLOR = "#a0a0a0"
# Nobody can distinguish more colours than this; after them the colours repeat.
MAX_DISTINCT_COLORS = 1000
# A colormap that lists at most this many colours is qualitative: "tab20" has 20, "viridis" 256.
MAX_QUALITATIVE = 64
_CYCLIC = 0.1  # difference of red, green and blue, 0 … 1

# Ten hues of about equal weight on white, and on near-black. Annealed until any two are far apart:
# 0.149 in OKLab (0.147 on black), in deuteranopia 0.095 (0.087), in protanopia 0.085 (0.083). None
# is near the colour of mistakes on the page.
_FIRST = (
    "#0294bd",  # blue
    "#84171d",  # red
    "#778f01",  # olive
    "#e79756",  # orange
    "#835d29",  # brown
    "#625ebe",  # violet
    "#84b59e",  # sage
    "#b76b82",  # rose
    "#1b575d",  # teal
    "#632185",  # purple
)
_FIRST_ON_DARK = (
    "#1397dc",
    "#e96d88",
    "#9cab18",
    "#e5ad86",
    "#83712e",
    "#6960c7",
    "#81f3b1",
    "#ad477f",
    "#7fbfd1",
    "#e8cafe",
)
# What the page draws on a dark ground in place of a default colour.
DARK_COLORS = dict(zip(_FIRST, _FIRST_ON_DARK, strict=True))
# The page writes of mistakes in these, on white and on black: no class looks like them.
_MISTAKES = ("#c2185b", "#ff7fab")
# WCAG contrast of every further colour with the map's background in light and dark themes. One
# palette serves both: 3 on white as well would leave a third of the lightness and too few colours.
_WHITE, _DARK = "#ffffff", "#212121"
_MIN_CONTRAST_ON_WHITE, _MIN_CONTRAST_ON_DARK = 2.1, 3.0
_MIN_CHROMA = 0.07  # in OKLab; below it a colour looks like UNKNOWN_COLOR
_CANDIDATE_STEP = 15  # in each of red, green and blue, 0 … 255

# Linear sRGB → cone response → OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/).
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Normal vision and the complete deficiencies (Machado, Oliveira and Fernandes 2009, severity 1.0)
# on linear sRGB, each with the weight of its distances. All distances are smaller in the
# deficiencies, so without weights normal vision would not influence colours beyond the first ten.
_VISIONS = (
    (0.75, np.eye(3)),
    (
        1.9,  # protanopia
        np.array(
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ]
        ),
    ),
    (
        1.9,  # deuteranopia
        np.array(
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ]
        ),
    ),
    (
        1.6,  # tritanopia
        np.array(
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ]
        ),
    ),
)


def class_colors(
    class_names: Sequence[str], colors: Mapping[str, str] | Sequence[str] | None = None
) -> tuple[str, ...]:
    """A colour for each class, as "#rrggbb".

    The first classes keep their colours when more are added. The first 10 are distinct in all
    common kinds of colour vision; each further colour is the farthest from those before it. On a
    dark ground, the widget draws the first 10 in lighter colours of about the same hues.

    Parameters
    ----------
    class_names : sequence of c str
    colors : mapping of class name to colour, sequence of at least c colours, or str, optional
        Any colour that matplotlib knows: "#rrggbb", "tab:blue", "0.5", …. Classes that a mapping
        omits keep their default. A str is the name of a matplotlib colormap: the colours of a
        qualitative one ("tab10") in their order, or c evenly spaced ones of another ("viridis").

    Returns
    -------
    tuple of c str

    Raises
    ------
    InvalidInputError
        If a class name, a colour or a colormap is unknown, or there are too few colours.

    Examples
    --------
    >>> class_colors(["cat", "dog"])
    ('#0294bd', '#84171d')
    >>> class_colors(["cat", "dog"], {"dog": "black"})
    ('#0294bd', '#000000')
    >>> class_colors(["cat", "dog"], "tab10")
    ('#1f77b4', '#ff7f0e')
    """
    names = list(class_names)
    if colors is None:
        return _default(len(names))
    if isinstance(colors, Mapping):
        unknown = [name for name in colors if name not in set(names)]
        if unknown:
            raise InvalidInputError(
                f"colors: {unknown[0]!r} is not a class{known_names(unknown[0], names)}"
            )
        chosen = list(_default(len(names)))
        for name, color in colors.items():
            chosen[names.index(name)] = _as_hex(color, name)
        return tuple(chosen)
    if isinstance(colors, str):
        return _of_colormap(colors, len(names))
    if not hasattr(colors, "__len__"):
        raise InvalidInputError(
            "colors must map class names to colours, list one colour per class, or name a "
            f"colormap of matplotlib; got {colors!r}"
        )
    if len(colors) < len(names):
        raise InvalidInputError(
            f"colors has {len(colors)} entries for {len(names)} classes; "
            "to set only some of them, pass a dict by class name"
        )
    return tuple(_as_hex(color, name) for color, name in zip(colors, names, strict=False))


def known_names(word: object, known: Sequence[str]) -> str:
    """The end of an error message about an unknown name: the nearest name, or the first ones."""
    first = f"{', '.join(map(repr, known[:5]))}{' …' if len(known) > 5 else ''}"
    return did_you_mean(word, known) or f"; known names: {first}"


def _as_hex(color: Any, name: str) -> str:
    from matplotlib.colors import get_named_colors_mapping, to_hex

    try:
        return to_hex(color)
    except (ValueError, TypeError) as error:
        near = did_you_mean(color, get_named_colors_mapping()) if isinstance(color, str) else ""
        remedy = near or "; pass a name such as 'teal' or a code such as '#1b9e77'"
        raise InvalidInputError(f"colors[{name!r}] = {color!r} is not a colour{remedy}") from error


def _of_colormap(name: str, count: int) -> tuple[str, ...]:
    """The first colours of a qualitative colormap, or evenly spaced ones of another."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, to_hex

    if name not in colormaps:
        near = did_you_mean(name, colormaps)
        raise InvalidInputError(
            f"colors={name!r} is not a colormap of matplotlib{near}; "
            "the colour of one class is {'class name': 'colour'}"
        )
    colormap = colormaps[name]
    if isinstance(colormap, ListedColormap) and colormap.N <= MAX_QUALITATIVE:
        if count > colormap.N:
            raise InvalidInputError(
                f"colors={name!r} has {colormap.N} colours for {count} classes; "
                "name a continuous colormap such as 'turbo', or leave colors out"
            )
        return tuple(to_hex(colormap(number)) for number in range(count))
    # The ends of a cyclic one, such as "hsv", are the same colour but for one step.
    is_cyclic = np.allclose(colormap(0.0), colormap(1.0), atol=_CYCLIC)
    places = np.linspace(0, 1, count, endpoint=not is_cyclic)
    return tuple(to_hex(colormap(place)) for place in places.tolist())


def _default(count: int) -> tuple[str, ...]:
    if count <= len(_FIRST):
        return _FIRST[:count]
    # Only two sizes are computed, so that calls with different counts share the work.
    distinct = next(size for size in (100, MAX_DISTINCT_COLORS) if count <= size or size > 100)
    colors = _far_apart(distinct)
    return tuple(colors[number % distinct] for number in range(count))


@cache
def _far_apart(count: int) -> tuple[str, ...]:
    """``_FIRST``, then, one by one, the candidate farthest from all other colours drawn."""
    candidates = _candidates()
    seen = _as_seen(candidates)
    others = (*_FIRST, *_FIRST_ON_DARK, *_MISTAKES, UNKNOWN_COLOR)
    first = [_rgb(color) for color in others]
    distance = np.full(len(candidates), np.inf)
    for color in _as_seen(np.array(first)).swapaxes(0, 1):
        np.minimum(distance, _distance(seen, color), out=distance)
    chosen: list[int] = []
    while len(_FIRST) + len(chosen) < count:
        farthest = int(distance.argmax())
        chosen.append(farthest)
        np.minimum(distance, _distance(seen, seen[:, farthest]), out=distance)
    return _FIRST + tuple(_hex(candidates[index]) for index in chosen)


def _candidates() -> NDArray[np.float64]:
    """(k, 3) sRGB colours that are not grey and are readable on both backgrounds."""
    steps = np.arange(0, 256, _CANDIDATE_STEP) / 255
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    chroma = np.hypot(*_oklab(_linear(rgb)).T[1:])
    readable = (_contrast(rgb, _WHITE) >= _MIN_CONTRAST_ON_WHITE) & (
        _contrast(rgb, _DARK) >= _MIN_CONTRAST_ON_DARK
    )
    kept: NDArray[np.float64] = rgb[readable & (chroma >= _MIN_CHROMA)]
    return kept


def _as_seen(rgb: NDArray[np.float64]) -> NDArray[np.float32]:
    """(visions, k, 3) OKLab: the (k, 3) colours in each vision, times the weight of the vision."""
    linear = _linear(rgb)
    return np.stack(
        [weight * _oklab(np.clip(linear @ vision.T, 0, 1)) for weight, vision in _VISIONS]
    ).astype(np.float32)


def _distance(seen: NDArray[np.float32], color: NDArray[np.float32]) -> NDArray[np.float64]:
    """(k,) smallest squared distance over the visions between (visions, k, 3) and (visions, 3)."""
    squares = np.square(seen - color[:, np.newaxis]).sum(axis=2)
    nearest: NDArray[np.float64] = squares.min(axis=0)
    return nearest


def _oklab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    lab: NDArray[np.float64] = np.cbrt(linear @ _TO_CONES.T) @ _TO_OKLAB.T
    return lab


def _linear(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _contrast(rgb: NDArray[np.float64], background: str) -> NDArray[np.float64]:
    """(k,) WCAG 2 contrast ratios of (k, 3) colours with the background."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    one, other = _linear(rgb) @ weights, _linear(np.array(_rgb(background))) @ weights
    ratio: NDArray[np.float64] = (np.maximum(one, other) + 0.05) / (np.minimum(one, other) + 0.05)
    return ratio


def _rgb(color: str) -> tuple[float, ...]:
    """0 … 1 each, from "#rrggbb"."""
    return tuple(value / 255 for value in bytes.fromhex(color[1:]))


def _hex(rgb: NDArray[np.float64]) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb.tolist())
