"""Probabilities of the neighbours of each row, from their distances, on a device."""

from __future__ import annotations

import math

import torch

from tsne_widget._validation import row_blocks

# Steps of Newton's method, which needs about ten; the bracket shrinks below 1e-9 in forty.
STEPS = 40
ROWS_PER_BLOCK = 2**17


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
