"""Named selections: name the current one, select, combine, rename, delete and restore."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from traitlets import Bytes, Int, List, Unicode

from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.named_selections import MAX_CHARACTERS, MAX_SELECTIONS
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer, mode_of
from tsne_widget.widgets.views.view import View

# The word in automatic names, before a number.
AUTOMATIC = "Selection"


class SelectionsView(View):
    """The named selections of one :class:`ExplorerState`.

    The page knows them by their place in the list; ``epoch`` tells it from an older list.
    """

    epoch = Int(help="increases with each change of the list; older messages are stale").tag(
        sync=True
    )
    names = List(Unicode()).tag(sync=True)
    colors = List(Unicode()).tag(sync=True)
    counts = List(Int()).tag(sync=True)
    wrong = List(Int(), help="misclassified rows in each; [] if unknown").tag(sync=True)
    judged = List(Int(), help="rows with label and prediction in each; [] if unknown").tag(
        sync=True
    )
    whole = List(Int(), help="such rows and right ones in all; [] if unknown").tag(sync=True)
    classes = List(Unicode(), help="names of the labels' classes; [] if unknown").tag(sync=True)
    class_counts = Bytes(help="(c, 2) uint32: such rows and right ones per label").tag(sync=True)
    kept = Unicode(help="the name that ``keep`` chose last, to edit; else ''").tag(sync=True)
    selected = Int(help="number of selected rows").tag(sync=True)
    overlaps = Bytes(help="selected rows in each, uint32 little-endian").tag(sync=True)
    dropped = Unicode(help="the name that can be restored; '' for none").tag(sync=True)
    max_characters = Int(MAX_CHARACTERS).tag(sync=True)

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        self._dropped: _Dropped | None = None
        self._listing: list[tuple[str, NDArray[np.int64]]] | None = None  # what the page lists
        super().__init__()
        self.handlers = {
            "name": self._on_name,
            "keep": self._on_keep,
            "select": self._on_select,
            "rename": self._on_rename,
            "drop": self._on_drop,
            "restore": self._on_restore,
            "class": self._on_class,
        }
        self._show_classes()
        with self.hold_sync():  # one message instead of several
            state.follow(self._show_list, "selections")
            state.follow(self._show_selected, "selected")

    def _show_list(self) -> None:
        state = self._state
        entries = list(state.selections.items())
        if self._listing is not None and _are_equal(entries, self._listing):
            return
        self._listing = entries
        if self._dropped is not None and self._dropped.name in state.selections:
            self._dropped = None
        with self.hold_sync():
            self.epoch += 1
            self.names = [printable(name) for name in state.selections]
            self.colors = list(state.selection_colors.values())
            self.counts = [len(rows) for rows in state.selections.values()]
            self.wrong, self.judged = self._wrong(), self._judged()
            if self.kept not in self.names:
                self.kept = ""
            self.dropped = "" if self._dropped is None else printable(self._dropped.name)
            self._show_selected()

    def _wrong(self) -> list[int]:
        record = self._state.feature_set
        if record.labels is None or record.predictions is None:
            return []
        wrong = record.misclassified
        return [int(np.count_nonzero(wrong[rows])) for rows in self._state.selections.values()]

    def _judged(self) -> list[int]:
        judged = self._state.feature_set.judged
        rows = self._state.selections.values()
        return [int(np.count_nonzero(judged[one])) for one in rows] if self.whole else []

    def _show_classes(self) -> None:
        """Count right rows of each class and in all, which do not change."""
        record = self._state.feature_set
        if record.labels is None or record.predictions is None:
            return
        labels, right = record.labels[record.judged], ~record.misclassified[record.judged]
        c = len(record.class_names)
        counts = [np.bincount(labels, minlength=c), np.bincount(labels[right], minlength=c)]
        self.whole = [len(labels), int(np.count_nonzero(right))]
        self.classes = [printable(name) for name in record.class_names]
        self.class_counts = np.column_stack(counts).astype("<u4").tobytes()

    def _on_class(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the rows with a label."""
        labels = self._state.feature_set.labels
        code = integer(content, "code", 0, len(self.classes) - 1)
        if labels is not None:
            self._state.select(labels == code, mode_of(content))

    def _show_selected(self) -> None:
        state = self._state
        is_selected = np.zeros(len(state.codes), dtype=bool)
        is_selected[state.selected] = True
        overlaps = [np.count_nonzero(is_selected[rows]) for rows in state.selections.values()]
        with self.hold_sync():
            self.selected = len(state.selected)
            self.overlaps = np.array(overlaps, dtype="<u4").tobytes()

    def _on_name(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name = _name(content)
        self.kept = ""
        self._try(lambda: self._state.name_selection(name, self._state.selected))

    def _on_keep(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Name the selection "Selection 1", or with the first number that is free."""
        state = self._state
        if not len(state.selected):
            return
        number = 1
        while f"{AUTOMATIC} {number}" in state.selections:
            number += 1
        name = f"{AUTOMATIC} {number}"
        with self.hold_sync():
            self._try(lambda: state.name_selection(name, state.selected))
            self.kept = name if name in state.selections else ""

    def _on_select(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name, mode = self._listed(content), mode_of(content)
        if name is not None:
            self._state.select(self._state.selections[name], mode)

    def _on_rename(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name, new_name = self._listed(content), _name(content)
        self.kept = ""
        if name is not None:
            self._try(lambda: self._state.rename_selection(name, new_name))

    def _on_drop(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name = self._listed(content)
        if name is None:
            return
        names = list(self._state.selections)
        self._dropped = _Dropped(name, self._state.selections[name], names.index(name))
        self._state.drop_selection(name)

    def _on_restore(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if self._dropped is None:
            return
        name, rows, place = self._dropped
        entries = list(self._state.selections.items())
        self._try(lambda: self._put([*entries[:place], (name, rows), *entries[place:]]))

    def _put(self, entries: list[tuple[str, NDArray[np.int64]]]) -> None:
        self._state.selections = dict(entries)

    def _listed(self, content: dict[str, Any]) -> str | None:
        """The name that a message refers to; None if the list has changed since."""
        epoch = integer(content, "epoch", 0, 2**53)
        index = integer(content, "index", 0, MAX_SELECTIONS - 1)
        names = list(self._state.selections)
        if epoch != self.epoch:
            return None
        if index >= len(names):
            raise MalformedMessageError("there is no such selection")
        return names[index]

    def _try(self, change: Callable[[], None]) -> None:
        """Make a change; an invalid name becomes the state's message."""
        try:
            change()
        except InvalidInputError as error:
            self._state.message = printable(error, MAX_SENTENCE)


class _Dropped(NamedTuple):
    """The selection that was deleted last, and its position in the list."""

    name: str
    rows: NDArray[np.int64]
    place: int


def _are_equal(
    one: list[tuple[str, NDArray[np.int64]]], other: list[tuple[str, NDArray[np.int64]]]
) -> bool:
    """Whether two lists of selections have the same names and rows in the same order."""
    return len(one) == len(other) and all(
        name == its_name and np.array_equal(rows, its_rows)
        for (name, rows), (its_name, its_rows) in zip(one, other, strict=True)
    )


def _name(content: dict[str, Any]) -> str:
    name = content.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_CHARACTERS:
        raise MalformedMessageError(f"name is not a text of up to {MAX_CHARACTERS} characters")
    return name.strip()
