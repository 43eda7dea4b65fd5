"""KL(P‖Q) of a map on a device, without log Z."""

from __future__ import annotations

from functools import cached_property

import torch

from tsne_widget.projection.gpu.operations import PAIRS_PER_BLOCK, Pairs
from tsne_widget.projection.mesh import widest

# Pairs used to estimate the KL divergence, evenly spaced.
SAMPLE = 2**17


class KLDivergence:
    """Σ P log P + Σ P log(1 + d²) over all pairs, in nats.

    Parameters
    ----------
    pairs : Pairs
    """

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._wide = widest(pairs.values.device)

    def exact(self, y: torch.Tensor) -> float:
        """For the map ``y``, (2, n)."""
        total = torch.zeros((), dtype=self._wide, device=y.device)
        for block in self._blocks():
            i, j = self._pairs.rows(block), self._pairs.others[block]
            p = self._pairs.values[block]
            total += (p * _log_squares(y, i, j)).sum(dtype=self._wide)
        return self._negative_entropy + float(total)

    def estimate(self, y: torch.Tensor) -> float:
        """From a sample of the pairs, accurate to about 0.005 nats."""
        i, j, p = self._sample
        return self._negative_entropy + float((p * _log_squares(y, i, j)).sum(dtype=self._wide))

    @cached_property
    def _negative_entropy(self) -> float:
        total = 0.0
        for block in self._blocks():
            p = self._pairs.values[block].to(self._wide)
            total += float((p * p.clamp(min=1e-37).log()).sum())
        return total

    @cached_property
    def _sample(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """i, j and normalised P of the sampled pairs."""
        count = len(self._pairs.values)
        size = min(SAMPLE, count)
        places = torch.arange(size, device=self._pairs.values.device) * count // size
        i = torch.searchsorted(self._pairs.starts, places, right=True).sub_(1)
        p = self._pairs.values[places]
        return i, self._pairs.others[places], p / p.sum(dtype=self._wide).float()

    def _blocks(self) -> list[slice]:
        count = len(self._pairs.values)
        firsts = range(0, count, PAIRS_PER_BLOCK)
        return [slice(first, min(count, first + PAIRS_PER_BLOCK)) for first in firsts]


def _log_squares(y: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
    """log(1 + |yᵢ − yⱼ|²) of each pair."""
    squared = (y[0].index_select(0, i) - y[0].index_select(0, j)).square_()
    return squared.add_((y[1].index_select(0, i) - y[1].index_select(0, j)).square_()).log1p_()
