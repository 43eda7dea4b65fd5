import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsne_widget.analysis import kneighbors, verdict
from tsne_widget.errors import InvalidInputError


@pytest.fixture(scope="module")
def clusters():
    """Neighbours among two far clusters of 40 and 160 points."""
    points = np.random.default_rng(0).normal(size=(200, 3))
    points[:40] += 30
    return kneighbors(points, 10).indices


def test_separate_cluster_is_strongly_clustered(clusters):
    found = verdict(np.arange(40), clusters)
    assert (found.share, found.points, found.k, found.strength) == (1, 40, 10, 1)
    assert found.chance == 39 / 199
    assert str(found) == (
        "100 % of these 40 points’ nearest neighbours in feature space are in the selection "
        "(by chance: 20 %): the points are strongly clustered"
    )


def test_random_points_are_not_clustered(clusters):
    found = verdict(np.arange(0, 200, 4), clusters)
    assert found.share == pytest.approx(found.chance, abs=0.08)
    assert str(found).endswith("not clustered")


def test_cluster_with_as_many_other_points_is_weakly_clustered(clusters):
    found = verdict([*range(40), *range(40, 200, 4)], clusters)
    assert str(found).endswith("weakly clustered")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.data())
def test_the_share_is_counted_neighbour_by_neighbour(seed, n, data):
    near = kneighbors(np.random.default_rng(seed).normal(size=(n, 2)), n - 1).indices
    rows = data.draw(st.lists(st.integers(0, n - 1), unique=True))
    found = verdict(rows, near)
    assert found.points == len(rows)
    if len(rows) > 1:
        inside = [other in rows for row in rows for other in near[row, : len(rows) - 1]]
        assert found.share == pytest.approx(sum(inside) / len(inside))
        assert found.k == len(rows) - 1
    assert "nan" not in str(found)


def test_small_cluster_is_judged_by_fewer_neighbours(clusters):
    points = np.concatenate([np.random.default_rng(0).normal(size=(50, 2)), [[99, 99]] * 4])
    assert verdict([50, 51, 52, 53], kneighbors(points, 20).indices).share == 1


@pytest.mark.parametrize(("rows", "points"), [([], 0), ([3], 1), ([3, 3], 1), ([3, 5], 2)])
def test_too_few_points_are_not_judged(clusters, rows, points):
    assert str(verdict(rows, clusters)) == (
        f"{points} selected points are too few to judge a cluster"
    )


def test_selection_of_all_points_is_not_judged(clusters):
    assert str(verdict(np.ones(200, bool), clusters)).startswith("all points are selected")


def test_rows_of_other_samples_are_refused(clusters):
    with pytest.raises(InvalidInputError, match="rows must be 0 … 199"):
        verdict([200], clusters)
