import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import LocalOutlierFactor

from tsne_widget.analysis import kneighbors, near_duplicates, outlier_score
from tsne_widget.errors import InvalidInputError


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)


@pytest.mark.parametrize("k", [5, 20])
def test_the_score_is_the_local_outlier_factor_of_scikit_learn(points, k):
    model = LocalOutlierFactor(n_neighbors=k).fit(points)
    score = outlier_score(*kneighbors(points, k))
    np.testing.assert_allclose(score, -model.negative_outlier_factor_, rtol=1e-4)
    assert score.dtype == np.float32


def test_stray_point_is_an_outlier_and_a_sparse_cluster_is_not():
    random = np.random.default_rng(0)
    dense, sparse = random.normal(size=(100, 2)) * 0.01, random.normal(size=(100, 2)) + 20
    score = outlier_score(*kneighbors(np.vstack([dense, sparse, [[0.3, 0.3]]]), 10))
    assert score.argmax() == 200
    assert score[200] > 5
    assert np.median(score[:100]) == pytest.approx(np.median(score[100:200]), rel=0.1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-20, 1e20))
def test_neither_the_unit_nor_the_order_matters(seed, factor):
    random = np.random.default_rng(seed)
    points, order = random.normal(size=(40, 3)), random.permutation(40)
    indices, distances = kneighbors(points, 5)
    score = outlier_score(indices, distances)
    assert (score > 0).all()
    scaled = outlier_score(indices, distances.astype(np.float64) * factor)
    np.testing.assert_allclose(scaled, score, rtol=1e-5)
    moved = outlier_score(*kneighbors(points[order], 5))
    np.testing.assert_allclose(moved, score[order], rtol=1e-4)


def test_identical_samples_are_not_infinitely_dense(points):
    score = outlier_score(*kneighbors(np.repeat(points[:30], 8, axis=0), 5))
    np.testing.assert_allclose(score, 1)
    assert np.isfinite(outlier_score(*kneighbors(np.vstack([points, points[:3]]), 5))).all()


def test_distances_of_other_neighbours_are_refused(points):
    indices, distances = kneighbors(points, 5)
    for wrong in (distances[:, :4], -distances, np.full_like(distances, np.nan)):
        with pytest.raises(InvalidInputError, match="pass both arrays of kneighbors"):
            outlier_score(indices, wrong)
    with pytest.raises(InvalidInputError, match="pass both arrays of kneighbors"):
        near_duplicates(indices, distances[:, :4], 1)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.floats(0, 3))
def test_pairs_are_all_within_the_threshold(seed, n, threshold):
    points = np.random.default_rng(seed).normal(size=(n, 2))
    found = near_duplicates(*kneighbors(points, n - 1), threshold)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    close = np.abs(distances - threshold) > 1e-5  # larger than the rounding of float32
    expected = {(i, j) for i in range(n) for j in range(i) if distances[i, j] <= threshold}
    pairs = {(j, i) for i, j in found.pairs.tolist()}
    assert all(not close[pair] for pair in pairs ^ expected)
    np.testing.assert_allclose(found.distances, distances[tuple(found.pairs.T)], atol=1e-5)
    assert (np.diff(found.distances) >= 0).all()
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    group = list(range(n))  # slow reference: join pair by pair
    for i, j in found.pairs.tolist():
        group = [min(group[i], group[j]) if g in (group[i], group[j]) else g for g in group]
    kept = sorted({g for g in group if group.count(g) > 1})
    expected_groups = [kept.index(g) if g in kept else -1 for g in group]
    np.testing.assert_array_equal(found.groups, expected_groups)


def test_planted_duplicates_are_found_and_nothing_else(points):
    noise = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32) * 1e-3
    found = near_duplicates(*kneighbors(np.vstack([points, points[[5, 7, 7]] + noise]), 10), 0.01)
    assert set(map(tuple, found.pairs.tolist())) == {(5, 300), (7, 301), (7, 302), (301, 302)}
    assert found.groups.max() == 1
    assert np.flatnonzero(found.groups == 1).tolist() == [7, 301, 302]


def test_samples_with_the_same_direction_are_duplicates_by_cosine(points):
    near = kneighbors(np.vstack([points, 3 * points[:2]]), 5, metric="cosine")
    found = near_duplicates(*near, 1e-5)
    assert {(0, 300), (1, 301)} <= set(map(tuple, found.pairs.tolist()))


def test_without_duplicates_the_arrays_are_empty(points):
    found = near_duplicates(*kneighbors(points, 5), 0)
    assert found.pairs.shape == (0, 2)
    assert found.distances.shape == (0,)
    assert (found.groups == -1).all()


@pytest.mark.parametrize("threshold", [-1, np.nan])
def test_a_threshold_is_a_distance(points, threshold):
    with pytest.raises(InvalidInputError, match=f"threshold={threshold} must be a distance"):
        near_duplicates(*kneighbors(points, 5), threshold)
