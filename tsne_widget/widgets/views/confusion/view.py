"""The confusion of classes: a sentence, a matrix, the worst pairs, and a table of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Int, List, Unicode

from tsne_widget._text import printable
from tsne_widget.analysis import classification_report, confused_pairs
from tsne_widget.widgets.models.confusion import Units, class_units, doubt_of, group_units
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer, mode_of
from tsne_widget.widgets.views.view import View

if TYPE_CHECKING:
    import pandas as pd

# Maximum number of confused pairs in the list.
MAX_PAIRS = 20


class ConfusionView(View):
    """Label by prediction, for visible and for selected rows; a click selects.

    Only visible rows with a known label count. Nothing is counted while ``is_open`` is False.
    """

    names = List(Unicode()).tag(sync=True)
    colors = List(Unicode(), help="#rrggbb of each class").tag(sync=True)
    lacking = Unicode(help="what the panel requires and the record lacks").tag(sync=True)
    doubt = Unicode(help="if the model is worse than a guess; else ''").tag(sync=True)
    units = List(List(), help="name and codes of each row of the matrix").tag(sync=True)
    order = List(Int(), help="places in units, confused ones side by side").tag(sync=True)
    has_groups = Bool(help="whether there are groups of classes").tag(sync=True)
    counts = Bytes(help="(u, u) uint32 for u units, label by prediction").tag(sync=True)
    chosen = Bytes(help="the same for the selection; b'' without one").tag(sync=True)
    report = Bytes(help="(c, 3) uint32: samples, predictions, correct ones").tag(sync=True)
    chosen_report = Bytes(help="the same for the selection; b'' without one").tag(sync=True)
    pairs = Bytes(help="(m, 3) uint32: label, prediction, count; worst first").tag(sync=True)
    chosen_pairs = Bytes(help="the same for the selection").tag(sync=True)
    spread = List(Int(), help="pairs with a mistake, and those with half of them").tag(sync=True)
    chosen_spread = List(Int(), help="the same for the selection").tag(sync=True)
    counts_selection = Bool(help="the matrix shows the selection").tag(sync=True)
    shows_shares = Bool(help="the matrix shows shares per label").tag(sync=True)
    by_group = Bool(help="the matrix shows groups of classes").tag(sync=True)
    by_confusion = Bool(help="the matrix of few classes is in the order").tag(sync=True)

    page_traits = ("counts_selection", "shows_shares", "by_group", "by_confusion")

    def __init__(
        self, state: ExplorerState, colors: Sequence[str] = (), *, is_open: bool = True
    ) -> None:
        self._state = state
        record = state.feature_set
        missing = [name for name in ("labels", "predictions") if getattr(record, name) is None]
        super().__init__(
            is_open=is_open,
            names=[printable(name) for name in record.class_names],
            colors=list(colors[: len(record.class_names)]),
            lacking=" and ".join(missing),
            has_groups=bool(state.class_groups) and not missing,
        )
        self._units: dict[bool, Units] = {}  # of groups or not, made when they are shown first
        if record.labels is None or record.predictions is None:
            return
        self._labels, self._predictions = record.labels, record.predictions
        self.handlers = {
            "cell": self._on_cell,
            "block": self._on_block,
            "label": self._on_label,
            "prediction": self._on_prediction,
        }
        self._counted_visible: NDArray[np.bool_] | None = None  # visible classes at the last count
        state.follow(self._show, "selected", "visible")
        self.observe(lambda _change: self._show(), "is_open")
        self.observe(lambda _change: self._show_units(), "by_group")

    def _show(self) -> None:
        if not self.is_open:
            return
        state = self._state
        with self.hold_sync():
            if self._counted_visible is None:
                units, self.doubt = self._shown_units(), doubt_of(state.feature_set)
                self.order = units.order
                self.units = [list(one) for one in zip(units.names, units.codes, strict=True)]
            if self._counted_visible is not state.visible:
                self.counts, self.report, self.pairs, self.spread = self._counted(
                    state.visible_rows
                )
                self._counted_visible = state.visible
            nothing: tuple[bytes, bytes, bytes, list[int]] = (b"", b"", b"", [])
            of_selection = self._counted(state.selected) if len(state.selected) else nothing
            self.chosen, self.chosen_report, self.chosen_pairs, self.chosen_spread = of_selection

    def _show_units(self) -> None:
        self._counted_visible = None
        self._show()

    def _shown_units(self) -> Units:
        record, by_group = self._state.feature_set, self.by_group and self.has_groups
        if by_group not in self._units:
            groups = self._state.class_groups
            self._units[by_group] = group_units(record, groups) if by_group else class_units(record)
        return self._units[by_group]

    def _counted(self, rows: NDArray[Any]) -> tuple[bytes, bytes, bytes, list[int]]:
        """Matrix, report and pairs of these rows, as bytes for the page; how mistakes spread."""
        record = self._state.feature_set
        c = len(record.class_names)
        labels, predictions = self._labels[rows], self._predictions[rows]
        table = _packed(self._shown_units().counts(labels, predictions, c))
        report = classification_report(labels, predictions, c)
        by_class = _columns(report, "samples", "predicted", "correct")
        pairs = confused_pairs(labels, predictions)
        worst = _columns(pairs, "label", "prediction", "count")[:MAX_PAIRS]
        total = pairs["count"].cumsum().to_numpy()
        half = int(np.searchsorted(total, total[-1] / 2)) + 1 if len(total) else 0
        return table, _packed(by_class), _packed(worst), [len(total), half]

    def _on_cell(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        label, prediction = self._class(content, "label"), self._class(content, "prediction")
        self._select((self._labels == label) & (self._predictions == prediction), content)

    def _on_block(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        labels, predictions = (
            self._classes(content, "labels"),
            self._classes(content, "predictions"),
        )
        self._select(
            np.isin(self._labels, labels) & np.isin(self._predictions, predictions), content
        )

    def _on_label(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._select(self._labels == self._class(content, "code"), content)

    def _on_prediction(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._select(self._predictions == self._class(content, "code"), content)

    def _select(self, mask: NDArray[np.bool_], content: dict[str, Any]) -> None:
        """Select the rows that the matrix counts: visible, with a known label."""
        counted = self._state.visible_rows & (self._labels >= 0)
        self._state.select(mask & counted, mode_of(content))

    def _classes(self, content: dict[str, Any], name: str) -> list[int]:
        codes, most = content.get(name), len(self._state.feature_set.class_names)
        if not isinstance(codes, list) or len(codes) > most:
            raise MalformedMessageError(f"{name} is not a list of at most {most} classes")
        return [self._class({name: code}, name) for code in codes]

    def _class(self, content: dict[str, Any], name: str) -> int:
        return integer(content, name, 0, len(self._state.feature_set.class_names) - 1)


def _columns(frame: pd.DataFrame, *names: str) -> NDArray[np.int64]:
    """Some columns of a frame; frame[[…]] takes milliseconds, for each selection."""
    return np.column_stack([frame[name] for name in names])


def _packed(table: NDArray[Any]) -> bytes:
    return table.astype("<u4").tobytes()
