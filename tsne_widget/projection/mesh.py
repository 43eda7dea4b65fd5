"""The mesh that carries the repulsion: its size, its B-splines and its influence function."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

# Nodes that a point touches along each axis: quartic B-splines. Compared with cubic ones the force
# error halves on the same mesh, for 25 nodes instead of 16.
ORDER = 5
# Width of a cell in map units. The root mean square force error is about 0.75 %
# (benchmarks/tsne.py).
CELL = 0.4
# Minimum number of cells across the map.
MIN_CELLS = 40
# Maximum number of cells along one axis: (2 × 4,000)² float32 values are 256 MB.
MAX_CELLS = 4000
# From this many nodes on, the kernel beyond NEAR_CELLS cells is convolved on a mesh with cells
# COARSER times as wide. At 440 nodes this takes 1.9 ms instead of 3.1 ms at the same force error.
TWO_LEVEL_NODES = 120
NEAR_CELLS = 32
COARSER = 4
# Cells that the splines may touch outside the map, on both sides together.
MARGIN = ORDER + 1

# Fast transform lengths, each at least 6 % longer than the last. A growing map uses few of them,
# and each needs an influence function of its own.
_LENGTHS: list[int] = []
for _length in sorted(2**a * 3**b * 5**c for a in range(2, 14) for b in range(6) for c in range(4)):
    if _length <= 3 * MAX_CELLS and (not _LENGTHS or _length >= 1.06 * _LENGTHS[-1]):
        _LENGTHS.append(_length)


class Influence(NamedTuple):
    """The influence function: it converts masses on a mesh to the field Φ on that mesh."""

    transfer: torch.Tensor
    """(size, size // 2 + 1) float32: factor of each Fourier mode."""
    self_force: tuple[float, float]
    """a, b: a point at (s, t) in its cell exerts sin(2πs) (a + b cos(2πt)) on itself."""
    self_field: float
    """Mean Φ of a point at its own position; 1 on an infinitely fine mesh."""
    far: tuple[int, torch.Tensor, torch.Tensor] | None
    """Length, transfer and (far cells, cells) restriction of the coarse mesh, if there is one."""


class Mesh(NamedTuple):
    """A square mesh that covers a map."""

    cells: int
    """Nodes along each axis."""
    size: int
    """Length of the transforms along each axis, long enough to avoid wrap-around."""
    far_cells: int
    """Nodes of the coarse mesh along each axis; 0 without a coarse mesh."""
    cell: float
    """Width of a cell in map units."""
    origin: tuple[float, float]
    """Position of the first node that a spline may touch."""


def mesh_for(low: tuple[float, float], high: tuple[float, float]) -> Mesh:
    """The mesh for a map inside the rectangle from ``low`` to ``high``."""
    extent = max(high[0] - low[0], high[1] - low[1])
    cell = min(CELL, extent / MIN_CELLS)
    if cell < CELL:  # round the width, so that cached influence functions are reused
        cell = 2.0 ** (np.floor(4 * np.log2(cell)) / 4)
    cell = max(cell, extent / (MAX_CELLS - MARGIN))
    nodes = int(extent / cell) + 1 + MARGIN
    origin = (low[0] - 0.01 * cell, low[1] - 0.01 * cell)
    if nodes < TWO_LEVEL_NODES:
        size = fast_length(2 * nodes)
        return Mesh(size // 2, size, 0, float(cell), origin)
    size = fast_length(nodes + NEAR_CELLS + COARSER)
    cells = (size - NEAR_CELLS) // COARSER * COARSER
    return Mesh(cells, size, cells // COARSER + ORDER - 2, float(cell), origin)


def fast_length(minimum: int, lengths: Sequence[int] = _LENGTHS) -> int:
    """The shortest fast transform length that is not below ``minimum``."""
    return next(length for length in lengths if length >= minimum)


def short_lengths() -> list[int]:
    """Fast transform lengths for a GPU: every third below 1,024, where any length is as fast."""
    return [length for i, length in enumerate(_LENGTHS) if length >= 1024 or i % 3 == 0]


@lru_cache(maxsize=32)
def influence(mesh_size: int, far_cells: int, cell: float, device: str = "cpu") -> Influence:
    """The influence function for a mesh with these ``size``, ``far_cells`` and ``cell``.

    It is computed on the torch ``device``.

    It minimises the mean square error of the force when the field is differentiated analytically
    (Ballenegger, Cerdà & Holm 2012, "How to convert SPME into P3M: influence functions and error
    estimates").
    """
    place = torch.device(device)
    near = _transfer(mesh_size, cell, NEAR_CELLS * cell if far_cells else None, place)
    (a, b), self_field = _self_interaction(near, mesh_size, cell)
    if not far_cells:
        return Influence(near, (a, b), self_field, None)
    size = fast_length(2 * far_cells)
    far = _transfer(size, COARSER * cell, NEAR_CELLS * cell, place, far=True)
    self_field += _self_interaction(far, size, COARSER * cell)[1]
    restriction = _restriction(far_cells).to(place)
    return Influence(near, (a, b), self_field, (size, far, restriction))


def widest(device: torch.device) -> torch.dtype:
    """The float with the most digits on a device: MPS has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def _transfer(
    size: int, cell: float, reach: float | None, device: torch.device, *, far: bool = False
) -> torch.Tensor:
    """Factors of the Fourier modes, (size, size // 2 + 1) float32.

    With a ``reach``, they are those of the kernel's part within the reach, or beyond it (``far``).
    """
    wide = widest(device)
    half = size // 2 + 1
    # The kernel is even along both axes, so a quarter of it determines the real transform.
    count = half if reach is None or far else min(half, NEAR_CELLS + 1)
    squared = torch.arange(count, device=device).to(wide).mul(cell).square()
    squared = squared[:, None] + squared
    kernel = (1 + squared).reciprocal()
    if reach is not None:
        kernel *= _beyond(squared.sqrt() / reach) if far else 1 - _beyond(squared.sqrt() / reach)
    waves = _cosines(size, count, device) * _occurrences(size, device)[:count]
    modes = waves @ kernel @ waves.T

    frequency = np.arange(half) / size
    aliases = frequency + np.arange(-3, 4)[:, None]
    windows = np.sinc(aliases) ** (2 * ORDER)
    own, total, slope, wave = (
        torch.from_numpy(values).to(device, wide)
        for values in (windows[3], windows.sum(0), (windows * aliases**2).sum(0), frequency**2)
    )
    modes *= (wave[:, None] + wave) * (own[:, None] * own)
    denominator = (total[:, None] * total) * (slope[:, None] * total + total[:, None] * slope)
    modes[0, 0], denominator[0, 0] = waves[0] @ kernel @ waves[0], 1
    quarter = (modes / denominator).float()
    return torch.cat([quarter, quarter[1 : size - half + 1].flip(0)])


def _cosines(size: int, count: int, device: torch.device) -> torch.Tensor:
    """(size // 2 + 1, count) table of cos(2π f r / size)."""
    steps = torch.arange(size // 2 + 1, device=device)[:, None] * torch.arange(count, device=device)
    return torch.cos((steps % size).to(widest(device)) * (2 * np.pi / size))


def _occurrences(size: int, device: torch.device) -> torch.Tensor:
    """(size // 2 + 1,): how often each distance from 0, modulo an even ``size``, occurs."""
    times = torch.full((size // 2 + 1,), 2.0, dtype=widest(device), device=device)
    times[0] = times[-1] = 1
    return times


def _beyond(share: torch.Tensor) -> torch.Tensor:
    """0 up to a quarter of the reach, 1 from the reach on, with three continuous derivatives."""
    x = ((share - 0.25) / 0.75).clamp(0, 1)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def _restriction(far_cells: int) -> torch.Tensor:
    """(far_cells, cells) float32: each wide B-spline as a sum of narrow ones (two-scale rule)."""
    mask = np.ones(1)
    for _ in range(ORDER):
        mask = np.convolve(mask, np.ones(COARSER) / COARSER)
    mask *= COARSER
    cells = COARSER * (far_cells - ORDER + 2)
    offsets = np.arange(cells) - COARSER * np.arange(far_cells)[:, None] + COARSER * (ORDER - 2)
    inside = (offsets >= 0) & (offsets < len(mask))
    return torch.from_numpy(np.where(inside, mask[offsets.clip(0, len(mask) - 1)], 0)).float()


def _self_interaction(
    transfer: torch.Tensor, size: int, cell: float
) -> tuple[tuple[float, float], float]:
    """Least-squares a, b of the self-force, and the mean self-field, over positions in a cell."""
    device = transfer.device
    half = size // 2 + 1
    waves = _cosines(size, ORDER, device) * (_occurrences(size, device)[:, None] / size)
    near = (waves.T @ transfer[:half].to(waves.dtype) @ waves).cpu().double().numpy()
    offsets = np.abs(np.arange(1 - ORDER, ORDER))
    table = near[np.ix_(offsets, offsets)]
    weights, slopes, fit = _within_cell()
    a, b = fit @ (-0.5 / cell * (slopes @ table @ weights.T)).ravel()
    return (float(a), float(b)), float((weights @ table @ weights.T).mean())


@lru_cache(maxsize=1)
def _within_cell() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What a point at each of 12 positions in a cell spreads and reads along one axis.

    Returns
    -------
    weights, slopes : (12, 2 ORDER − 1) arrays
        Weight of its own field at each distance between two nodes, and the derivative.
    fit : (2, 144) array
        Converts self-forces at all pairs of positions to a and b.
    """
    positions = (np.arange(12) + 0.5) / 12
    spread, slopes = (each.numpy() for each in spline(torch.from_numpy(positions)))
    weights = np.zeros((2, 12, 2 * ORDER - 1))
    for reading, read in enumerate((spread, slopes)):
        for node in range(ORDER):
            first = ORDER - 1 - node  # of the distances to the nodes 0 … ORDER − 1
            weights[reading][:, first : first + ORDER] += read[node][:, None] * spread.T
    sine, cosine = np.sin(2 * np.pi * positions), np.cos(2 * np.pi * positions)
    basis = np.stack([np.outer(sine, np.ones(12)).ravel(), np.outer(sine, cosine).ravel()], 1)
    return weights[0], weights[1], np.linalg.pinv(basis)


def spline(position: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of the ORDER nodes around each point, and their derivatives.

    The recursion is de Boor's for uniform knots:
    M_k(x) = (x M_{k−1}(x) + (k − x) M_{k−1}(x − 1)) / (k − 1).

    Parameters
    ----------
    position : (n,) tensor
        Position of each point within its cell, 0 to 1.

    Returns
    -------
    weights, slopes : (ORDER, n) tensors
    """
    weights = [1 - position, position]
    slopes = weights
    for k in range(3, ORDER + 1):
        if k == ORDER:
            inner = [weights[j - 1] - weights[j] for j in range(1, k - 1)]
            slopes = [-weights[0], *inner, weights[-1]]
        padded = [torch.zeros_like(position), *weights, torch.zeros_like(position)]
        weights = [
            ((position + (k - 1 - j)) * padded[j] + (1 + j - position) * padded[j + 1]) / (k - 1)
            for j in range(k)
        ]
    return torch.stack(weights), torch.stack(slopes)
