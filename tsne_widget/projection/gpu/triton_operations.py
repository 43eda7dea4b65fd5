"""The operations of an iteration as Triton kernels, for CUDA."""

from __future__ import annotations

import importlib

import torch

from tsne_widget.projection.forces import MAX_STEP, MIN_GAIN
from tsne_widget.projection.gpu.lattice import Lattice
from tsne_widget.projection.gpu.operations import Box, Motion, Pairs
from tsne_widget.projection.schedule import Phase

# Elements of one program at once: pairs of a row, points, coordinates, parts of a box or of a sum.
PAIRS, POINTS, COORDINATES, PARTS = 128, 128, 512, 1024
# Copies and nodes of a mesh that one program sums at once.
COPIES, NODES = 16, 64
# Without it, Triton 3.9 warns that its default is about to change.
OPTIONS = {"enable_fp_fusion": True}


class TritonOperations:
    """The operations as Triton kernels."""

    name = "triton"

    def __init__(self) -> None:
        self._kernels = importlib.import_module("tsne_widget.projection.gpu.kernels")

    def attract(self, y: torch.Tensor, pairs: Pairs, out: torch.Tensor) -> None:
        """See :class:`Operations`."""
        self._kernels.attract[(y.shape[1],)](
            y.T, *pairs, out.T, BLOCK=PAIRS, num_warps=1, **OPTIONS
        )

    def note(self, box: Box) -> None:
        """See :class:`Operations`."""
        parts = box.parts
        self._kernels.note[(1,)](
            parts, box.edges, box.extremes, parts.shape[1], BLOCK=PARTS, **OPTIONS
        )

    def spread(self, y: torch.Tensor, lattice: Lattice, edges: torch.Tensor) -> None:
        """See :class:`Operations`."""
        n, cells, copies = y.shape[1], lattice.shape.cells, lattice.copies
        self._kernels.spread[(_programs(n, POINTS),)](
            y.T,
            edges,
            lattice.masses,
            n,
            1 / lattice.shape.cell,
            cells,
            copies,
            BLOCK=POINTS,
            **OPTIONS,
        )
        self._kernels.collect[(_programs(cells**2, NODES),)](
            lattice.masses,
            lattice.density,
            cells,
            copies,
            lattice.shape.size,
            COPIES=COPIES,
            NODES=NODES,
            **OPTIONS,
        )

    def read(
        self,
        y: torch.Tensor,
        lattice: Lattice,
        field: torch.Tensor,
        edges: torch.Tensor,
        push: torch.Tensor,
        z: torch.Tensor,
    ) -> None:
        """See :class:`Operations`."""
        n = y.shape[1]
        programs = _programs(n, POINTS)
        sums = torch.empty(programs, device=y.device)
        self0, self1 = lattice.kernel.self_force
        self._kernels.read[(programs,)](
            y.T,
            edges,
            field,
            push.T,
            sums,
            n,
            1 / lattice.shape.cell,
            self0,
            self1,
            lattice.shape.cells,
            field.stride(0),
            BLOCK=POINTS,
            **OPTIONS,
        )
        self._kernels.normalise[(1,)](
            sums, z, programs, n, lattice.kernel.self_field, BLOCK=PARTS, **OPTIONS
        )

    def parts(self, n: int) -> int:
        """See :class:`Operations`."""
        return _programs(2 * n, COORDINATES)

    def move(
        self,
        motion: Motion,
        pull: torch.Tensor,
        push: torch.Tensor,
        z: torch.Tensor,
        phase: Phase,
        rates: torch.Tensor,
        parts: torch.Tensor,
    ) -> None:
        """See :class:`Operations`."""
        self._kernels.move[(parts.shape[1],)](
            *(array.T for array in (*motion, pull, push)),
            z,
            rates,
            parts,
            motion.y.numel(),
            float(phase.exaggeration),
            float(phase.learning_rate),
            float(phase.momentum),
            MIN_GAIN,
            MAX_STEP,
            BLOCK=COORDINATES,
            **OPTIONS,
        )


def _programs(count: int, per_program: int) -> int:
    return -(-count // per_program)
