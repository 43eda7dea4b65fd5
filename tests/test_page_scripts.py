"""Pure functions of the page, run by node: their own tests, and comparisons with the kernel."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

import tsne_widget
from tests.node import SCRIPTS, Node, node
from tsne_widget import FeatureSet
from tsne_widget.analysis import PolygonIndex
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.selecting import MODES

CONSTANTS = Path(tsne_widget.__file__).parent / "widgets/frontend/constants.js"


def test_the_tests_in_javascript_pass():
    files = sorted(map(str, SCRIPTS.glob("*.test.js")))
    assert files
    run = subprocess.run(
        [node(), "--test", "--test-reporter=spec", *files],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_constant_of_the_scripts_is_used():
    names = re.findall(r"export const (\w+)", CONSTANTS.read_text("utf-8"))
    widgets = CONSTANTS.parents[1]
    scripts = [file for file in widgets.rglob("*.js") if file.parent.name != "dist"]
    used = {
        word
        for file in scripts
        if file != CONSTANTS
        for word in re.findall(r"\w+", file.read_text("utf-8"))
    }
    assert len(names) > 50
    assert set(names) <= used


@pytest.fixture(scope="module")
def geometry() -> Iterator[Node]:
    with Node("frontend/geometry.js") as functions:
        yield functions


def floats(values: ArrayLike, bits: int = 64) -> dict[str, Any]:
    """Numbers as a typed array of the page."""
    return {f"Float{bits}Array": np.ravel(values).tolist()}


def rows(values: list[int]) -> dict[str, list[int]]:
    return {"Uint32Array": values}


def rows_inside(geometry: Node, points: ArrayLike, polygon: ArrayLike) -> list[int]:
    x, y = np.reshape(points, (-1, 2)).T
    return geometry.call("rowsInside", floats(x, 32), floats(y, 32), floats(polygon))


@pytest.mark.parametrize("corners", [3, 4, 7, 60])
@pytest.mark.parametrize("spread", [0.3, 1.0, 5.0])
def test_preview_of_a_lasso_contains_exactly_the_rows_that_the_kernel_selects(
    geometry, corners, spread
):
    rng = np.random.default_rng(corners)
    points = rng.normal(size=(2000, 2)).astype(np.float32)
    polygon = rng.normal(size=(corners, 2)) * spread  # crosses itself
    expected = PolygonIndex(points).inside(polygon).tolist()
    assert expected
    assert rows_inside(geometry, points, polygon) == expected


@pytest.mark.parametrize(
    "polygon", [[[1, 1], [3, 1], [3, 3], [1, 3]], [[0, 2], [2, 0], [4, 2], [2, 4]]]
)
def test_points_on_corners_and_edges_are_treated_as_in_the_kernel(geometry, polygon):
    points = np.array([[x, y] for x in range(5) for y in range(5)], dtype=np.float32)
    expected = PolygonIndex(points).inside(np.array(polygon, dtype=float)).tolist()
    assert rows_inside(geometry, points, polygon) == expected


COORDINATE = st.one_of(st.integers(-4, 4).map(float), st.floats(-5, 5, width=32))
PLACE = st.tuples(COORDINATE, COORDINATE)


@settings(max_examples=150, deadline=None)
@example([(2.0**-51, -1.0)], [(0.0, 0.0), (2.0**-51, -1.0), (-1.0, 0.0)])
@given(st.lists(PLACE, max_size=30), st.lists(PLACE, min_size=3, max_size=12))
def test_any_points_and_any_polygon_give_the_rows_of_the_kernel(geometry, points, polygon):
    places = np.array(points, dtype=np.float32).reshape(-1, 2)
    expected = PolygonIndex(places).inside(np.array(polygon)).tolist()
    assert rows_inside(geometry, places, polygon) == expected


ROWS = st.sets(st.integers(0, 39)).map(sorted)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, st.sampled_from(MODES))
def test_selections_combine_as_in_the_kernel(geometry, selected, more, mode):
    state = ExplorerState(FeatureSet.from_arrays(np.ones((40, 1))), None)
    state.select(selected)
    state.select(more, mode)
    found = geometry.call("combineRows", rows(selected), rows(more), mode)
    assert found == state.selected.tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(PLACE, min_size=1, max_size=30), PLACE, st.floats(0.1, 9), st.data())
def test_nearest_point_equals_that_of_a_full_search(geometry, points, place, radius, data):
    visible = data.draw(st.lists(st.booleans(), min_size=len(points), max_size=len(points)))
    x, y = np.transpose(points).tolist()
    found = geometry.call("nearestPoint", x, y, list(map(float, visible)), place, radius, None)
    distances = np.hypot(*(np.array(points) - place).T)
    distances[~np.array(visible)] = np.inf
    if found < 0:
        assert distances.min() >= radius * (1 - 1e-9)
    else:
        assert distances[found] <= radius
        assert np.isclose(distances[found], distances.min())
