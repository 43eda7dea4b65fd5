"""Colours of the points by a label, a score or a column: texels, and a key that explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.plotting import UNKNOWN_COLOR, class_colors
from tsne_widget.widgets.models.appearance import (
    CHANGE_COLORS,
    RAMP_COLORS,
    RIGHT_COLOR,
    TEXELS,
    WRONG_COLOR,
    title_of,
)
from tsne_widget.widgets.state.named_selections import selection_codes

if TYPE_CHECKING:
    from tsne_widget.widgets.state.map_model import MapModel

UNKNOWN_TEXEL = TEXELS - 1
# Integer columns with at most this many distinct values are categories, not amounts.
MAX_INTEGER_CATEGORIES = 20
# Maximum entries of the key; one more line counts the other categories.
MAX_ENTRIES = 24
# Share of amounts at each end that gets the end's colour, so that an outlier does not make all
# others look the same. The key shows it.
TAIL = 0.01
RAMP = RAMP_COLORS[:: (TEXELS - 2) // 6]  # stops of the colour bar's gradient


class Coloring(NamedTuple):
    """Colours of the n samples, and their key."""

    texels: NDArray[np.float32]
    """(n,) float32 in 0 … 255: position in the texture, fractional for amounts."""
    texture: list[str]
    """256 colours "#rrggbb"."""
    entries: list[tuple[str, str, int]]
    """Name, colour and number of samples of each category; [] for amounts."""
    more: int = 0
    """Number of categories without an entry."""
    low: str = ""
    """Amounts at the first and the last colour; "" for categories."""
    high: str = ""
    unknown: int = 0
    """Number of samples without a value, drawn grey."""


def coloring(state: MapModel, name: str, palette: Sequence[str]) -> Coloring:
    """Colours of all samples by one of :attr:`MapModel.color_choices`.

    Parameters
    ----------
    state : MapModel
    name : str
        A possible choice; a score is computed unless it is ready.
    palette : sequence of str
        Colours of the state's classes.
    """
    record, known = state.feature_set, state.known
    if name == state.colored_by:
        return _of_codes(state.codes, state.class_names, palette, known)
    if name == "prediction" and record.predictions is not None:
        codes = np.where(record.predictions < 0, known, record.predictions)
        names = [*record.class_names, "unknown"]
        return _of_codes(codes, names, [*palette[:known], UNKNOWN_COLOR], known)
    if name == "correct":
        codes = np.where(record.judged, record.misclassified, 2)
        return _of_codes(
            codes, ["right", "wrong", "unknown"], [RIGHT_COLOR, WRONG_COLOR, UNKNOWN_COLOR], 2
        )
    if name == "selection":
        names = list(state.selections)
        codes = selection_codes(state.selections, len(state.codes))
        codes[codes < 0] = len(names)
        colors = [*state.selection_colors.values(), UNKNOWN_COLOR]
        return _of_codes(codes, [*names, "none"], colors, len(names))
    return _of_values(state.scores[name])


def key_of(colors: Coloring, name: str, is_explained: bool) -> dict[str, Any]:
    """What the page shows beside points of these colours; no entries if the legend has them."""
    return {
        "title": title_of(name),
        "entries": [] if is_explained else colors.entries,
        "more": colors.more,
        "low": colors.low,
        "high": colors.high,
        "ramp": list(RAMP),
        "unknown": colors.unknown,
        "unknown_name": "in none" if name == "selection" else "unknown",
    }


def class_palette(
    state: MapModel, colors: Mapping[str, str] | Sequence[str] | None
) -> tuple[str, ...]:
    """Colour of each class of the state, then the unknown one's if there is one."""
    palette = known_palette(state.class_names[: state.known], colors)
    return (*palette, UNKNOWN_COLOR) if len(state.class_names) > state.known else palette


def known_palette(
    names: Sequence[str], colors: Mapping[str, str] | Sequence[str] | None
) -> tuple[str, ...]:
    """Colour of each class, as :func:`class_colors`; they repeat beyond the texture's size."""
    named = colors if isinstance(colors, Mapping) else None
    distinct = class_colors(names[: TEXELS - 1], colors if named is None else None)
    palette = [distinct[code % len(distinct)] for code in range(len(names))]
    if named:
        given = class_colors(names, named)
        palette = [given[i] if name in named else palette[i] for i, name in enumerate(names)]
    return tuple(palette)


