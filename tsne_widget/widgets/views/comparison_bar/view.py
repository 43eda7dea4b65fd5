"""The header above compared maps: counts, accuracies, the selection, notes and messages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from traitlets import Bool, Dict, Int, List, Unicode

from tsne_widget._text import printable
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.models.notes import note_entries
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.views.view import View


class ComparisonBarView(View):
    """Counts of the samples, and the accuracy of each record.

    Parameters
    ----------
    state : ExplorerState
        Shared by the maps.
    records : mapping of name to FeatureSet
    """

    total = Int().tag(sync=True)
    visible = Int(help="samples of visible classes").tag(sync=True)
    selected = Int().tag(sync=True)
    hidden = Int(help="selected samples of hidden classes").tag(sync=True)
    records = List(Dict(), help="name, and accuracy (None if it is unknown)").tag(sync=True)
    notes = List(Dict(), help="name of the record, and text").tag(sync=True)
    can_undo = Bool().tag(sync=True)
    can_redo = Bool().tag(sync=True)
    message = Unicode().tag(sync=True)
    busy = Unicode().tag(sync=True)

    def __init__(self, state: ExplorerState, records: Mapping[str, FeatureSet]) -> None:
        self._state = state
        notes = note_entries({name: record.notes for name, record in records.items()})
        super().__init__(
            total=len(state.codes),
            notes=notes,
            records=[
                {"name": printable(name), "accuracy": accuracy(record)}
                for name, record in records.items()
            ],
        )
        self.handlers = {
            "clear": lambda _content, _buffers: state.select([]),
            "undo": lambda _content, _buffers: state.undo(),
            "redo": lambda _content, _buffers: state.redo(),
        }
        state.follow(self._show, "chosen", "visible", "message", "busy", "can_undo", "can_redo")

    def _show(self) -> None:
        state = self._state
        with self.hold_sync():
            self.visible = int(np.count_nonzero(state.visible_rows))
            self.selected, self.hidden = len(state.selected), state.selected_hidden
            self.can_undo, self.can_redo = state.can_undo, state.can_redo
            self.message, self.busy = state.message, state.busy


def accuracy(record: FeatureSet) -> float | None:
    """Share of right predictions among the samples with a label and a prediction."""
    if record.labels is None or record.predictions is None:
        return None
    judged = (record.labels >= 0) & (record.predictions >= 0)
    return float(np.mean(~record.misclassified[judged])) if judged.any() else None
