"""The operations of an iteration: their interface, and their form in torch for any device."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch

from tsne_widget.projection.forces import MAX_STEP, MIN_GAIN
from tsne_widget.projection.gpu.lattice import EDGE, FIXED_POINT, Lattice
from tsne_widget.projection.mesh import ORDER, spline
from tsne_widget.projection.schedule import Phase

# Pairs whose attraction is computed at once: their temporary arrays take 700 MB.
PAIRS_PER_BLOCK = 2**25
TURN = 6.283185307179586


class Pairs(NamedTuple):
    """Joint probabilities P on a device, each pair in both directions. They sum to 1."""

    starts: torch.Tensor
    """(n + 1,) int64: the pairs of row i are ``starts[i]:starts[i + 1]``."""
    others: torch.Tensor
    """(e,) int32: j of each pair, ascending within a row."""
    values: torch.Tensor
    """(e,) float32: Pᵢⱼ."""

    def stable_rates(self) -> torch.Tensor:
        """(n,) float32: as ``Affinities.stable_rates``."""
        return sums_of_rows(self.values, self.starts).reciprocal_()

    def rows(self, block: slice) -> torch.Tensor:
        """i of the pairs in a block, int64."""
        places = torch.arange(block.start, block.stop, device=self.starts.device)
        return torch.searchsorted(self.starts, places, right=True).sub_(1)

    def to(self, device: str) -> Pairs:
        """The pairs on another device."""
        return Pairs(*(array.to(device) for array in self))


class Motion(NamedTuple):
    """What a step changes, (2, n) float32 each."""

    y: torch.Tensor
    """Coordinates in map units."""
    velocity: torch.Tensor
    """Last steps."""
    gains: torch.Tensor
    """Factors on the learning rate."""


class Box(NamedTuple):
    """Where the points are, computed without waiting for the device."""

    parts: torch.Tensor
    """(4, parts) float32: the lowest of both coordinates and the highest times −1, by part."""
    edges: torch.Tensor
    """(4,) float32: the same of all points."""
    extremes: torch.Tensor
    """(2,) float32: the largest extent that has been noted, and the smallest one times −1."""


class Operations(Protocol):
    """The operations of an iteration.

    Points ``y``, forces and steps are (2, n) float32 tensors, whose transposes are in one piece.
    """

    name: str

    def attract(self, y: torch.Tensor, pairs: Pairs, out: torch.Tensor) -> None:
        """Write the attraction at each point to ``out``."""

    def note(self, box: Box) -> None:
        """Set the edges from the parts, and update the extremes."""

    def spread(self, y: torch.Tensor, lattice: Lattice, edges: torch.Tensor) -> None:
        """Set the density of the mesh: a unit mass at each point. ``edges``: those of a box."""

    def read(
        self,
        y: torch.Tensor,
        lattice: Lattice,
        field: torch.Tensor,
        edges: torch.Tensor,
        push: torch.Tensor,
        z: torch.Tensor,
    ) -> None:
        """Write −½∇Φ to ``push``, and Z to ``z``, without the points' own shares."""

    def parts(self, n: int) -> int:
        """Number of parts of the box of n points."""

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
        """Take one step of gradient descent with these forces, and set the parts of the box.

        Parameters
        ----------
        motion, pull, push, z, parts
            As above; ``motion`` and ``parts`` change.
        constants : (3,) float32 tensor
            Exaggeration, learning rate and momentum. They are on the device, so a recording of an
            iteration serves all phases.
        rates : (n,) float32 tensor
            Largest stable learning rate of each point, without exaggeration.
        """


