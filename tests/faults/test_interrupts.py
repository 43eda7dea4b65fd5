"""An interrupt at any step of a change leaves a state that is consistent and usable."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet

N = 30
PACKAGE = "tsne_widget"


class Interrupt:
    """Raises KeyboardInterrupt at the n-th line executed in the widgets."""

    def __init__(self, at: int) -> None:
        self.at, self.lines = at, 0

    def __enter__(self) -> Interrupt:
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_exception: object) -> None:
        sys.settrace(None)

    def trace(self, frame, event, _argument):
        if PACKAGE not in frame.f_code.co_filename:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.trace


def make_explorer() -> EmbeddingExplorer:
    record = FeatureSet.from_arrays(np.eye(N), np.arange(N) % 3, predictions=np.zeros(N, int))
    explorer = EmbeddingExplorer(record, embedding=np.column_stack([np.arange(N)] * 2))
    explorer.select(range(20))
    return explorer


SQUARE = [[-1, -1], [10.5, -1], [10.5, 10.5], [-1, 10.5]]
ACTIONS = {
    "hide a class": lambda page: page.send("legend", "toggle", code=1),
    "only one class": lambda page: page.send("legend", "only", code=2),
    "lasso": lambda page: page.lasso(SQUARE),
    "select": lambda page: page.widget.select([25, 26], "add"),
    "undo": lambda page: page.widget.undo(),
    "recolour": lambda page: page.send("legend", "color", name="prediction"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_interrupt_at_any_step_leaves_a_consistent_state(action):
    act = ACTIONS[action]
    with make_explorer() as undisturbed:
        act(Page(undisturbed))
        expected = (undisturbed.selected.tolist(), undisturbed.visible_classes)
    interrupted, at = 0, 1
    while True:
        with make_explorer() as explorer:
            state, page = explorer.state, Page(explorer)
            before = state.visible.copy()
            try:
                with Interrupt(at):
                    act(page)
            except KeyboardInterrupt:
                interrupted += 1
            else:
                break
            assert state.visible_rows[state.selected].all()
            assert state.visible.shape == before.shape
            # the same change again has the same result as without an interrupt
            explorer.visible_classes = ["0", "1", "2"]
            explorer.select([])
            explorer.select(range(20))
            act(page)
            if action != "undo":
                assert (explorer.selected.tolist(), explorer.visible_classes) == expected
        at += 1 + at // 12
    assert interrupted > 10


def test_interrupted_undo_or_redo_loses_no_history():
    for act in (EmbeddingExplorer.undo, EmbeddingExplorer.redo):
        at, ended = 1, False
        while not ended:
            with make_explorer() as explorer:
                for rows in ([1], [2], [3]):
                    explorer.select(rows)
                explorer.undo()
                try:
                    with Interrupt(at):
                        act(explorer)
                    ended = True
                except KeyboardInterrupt:
                    found = []
                    for _ in range(6):
                        found.append(explorer.selected.tolist())
                        explorer.undo()
                    assert [1] in found
                    assert list(range(20)) in found
                    assert found[-1] == []
            at += 1 + at // 12
        assert at > 10
