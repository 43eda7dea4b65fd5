"""The fit for GPUs in torch operations, on tensors of the CPU: it computes what the CPU's does."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from tsne_widget import TSNE, InvalidInputError
from tsne_widget.errors import DoubtWarning
from tsne_widget.projection import devices, repulsion
from tsne_widget.projection import tsne as tsne_module
from tsne_widget.projection.forces import TorchForces
from tsne_widget.projection.gpu import fit as fit_module
from tsne_widget.projection.gpu import inverted_file, recording, triton_operations
from tsne_widget.projection.gpu import lattice as lattice_module
from tsne_widget.projection.gpu import operations as operations_module
from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.features import (
    DeviceScaler,
    copied,
    principal_components,
    scaled_features,
)
from tsne_widget.projection.gpu.lattice import Shape, convolve, make_lattice, shape_for
from tsne_widget.projection.gpu.objective import KLDivergence
from tsne_widget.projection.gpu.operations import Pairs, TorchOperations, sums_of_rows
from tsne_widget.projection.gpu.probabilities import conditional_probabilities, joint_probabilities
from tsne_widget.projection.gpu.search import exact_neighbors
from tsne_widget.projection.inputs import Scaler
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.optimize import Phase, Schedule, State, default_schedule, descend
from tsne_widget.projection.placement import Placement
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.start import principal
from tsne_widget.projection.workers import Workers

CPU = torch.device("cpu")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def on_gpu(monkeypatch):
    """Run every TSNE by the computation for GPUs, on tensors of the CPU."""
    monkeypatch.setattr(tsne_module, "is_gpu", lambda device: True)


@pytest.fixture
def workers():
    with Workers(1) as pool:
        yield pool


def clustered(n: int) -> np.ndarray:
    """(n, 2) float32 coordinates, similar to a fitted map."""
    random = np.random.default_rng(0)
    centres = random.normal(scale=8, size=(12, 2))
    return (centres[random.integers(12, size=n)] + random.normal(scale=2, size=(n, 2))).astype("f4")


def without_ties(n: int) -> np.ndarray:
    """(n, 10) float32 features whose distances all differ."""
    return np.random.default_rng(1).normal(size=(n, 10)).astype(np.float32)


def pairs_of(X: np.ndarray, perplexity: float = 20) -> Pairs:
    return joint_probabilities(exact_neighbors(scaled(X), round(3 * perplexity)), perplexity)


def scaled(X: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(Scaler(X)(X))


class TestFeatures:
    @pytest.mark.parametrize("power", [-20, 0, 30])
    def test_scaled_features_are_those_of_the_cpu(self, digits, power):
        X = np.ldexp(digits + 100, power)
        scaler, there = scaled_features(X, CPU)
        assert isinstance(scaler, DeviceScaler)
        assert np.allclose(there.numpy(), Scaler(X)(X), atol=1e-6)

    def test_new_rows_are_scaled_to_the_bits_of_the_fitted_ones(self, digits):
        scaler, there = scaled_features(digits, CPU)
        assert np.array_equal(scaler(digits), there.numpy())

    @pytest.mark.parametrize("X", ["float64", "far"])
    def test_other_types_and_extreme_scales_are_scaled_on_the_cpu(self, digits, X):
        given = digits.astype(np.float64) if X == "float64" else digits * np.float32(2.0**100)
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
    def test_exact_neighbours_are_those_of_the_cpu(self, digits, workers, monkeypatch):
        monkeypatch.setattr("tsne_widget.projection.gpu.search.HOST_BLOCK_BYTES", 4 * 600 * 70)
        there, here = exact_neighbors(torch.from_numpy(digits), 30), nearest(digits, 30, workers)
        assert (there.indices.numpy() == here.indices).mean() > 0.99
        assert np.allclose(there.squared, here.squared, rtol=1e-4)

    def test_every_other_row_can_be_a_neighbour(self, digits):
        found = exact_neighbors(torch.from_numpy(digits[:20]), 19).indices
        assert [sorted(row) for row in found.tolist()] == [
            [j for j in range(20) if j != i] for i in range(20)
        ]

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
        there = joint_probabilities(exact_neighbors(scaled(X), 60), 20, keys_per_chunk=keys)
        n = len(X)
        lower = sparse.csr_matrix((here.values, here.others, here.starts), shape=(n, n))
        both = (lower + lower.T).tocsr()
        both.sort_indices()
        assert np.array_equal(there.starts, both.indptr)
        assert np.array_equal(there.others, both.indices)
        assert np.allclose(there.values, both.data, rtol=1e-3, atol=1e-9)
        assert float(there.values.double().sum()) == pytest.approx(1, abs=1e-6)

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
        y = torch.from_numpy(clustered(600)).T.contiguous()
        here = TorchForces(affinities(X, 20), workers)
        here.evaluate(y.T)
        there = torch.empty_like(y)
        TorchOperations().attract(y, pairs_of(X), there)
        assert torch.allclose(there, here._pull, rtol=1e-3, atol=1e-4 * float(there.abs().max()))

    @pytest.mark.parametrize("copies", [1, 7])
    def test_repulsion_is_the_sum_over_pairs_within_a_percent(self, copies):
        y = torch.from_numpy(clustered(1500)).T.contiguous()
        exact = torch.empty_like(y, dtype=torch.float64)
        z = repulsion.direct(y.double(), exact)
        push, total, kernel = on_mesh(y, copies)
        error = (push - exact).square().sum() / exact.square().sum()
        assert error.sqrt() < 0.01
        assert total - len(y[0]) * kernel.self_field == pytest.approx(float(z), rel=2e-4)

    def test_repulsion_is_that_of_the_cpu(self, workers):
        y = torch.from_numpy(clustered(1500))
        here = TorchForces(affinities(np.random.default_rng(0).normal(size=(1500, 4)), 5), workers)
        here.evaluate(y)
        push, _, _ = on_mesh(y.T.contiguous(), 1)
        error = (push - here._push).square().sum() / here._push.square().sum()
        assert error.sqrt() < 0.01  # two meshes, each within a percent of the sum over pairs

    def test_masses_do_not_depend_on_the_order_of_the_points(self):
        y = torch.from_numpy(clustered(1500)).T.contiguous()
        shuffled = y[:, torch.randperm(1500)].contiguous()
        first, second = (on_mesh(points, 3)[0].double().square().sum() for points in (y, shuffled))
        assert float(first) == pytest.approx(float(second), rel=1e-5)
        lattices = [mesh_of(points, 1) for points in (y, shuffled)]
        for lattice, points in zip(lattices, (y, shuffled), strict=True):
            TorchOperations().spread(points, lattice)
        assert torch.equal(lattices[0].masses, lattices[1].masses)

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
        y = torch.from_numpy(clustered(1500)).T.contiguous()
        by_integers = on_mesh(y, 3)[0]
        monkeypatch.setattr(lattice_module, "adds_integers", lambda device: False)
        by_floats = on_mesh(y, 3)[0]
        assert torch.allclose(by_floats, by_integers, atol=1e-3 * float(by_integers.abs().max()))


class TestMesh:
    @pytest.mark.parametrize("extent", [0.11, 1.0, 16.0, 300.0, 5e3, 1e5])
    def test_a_mesh_covers_the_expected_map(self, extent):
        for growth in (1.0, 1.05, 4.0, 100.0):
            shape = shape_for(extent, growth * extent)
            assert shape.capacity >= growth * extent
            assert shape.size >= 2 * shape.cells
            assert shape.cells <= 5000

    def test_a_mesh_is_kept_while_it_suits(self):
        first = shape_for(50, 60)
        assert shape_for(52, 55, first) is first
        assert shape_for(150, 160, first) != first
        assert shape_for(20, 21, first).cells < first.cells

    def test_widths_of_a_small_map_are_powers_of_two(self):
        cells = {shape_for(extent, extent).cell for extent in np.linspace(0.1, 15, 400)}
        assert len(cells) <= 9
        assert all(float(np.log2(cell)).is_integer() for cell in cells)


class TestDescent:
    def test_a_block_whose_mesh_becomes_too_small_is_repeated(self, digits, monkeypatch):
        shapes = []

        def tight(extent, expected, last=None):
            shapes.append(shape_for(extent, expected))
            return shapes[-1] if len(shapes) > 1 else Shape(40, 0.05)  # covers 0.7 units

        monkeypatch.setattr("tsne_widget.projection.gpu.descent.shape_for", tight)
        repeated, plain = (DeviceState(torch.from_numpy(clustered(600))) for _ in range(2))
        descent = DeviceDescent(repeated, pairs_of(digits), TorchOperations())
        descent.advance(default_schedule(600), 10)
        assert len(shapes) == 2
        assert repeated.iteration == 10
        DeviceDescent(plain, pairs_of(digits), TorchOperations()).advance(default_schedule(600), 10)
        assert torch.allclose(repeated.motion.y, plain.motion.y, atol=0.05)

    def test_no_point_is_outside_the_mesh_in_a_block_that_is_kept(self, digits, monkeypatch):
        outside, starts, repeats = [], [], []
        spread, begin = TorchOperations.spread, DeviceDescent._begin_with
        repeat = DeviceDescent._return_to_start

        def checked(self, y, lattice):
            scaled = (y - lattice.origin[:, None]) / lattice.shape.cell
            outside.append(bool((scaled > lattice.shape.cells - 5.5).any() or (scaled < 0).any()))
            spread(self, y, lattice)

        def noted(self, extent, expected):
            starts.append(len(outside))
            return begin(self, extent, expected)

        def forgotten(self, block):
            repeats.append(any(outside[starts[-1] :]))
            del outside[starts[-1] :]
            repeat(self, block)

        monkeypatch.setattr(TorchOperations, "spread", checked)
        monkeypatch.setattr(DeviceDescent, "_begin_with", noted)
        monkeypatch.setattr(DeviceDescent, "_return_to_start", forgotten)
        start = 1e-4 * torch.randn((600, 2), generator=torch.Generator().manual_seed(0))
        state = DeviceState(start)
        DeviceDescent(state, pairs_of(digits), TorchOperations()).advance(short_schedule(600), 90)
        assert any(repeats)
        assert not any(outside)

    def test_the_result_does_not_depend_on_where_the_iterations_are_divided(self, digits):
        pairs, ends = pairs_of(digits), []
        for stops in ((73,), (1, 13, 20, 38, 41, 73)):
            state = DeviceState(torch.from_numpy(clustered(600)))
            for stop in stops:
                DeviceDescent(state, pairs, TorchOperations()).advance(short_schedule(600), stop)
            ends.append(state.motion.y)
        assert torch.equal(*ends)

    def test_a_schedule_is_followed_to_the_iteration(self, digits, monkeypatch):
        seen = []
        move = TorchOperations.move

        def noted(self, motion, pull, push, z, phase):
            seen.append(phase.momentum)
            move(self, motion, pull, push, z, phase)

        monkeypatch.setattr(TorchOperations, "move", noted)
        state = DeviceState(torch.from_numpy(clustered(600)))
        schedule = Schedule((Phase(7, 4, 0.1, 50), Phase(3, 4, 0.2, 50), Phase(1, 1, 0.3, 50)))
        DeviceDescent(state, pairs_of(digits), TorchOperations()).advance(schedule, 15)
        assert seen == [0.1] * 7 + [0.2] * 3 + [0.3] * 5

    def test_an_error_within_a_block_leaves_its_start_and_the_rest_gives_the_same_bits(
        self, digits, monkeypatch
    ):
        pairs = pairs_of(digits)
        whole, broken = (DeviceState(torch.from_numpy(clustered(600))) for _ in range(2))
        DeviceDescent(whole, pairs, TorchOperations()).advance(short_schedule(600), 40)
        move, count = TorchOperations.move, 0

        def failing(self, *arguments):
            nonlocal count
            count += 1
            if count == 27:
                raise KeyboardInterrupt
            move(self, *arguments)

        monkeypatch.setattr(TorchOperations, "move", failing)
        with pytest.raises(KeyboardInterrupt):
            DeviceDescent(broken, pairs, TorchOperations()).advance(short_schedule(600), 40)
        assert broken.iteration == 20
        DeviceDescent(broken, pairs, TorchOperations()).advance(short_schedule(600), 40)
        assert torch.equal(broken.motion.y, whole.motion.y)

    def test_divergences_are_the_exact_one_and_an_estimate(self, digits):
        P, y = affinities(digits, 20), clustered(600)
        state = DeviceState(torch.from_numpy(y))
        descent = DeviceDescent(state, pairs_of(digits), TorchOperations())
        exact = kl_divergence(P, y)
        assert descent.kl_divergence() == pytest.approx(exact, abs=1e-3)
        assert descent.kl_divergence(estimate=True) == pytest.approx(exact, abs=0.02)

    def test_a_sample_of_pairs_estimates_the_divergence(self, digits, monkeypatch):
        monkeypatch.setattr("tsne_widget.projection.gpu.objective.SAMPLE", 20_000)
        measure = KLDivergence(pairs_of(digits))
        y = torch.from_numpy(clustered(600)).T.contiguous()
        assert measure.estimate(y) == pytest.approx(measure.exact(y), abs=0.03)


class TestRecorder:
    """The order of recording and replaying, with a graph that calls the work again."""

    @pytest.fixture
    def recorder(self, monkeypatch):
        recorder = recording.Recorder(CPU)
        recorder._works = True
        self.recorded = []

        class Graph:
            def __init__(self, work):
                self.replay = work

        def record(work):
            self.recorded.append(work)
            return Graph(work)

        monkeypatch.setattr(recorder, "_record", record)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: torch.Stream("cpu"))
        return recorder

    def test_work_runs_once_before_it_is_recorded_and_once_for_each_call(self, recorder):
        calls = []
        for _ in range(4):
            recorder.run("key", lambda: calls.append(1))
        assert len(calls) == 4
        assert len(self.recorded) == 1

    def test_work_that_cannot_be_recorded_is_called(self, recorder, monkeypatch):
        monkeypatch.setattr(recorder, "_record", lambda work: None)
        calls = []
        for _ in range(3):
            recorder.run("key", lambda: calls.append(1))
        assert len(calls) == 3


class TestPlacement:
    def test_new_rows_are_placed_as_on_the_cpu(self, all_digits, workers):
        y = clustered(1500)
        found = nearest(all_digits[:1500], 15, workers, queries=all_digits[1500:])
        here = Placement(y, workers).coordinates(found, workers)
        there = fit_module.DevicePlacement(y, TorchOperations(), CPU).coordinates(found)
        assert np.abs(here - there).max() < 0.02 * np.ptp(y)


class TestEstimator:
    def test_the_map_is_as_good_as_that_of_the_cpu(self, digits, on_gpu, monkeypatch):
        P = affinities(digits)
        there = TSNE(random_state=0).fit(digits)
        assert isinstance(there._fit, fit_module.DeviceFit)
        monkeypatch.undo()
        here = TSNE(random_state=0).fit(digits)
        assert kl_divergence(P, there.embedding_) == pytest.approx(here.kl_divergence_, abs=0.005)
        assert there.kl_divergence_ == pytest.approx(kl_divergence(P, there.embedding_), abs=1e-3)
        assert there.neighbors_recall_ == here.neighbors_recall_ == 1

    @pytest.mark.slow
    @pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is absent")
    def test_overlapping_features_are_mapped_as_well_as_on_the_cpu(self, on_gpu, monkeypatch):
        X = resnet_features(1000)
        there = TSNE(random_state=0).fit(X)
        monkeypatch.undo()
        here = TSNE(random_state=0).fit(X)
        assert there.kl_divergence_ == pytest.approx(here.kl_divergence_, abs=0.005)

    def test_the_same_seed_gives_the_same_bits_whatever_the_callback(self, digits, on_gpu):
        plain = TSNE(random_state=3, max_iter=60).fit_transform(digits)
        seen = []
        watched = TSNE(
            random_state=3, max_iter=60, callback=lambda i, y, kl: seen.append(i), callback_every=7
        )
        assert np.array_equal(watched.fit_transform(digits), plain)
        assert seen == list(range(0, 60, 7))

    def test_a_callback_that_returns_true_stops_and_warm_start_continues(self, digits, on_gpu):
        whole = TSNE(random_state=0, max_iter=60).fit_transform(digits)
        tsne = TSNE(
            random_state=0, max_iter=60, callback=lambda i, y, kl: i == 33, callback_every=11
        ).fit(digits)
        assert (tsne.n_iter_, tsne.complete_) == (33, False)
        tsne.set_params(callback=None, warm_start=True)
        assert np.array_equal(tsne.fit_transform(digits), whole)
        with pytest.raises(InvalidInputError, match="X has changed"):
            tsne.fit(digits[::-1])

    @pytest.mark.parametrize("neighbors", ["exact", "approximate"])
    def test_rows_keep_their_numbers_when_the_fit_reorders_them(
        self, digits, on_gpu, neighbors, monkeypatch
    ):
        monkeypatch.setattr(fit_module, "ORDERED_ROWS", 10)
        start = clustered(600)
        seen = []
        tsne = TSNE(init=start, neighbors=neighbors, callback=lambda i, y, kl: seen.append(y))
        embedding = tsne.set_params(max_iter=60).fit_transform(digits)
        assert np.array_equal(seen[0], start)
        assert np.array_equal(tsne.transform(digits[5:9]), embedding[5:9])
        plain = NearestNeighbors(n_neighbors=10).fit(digits).kneighbors(return_distance=False)
        near = np.linalg.norm(embedding[plain] - embedding[:, None], axis=2).mean()
        apart = np.linalg.norm(embedding[::-1] - embedding, axis=1).mean()
        assert near < 0.5 * apart
        assert tsne.neighbors_ == neighbors
        assert tsne.neighbors_recall_ > 0.97
        tsne.set_params(warm_start=True, max_iter=61).fit(digits)
        assert tsne.n_iter_ == 61

    def test_principal_components_start_in_the_order_of_the_rows(self, digits, on_gpu, monkeypatch):
        starts = []
        for rows in (10, 10**9):
            monkeypatch.setattr(fit_module, "ORDERED_ROWS", rows)
            tsne = TSNE(random_state=0, callback=lambda i, y, kl: starts.append(y) or True)
            tsne.fit(digits)
        assert np.allclose(starts[0], starts[1], atol=2e-6)

    @pytest.mark.parametrize("metric", ["cosine", "precomputed"])
    def test_metrics_work(self, digits, on_gpu, metric, monkeypatch):
        X = pairwise_distances(digits) if metric == "precomputed" else digits
        tsne = TSNE(metric=metric, init="random", random_state=0, max_iter=40)
        there = tsne.fit(X)
        first = there.kl_divergence_
        assert np.isnan(there.neighbors_recall_) == (metric == "precomputed")
        monkeypatch.undo()
        assert first == pytest.approx(tsne.fit(X).kl_divergence_, abs=0.02)

    def test_a_line_stays_a_line(self, digits, on_gpu):
        tsne = TSNE(1, random_state=0, max_iter=40)
        assert tsne.fit_transform(digits).shape == (600, 1)
        assert not tsne._fit.coordinates()[:, 1].any()

    def test_landmarks_are_fitted_and_the_others_placed(self, all_digits, on_gpu):
        tsne = TSNE(landmarks=520, random_state=0, max_iter=100)
        embedding = tsne.fit_transform(all_digits)
        assert np.isfinite(embedding).all()
        landmarks = tsne.landmarks_
        assert np.array_equal(tsne.transform(all_digits[landmarks]), embedding[landmarks])
        assert np.allclose(tsne.transform(all_digits), embedding, atol=1e-2)

    def test_a_fitted_estimator_is_pickled_and_continues(self, digits, on_gpu):
        tsne = TSNE(random_state=0, max_iter=25).fit(digits)
        again = pickle.loads(pickle.dumps(tsne))
        assert np.array_equal(again.transform(digits[:5]), tsne.embedding_[:5])
        whole = TSNE(random_state=0, max_iter=40).fit_transform(digits)
        again.set_params(max_iter=40, warm_start=True)
        assert np.array_equal(again.fit_transform(digits), whole)

    def test_small_samples_are_mapped(self, on_gpu):
        for n in (4, 7, 40):
            X = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
            assert np.isfinite(TSNE(random_state=0, max_iter=50).fit_transform(X)).all()

    def test_a_learning_rate_beyond_reason_leaves_finite_coordinates(self, digits, on_gpu):
        assert np.isfinite(TSNE(learning_rate=1e12, max_iter=30).fit_transform(digits)).all()

    def test_the_callback_is_told_the_stages_before_the_first_iteration(self, digits, on_gpu):
        class Callback:
            def __init__(self):
                self.stages = []

            def __call__(self, iteration, embedding, kl):
                self.stages.append(iteration)

            def stage(self, text):
                self.stages.append(text)

        callback = Callback()
        TSNE(max_iter=1, callback=callback).fit(digits)
        assert callback.stages[:2] == ["copying the features", "finding neighbours"]
        assert callback.stages[-1] == 0


class TestChoiceOfDevice:
    def test_without_a_gpu_a_fit_runs_on_the_cpu(self, digits):
        tsne = TSNE(max_iter=1).fit(digits)
        assert tsne.device_ == "cpu"
        assert type(tsne._fit).__name__ == "HostFit"

    def test_a_cuda_gpu_is_chosen_from_a_number_of_rows_on(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(devices, "free_bytes", lambda device: 80e9)
        monkeypatch.setattr(devices, "block_bytes", lambda device: 1e9)
        assert devices.choose_device(None, devices.GPU_ROWS, 50, 90) == ("cuda", None)
        assert devices.choose_device(None, devices.GPU_ROWS - 1, 50, 90) == ("cpu", None)
        assert devices.choose_device("cpu", 10**6, 50, 90) == ("cpu", None)
        assert devices.choose_device("cuda", 10, 50, 9) == ("cuda", None)

    def test_too_little_memory_is_a_note_or_for_a_named_device_an_error(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(devices, "free_bytes", lambda device: 2e9)
        monkeypatch.setattr(devices, "block_bytes", lambda device: 1e9)
        device, note = devices.choose_device(None, 10**6, 50, 90)
        assert device == "cpu"
        assert "1,000,000 × 50 needs about" in note
        assert "2.0 GB are free, so t-SNE runs on the CPU" in note
        with pytest.raises(
            InvalidInputError, match=r"device='cuda': a fit of 1,000,000 × 50 needs"
        ):
            devices.choose_device("cuda", 10**6, 50, 90)

    def test_the_estimate_covers_what_a_fit_holds(self):
        n, k = 10**6, 90
        needed = devices.needed_bytes(n, 50, k, "cpu")
        assert needed > 4 * n * 50 + 8 * n * k + 16 * n * k
        assert needed < 12e9

    def test_a_device_that_computes_nothing_is_refused(self, digits):
        with pytest.raises(InvalidInputError, match="device='meta' computes nothing"):
            TSNE(device="meta").fit(digits)

    @pytest.mark.parametrize(
        "error", [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("no kernel")]
    )
    def test_a_gpu_that_fails_leaves_the_fit_to_the_cpu_with_a_note(
        self, digits, on_gpu, monkeypatch, error
    ):
        def failing(*arguments):
            raise error

        monkeypatch.setattr(fit_module, "DeviceFit", failing)
        with pytest.warns(DoubtWarning, match="so t-SNE runs on the CPU"):
            tsne = TSNE(max_iter=1).fit(digits)
        assert tsne.device_ == "cpu"
        with pytest.raises((InvalidInputError, RuntimeError), match=r"too little free|no kernel"):
            TSNE(device="cpu", max_iter=1).fit(digits)


class TestKernels:
    def test_triton_is_not_used_on_the_cpu(self):
        assert not triton_operations.can_run(CPU)
        operations, note = triton_operations.compiled_operations(CPU)
        assert operations.name == "torch"
        assert note is None

    def test_a_compiler_that_fails_leaves_torch_operations_and_a_note(self, digits, monkeypatch):
        class Broken:
            def __init__(self):
                raise RuntimeError("ptxas: not found\nmore")

        monkeypatch.setattr(triton_operations, "can_run", lambda device: True)
        monkeypatch.setattr(triton_operations, "TritonOperations", Broken)
        operations, note = triton_operations.compiled_operations(CPU)
        assert operations.name == "torch"
        assert "(ptxas: not found)" in note
        assert "slower torch operations" in note

    def test_the_note_of_the_compiler_reaches_the_caller(self, digits, on_gpu, monkeypatch):
        monkeypatch.setattr(
            fit_module, "operations_of", lambda device: (TorchOperations(), "slow kernels")
        )
        with pytest.warns(DoubtWarning, match="slow kernels"):
            TSNE(max_iter=1).fit(digits)


def mesh_of(y: torch.Tensor, copies: int):
    low, high = y.amin(1), y.amax(1)
    extent = float((high - low).amax())
    lattice = make_lattice(shape_for(extent, extent), CPU, copies)
    torch.sub(low, 0.01 * lattice.shape.cell, out=lattice.origin)
    return lattice


def on_mesh(y: torch.Tensor, copies: int):
    """The repulsion of all points, Σ Φ, and the influence function."""
    lattice = mesh_of(y, copies)
    TorchOperations().spread(y, lattice)
    push, phi = torch.empty_like(y), torch.empty_like(y[0])
    TorchOperations().read(y, lattice, convolve(lattice), push, phi)
    return push, float(phi.double().sum()), lattice.kernel


def short_schedule(n: int) -> Schedule:
    """Two phases in eighty iterations."""
    return Schedule((Phase(35, 12, 0.8, n / 12), Phase(45, 1, 0.9, float(n), is_fresh=True)))


def resnet_features(n: int) -> np.ndarray:
    """(n, 64) features of a CIFAR ResNet, whose classes overlap."""
    import sys

    from safetensors.torch import load_file

    sys.path.insert(0, str(SHARED))
    from models import CifarResNet

    net = CifarResNet(3)
    net.load_state_dict(load_file(SHARED / "weights" / "cifar10_resnet20.safetensors"))
    net.eval()
    found = []
    net.linear.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0]))
    with np.load(SHARED / "cifar10" / "cifar10_test_0_4999.npz") as arrays:
        images = torch.from_numpy(arrays["images"][:n]).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        net((images - mean[:, None, None]) / std[:, None, None])
    return torch.cat(found).numpy()
