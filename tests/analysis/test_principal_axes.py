import numpy as np
import pytest

from tsne_widget.analysis import principal_axes
from tsne_widget.analysis.inputs import centring
from tsne_widget.analysis.principal_axes import principal_points


def falling(n, d, seed=0):
    """(n, d) features whose variances fall like those of activations, far from the origin."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(d, d)))[0]
    return (random.normal(size=(n, d)) * np.arange(1, d + 1) ** -1.0) @ turn + 50


def points_of(features, directions, seed=0):
    return principal_points(
        features, centring(features), directions, np.random.default_rng(seed)
    ).astype(np.float64)


def best_variance(features, directions):
    """Variance along the exact principal directions, in the units of the centred features."""
    points = centring(features).points(features).astype(np.float64)
    return np.linalg.svd(points, compute_uv=False)[:directions] ** 2


@pytest.mark.parametrize("shape", [(600, 200), (150, 400)], ids=["more rows", "more columns"])
def test_the_directions_hold_the_variance_of_the_exact_ones(shape):
    features = falling(*shape)
    held = (points_of(features, 20) ** 2).sum(axis=0)
    np.testing.assert_allclose(held, best_variance(features, 20), rtol=0.02)


def test_a_sample_of_the_rows_is_enough(monkeypatch):
    monkeypatch.setattr(principal_axes, "SAMPLE_BYTES", 0)
    monkeypatch.setattr(principal_axes, "MIN_SAMPLE", 300)
    features = falling(3_000, 100)
    found = points_of(features, 10)
    assert found.shape == (3_000, 10)
    assert (found**2).sum() > 0.97 * best_variance(features, 10).sum()


def test_the_same_seed_gives_the_same_points_and_another_seed_almost_the_same(monkeypatch):
    features = falling(500, 100)
    first = points_of(features, 5, seed=3)
    np.testing.assert_array_equal(first, points_of(features, 5, seed=3))
    other = points_of(features, 5, seed=4)
    # Axes are determined up to their sign.
    np.testing.assert_allclose(np.abs(first), np.abs(other), atol=0.01 * np.abs(first).max())


def test_no_array_of_columns_times_columns_is_made(monkeypatch):
    largest = []
    qr = np.linalg.qr

    def watched(matrix):
        largest.append(min(matrix.shape))
        return qr(matrix)

    monkeypatch.setattr(np.linalg, "qr", watched)
    features = np.random.default_rng(0).random((100, 2_000), dtype=np.float32)
    points_of(features, 8)
    assert max(largest) == 8 + principal_axes.SPARE


@pytest.mark.parametrize("columns", [1, 8])
def test_few_columns_are_returned_as_they_are(columns):
    features = falling(50, columns)
    expected = centring(features).points(features)
    np.testing.assert_array_equal(points_of(features, 8), expected)


def test_constant_features_and_fewer_rows_than_directions_are_no_error():
    assert not points_of(np.ones((30, 100)), 8).any()
    assert points_of(falling(5, 100), 8).shape == (5, 5)
