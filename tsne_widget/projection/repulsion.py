"""The repulsion of all pairs in n log n: a particle–mesh sum of one scalar field.

With Φ(y) = Σⱼ 1 / (1 + |y − yⱼ|²) the repulsive numerator of t-SNE is
Σⱼ (y − yⱼ) / (1 + |y − yⱼ|²)² = −½ ∇Φ(y), and the normalisation is Z = Σᵢ Φ(yᵢ) − n. Φ is the
convolution of unit masses with one kernel: masses are spread to a regular mesh by B-splines, the
mesh is convolved by FFT, and Φ and its exact spline derivative are read at the points. So one
forward and one inverse transform serve both components and Z.

The method is that of smooth particle-mesh Ewald sums (Essmann et al. 1995, "A smooth particle mesh
Ewald method") with the influence function that minimises the mean square error of the force when
the field is differentiated analytically (Ballenegger, Cerdà & Holm 2012, "How to convert SPME into
P3M: influence functions and error estimates").
Where FIt-SNE (Linderman et al. 2019) interpolates several kernels with polynomials, this needs one.
A point's spurious force on itself is periodic in its place within a cell and is subtracted.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from tsne_widget.projection.workers import Workers

# Nodes that a point touches along each axis: quartic B-splines. Against cubic ones the force error
# halves at the same mesh, for 25 instead of 16 nodes.
ORDER = 5
# Width of a cell, in units of the map. The rms force error is about 0.75 %; see benchmarks/tsne.py.
CELL = 0.4
# A small map still gets this many cells across.
MIN_CELLS = 40
# A map narrower than this is repelled in closed form: a mesh would drown its forces in rounding.
CLOSED_FORM_WIDTH = 0.1
# Cells along one axis at most, whatever the extent: (2 × 4,000)² float32 are 256 MB.
MAX_CELLS = 4000
# Up to this many points every pair is summed: as fast as a mesh, and exact also for a handful.
DIRECT_POINTS = 500
# From this many nodes on, the kernel's part beyond NEAR_CELLS cells goes over a mesh COARSER times
# as wide. At 440 nodes a convolution takes 1.9 instead of 3.1 ms, and the force error stays 0.75 %.
TWO_LEVEL_NODES = 120
NEAR_CELLS = 32
COARSER = 4
# Transforms of this length are cut into pieces for several threads.
LARGE_TRANSFORM = 400
PIECES = 4
# Unit of mass where sums must not depend on their order: 2³⁰ units of 2⁻³⁰ per point.
FIXED_POINT = 2.0**30
# Cells that the splines may touch beyond the map, both sides together.
MARGIN = ORDER + 1

# Lengths of transforms that are fast, each at least 6 % above the last: a map grows through few of
# them, and each needs an influence function of its own.
_LENGTHS: list[int] = []
for _length in sorted(2**a * 3**b * 5**c for a in range(2, 14) for b in range(6) for c in range(4)):
    if _length <= 3 * MAX_CELLS and (not _LENGTHS or _length >= 1.06 * _LENGTHS[-1]):
        _LENGTHS.append(_length)


class Influence(NamedTuple):
    """What turns masses on a mesh into Φ on the mesh."""

    transfer: torch.Tensor
    """(size, size // 2 + 1) float32: factor of each Fourier mode."""
    self_force: tuple[float, float]
    """a, b: at the place (s, t) in its cell a point pushes itself by sin(2πs) (a + b cos(2πt))."""
    self_field: float
    """Mean Φ of a point at its own place; 1 on an infinitely fine mesh."""
    far: tuple[int, torch.Tensor, torch.Tensor] | None
    """Length, transfer and (far cells, cells) restriction of a coarse mesh, where there is one."""


class Mesh(NamedTuple):
    """A square mesh that covers a map."""

    cells: int
    """Nodes along each axis."""
    size: int
    """Length of the transforms along each axis, long enough that nothing wraps."""
    far_cells: int
    """Nodes of the coarse mesh along each axis; 0 where one mesh does it all."""
    cell: float
    """Width of a cell, in units of the map."""
    origin: tuple[float, float]
    """Place of the first node that a spline may touch."""


def mesh_for(low: tuple[float, float], high: tuple[float, float]) -> Mesh:
    """The mesh for a map within the rectangle ``low`` to ``high``."""
    extent = max(high[0] - low[0], high[1] - low[1])
    cell = min(CELL, extent / MIN_CELLS)
    if cell < CELL:  # few different widths, so that influence functions are used again
        cell = 2.0 ** (np.floor(4 * np.log2(cell)) / 4)
    cell = max(cell, extent / (MAX_CELLS - MARGIN))
    nodes = int(extent / cell) + 1 + MARGIN
    origin = (low[0] - 0.01 * cell, low[1] - 0.01 * cell)
    if nodes < TWO_LEVEL_NODES:
        size = _fast_length(2 * nodes)
        return Mesh(size // 2, size, 0, float(cell), origin)
    size = _fast_length(nodes + NEAR_CELLS + COARSER)
    cells = (size - NEAR_CELLS) // COARSER * COARSER
    return Mesh(cells, size, cells // COARSER + ORDER - 2, float(cell), origin)


def _fast_length(least: int) -> int:
    return next(length for length in _LENGTHS if length >= least)


@lru_cache(maxsize=32)
def influence(mesh_size: int, far_cells: int, cell: float, device: str = "cpu") -> Influence:
    """The influence function of a mesh, by its ``size``, ``far_cells`` and ``cell``."""
    near = _transfer(mesh_size, cell, NEAR_CELLS * cell if far_cells else None)
    (a, b), self_field = _self_interaction(near, mesh_size, cell)
    if not far_cells:
        return Influence(near.to(device), (a, b), self_field, None)
    size = _fast_length(2 * far_cells)
    far = _transfer(size, COARSER * cell, NEAR_CELLS * cell, far=True)
    self_field += _self_interaction(far, size, COARSER * cell)[1]
    restriction = _restriction(far_cells).to(device)
    return Influence(near.to(device), (a, b), self_field, (size, far.to(device), restriction))


def _transfer(size: int, cell: float, reach: float | None, *, far: bool = False) -> torch.Tensor:
    """(size, size // 2 + 1) factors of the modes; with a reach, for what is within or beyond it."""
    steps = torch.arange(size)
    squared = torch.minimum(steps, size - steps).double().mul(cell).square()
    squared = squared[:, None] + squared[None, : size // 2 + 1]
    kernel = (1 + squared).reciprocal()
    if reach is not None:
        kernel *= _beyond(squared.sqrt() / reach) if far else 1 - _beyond(squared.sqrt() / reach)
    # The kernel is even in both axes: its transform is real, and follows from half of it.
    full = torch.cat([kernel, kernel[:, 1 : (size + 1) // 2].flip(1)], 1).float()
    modes = torch.fft.rfft2(full).real

    frequency = np.fft.fftfreq(size)
    aliases = frequency + np.arange(-3, 4)[:, None]
    windows = np.sinc(aliases) ** (2 * ORDER)
    own = torch.from_numpy(windows[3])
    total = torch.from_numpy(windows.sum(0))
    slope = torch.from_numpy((windows * aliases**2).sum(0))
    wave = torch.from_numpy(frequency**2)
    half = slice(0, size // 2 + 1)
    numerator = (wave[:, None] + wave[half]) * (own[:, None] * own[half])
    denominator = (total[:, None] * total[half]) * (
        slope[:, None] * total[half] + total[:, None] * slope[half]
    )
    numerator[0, 0] = denominator[0, 0] = 1
    transfer: torch.Tensor = modes * (numerator / denominator).float()
    return transfer


def _beyond(share: torch.Tensor) -> torch.Tensor:
    """0 up to a quarter of the reach, 1 from the reach on, with three continuous derivatives."""
    x = ((share - 0.25) / 0.75).clamp(0, 1)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def _restriction(far_cells: int) -> torch.Tensor:
    """(far_cells, cells): a wide B-spline is a sum of narrow ones (two-scale relation)."""
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
    """Least-squares a, b of the self-force and the mean self-field, over places within a cell."""
    near = torch.fft.irfft2(transfer, s=(size, size)).double().numpy()
    nodes = np.arange(ORDER)
    offsets = nodes[:, None] - nodes
    table = near[offsets[:, None, :, None], offsets[None, :, None, :]]
    places = (np.arange(12) + 0.5) / 12
    weights, slopes = (w.numpy() for w in spline(torch.from_numpy(places)))
    field = np.einsum(
        "as,bt,abcd,cs,dt->st", weights, weights, table, weights, weights, optimize=True
    )
    force = np.einsum(
        "as,bt,abcd,cs,dt->st", slopes, weights, table, weights, weights, optimize=True
    )
    sine, cosine = np.sin(2 * np.pi * places), np.cos(2 * np.pi * places)
    basis = np.stack([np.outer(sine, np.ones(12)).ravel(), np.outer(sine, cosine).ravel()], 1)
    a, b = np.linalg.lstsq(basis, -0.5 / cell * force.ravel(), rcond=None)[0]
    return (float(a), float(b)), float(field.mean())


def spline(place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of the ORDER nodes around each point and their derivatives, both (ORDER, n).

    ``place`` is the (n,) position within the cell, 0 to 1. The recursion is de Boor's for uniform
    knots: M_k(x) = (x M_{k−1}(x) + (k − x) M_{k−1}(x − 1)) / (k − 1).
    """
    weights = [1 - place, place]
    slopes = weights
    for k in range(3, ORDER + 1):
        if k == ORDER:
            inner = [weights[j - 1] - weights[j] for j in range(1, k - 1)]
            slopes = [-weights[0], *inner, weights[-1]]
        padded = [torch.zeros_like(place), *weights, torch.zeros_like(place)]
        weights = [
            ((place + (k - 1 - j)) * padded[j] + (1 + j - place) * padded[j + 1]) / (k - 1)
            for j in range(k)
        ]
    return torch.stack(weights), torch.stack(slopes)


def spread(y: torch.Tensor, mesh: Mesh, *, any_order: bool = False) -> torch.Tensor:
    """Density of a unit mass at each point of ``y`` (2, n): (cells, cells) float32.

    With ``any_order``, for devices where many threads add to a node as they come, masses are
    integers of 2⁻³⁰: their sum is the same in every order.
    """
    base, (s, t) = _nodes(y, mesh)
    weights_s, weights_t = spline(s)[0], spline(t)[0]
    flat = torch.zeros(mesh.cells**2, dtype=torch.int64 if any_order else y.dtype, device=y.device)
    for a in range(ORDER):
        for b in range(ORDER):
            mass = weights_s[a] * weights_t[b]
            mass = (mass * FIXED_POINT).round().long() if any_order else mass
            flat[a * mesh.cells + b :].index_add_(0, base, mass)
    density = flat.float() / FIXED_POINT if any_order else flat
    return density.view(mesh.cells, mesh.cells)


def convolve(
    density: torch.Tensor, mesh: Mesh, kernel: Influence, workers: Workers
) -> torch.Tensor:
    """Φ on the (cells, cells) nodes.

    The kernel's part within reach is convolved on the mesh itself, which so needs no padding but
    that reach. The smooth rest is convolved on a mesh four times coarser, padded to twice its
    length (multilevel summation, Skeel, Tezcan & Hardy 2002); splines go over exactly.
    """
    field = _convolved(density, mesh.size, kernel.transfer, workers)
    if kernel.far is not None:
        size, transfer, restriction = kernel.far
        coarse = restriction @ density @ restriction.T
        field += restriction.T @ (_convolved(coarse, size, transfer, workers) @ restriction)
    return field


def _convolved(
    density: torch.Tensor, size: int, transfer: torch.Tensor, workers: Workers
) -> torch.Tensor:
    """Circular convolution at length ``size``; rows and columns of zeros are not transformed."""
    cells = len(density)
    pieces = PIECES if size >= LARGE_TRANSFORM and workers.threads > 1 else 1
    rows, columns = _pieces(cells, pieces), _pieces(size // 2 + 1, pieces)
    modes = torch.empty((cells, size // 2 + 1), dtype=torch.complex64, device=density.device)
    field = torch.empty_like(density)

    def across(piece: slice) -> None:
        modes[piece] = torch.fft.rfft(density[piece], n=size, dim=1)

    def along(piece: slice) -> None:
        full = torch.fft.fft(modes[:, piece], n=size, dim=0)
        full *= transfer[:, piece]
        modes[:, piece] = torch.fft.ifft(full, dim=0)[:cells]

    def back(piece: slice) -> None:
        field[piece] = torch.fft.irfft(modes[piece], n=size, dim=1)[:, :cells]

    workers.map(across, rows)
    workers.map(along, columns)
    workers.map(back, rows)
    return field


def read(
    y: torch.Tensor, mesh: Mesh, field: torch.Tensor, kernel: Influence, out: torch.Tensor
) -> torch.Tensor:
    """Write −½∇Φ at each point of ``y`` (2, n) to ``out`` (2, n); Φ there (n,) comes back."""
    base, (s, t) = _nodes(y, mesh)
    weights_s, slopes_s = spline(s)
    weights_t, slopes_t = spline(t)
    flat = field.reshape(-1)
    total = torch.zeros_like(s)
    force_s, force_t = torch.zeros_like(s), torch.zeros_like(s)
    for a in range(ORDER):
        value, slope = torch.zeros_like(s), torch.zeros_like(s)
        for b in range(ORDER):
            node = flat[a * mesh.cells + b :].index_select(0, base)
            value.addcmul_(node, weights_t[b])
            slope.addcmul_(node, slopes_t[b])
        total.addcmul_(value, weights_s[a])
        force_s.addcmul_(value, slopes_s[a])
        force_t.addcmul_(slope, weights_s[a])
    self_a, self_b = kernel.self_force
    angle_s, angle_t = s * (2 * np.pi), t * (2 * np.pi)
    factor = -0.5 / mesh.cell
    out[0] = force_s * factor - angle_s.sin() * (self_a + self_b * angle_t.cos())
    out[1] = force_t * factor - angle_t.sin() * (self_a + self_b * angle_s.cos())
    return total


def _nodes(y: torch.Tensor, mesh: Mesh) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Flat index of the first node of each point, and its place within the cell along both axes."""
    scaled = [
        ((y[axis] - mesh.origin[axis]) * (1 / mesh.cell)).clamp(0, mesh.cells - ORDER - 0.5)
        for axis in (0, 1)
    ]
    cells = [axis.floor() for axis in scaled]
    base = cells[0].long() * mesh.cells + cells[1].long()
    return base, (scaled[0] - cells[0], scaled[1] - cells[1])


def direct(y: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """The repulsion at each point of ``y`` (2, n) pair by pair, for few points; Z comes back."""
    d0, d1 = y[0, :, None] - y[0], y[1, :, None] - y[1]
    weights = (1 + d0 * d0 + d1 * d1).reciprocal_().fill_diagonal_(0)
    z = weights.double().sum()
    weights.square_()
    torch.sum(d0.mul_(weights), 1, out=out[0])
    torch.sum(d1.mul_(weights), 1, out=out[1])
    return z


def closed_form(y: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Repulsion within a map much smaller than 1, to second order; Z comes back.

    For distances r ≪ 1, 1 / (1 + r²) = 1 − r² + O(r⁴), so every pair repels like a spring.
    """
    n = y.shape[1]
    centred = y.double() - y.double().mean(1, keepdim=True)
    out.copy_(n * centred)
    return n * (n - 1) - 2 * n * centred.square().sum()


def _pieces(n: int, count: int) -> list[slice]:
    bounds = [n * piece // count for piece in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]
