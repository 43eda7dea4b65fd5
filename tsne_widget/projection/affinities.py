"""Joint probabilities P of neighbours, from their distances and a perplexity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection.neighbors import Neighbors
from tsne_widget.projection.workers import Workers

# Rows searched together; their (rows, k) float64 arrays fit in the cache.
ROWS_PER_BLOCK = 2048
# Tolerance of the entropy in nats, as in scikit-learn and openTSNE.
ENTROPY_TOLERANCE = 1e-5
MAX_STEPS = 100
# Pairs used to estimate the KL divergence.
SAMPLE = 25_000


@dataclass(frozen=True)
class Affinities:
    """Joint probabilities P of n samples, stored once for each undirected pair i < j.

    The sum over both directions of all pairs is 1.

    Attributes
    ----------
    starts : (n + 1,) int64 array
        The pairs of row i are ``starts[i]:starts[i + 1]``.
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

    def strongest(self, share: float) -> Affinities:
        """The same without the weakest pairs, which have ``share`` of the sum; the sum stays 1.

        A pair also stays if it has half the P of the strongest pair of either sample, so no sample
        loses its neighbours.
        """
        n, values = len(self), self.values
        rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(self.starts))
        ascending = np.sort(values)
        cumulative = np.cumsum(ascending, dtype=np.float64)
        limit = ascending[np.searchsorted(cumulative, share * cumulative[-1])]
        peaks = np.zeros(n, np.float32)
        np.maximum.at(peaks, rows, values)
        np.maximum.at(peaks, self.others, values)
        stays = values >= np.minimum(limit, np.minimum(peaks[rows], peaks[self.others]) / 2)
        counts = np.bincount(rows[stays], minlength=n)
        kept = values[stays].astype(np.float64)
        return Affinities(
            np.concatenate([[0], np.cumsum(counts)]),
            self.others[stays],
            (kept / (2 * kept.sum())).astype(np.float32),
        )

    def pair(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """i and j of the pairs at these positions."""
        return np.searchsorted(self.starts, index, "right") - 1, self.others[index]

    @cached_property
    def sample(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """i and j of a sample of pairs, drawn evenly with probability proportional to P."""
        cumulative = np.cumsum(self.values, dtype=np.float64)
        size = min(SAMPLE, 2 * len(self.values))
        pairs = np.searchsorted(cumulative, (np.arange(size) + 0.5) / size * cumulative[-1])
        return self.pair(np.minimum(pairs, len(self.values) - 1))

    @cached_property
    def stable_rates(self) -> NDArray[np.float32]:
        """(n,) largest learning rate of each sample, 1 / Σⱼ Pᵢⱼ, without exaggeration.

        The curvature of the attraction at a point is at most Σⱼ Pᵢⱼ. A row that is a neighbour of
        many rows has a large sum, and would be thrown about by the rate that suits the others.
        """
        n = len(self)
        rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(self.starts))
        total = np.bincount(rows, self.values, n) + np.bincount(self.others, self.values, n)
        return (1 / total).astype(np.float32)

    @cached_property
    def negative_entropy(self) -> float:
        """Σ P log P over both directions of all pairs, in nats."""
        p = self.values.astype(np.float64)
        return float(2 * (p * np.log(np.maximum(p, 1e-300))).sum())


def conditional_probabilities(
    squared: NDArray[np.float32], perplexity: float, workers: Workers
) -> NDArray[np.float32]:
    """Probabilities p(j|i) of each row's neighbours (van der Maaten & Hinton 2008, section 2).

    Parameters
    ----------
    squared : (n, k) float32 array
        Squared distances to the k neighbours, in any unit.
    perplexity : float
        1 to k. Rows that cannot reach it, because all distances are equal, get equal
        probabilities.
    workers : Workers

    Returns
    -------
    (n, k) float32 array
        Each row sums to 1.
    """
    n, k = squared.shape
    out = np.empty((n, k), np.float32)

    def search(rows: slice) -> None:
        out[rows] = _search(squared[rows].astype(np.float64), np.log(perplexity))

    workers.map(search, row_blocks(n, ROWS_PER_BLOCK))
    return out


def _search(squared: NDArray[np.float64], entropy: float) -> NDArray[np.float64]:
    """Weights e^(−βd) of each row, normalised, whose entropy is ``entropy`` nats.

    Newton's method finds log β inside a bracket that shrinks. The derivative of the entropy H is
    dH/d(log β) = −β² Var(d).

    Parameters
    ----------
    squared : (rows, k) float64 array
        The d of the formula.
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
        total = weights.sum(1)
        weights /= total[:, None]
        mean = np.einsum("ij,ij->i", weights, d)
        variance = np.einsum("ij,ij,ij->i", weights, d, d) - mean * mean
        excess = np.log(total) + beta * mean - entropy
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


def joint_probabilities(neighbors: Neighbors, perplexity: float, workers: Workers) -> Affinities:
    """Symmetric probabilities (p(j|i) + p(i|j)) / 2n of all pairs of neighbours.

    Parameters
    ----------
    neighbors : Neighbors
        The (n, k) neighbours of all n samples.
    perplexity : float
        Effective number of neighbours, 1 to k.
    workers : Workers
    """
    from scipy import sparse

    n, k = neighbors.indices.shape
    p = conditional_probabilities(neighbors.squared, perplexity, workers)
    i = np.repeat(np.arange(n, dtype=np.int32), k)
    j = neighbors.indices.ravel()
    both = sparse.coo_matrix((p.ravel(), (np.maximum(i, j), np.minimum(i, j))), shape=(n, n))
    del i, p
    both.has_canonical_format = True  # untrue, but it prevents scipy from summing before the sort
    pairs = both.tocsr()
    del both
    pairs = pairs.T.tocsr()  # transposing sorts the indices by counting
    pairs.sum_duplicates()
    values = pairs.data.astype(np.float64)
    values /= 2 * values.sum()
    return Affinities(
        pairs.indptr.astype(np.int64), pairs.indices.astype(np.int32), values.astype(np.float32)
    )
