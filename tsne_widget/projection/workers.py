"""Threads for a fit: fixed pieces of work on one core each, so their number changes no result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from typing_extensions import Self

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """A pool of threads in which torch itself stays on one core.

    torch's own parallel regions wait for each other by spinning: hundreds of short ones per second
    collapse (1.4 ms → 148 ms) once another process wants the cores. And a matrix product may add in
    another order on another number of threads. So torch computes on one thread while this is open,
    and the caller cuts the work into pieces that depend on the data only.

    Parameters
    ----------
    threads : int
        At least 1. With 1 everything runs in the calling thread.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._torch_threads = 1

    def __enter__(self) -> Self:
        self._torch_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        if self.threads > 1:
            self._pool = ThreadPoolExecutor(
                self.threads, "tsne", initializer=torch.set_num_threads, initargs=(1,)
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(self._torch_threads)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results of ``work`` on each item, in the order of the items."""
        items = list(items)
        if self._pool is None or len(items) == 1:  # waking a thread takes longer than short work
            return [work(item) for item in items]
        return list(self._pool.map(work, items))


def available_threads(n_jobs: int | None) -> int:
    """Number of threads for scikit-learn's ``n_jobs``: None as torch is set, −1 all cores."""
    if n_jobs is None:
        return torch.get_num_threads()
    if n_jobs < 0:
        return max(1, (os.cpu_count() or 1) + 1 + n_jobs)
    return n_jobs
