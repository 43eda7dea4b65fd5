import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from matplotlib.path import Path

from tsne_widget.analysis import PolygonIndex
from tsne_widget.errors import InvalidInputError

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]
GRID = st.integers(-4, 4)  # so small that points are often on edges and vertices


def pairs(low, high):
    return npst.arrays(np.int64, st.tuples(st.integers(low, high), st.just(2)), elements=GRID)


def exactly_inside(points, polygon):
    """Slow reference: the even–odd rule for each point in rational numbers."""
    inside = []
    for x, y in points.tolist():
        odd = False
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if (y0 <= y) != (y1 <= y):
                crossing = Fraction(int(x0)) + Fraction(int(y - y0), int(y1 - y0)) * int(x1 - x0)
                odd ^= x < crossing
        inside.append(odd)
    return np.flatnonzero(inside)


@settings(max_examples=300, deadline=None)
@given(pairs(0, 40), pairs(3, 9))
def test_edges_and_vertices_follow_the_even_odd_rule(points, polygon):
    np.testing.assert_array_equal(
        PolygonIndex(points).inside(polygon), exactly_inside(points, polygon)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_result_equals_matplotlib_for_self_intersecting_polygons(seed, vertices):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2000, 2)).astype(np.float32)
    polygon = rng.normal(size=(vertices, 2))
    closed = Path(np.vstack([polygon, polygon[:1]]), closed=True)
    expected = np.flatnonzero(closed.contains_points(points))
    np.testing.assert_array_equal(PolygonIndex(points).inside(polygon), expected)


@settings(max_examples=200, deadline=None)
@given(pairs(1, 60), pairs(4, 8))
def test_a_point_on_a_shared_edge_is_in_exactly_one_of_two_neighbours(points, polygon):
    index = PolygonIndex(points / 3)  # thirds: crossings are rounded
    times = np.zeros(len(points), dtype=int)
    for second, third in itertools.pairwise(polygon[1:]):  # a fan of triangles
        times[index.inside([polygon[0], second, third])] += 1
    expected = np.flatnonzero(times % 2)
    np.testing.assert_array_equal(index.inside(polygon), expected)


def test_neighbouring_squares_share_no_point_and_miss_none():
    side = np.linspace(0, 2, 9)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    index = PolygonIndex(points)
    found = np.concatenate(
        [index.inside(np.add(SQUARE, offset)) for offset in ([0, 0], [1, 0], [0, 1], [1, 1])]
    )
    assert len(np.unique(found)) == len(found) == 64  # all but those on the outer upper ends


@settings(max_examples=60, deadline=None)
@given(pairs(1, 40), pairs(3, 9), st.integers(0, 8), st.booleans())
def test_neither_the_first_vertex_nor_the_direction_matters(points, polygon, start, backwards):
    index = PolygonIndex(points)
    turned = np.roll(polygon, start, axis=0)[:: -1 if backwards else 1]
    np.testing.assert_array_equal(index.inside(turned), index.inside(polygon))


def test_rows_are_sorted_int64():
    points = np.random.default_rng(0).random((500, 2))
    rows = PolygonIndex(points).inside(SQUARE)
    assert rows.dtype == np.int64
    np.testing.assert_array_equal(rows, np.arange(500))


def test_more_points_than_one_block_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    points, polygon = rng.normal(size=(5000, 2)), rng.normal(size=(20, 2))
    expected = PolygonIndex(points).inside(polygon)
    monkeypatch.setattr("tsne_widget.analysis.polygon._BLOCK", 37)
    np.testing.assert_array_equal(PolygonIndex(points).inside(polygon), expected)


def test_rows_that_are_not_finite_are_never_inside():
    points = np.array([[0.5, np.nan], [np.nan, 0.5], [0.5, 0.5], [-np.inf, 0.5], [0.5, np.inf]])
    np.testing.assert_array_equal(PolygonIndex(points).inside(SQUARE), [2])


@pytest.mark.parametrize("points", [np.empty((0, 2)), np.full((3, 2), np.nan)])
def test_without_points_nothing_is_inside(points):
    assert PolygonIndex(points).inside(SQUARE).shape == (0,)


@pytest.mark.parametrize("polygon", [[], np.empty((0, 2)), SQUARE[:1], SQUARE[:2]])
def test_fewer_than_three_vertices_enclose_nothing(polygon):
    rows = PolygonIndex([[0.0, 0.0], [0.5, 0.0]]).inside(polygon)
    assert rows.shape == (0,)
    assert rows.dtype == np.int64


def test_a_closed_ring_is_the_same_as_an_open_one():
    index = PolygonIndex(np.random.default_rng(0).normal(size=(200, 2)))
    np.testing.assert_array_equal(index.inside([*SQUARE, SQUARE[0]]), index.inside(SQUARE))


def test_the_embedding_is_copied_so_that_a_running_projection_does_not_move_it():
    points = np.full((1, 2), 0.5)
    index = PolygonIndex(points)
    points[:] = 9
    np.testing.assert_array_equal(index.inside(SQUARE), [0])


@pytest.mark.parametrize(
    "polygon",
    [
        [[0, 0], [1, 0], [np.nan, 1]],
        [[0, 0], [1, 0], [np.inf, 1]],
        [[0, 0], [1, 0], [1e200, 1]],
        [0, 1, 2],
        [[0, 0, 0]] * 3,
        [["a", "b"]] * 3,
        [[0, 0], [1]],
        "polygon",
        {"x": 1},
        [[None, 1]] * 3,
    ],
)
def test_wrong_polygon_is_refused(polygon):
    with pytest.raises(InvalidInputError, match="polygon must be"):
        PolygonIndex([[0.5, 0.5]]).inside(polygon)


@pytest.mark.parametrize(
    "embedding", [[1, 2], np.zeros((3, 3)), [["a", "b"]], np.zeros((2, 2), complex)]
)
def test_wrong_embedding_is_refused(embedding):
    with pytest.raises(InvalidInputError, match="embedding must be"):
        PolygonIndex(embedding)
