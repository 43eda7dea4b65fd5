"""An interrupt at any step of a change leaves a state that is consistent and usable."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tsne_widget
from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet

N = 30
PACKAGE = str(Path(tsne_widget.__file__).parent)


class Interrupt:
    """Raises KeyboardInterrupt at the n-th line executed in the package."""

    def __init__(self, at: int) -> None:
        self.at, self.lines = at, 0

    def __enter__(self) -> Interrupt:
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_exception: object) -> None:
        sys.settrace(None)

    def trace(self, frame, event, _argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
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


def steps(act, reset) -> Iterator[int]:
    """Interrupt ``act`` at one line after another, each time after ``reset``, until it ends."""
    at = 1
    while True:
        reset()
        try:
            with Interrupt(at):
                act()
        except KeyboardInterrupt:
            yield at
        else:
            break
        at += 1 + at // 12


@pytest.mark.parametrize("action", ACTIONS)
def test_interrupt_at_any_step_leaves_a_consistent_state(action):
    with make_explorer() as explorer:
        state, page = explorer.state, Page(explorer)

        def reset():
            explorer.color_by = "label"
            explorer.visible_classes = ["0", "1", "2"]
            explorer.select([])
            explorer.select(range(20))

        def act():
            ACTIONS[action](page)

        def shown():
            return explorer.selected.tolist(), explorer.visible_classes, explorer.color_by

        reset()
        act()
        expected, interrupted = shown(), 0
        for _at in steps(act, reset):
            interrupted += 1
            chosen = state.chosen
            assert np.array_equal(state.selected, chosen[state.visible[state.codes[chosen]]])
            assert state.visible.shape == (3,)
            # the same change again has the same result as without an interrupt
            reset()
            act()
            assert shown() == expected
    assert interrupted > 10


HISTORY = [[], list(range(20)), [1], [2], [3]]


def undone(explorer):
    """Undo everything: the selections, oldest first."""
    found = [explorer.selected.tolist()]
    for _ in HISTORY:
        explorer.undo()
        found.insert(0, explorer.selected.tolist())
    while found[:2] == [[], []]:
        del found[0]
    return found


@pytest.mark.parametrize("act", [EmbeddingExplorer.undo, EmbeddingExplorer.redo])
def test_interrupted_undo_or_redo_loses_no_history(act):
    with make_explorer() as explorer:

        def reset():
            for rows in HISTORY[1:]:
                explorer.select(rows)
            explorer.undo()

        interrupted = 0
        explorer.undo()
        for _at in steps(lambda: act(explorer), reset):
            interrupted += 1
            assert undone(explorer) in (HISTORY, HISTORY[:-1], HISTORY[:-2])
    assert interrupted > 10
