"""The fastest operations of a device: Triton kernels, compiled once per process, or torch's."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import torch

from tsne_widget.projection.gpu.lattice import make_lattice, shape_for
from tsne_widget.projection.gpu.operations import (
    Box,
    Motion,
    Operations,
    Pairs,
    TorchOperations,
)
from tsne_widget.projection.gpu.search import TORCH, Columns, DeviceNeighbors, Search
from tsne_widget.projection.gpu.triton_operations import TritonOperations
from tsne_widget.projection.gpu.triton_search import TritonSearch
from tsne_widget.projection.schedule import Phase

logger = logging.getLogger(__name__)

# Triton's oldest supported generation of GPUs.
MIN_CAPABILITY = (7, 0)


class Engine(NamedTuple):
    """What computes on a device."""

    operations: Operations
    search: Search
    note: str | None = None
    """Why these are not the fastest operations of the device."""


@lru_cache
def engine_of(device: str) -> Engine:
    """The engine of a device.

    The first call of a process compiles the kernels, which takes seconds. Triton keeps them on
    disk.
    """
    place = torch.device(device)
    slow = Engine(TorchOperations(), TORCH)
    if not can_run(place):
        return slow
    try:
        engine = Engine(TritonOperations(), TritonSearch())
        _compile(engine, place)
    except Exception as error:  # a compiler has many ways to fail, and torch operations need none
        logger.warning("Triton cannot compile its kernels", exc_info=True)
        reason = str(error).strip().splitlines() or [type(error).__name__]
        return slow._replace(
            note=f"the GPU's fast kernels cannot be compiled ({reason[0][:200]}), so t-SNE uses "
            "slower torch operations with the same result; install the Triton that belongs to "
            "your torch"
        )
    return engine


def can_run(device: torch.device) -> bool:
    """Whether Triton is installed and has kernels for this device."""
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    if importlib.util.find_spec("triton") is None:
        return False
    return torch.cuda.get_device_capability(device) >= MIN_CAPABILITY


def _compile(engine: Engine, device: torch.device) -> None:
    """Compile the kernels with the types of a fit, several at a time."""
    with torch.cuda.device(device):
        calls = [*_steps(engine.operations, device), *_searches(engine.search, device)]
        torch.cuda.current_stream().synchronize()

    def run(call: Callable[[], object]) -> None:
        with torch.cuda.device(device):
            call()
            torch.cuda.current_stream().synchronize()

    with ThreadPoolExecutor(len(calls), "tsne-compile") as pool:
        list(pool.map(run, calls))


def _steps(operations: Operations, device: torch.device) -> list[Callable[[], object]]:
    """Calls of the operations of an iteration on two points."""
    y = torch.tensor([[0.0, 1.0], [0.0, 1.0]], device=device).T
    lattice = make_lattice(shape_for(1.0, 1.0), device)
    pairs = Pairs(
        torch.tensor([0, 1, 2], device=device),
        torch.tensor([1, 0], dtype=torch.int32, device=device),
        torch.tensor([0.5, 0.5], device=device),
    )
    motion = Motion(*(torch.ones_like(y) for _ in range(3)))
    pull, push = torch.empty_like(y), torch.empty_like(y)
    field = torch.ones((lattice.shape.size, lattice.shape.size), device=device)
    edges, z = torch.zeros(4, device=device), torch.ones((), dtype=torch.float64, device=device)
    box = Box(torch.zeros((4, 1), device=device), edges.clone(), torch.zeros(2, device=device))
    return [
        lambda: operations.attract(y, pairs, pull),
        lambda: operations.note(box),
        lambda: operations.spread(y, lattice, edges),
        lambda: operations.read(y, lattice, field, edges, push, z.clone()),
        lambda: operations.move(
            motion, pull, push, z, Phase(1, 1.0, 0.8, 0.1), pairs.values, box.parts.clone()
        ),
    ]


def _searches(search: Search, device: torch.device) -> list[Callable[[], object]]:
    """Calls of the search for three neighbours, and for their probabilities."""
    X = torch.arange(8.0, device=device)[:, None].repeat(1, 4)
    products, columns = X.square().T.repeat(2, 1), Columns(torch.arange(8, device=device))
    found = DeviceNeighbors.empty(8, 90, device)
    return [
        lambda: search.nearest(products, X, X, slice(0, 8), columns, -1, found),
        lambda: search.probabilities(torch.zeros((8, 90), device=device), 30.0),
    ]
