"""The page's pure functions, run in Chromium, against what the kernel computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import tsne_widget.widgets
from tsne_widget.analysis import PolygonIndex

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


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("replace", [2, 3]), ("add", [1, 2, 3]), ("subtract", [1]), ("intersect", [2])],
)
def test_selections_combine_as_in_the_kernel(page, mode, expected):
    rows = page.evaluate(
        "(mode) => [...geometry.combineRows(Uint32Array.of(1, 2), Uint32Array.of(2, 3), mode)]",
        mode,
    )
    assert sorted(rows) == expected


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
