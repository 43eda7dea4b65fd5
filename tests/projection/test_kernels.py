"""The Triton kernels compute what the torch operations compute; Triton interprets them on the CPU.

``make test-kernels`` installs Triton and runs these tests.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.lattice import Lattice, Shape, convolve, make_lattice, shape_for
from tsne_widget.projection.gpu.operations import Motion, Pairs, TorchOperations
from tsne_widget.projection.gpu.probabilities import joint_probabilities
from tsne_widget.projection.gpu.search import exact_neighbors
from tsne_widget.projection.gpu.triton_operations import TritonOperations
from tsne_widget.projection.mesh import spline
from tsne_widget.projection.schedule import Phase, default_schedule

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None or os.environ.get("TRITON_INTERPRET") != "1",
    reason="Triton is not installed, or does not interpret its kernels: make test-kernels",
)
ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
TORCH = TorchOperations()


@pytest.fixture(scope="module")
def triton():
    return TritonOperations()


def test_the_kernels_compile_for_every_supported_generation(tmp_path):
    script = Path(__file__).with_name("compile_kernels.py")
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", str(script)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["70", "80", "90"]


def points(n: int, width: float = 15.0) -> torch.Tensor:
    """(2, n) coordinates, with one point far to the side."""
    y = torch.randn((2, n), generator=torch.Generator().manual_seed(n)) * width
    y[:, n // 2] += 4 * width
    return y.contiguous()


def pairs_of(n: int, k: int = 9) -> Pairs:
    X = torch.randn((n, 5), generator=torch.Generator().manual_seed(1))
    return joint_probabilities(exact_neighbors(X, k), k / 3)


def lattice_around(y: torch.Tensor, copies: int = 1) -> Lattice:
    low, high = y.amin(1), y.amax(1)
    extent = max(1.0, float((high - low).amax()))
    shape = shape_for(extent, 1.05 * extent)
    lattice = make_lattice(shape, CPU, copies)
    torch.sub(low, 0.01 * shape.cell, out=lattice.origin)
    return lattice


@pytest.mark.parametrize("n", [5, 129, 300])
def test_attraction_is_that_of_the_torch_operations(triton, n):
    y, pairs = points(n), pairs_of(n, 4 if n == 5 else 9)
    ours, theirs = torch.empty_like(y), torch.empty_like(y)
    triton.attract(y, pairs, ours)
    TORCH.attract(y, pairs, theirs)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-8)


def test_a_row_with_more_pairs_than_a_program_takes_at_once_is_summed_to_its_end(triton):
    n = 201  # the first row is a neighbour of all others
    rows = torch.arange(1, n)
    starts = torch.cat([torch.tensor([0]), 200 + torch.arange(n)])
    others = torch.cat([rows, torch.zeros(n - 1)]).int()
    pairs = Pairs(starts, others, torch.full((400,), 1 / 400))
    y = points(n)
    ours, theirs = torch.empty_like(y), torch.empty_like(y)
    triton.attract(y, pairs, ours)
    TORCH.attract(y, pairs, theirs)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-7)


def test_a_row_without_pairs_is_not_attracted(triton):
    pairs = Pairs(torch.tensor([0, 1, 1, 2]), torch.tensor([2, 0]).int(), torch.tensor([0.5, 0.5]))
    out = torch.full((2, 3), torch.nan)
    for operations in (triton, TORCH):
        operations.attract(points(3), pairs, out)
        assert torch.equal(out[:, 1], torch.zeros(2))


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("n", [1, 128, 301])
def test_masses_are_those_of_the_torch_operations(triton, n, copies):
    y = points(n)
    ours, theirs = lattice_around(y, copies), lattice_around(y)
    triton.spread(y, ours)
    TORCH.spread(y, theirs)
    assert ours.masses.dtype == torch.int64
    total = ours.masses.sum(0)
    assert (total - theirs.masses[0]).abs().max() <= 600  # of 2³⁰: rounding of the weights
    assert int(total.sum()) == pytest.approx(n * 2**30, rel=1e-6)


@pytest.mark.parametrize("n", [1, 128, 301])
def test_field_and_forces_are_those_of_the_torch_operations(triton, n):
    y = points(n)
    lattice = lattice_around(y)
    TORCH.spread(y, lattice)
    field = convolve(lattice)
    ours, theirs = torch.empty_like(y), torch.empty_like(y)
    our_phi, their_phi = torch.empty(n), torch.empty(n)
    triton.read(y, lattice, field, ours, our_phi)
    TORCH.read(y, lattice, field, theirs, their_phi)
    assert torch.allclose(our_phi, their_phi, rtol=1e-5)
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()) + 1e-5)


def test_points_outside_the_mesh_write_and_read_only_inside_it(triton):
    y = points(40)
    lattice = make_lattice(Shape(40, 0.4), CPU)
    guarded = torch.zeros(3 * 400, dtype=torch.int64)
    inside = lattice._replace(masses=guarded[400:800].view(1, 20, 20))
    triton.spread(y, inside)
    assert not guarded[:400].any()
    assert not guarded[800:].any()
    assert int(guarded.sum()) == pytest.approx(40 * 2**30, rel=1e-6)


@pytest.mark.parametrize("n", [3, 129])
def test_a_step_is_that_of_the_torch_operations(triton, n):
    random = torch.Generator().manual_seed(0)

    def arrays(count: int) -> list[torch.Tensor]:
        return [torch.randn((2, n), generator=random) for _ in range(count)]

    y, velocity, gains, pull, push = arrays(5)
    gains = gains.abs()
    z = torch.tensor(7.5, dtype=torch.float64)
    moved = []
    for operations in (triton, TORCH):
        motion = Motion(y.clone(), velocity.clone(), gains.clone())
        operations.move(motion, pull, push, z, Phase(9, 12.0, 0.8, 3.0))
        moved.append(motion)
    for ours, theirs in zip(*moved, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert float(moved[0].velocity.abs().max()) == 5.0


def test_the_splines_are_those_of_the_mesh(triton):
    n = 200
    place = torch.linspace(0, 0.999, n)
    y = torch.stack([7 + place, torch.full((n,), 9.0)]).contiguous()
    lattice = make_lattice(Shape(60, 1.0), CPU)
    field = torch.randn((60, 60), generator=torch.Generator().manual_seed(0))
    push, phi = torch.empty_like(y), torch.empty(n)
    triton.read(y, lattice, field, push, phi)
    (w0, _), (w1, _) = spline(place), spline(torch.zeros(n))
    expected = torch.einsum("an,ab,bn->n", w0, field[7:12, 9:14], w1)
    assert torch.allclose(phi, expected, atol=1e-5)


def test_a_descent_with_kernels_stays_beside_one_with_torch_operations(triton):
    n = 520
    pairs = pairs_of(n)
    ends = []
    for operations in (triton, TORCH):
        state = DeviceState(points(n, 3.0).T)
        DeviceDescent(state, pairs, operations).advance(default_schedule(n), 3)
        ends.append(state.motion.y)
    assert torch.allclose(*ends, rtol=1e-3, atol=1e-3)
