"""Neighbours of data whose spread is large beside the distances between neighbours."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from tsne_widget.analysis import NeighborIndex, faithfulness, kneighbors
from tsne_widget.projection import TSNE
from tsne_widget.projection.inputs import Scaler
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.workers import Workers

K = 15
N, D = 400, 12


def clusters(count: int, apart: float) -> np.ndarray:
    """(N, D) rows in clusters of standard deviation 1 at a distance ``apart`` from 0."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(count, D))
    centres *= apart / np.linalg.norm(centres, axis=1, keepdims=True)
    return centres[np.arange(N) % count] + random.normal(size=(N, D))


def one_row_at(value: float) -> np.ndarray:
    X = clusters(1, 0)
    X[7] = value
    return X


SETS = {
    "two clusters 1e4 apart": clusters(2, 1e4),
    "two clusters 1e5 apart": clusters(2, 1e5),
    "two clusters 1e9 apart": clusters(2, 1e9),
    "float32 clusters": clusters(2, 1e5).astype(np.float32),
    "twenty clusters": clusters(20, 1e6),
    "a row at 1e8": one_row_at(1e8),
    "a row at 1e14": one_row_at(1e14),
    "an offset": clusters(3, 1e3) + 1e6,
    "columns of all scales": clusters(2, 10) * np.logspace(-6, 6, D),
    "tiny differences": 1 + 1e-10 * clusters(2, 1e5),
    "integers": np.random.default_rng(0).integers(0, 3, (N, D)),
    "near duplicates": np.repeat(clusters(1, 0)[:10], 40, 0) + 1e-8 * clusters(1, 0),
    "copies": np.repeat(clusters(1, 0)[:10], 40, 0),
    "scales that grow": clusters(1, 0) * 10 ** np.linspace(-5, 5, N)[:, None],
}


def true_distances(X: np.ndarray) -> np.ndarray:
    """(N, K) distances by scikit-learn; a tree compares differences, so they are exact."""
    tree = NearestNeighbors(n_neighbors=K, algorithm="kd_tree").fit(X.astype(np.float64))
    return tree.kneighbors()[0]


def distances_to(X: np.ndarray, indices: np.ndarray) -> np.ndarray:
    wide = X.astype(np.float64)
    return np.linalg.norm(wide[indices] - wide[:, None], axis=2)


@pytest.mark.parametrize("name", SETS)
def test_the_true_neighbours_are_found_with_their_distances(name):
    X = SETS[name]
    found = kneighbors(X, K)
    reached = np.sort(distances_to(X, found.indices), axis=1)
    np.testing.assert_allclose(reached, true_distances(X), rtol=1e-6)
    np.testing.assert_allclose(found.distances, true_distances(X), rtol=1e-4)
    assert all(len({i, *row}) == K + 1 for i, row in enumerate(found.indices.tolist()))


@pytest.mark.parametrize("name", SETS)
def test_the_index_of_single_samples_finds_the_true_neighbours(name):
    X = SETS[name]
    true, index = true_distances(X), NeighborIndex(X)
    for row in range(0, N, 40):
        rows, distances = index.nearest_to(row, K)
        np.testing.assert_allclose(distances, true[row], rtol=1e-3)
        np.testing.assert_allclose(index.distances_to(row)[rows], true[row], rtol=1e-3)


def test_new_rows_find_the_true_neighbours():
    X = clusters(2, 1e7)
    fitted, new = X[:300], X[300:]
    scaler = Scaler(fitted)
    with Workers(1) as workers:
        found = nearest(scaler.rows(fitted), K, workers, queries=scaler.rows(new))
    true = NearestNeighbors(n_neighbors=K, algorithm="kd_tree").fit(fitted).kneighbors(new)[1]
    np.testing.assert_array_equal(found.indices, true)


def test_clusters_far_apart_get_the_map_of_each_cluster():
    X = clusters(2, 1e7)
    far, near = affinities(X, 10), affinities(clusters(2, 300), 10)
    np.testing.assert_allclose(far.values, near.values, rtol=1e-3)
    np.testing.assert_array_equal(far.others, near.others)


def test_new_rows_are_placed_in_their_neighbourhood():
    X = clusters(2, 1e7)
    tsne = TSNE(random_state=0, perplexity=10, max_iter=300, device="cpu").fit(X)
    X += 1  # the fit keeps what it needs
    moved = np.abs(tsne.transform(X[::10] - 1) - tsne.embedding_[::10]).max(1)
    assert np.median(moved) < 1e-3


def test_faithfulness_ranks_the_neighbours_of_spread_data():
    X, Y = clusters(2, 1e7), clusters(2, 300)
    flat = Y[:, :2]
    np.testing.assert_allclose(faithfulness(X, flat, 10), faithfulness(Y, flat, 10), atol=1e-6)


def test_divergence_of_a_map_far_from_zero_is_that_of_the_map():
    P, y = affinities(clusters(1, 0), 10), clusters(1, 0)[:, :2]
    assert kl_divergence(P, y + 1e8) == pytest.approx(kl_divergence(P, y), rel=1e-5)


def test_a_pickled_fit_places_new_rows_as_before():
    for X in (clusters(2, 1e7), clusters(2, 10)):
        tsne = TSNE(random_state=0, perplexity=10, max_iter=50, device="cpu").fit(X)
        again = pickle.loads(pickle.dumps(tsne))
        assert np.array_equal(again.transform(X[:9]), tsne.transform(X[:9]))
