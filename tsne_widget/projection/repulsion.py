"""Repulsion between all pairs of points in O(n log n), as a particle–mesh sum of a scalar field.

The field is Φ(y) = Σⱼ 1 / (1 + |y − yⱼ|²). The repulsion in t-SNE's gradient follows from it:
Σⱼ (y − yⱼ) / (1 + |y − yⱼ|²)² = −½ ∇Φ(y), and so does the normalisation, Z = Σᵢ Φ(yᵢ) − n.
Φ is the convolution of unit masses with one kernel. B-splines spread the masses to a regular mesh,
an FFT convolves the mesh, and the same splines interpolate Φ and its exact derivative at the
points. One forward and one inverse transform give both force components and Z; FIt-SNE (Linderman
et al. 2019) interpolates several kernels with polynomials instead.

The method is smooth particle-mesh Ewald (Essmann et al. 1995, "A smooth particle mesh Ewald
method") with the influence function described in ``mesh``. The force that a point exerts on itself
is periodic in its position within a cell, and is subtracted.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from tsne_widget.projection.mesh import COARSER, ORDER, Influence, Mesh, spline, widest
from tsne_widget.projection.workers import Workers

# Below this width a map is repelled in closed form; on a mesh, rounding would exceed the forces.
CLOSED_FORM_WIDTH = 0.1
# Up to this many points every pair is summed: it takes no longer than a mesh and is exact.
DIRECT_POINTS = 500
# Transforms of at least this length are split into pieces for several threads.
LARGE_TRANSFORM = 400
PIECES = 4


def spread(y: torch.Tensor, mesh: Mesh) -> torch.Tensor:
    """Density of a unit mass at each point of ``y``, (2, n): a (cells, cells) tensor."""
    base, (s, t) = _nodes(y, mesh)
    weights_s, weights_t = spline(s)[0], spline(t)[0]
    flat = torch.zeros(mesh.cells**2, dtype=y.dtype)
    for a in range(ORDER):
        for b in range(ORDER):
            mass = weights_s[a] * weights_t[b]
            flat[a * mesh.cells + b :].index_add_(0, base, mass)
    return flat.view(mesh.cells, mesh.cells)


def convolve(
    density: torch.Tensor, mesh: Mesh, kernel: Influence, workers: Workers
) -> torch.Tensor:
    """The field Φ on the nodes, (cells, cells).

    The kernel within reach is convolved on the mesh, padded by that reach. The smooth remainder is
    convolved on a mesh four times coarser, padded to twice its length (multilevel summation, Skeel,
    Tezcan & Hardy 2002). Splines convert between the two meshes exactly.
    """
    field = _circular(density, mesh.size, kernel.transfer, workers)
    if kernel.far is not None:
        size, transfer, restriction = kernel.far
        coarse = _restrict(restriction, _restrict(restriction, density).T.contiguous())
        far = _circular(coarse, size, transfer, workers)  # transposed, like its density
        field += _prolong(restriction, _prolong(restriction, far).T.contiguous())
    return field


def _restrict(restriction: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """``restriction @ fine`` without the zeros: a row has ORDER − 1 blocks of COARSER values."""
    blocks = _blocks(restriction) @ fine.view(-1, COARSER, fine.shape[1])
    out = fine.new_zeros((len(restriction), fine.shape[1]))
    for block in range(ORDER - 1):
        first = ORDER - 2 - block
        out[first : first + len(blocks)] += blocks[:, block]
    return out


def _prolong(restriction: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
    """``restriction.T @ coarse`` without the zeros."""
    columns = coarse.shape[1]
    nodes = len(restriction) - ORDER + 2
    near = coarse.as_strided((nodes, ORDER - 1, columns), (columns, columns, 1))
    return (_blocks(restriction).flip(0).T @ near).view(-1, columns)


def _blocks(restriction: torch.Tensor) -> torch.Tensor:
    """(ORDER − 1, COARSER): the values of a row of the restriction, the same in each row."""
    return restriction[ORDER - 2, : (ORDER - 1) * COARSER].view(ORDER - 1, COARSER)


def interpolate(
    y: torch.Tensor, mesh: Mesh, field: torch.Tensor, kernel: Influence, out: torch.Tensor
) -> torch.Tensor:
    """Write −½∇Φ at each point of ``y``, (2, n), to ``out``, (2, n), and return Φ there, (n,)."""
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


def direct(y: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write the repulsion of every pair of ``y``, (2, n), to ``out``, (2, n), and return Z."""
    d0, d1 = y[0, :, None] - y[0], y[1, :, None] - y[1]
    weights = (1 + d0 * d0 + d1 * d1).reciprocal_().fill_diagonal_(0)
    z = weights.to(widest(y.device)).sum()
    weights.square_()
    torch.sum(d0.mul_(weights), 1, out=out[0])
    torch.sum(d1.mul_(weights), 1, out=out[1])
    return z


def closed_form(y: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write the repulsion in a map much narrower than 1 to ``out``, and return Z.

    It is exact to second order: for distances r ≪ 1, 1 / (1 + r²) = 1 − r² + O(r⁴), so every pair
    repels like a spring.
    """
    n = y.shape[1]
    wide = y.to(widest(y.device))
    centred = wide - wide.mean(1, keepdim=True)
    out.copy_(n * centred)
    return n * (n - 1) - 2 * n * centred.square().sum()


def _circular(
    density: torch.Tensor, size: int, transfer: torch.Tensor, workers: Workers
) -> torch.Tensor:
    """Circular convolution at length ``size``; rows and columns of padding are not transformed."""
    cells = len(density)
    pieces = PIECES if size >= LARGE_TRANSFORM and workers.threads > 1 else 1
    rows, columns = _pieces(cells, pieces), _pieces(size // 2 + 1, pieces)
    modes = torch.empty((cells, size // 2 + 1), dtype=torch.complex64, device=density.device)
    field = torch.empty_like(density)

    def transform_rows(piece: slice) -> None:
        modes[piece] = torch.fft.rfft(density[piece], n=size, dim=1)

    def convolve_columns(piece: slice) -> None:
        full = torch.fft.fft(modes[:, piece], n=size, dim=0)
        full *= transfer[:, piece]
        modes[:, piece] = torch.fft.ifft(full, dim=0)[:cells]

    def invert_rows(piece: slice) -> None:
        field[piece] = torch.fft.irfft(modes[piece], n=size, dim=1)[:, :cells]

    workers.map(transform_rows, rows)
    workers.map(convolve_columns, columns)
    workers.map(invert_rows, rows)
    return field


def _pieces(n: int, count: int) -> list[slice]:
    bounds = [n * piece // count for piece in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


def _nodes(y: torch.Tensor, mesh: Mesh) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Flat index of each point's first node, and its position within the cell along both axes."""
    scaled = [
        ((y[axis] - mesh.origin[axis]) * (1 / mesh.cell)).clamp(0, mesh.cells - ORDER - 0.5)
        for axis in (0, 1)
    ]
    cells = [axis.floor() for axis in scaled]
    base = cells[0].long() * mesh.cells + cells[1].long()
    return base, (scaled[0] - cells[0], scaled[1] - cells[1])
