"""A thread pool whose size does not change the results of a fit."""

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
    """A pool of threads in which each torch operation uses one core.

    The caller splits the work into blocks that depend only on the data. Each block runs on one
    core, so the number of threads does not change the order of any sum.

    torch's own parallel regions wait by spinning: hundreds of short regions per second slow down
    from 1.4 ms to 148 ms each when another process uses the cores. While a pool is open, torch is
    therefore limited to one thread.

    Parameters
    ----------
    threads : int
        Number of threads, at least 1. With 1 everything runs in the calling thread.
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
        """Results of ``work(item)``, in the order of the items."""
        items = list(items)
        if self._pool is None or len(items) == 1:  # waking a thread costs more than a short block
            return [work(item) for item in items]
        return list(self._pool.map(work, items))


def available_threads(n_jobs: int | None) -> int:
    """Number of threads for scikit-learn's ``n_jobs``.

    None gives ``torch.get_num_threads()``, −1 all cores, −2 all cores but one.
    """
    if n_jobs is None:
        return torch.get_num_threads()
    if n_jobs < 0:
        return max(1, (os.cpu_count() or 1) + 1 + n_jobs)
    return n_jobs
