"""The stages of a fit on a GPU, on tensors of the CPU: they compute what the CPU's compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from tests.projection.gpu_inputs import (
    CPU,
    clustered,
    pairs_of,
    scaled,
    without_ties,
)
from tsne_widget import InvalidInputError
from tsne_widget.projection import repulsion
from tsne_widget.projection.forces import TorchForces
from tsne_widget.projection.gpu import fit as fit_module
from tsne_widget.projection.gpu import inverted_file, probabilities
from tsne_widget.projection.gpu import lattice as lattice_module
from tsne_widget.projection.gpu import operations as operations_module
from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.features import (
    DeviceScaler,
    copied,
    principal_components,
    scaled_features,
)
from tsne_widget.projection.gpu.lattice import convolve, make_lattice, shape_for
from tsne_widget.projection.gpu.operations import TorchOperations, edges_of, sums_of_rows
from tsne_widget.projection.gpu.perplexity import conditional_probabilities
from tsne_widget.projection.gpu.probabilities import joint_probabilities, strongest
from tsne_widget.projection.gpu.products import Products, parts_of
from tsne_widget.projection.gpu.search import exact_neighbors
from tsne_widget.projection.inputs import Scaler
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.optimize import State, descend
from tsne_widget.projection.placement import Placement
from tsne_widget.projection.quality import affinities
from tsne_widget.projection.schedule import default_schedule
from tsne_widget.projection.start import principal
from tsne_widget.projection.workers import Workers


@pytest.fixture
def workers():
    with Workers(1) as pool:
        yield pool


class TestFeatures:
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    @pytest.mark.parametrize("power", [-20, 0, 30])
    def test_scaled_features_are_those_of_the_cpu(self, digits, power, kind):
        X = np.ldexp(digits + 100, power).astype(kind)
        scaler, there = scaled_features(X, CPU)
        assert isinstance(scaler, DeviceScaler)
        assert np.allclose(there.numpy(), Scaler(X)(X), atol=1e-6)

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_new_rows_are_scaled_to_the_bits_of_the_fitted_ones(self, digits, kind):
        X = (digits * 0.37 - 5).astype(kind)
        scaler, there = scaled_features(X, CPU)
        assert np.array_equal(scaler(X), there.numpy())

    @pytest.mark.parametrize("X", ["uint8", "far"])
    def test_other_types_and_extreme_scales_are_scaled_on_the_cpu(self, digits, X):
        given = digits.astype(np.uint8) if X == "uint8" else digits * np.float32(2.0**100)
        scaler, there = scaled_features(given, CPU)
        assert type(scaler) is Scaler
        assert np.array_equal(there.numpy(), scaler(given))

    def test_nan_and_constant_features_are_refused(self, digits):
        broken = digits.copy()
        broken[7, 3] = np.nan
        with pytest.raises(InvalidInputError, match=r"1 of 600 rows \(rows 7\)"):
            scaled_features(broken, CPU)
        with pytest.raises(InvalidInputError, match="constant over 50 samples"):
            scaled_features(np.full((50, 8), 3, np.float32), CPU)

    def test_a_read_only_map_is_copied_in_blocks(self, digits, tmp_path, monkeypatch):
        monkeypatch.setattr("tsne_widget.projection.gpu.features.COPY_BYTES", 4 * 64 * 7)
        np.save(tmp_path / "X.npy", digits)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        assert np.array_equal(copied(mapped, CPU).numpy(), digits)
        assert np.array_equal(copied(digits[::-1], CPU).numpy(), digits[::-1])

    @pytest.mark.parametrize("d", [1, 2, 64])
    def test_principal_components_are_those_of_the_cpu(self, digits, workers, d):
        X = Scaler(digits[:, 20 : 20 + d])(digits[:, 20 : 20 + d]) if d < 64 else digits
        there, here = principal_components(torch.from_numpy(X)), principal(X, workers)
        assert np.allclose(there, here, atol=2e-3)


class TestNeighbours:
    def test_exact_neighbours_are_those_of_the_cpu(self, workers, monkeypatch):
        monkeypatch.setattr("tsne_widget.projection.gpu.search.HOST_BLOCK_BYTES", 4 * 600 * 70)
        X = without_ties(600)
        there, here = exact_neighbors(torch.from_numpy(X), 30), nearest(X, 30, workers)
        assert (there.indices.numpy() == here.indices).mean() > 0.99
        assert np.allclose(there.squared, here.squared, rtol=1e-4)

    def test_every_other_row_can_be_a_neighbour(self, digits):
        found = exact_neighbors(torch.from_numpy(digits[:20]), 19).indices
        assert [sorted(row) for row in found.tolist()] == [
            [j for j in range(20) if j != i] for i in range(20)
        ]

    def test_sums_of_products_of_parts_have_the_digits_of_float32(self):
        X = torch.randn((300, 51), generator=torch.Generator().manual_seed(0)) + 3
        exact = X.double().square().sum(1) - 2 * X[40:90].double() @ X.double().T
        for first in (40, -1):
            split = Products(X, is_split=True).of(X[40:90], first)
            assert torch.allclose(split.double(), exact, atol=1e-5 * float(exact.abs().max()))
        chosen = torch.tensor([40, 41, 7, 8])
        some = Products(X, is_split=True).among(chosen, 3).of(X[40:42], 0)
        assert torch.allclose(some[:, :3].double(), exact[:2, chosen[:3]], atol=1e-2)
        assert some[:, 3].isinf().all()

    def test_parts_have_no_more_digits_than_tf32(self):
        X = torch.randn((300, 51), generator=torch.Generator().manual_seed(0))
        parts = parts_of(X).view(300, 4, 52)
        assert not (parts[:, 0].contiguous().view(torch.int32) & 0x1FFF).any()
        assert torch.equal(parts[:, 0, :51] + parts[:, 1, :51], X)
        assert float((parts[:, 1].abs() / parts[:, 0].abs().clamp(min=1e-30)).max()) <= 2.0**-11
        assert torch.equal(parts[:, 2], parts[:, 3])

    def test_queries_find_themselves_at_distance_zero(self, digits):
        X = torch.from_numpy(digits)
        found = exact_neighbors(X, 5, queries=X[100:110])
        assert torch.equal(found.indices[:, 0], torch.arange(100, 110).int())
        assert not found.squared[:, 0].any()

    def test_distances_between_near_duplicates_survive_cancellation(self):
        random = np.random.default_rng(0)
        pairs = np.repeat(random.normal(size=(100, 30)), 2, axis=0)
        X = (pairs + 1e-5 * random.normal(size=pairs.shape)).astype(np.float32)
        found = exact_neighbors(torch.from_numpy(X), 5)
        assert np.array_equal(found.indices[:, 0], np.arange(200) ^ 1)
        exact = ((X[0::2].astype("f8") - X[1::2]) ** 2).sum(1)
        assert np.allclose(found.squared[::2, 0], exact, rtol=1e-3)

    def test_the_inverted_file_reaches_its_recall_and_measures_it(self, all_digits):
        X = torch.from_numpy(all_digits)
        cells = inverted_file.Cells(X)
        assert sorted(cells.order.tolist()) == list(range(len(X)))
        ordered = X[cells.order]
        found, recall = inverted_file.approximate_neighbors(ordered, cells, 30)
        true = exact_neighbors(ordered, 30)
        share = (found.squared <= true.squared[:, -1:] * (1 + 1e-5)).float().mean()
        assert recall == pytest.approx(float(share), abs=0.02)
        assert recall >= 0.97
        assert (found.indices != torch.arange(len(X))[:, None]).all()
        assert (found.squared.diff(dim=1) >= 0).all()

    def test_cells_with_too_few_rows_are_searched_with_more_cells(self):
        random = np.random.default_rng(0)
        X = np.concatenate([random.normal(size=(300, 3)), 100 + 50 * random.normal(size=(30, 3))])
        X = torch.from_numpy(X.astype(np.float32))
        cells = inverted_file.Cells(X)
        found, _ = inverted_file.approximate_neighbors(X[cells.order], cells, 60)
        assert (found.indices >= 0).all()
        assert all(len(set(row)) == 60 for row in found.indices.tolist())

    def test_equal_rows_have_neighbours_other_than_themselves(self):
        X = torch.zeros((400, 3))
        X[200:] = 1
        cells = inverted_file.Cells(X)
        found, recall = inverted_file.approximate_neighbors(X[cells.order], cells, 20)
        assert (found.indices != torch.arange(400)[:, None]).all()
        assert recall == 1

    def test_recall_is_the_share_of_true_neighbours(self):
        X = torch.arange(100.0)[:, None] ** 2
        true = exact_neighbors(X, 4)
        wrong = true.squared.clone()
        wrong[:, 2:] += 1e6
        assert inverted_file.recall(X, true) == 1
        assert inverted_file.recall(X, true._replace(squared=wrong)) == pytest.approx(0.5)


class TestProbabilities:
    @pytest.mark.parametrize("keys", [2**26, 2000])
    def test_pairs_are_those_of_the_cpu_in_both_directions(self, keys):
        X = without_ties(600)
        here = affinities(X, 20)
        there = joint_probabilities(exact_neighbors(scaled(X), 60), 20, pairs_per_block=keys)
        n = len(X)
        lower = sparse.csr_matrix((here.values, here.others, here.starts), shape=(n, n))
        both = (lower + lower.T).tocsr()
        ours = sparse.csr_matrix((there.values, there.others, there.starts), shape=(n, n))
        ours.sort_indices()
        both.sort_indices()
        assert np.array_equal(ours.indptr, both.indptr)
        assert np.array_equal(ours.indices, both.indices)
        assert np.allclose(ours.data, both.data, rtol=1e-3, atol=1e-9)
        assert float(there.values.double().sum()) == pytest.approx(1, abs=1e-6)

    def test_the_strongest_pairs_are_those_of_the_cpu(self, monkeypatch):
        monkeypatch.setattr(probabilities, "PAIRS_PER_BLOCK", 5_000)
        X = np.vstack([clustered(600), [[1e3, 1e3]]]).astype(np.float32)  # a row far from all
        here, there = affinities(X, 20).strongest(0.2), strongest(pairs_of(X), 0.2)
        assert int(there.starts[-1]) == len(there.others)
        n = len(X)
        lower = sparse.csr_matrix((here.values, here.others, here.starts), shape=(n, n))
        expected = (lower + lower.T).toarray()
        found = sparse.csr_matrix(
            (there.values, there.others, there.starts), shape=(n, n)
        ).toarray()
        assert np.array_equal(found > 0, found.T > 0)
        assert (found > 0).any(1).all()
        differ = (found > 0) != (expected > 0)  # pairs within 1 % of the limit
        assert differ.mean() < 0.01 * (expected > 0).mean()
        both = (found > 0) & (expected > 0)
        assert np.allclose(found[both], expected[both], rtol=3e-3)

    @pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
    def test_every_row_has_the_perplexity_at_any_scale(self, scale):
        squared = np.sort(np.random.default_rng(0).exponential(size=(50, 30)), axis=1)
        p = conditional_probabilities(torch.from_numpy((scale * squared).astype("f4")), 9).double()
        entropy = -(p * p.clamp(min=1e-300).log()).sum(1)
        assert torch.allclose(entropy.exp(), torch.tensor(9.0).double(), rtol=1e-3)

    def test_equal_distances_give_equal_probabilities(self):
        assert torch.allclose(conditional_probabilities(torch.zeros((3, 10)), 3), torch.tensor(0.1))


class TestForces:
    @pytest.mark.parametrize("pairs_at_once", [2**25, 700])
    def test_attraction_is_that_of_the_cpu(self, workers, pairs_at_once, monkeypatch):
        monkeypatch.setattr(operations_module, "PAIRS_PER_BLOCK", pairs_at_once)
        X = without_ties(600)
        y = torch.from_numpy(clustered(600)).T
        here = TorchForces(affinities(X, 20), workers)
        here.evaluate(y.T)
        there = torch.empty_like(y)
        TorchOperations().attract(y, pairs_of(X), there)
        assert torch.allclose(there, here._pull, rtol=1e-3, atol=1e-4 * float(there.abs().max()))

    @pytest.mark.parametrize("copies", [1, 7])
    def test_repulsion_is_the_sum_over_pairs_within_a_percent(self, copies):
        y = torch.from_numpy(clustered(1500)).T
        exact = torch.empty_like(y, dtype=torch.float64)
        z = repulsion.direct(y.double(), exact)
        push, total = on_mesh(y, copies)
        error = (push - exact).square().sum() / exact.square().sum()
        assert error.sqrt() < 0.01
        assert total == pytest.approx(float(z), rel=2e-4)

    def test_repulsion_is_that_of_the_cpu(self, workers):
        y = torch.from_numpy(clustered(1500))
        here = TorchForces(affinities(np.random.default_rng(0).normal(size=(1500, 4)), 5), workers)
        here.evaluate(y)
        push, _ = on_mesh(y.T, 1)
        error = (push - here._push).square().sum() / here._push.square().sum()
        assert error.sqrt() < 0.01  # two meshes, each within a percent of the sum over pairs

    def test_masses_do_not_depend_on_the_order_of_the_points(self):
        y = torch.from_numpy(clustered(1500)).T
        shuffled = y[:, torch.randperm(1500)].contiguous()
        first, second = (on_mesh(points, 3)[0].double().square().sum() for points in (y, shuffled))
        assert float(first) == pytest.approx(float(second), rel=1e-5)
        lattices = [mesh_of(points, 1) for points in (y, shuffled)]
        for lattice, points in zip(lattices, (y, shuffled), strict=True):
            TorchOperations().spread(points, lattice, edges_of(points))
        assert torch.equal(lattices[0].density, lattices[1].density)

    @pytest.mark.parametrize("n", [300, 700])
    def test_one_iteration_is_that_of_the_cpu(self, all_digits, workers, n):
        X, y = all_digits[:n], clustered(n)
        here = State.at(y)
        descend(here, TorchForces(affinities(X, 20), workers), default_schedule(n), 1)
        there = DeviceState(torch.from_numpy(y))
        DeviceDescent(there, pairs_of(X), TorchOperations()).advance(default_schedule(n), 1)
        moved = (here.y - torch.from_numpy(y)).abs().max()
        assert torch.allclose(there.motion.y.T, here.y, atol=1e-2 * float(moved))

    def test_rows_without_pairs_have_the_sum_zero(self):
        values, starts = torch.arange(1.0, 6.0), torch.tensor([0, 0, 2, 2, 5, 5])
        assert sums_of_rows(values, starts).tolist() == [0, 3, 0, 12, 0]

    def test_a_device_without_sums_of_integers_uses_floats(self, monkeypatch):
        y = torch.from_numpy(clustered(1500)).T
        by_integers = on_mesh(y, 3)[0]
        monkeypatch.setattr(lattice_module, "adds_integers", lambda device: False)
        by_floats = on_mesh(y, 3)[0]
        assert torch.allclose(by_floats, by_integers, atol=1e-3 * float(by_integers.abs().max()))


class TestPlacement:
    def test_new_rows_are_placed_as_on_the_cpu(self, all_digits, workers):
        y = clustered(1500)
        found = nearest(all_digits[:1500], 15, workers, queries=all_digits[1500:])
        here = Placement(y, workers).coordinates(found, workers)
        there = fit_module.DevicePlacement(y, TorchOperations(), CPU).coordinates(found)
        assert np.abs(here - there).max() < 0.02 * np.ptp(y)


def mesh_of(y: torch.Tensor, copies: int):
    extent = float((y.amax(1) - y.amin(1)).amax())
    return make_lattice(shape_for(extent, extent), CPU, copies)


def on_mesh(y: torch.Tensor, copies: int):
    """The repulsion of all points, and Z."""
    lattice, edges = mesh_of(y, copies), edges_of(y)
    TorchOperations().spread(y, lattice, edges)
    push, z = torch.empty_like(y), torch.zeros((), dtype=torch.float64)
    TorchOperations().read(y, lattice, convolve(lattice), edges, push, z)
    return push, float(z)
