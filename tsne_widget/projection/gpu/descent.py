"""Gradient descent on a device, in blocks of iterations that wait for the device once.

A mesh has one size for a block. Its origin follows the map on the device. The device also keeps the
largest and the smallest extent of the map within the block; if the mesh does not suit them, the
block is repeated with a mesh for each iteration. So each force is that of a suitable mesh, and the
result does not depend on where callbacks and continued fits divide the iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from tsne_widget.projection import repulsion
from tsne_widget.projection.gpu.lattice import (
    Lattice,
    Shape,
    convolve,
    copies_for,
    make_lattice,
    shape_for,
)
from tsne_widget.projection.gpu.objective import KLDivergence
from tsne_widget.projection.gpu.operations import (
    PAIRS_PER_BLOCK,
    Box,
    Motion,
    Operations,
    Pairs,
    constants_of,
    edges_of,
)
from tsne_widget.projection.gpu.recording import Recorder
from tsne_widget.projection.mesh import widest
from tsne_widget.projection.schedule import Phase, Schedule

# Iterations between two readings of the map's extent, and iterations of one recording.
BLOCK = 10
RECORDED = 5
# Growth of the map within a block, as a factor: at least, at most, and at the start of a phase.
LEAST_GROWTH, MOST_GROWTH, FIRST_GROWTH = 1.05, 4.0, 1.5


class Block(NamedTuple):
    """Iterations on one mesh, and the state before them."""

    start: int
    """Number of iterations finished before the block."""
    motion: Motion
    """Copies of the arrays at its start."""
    shape: Shape | None
    """The mesh; None for a closed form or a sum over all pairs."""
    last: Shape | None
    """The last mesh before the block."""
    is_careful: bool = False
    """Choose a mesh in each iteration."""


class DeviceState:
    """State of a descent on a device; continuing from it gives the bits of one without a break.

    Parameters
    ----------
    start : (n, 2) float32 tensor
        Initial coordinates in map units, on the device.
    is_line : bool
        Keep the second coordinate at 0.
    """

    def __init__(self, start: torch.Tensor, *, is_line: bool = False) -> None:
        y = start.clone(memory_format=torch.contiguous_format).T
        self.motion = Motion(y, torch.zeros_like(y), torch.ones_like(y))
        self.iteration = 0
        self.is_line = is_line
        self.extent = 0.0  # at the start of the last block
        self.shape: Shape | None = None  # the last mesh
        self.block: Block | None = None
        # The largest extent of the map within the block, and the smallest one times −1.
        self.extremes = torch.full((2,), -torch.inf, device=y.device)
        self.z = torch.ones((), dtype=widest(y.device), device=y.device)  # of the last step

    def move_to(self, device: str) -> None:
        """Move all arrays to another device."""
        self.motion = Motion(*(array.to(device) for array in self.motion))
        self.extremes = self.extremes.to(device)
        self.z = self.z.to(device, widest(torch.device(device)))
        if self.block is not None:
            motion = Motion(*(array.to(device) for array in self.block.motion))
            self.block = self.block._replace(motion=motion)


class DeviceDescent:
    """Advances a :class:`DeviceState`.

    Parameters
    ----------
    state : DeviceState
    pairs : Pairs
        All pairs, which define the KL divergence.
    operations : Operations
    attracting : Pairs, optional
        The pairs that attract. Default: all.
    """

    def __init__(
        self,
        state: DeviceState,
        pairs: Pairs,
        operations: Operations,
        attracting: Pairs | None = None,
    ) -> None:
        y = state.motion.y
        self._state, self._operations = state, operations
        self._objective = KLDivergence(pairs)
        self._pairs = pairs = attracting or pairs
        self._pull, self._push = torch.zeros_like(y), torch.zeros_like(y)
        parts = torch.empty((4, operations.parts(y.shape[1])), device=y.device)
        self._box = Box(parts, torch.empty_like(parts[:, 0]), state.extremes)
        self._measure()
        self._extent: float | None = None  # of the map, if it is known without waiting
        self._rates = pairs.stable_rates()
        self._phase: Phase | None = None  # the phase of the constants
        self._constants = torch.zeros(3, device=y.device)
        self._sums_all = y.shape[1] <= repulsion.DIRECT_POINTS
        self._lattice: Lattice | None = None
        self._recorder = Recorder(y.device)
        # More pairs need several sums, whose bounds torch operations read from the device.
        self._can_record = operations.name == "triton" or len(pairs.values) <= PAIRS_PER_BLOCK

    def advance(
        self,
        schedule: Schedule,
        until: int,
        watch: Callable[[int], bool] | None = None,
        every: int = 1,
    ) -> None:
        """Advance the state in place.

        After an exception within an iteration, also KeyboardInterrupt, the state is that before the
        block, at most ten iterations ago.

        Parameters
        ----------
        schedule : Schedule
        until : int
            Total number of iterations at which to stop.
        watch : callable, optional
            Called as ``watch(iteration)`` in every ``every``-th iteration; returning True stops
            the descent.
        every : int
        """
        state = self._state
        while state.iteration < until:
            block = state.block or self._begin(schedule)
            end = int(min(_next(block.start, BLOCK), schedule.last(block.start)))
            stop = min(end, until)
            if watch is not None:
                stop = min(stop, _next(state.iteration, every))
            try:
                self._repeat(stop - state.iteration, schedule.phase(block.start), block)
                state.iteration = stop
                if stop == end:
                    self._finish(block, schedule, end)
            except BaseException:
                self._return_to_start(block)
                raise
            if watch is not None and stop % every == 0 and watch(stop):
                break

    def kl_divergence(self, *, estimate: bool = False) -> float:
        """KL(P‖Q) of the map in nats; an estimate uses a sample of the pairs and the last Z."""
        y = self._state.motion.y
        if estimate and self._state.iteration:
            return self._objective.estimate(y) + _log(self._state.z)
        extent = extent_of(y)
        shape = self._shape(extent, extent)
        lattice = None if shape is None else make_lattice(shape, y.device)
        z = torch.empty_like(self._state.z)
        self._repel(lattice, edges_of(y), z)
        cross_entropy = self._objective.estimate if estimate else self._objective.exact
        return cross_entropy(y) + _log(z)

    def _begin(self, schedule: Schedule) -> Block:
        """Choose the mesh of the next block."""
        state = self._state
        if schedule.is_fresh(state.iteration):
            state.motion.velocity.zero_()
            state.motion.gains.fill_(1)
        extent = extent_of(state.motion.y) if self._extent is None else self._extent
        self._extent = None  # it is known at the end of a block only
        growth = (extent / state.extent) ** 1.25 if state.extent > 0 else FIRST_GROWTH
        if schedule.is_fresh(state.iteration):
            growth = max(growth, FIRST_GROWTH)
        expected = extent * min(max(growth, LEAST_GROWTH), MOST_GROWTH)
        state.extent = extent
        before = Motion(*(array.clone() for array in state.motion))
        shape, last = self._shape(extent, expected, state.shape), state.shape
        is_careful = shape is not None and extent < repulsion.CLOSED_FORM_WIDTH
        state.block = Block(state.iteration, before, shape, last, is_careful)
        state.shape = last if is_careful else shape or last
        state.extremes.fill_(-torch.inf)
        return state.block

    def _shape(self, extent: float, expected: float, last: Shape | None = None) -> Shape | None:
        """The mesh for an extent; None if a sum over all pairs or a closed form serves."""
        if self._sums_all or expected < repulsion.CLOSED_FORM_WIDTH:
            return None
        return shape_for(extent, expected, last)

    def _finish(self, block: Block, schedule: Schedule, end: int) -> None:
        """End a block; repeat it with care if its mesh did not suit the map."""
        state = self._state
        if not self._suits(block):
            self._return_to_start(block)
            state.shape = block.last
            careful = block._replace(is_careful=True)
            self._repeat(end - block.start, schedule.phase(block.start), careful)
            state.iteration = end
            self._extent = None
        state.block = None

    def _return_to_start(self, block: Block) -> None:
        """Restore the state before a block."""
        self._extent = None
        if self._lattice is not None:
            self._lattice.masses.zero_()  # an interrupt may leave some
        for array, before in zip(self._state.motion, block.motion, strict=True):
            array.copy_(before)
        self._state.iteration, self._state.block = block.start, block
        self._state.shape = block.last if block.is_careful else block.shape or block.last
        self._state.extremes.fill_(-torch.inf)
        self._measure()

    def _suits(self, block: Block) -> bool:
        """Whether the repulsion of a block was computed in the right way; waits for the device."""
        if self._sums_all or block.is_careful:
            return True
        edges = self._box.parts.amin(1)
        extent = -(edges[:2] + edges[2:]).amin(0, keepdim=True)
        largest, smallest, self._extent = torch.cat([self._state.extremes, extent]).tolist()
        if block.shape is None:
            return bool(largest < repulsion.CLOSED_FORM_WIDTH)
        covers = largest <= block.shape.capacity
        return bool(covers and -smallest >= repulsion.CLOSED_FORM_WIDTH)

    def _repeat(self, count: int, phase: Phase, block: Block) -> None:
        """Do ``count`` iterations."""
        if phase != self._phase:
            self._phase = phase
            self._constants.copy_(constants_of(phase, self._constants.device))
        if block.is_careful:
            self._repeat_carefully(count)
            return
        lattice = self._lattice_of(block.shape)

        def iterate() -> None:
            for _ in range(RECORDED):
                self._iterate(lattice)

        while count >= RECORDED and self._can_record:
            self._recorder.run((block.shape,), iterate)
            count -= RECORDED
        for _ in range(count):
            self._iterate(lattice)

    def _repeat_carefully(self, count: int) -> None:
        """Do ``count`` iterations, and read the extent of the map before each."""
        state = self._state
        for _ in range(count):
            extent = extent_of(state.motion.y)
            shape = self._shape(extent, extent, state.shape)
            state.shape = shape or state.shape
            self._iterate(self._lattice_of(shape))

    def _lattice_of(self, shape: Shape | None) -> Lattice | None:
        if shape is None:
            return None
        if self._lattice is None or self._lattice.shape != shape:
            self._recorder.forget()  # it uses the masses of the old mesh
            device, n = self._pull.device, self._pull.shape[1]
            copies = 1 if device.type == "cpu" else copies_for(shape, n)
            self._lattice = make_lattice(shape, device, copies)
        return self._lattice

    def _iterate(self, lattice: Lattice | None) -> None:
        """One iteration: launches work on the device, and waits for nothing."""
        motion, z = self._state.motion, self._state.z
        self._operations.note(self._box)
        self._recorder.aside(lambda: self._operations.attract(motion.y, self._pairs, self._pull))
        self._repel(lattice, self._box.edges, z)
        self._recorder.join()
        self._operations.move(
            motion, self._pull, self._push, z, self._constants, self._rates, self._box.parts
        )
        if self._state.is_line:
            motion.y[1].zero_()
            motion.velocity[1].zero_()
            self._measure()

    def _measure(self) -> None:
        """Set the parts of the box from the map."""
        self._box.parts.fill_(torch.inf)
        self._box.parts[:, 0] = edges_of(self._state.motion.y)

    def _repel(self, lattice: Lattice | None, edges: torch.Tensor, z: torch.Tensor) -> None:
        """Compute the repulsion of a map with these edges, and Z."""
        y = self._state.motion.y
        if self._sums_all:
            z.copy_(repulsion.direct(y, self._push))
        elif lattice is None:
            z.copy_(repulsion.closed_form(y, self._push))
        else:
            self._operations.spread(y, lattice, edges)
            self._operations.read(y, lattice, convolve(lattice), edges, self._push, z)


def extent_of(y: torch.Tensor) -> float:
    """The longer side of the map ``y``, (2, n), in map units; waits for the device."""
    return float((y.amax(1) - y.amin(1)).amax())


def _log(z: torch.Tensor) -> float:
    """log Z; NaN if the mesh's error exceeds it, in a map of points thousands of units apart."""
    value = float(z)
    return math.log(value) if value > 0 else math.nan


def _next(iteration: int, step: int) -> int:
    """The next multiple of ``step``."""
    return (iteration // step + 1) * step
