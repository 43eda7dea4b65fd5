"""Approximate nearest neighbours on a device: rows are searched among the nearest cells.

The inverted file of Jégou, Douze & Schmid 2011, "Product quantization for nearest neighbor search",
without the quantization. Rows of one cell are searched together, so the work is dense products.
"""

from __future__ import annotations

import math
from itertools import accumulate

import torch

from tsne_widget._validation import row_blocks
from tsne_widget.projection.candidates import SPARE
from tsne_widget.projection.gpu.products import Products, exact_products
from tsne_widget.projection.gpu.search import (
    TORCH,
    Columns,
    DeviceNeighbors,
    Search,
    block_bytes,
    choose_the_rest,
    exact_neighbors,
)

# Rows from which the time saved outweighs the recall lost.
LARGE = 300_000
# Recall of the cells that are searched, on a sample. The rest of the search is exact.
TARGET_RECALL = 0.98
SAMPLE = 512
# Training of the cells: rows per cell, and iterations of k-means.
TRAINING_ROWS_PER_CELL = 200
ITERATIONS = 8
# Numbers of rows of the cells that are listed at once, and a divisor of the number of columns.
ROWS_AT_ONCE, ALIGNED = 2**26, 8


class Cells:
    """A division of rows into about √n cells of near rows, by k-means.

    Parameters
    ----------
    X : (n, d) float32 tensor

    Attributes
    ----------
    order : (n,) int64 tensor
        Row numbers sorted by cell.
    counts : list of int
        Rows of each cell.
    centres : (cells, d) float32 tensor
    """

    def __init__(self, X: torch.Tensor) -> None:
        n = len(X)
        count = max(1, math.isqrt(n))
        generator = torch.Generator().manual_seed(0)
        some = torch.randint(n, (min(n, count * TRAINING_ROWS_PER_CELL),), generator=generator)
        with exact_products():
            self.centres = _k_means(X[some.to(X.device)], count)
            code = _nearest_centre(X, self.centres)
        self.order = code.argsort(stable=True)
        self.counts: list[int] = torch.bincount(code, minlength=count).tolist()


def approximate_neighbors(
    X: torch.Tensor, cells: Cells, k: int, search: Search = TORCH
) -> tuple[DeviceNeighbors, float]:
    """The k nearest other rows of each row, and the recall on a sample.

    The number of cells searched is the smallest that finds 98 % of the neighbours of a sample;
    the recall is measured on another sample.

    Parameters
    ----------
    X : (n, d) float32 tensor
        Rows in the order of ``cells``.
    cells : Cells
    k : int
        1 to n − 1.
    search : Search
    """
    near, probes = _probes(X, cells, k)
    neighbors = _search(X, cells, k, near, probes, search)
    return neighbors, recall(X, neighbors)


def recall(X: torch.Tensor, neighbors: DeviceNeighbors, sample: int = SAMPLE) -> float:
    """Share of the true neighbours of some rows that were found, 0 to 1."""
    rows = _sample(len(X), sample, X.device, shift=0.5)
    k = neighbors.squared.shape[1]
    true = _neighbors_of_rows(X, rows, k).squared
    found = neighbors.squared[rows] <= true[:, -1:] * (1 + 1e-5)
    return float(found.float().mean())


def _probes(X: torch.Tensor, cells: Cells, k: int) -> tuple[torch.Tensor, int]:
    """(cells, cells) cell numbers, nearest first, and how many of them to search."""
    centres, count = cells.centres, len(cells.counts)
    with exact_products():
        distances = torch.addmm(centres.square().sum(1), centres, centres.T, alpha=-2.0)
    distances.fill_diagonal_(-torch.inf)  # a cell is the first of its own cells
    near = distances.argsort(dim=1, stable=True)
    ranks = torch.empty_like(near)
    ranks.scatter_(1, near, torch.arange(count, device=X.device).expand(count, -1).contiguous())
    code = torch.arange(count, device=X.device).repeat_interleave(
        torch.tensor(cells.counts, device=X.device), output_size=len(X)
    )
    rows = _sample(len(X), SAMPLE, X.device)
    others = _neighbors_of_rows(X, rows, k).indices.long()
    needed = ranks[code[rows, None], code[others]].flatten().sort().values
    return near, int(needed[math.ceil(TARGET_RECALL * len(needed)) - 1]) + 1


