"""Approximate neighbours: recall, exact distances, the same bits for any number of threads."""

import importlib.util

import numpy as np
import pytest

from tsne_widget import TSNE, InvalidInputError
from tsne_widget.projection import approximate
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.workers import Workers


def clustered(n: int, d: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, d)) * 2
    X = centres[rng.integers(0, 20, n)] + rng.normal(size=(n, d)) / (1 + np.arange(d) / 8)
    return np.ascontiguousarray(X - X.mean(0), np.float32)


def both(X: np.ndarray, k: int):
    with Workers(2) as workers:
        return approximate.approximate_nearest(X, k, workers), nearest(X, k, workers)


@pytest.mark.parametrize("d", [8, 50, 300])
def test_nearly_all_approximate_neighbours_are_true_and_distances_are_exact(d):
    X = clustered(6000, d)
    found, true = both(X, 30)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found.indices, true.indices, strict=True)]
    assert np.mean(shared) / 30 > 0.95
    rows = np.arange(0, 6000, 97)
    expected = np.square(X[found.indices[rows]] - X[rows, None]).sum(-1)
    assert np.allclose(found.squared[rows], expected, rtol=1e-4, atol=1e-5)
    assert (np.diff(found.squared, axis=1) >= 0).all()
    assert (found.indices != np.arange(6000)[:, None]).all()


def test_duplicates_of_a_row_are_its_neighbours_but_the_row_itself_is_not():
    X = np.repeat(clustered(100, 6), 30, axis=0)
    for found in both(X, 20):
        assert (found.squared == 0).all()
        assert (found.indices // 30 == np.arange(3000)[:, None] // 30).all()
        assert (found.indices != np.arange(3000)[:, None]).all()
        assert all(len(set(row)) == 20 for row in found.indices.tolist())


def test_rows_with_too_few_candidates_are_compared_with_all_rows(monkeypatch):
    monkeypatch.setattr(approximate, "PROBES", 1)
    found, true = both(clustered(400, 5), 60)
    assert np.isfinite(found.squared).all()
    assert all(len(set(row)) == 60 for row in found.indices.tolist())
    same = (found.indices == true.indices).all(1)
    assert same.any()  # those
    assert np.allclose(found.squared[same], true.squared[same], rtol=1e-3, atol=1e-5)


def test_number_of_threads_does_not_change_the_neighbours():
    X = clustered(9000, 80)
    results = []
    for threads in (1, 2, 3):
        with Workers(threads) as workers:
            results.append(approximate.approximate_nearest(X, 15, workers))
    for other in results[1:]:
        assert np.array_equal(results[0].indices, other.indices)
        assert np.array_equal(results[0].squared, other.squared)


def test_map_of_approximate_neighbours_is_as_good():
    X = clustered(1500, 20)
    exact = TSNE(random_state=0, max_iter=350).fit(X)
    about = TSNE(random_state=0, max_iter=350, neighbors="approximate").fit(X)
    assert (exact.neighbors_, about.neighbors_) == ("exact", "approximate")
    assert about.kl_divergence_ == pytest.approx(exact.kl_divergence_, abs=0.03)


def test_auto_switches_at_the_measured_size(monkeypatch):
    X = clustered(300, 5)
    monkeypatch.setattr(approximate, "LARGE", 300)
    assert TSNE(max_iter=1).fit(X).neighbors_ == "approximate"
    assert TSNE(max_iter=1).fit(X[:299]).neighbors_ == "exact"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert TSNE(max_iter=1).fit(X).neighbors_ == "exact"
    with pytest.raises(InvalidInputError, match=r"tsne-widget\[neighbors\]"):
        TSNE(max_iter=1, neighbors="approximate").fit(X)


def test_unknown_neighbour_method_is_refused():
    with pytest.raises(InvalidInputError, match="neighbors='fast' is unknown"):
        TSNE(neighbors="fast").fit(np.eye(9))
