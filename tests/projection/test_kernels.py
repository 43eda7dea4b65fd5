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

from tsne_widget.projection.gpu import inverted_file
from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.lattice import (
    EDGE,
    Lattice,
    Shape,
    convolve,
    make_lattice,
    shape_for,
)
from tsne_widget.projection.gpu.operations import (
    Box,
    Motion,
    Pairs,
    TorchOperations,
    constants_of,
    edges_of,
)
from tsne_widget.projection.gpu.probabilities import joint_probabilities
from tsne_widget.projection.gpu.search import TORCH as TORCH_SEARCH
from tsne_widget.projection.gpu.search import exact_neighbors
from tsne_widget.projection.gpu.triton_operations import TritonOperations
from tsne_widget.projection.gpu.triton_search import TritonSearch
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


def points(n: int, width: float = 3.0) -> torch.Tensor:
    """(2, n) coordinates, with one point far to the side."""
    y = torch.randn((n, 2), generator=torch.Generator().manual_seed(n)) * width
    y[n // 2] += 4 * width
    return y.T


def pairs_of(n: int, k: int = 9) -> Pairs:
    X = torch.randn((n, 5), generator=torch.Generator().manual_seed(1))
    return joint_probabilities(exact_neighbors(X, k), k / 3)


def lattice_around(y: torch.Tensor, copies: int = 1) -> Lattice:
    extent = max(1.0, float((y.amax(1) - y.amin(1)).amax()))
    return make_lattice(shape_for(extent, 1.05 * extent), CPU, copies)


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
    out = torch.full((3, 2), torch.nan).T
    for operations in (triton, TORCH):
        operations.attract(points(3), pairs, out)
        assert torch.equal(out[:, 1], torch.zeros(2))


@pytest.mark.parametrize("copies", [1, 3, 40])
@pytest.mark.parametrize("n", [1, 128, 301])
def test_masses_are_those_of_the_torch_operations(triton, n, copies):
    y = points(n)
    ours, theirs = lattice_around(y, copies), lattice_around(y)
    for _ in range(2):  # no mass is left for the second time
        triton.spread(y, ours, edges_of(y))
    TORCH.spread(y, theirs, edges_of(y))
    assert ours.masses.dtype == torch.int64
    assert not ours.masses.any()
    assert torch.allclose(ours.density, theirs.density, atol=600 / 2**30)  # rounding of weights
    assert float(ours.density.double().sum()) == pytest.approx(n, rel=1e-6)


@pytest.mark.parametrize("n", [1, 128, 301])
def test_field_and_forces_are_those_of_the_torch_operations(triton, n):
    y = points(n)
    lattice = lattice_around(y)
    TORCH.spread(y, lattice, edges_of(y))
    field, z = convolve(lattice), torch.zeros(2, dtype=torch.float64)
    ours, theirs = torch.empty_like(y), torch.empty_like(y)
    triton.read(y, lattice, field, edges_of(y), ours, z[0])
    TORCH.read(y, lattice, field, edges_of(y), theirs, z[1])
    assert torch.allclose(*z, rtol=1e-5, atol=1e-4)
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()) + 1e-5)


def test_points_outside_the_mesh_write_and_read_only_inside_it(triton):
    y = points(40)
    lattice = make_lattice(Shape(40, 0.4), CPU)
    guarded = torch.zeros(3 * 400, dtype=torch.int64)
    inside = lattice._replace(masses=guarded[400:800].view(1, 20, 20))
    triton.spread(y, inside, torch.zeros(4))
    assert not guarded.any()
    assert float(lattice.density.sum()) == pytest.approx(40, rel=1e-6)
    assert not lattice.density[20:].any()
    assert not lattice.density[:, 20:].any()


