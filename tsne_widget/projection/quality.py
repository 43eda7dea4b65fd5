"""How faithful a map is: KL divergence against given probabilities, trustworthiness."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.affinities import Affinities, joint
from tsne_widget.projection.attraction import cross_entropy
from tsne_widget.projection.faithfulness import local_faithfulness
from tsne_widget.projection.inputs import Standard, as_array, check_samples
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.workers import Workers, available_threads

# Rows of the (rows, n) tables of distances; float64 at a million rows is 512 MB.
ROWS_PER_BLOCK = 64


def affinities(X: ArrayLike, perplexity: float = 30.0, *, n_jobs: int | None = None) -> Affinities:
    """The probabilities P of ``X``: exact neighbours, 3 × perplexity of them: O(n² d).

    Parameters
    ----------
    X : (n, d) array
        Features.
    perplexity : float
        Less than n / 3.
    n_jobs : int or None
        Threads.

    Raises
    ------
    InvalidInputError
        If X cannot be mapped or has too few rows for the perplexity.
    """
    array = np.asarray(as_array(X))
    n = len(array)
    check_samples(n)
    if not 1 <= perplexity <= (n - 1) / 3:
        raise InvalidInputError(
            f"perplexity={perplexity:g} must be from 1 to {(n - 1) / 3:g} for {n} samples"
        )
    with Workers(available_threads(n_jobs)) as workers:
        features = Standard(array)(array)
        return joint(nearest(features, round(3 * perplexity), workers), perplexity, workers)


def kl_divergence(P: Affinities, embedding: ArrayLike) -> float:
    """KL(P‖Q) of a map in nats, pair by pair: exact, n² steps.

    Parameters
    ----------
    P : Affinities
        Of n samples, from :func:`affinities`.
    embedding : (n, 2) array
        Any engine's map.
    """
    y = np.array(embedding, dtype=np.float64)
    if y.shape != (len(P), 2):
        raise InvalidInputError(f"embedding has shape {y.shape}; P needs ({len(P)}, 2)")
    places = torch.from_numpy(y)
    z = 0.0
    for first in range(0, len(y), ROWS_PER_BLOCK):
        block = places[first : first + ROWS_PER_BLOCK]
        z += float((1 / (1 + _squared_distances(block, places))).sum())
    return P.negative_entropy + cross_entropy(P, places) + float(np.log(z - len(y)))


def trustworthiness(
    X: ArrayLike, embedding: ArrayLike, *, n_neighbors: int = 15, sample: int | None = None
) -> float:
    """Share of a map's neighbours that are neighbours in ``X``, 0 to 1 (Venna & Kaski 2001).

    As :func:`sklearn.manifold.trustworthiness`, without its (n, n) tables; time O(n² d), of a
    sample of m rows O(m n d).

    Parameters
    ----------
    X : (n, d) array
        Features.
    embedding : (n, 2) array
        The map.
    n_neighbors : int
        Neighbours on the map, less than n / 2.
    sample : int, optional
        Look at this many rows, evenly spaced, instead of all n.
    """
    features, y = np.asarray(X), np.array(embedding, dtype=np.float64)
    n, k = len(features), n_neighbors
    if not 1 <= k < n / 2:
        raise InvalidInputError(f"n_neighbors={k} must be from 1 to less than n / 2 = {n / 2:g}")
    high = Standard(features)(features)
    y -= y.mean(axis=0)
    rows = np.arange(n) if sample is None else np.linspace(0, n - 1, min(sample, n)).astype(int)
    return float(local_faithfulness(high, y, k, rows)[0].mean())


def _squared_distances(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    squared = A.square().sum(1)[:, None] + B.square().sum(1) - 2 * (A @ B.T)
    return squared.clamp_(min=0)
