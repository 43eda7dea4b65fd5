"""Where the gallery's tiles are: its pure functions, in Chromium, against slow references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import tsne_widget.widgets

pytestmark = pytest.mark.browser

GRID = Path(tsne_widget.widgets.__file__).with_name("static") / "grid.js"
TALL, HEADING = 50, 26  # pixels
GROUPINGS = [(0, []), (1, []), (23, []), (23, [1, 9, 13]), (30, [4, 4, 8, 1, 13]), (3, [1, 1, 1])]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.evaluate(
        "(source) => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))"
        ".then((module) => { window.tiles = module })",
        GRID.read_text("utf-8"),
    )
    yield opened
    opened.close()


def on_grid(page: Page, count: int, groups: list[int], body: str, *arguments: Any) -> Any:
    """Value of an expression over a grid of four columns, 100 pixels apart."""
    return page.evaluate(
        "([count, groups, body, args]) => { const grid = tiles.makeGrid(count, groups,"
        f" {{ width: 400, tileWidth: 100, tileHeight: {TALL}, headingHeight: {HEADING} }});"
        " return new Function('grid', 'args', `return ${body}`)(grid, args) }",
        [count, groups, body, list(arguments)],
    )


def places(count: int, groups: list[int]) -> list[tuple[int, int]]:
    """(x, y) of every tile, laid one after the other."""
    found, y = [], 0
    for size in groups or [count]:
        y += HEADING if groups else 0
        found += [(100 * (i % 4), y + TALL * (i // 4)) for i in range(size)]
        y += TALL * -(-size // 4)
    return found


@pytest.mark.parametrize(("count", "groups"), GROUPINGS)
def test_tiles_lie_in_rows_and_each_group_begins_a_new_one(page, count, groups):
    expected = places(count, groups)
    for index, (x, y) in enumerate(expected):
        place = on_grid(page, count, groups, "tiles.placeOf(grid, args[0])", index)
        assert (place["x"], place["y"]) == (x, y)
    height = on_grid(page, count, groups, "grid.height")
    assert height == (max(y for _, y in expected) + TALL if expected else 0)


@pytest.mark.parametrize(("count", "groups"), GROUPINGS)
def test_every_tile_that_can_be_seen_is_in_sight_and_hardly_another(page, count, groups):
    expected = places(count, groups)
    for top in range(0, 700, 13):
        seen = on_grid(page, count, groups, "tiles.inSight(grid, ...args)", top, top + 120)
        visible = [i for i, (_, y) in enumerate(expected) if y < top + 120 and y + TALL > top]
        drawn = list(range(seen["first"], seen["last"]))
        assert set(visible) <= set(drawn)
        assert len(drawn) <= len(visible) + 4  # a row's worth


def test_keys_lead_to_where_the_eye_expects(page):
    count, groups = 23, [6, 3, 14]  # rows of 4 2 | 3 | 4 4 4 2

    def key(index: int, name: str, pixels: int = 150) -> int:
        return on_grid(page, count, groups, "tiles.movedTo(grid, ...args)", index, name, pixels)

    assert [key(5, name) for name in ("ArrowLeft", "ArrowRight", "Home", "End")] == [4, 6, 0, 22]
    assert key(0, "ArrowLeft") == 0
    assert key(22, "ArrowRight") == 22
    assert key(1, "ArrowDown") == 5
    assert key(3, "ArrowDown") == 5  # the row below ends before it
    assert key(5, "ArrowDown") == 7  # into the next group, the same column
    assert key(4, "ArrowDown") == 6
    assert key(12, "ArrowUp") == 8  # back into a shorter row
    assert key(7, "ArrowUp") == 5
    assert key(2, "ArrowUp") == 2
    assert key(22, "ArrowDown") == 22
    assert key(0, "PageDown", 2000) == 22
    assert key(22, "PageUp", 2000) == 1  # the first row, the same column
    assert key(1, "PageDown", 2 * TALL) == 7  # a row of headings and tiles below


def test_arrows_reach_every_row_of_a_column_both_ways(page):
    for count, groups in GROUPINGS[2:]:
        rows = {y for _, y in places(count, groups)}
        for name, start in (("ArrowDown", 0), ("ArrowUp", count - 1)):
            visited, index = set(), start
            while places(count, groups)[index][1] not in visited:
                visited.add(places(count, groups)[index][1])
                index = on_grid(page, count, groups, "tiles.movedTo(grid, ...args)", index, name, 1)
            assert visited == rows


def test_a_narrow_gallery_has_one_column_and_a_wide_one_spreads_its_columns(page):
    make = (
        "(width) => { const { columns, tileWidth } = tiles.makeGrid(9, [], { width,"
        " tileWidth: 100, tileHeight: 9, headingHeight: 9 }); return [columns, tileWidth] }"
    )
    assert page.evaluate(make, 50) == [1, 100]
    assert page.evaluate(make, 490) == [4, 122.5]
    assert page.evaluate(make, 190) == [1, 125]


def test_the_end_of_a_list_taller_than_an_element_may_be_is_reached_by_scrolling(page):
    height, ratio = page.evaluate("() => Object.values(tiles.scrolling(5000, 400))")
    assert (height, ratio) == (5000, 1)
    full = 144 * 1_000_000
    height, ratio = page.evaluate("(full) => Object.values(tiles.scrolling(full, 400))", full)
    assert height < 33_000_000
    assert (height - 400) * ratio == pytest.approx(full - 400)


def test_the_smallest_picture_that_fills_a_tile_is_asked_for(page):
    ask = "(pixels) => tiles.pictureSize([96, 192, 384], pixels)"
    assert [page.evaluate(ask, p) for p in (56, 96, 97, 200, 400)] == [96, 96, 192, 384, 384]


def test_the_bits_of_the_picked_tiles_are_read_as_the_kernel_writes_them(page):
    flags = np.array([1, 0, 0, 1, 1, 0, 0, 0, 0, 1], dtype=bool)
    read = page.evaluate(
        "(bytes) => { const bits = new DataView(Uint8Array.from(bytes).buffer);"
        " return Array.from({ length: 40 }, (_, i) => tiles.isPicked(bits, 5, i)) }",
        np.packbits(flags).tolist(),
    )
    assert np.flatnonzero(read).tolist() == (5 + np.flatnonzero(flags)).tolist()
    assert not page.evaluate("() => tiles.isPicked(null, 0, 0)")
