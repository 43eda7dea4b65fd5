"""Measurements of time and memory."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def timed(run: Callable[[], Any]) -> float:
    """Wall seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measured(run: Callable[[], Any]) -> tuple[float, float]:
    """Wall seconds, and the increase of the peak memory in MB."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # return free memory, so that using it again counts
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    seconds = timed(run)
    return seconds, max(0, _status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0])
