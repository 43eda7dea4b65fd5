"""The operations of an iteration as Triton kernels, for CUDA."""

from __future__ import annotations

import importlib

import torch

from tsne_widget.projection.forces import MAX_STEP, MIN_GAIN
from tsne_widget.projection.gpu.lattice import Lattice
from tsne_widget.projection.gpu.operations import Box, Motion, Pairs

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
        self.add_masses(y, lattice, edges)
        self.collect_masses(lattice)

    def add_masses(self, y: torch.Tensor, lattice: Lattice, edges: torch.Tensor) -> None:
        """Add a unit mass at each point to a copy of the mesh."""
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

    def collect_masses(self, lattice: Lattice) -> None:
        """Set the density to the sum of all copies, and those to 0."""
        cells, size = lattice.shape.cells, lattice.shape.size
        self._kernels.collect[(_programs(cells**2, NODES),)](
            lattice.masses,
            lattice.density,
            cells,
            lattice.copies,
            size,
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
        sums = torch.empty(_programs(n, POINTS), device=y.device)
        self.interpolate(y, lattice, field, edges, push, sums)
        self.sum_up(sums, z, n, lattice.kernel.self_field)

    def interpolate(
        self,
        y: torch.Tensor,
        lattice: Lattice,
        field: torch.Tensor,
        edges: torch.Tensor,
        push: torch.Tensor,
        sums: torch.Tensor,
    ) -> None:
        """Write −½∇Φ to ``push`` and the sum of Φ in each program to ``sums``."""
        self0, self1 = lattice.kernel.self_force
        self._kernels.read[(len(sums),)](
            y.T,
            edges,
            field,
            push.T,
            sums,
            y.shape[1],
            1 / lattice.shape.cell,
            self0,
            self1,
            lattice.shape.cells,
            field.stride(0),
            BLOCK=POINTS,
            **OPTIONS,
        )

    def sum_up(self, sums: torch.Tensor, z: torch.Tensor, n: int, self_field: float) -> None:
        """Write the total of the sums, without the own shares of n points, to ``z``."""
        self._kernels.normalise[(1,)](sums, z, len(sums), n, self_field, BLOCK=PARTS, **OPTIONS)

    def parts(self, n: int) -> int:
        """See :class:`Operations`."""
        return _programs(2 * n, COORDINATES)

    def move(
        self,
        motion: Motion,
        pull: torch.Tensor,
        push: torch.Tensor,
        z: torch.Tensor,
        constants: torch.Tensor,
        rates: torch.Tensor,
        parts: torch.Tensor,
    ) -> None:
        """See :class:`Operations`."""
        self._kernels.move[(parts.shape[1],)](
            *(array.T for array in (*motion, pull, push)),
            z,
            constants,
            rates,
            parts,
            motion.y.numel(),
            MIN_GAIN,
            MAX_STEP,
            BLOCK=COORDINATES,
            **OPTIONS,
        )


def _programs(count: int, per_program: int) -> int:
    return -(-count // per_program)
