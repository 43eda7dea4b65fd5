import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsne_widget.analysis import NeighborIndex, kneighbors
from tsne_widget.errors import InvalidInputError


@pytest.mark.parametrize("offset", [0, 1000])
def test_index_agrees_with_kneighbors(offset):
    points = np.random.default_rng(0).normal(size=(300, 20)) + offset
    expected, index = kneighbors(points, 12), NeighborIndex(points)
    for row in range(300):
        rows, distances = index.nearest_to(row, 12)
        np.testing.assert_array_equal(rows, expected.indices[row])
        np.testing.assert_allclose(distances, expected.distances[row], rtol=1e-5)
    assert rows.dtype == np.int64
    assert distances.dtype == np.float32


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.data())
def test_distances_are_the_smallest_in_case_of_ties(seed, n, data):
    points = np.random.default_rng(seed).integers(0, 3, (n, 2))
    row, k = data.draw(st.integers(0, n - 1)), data.draw(st.integers(1, n - 1))
    rows, distances = NeighborIndex(points).nearest_to(row, k)
    true = np.linalg.norm(points - points[row], axis=1)
    np.testing.assert_allclose(distances, true[rows], atol=1e-6)
    np.testing.assert_allclose(distances, np.sort(np.delete(true, row))[:k], atol=1e-6)
    assert len({*rows.tolist(), row}) == k + 1


def test_distances_to_all_samples_are_those_of_the_differences():
    rng = np.random.default_rng(0)
    points = 1000 + rng.normal(size=(5000, 40)) * np.logspace(-3, 0, 40)
    index = NeighborIndex(points)
    for row in (0, 4999):
        true = np.linalg.norm(points - points[row], axis=1)
        np.testing.assert_allclose(index.distances_to(row), true, rtol=1e-3, atol=1e-4)
        assert index.distances_to(row)[row] == 0
    with pytest.raises(InvalidInputError, match="row=5000 must be 0 … 4999"):
        index.distances_to(5000)


def test_close_points_far_from_the_centre_are_distinguished():
    points = np.zeros((50, 2))
    points[:25, 0] = 1e4
    points[:25, 1] = np.arange(25) * 1e-3
    assert NeighborIndex(points).nearest_to(0, 3)[0].tolist() == [1, 2, 3]


def test_the_features_are_copied():
    points = np.eye(4, dtype=np.float32)
    index = NeighborIndex(points)
    points[:] = 9
    np.testing.assert_allclose(index.nearest_to(0, 3)[1], np.sqrt(2), rtol=1e-6)
    assert len(index) == 4


@pytest.mark.parametrize(
    ("row", "k", "message"),
    [
        (4, 1, "row=4 must be 0 … 3; rows are not ids"),
        (-1, 1, "row=-1 must be 0 … 3"),
        (0, 4, "k=4 must be 1 … 3"),
        (0, 0, "k=0 must be"),
    ],
)
def test_values_out_of_range_are_refused(row, k, message):
    with pytest.raises(InvalidInputError, match=message):
        NeighborIndex(np.eye(4)).nearest_to(row, k)
