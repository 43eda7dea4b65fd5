"""The page's pure functions, run in Chromium, against what the kernel computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

import tsne_widget.widgets
from tsne_widget import FeatureSet
from tsne_widget.analysis import PolygonIndex
from tsne_widget.widgets.state.explorer_state import MODES, ExplorerState

pytestmark = pytest.mark.browser

STATIC = Path(tsne_widget.widgets.__file__).with_name("static")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.evaluate(
        "(source) => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))"
        ".then((module) => { window.geometry = module })",
        (STATIC / "geometry.js").read_text("utf-8"),
    )
    yield opened
    opened.close()


def test_the_preview_of_a_lasso_holds_exactly_the_rows_that_the_kernel_selects(page):
    rng = np.random.default_rng(0)
    for corners in (3, 4, 7, 60):
        for spread in (0.3, 1.0, 5.0):
            points = rng.normal(size=(2000, 2)).astype(np.float32)
            polygon = rng.normal(size=(corners, 2)) * spread  # crosses itself
            seen = page.evaluate(
                "([x, y, polygon]) => [...geometry.rowsInside("
                "Float32Array.from(x), Float32Array.from(y), Float64Array.from(polygon))]",
                [*points.T.tolist(), polygon.ravel().tolist()],
            )
            assert seen == PolygonIndex(points).inside(polygon).tolist()


def test_points_on_corners_and_edges_fall_on_the_same_side_as_in_the_kernel(page):
    points = np.array([[x, y] for x in range(5) for y in range(5)], dtype=np.float32)
    for polygon in ([[1, 1], [3, 1], [3, 3], [1, 3]], [[0, 2], [2, 0], [4, 2], [2, 4]]):
        seen = page.evaluate(
            "([x, y, polygon]) => [...geometry.rowsInside(x, y, polygon)]",
            [*points.T.tolist(), np.ravel(polygon).tolist()],
        )
        assert seen == PolygonIndex(points).inside(np.array(polygon, dtype=float)).tolist()


COORDINATE = st.one_of(st.integers(-4, 4).map(float), st.floats(-5, 5, width=32))
PLACE = st.tuples(COORDINATE, COORDINATE)


@settings(max_examples=150, deadline=None)
@example([(2.0**-51, -1.0)], [(0.0, 0.0), (2.0**-51, -1.0), (-1.0, 0.0)])
@given(st.lists(PLACE, max_size=30), st.lists(PLACE, min_size=3, max_size=12))
def test_any_points_and_any_polygon_give_the_rows_of_the_kernel(page, points, polygon):
    columns = [[place[axis] for place in points] for axis in (0, 1)]
    seen = page.evaluate(
        "([x, y, polygon]) => [...geometry.rowsInside("
        "Float32Array.from(x), Float32Array.from(y), Float64Array.from(polygon))]",
        [*columns, np.ravel(polygon).tolist()],
    )
    places = np.array(points, dtype=np.float32).reshape(-1, 2)
    assert seen == PolygonIndex(places).inside(np.array(polygon)).tolist()


ROWS = st.sets(st.integers(0, 39)).map(sorted)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, st.sampled_from(MODES))
def test_selections_combine_as_in_the_kernel(page, selected, rows, mode):
    state = ExplorerState(FeatureSet.from_arrays(np.ones((40, 1))), None)
    state.select(selected)
    state.select(rows, mode)
    assert state.selected.tolist() == page.evaluate(
        "([selected, rows, mode]) => [...geometry.combineRows("
        "Uint32Array.from(selected), Uint32Array.from(rows), mode)]",
        [selected, rows, mode],
    )


@settings(max_examples=100, deadline=None)
@given(PLACE, st.floats(0.1, 8), PLACE)
def test_what_is_under_the_pointer_stays_there_while_zooming(page, middle, factor, anchor):
    before = {"x": [middle[0] - 6, middle[0] + 6], "y": [middle[1] - 4, middle[1] + 4]}
    after = page.evaluate(
        "([view, anchor, factor]) => geometry.zoomViewport(view, anchor, factor)",
        [before, anchor, factor],
    )
    for axis, at in zip("xy", anchor, strict=True):
        share = [(at - view[axis][0]) / (view[axis][1] - view[axis][0]) for view in (before, after)]
        assert np.isclose(*share, atol=1e-9)
        assert np.isclose(np.ptp(after[axis]), factor * np.ptp(before[axis]))


@settings(max_examples=100, deadline=None)
@given(st.lists(PLACE, min_size=1, max_size=30), PLACE, st.floats(0.1, 9), st.data())
def test_the_nearest_point_is_that_of_a_search_through_all(page, points, place, radius, data):
    shown = data.draw(st.lists(st.booleans(), min_size=len(points), max_size=len(points)))
    columns = [[point[axis] for point in points] for axis in (0, 1)]
    found = page.evaluate(
        "([x, y, opacity, place, radius]) =>"
        " geometry.nearestPoint(x, y, opacity, place, radius, null)",
        [*columns, [float(one) for one in shown], place, radius],
    )
    distances = np.hypot(*(np.array(points) - place).T)
    distances[~np.array(shown)] = np.inf
    if found < 0:
        assert distances.min() >= radius * (1 - 1e-9)
    else:
        assert distances[found] <= radius
        assert np.isclose(distances[found], distances.min())


def test_a_fitted_viewport_holds_all_data_at_equal_units_per_pixel(page):
    bounds = {"x": [-10, 30], "y": [2, 4]}
    view = page.evaluate("(bounds) => geometry.fitViewport(bounds, 500, 300, 0.05)", bounds)
    (x0, x1), (y0, y1) = view["x"], view["y"]
    assert np.isclose((x1 - x0) / 500, (y1 - y0) / 300)
    assert x0 < -10 < 30 < x1
    assert y0 < 2 < 4 < y1
    assert np.isclose(x1 - x0, 40 * 1.1)


def test_a_single_place_has_a_viewport_too(page):
    view = page.evaluate("() => geometry.fitViewport({ x: [3, 3], y: [5, 5] }, 100, 100)")
    assert view["x"][0] < 3 < view["x"][1]


def test_zooming_keeps_its_anchor(page):
    view = page.evaluate("() => geometry.zoomViewport({ x: [0, 10], y: [0, 10] }, [2, 8], 0.5)")
    assert view == {"x": [1, 6], "y": [4, 9]}


def test_the_nearest_point_is_a_visible_one_within_reach(page):
    ask = (
        "([place, radius, drawn]) => geometry.nearestPoint([0, 1, 5], [0, 0, 0], [1, 0, 1],"
        " place, radius, drawn ? Uint32Array.from(drawn) : null)"
    )
    assert page.evaluate(ask, [[0.9, 0], 2]) == 0  # the nearer one is hidden
    assert page.evaluate(ask, [[4.5, 0], 2]) == 2
    assert page.evaluate(ask, [[2.5, 0], 1]) == -1
    assert page.evaluate(ask, [[0.9, 0], 9, [2, 1]]) == 2  # the nearer one is not drawn


def test_bits_and_opacities_say_hidden_dimmed_and_selected(page):
    packed = list(np.packbits(np.array([1, 0, 1], dtype=bool)).tolist())
    flags = page.evaluate(
        "(bytes) => [...geometry.unpackBits(new DataView(Uint8Array.from(bytes).buffer), 3)]",
        packed,
    )
    assert flags == [1, 0, 1]
    opacity = page.evaluate(
        "() => [...geometry.opacities(Uint16Array.of(0, 1, 2, 2), Uint8Array.of(1, 0, 1),"
        " Uint32Array.of(3, 1))]"
    )
    assert opacity[1] == 0  # hidden, though it is asked for
    assert 0 < opacity[0] == opacity[2] < 0.5
    assert opacity[3] == 1


def test_points_to_draw_are_the_first_the_selected_and_those_in_sight(page):
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 1, size=(3000, 2)).astype(np.float32)
    opacity = (rng.random(3000) < 0.8).astype(np.float32)
    selected = np.sort(rng.choice(3000, 200, replace=False))
    for low, high, first, budget in [(0.2, 0.5, 50, 300), (0, 1, 50, 1000), (0.4, 0.45, 0, 500)]:
        seen = page.evaluate(
            "([x, y, opacity, selected, low, high, first, budget]) => {"
            " const found = geometry.pointsToDraw(x, y, opacity, Uint32Array.from(selected),"
            " { x: [low, high], y: [low, high] }, first, budget);"
            " return [[...found.points], found.shown, found.inSight] }",
            [*points.T.tolist(), opacity.tolist(), selected.tolist(), low, high, first, budget],
        )
        drawn, shown, in_sight = np.array(seen[0]), seen[1], seen[2]
        sees = ((points >= low) & (points <= high)).all(1) & (opacity > 0)
        assert len(set(drawn)) == len(drawn) <= budget
        assert drawn[:first].tolist() == list(range(first))
        assert in_sight == sees.sum()
        assert shown == sees[drawn].sum()
        wanted = [row for row in selected if sees[row] and row >= first][: budget - first]
        assert drawn[first : first + len(wanted)].tolist() == wanted
        if first + in_sight <= budget:
            assert shown == in_sight  # zoomed in, nothing in sight is left out


def test_names_stand_where_the_points_of_a_class_are_densest(page):
    rng = np.random.default_rng(2)
    dense, sparse = rng.normal([2, 8], 0.2, (500, 2)), rng.uniform(0, 10, (200, 2))
    other = rng.normal([9, 1], 0.2, (50, 2))
    points = np.vstack([dense, sparse, other])
    codes = np.r_[np.zeros(700, int), np.full(50, 2)]
    evaluate = (
        "([x, y, codes, visible]) =>"
        " geometry.densestPlaces(x, y, codes, Uint8Array.from(visible), 3)"
    )
    found = page.evaluate(evaluate, [*points.T.tolist(), codes.tolist(), [1, 1, 1]])
    assert [(place["code"], place["count"]) for place in found] == [(0, 700), (2, 50)]
    assert np.hypot(found[0]["x"] - 2, found[0]["y"] - 8) < 0.5
    assert np.hypot(found[1]["x"] - 9, found[1]["y"] - 1) < 0.5
    hidden = page.evaluate(evaluate, [*points.T.tolist(), codes.tolist(), [0, 1, 1]])
    assert [place["code"] for place in hidden] == [2]
