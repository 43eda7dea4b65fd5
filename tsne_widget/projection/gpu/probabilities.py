"""Joint probabilities P of neighbours on a device."""

from __future__ import annotations

import torch

from tsne_widget._validation import row_blocks
from tsne_widget.projection.gpu.operations import Pairs
from tsne_widget.projection.gpu.search import TORCH, DeviceNeighbors, Search
from tsne_widget.projection.mesh import widest

# Directed pairs whose opposites are looked up at once: their temporary arrays take 2 GB.
PAIRS_PER_BLOCK = 2**26


def joint_probabilities(
    neighbors: DeviceNeighbors,
    perplexity: float,
    *,
    search: Search = TORCH,
    pairs_per_block: int = PAIRS_PER_BLOCK,
) -> Pairs:
    """Symmetric probabilities (p(j|i) + p(i|j)) / 2n of all pairs of neighbours.

    The pairs of a row are first its neighbours, then the other rows whose neighbour it is, each by
    ascending number.

    Parameters
    ----------
    neighbors : DeviceNeighbors
        The (n, k) neighbours of all n samples.
    perplexity : float
        Effective number of neighbours, 1 to k.
    search : Search
    pairs_per_block : int
    """
    n, k = neighbors.indices.shape
    p = search.probabilities(neighbors.squared, perplexity)
    indices, order = neighbors.indices.sort(1)
    p = p.gather(1, order)
    del order
    mutual, (i, j, value) = _opposites(indices, p, max(1, pairs_per_block // k))
    j, order = j.sort(stable=True)
    bounds = torch.searchsorted(j, torch.arange(n + 1, dtype=j.dtype, device=j.device))
    starts = bounds + torch.arange(n + 1, device=j.device) * k
    others = torch.empty(n * k + len(j), dtype=torch.int32, device=j.device)
    values = torch.empty(len(others), device=j.device)
    for rows in row_blocks(n, max(1, pairs_per_block // k)):
        places = starts[rows, None] + torch.arange(k, device=j.device)
        others[places] = indices[rows]
        values[places] = mutual[rows]
    # Pair number r among the opposites follows the k neighbours of the rows up to j.
    for block in row_blocks(len(j), pairs_per_block):
        places = (j[block].long() + 1) * k + torch.arange(block.start, block.stop, device=j.device)
        others[places] = i[order[block]]
        values[places] = value[order[block]]
    return Pairs(starts, others, values / values.sum(dtype=widest(values.device)).float())


def strongest(pairs: Pairs, share: float) -> Pairs:
    """The pairs without the weakest, which have about ``share`` of the sum; the sum stays 1.

    A pair also stays if it has half the P of the strongest pair of either sample, so no sample
    loses its neighbours. The same as ``Affinities.strongest``, up to 1 % of the limit.
    """
    starts, others, values = pairs
    blocks = row_blocks(len(values), PAIRS_PER_BLOCK)
    # Integers add up to the same sum in any order.
    sums = torch.zeros(1 << 15, dtype=torch.int64, device=values.device)
    for block in blocks:
        part = values[block]
        sums.index_add_(0, _bin(part), part.double().mul_(2.0**60).long())
    cumulative = sums.cumsum(0)
    last = torch.searchsorted(cumulative, (cumulative[-1:].double() * share).long())
    peaks = torch.segment_reduce(values, "max", offsets=starts, unsafe=True, initial=0)
    counts = torch.zeros(len(starts), dtype=torch.int64, device=values.device)
    kept = []
    for block in blocks:
        rows, columns, part = pairs.rows(block), others[block], values[block]
        half = torch.minimum(peaks[rows], peaks[columns.long()]) / 2
        stays = (_bin(part) >= last) | (part >= half)
        counts.index_add_(0, rows[stays] + 1, torch.ones_like(rows[stays]))
        kept.append((columns[stays], part[stays]))
    others, values = (torch.cat(arrays) for arrays in zip(*kept, strict=True))
    return Pairs(counts.cumsum(0), others, values / values.sum(dtype=torch.float64).float())


def _bin(values: torch.Tensor) -> torch.Tensor:
    """The upper half of the bits of positive float32 numbers, which has their order."""
    return values.view(torch.int32) >> 16


def _opposites(
    indices: torch.Tensor, p: torch.Tensor, rows_per_block: int
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """p(j|i) + p(i|j) of each pair of neighbours, (n, k), and the pairs (i, j) without an opposite.

    The latter are i and j, int32, and p(j|i), by ascending i. Columns of ``indices`` ascend.
    """
    n, k = indices.shape
    rows = torch.arange(n, device=indices.device)
    keys = (rows[:, None] * n + indices).view(-1)
    sums, alone = torch.empty_like(p), []
    for block in row_blocks(n, rows_per_block):
        opposite = indices[block].long() * n + rows[block, None]
        place = torch.searchsorted(keys, opposite).clamp_(max=n * k - 1)
        is_mutual = keys[place] == opposite
        torch.add(p[block], torch.where(is_mutual, p.view(-1)[place], 0), out=sums[block])
        i, column = (~is_mutual).nonzero(as_tuple=True)
        i += block.start
        alone.append((i.int(), indices[i, column], p[i, column]))
    i, j, value = (torch.cat(arrays) for arrays in zip(*alone, strict=True))
    return sums, (i, j, value)
