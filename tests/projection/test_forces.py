"""Neighbours, probabilities and forces agree with direct computations of their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from tsne_widget.projection import TSNE, compiled, optimize, repulsion, schedule, tiles
from tsne_widget.projection import forces as forces_module
from tsne_widget.projection import mesh as mesh_module
from tsne_widget.projection import neighbors as neighbors_module
from tsne_widget.projection.affinities import conditional_probabilities, joint_probabilities
from tsne_widget.projection.attraction import (
    Attraction,
    cross_entropy,
    estimated_cross_entropy,
)
from tsne_widget.projection.candidates import smallest
from tsne_widget.projection.inputs import Scaler
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.workers import Workers


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as pool:
        yield pool


def clustered(n: int, seed: int = 0) -> np.ndarray:
    """(n, 2) float32 coordinates, similar to a fitted map."""
    random = np.random.default_rng(seed)
    centres = random.normal(scale=25, size=(20, 2))
    return (centres[random.integers(20, size=n)] + random.normal(scale=3, size=(n, 2))).astype("f4")


class TestNeighbours:
    @pytest.mark.parametrize("way", ["table", "blocks", "tiles"])
    def test_neighbours_are_those_of_scikit_learn(self, digits, workers, way, monkeypatch):
        search_by(way, monkeypatch)
        ours = nearest(digits, 40, workers)
        distances, _ = NearestNeighbors(n_neighbors=40).fit(digits).kneighbors()
        assert np.allclose(ours.squared, distances**2, rtol=1e-4, atol=1e-3)
        differences = digits[ours.indices] - digits[:, None]
        assert np.allclose((differences**2).sum(2), ours.squared, rtol=1e-4, atol=1e-3)
        assert not (ours.indices == np.arange(len(digits))[:, None]).any()

    def test_tiles_find_the_neighbours_of_the_table(self, workers, monkeypatch):
        X = np.random.default_rng(0).normal(size=(1500, 20)).astype(np.float32)
        expected = nearest(X, 90, workers)
        search_by("tiles", monkeypatch)
        monkeypatch.setattr(tiles, "LEAF", 100)
        with Workers(1) as one:
            for pool in (one, workers):
                found = nearest(X, 90, pool)
                np.testing.assert_array_equal(found.indices, expected.indices)
                np.testing.assert_allclose(found.squared, expected.squared, rtol=1e-5)

    @pytest.mark.parametrize("kind", ["copies", "a line", "two rows far away"])
    def test_tiles_serve_rows_that_are_hard_to_divide(self, kind, workers, monkeypatch):
        X = np.zeros((300, 3), np.float32)
        if kind == "a line":
            X[:, 0] = np.linspace(-1, 1, 300)
        elif kind == "two rows far away":
            X[:, 1] = np.sin(np.arange(300))
            X[:2] = 1e6
        search_by("tiles", monkeypatch)
        monkeypatch.setattr(tiles, "LEAF", 20)
        found = nearest(X, 12, workers)
        distances, _ = NearestNeighbors(n_neighbors=12, algorithm="kd_tree").fit(X).kneighbors()
        np.testing.assert_allclose(np.sqrt(found.squared), distances, rtol=1e-4, atol=1e-7)
        assert not (found.indices == np.arange(300)[:, None]).any()

    def test_distances_between_near_duplicates_survive_cancellation(self, workers):
        random = np.random.default_rng(0)
        pairs = np.repeat(random.normal(size=(100, 30)), 2, axis=0)
        X = (pairs + 1e-5 * random.normal(size=pairs.shape)).astype(np.float32)
        found = nearest(X, 5, workers)
        assert np.array_equal(found.indices[:, 0], np.arange(200) ^ 1)
        exact = pairwise_distances(X.astype(np.float64))[np.arange(200), np.arange(200) ^ 1] ** 2
        assert np.allclose(found.squared[:, 0], exact, rtol=1e-3)

    @given(
        m=st.integers(1, 5), n=st.integers(5, 3000), k=st.integers(1, 5), seed=st.integers(0, 99)
    )
    @settings(max_examples=60, deadline=None)
    def test_all_smallest_values_of_a_row_are_found(self, m, n, k, seed):
        values = torch.randint(0, 50, (m, n), generator=torch.Generator().manual_seed(seed)).float()
        found, columns = smallest(values, k)
        assert torch.equal(found.sort(1).values, values.sort(1).values[:, :k])
        assert torch.equal(values.gather(1, columns), found)


class TestProbabilities:
    def test_every_row_has_the_requested_perplexity(self, digits, workers):
        p = conditional_probabilities(nearest(digits, 90, workers).squared, 30, workers).astype(
            np.float64
        )
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
        assert np.allclose(np.exp(entropy), 30, rtol=1e-4)
        assert np.allclose(p.sum(1), 1, atol=1e-5)

    @given(scale=st.floats(1e-30, 1e30), perplexity=st.floats(1.1, 9.5), seed=st.integers(0, 99))
    @settings(max_examples=40, deadline=None)
    def test_perplexity_is_reached_at_any_scale(self, scale, perplexity, seed):
        squared = np.sort(np.random.default_rng(seed).exponential(size=(3, 10)))
        with Workers(1) as one:
            p = conditional_probabilities(
                (scale * squared).astype(np.float32), perplexity, one
            ).astype("f8")
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
        assert np.allclose(np.exp(entropy), perplexity, rtol=1e-3)

    def test_equal_distances_give_equal_probabilities(self, workers):
        p = conditional_probabilities(np.zeros((3, 10), np.float32), 3, workers)
        assert np.allclose(p, 0.1)

    def test_pairs_are_symmetric_and_sum_to_one(self, digits, workers):
        near = nearest(digits, 30, workers)
        P = joint_probabilities(near, 10, workers)
        dense = np.zeros((len(digits), len(digits)))
        np.put_along_axis(
            dense, near.indices, conditional_probabilities(near.squared, 10, workers), axis=1
        )
        expected = (dense + dense.T) / (2 * len(digits))
        rows = np.repeat(np.arange(len(P)), np.diff(P.starts))
        assert (rows < P.others).all()
        assert np.allclose(P.values, expected[rows, P.others], rtol=1e-3)
        assert 2 * P.values.sum() == pytest.approx(1, abs=1e-5)

    def test_weak_pairs_are_left_out_but_no_row_loses_its_strongest(self, digits, workers):
        near = nearest(digits, 60, workers)
        near.squared[7] = 1  # all its neighbours are equally weak
        P = joint_probabilities(near, 20, workers)
        strong = P.strongest(0.3)
        assert 2 * strong.values.sum() == pytest.approx(1, abs=1e-5)
        assert len(strong.others) < 0.6 * len(P.others)
        before, after = dense(P), dense(strong)
        stays = after > 0
        assert before[~stays].sum() < 0.3
        assert np.allclose(after[stays] / before[stays], 1 / before[stays].sum())
        assert stays[np.arange(len(P)), before.argmax(1)].all()


@pytest.fixture(scope="module", params=[800, 6000])
def points(request):
    """(2, n) float32 coordinates, similar to a fitted map."""
    return torch.from_numpy(clustered(request.param)).T.contiguous()


class TestRepulsion:
    def test_mesh_forces_are_the_sum_over_pairs_within_a_percent(self, points, workers):
        exact = torch.empty_like(points, dtype=torch.float64)
        z = repulsion.direct(points.double(), exact)
        forces, mesh_z = by_mesh(points, workers)
        error = (forces - exact).square().sum() / exact.square().sum()
        assert error.sqrt() < 0.01
        assert mesh_z == pytest.approx(float(z), rel=2e-4)

    def test_far_mesh_changes_only_the_time(self, points, workers, monkeypatch):
        two_levels, _ = by_mesh(points, workers)
        monkeypatch.setattr(mesh_module, "TWO_LEVEL_NODES", 10**9)
        one_level, _ = by_mesh(points, workers)
        difference = (two_levels - one_level).square().sum() / one_level.square().sum()
        assert difference.sqrt() < 0.002

    def test_a_point_alone_in_its_neighbourhood_does_not_push_itself(self, workers):
        points = torch.tensor([[0.0, 60.0], [0.13, 41.37]])
        forces, _ = by_mesh(points, workers)
        assert forces.abs().max() < 2e-3

    @pytest.mark.parametrize("width", [1e-4, 1e-2, 0.09])
    def test_map_without_extent_is_repelled_in_closed_form(self, width):
        points = torch.from_numpy(clustered(700)).T.double()
        points = points * (width / (points.amax() - points.amin()))
        exact, close = torch.empty_like(points), torch.empty_like(points)
        z = repulsion.direct(points, exact)
        assert repulsion.closed_form(points, close) == pytest.approx(float(z), rel=1e-4)
        assert torch.allclose(close, exact, rtol=0.03, atol=0.03 * exact.abs().max())

    @pytest.mark.parametrize("extent", [0.2, 3.0, 40.0, 48.1, 200.0, 1e4, 1e7])
    def test_mesh_covers_every_spline_without_wrapping(self, extent):
        mesh = mesh_module.mesh_for((-extent / 2, 0.0), (extent / 2, extent / 3))
        assert (extent / 2 - mesh.origin[0]) / mesh.cell + mesh_module.ORDER <= mesh.cells
        if mesh.far_cells:
            assert mesh.size >= mesh.cells + mesh_module.NEAR_CELLS
            assert mesh.far_cells == mesh.cells // mesh_module.COARSER + mesh_module.ORDER - 2
        else:
            assert mesh.size >= 2 * mesh.cells
        assert mesh.cells <= 1.1 * mesh_module.MAX_CELLS


class TestAttraction:
    def test_forces_are_the_sum_over_pairs(self, digits, workers):
        P = affinities(digits, 20)
        y = clustered(len(digits))
        out = torch.empty((2, len(digits)))
        Attraction(P).forces(torch.from_numpy(y).T.contiguous(), out, workers)
        assert np.allclose(out.T.numpy(), slow_attraction(P, y), rtol=1e-3, atol=1e-6)

    def test_cross_entropy_is_the_sum_over_pairs(self, digits):
        P = affinities(digits, 20)
        y = clustered(len(digits))
        rows = np.repeat(np.arange(len(P)), np.diff(P.starts))
        squared = ((y[rows] - y[P.others]) ** 2).sum(1)
        expected = 2 * (P.values * np.log1p(squared)).sum()
        places = torch.from_numpy(y)
        assert cross_entropy(P, places) == pytest.approx(expected, rel=1e-5)
        assert estimated_cross_entropy(P, places) == pytest.approx(expected, rel=5e-3)


class TestCompiledLoops:
    @pytest.mark.parametrize("n", [300, 1797])
    def test_one_step_equals_the_torch_operations(self, all_digits, workers, n, monkeypatch):
        monkeypatch.setattr(forces_module, "POINTS_PER_LENGTH", 0)  # a mesh for both
        loops = forces_module.compiled_loops()
        if loops is None:
            pytest.skip("numba is not installed")
        P = affinities(all_digits[:n])
        states = []
        for forces in (
            forces_module.NumbaForces(P, workers, loops),
            forces_module.TorchForces(P, workers),
        ):
            state = optimize.State.at(clustered(n))
            optimize.descend(state, forces, schedule.default_schedule(n), 1)
            states.append(state)
        assert torch.allclose(states[0].y, states[1].y, atol=1e-4)
        assert torch.allclose(states[0].velocity, states[1].velocity, rtol=1e-3, atol=1e-5)

    def test_all_pairs_are_summed_where_that_takes_less_time_than_a_mesh(self, all_digits, workers):
        loops = forces_module.compiled_loops()
        if loops is None:
            pytest.skip("numba is not installed")
        y = torch.from_numpy(4 * clustered(1797))  # wide, so that a mesh has many nodes
        exact = torch.empty((2, 1797), dtype=torch.float64)
        z = repulsion.direct(y.T.double(), exact)
        forces = forces_module.NumbaForces(affinities(all_digits), workers, loops)
        assert forces.evaluate(y) == pytest.approx(float(z), rel=1e-5)

    def test_a_row_that_is_a_neighbour_of_most_rows_does_not_throw_itself_about(self):
        X = (np.random.default_rng(0).random((400, 300)) < 0.03).astype(np.float32)
        X[0] = 0  # the nearest row of all others
        P = affinities(X, 20)
        assert 1 / P.stable_rates.min() > 20 / 400
        embedding = TSNE(perplexity=20, random_state=0).fit_transform(X)
        far = np.abs(embedding - np.median(embedding, axis=0)).max(1)
        assert far[0] < np.median(far)


class TestQualityMeasures:
    def test_divergence_equals_its_definition(self, digits):
        P = affinities(digits, 20)
        y = clustered(len(digits)).astype(np.float64)
        weights = 1 / (1 + pairwise_distances(y, metric="sqeuclidean"))
        np.fill_diagonal(weights, 0)
        Q = weights / weights.sum()
        rows = np.repeat(np.arange(len(P)), np.diff(P.starts))
        p, q = P.values.astype(np.float64), Q[rows, P.others]
        expected = 2 * (p * np.log(p / q)).sum()
        assert kl_divergence(P, y) == pytest.approx(expected, rel=1e-5)


class TestScaler:
    def test_centre_far_from_zero_does_not_lose_precision(self):
        X = np.random.default_rng(0).integers(0, 100, size=(50, 3)).astype(np.float32)
        near, far = Scaler(X)(X), Scaler(X + 2**20)(X + 2**20)
        assert np.allclose(near - near[0], far - far[0], atol=1e-6)

    @given(power=st.integers(-120, 120))
    @settings(max_examples=40, deadline=None)
    def test_scaling_by_powers_of_two_changes_no_bit(self, power):
        X = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
        scaled = np.ldexp(X, power)
        assert np.array_equal(Scaler(X)(X), Scaler(scaled)(scaled))

    def test_tiny_column_next_to_a_constant_column_is_not_lost(self):
        X = np.ones((40, 2))
        X[:, 1] = np.linspace(0, 1e-200, 40)
        result = Scaler(X)(X)
        assert np.isfinite(result).all()
        assert np.ptp(result[:, 1]) > 0.5


def search_by(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a search use a table of all products, blocks of rows, or tiles."""
    monkeypatch.setattr(neighbors_module, "SYMMETRIC_BYTES", 2**30 if way == "table" else 0)
    if way == "blocks":
        monkeypatch.setattr(compiled, "loops", lambda name: None)
    if way == "tiles" and compiled.loops("numba_search") is None:
        pytest.skip("numba is not installed")


