"""A DataLoader whose worker processes end with it, and whose deaths are told in plain words."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

from tsne_widget.errors import TsneWidgetError

# A worker that gives nothing for so long hangs: slow network disks answer within minutes.
WORKER_TIMEOUT_SECONDS = 600.0
# How often it is looked at whether workers still live (seconds).
WORKERS_LOOKED_AT_SECONDS = 2.0


@dataclass(frozen=True)
class Loading:
    """How batches are made: the settings of a DataLoader that outlive our own order."""

    batch_size: int
    num_workers: int = 0
    pin_memory: bool = False
    collate: Callable[[list[Any]], Any] | None = None
    timeout: float = 0.0
    worker_init_fn: Callable[[int], None] | None = None
    multiprocessing_context: Any = None
    prefetch_factor: int | None = None

    @property
    def patience(self) -> float:
        """How long a batch may take (seconds)."""
        return self.timeout or WORKER_TIMEOUT_SECONDS

    def loader(self, dataset: Any, **order: Any) -> DataLoader[Any]:
        """A DataLoader of ``dataset`` with these settings."""
        with_workers: dict[str, Any] = {}
        if self.num_workers > 0:
            with_workers = {
                "timeout": min(WORKERS_LOOKED_AT_SECONDS, self.patience),
                "worker_init_fn": self.worker_init_fn,
                "multiprocessing_context": self.multiprocessing_context,
                "prefetch_factor": self.prefetch_factor,
            }
        return DataLoader(
            dataset,
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            **with_workers,
            **order,
        )


def drawn(loader: DataLoader[Any], patience: float = 0.0) -> Iterator[Any]:
    """The loader's items; worker processes end with the iteration, whatever ends it.

    With ``patience`` (seconds) the loader's own timeout is only how often the workers are looked
    at, and an item may take that long.
    """
    iterator = iter(loader)
    try:
        with _no_error_from_signal_handler():
            waited = 0.0
            while True:
                try:
                    item = next(iterator)
                except StopIteration:
                    return
                except TsneWidgetError as error:
                    if not str(error).startswith("Caught "):
                        raise
                    raise type(error)(_without_worker_traceback(error)) from error
                except RuntimeError as error:
                    waited += loader.timeout
                    if waited >= patience or not str(error).startswith("DataLoader timed out"):
                        raise
                except (ConnectionError, EOFError, FileNotFoundError) as error:
                    # A batch cannot be fetched from a worker that died; errors of the dataset
                    # itself come with its traceback.
                    if loader.num_workers == 0 or str(error).startswith("Caught "):
                        raise
                    raise RuntimeError(f"DataLoader worker was lost ({told(error)})") from error
                else:
                    waited = 0.0
                    yield item
    finally:
        # A traceback that is kept (sys.last_traceback in a notebook) would keep the workers too.
        shut_down = getattr(iterator, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()


def is_of_workers(error: BaseException) -> bool:
    """Whether torch tells of a worker process that died or hangs."""
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader ")


def told(error: BaseException) -> str:
    """An error's kind and message, for a message of ours."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@contextmanager
def _no_error_from_signal_handler() -> Iterator[None]:
    """Learn of a worker's death from the loader only, not from torch's handler of SIGCHLD.

    That handler raises wherever this process is: inside the model, or inside a queue of the loader
    whose lock then stays taken, so that shutting down never ends (seen in 1 of 300 deaths).
    """
    previous = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    tell = previous

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            tell(number, frame)
        except RuntimeError as error:
            if not is_of_workers(error):
                raise

    signal.signal(signal.SIGCHLD, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, previous)


def _without_worker_traceback(error: TsneWidgetError) -> str:
    """The message as it was raised; a worker process wraps it into its whole traceback."""
    return (
        str(error).rpartition(f"{type(error).__module__}.{type(error).__qualname__}: ")[2].strip()
    )
