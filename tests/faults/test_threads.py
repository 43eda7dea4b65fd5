"""Threads: only the main thread changes the state, whatever runs in the background."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.widgets.page import SECONDS, Page, until
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet
from tsne_widget._text import REMEDY
from tsne_widget.widgets.receiving import MAX_BUFFER_BYTES, MAX_WAITING, MAX_WAITING_HOVERS
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState

N = 300


def record() -> FeatureSet:
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 3
    logits = rng.normal(size=(N, 3)) + np.eye(3)[labels]
    return FeatureSet.from_arrays(
        rng.normal(size=(N, 6)) + 4 * np.eye(6)[labels], labels, logits=logits
    )


def on_another_thread(act) -> list[BaseException]:
    errors: list[BaseException] = []

    def target() -> None:
        try:
            act()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, name="another")
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
    return errors


def note_threads(state: ExplorerState) -> set[threading.Thread]:
    """Threads that change any trait of the state from now on."""
    seen: set[threading.Thread] = set()
    state.observe(lambda _change: seen.add(threading.current_thread()))
    return seen


def test_a_trait_set_on_another_thread_is_refused():
    state = ExplorerState(record(), None)
    for name, value in {"selected": [1], "message": "x", "busy": "x", "embedding": None}.items():
        (error,) = on_another_thread(lambda name=name, value=value: setattr(state, name, value))
        assert isinstance(error, RuntimeError)
        assert str(error).startswith(f"{name} was set on another; ")
    assert state.selected.tolist() == []
    (error,) = on_another_thread(lambda: state.select([1, 2]))
    assert "was set on another" in str(error)


def test_fit_and_background_computation_set_traits_only_on_the_main_thread():
    threads: dict[str, threading.Thread] = {}

    async def session() -> set[threading.Thread]:
        with EmbeddingExplorer(record(), projector=TSNE(random_state=0, max_iter=100)) as explorer:
            state = explorer.state
            seen = note_threads(state)
            Background(state).run(
                "Counting",
                lambda: threads.update(worked=threading.current_thread()),
                lambda _result: threads.update(delivered=threading.current_thread()),
            )
            Background(state).run("Failing", lambda: 1 / 0, lambda _result: None)
            await until(lambda: state.fit.condition == "done")
            state.color_by = "continuity"  # a score with its own computation
            await until(lambda: not state.busy)
            assert state.scores.is_ready("continuity")
        return seen

    assert asyncio.run(session()) == {threading.main_thread()}
    assert threads["worked"] is not threading.main_thread()
    assert threads["delivered"] is threading.main_thread()


def test_two_explorers_in_one_kernel_finish_independently():
    def alone(seed: int) -> np.ndarray:
        projector = TSNE(random_state=seed, max_iter=120)
        with EmbeddingExplorer(record(), projector=projector) as explorer:
            return explorer.wait().embedding

    async def together() -> list[np.ndarray]:
        explorers = [
            EmbeddingExplorer(record(), projector=TSNE(random_state=seed, max_iter=120))
            for seed in (0, 1)
        ]
        await until(lambda: all(e.state.fit.condition == "done" for e in explorers))
        maps = [explorer.embedding for explorer in explorers]
        for explorer in explorers:
            explorer.close()
        return maps

    for expected, found in zip([alone(0), alone(1)], asyncio.run(together()), strict=True):
        assert np.array_equal(expected, found)


def test_nothing_changes_after_closing_during_a_fit_and_a_score_computation():
    started, gate = threading.Event(), threading.Event()

    def hold(iteration, _embedding, _divergence) -> None:
        if iteration == 40:
            started.set()
            assert gate.wait(SECONDS)

    async def session() -> None:
        projector = TSNE(random_state=0, max_iter=10**6, callback=hold)
        explorer = EmbeddingExplorer(record(), projector=projector)
        state = explorer.state
        explorer.color_by = "outlier_score"  # computed during the fit
        await until(started.is_set)
        explorer.close()
        seen = note_threads(state)
        gate.set()
        await until(lambda: not any_worker())
        assert not seen

    asyncio.run(session())


def any_worker() -> bool:
    return any(thread.name.startswith("tsne-widget") for thread in threading.enumerate())


def test_error_in_a_callback_is_reported_and_the_explorer_keeps_working():
    def broken(iteration, _embedding, _divergence) -> None:
        if iteration >= 40:
            raise ZeroDivisionError("the user's <b>callback</b>")

    projector = TSNE(random_state=0, callback=broken)
    with EmbeddingExplorer(record(), projector=projector) as explorer:
        with pytest.raises(ZeroDivisionError):
            explorer.wait()
        assert explorer.state.message == (
            f"The map failed: ZeroDivisionError: the user's <b>callback</b>{REMEDY}"
        )
        assert explorer.state.fit.condition == "failed"
        explorer.select([1, 2])
        assert explorer.selected.tolist() == [1, 2]


def test_error_in_an_observer_is_reported_and_the_fit_finishes():
    def broken(_change) -> None:
        raise ZeroDivisionError("observer")

    async def session() -> None:
        with EmbeddingExplorer(record(), projector=TSNE(random_state=0, max_iter=60)) as explorer:
            explorer.observe(broken, "embedding")
            await until(lambda: explorer.state.fit.condition == "done")
            assert explorer.embedding is not None
            assert explorer.state.message == f"ZeroDivisionError: observer{REMEDY}"

    asyncio.run(session())


def test_error_in_an_observer_is_reported_without_an_event_loop():
    def broken(_change) -> None:
        raise ZeroDivisionError("observer")

    with EmbeddingExplorer(record(), projector=TSNE(random_state=0, max_iter=60)) as explorer:
        explorer.observe(broken, "embedding")
        assert explorer.wait().embedding is not None
        assert explorer.state.fit.condition == "done"
        assert explorer.state.message == f"ZeroDivisionError: observer{REMEDY}"


def test_messages_received_on_another_thread_change_state_on_the_main_thread():
    """Like JupyterLab, which delivers widget messages on a separate thread."""
    seen = {}

    async def act():
        with EmbeddingExplorer(record(), embedding=np.eye(N)[:, :2]) as explorer:
            threads = note_threads(explorer.state)
            page = Page(explorer)

            def click() -> None:
                page.send("toolbar", "misclassified")
                page.send("gallery", "hover", row=7)
                page.opens("diagnosis")
                page.send("diagnosis", "compute")

            assert on_another_thread(click) == []
            seen["at once"] = explorer.state.hovered
            await until(lambda: explorer.state.hovered == 7 and not explorer.state.busy)
            seen["selected"] = len(explorer.selected)
            seen["message"] = explorer.state.message
            seen["threads"] = threads

    asyncio.run(act())
    assert seen["at once"] is None  # not before this thread was idle
    assert seen["selected"] > 0
    assert seen["message"] == ""
    assert seen["threads"] == {threading.main_thread()}


def test_messages_wait_in_bounded_memory_while_a_cell_runs_and_no_click_is_lost():
    async def act():
        with EmbeddingExplorer(record(), embedding=np.eye(N)[:, :2]) as explorer:
            page = Page(explorer)

            def many() -> None:
                for point in range(2 * MAX_WAITING):  # a pointer that moves for minutes
                    page.send("map", "hover", point=point % N)
                page.send("legend", "toggle", code=1)
                page.send("map", "select", mode="add", buffers=[bytes(2 * MAX_BUFFER_BYTES)])

            assert on_another_thread(many) == []
            # and perhaps the report that the kernel has caught up
            assert explorer.state.main_thread.waiting - MAX_WAITING_HOVERS in (1, 2)
            await until(lambda: explorer.visible_classes == ("0", "2"))

            def forged() -> None:
                for _ in range(MAX_WAITING + 5):
                    page.send("legend", "all", visible=True)

            assert on_another_thread(forged) == []
            assert explorer.state.main_thread.waiting == MAX_WAITING

    asyncio.run(act())


def test_click_during_a_blocking_wait_is_answered():
    class Slow:
        def __init__(self) -> None:
            self.clicked = threading.Event()

        def fit_transform(self, features):
            assert self.clicked.wait(SECONDS)
            return features[:, :2]

    async def act():
        projector = Slow()
        with EmbeddingExplorer(record(), projector=projector) as explorer:
            explorer.observe(lambda _change: projector.clicked.set(), "selected")
            page = Page(explorer)
            click = threading.Thread(target=page.send, args=("toolbar", "misclassified"))
            click.start()
            explorer.wait()  # ends only after the click is answered
            click.join(SECONDS)
            assert len(explorer.selected) > 0

    asyncio.run(act())


# Nearly always inside a torch call, from which the thread would return to an interpreter that
# has ended.
ENDS_WHILE_THE_MAP_IS_COMPUTED = """
import math, threading
import numpy as np
import torch
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet

begun = threading.Event()

class Endless(TSNE):
    def fit_transform(self, X):
        values = torch.ones(20_000)
        xy = np.zeros((len(X), 2), "f4")
        while not self.callback(1, xy, math.nan):
            for _ in range(100):
                values = values.sin()
            begun.set()
        return xy

explorer = EmbeddingExplorer(FeatureSet.from_arrays(np.eye(9)), projector=Endless())
assert begun.wait(60)
"""


def test_script_that_ends_during_a_fit_exits_cleanly():
    run = subprocess.run(
        [sys.executable, "-c", ENDS_WHILE_THE_MAP_IS_COMPUTED],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
