"""Placement of new rows on a fixed map, on a device."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection import placement, repulsion
from tsne_widget.projection.gpu.lattice import EDGE, convolve, make_lattice, shape_for
from tsne_widget.projection.gpu.operations import Operations, edges_of
from tsne_widget.projection.gpu.perplexity import conditional_probabilities
from tsne_widget.projection.mesh import CELL, Mesh, widest
from tsne_widget.projection.neighbors import Neighbors

ROWS_PER_BLOCK = 2**16


class DevicePlacement:
    """As :class:`placement.Placement`, on a device.

    Parameters
    ----------
    embedding : (n, 2) float32 array
        The map.
    operations : Operations
    device : torch.device
    """

    def __init__(
        self, embedding: NDArray[np.float32], operations: Operations, device: torch.device
    ) -> None:
        self._embedding = torch.from_numpy(np.array(embedding, np.float32)).to(device)
        y = self._embedding.T
        edges = edges_of(y)
        extent = float(-(edges[:2] + edges[2:]).amin())
        room = 0.1 * extent + CELL
        extent += 2 * room
        shape = shape_for(extent, extent)
        lattice = make_lattice(shape, device)
        edges -= room
        operations.spread(y, lattice, edges)
        cells = shape.cells
        self._nodes = convolve(lattice)[:cells, :cells].to(widest(device)).contiguous()
        first = (float(edges[0]) - EDGE * shape.cell, float(edges[1]) - EDGE * shape.cell)
        self._mesh = Mesh(cells, shape.size, 0, shape.cell, first)
        # A new point has no mass on the mesh, so there is no self-force to subtract.
        self._kernel = lattice.kernel._replace(self_force=(0.0, 0.0))

    def coordinates(self, neighbors: Neighbors) -> NDArray[np.float32]:
        """(m, 2) float32 coordinates of m new rows, from the (m, k) nearest fitted rows of each."""
        out = np.empty((len(neighbors.indices), 2), np.float32)
        for rows in row_blocks(len(out), ROWS_PER_BLOCK):
            out[rows] = self._place(neighbors.rows(rows)).cpu().numpy()
        return out

    def _place(self, neighbors: Neighbors) -> torch.Tensor:
        device, wide = self._embedding.device, self._nodes.dtype
        indices = torch.from_numpy(neighbors.indices).to(device).long()
        squared = torch.from_numpy(neighbors.squared).to(device)
        perplexity = min(placement.PERPLEXITY, max(1.0, indices.shape[1] / 3))
        p = conditional_probabilities(squared, perplexity).to(wide)
        placed = self._descend(self._embedding[indices].to(wide), p).float()
        equal = (squared[:, 0] == 0)[:, None]
        return torch.where(equal, self._embedding[indices[:, 0]], placed)

    def _descend(self, around: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        """(rows, 2) coordinates, from the neighbours', (rows, k, 2), and their p, (rows, k)."""
        k = around.shape[1]
        middle = around.sort(1).values[:, [(k - 1) // 2, k // 2]]
        y = middle.mean(1)
        velocity = torch.zeros_like(y)
        for _ in range(placement.ITERATIONS):
            difference = y[:, None] - around
            weights = placement.EXAGGERATION * p / (1 + difference.square().sum(2))
            push = torch.empty_like(y.T.contiguous())
            total = repulsion.interpolate(
                y.T.contiguous(), self._mesh, self._nodes, self._kernel, push
            )
            gradient = (weights[:, :, None] * difference).sum(1) - (push / total.clamp_(1e-12)).T
            velocity = placement.MOMENTUM * velocity - placement.LEARNING_RATE * gradient
            velocity = velocity.clamp(-placement.MAX_STEP, placement.MAX_STEP)
            y = y + velocity
        return y
