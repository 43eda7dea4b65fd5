"""A pool of threads whose size does not change the results of a fit."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from typing_extensions import Self

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """A pool of threads in which each torch operation uses one core.

    The caller splits the work into blocks that depend only on the data. Each block runs on one
    core, so the number of threads does not change the order of any sum.

    torch's own parallel regions wait by spinning: hundreds of short regions per second slow down
    from 1.4 ms to 148 ms each when another process uses the cores. While a pool is open, torch is
    therefore limited to one thread. The calling thread takes blocks too, and waits only for blocks
    that others have begun, so a pool on busy cores is about as fast as one thread.

    Parameters
    ----------
    threads : int
        Number of threads, at least 1, the calling one included.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._helpers: list[Thread] = []
        self._batches: SimpleQueue[_Batch[Any, Any] | None] = SimpleQueue()
        self._torch_threads = 1

    def __enter__(self) -> Self:
        self._torch_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        self._helpers = [
            Thread(target=self._help, name=f"tsne_{i}", daemon=True)
            for i in range(self.threads - 1)
        ]
        for helper in self._helpers:
            helper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _ in self._helpers:
            self._batches.put(None)
        for helper in self._helpers:
            helper.join()
        torch.set_num_threads(self._torch_threads)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results of ``work(item)``, in the order of the items."""
        batch = _Batch(work, list(items))
        for _ in range(min(len(self._helpers), len(batch.items) - 1)):
            self._batches.put(batch)
        return batch.results()

    def _help(self) -> None:
        torch.set_num_threads(1)
        while True:
            batch = self._batches.get()
            if batch is None:
                return
            batch.take_part()
            del batch  # frees its arrays while this thread waits


class _Batch(Generic[Item, Result]):
    """Items that several threads work on; each takes the next one that nobody has begun."""

    def __init__(self, work: Callable[[Item], Result], items: list[Item]) -> None:
        self.items = items
        self._work = work
        self._waiting = deque(range(len(items)))
        self._ended: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()

    def take_part(self) -> None:
        """Work on items until none is left; after a failure the others are not begun."""
        while (position := self._next()) is not None:
            try:
                self._ended.put((position, self._work(self.items[position]), None))
            except BaseException as error:
                self._ended.put((position, None, error))
                self._skip()

    def results(self) -> list[Result]:
        """Work on items, wait for those that other threads have begun, and return all results."""
        try:
            self.take_part()
            ended = sorted((self._ended.get() for _ in self.items), key=lambda each: each[0])
        finally:
            self._skip()
        for _, _, error in ended:
            if error is not None:
                raise error
        return [result for _, result, _ in ended]

    def _next(self) -> int | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _skip(self) -> None:
        while (position := self._next()) is not None:
            self._ended.put((position, None, None))


def available_threads(n_jobs: int | None) -> int:
    """Number of threads for scikit-learn's ``n_jobs``.

    None gives ``torch.get_num_threads()``, −1 all cores, −2 all cores but one.
    """
    if n_jobs is None:
        return torch.get_num_threads()
    if n_jobs < 0:
        return max(1, (os.cpu_count() or 1) + 1 + n_jobs)
    return n_jobs
