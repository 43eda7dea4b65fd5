"""The operations of an iteration as Triton kernels, for CUDA."""

from __future__ import annotations

import importlib
import importlib.util
import logging

import torch

from tsne_widget.projection.forces import MAX_STEP, MIN_GAIN
from tsne_widget.projection.gpu.lattice import Lattice, make_lattice, shape_for
from tsne_widget.projection.gpu.operations import Motion, Operations, Pairs, TorchOperations
from tsne_widget.projection.schedule import Phase

logger = logging.getLogger(__name__)

# Elements of one program: pairs of a row, points, coordinates.
PAIRS, POINTS, COORDINATES = 64, 128, 256
# Without it, Triton 3.9 warns that its default is about to change.
OPTIONS = {"enable_fp_fusion": True}
# Triton's oldest supported generation of GPUs.
MIN_CAPABILITY = (7, 0)


class TritonOperations:
    """The operations as Triton kernels."""

    name = "triton"

    def __init__(self) -> None:
        self._kernels = importlib.import_module("tsne_widget.projection.gpu.kernels")

    def attract(self, y: torch.Tensor, pairs: Pairs, out: torch.Tensor) -> None:
        """See :class:`Operations`."""
        n = y.shape[1]
        self._kernels.attract[(n,)](
            y, pairs.starts, pairs.others, pairs.values, out, n, BLOCK=PAIRS, num_warps=1, **OPTIONS
        )

    def spread(self, y: torch.Tensor, lattice: Lattice) -> None:
        """See :class:`Operations`."""
        n = y.shape[1]
        lattice.masses.zero_()
        self._kernels.spread[(_programs(n, POINTS),)](
            y,
            lattice.origin,
            lattice.masses,
            n,
            1 / lattice.shape.cell,
            lattice.shape.cells,
            lattice.copies,
            BLOCK=POINTS,
            **OPTIONS,
        )

    def read(
        self,
        y: torch.Tensor,
        lattice: Lattice,
        field: torch.Tensor,
        push: torch.Tensor,
        phi: torch.Tensor,
    ) -> None:
        """See :class:`Operations`."""
        n = y.shape[1]
        self0, self1 = lattice.kernel.self_force
        self._kernels.read[(_programs(n, POINTS),)](
            y,
            lattice.origin,
            field,
            push,
            phi,
            n,
            1 / lattice.shape.cell,
            self0,
            self1,
            lattice.shape.cells,
            field.stride(0),
            BLOCK=POINTS,
            **OPTIONS,
        )

    def move(
        self, motion: Motion, pull: torch.Tensor, push: torch.Tensor, z: torch.Tensor, phase: Phase
    ) -> None:
        """See :class:`Operations`."""
        count = motion.y.numel()
        self._kernels.move[(_programs(count, COORDINATES),)](
            *motion,
            pull,
            push,
            z,
            count,
            float(phase.exaggeration),
            float(phase.learning_rate),
            float(phase.momentum),
            MIN_GAIN,
            MAX_STEP,
            BLOCK=COORDINATES,
            **OPTIONS,
        )


def can_run(device: torch.device) -> bool:
    """Whether Triton is installed and has kernels for this device."""
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    if importlib.util.find_spec("triton") is None:
        return False
    return torch.cuda.get_device_capability(device) >= MIN_CAPABILITY


def compiled_operations(device: torch.device) -> tuple[Operations, str | None]:
    """The fastest operations of a device, compiled, and a note if that failed.

    The first call of a process takes seconds; Triton keeps compiled kernels on disk. It runs on any
    thread.
    """
    if not can_run(device):
        return TorchOperations(), None
    try:
        operations = TritonOperations()
        with torch.cuda.device(device):
            _run_once(operations, device)
            torch.cuda.current_stream(device).synchronize()
    except Exception as error:  # a compiler has many ways to fail, and torch operations need none
        logger.warning("Triton cannot compile its kernels", exc_info=True)
        reason = str(error).strip().splitlines() or [type(error).__name__]
        return TorchOperations(), (
            f"the GPU's fast kernels cannot be compiled ({reason[0][:200]}), so t-SNE uses slower "
            "torch operations with the same result; install the Triton that belongs to your torch"
        )
    return operations, None


def _run_once(operations: Operations, device: torch.device) -> None:
    """Compile each kernel with the types of a fit, on two points."""
    y = torch.tensor([[0.0, 1.0], [0.0, 1.0]], device=device)
    lattice = make_lattice(shape_for(1.0, 1.0), device)
    pairs = Pairs(
        torch.tensor([0, 1, 2], device=device),
        torch.tensor([1, 0], dtype=torch.int32, device=device),
        torch.tensor([0.5, 0.5], device=device),
    )
    pull, push, phi = torch.empty_like(y), torch.empty_like(y), torch.empty_like(y[0])
    field = torch.ones((lattice.shape.size, lattice.shape.size), device=device)
    operations.attract(y, pairs, pull)
    operations.spread(y, lattice)
    operations.read(y, lattice, field, push, phi)
    z = torch.ones((), dtype=torch.float64, device=device)
    motion = Motion(y, torch.zeros_like(y), torch.ones_like(y))
    operations.move(motion, pull, push, z, Phase(1, 1.0, 0.8, 0.1))


def _programs(count: int, per_program: int) -> int:
    return -(-count // per_program)
