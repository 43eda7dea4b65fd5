"""A DataLoader that stops its worker processes, and reports dead workers clearly."""

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

# A worker without output for this long hangs; slow network disks answer within minutes.
WORKER_TIMEOUT_SECONDS = 600.0
# Interval between checks that the workers are alive (seconds).
WORKER_CHECK_SECONDS = 2.0


@dataclass(frozen=True)
class Loading:
    """The settings of a DataLoader that apply to any order of samples."""

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
        """The time that a batch may take, in seconds."""
        return self.timeout or WORKER_TIMEOUT_SECONDS

    def loader(self, dataset: Any, **order: Any) -> DataLoader[Any]:
        """A DataLoader of ``dataset`` with these settings."""
        with_workers: dict[str, Any] = {}
        if self.num_workers > 0:
            with_workers = {
                "timeout": min(WORKER_CHECK_SECONDS, self.patience),
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


def iterate(loader: DataLoader[Any], patience: float = 0.0) -> Iterator[Any]:
    """The loader's items; the worker processes stop when the iteration ends or fails.

    Parameters
    ----------
    loader : DataLoader
    patience : float
        Seconds that an item may take. The loader's own timeout is then only the interval between
        checks of the workers. 0 leaves the timeout to the loader.
    """
    iterator = _started(loader)
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
                    # Fetching a batch from a dead worker failed. Errors of the dataset start with
                    # "Caught".
                    if loader.num_workers == 0 or str(error).startswith("Caught "):
                        raise
                    raise RuntimeError(
                        f"DataLoader worker was lost ({error_text(error)})"
                    ) from error
                else:
                    waited = 0.0
                    yield item
    finally:
        # A stored traceback (sys.last_traceback in a notebook) would keep the workers alive.
        shut_down = getattr(iterator, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()


def _started(loader: DataLoader[Any]) -> Iterator[Any]:
    """The loader's iterator; a dataset that no worker can get is an error of workers.

    Workers get a copy of the dataset on Windows, on macOS and from Python 3.14 on.
    """
    try:
        return iter(loader)
    except Exception as error:  # pickle raises its own error, AttributeError or TypeError
        is_pickles = any(words in str(error) for words in ("pickle", "local object"))
        if loader.num_workers == 0 or not is_pickles:
            raise
        raise RuntimeError(
            f"DataLoader workers cannot get a copy of the dataset ({error_text(error)})"
        ) from error


def is_worker_error(error: BaseException) -> bool:
    """Whether torch reports a worker process that died or hangs."""
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader ")


def error_text(error: BaseException) -> str:
    """The type and message of an exception."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@contextmanager
def _no_error_from_signal_handler() -> Iterator[None]:
    """A block in which only the loader reports dead workers, not torch's handler of SIGCHLD.

    That handler raises at any point of this process: inside the model, or inside a queue of the
    loader. The queue's lock then stays locked and the shutdown blocks (in 1 of 300 deaths).
    """
    previous = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    forward = previous

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            forward(number, frame)
        except RuntimeError as error:
            if not is_worker_error(error):
                raise

    signal.signal(signal.SIGCHLD, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, previous)


def _without_worker_traceback(error: TsneWidgetError) -> str:
    """The original message; a worker process sends it inside its whole traceback."""
    return (
        str(error).rpartition(f"{type(error).__module__}.{type(error).__qualname__}: ")[2].strip()
    )
