"""New rows on a fitted map: each is placed by itself, with the map held fixed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget.projection import repulsion
from tsne_widget.projection.affinities import conditional
from tsne_widget.projection.neighbors import Neighbors
from tsne_widget.projection.workers import Workers

# openTSNE's choices for new points (Poličar, Stražar & Zupan 2021, "Embedding to reference t-SNE
# space addresses batch effects in single-cell classification"): few neighbours, a gentle descent.
PERPLEXITY = 5.0
NEIGHBORS = 15
ITERATIONS = 100
LEARNING_RATE = 0.1
MOMENTUM = 0.8
EXAGGERATION = 1.5
MAX_STEP = 0.25
ROWS_PER_BLOCK = 4096


class Places:
    """Where new rows are on a fixed map.

    A row starts at the median of its nearest mapped rows and descends on its own KL divergence, in
    which q is normalised over the map's points alone; so a row's place does not depend on the other
    rows. A row equal to a mapped one gets that one's place.

    Parameters
    ----------
    embedding : (n, 2) float32 array
        The map.
    workers : Workers
    """

    def __init__(self, embedding: NDArray[np.float32], workers: Workers) -> None:
        self._embedding = embedding
        self._field = _Field(embedding, workers)

    def of(self, neighbors: Neighbors, workers: Workers) -> NDArray[np.float32]:
        """(m, 2) coordinates of new rows, from the (m, k) nearest mapped rows of each."""
        embedding = self._embedding
        k = neighbors.indices.shape[1]
        probabilities = conditional(neighbors.squared, min(PERPLEXITY, max(1.0, k / 3)), workers)
        out = np.empty((len(probabilities), 2), np.float32)

        def work(first: int) -> None:
            rows = slice(first, first + ROWS_PER_BLOCK)
            around = embedding[neighbors.indices[rows]].astype(np.float64)
            out[rows] = _descend(around, probabilities[rows].astype(np.float64), self._field)

        workers.map(work, range(0, len(out), ROWS_PER_BLOCK))
        equal = neighbors.squared[:, 0] == 0
        out[equal] = embedding[neighbors.indices[equal, 0]]
        return out


def _descend(
    around: NDArray[np.float64], p: NDArray[np.float64], field: _Field
) -> NDArray[np.float64]:
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
    """Σⱼ 1 / (1 + |y − yⱼ|²) of a fixed map and −½ its gradient, anywhere."""

    def __init__(self, embedding: NDArray[np.float32], workers: Workers) -> None:
        places = torch.tensor(embedding).T.contiguous()
        low, high = places.amin(1).tolist(), places.amax(1).tolist()
        room = 0.1 * max(high[0] - low[0], high[1] - low[1]) + repulsion.CELL
        self._mesh = repulsion.mesh_for(
            (low[0] - room, low[1] - room), (high[0] + room, high[1] + room)
        )
        kernel = repulsion.influence(self._mesh.size, self._mesh.far_cells, self._mesh.cell)
        density = repulsion.spread(places, self._mesh)
        self._nodes = repulsion.convolve(density, self._mesh, kernel, workers).double()
        # No force of a point on itself: a new point has left no mass on the mesh.
        self._kernel = kernel._replace(self_force=(0.0, 0.0))

    def __call__(self, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(−½∇Φ (m, 2), Φ (m,)) at ``y`` (m, 2)."""
        places = torch.from_numpy(y).T.contiguous()
        push = torch.empty_like(places)
        total = repulsion.read(places, self._mesh, self._nodes, self._kernel, push)
        return push.T.numpy(), np.maximum(total.numpy(), 1e-12)
