"""The mesh of a map on a device: its masses and its influence function."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from tsne_widget.projection.mesh import (
    CELL,
    MARGIN,
    MAX_CELLS,
    MIN_CELLS,
    ORDER,
    Influence,
    fast_length,
    influence,
    short_lengths,
)

LENGTHS = short_lengths()
# A mesh is kept while it has at most this many times the nodes that the map needs.
LARGEST = 1.6

# Fixed-point units per unit mass. The sum of integers does not depend on its order.
FIXED_POINT = 2.0**30
# Additions to one node wait for one another: a million points in 46² nodes take 70 ms with one copy
# of the mesh. Additions to a node of a copy on average, nodes of all copies together, and copies.
ADDITIONS = 64
COPIED_NODES = 2**19
MAX_COPIES = 256
# Share of a cell between the lowest point and the edge of the mesh.
EDGE = 0.01
# Influence functions up to this length are kept for the next fit, at most 6 MB each.
KEPT_LENGTH = 1200


class Shape(NamedTuple):
    """What determines a mesh."""

    size: int
    """Length of the transforms along each axis: twice the nodes, so that nothing wraps around."""
    cell: float
    """Width of a cell in map units."""

    @property
    def cells(self) -> int:
        """Nodes along each axis."""
        return self.size // 2

    @property
    def capacity(self) -> float:
        """The largest extent of a map that the mesh covers, in map units."""
        return (self.cells - ORDER - 0.6) * self.cell


class Lattice(NamedTuple):
    """A square mesh, whose first node follows the map."""

    shape: Shape
    masses: torch.Tensor
    """(copies, cells, cells): int64 in units of 2⁻³⁰, or float32. 0 between two iterations."""
    density: torch.Tensor
    """(size, size) float32: sum of all copies; 0 beyond the cells."""
    transfer: torch.Tensor
    """(size, size // 2 + 1, 1) float32: factors of the Fourier modes."""
    kernel: Influence

    @property
    def copies(self) -> int:
        """Copies of the masses, so that fewer additions meet at one node."""
        return len(self.masses)


def shape_for(extent: float, expected: float, last: Shape | None = None) -> Shape:
    """The mesh for a map of this extent, in map units, that may grow to the expected one.

    Widths below ``CELL`` are powers of two, and lengths are from a short list, because each pair
    needs an influence function and a graph of its own. The last mesh is kept while it is suitable.
    """
    cell = min(CELL, extent / MIN_CELLS)
    if cell < CELL:
        cell = 2.0 ** math.floor(math.log2(cell))
    cell = float(max(cell, expected / (MAX_CELLS - MARGIN)))
    nodes = int(expected / cell) + 1 + MARGIN
    if last is not None and last.cell == cell and nodes <= last.cells <= LARGEST * nodes:
        return last
    return Shape(fast_length(2 * nodes, LENGTHS), cell)


def make_lattice(shape: Shape, device: torch.device, copies: int = 1) -> Lattice:
    """A mesh without masses."""
    size, cells = shape.size, shape.cells
    kind = torch.int64 if adds_integers(device) else torch.float32
    masses = torch.zeros((copies, cells, cells), dtype=kind, device=device)
    make = influence if size <= KEPT_LENGTH else influence.__wrapped__
    kernel = make(size, 0, shape.cell, str(device))
    density = torch.zeros((size, size), device=device)
    return Lattice(shape, masses, density, (kernel.transfer / size**2)[:, :, None], kernel)


def copies_for(shape: Shape, n: int) -> int:
    """Copies of the masses that n points on a GPU need."""
    needed = math.ceil(n * ORDER**2 / (ADDITIONS * shape.cells**2))
    return max(1, min(needed, MAX_COPIES, COPIED_NODES // shape.cells**2))


def adds_integers(device: torch.device) -> bool:
    """Whether the device can add int64 at given places, which some versions of MPS cannot."""
    if device.type != "mps":
        return True
    try:
        total = torch.zeros(1, dtype=torch.int64, device=device)
        places = torch.zeros(2, dtype=torch.int64, device=device)
        return int(total.index_add_(0, places, torch.ones_like(places))) == 2
    except (RuntimeError, TypeError, NotImplementedError):
        return False


def convolve(lattice: Lattice) -> torch.Tensor:
    """The field Φ on the nodes, (size, size) float32; only the first cells are used."""
    size = lattice.shape.size
    modes = torch.fft.rfft2(lattice.density)
    torch.view_as_real(modes).mul_(lattice.transfer)
    field: torch.Tensor = torch.fft.irfft2(modes, s=(size, size), norm="forward")
    return field
