"""Background work: bounded, and a newer request replaces a queued one."""

from __future__ import annotations

import asyncio
import threading

import numpy as np

from tests.widgets.page import SECONDS, until
from tsne_widget import FeatureSet
from tsne_widget._text import REMEDY
from tsne_widget.widgets.state.background import MAX_THREADS, Background
from tsne_widget.widgets.state.explorer_state import ExplorerState


def make_state() -> ExplorerState:
    record = FeatureSet.from_arrays(np.eye(8), np.arange(8) % 2)
    return ExplorerState(record, np.eye(8, 2, dtype=np.float32))


class Gate:
    """Work that counts how much of it runs at once, and ends when released."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.lock = threading.Lock()
        self.running = self.most = self.done = 0

    def work(self, number: int) -> int:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.opened.wait(SECONDS)
        with self.lock:
            self.running -= 1
            self.done += 1
        return number


def test_few_threads_do_all_work_and_every_title_ends():
    gate, delivered = Gate(), []

    async def session() -> None:
        state = make_state()
        background = Background(state)
        for number in range(200):
            background.run(
                f"Counting {number}", lambda n=number: gate.work(n), delivered.append, None
            )
        assert state.busy == "Counting 199"
        gate.opened.set()
        await until(lambda: len(delivered) == 200)
        assert state.busy == ""

    asyncio.run(session())
    assert gate.most <= MAX_THREADS
    assert sorted(delivered) == list(range(200))


def test_newer_work_with_the_same_title_replaces_queued_work():
    gate, delivered = Gate(), []

    async def session() -> None:
        state = make_state()
        background = Background(state)
        for number in range(1000):  # as many as a forged page may send
            background.run("Looking", lambda n=number: gate.work(n), delivered.append)
        gate.opened.set()
        await until(lambda: not state.busy)

    asyncio.run(session())
    assert sorted(delivered) == [*range(MAX_THREADS), 999]
    assert gate.done == MAX_THREADS + 1


def test_queued_work_does_not_start_after_closing():
    gate, delivered = Gate(), []

    async def session() -> None:
        background = Background(make_state())
        for number in range(MAX_THREADS + 3):
            background.run(f"Counting {number}", lambda n=number: gate.work(n), delivered.append)
        background.close()
        gate.opened.set()
        await until(lambda: gate.done == MAX_THREADS)
        await asyncio.sleep(0)  # all callbacks of the loop have run

    asyncio.run(session())
    assert delivered == []
    assert gate.done == MAX_THREADS


def test_error_in_an_observer_of_busy_is_reported_and_work_continues():
    delivered = []

    async def session() -> str:
        state = make_state()
        background = Background(state)
        background.run("First", lambda: 1, delivered.append)

        def broken(_change) -> None:
            raise ZeroDivisionError("observer")

        state.observe(broken, "busy")
        await until(lambda: state.message)
        state.unobserve(broken, "busy")
        background.run("Second", lambda: 2, delivered.append)
        await until(lambda: 2 in delivered)
        return state.message

    assert asyncio.run(session()) == f"First failed: ZeroDivisionError: observer{REMEDY}"