def overridden(
    kept: Mapping[str, str], colors: Mapping[str, str] | Sequence[str] | None
) -> Mapping[str, str] | Sequence[str]:
    """Kept colours of classes with those that a caller gives; a palette replaces them all."""
    if colors is None or isinstance(colors, Mapping):
        return {**kept, **(colors or {})}
    return colors


def is_amount(values: NDArray[Any]) -> bool:
    """Whether values are amounts, not categories."""
    if values.dtype.kind in "iu":
        return len(np.unique(values)) > MAX_INTEGER_CATEGORIES
    return values.dtype.kind in "fmM"


def _of_values(values: NDArray[Any]) -> Coloring:
    if is_amount(values):
        return _of_amounts(values)
    kind = values.dtype.kind
    if kind == "O":  # None and NaN are missing values in a column of objects
        missing = np.array([value is None or value != value for value in values.tolist()])
    else:
        missing = np.zeros(len(values), dtype=bool)
    present = values[~missing]
    texts = present.astype(str) if kind == "O" else present
    unique, inverse = np.unique(texts, return_inverse=True)
    codes = np.full(len(values), len(unique))
    codes[~missing] = inverse
    names = [printable(value) for value in unique.tolist()]
    distinct = class_colors([str(i) for i in range(min(len(names), TEXELS - 1))])
    palette = [distinct[i % len(distinct)] for i in range(len(names))]
    if CHANGE_COLORS.keys() >= set(names):
        palette = [CHANGE_COLORS[name] for name in names]
    return _of_codes(codes, [*names, "unknown"], [*palette, UNKNOWN_COLOR], len(names))


def _of_codes(
    codes: NDArray[Any], names: Sequence[str], palette: Sequence[str], known: int
) -> Coloring:
    """Colours of categories; codes ≥ known are unknown. Colours repeat beyond the texture."""
    is_known = codes < known
    texels = np.where(is_known, codes % UNKNOWN_TEXEL, UNKNOWN_TEXEL).astype(np.float32)
    used = list(palette[: min(known, UNKNOWN_TEXEL)])
    texture = used + [UNKNOWN_COLOR] * (TEXELS - len(used))
    counts = np.bincount(codes, minlength=known + 1)
    listed = [i for i in range(known) if counts[i]]
    entries = [(printable(names[i]), palette[i], int(counts[i])) for i in listed[:MAX_ENTRIES]]
    unknown = int(len(codes) - np.count_nonzero(is_known))
    return Coloring(texels, texture, entries, max(0, len(listed) - MAX_ENTRIES), unknown=unknown)


def _of_amounts(values: NDArray[Any]) -> Coloring:
    if values.dtype.kind in "mM":
        numbers = np.where(np.isnat(values), np.nan, values.astype(np.int64).astype(np.float64))
    else:
        numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    texture = [*RAMP_COLORS, UNKNOWN_COLOR]
    unknown = int(len(numbers) - np.count_nonzero(finite))
    texels = np.full(len(numbers), UNKNOWN_TEXEL, dtype=np.float32)
    if not finite.any():
        return Coloring(texels, texture, [], low="–", high="–", unknown=unknown)
    inside = numbers[finite]
    low, high = np.quantile(inside, [TAIL, 1 - TAIL], method="nearest")
    if low == high:
        low, high = inside.min(), inside.max()
    share = (np.clip(inside, low, high) - low) / ((high - low) or 1)
    texels[finite] = share * (UNKNOWN_TEXEL - 1)

    def text(bound: float) -> str:
        if values.dtype.kind in "mM":
            return printable(values[finite][np.flatnonzero(inside == bound)[0]])
        return f"{bound:.4g}"

    return Coloring(
        texels,
        texture,
        [],
        low=("≤ " if inside.min() < low else "") + text(low),
        high=("≥ " if inside.max() > high else "") + text(high),
        unknown=unknown,
    )
