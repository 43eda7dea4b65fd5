"""The sort of a gallery: its choices, and the values that it sorts by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis.scores import GROUP_SCORES, SCORES
from tsne_widget.widgets.models.appearance import title_of
from tsne_widget.widgets.models.arrangement import sort_key, sorted_rows
from tsne_widget.widgets.models.details import value_text
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState

# Maximum number of logits or features from which values are computed at once; more take over 0.1 s.
QUICK_VALUES = 2_000_000
# Maximum rows of a text column that are sorted at once.
QUICK_TEXTS = 50_000
# More rows than this share of all are taken from the order of all, which is kept.
MANY = 1 / 8

_OF_CLASSES = {"class": "labels", "prediction": "predictions"}
# Keys that are neither scores nor columns, with their names in the menu.
WORDS = {"dataset": "dataset order", "class": "label"}


def sort_keys() -> list[str]:
    """Keys of every gallery in menu order, without the user's columns."""
    cheap = [name for name, score in SCORES.items() if score.is_cheap]
    return list(dict.fromkeys(["dataset", *cheap, "class", "prediction", "distance", *SCORES]))


class Sorting:
    """The sort of one gallery; slow values are computed in the background.

    The user's columns have the keys "column-0", "column-1", …, because their names may be long.

    Parameters
    ----------
    state : ExplorerState
    background : Background
    changed : callable
        Called when computed values arrive, or when the current values disappear.

    Attributes
    ----------
    by : str
        The chosen key.
    values : (n,) array of numbers or None
        Values of the last choice that is computed; None for dataset order.
    descending : bool
        Whether the highest values come first.
    note : str
        Why the order is not yet the chosen one; "" if it is.
    """

    def __init__(
        self, state: ExplorerState, background: Background, changed: Callable[[], None]
    ) -> None:
        self._state = state
        self._background = background
        self._changed = changed
        self._columns = {f"column-{i}": name for i, name in enumerate(state.scores.columns)}
        self.keys = [*sort_keys(), *self._columns]
        self.by = "dataset"
        self.values: NDArray[Any] | None = None
        self.descending = False
        self.note = ""
        self._origin: int | None = None  # the row that distances are measured from
        self._kept: dict[str, NDArray[Any]] = {}  # sort keys of columns of text
        self._lacking = ""
        self._map: object = None  # the map that the values belong to
        self._whole: tuple[object, bool, NDArray[np.int64]] | None = None  # values, order of all

    @property
    def columns(self) -> dict[str, str]:
        """Names of the user's columns by key."""
        return self._columns

    @property
    def group_numbers(self) -> NDArray[Any] | None:
        """(n,) numbers of the groups of pictures that the order puts side by side, if it does."""
        return None if self.note or self.by not in GROUP_SCORES else self.values

    def menu(self) -> list[dict[str, str]]:
        """Key, name and requirement ("" for none) of each choice, in menu order."""
        return [
            {"key": k, "name": self._name(k), "lacks": self._lacks(k)}
            for k in self.keys
            if self._state.scores.applies(k)
        ]

    def choose(self, key: str, descending: bool | None = None) -> bool:
        """Sort by this key now, or once it is computed; returns whether it is ready.

        Parameters
        ----------
        key : str
            A key of the menu.
        descending : bool, optional
            Default: the interesting samples come first.
        """
        if key == "distance" and self._state.focus is not None:
            self._origin = self._state.focus
        self.by = key
        return self._take(_highest_first(key) if descending is None else descending)

    def default(self) -> str:
        """The key before anything is chosen: the worst mistakes, if they are known."""
        return "dataset" if self._lacks("loss") else "loss"

    def sorted(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(k,) ascending rows in the chosen order."""
        values, descending, n = self.values, self.descending, len(self._state.codes)
        if values is None or len(rows) < MANY * n:
            return sorted_rows(rows, values, descending=descending)
        if self._whole is None or self._whole[0] is not values or self._whole[1] != descending:
            order = sorted_rows(np.arange(n), values, descending=descending)
            self._whole = values, descending, order
        is_wanted = np.zeros(n, dtype=bool)
        is_wanted[rows] = True
        return self._whole[2][is_wanted[self._whole[2]]]

    def text(self, row: int) -> str:
        """The value of a row that the order follows; "" for a class, a group or the dataset."""
        if self.values is None or self.note or self.by in (*_OF_CLASSES, *GROUP_SCORES):
            return ""
        if self.by in SCORES:
            return SCORES[self.by].text(float(self.values[row]))
        column = self._columns.get(self.by)
        return value_text(self.values[row] if column is None else self._state.scores[column][row])

    def follow_map(self) -> None:
        """Follow the finished map with values that depend on it."""
        is_other = self._map is not self._state.scores.embedding
        of_map = is_other and self.by in SCORES and "embedding" in SCORES[self.by].needs
        if not of_map and self._lacks(self.by) == self._lacking:
            return
        if self._take(self.descending if of_map else _highest_first(self.by)):
            self._changed()

    def _take(self, descending: bool) -> bool:
        key, origin = self.by, self._origin
        self._lacking, self._map = self._lacks(key), self._state.scores.embedding
        if self._lacking or self._is_quick(key):
            self.values = None if self._lacking else self._compute(key, origin)
            self.descending, self.note = descending and not self._lacking, self._lacking
            return True

        def deliver(values: NDArray[Any] | None) -> None:
            if (key, origin) == (self.by, self._origin):  # the choice has not changed meanwhile
                self.values, self.descending, self.note = values, descending, ""
                self._changed()

        def failed() -> None:
            if (key, origin) == (self.by, self._origin):
                self.by = "dataset"
                self.values, self.descending, self.note = None, False, ""
                self._changed()

        self.note = "computing …"
        title = f"Computing {self._name(key)}"
        self._background.run(title, lambda: self._compute(key, origin), deliver, failed)
        return False

    def _compute(self, key: str, origin: int | None) -> NDArray[Any] | None:
        record = self._state.feature_set
        if key == "dataset":
            return None
        if key in _OF_CLASSES:
            codes = getattr(record, _OF_CLASSES[key])
            # Unknown classes come last, as NaN does.
            return np.where(codes < 0, np.nan, codes) if (codes < 0).any() else codes
        if key == "distance" and origin is not None:
            return self._state.scores.index.distances_to(origin)
        if key not in self._columns:
            return self._state.scores[key]
        if key not in self._kept:
            self._kept[key] = sort_key(self._state.scores[self._columns[key]])
        return self._kept[key]

    def _is_quick(self, key: str) -> bool:
        state, record = self._state, self._state.feature_set
        if key == "dataset" or key in _OF_CLASSES or key in self._kept:
            return True
        if key == "distance":
            ready = state.scores.index_is_ready
            return ready and record.features.size <= 10 * QUICK_VALUES
        if key in self._columns:
            column = state.scores.columns[self._columns[key]]
            return column.dtype.kind in "fiub" or len(column) <= QUICK_TEXTS
        size = 0 if record.logits is None else record.logits.size
        return state.scores.is_ready(key) or (SCORES[key].is_cheap and size <= QUICK_VALUES)

    def _lacks(self, key: str) -> str:
        if key == "distance":
            if self._state.focus is None and self._origin is None:
                return "open a picture first"
            return ""
        if key in _OF_CLASSES:
            has = getattr(self._state.feature_set, _OF_CLASSES[key]) is not None
            return "" if has else f"needs {_OF_CLASSES[key]}"
        return self._state.scores.lacks(key)

    def _name(self, key: str) -> str:
        if key in self._columns:
            return printable(self._columns[key])
        if key != "distance":
            return WORDS.get(key) or title_of(key)
        row = self._origin if self.by == key or self._state.focus is None else self._state.focus
        return "distance" if row is None else f"distance to #{self._state.feature_set.ids[row]}"


def _highest_first(key: str) -> bool:
    return key in SCORES and SCORES[key].highest_first
