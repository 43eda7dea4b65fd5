"""The fastest operations of a device: Triton kernels, compiled once per process, or torch's."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import torch

from tsne_widget.projection.candidates import SPARE
from tsne_widget.projection.gpu.lattice import Lattice, Shape
from tsne_widget.projection.gpu.operations import (
    Box,
    Motion,
    Operations,
    Pairs,
    TorchOperations,
)
from tsne_widget.projection.gpu.search import TORCH, Columns, DeviceNeighbors, Search
from tsne_widget.projection.gpu.triton_operations import TritonOperations
from tsne_widget.projection.gpu.triton_search import Found, TritonSearch, sizes_for
from tsne_widget.projection.mesh import Influence

logger = logging.getLogger(__name__)

# Triton's oldest supported generation of GPUs.
MIN_CAPABILITY = (7, 0)


class Engine(NamedTuple):
    """What computes on a device."""

    operations: Operations
    search: Search
    note: str | None = None
    """Why these are not the fastest operations of the device."""


ENGINES: dict[str, Engine] = {}


def engine_of(device: str, stage: Callable[[str], object] | None = None) -> Engine:
    """The engine of a device.

    The first call of a process compiles the kernels, which takes seconds, and tells ``stage``.
    Triton keeps compiled kernels on disk.
    """
    if device not in ENGINES:
        if stage is not None:
            stage("compiling kernels, once per process")
        ENGINES[device] = fastest_engine(torch.device(device))
    return ENGINES[device]


def fastest_engine(place: torch.device) -> Engine:
    """The engine of a device, compiled now."""
    slow = Engine(TorchOperations(), TORCH)
    if not can_run(place):
        return slow
    try:
        operations, search = TritonOperations(), TritonSearch()
        _compile(operations, search, place)
    except Exception as error:  # a compiler has many ways to fail, and torch operations need none
        logger.warning("Triton cannot compile its kernels", exc_info=True)
        reason = str(error).strip().splitlines() or [type(error).__name__]
        return slow._replace(
            note=f"the GPU's fast kernels cannot be compiled ({reason[0][:200]}), so t-SNE uses "
            "slower torch operations with the same result; install the Triton that belongs to "
            "your torch"
        )
    return Engine(operations, search)


def can_run(device: torch.device) -> bool:
    """Whether Triton is installed and has kernels for this device."""
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    if importlib.util.find_spec("triton") is None:
        return False
    return torch.cuda.get_device_capability(device) >= MIN_CAPABILITY


def identify_compiler(target: Any = None) -> None:
    """Let Triton find out what it keeps for the process, before several threads ask for it.

    It caches without a lock the hash of its library (400 MB), the version of ptxas and its helper
    for the driver, so each of the threads would compute them.

    Parameters
    ----------
    target : triton.backends.compiler.GPUTarget, optional
        By default the GPU in use.
    """
    with suppress(ImportError, AttributeError):  # other versions of Triton
        triton = importlib.import_module("triton")
        target = target or triton.runtime.driver.active.get_current_target()
        triton.compiler.make_backend(target).hash()
        triton.runtime.cache.triton_key()


def _compile(operations: TritonOperations, search: TritonSearch, device: torch.device) -> None:
    """Compile the kernels with the types of a fit, all at a time."""
    with torch.cuda.device(device):
        identify_compiler()
        calls = [*_searches(search, device), *_steps(operations, device)]
        torch.cuda.current_stream().synchronize()

    def run(call: Callable[[], object]) -> None:
        with torch.cuda.device(device):
            call()
            torch.cuda.current_stream().synchronize()

    with ThreadPoolExecutor(len(calls), "tsne-compile") as pool:
        list(pool.map(run, calls))


def _steps(triton: TritonOperations, device: torch.device) -> list[Callable[[], object]]:
    """A call of each kernel of an iteration, with two points."""

    def zeros(*shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.zeros(shape, dtype=kind, device=device)

    y, pull, push = zeros(2, 2).T, zeros(2, 2).T, zeros(2, 2).T
    shape = Shape(40, 1.0)
    masses = zeros(1, 20, 20, kind=torch.int64)
    kernel = Influence(zeros(0), (0.1, 0.1), 0.9, None)
    lattice = Lattice(shape, masses, zeros(40, 40), zeros(0), kernel)
    starts = torch.arange(3, device=device)
    pairs = Pairs(starts, zeros(2, kind=torch.int32), zeros(2))
    motion = Motion(zeros(2, 2).T, zeros(2, 2).T, zeros(2, 2).T)
    edges, z = zeros(4), torch.ones((), dtype=torch.float64, device=device)
    box = Box(zeros(4, 1), zeros(4), zeros(2))
    return [
        lambda: triton.interpolate(y, lattice, zeros(40, 40), edges, push, zeros(1)),
        lambda: triton.add_masses(y, lattice, edges),
        lambda: triton.move(motion, pull, push, z, zeros(3), zeros(2), zeros(4, 1)),
        lambda: triton.note(box),
        lambda: triton.attract(y, pairs, zeros(2, 2).T),
        lambda: triton.collect_masses(lattice._replace(masses=masses.clone())),
        lambda: triton.sum_up(zeros(1), z.clone(), 2, 0.9),
    ]


def _searches(triton: TritonSearch, device: torch.device) -> list[Callable[[], object]]:
    """A call of each kernel of a search, for 90 neighbours of eight rows."""
    X = torch.zeros((8, 4), device=device)
    groups, room = sizes_for(90 + SPARE)
    found = Found.empty(8, room, device)
    found.counts.zero_()
    found.columns.zero_()
    columns, out = Columns(torch.arange(8, device=device)), DeviceNeighbors.empty(8, 90, device)
    return [
        lambda: triton.measure(X, X, found, columns, 0),
        lambda: triton.select(torch.zeros((8, 8), device=device), found, 4, -1, groups),
        lambda: triton.rank(found, columns, 0, out),
        lambda: triton.probabilities(torch.zeros((8, 90), device=device), 30.0),
    ]
