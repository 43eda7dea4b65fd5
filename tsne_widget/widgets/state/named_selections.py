"""Named selections: allowed names, their colours, and the selection of each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis import FINDER_NAMES
from tsne_widget.errors import InvalidInputError

# Maximum characters of a name and number of selections: people cannot tell more apart, and the
# limits bound what a forged message can store.
MAX_CHARACTERS = 80
MAX_SELECTIONS = 200
# Words that select() and to_dataframe() understand.
WORDS = ("selected", "visible", "all", *FINDER_NAMES)

# Chosen from the class colours after the first ten (plotting.class_colors): far from those and from
# each other, also for the colour-blind, and readable on light and dark backgrounds.
COLORS = (
    "#ff00ff",  # fuchsia
    "#ff0000",  # red
    "#00c300",  # green
    "#694bff",  # indigo
    "#ff78f0",  # orchid
    "#00873c",  # forest
    "#ff7800",  # orange
    "#ff00a5",  # magenta
    "#e1a500",  # gold
    "#ff004b",  # scarlet
)


def checked_name(name: object) -> str:
    """The name, if a selection may have it.

    Raises
    ------
    InvalidInputError
        If it is not text, blank, too long, or a word that select() understands.
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"a selection's name must be text, got {type(name).__name__}")
    if not name or name != name.strip():
        raise InvalidInputError(
            "a selection's name must be text without blanks around it, "
            f"got {name[:MAX_CHARACTERS]!r}"
        )
    if len(name) > MAX_CHARACTERS:
        raise InvalidInputError(
            f"a selection's name may have {MAX_CHARACTERS} characters, got {len(name)}"
        )
    if name in WORDS:
        raise InvalidInputError(
            f"{name!r} cannot name a selection, because select() uses the word; choose another name"
        )
    return name


def selection_color(slot: int) -> str:
    """Colour "#rrggbb" of a slot; colours repeat after the last one."""
    return COLORS[slot % len(COLORS)]


def assigned_slots(names: Iterable[str], slots: Mapping[str, int]) -> dict[str, int]:
    """A slot for each name: its current one, otherwise the first free one."""
    wanted = list(names)
    kept = {name: slots[name] for name in wanted if name in slots}
    taken = set(kept.values())
    free = (slot for slot in range(len(wanted)) if slot not in taken)
    return {name: kept[name] if name in kept else next(free) for name in wanted}


def parts_of(column: str, values: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    """Rows of each value of a column, by the name "column: value".

    Raises
    ------
    InvalidInputError
        If there are more values than selections, or they are amounts.

    Examples
    --------
    >>> parts_of("light", np.array(["day", "night", "day"]))
    {'light: day': array([0, 2]), 'light: night': array([1])}
    """
    if values.dtype.kind in "fmM":
        raise InvalidInputError(
            f"column {column!r} holds amounts ({values.dtype}); pass a column of categories, for "
            "example from pandas.cut()"
        )
    rows: dict[str, list[int]] = {}
    for row, value in enumerate(values.tolist()):
        if value is not None and value == value:  # NaN differs from itself
            rows.setdefault(f"{column}: {value}"[:MAX_CHARACTERS].strip(), []).append(row)
    if len(rows) > MAX_SELECTIONS:
        raise InvalidInputError(
            f"column {column!r} has {len(rows)} values; at most {MAX_SELECTIONS} selections can "
            "have names"
        )
    return {name: np.array(found, dtype=np.int64) for name, found in sorted(rows.items())}


def selection_codes(selections: Mapping[str, ArrayLike], n: int) -> NDArray[np.int64]:
    """(n,) int64: number of the first selection that contains each row; −1 for none.

    Examples
    --------
    >>> selection_codes({"odd": [1, 3], "late": [3, 4]}, 5).tolist()
    [-1, 0, -1, 0, 1]
    """
    codes = np.full(n, -1, dtype=np.int64)
    for number, rows in reversed(list(enumerate(selections.values()))):
        codes[np.asarray(rows, dtype=np.int64)] = number
    return codes
