"""KL divergence of any map, computed exactly."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from tsne_widget._validation import row_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.affinities import Affinities, joint_probabilities
from tsne_widget.projection.attraction import cross_entropy
from tsne_widget.projection.inputs import Scaler, as_array, check_samples
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.workers import Workers, available_threads

# Rows of a block of the (rows, n) float64 distances; 512 MB for a million rows.
ROWS_PER_BLOCK = 64


def affinities(X: ArrayLike, perplexity: float = 30.0, *, n_jobs: int | None = None) -> Affinities:
    """Joint probabilities P of ``X``, from the 3 × perplexity exact neighbours of each row.

    Parameters
    ----------
    X : (n, d) array
        Features.
    perplexity : float
        1 to (n − 1) / 3.
    n_jobs : int or None
        Number of threads; None is ``torch.get_num_threads()``, −1 all cores.

    Raises
    ------
    InvalidInputError
        If X cannot be mapped, or has too few rows for the perplexity.
    """
    array = np.asarray(as_array(X))
    n = len(array)
    check_samples(n)
    if not 1 <= perplexity <= (n - 1) / 3:
        raise InvalidInputError(
            f"perplexity={perplexity:g} must be from 1 to {(n - 1) / 3:g} for {n} samples"
        )
    with Workers(available_threads(n_jobs)) as workers:
        neighbors = nearest(Scaler(array).rows(array), round(3 * perplexity), workers)
        return joint_probabilities(neighbors, perplexity, workers)


def kl_divergence(P: Affinities, embedding: ArrayLike) -> float:
    """KL(P‖Q) of a map in nats, exact; time is O(n²).

    Parameters
    ----------
    P : Affinities
        Joint probabilities of n samples, from :func:`affinities`.
    embedding : (n, 2) array
        The map, from any projector.

    Raises
    ------
    InvalidInputError
        If the map has another shape.
    """
    y = np.array(embedding, dtype=np.float64)
    if y.shape != (len(P), 2):
        raise InvalidInputError(f"embedding must have shape ({len(P)}, 2), got {y.shape}")
    points = torch.from_numpy(y)
    z = 0.0
    for rows in row_blocks(len(y), ROWS_PER_BLOCK):
        z += float((1 / (1 + _squared_distances(points[rows], points))).sum())
    return P.negative_entropy + cross_entropy(P, points) + float(np.log(z - len(y)))


def _squared_distances(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """(a, b) squared distances, from differences: a map may be wide."""
    x, y = (A[:, None, axis] - B[:, axis] for axis in (0, 1))
    return x.square_().add_(y.square_())
