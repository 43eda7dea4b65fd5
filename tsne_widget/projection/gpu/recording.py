"""Repeated work on a device: recorded once as a CUDA graph, then replayed by one launch."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import torch

logger = logging.getLogger(__name__)


class Recorder:
    """Runs work many times, on CUDA from a recording.

    A recording repeats the kernels with the same arrays and the same numbers. Work must therefore
    change only arrays that outlive it, and its numbers must depend only on its key. It runs once
    unrecorded before it is recorded, which loads kernels and plans of transforms.

    Only the main thread records: while a thread does, random numbers on the same GPU are an error
    in all other threads, for example in a training loop beside a map in a notebook.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        is_main = threading.current_thread() is threading.main_thread()
        self._works = device.type == "cuda" and is_main
        self._key: object = None
        self._side: torch.cuda.Stream | None = None  # while recording
        self._graph: torch.cuda.CUDAGraph | None = None

    def run(self, key: object, work: Callable[[], None]) -> None:
        """Do the work. A recording is kept until another key arrives."""
        if key != self._key:
            self.forget()
            self._key = key
            work()
            return
        if self._graph is None and self._works:
            self._graph = self._record(work)
            self._works = self._graph is not None
        if self._graph is None:
            work()
        else:
            self._graph.replay()

    def aside(self, work: Callable[[], None]) -> None:
        """Do work that may run beside what follows until :meth:`join`; beside only if recorded."""
        if self._side is None:
            work()
            return
        self._side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._side):
            work()

    def join(self) -> None:
        """Let what follows wait for the work aside."""
        if self._side is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._side)

    def forget(self) -> None:
        """Drop the recording, because its arrays are about to be released."""
        if self._graph is not None:
            torch.cuda.current_stream(self._device).synchronize()
        self._key = self._graph = None

    def _record(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph | None:
        """A recording of the work, or None if it fails; then nothing has run."""
        # torch.cuda.graph() would also collect garbage and empty the cache, which takes longer
        # than what a recording saves.
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream(self._device)
        stream, self._side = (
            torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            for _ in range(2)
        )
        stream.wait_stream(current)
        try:
            with torch.cuda.stream(stream):
                # Other threads, for example a model on the same GPU, may allocate meanwhile.
                graph.capture_begin(capture_error_mode="thread_local")
                try:
                    work()
                finally:
                    graph.capture_end()
        except RuntimeError:
            logger.warning("an iteration cannot be recorded as a CUDA graph", exc_info=True)
            return None
        finally:
            self._side = None
            current.wait_stream(stream)
        return graph
