"""Placement of new rows on a fixed map."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection import repulsion
from tsne_widget.projection.affinities import conditional_probabilities
from tsne_widget.projection.mesh import CELL, influence, mesh_for
from tsne_widget.projection.neighbors import Neighbors
from tsne_widget.projection.workers import Workers

# openTSNE's settings for new points (Poličar, Stražar & Zupan 2021, "Embedding to reference t-SNE
# space addresses batch effects in single-cell classification"): few neighbours and small steps.
PERPLEXITY = 5.0
NEIGHBORS = 15
ITERATIONS = 100
LEARNING_RATE = 0.1
MOMENTUM = 0.8
EXAGGERATION = 1.5
MAX_STEP = 0.25
ROWS_PER_BLOCK = 4096


class Placement:
    """Coordinates of new rows on a fixed map.

    A row starts at the median of its nearest fitted rows and descends on its own KL divergence.
    q is normalised over the points of the map only, so a row's position does not depend on the
    other new rows. A row equal to a fitted row gets its position.

    Parameters
    ----------
    embedding : (n, 2) float32 array
        The map.
    workers : Workers
    """

    def __init__(self, embedding: NDArray[np.float32], workers: Workers) -> None:
        self._embedding = embedding
        self._field = _Field(embedding, workers)

    def coordinates(self, neighbors: Neighbors, workers: Workers) -> NDArray[np.float32]:
        """(m, 2) float32 coordinates of m new rows, from the (m, k) nearest fitted rows of each."""
        embedding = self._embedding
        k = neighbors.indices.shape[1]
        perplexity = min(PERPLEXITY, max(1.0, k / 3))
        probabilities = conditional_probabilities(neighbors.squared, perplexity, workers)
        out = np.empty((len(probabilities), 2), np.float32)

        def place(rows: slice) -> None:
            around = embedding[neighbors.indices[rows]].astype(np.float64)
            out[rows] = _descend(around, probabilities[rows].astype(np.float64), self._field)

        workers.map(place, row_blocks(len(out), ROWS_PER_BLOCK))
        equal = neighbors.squared[:, 0] == 0
        out[equal] = embedding[neighbors.indices[equal, 0]]
        return out


def _descend(
    around: NDArray[np.float64], p: NDArray[np.float64], field: _Field
) -> NDArray[np.float64]:
    """(rows, 2) coordinates, from those of the neighbours, (rows, k, 2), and their p, (rows, k)."""
    y = np.median(around, axis=1)
    velocity = np.zeros_like(y)
    for _ in range(ITERATIONS):
        difference = y[:, None] - around
        weights = EXAGGERATION * p / (1 + np.einsum("ijk,ijk->ij", difference, difference))
        push, total = field(y)
        gradient = np.einsum("ij,ijk->ik", weights, difference) - push / total[:, None]
        velocity = MOMENTUM * velocity - LEARNING_RATE * gradient
        velocity = np.clip(velocity, -MAX_STEP, MAX_STEP)
        y = y + velocity
    return y


class _Field:
    """Φ(y) = Σⱼ 1 / (1 + |y − yⱼ|²) of a fixed map, and −½∇Φ, at any point."""

    def __init__(self, embedding: NDArray[np.float32], workers: Workers) -> None:
        points = torch.tensor(embedding).T.contiguous()
        low, high = points.amin(1).tolist(), points.amax(1).tolist()
        room = 0.1 * max(high[0] - low[0], high[1] - low[1]) + CELL
        self._mesh = mesh_for((low[0] - room, low[1] - room), (high[0] + room, high[1] + room))
        kernel = influence(self._mesh.size, self._mesh.far_cells, self._mesh.cell)
        density = repulsion.spread(points, self._mesh)
        self._nodes = repulsion.convolve(density, self._mesh, kernel, workers).double()
        # A new point has no mass on the mesh, so there is no self-force to subtract.
        self._kernel = kernel._replace(self_force=(0.0, 0.0))

    def __call__(self, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """−½∇Φ, (m, 2), and Φ, (m,), at ``y``, (m, 2)."""
        points = torch.from_numpy(y).T.contiguous()
        push = torch.empty_like(points)
        total = repulsion.interpolate(points, self._mesh, self._nodes, self._kernel, push)
        return push.T.numpy(), np.maximum(total.numpy(), 1e-12)
