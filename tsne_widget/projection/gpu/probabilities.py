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
