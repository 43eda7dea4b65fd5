"""Joint probabilities P of neighbours on a device."""

from __future__ import annotations

import math

import torch

from tsne_widget._validation import row_blocks
from tsne_widget.projection.gpu.operations import Pairs
from tsne_widget.projection.gpu.search import DeviceNeighbors
from tsne_widget.projection.mesh import widest

# Steps of Newton's method, which needs about ten; the bracket shrinks below 1e-9 in forty.
STEPS = 40
ROWS_PER_BLOCK = 2**17
# Directed pairs that are sorted at once: keys, values and their order take 3 GB.
KEYS_PER_CHUNK = 2**26


def conditional_probabilities(squared: torch.Tensor, perplexity: float) -> torch.Tensor:
    """Probabilities p(j|i) of each row's neighbours, (n, k) float32; each row sums to 1.

    Newton's method finds log β of the weights e^(−βd) inside a bracket that shrinks, as on the CPU.

    Parameters
    ----------
    squared : (n, k) float32 tensor
        Squared distances to the k neighbours, in any unit.
    perplexity : float
        1 to k. Rows that cannot reach it, because all distances are equal, get equal
        probabilities.
    """
    out = torch.empty_like(squared)
    for rows in row_blocks(len(squared), ROWS_PER_BLOCK):
        out[rows] = _search(squared[rows], math.log(perplexity))
    return out


def _search(squared: torch.Tensor, entropy: float) -> torch.Tensor:
    d = squared - squared.amin(1, keepdim=True)
    scale = d.mean(1, keepdim=True)
    d /= torch.where(scale > 0, scale, 1)
    position = torch.zeros(len(d), device=d.device)  # log β
    low, high = position - 40, position + 60
    weights = d
    for _ in range(STEPS):
        beta = position.exp()
        weights = torch.exp(-beta[:, None] * d)
        weights /= weights.sum(1, keepdim=True)
        mean = (weights * d).sum(1)
        variance = (weights * (d - mean[:, None]).square_()).sum(1)
        excess = -(weights * weights.clamp(min=1e-37).log_()).sum(1) - entropy
        high = torch.where(excess < 0, position, high)
        low = torch.where(excess >= 0, position, low)
        step = position + excess / (beta * beta * variance).clamp(min=1e-12)
        inside = (step > low) & (step < high)
        position = torch.where(inside, step, (low + high) / 2)
    return weights


def joint_probabilities(
    neighbors: DeviceNeighbors, perplexity: float, *, keys_per_chunk: int = KEYS_PER_CHUNK
) -> Pairs:
    """Symmetric probabilities (p(j|i) + p(i|j)) / 2n of all pairs of neighbours.

    Parameters
    ----------
    neighbors : DeviceNeighbors
        The (n, k) neighbours of all n samples.
    perplexity : float
        Effective number of neighbours, 1 to k.
    keys_per_chunk : int
        Directed pairs that are sorted at once.
    """
    indices = neighbors.indices
    n, k = indices.shape
    p = conditional_probabilities(neighbors.squared, perplexity)
    parts = [_rows(indices, p, rows) for rows in row_blocks(n, max(1, keys_per_chunk // (2 * k)))]
    counts, others, values = (torch.cat(arrays) for arrays in zip(*parts, strict=True))
    starts = torch.zeros(n + 1, dtype=torch.int64, device=indices.device)
    torch.cumsum(counts, 0, out=starts[1:])
    return Pairs(starts, others, values / values.sum(dtype=widest(values.device)).float())


def _rows(
    indices: torch.Tensor, p: torch.Tensor, rows: slice
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Number of pairs of each row in a block, and j and p(j|i) + p(i|j) of its pairs."""
    n, k = indices.shape
    count = rows.stop - rows.start
    mine = indices[rows]
    row = torch.arange(count, device=indices.device).repeat_interleave(k, output_size=count * k)
    there, back = _pointing_at(indices, p, rows)
    key = torch.cat([row * n + mine.reshape(-1), back])
    value = torch.cat([p[rows].reshape(-1), there])
    del row, there, back
    key, order = key.sort(stable=True)
    value = value[order]
    del order
    # A key comes once, or twice if both rows are neighbours of one another.
    is_new = torch.ones(len(key), dtype=torch.bool, device=key.device)
    torch.ne(key[1:], key[:-1], out=is_new[1:])
    second = torch.zeros_like(value)
    second[:-1] = torch.where(is_new[1:], 0, value[1:])
    value = (value + second)[is_new]
    key = key[is_new]
    bounds = torch.arange(count + 1, device=key.device) * n
    counts = torch.searchsorted(key, bounds).diff()
    return counts, (key % n).int(), value


def _pointing_at(
    indices: torch.Tensor, p: torch.Tensor, rows: slice
) -> tuple[torch.Tensor, torch.Tensor]:
    """p(i|j) of all j that have a neighbour i in a block, and their keys (i − first) n + j."""
    n, k = indices.shape
    values, keys = [], []
    # Blocks, because torch finds places only among fewer than 2³¹ values.
    for block in row_blocks(n, max(1, 2**28 // k)):
        near = indices[block].reshape(-1)
        places = ((near >= rows.start) & (near < rows.stop)).nonzero()[:, 0]
        j = places // k + block.start
        keys.append((near[places].long() - rows.start) * n + j)
        values.append(p[block].reshape(-1)[places])
    return torch.cat(values), torch.cat(keys)
