"""The columns of the gallery as a table, and the texts of a row."""

from __future__ import annotations

from typing import Any

from tsne_widget._text import printable
from tsne_widget.analysis.scores import SCORES, cheap_scores
from tsne_widget.widgets.models.details import class_name, value_text
from tsne_widget.widgets.models.sorting import Sorting
from tsne_widget.widgets.state.explorer_state import ExplorerState

_OF_CLASSES = {"class": "labels", "prediction": "predictions"}
_NAMES = {"dataset": "id", "class": "label"}


class Table:
    """The table of one gallery; a column has the key of the sort that its heading chooses."""

    def __init__(self, state: ExplorerState, sorting: Sorting) -> None:
        self._state = state
        self._columns = sorting.columns

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Key, name and kind of each column that needs no slow computation."""
        return [
            {"key": key, "name": self._name(key), "is_number": self._is_number(key)}
            for key in self._keys()
        ]

    def texts(self, row: int) -> list[str]:
        """The cells of a row."""
        record, scores = self._state.feature_set, self._state.scores
        cheap = cheap_scores(record, [row])
        cells = []
        for key in self._keys():
            if key == "dataset":
                cells.append(str(record.ids[row]))
            elif key in _OF_CLASSES:
                cells.append(class_name(self._state, int(getattr(record, _OF_CLASSES[key])[row])))
            elif key in SCORES:
                value = cheap[key][0] if key in cheap else scores[key][row]
                cells.append(SCORES[key].text(float(value)))
            else:
                cells.append(value_text(scores.columns[self._columns[key]][row]))
        return cells

    def _keys(self) -> list[str]:
        record, scores = self._state.feature_set, self._state.scores
        classes = [key for key, of in _OF_CLASSES.items() if getattr(record, of) is not None]
        known = [
            name
            for name, score in SCORES.items()
            if (score.is_cheap or scores.is_ready(name)) and not scores.lacks(name)
        ]
        return ["dataset", *classes, *known, *self._columns]

    def _name(self, key: str) -> str:
        return printable(self._columns.get(key) or _NAMES.get(key) or key.replace("_", " "))

    def _is_number(self, key: str) -> bool:
        if key in self._columns:
            return self._state.scores.columns[self._columns[key]].dtype.kind in "fiu"
        return key not in _OF_CLASSES