@pytest.mark.parametrize("n", [3, 129, 300])
def test_a_step_is_that_of_the_torch_operations(triton, n):
    random = torch.Generator().manual_seed(0)

    def arrays(count: int) -> list[torch.Tensor]:
        return [torch.randn((n, 2), generator=random).T for _ in range(count)]

    y, velocity, gains, pull, push = arrays(5)
    constants = constants_of(Phase(9, 12.0, 0.8, 3.0), CPU)
    gains, rates = gains.abs(), torch.linspace(1, 60, n)
    z = torch.tensor(7.5, dtype=torch.float64)
    moved, boxes = [], []
    for operations in (triton, TORCH):
        motion = Motion(y.clone(), velocity.clone(), gains.clone())
        parts = torch.empty((4, operations.parts(n)))
        operations.move(motion, pull, push, z, constants, rates, parts)
        moved.append(motion)
        box = Box(parts, torch.empty(4), torch.full((2,), -torch.inf))
        operations.note(box)
        boxes.append(box)
        assert torch.equal(box.edges, edges_of(motion.y))
    for ours, theirs in zip(*moved, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert torch.allclose(boxes[0].extremes, boxes[1].extremes, rtol=1e-4)
    assert float(moved[0].velocity.abs().max()) == 5.0


def test_the_extremes_are_the_largest_and_the_smallest_extent(triton):
    for operations in (triton, TORCH):
        parts = torch.tensor([[1.0, 0.0], [2.0, 4.0], [-3.0, -2.0], [-5.0, -6.0]])
        box = Box(parts, torch.empty(4), torch.tensor([3.0, -3.5]))
        operations.note(box)
        assert box.edges.tolist() == [0, 2, -3, -6]
        assert box.extremes.tolist() == [4, -3.5]


def test_the_splines_are_those_of_the_mesh(triton):
    n = 200
    place = torch.linspace(0, 0.98, n)
    y = torch.stack([7 + place, torch.full((n,), 9.0)], 1).T
    lattice = make_lattice(Shape(60, 1.0), CPU)
    field = torch.randn((60, 60), generator=torch.Generator().manual_seed(0))
    z = torch.zeros((), dtype=torch.float64)
    triton.read(y, lattice, field, torch.zeros(4), torch.empty_like(y), z)
    (w0, _), (w1, _) = spline(place + EDGE), spline(torch.full((n,), EDGE))
    expected = torch.einsum("an,ab,bn->n", w0, field[7:12, 9:14], w1).sum()
    assert float(z) == pytest.approx(float(expected) - n * lattice.kernel.self_field, abs=1e-3)


def test_a_descent_with_kernels_stays_beside_one_with_torch_operations(triton):
    n = 520
    pairs = pairs_of(n)
    ends = []
    for operations in (triton, TORCH):
        state = DeviceState(points(n).T)
        DeviceDescent(state, pairs, operations).advance(default_schedule(n), 3)
        ends.append(state.motion.y)
    assert torch.allclose(*ends, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def search():
    return TritonSearch()


@pytest.mark.parametrize(("n", "k"), [(150, 20), (110, 100), (40, 39)])
def test_neighbours_are_those_of_the_torch_operations(search, n, k):
    X = torch.randn((n, 70), generator=torch.Generator().manual_seed(1))
    ours, theirs = exact_neighbors(X, k, search=search), exact_neighbors(X, k)
    assert torch.equal(ours.indices, theirs.indices)
    assert torch.allclose(ours.squared, theirs.squared, rtol=1e-4)


def test_neighbours_of_queries_are_those_of_the_torch_operations(search):
    X = torch.randn((150, 7), generator=torch.Generator().manual_seed(1))
    ours, theirs = (exact_neighbors(X, 9, queries=X[90:], search=s) for s in (search, TORCH_SEARCH))
    assert torch.equal(ours.indices, theirs.indices)
    assert torch.equal(ours.indices[:, 0], torch.arange(90, 150).int())


def test_more_equal_rows_than_there_is_room_for_are_searched_otherwise(search):
    X = torch.zeros((160, 3))
    X[140:] = torch.randn((20, 3), generator=torch.Generator().manual_seed(1))
    ours, theirs = exact_neighbors(X, 12, search=search), exact_neighbors(X, 12)
    assert not ours.squared.isnan().any()
    assert torch.allclose(ours.squared, theirs.squared, rtol=1e-4)


def test_cells_are_searched_as_with_the_torch_operations(search):
    X = torch.randn((200, 5), generator=torch.Generator().manual_seed(1))
    cells = inverted_file.Cells(X)
    ours, theirs = (
        inverted_file.approximate_neighbors(X[cells.order], cells, 15, s)[0]
        for s in (search, TORCH_SEARCH)
    )
    assert (ours.indices == theirs.indices).float().mean() > 0.999


@pytest.mark.parametrize("k", [5, 90, 300])
def test_probabilities_are_those_of_the_torch_operations(search, k):
    squared = torch.rand((6, k), generator=torch.Generator().manual_seed(1))
    squared[0] = 1.0
    ours, theirs = (s.probabilities(squared, k / 3) for s in (search, TORCH_SEARCH))
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-7)
