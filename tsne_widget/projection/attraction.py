"""Attraction between neighbours, Σⱼ Pᵢⱼ (yᵢ − yⱼ) / (1 + |yᵢ − yⱼ|²)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import embedding_bag

from tsne_widget._validation import row_blocks
from tsne_widget.projection.affinities import Affinities
from tsne_widget.projection.workers import Workers

# Pairs of a block; its five temporary float32 arrays fit in the cache of a core.
PAIRS_PER_BLOCK = 65_536


class Attraction:
    """Attraction in torch operations, on the CPU.

    The weight Pᵢⱼ / (1 + d²) of each pair i < j is computed once and summed twice: over rows i, and
    over columns j.

    Parameters
    ----------
    affinities : Affinities
        Joint probabilities of n samples.
    """

    def __init__(self, affinities: Affinities) -> None:
        starts, others = affinities.starts, affinities.others
        n = len(affinities)
        rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(starts))
        by_column = np.argsort(others, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(others, minlength=n))])

        def put(array: NDArray[Any], dtype: torch.dtype = torch.int32) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(dtype)

        self._rows, self._others = put(rows), put(others)
        self._values = put(affinities.values, torch.float32)
        self._by_column, self._rows_by_column = put(by_column), put(rows[by_column])
        self._starts, self._ends = put(starts), put(ends)
        self._weights = torch.empty_like(self._values)
        self._row_blocks = _blocks(starts)
        self._column_blocks = _blocks(ends)

    def forces(self, y: torch.Tensor, out: torch.Tensor, workers: Workers) -> None:
        """Write the attraction at each point of ``y``, (2, n), to ``out``, (2, n)."""
        points = torch.cat([y, torch.ones_like(y[:1])]).T.contiguous()

        def sums(
            pairs: torch.Tensor, starts: torch.Tensor, block: slice, weights: torch.Tensor
        ) -> torch.Tensor:
            """Σ w (yᵢ − yⱼ) over the pairs of each row, (2, rows), from the sums of w and w yⱼ."""
            first = starts[block.start]
            bags = starts[block] - first
            total = embedding_bag(pairs, points, bags, mode="sum", per_sample_weights=weights).T
            return y[:, block] * total[2] - total[:2]

        def by_rows(task: tuple[slice, slice]) -> None:
            block, pairs = task
            i, j = self._rows[pairs], self._others[pairs]
            dx = y[0].index_select(0, i).sub_(y[0].index_select(0, j))
            dy = y[1].index_select(0, i).sub_(y[1].index_select(0, j))
            squared = dx.mul_(dx).addcmul_(dy, dy).add_(1)
            weights = torch.div(self._values[pairs], squared, out=self._weights[pairs])
            out[:, block] = sums(j, self._starts, block, weights)

        def by_columns(task: tuple[slice, slice]) -> None:
            block, pairs = task
            weights = self._weights.index_select(0, self._by_column[pairs])
            out[:, block] += sums(self._rows_by_column[pairs], self._ends, block, weights)

        workers.map(by_rows, self._row_blocks)
        workers.map(by_columns, self._column_blocks)


def cross_entropy(affinities: Affinities, y: torch.Tensor) -> float:
    """Σ P log(1 + d²) over both directions of all pairs of the map ``y``, (n, 2), in nats."""
    points = y.numpy()
    total = 0.0
    for block in row_blocks(len(affinities.others), PAIRS_PER_BLOCK):
        pairs = np.arange(block.start, block.stop)
        i, j = affinities.pair(pairs)
        squared = np.square(points[i] - points[j]).sum(1)
        total += 2 * float((affinities.values[pairs] * np.log1p(squared)).sum(dtype=np.float64))
    return total


def estimated_cross_entropy(affinities: Affinities, y: torch.Tensor) -> float:
    """Estimate of :func:`cross_entropy` from a sample of pairs, accurate to about 0.005 nats."""
    points = y.numpy()
    i, j = affinities.sample
    return float(np.log1p(np.square(points[i] - points[j]).sum(1)).mean(dtype=np.float64))


def _blocks(starts: NDArray[np.int64]) -> list[tuple[slice, slice]]:
    """Blocks of consecutive rows and of their pairs.

    A block has at most PAIRS_PER_BLOCK pairs, or is a single row with more.
    """
    blocks = []
    first = 0
    n = len(starts) - 1
    while first < n:
        last = int(np.searchsorted(starts, starts[first] + PAIRS_PER_BLOCK, "right")) - 1
        last = min(max(last, first + 1), n)
        blocks.append((slice(first, last), slice(int(starts[first]), int(starts[last]))))
        first = last
    return blocks
