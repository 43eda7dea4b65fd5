"""Distances to the nearest neighbours → symmetric probabilities P with a given perplexity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tsne_widget.projection.neighbors import Neighbors
from tsne_widget.projection.workers import Workers

# Rows whose perplexity is searched together; (rows × neighbours) float64 stays in cache.
ROWS_PER_BLOCK = 2048
# Entropy in nats; scikit-learn and openTSNE use the same.
ENTROPY_TOLERANCE = 1e-5
MAX_STEPS = 100
# Pairs that an estimate of the KL divergence looks at.
SAMPLE = 25_000


@dataclass(frozen=True)
class Affinities:
    """The joint probabilities P of n samples: each undirected pair i < j once, by rows i.

    Both directions of all pairs together sum to 1.

    Attributes
    ----------
    starts : (n + 1,) int64 array
        Pairs of row i are ``starts[i]`` to ``starts[i + 1]``.
    others : (e,) int32 array
        j of each pair, ascending within a row.
    values : (e,) float32 array
        Pᵢⱼ of each pair, in one direction.
    """

    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def pair(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(i, j) of the pairs at these places."""
        return np.searchsorted(self.starts, index, "right") - 1, self.others[index]

    @cached_property
    def sample(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(i, j) of pairs drawn in proportion to P, evenly along the rows."""
        cumulative = np.cumsum(self.values, dtype=np.float64)
        size = min(SAMPLE, 2 * len(self.values))
        drawn = np.searchsorted(cumulative, (np.arange(size) + 0.5) / size * cumulative[-1])
        return self.pair(np.minimum(drawn, len(self.values) - 1))

    @cached_property
    def negative_entropy(self) -> float:
        """Σ P log P over both directions, in nats."""
        p = self.values.astype(np.float64)
        return float(2 * (p * np.log(np.maximum(p, 1e-300))).sum())


def conditional(
    squared: NDArray[np.float32], perplexity: float, workers: Workers
) -> NDArray[np.float32]:
    """Probabilities of each row's neighbours, by perplexity (van der Maaten & Hinton 2008).

    Parameters
    ----------
    squared : (n, k) float32 array
        Squared distances to the k neighbours; the scale is free.
    perplexity : float
        1 to k. Rows that cannot reach it (all distances equal) get equal probabilities.

    Returns
    -------
    (n, k) float32 array
        Each row sums to 1.
    """
    n, k = squared.shape
    out = np.empty((n, k), np.float32)

    def work(start: int) -> None:
        rows = slice(start, min(start + ROWS_PER_BLOCK, n))
        out[rows] = _search(squared[rows].astype(np.float64), np.log(perplexity))

    workers.map(work, range(0, n, ROWS_PER_BLOCK))
    return out


def _search(squared: NDArray[np.float64], entropy: float) -> NDArray[np.float64]:
    """Newton's method on the log of the precision, kept inside a shrinking bracket.

    With the distances d of one row, weights e^(−βd), H their entropy: dH/d(log β) = −β² Var(d).
    """
    squared = squared - squared.min(1, keepdims=True)
    scale = squared.mean(1, keepdims=True)
    squared /= np.where(scale > 0, scale, 1)
    rows = np.arange(len(squared))
    result = np.full_like(squared, 1 / squared.shape[1])
    position = np.zeros(len(squared))  # log β
    low, high = np.full(len(squared), -40.0), np.full(len(squared), 60.0)
    for _ in range(MAX_STEPS):
        d, x = squared[rows], position[rows]
        beta = np.exp(x)
        weights = np.exp(-beta[:, None] * d)
        weights /= weights.sum(1, keepdims=True)
        mean = np.einsum("ij,ij->i", weights, d)
        variance = np.einsum("ij,ij,ij->i", weights, d, d) - mean * mean
        excess = _entropy(weights) - entropy
        result[rows] = weights
        high[rows] = np.where(excess < 0, x, high[rows])
        low[rows] = np.where(excess >= 0, x, low[rows])
        open_ = (np.abs(excess) > ENTROPY_TOLERANCE) & (high[rows] - low[rows] > 1e-9)
        if not open_.any():
            break
        slope = beta * beta * variance
        step = x + excess / np.where(slope > 1e-12, slope, 1e-12)
        middle = (low[rows] + high[rows]) / 2
        inside = (step > low[rows]) & (step < high[rows])
        position[rows] = np.where(inside, step, middle)
        rows = rows[open_]
    return result


def _entropy(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    entropy: NDArray[np.float64] = -np.einsum(
        "ij,ij->i", weights, np.log(np.maximum(weights, 1e-300))
    )
    return entropy


def joint(neighbors: Neighbors, perplexity: float, workers: Workers) -> Affinities:
    """Symmetric probabilities (p(j|i) + p(i|j)) / 2n of all neighbouring pairs.

    Parameters
    ----------
    neighbors : Neighbors
        Of each of the n samples, among the others.
    perplexity : float
        Effective number of neighbours, 1 to k.
    """
    n, k = neighbors.indices.shape
    p = conditional(neighbors.squared, perplexity, workers)
    i = np.repeat(np.arange(n, dtype=np.int32), k)
    j = neighbors.indices.ravel()
    both = sparse.coo_matrix((p.ravel(), (np.maximum(i, j), np.minimum(i, j))), shape=(n, n))
    del i, p
    both.has_canonical_format = True  # not so, but nothing is to be summed before it is sorted
    pairs = both.tocsr()
    del both
    pairs = pairs.T.tocsr()  # transposing sorts the indices: counting, not comparing
    pairs.sum_duplicates()
    values = pairs.data.astype(np.float64)
    values /= 2 * values.sum()
    return Affinities(
        pairs.indptr.astype(np.int64), pairs.indices.astype(np.int32), values.astype(np.float32)
    )