def mesh_around(points: torch.Tensor) -> mesh_module.Mesh:
    return mesh_module.mesh_for(points.amin(1).tolist(), points.amax(1).tolist())


def by_mesh(points: torch.Tensor, workers: Workers) -> tuple[torch.Tensor, float]:
    mesh = mesh_around(points)
    kernel = mesh_module.influence(mesh.size, mesh.far_cells, mesh.cell)
    field = repulsion.convolve(repulsion.spread(points, mesh), mesh, kernel, workers)
    out = torch.empty_like(points)
    total = repulsion.interpolate(points, mesh, field, kernel, out)
    return out.double(), float(total.double().sum()) - points.shape[1] * kernel.self_field


def dense(P) -> np.ndarray:
    """(n, n) probabilities."""
    out = np.zeros((len(P), len(P)))
    out[np.repeat(np.arange(len(P)), np.diff(P.starts)), P.others] = P.values
    return out + out.T


def slow_attraction(P, y: np.ndarray) -> np.ndarray:
    force = np.zeros_like(y, dtype=np.float64)
    rows = np.repeat(np.arange(len(P)), np.diff(P.starts))
    difference = y[rows].astype(np.float64) - y[P.others]
    pull = (P.values / (1 + (difference**2).sum(1)))[:, None] * difference
    np.add.at(force, rows, pull)
    np.add.at(force, P.others, -pull)
    return force
