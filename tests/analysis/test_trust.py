import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from tsne_widget.analysis import faithfulness
from tsne_widget.errors import InvalidInputError


@pytest.fixture(scope="module")
def mapped():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 10)) * np.linspace(3, 0.3, 10)
    return X, PCA(2).fit_transform(X)


def slow(X, Y, k):
    """Slow reference: trustworthiness and continuity by sorting all distances (no ties)."""
    n = len(X)
    order = [np.linalg.norm(points[:, None] - points, axis=2).argsort(axis=1) for points in (X, Y)]
    rank, near = [row.argsort(axis=1) for row in order], [row[:, 1 : k + 1] for row in order]
    most = sum(max(rank_ - k, 0) for rank_ in range(n - k, n))
    shares = []
    for here, there in ((0, 1), (1, 0)):
        lost = [sum(max(rank[here][i, j] - k, 0) for j in near[there][i]) for i in range(n)]
        shares.append(1 - np.array(lost) / most)
    return shares


@pytest.mark.parametrize("k", [1, 5, 40, 149])
def test_the_means_are_the_measures_of_the_whole_map(mapped, k):
    X, Y = mapped
    found = faithfulness(X, Y, k)
    assert found.trustworthiness.mean() == pytest.approx(
        trustworthiness(X, Y, n_neighbors=k), abs=2e-5
    )
    assert found.continuity.mean() == pytest.approx(trustworthiness(Y, X, n_neighbors=k), abs=2e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 20), st.data())
def test_penalty_is_the_excess_rank_of_false_neighbours(seed, n, data):
    k = data.draw(st.integers(1, (n - 1) // 2))
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(n, 3)), random.normal(size=(n, 2))
    found, expected = faithfulness(X, Y, k), slow(X, Y, k)
    np.testing.assert_allclose(found.trustworthiness, expected[0], atol=1e-6)
    np.testing.assert_allclose(found.continuity, expected[1], atol=1e-6)
    assert (np.array(found) >= 0).all()
    assert (np.array(found) <= 1).all()


def test_displaced_point_is_the_least_faithful(mapped):
    X, _ = mapped
    Y = X[:, :2].copy()
    Y[7] = -Y[7] + 20
    found = faithfulness(X[:, :2], Y, 10)
    assert found.trustworthiness.argmin() == found.continuity.argmin() == 7
    assert found.trustworthiness[7] < 0.9
    assert np.median(found.trustworthiness) == 1


def test_rotated_and_scaled_map_is_perfect(mapped):
    X = mapped[0][:, :2]
    found = faithfulness(X, X @ np.array([[0, 2], [-2, 0]]) + 100, 15)
    np.testing.assert_array_equal(found, np.ones((2, 300), np.float32))


def test_chosen_rows_have_the_same_values_as_among_all(mapped):
    whole, some = faithfulness(*mapped), faithfulness(*mapped, rows=[250, 3])
    np.testing.assert_array_equal(some.trustworthiness, whole.trustworthiness[[250, 3]])
    np.testing.assert_array_equal(some.continuity, whole.continuity[[250, 3]])
    assert faithfulness(*mapped, rows=[]).continuity.shape == (0,)


def test_neither_the_blocks_nor_the_order_of_the_rows_matter(mapped, monkeypatch):
    X, Y = mapped
    expected = faithfulness(X, Y)
    order = np.random.default_rng(1).permutation(len(X))
    monkeypatch.setattr("tsne_widget.analysis.trust.BLOCK_BYTES", 8 * 300 * 7)
    moved = faithfulness(X[order], Y[order])
    for here, there in zip(moved, expected, strict=True):
        np.testing.assert_allclose(here, there[order], atol=1e-6)


def test_duplicates_count_for_the_map():
    X = np.repeat(np.eye(4), 5, axis=0)
    np.testing.assert_array_equal(faithfulness(X, X[:, :2] + 2 * X[:, 2:], 3).continuity, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 150}, r"k=150 must be .* 150"),
        ({"k": 0}, r"k=0 must be"),
        ({"embedding": np.zeros((299, 2))}, "embedding must have 300 rows, got 299"),
        ({"embedding": np.full((300, 2), np.nan)}, "embedding has NaN or .* in 300 of 300 rows"),
        ({"features": np.full((300, 2), np.inf)}, "NaN or inf in 300 of 300 rows"),
        ({"rows": [300]}, r"rows must be 0 … 299"),
    ],
)
def test_wrong_arguments_are_refused(mapped, change, message):
    with pytest.raises(InvalidInputError, match=message):
        faithfulness(**{"features": mapped[0], "embedding": mapped[1], **change})