def _search(
    X: torch.Tensor, cells: Cells, k: int, near: torch.Tensor, probes: int, search: Search
) -> DeviceNeighbors:
    device, products = X.device, Products(X)
    out = DeviceNeighbors.empty(len(X), k, device)
    firsts = [0, *accumulate(cells.counts)]
    for group in row_blocks(
        len(cells.counts), max(1, ROWS_AT_ONCE // (probes * max(cells.counts)))
    ):
        rows, starts, totals = _candidates(cells, near[group], probes, k + SPARE + 1)
        for i, cell in enumerate(range(group.start, group.stop)):
            size, begin, total = cells.counts[cell], starts[i], totals[i]
            columns = Columns(rows, begin)
            among = products.among(rows[begin : starts[i + 1]], total)
            for block in row_blocks(size, max(64, block_bytes(device) // (4 * total))):
                own = slice(firsts[cell] + block.start, firsts[cell] + block.stop)
                values = among.of(X[own], block.start)
                search.nearest(values, X, X, own, columns, block.start, out)
    choose_the_rest(X, X, out, is_own=True)
    return out


def _candidates(
    cells: Cells, near: torch.Tensor, probes: int, needed: int
) -> tuple[torch.Tensor, list[int], list[int]]:
    """The rows in the nearest cells of some cells, one cell after the other.

    Parameters
    ----------
    cells : Cells
    near : (g, cells) int64 tensor
        Cell numbers, nearest first.
    probes : int
        Cells to search, or more if they have too few rows.
    needed : int
        Rows at least, if there are as many.

    Returns
    -------
    rows : int64 tensor
        Row numbers. The rows of each cell are filled up to a multiple of eight, because products
        are slow at other widths.
    starts : list of int
        Where those of each cell begin, and the end.
    totals : list of int
        How many there are for each cell.
    """
    device = near.device
    sizes = torch.tensor(cells.counts, device=device)
    firsts = sizes.cumsum(0) - sizes
    sums = sizes[near].cumsum(1)
    used = (sums < needed).sum(1).add_(1).clamp_(probes, len(sizes))
    totals = sums.gather(1, used[:, None] - 1)[:, 0]
    filled = -(-totals // ALIGNED) * ALIGNED
    padded = torch.where(totals < needed, totals, filled)
    is_used = torch.arange(len(sizes), device=device) < used[:, None]
    lengths = torch.where(is_used, sizes[near], 0)
    # The last of the used cells is as much longer as the filling is.
    lengths.scatter_add_(1, used[:, None] - 1, (padded - totals)[:, None])
    ends = lengths.view(-1).cumsum(0)
    shift = firsts[near].view(-1) - (ends - lengths.view(-1))
    total = int(ends[-1])
    rows = shift.repeat_interleave(lengths.view(-1), output_size=total)
    rows += torch.arange(total, device=device)
    starts = [0, *accumulate(padded.tolist())]
    return rows.clamp_(max=int(sizes.sum()) - 1), starts, totals.tolist()


def _neighbors_of_rows(X: torch.Tensor, rows: torch.Tensor, k: int) -> DeviceNeighbors:
    """The exact neighbours of some rows of ``X``, which are not their own neighbours."""
    found = exact_neighbors(X, min(k + 1, len(X)), queries=X[rows])
    is_other = found.indices != rows[:, None]
    # Drop the row itself, or the last neighbour if copies of the row hide it.
    order = (~is_other).int().argsort(dim=1, stable=True)[:, :k]
    return DeviceNeighbors(found.indices.gather(1, order), found.squared.gather(1, order))


def _sample(n: int, size: int, device: torch.device, shift: float = 0.0) -> torch.Tensor:
    """Row numbers, evenly spaced."""
    size = min(n, size)
    return ((torch.arange(size, dtype=torch.float64) + shift) * (n / size)).long().to(device)


def _k_means(S: torch.Tensor, count: int) -> torch.Tensor:
    centres = S[:count].clone()
    for _ in range(ITERATIONS):
        code = _nearest_centre(S, centres)
        sums = torch.zeros_like(centres)
        # Products have a fixed order of addition; index_add_ has not.
        for rows in row_blocks(len(S), max(1024, block_bytes(S.device) // (8 * count))):
            members = code[rows, None] == torch.arange(count, device=S.device)
            sums += members.to(S.dtype).T @ S[rows]
        sizes = torch.bincount(code, minlength=count)[:, None]
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    return centres


def _nearest_centre(X: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """(n,) int64: number of the nearest centre of each row."""
    lengths = centres.square().sum(1)
    blocks = row_blocks(len(X), max(1024, block_bytes(X.device) // (4 * len(centres))))
    return torch.cat(
        [torch.addmm(lengths, X[rows], centres.T, alpha=-2.0).argmin(1) for rows in blocks]
    )