class TorchOperations:
    """The operations in torch, for any device.

    Sums have a fixed order or are sums of integers, except on MPS.
    """

    name = "torch"

    def attract(self, y: torch.Tensor, pairs: Pairs, out: torch.Tensor) -> None:
        """See :class:`Operations`."""
        n = y.shape[1]
        rows_per_block = max(1, PAIRS_PER_BLOCK * n // max(1, len(pairs.values)))
        for first in range(0, n, rows_per_block):
            rows = slice(first, min(n, first + rows_per_block))
            if rows_per_block >= n:
                starts, edges = pairs.starts, slice(0, len(pairs.values))
            else:
                begin, end = pairs.starts[rows.start].item(), pairs.starts[rows.stop].item()
                edges = slice(int(begin), int(end))
                starts = pairs.starts[rows.start : rows.stop + 1] - begin
            self._attract(y, pairs, rows, starts, edges, out)

    def _attract(
        self,
        y: torch.Tensor,
        pairs: Pairs,
        rows: slice,
        starts: torch.Tensor,
        edges: slice,
        out: torch.Tensor,
    ) -> None:
        others = pairs.others[edges]
        lengths = starts.diff()
        d0, d1 = (
            y[axis, rows].repeat_interleave(lengths, output_size=edges.stop - edges.start)
            - y[axis].index_select(0, others)
            for axis in (0, 1)
        )
        weights = pairs.values[edges] / (d0 * d0).addcmul_(d1, d1).add_(1)
        for axis, difference in enumerate((d0, d1)):
            out[axis, rows] = sums_of_rows(difference.mul_(weights), starts)

    def note(self, box: Box) -> None:
        """See :class:`Operations`."""
        torch.amin(box.parts, 1, out=box.edges)
        extent = -(box.edges[:2] + box.edges[2:]).amin()
        torch.maximum(box.extremes, torch.stack([extent, -extent]), out=box.extremes)

    def spread(self, y: torch.Tensor, lattice: Lattice, edges: torch.Tensor) -> None:
        """See :class:`Operations`."""
        cells = lattice.shape.cells
        base, (s, t) = _nodes(y, lattice, edges, cells)
        if lattice.copies > 1:
            copy = torch.arange(y.shape[1], device=y.device).remainder_(lattice.copies)
            base = base + copy * cells**2
        across, along = spline(s)[0], spline(t)[0]
        masses = lattice.masses.view(-1)
        steps = torch.arange(ORDER, device=y.device)[:, None]
        for a in range(ORDER):
            places = (base + a * cells + steps).view(-1)
            mass = along * across[a]
            if masses.dtype == torch.int64:
                mass = (mass * FIXED_POINT).round_().long()
            masses.index_add_(0, places, mass.view(-1))
        unit = 1 / FIXED_POINT if masses.dtype == torch.int64 else 1.0
        torch.mul(lattice.masses.sum(0), unit, out=lattice.density[:cells, :cells])
        masses.zero_()

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
        stride = field.shape[1]
        base, (s, t) = _nodes(y, lattice, edges, stride)
        across, across_slope = spline(s)
        along, along_slope = spline(t)
        steps = torch.arange(ORDER, device=y.device)[:, None]
        nodes = torch.stack(
            [field.view(-1)[(base + a * stride + steps).view(-1)] for a in range(ORDER)]
        ).view(ORDER, ORDER, -1)
        lines = (nodes * along).sum(1)
        total = (lines * across).sum(0).sum(dtype=z.dtype)
        torch.sub(total, y.shape[1] * lattice.kernel.self_field, out=z)
        self0, self1 = lattice.kernel.self_force
        angles = torch.stack([s, t]).mul_(TURN)
        own = angles.sin() * (self0 + self1 * angles.flip(0).cos())
        forces = [(lines * across_slope).sum(0), ((nodes * along_slope).sum(1) * across).sum(0)]
        torch.sub(torch.stack(forces).mul_(-0.5 / lattice.shape.cell), own, out=push)

    def parts(self, n: int) -> int:
        """See :class:`Operations`."""
        return 1

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
        y, velocity, gains = motion
        exaggeration, rate, momentum = constants
        gradient = pull * exaggeration - push * z.reciprocal().float()
        same_way = (gradient * velocity) > 0
        gains.copy_(torch.where(same_way, gains * 0.8, gains + 0.2).clamp_(min=MIN_GAIN))
        own_rates = torch.minimum(rates / exaggeration, rate)
        step = velocity * momentum - gradient * gains * own_rates
        velocity.copy_(step.clamp_(-MAX_STEP, MAX_STEP))
        y.add_(velocity)
        parts[:, 0] = edges_of(y)


def constants_of(phase: Phase, device: torch.device) -> torch.Tensor:
    """(3,): the constants of a phase, as a step reads them."""
    values = [phase.exaggeration, phase.learning_rate, phase.momentum]
    return torch.tensor(values, dtype=torch.float32, device=device)


def edges_of(y: torch.Tensor) -> torch.Tensor:
    """(4,): the edges of a box around all points."""
    return torch.cat([y.amin(1), -y.amax(1)])


def sums_of_rows(values: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    """Σ of ``values[starts[i]:starts[i + 1]]`` for each row i, in a fixed order except on MPS."""
    if values.device.type != "mps":
        return torch.segment_reduce(values, "sum", offsets=starts, unsafe=True, initial=0)
    n = len(starts) - 1
    rows = torch.arange(n, device=values.device).repeat_interleave(starts.diff())
    return torch.zeros(n, device=values.device).index_add_(0, rows, values)


def _nodes(
    y: torch.Tensor, lattice: Lattice, edges: torch.Tensor, stride: int
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Flat index of each point's first node, and its position within the cell along both axes."""
    scaled = ((y - edges[:2, None]) * (1 / lattice.shape.cell) + EDGE).clamp_(
        0, lattice.shape.cells - ORDER - 0.5
    )
    first = scaled.floor()
    place = scaled - first
    return first[0].long() * stride + first[1].long(), (place[0], place[1])
