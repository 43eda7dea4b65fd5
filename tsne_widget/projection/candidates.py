"""The candidates of a neighbour search: the smallest values of each row."""

from __future__ import annotations

import torch

# Candidates beyond k. The (k + 8)-th distance mostly exceeds the k-th by more than the rounding.
SPARE = 8
# Groups of columns per neighbour; the k nearest rows lie in the k groups with the lowest minima.
GROUPS_PER_NEIGHBOR = 12


def smallest(values: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k smallest values of each row, unordered, and their columns.

    Columns are divided into groups. The k smallest values lie in the k groups with the lowest
    minima, because every other group has at least k smaller values outside it. Selecting among the
    minima and then within k groups reads less memory than selecting among all values.

    Parameters
    ----------
    values : (m, n) tensor
    k : int

    Returns
    -------
    values, columns : (m, k) tensors
    """
    m, n = values.shape
    groups = GROUPS_PER_NEIGHBOR * k
    depth = n // groups
    if depth < 4:
        found = values.topk(k, largest=False, sorted=False)
        return found.values, found.indices
    grouped = values[:, : groups * depth].view(m, depth, groups)
    lowest = grouped.amin(1).topk(k, largest=False, sorted=False).indices
    inside = grouped.gather(2, lowest[:, None].expand(m, depth, k)).reshape(m, depth * k)
    steps = torch.arange(depth, device=values.device)[:, None] * groups
    columns = (lowest[:, None] + steps).reshape(m, depth * k)
    remainder = torch.arange(groups * depth, n, device=values.device).expand(m, -1)
    columns = torch.cat([columns, remainder], 1)
    inside = torch.cat([inside, values[:, groups * depth :]], 1)
    found = inside.topk(k, largest=False, sorted=False)
    return found.values, columns.gather(1, found.indices)
