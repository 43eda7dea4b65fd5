"""Gestures on the map, and what the map and the gallery draw."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from tests.browser.jupyter import PATIENCE, Notebook, until

SECONDS = 1000 * PATIENCE  # Playwright uses milliseconds

# Disables WebGL in a page.
NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return /webgl/.test(kind) ? null : getContext.call(this, kind, ...rest);
};
"""

# Position of each point of a map in pixels of the page, from bqplot's own scales.
_DRAWN = """(nth) => {
  const root = document.querySelectorAll(".tw-scatter")[nth];
  const view = root.bqplotFigure;
  const overlay = root.querySelector(".tw-overlay").getBoundingClientRect();
  return view.mark_views.views[0].then((mark) => {
    const { x, y } = mark.scales;
    const left = overlay.left + view.margin.left + x.offset;
    const top = overlay.top + view.margin.top + y.offset;
    return [
      Array.from(mark.model.get("x"), (value) => left + x.scale(value)),
      Array.from(mark.model.get("y"), (value) => top + y.scale(value)),
      Array.from(mark.model.get("opacity")),
    ];
  });
}"""

# Data coordinates of each point of a map.
PLACES = """(nth) => {
  const view = document.querySelectorAll(".tw-scatter")[nth].bqplotFigure;
  const places = (mark) => ["x", "y"].map((name) => [...mark.model.get(name)]);
  return view.mark_views.views[0].then(places);
}"""


# JupyterLab renders a cell only near the window: this scrolls to the last widget.
_SCROLL = """() => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const shows = (cell) => cell.model.type === "code" && cell.model.outputs.toJSON().some(
    (output) => output.data?.["application/vnd.jupyter.widget-view+json"]
      && output.output_type === "execute_result");
  const index = notebook.widgets.findLastIndex(shows);
  if (index < 0) return false;
  notebook.activeCellIndex = index;
  return notebook.scrollToItem(index, "start").then(() => true, () => true);
}"""


def map_is_drawn(page: Page, seconds: float = 90) -> None:
    """Scroll to the widget, and wait until its map is drawn (seconds)."""
    until(lambda: page.evaluate(_SCROLL), seconds, "a cell with a widget")
    page.wait_for_function(
        "() => document.querySelector('.tw-scatter .tw-waiting')?.hidden",
        timeout=seconds * SECONDS,
    )
    page.locator(".tsne-widget").first.scroll_into_view_if_needed()


def pictures_are_drawn(page: Page, count: int) -> None:
    """Wait until the gallery has `count` samples, and every visible tile has its picture.

    The count tells the tiles of this selection from those of an earlier one.
    """
    page.wait_for_function(
        "(count) => { const tiles = [...document.querySelectorAll('.tw-gallery figure')];"
        " return tiles.length && tiles.every((tile) => {"
        " const image = tile.querySelector('img'); return image?.complete && image.naturalWidth"
        " && tile.getAttribute('aria-setsize') === String(count); }) }",
        arg=count,
        timeout=20 * SECONDS,
    )


def drawn_points(page: Page, nth: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions (n, 2) in pixels of the page, and opacities (n,), of points on the nth map."""
    x, y, opacity = page.evaluate(_DRAWN, nth)
    return np.column_stack([x, y]), np.asarray(opacity)


def drawn_rows(
    notebook: Notebook, embedding: str = "explorer.embedding", nth: int = 0
) -> NDArray[np.int64]:
    """Row (n,) of each point of the nth map, in the order in which it draws them."""
    x, y = notebook.page.evaluate(PLACES, nth)
    rows: dict[tuple[float, float], list[int]] = {}
    for row, place in enumerate(notebook.python(f"{embedding}.tolist()")):
        rows.setdefault(tuple(place), []).append(row)
    return np.array([rows[place].pop(0) for place in zip(x, y, strict=True)], dtype=np.int64)


@contextlib.contextmanager
def held(page: Page, *keys: str) -> Iterator[None]:
    """Hold keys down; they come up after a failure too, so that later tests do not see them."""
    for key in keys:
        page.keyboard.down(key)
    try:
        yield
    finally:
        for key in keys:
            page.keyboard.up(key)


def drag(
    page: Page,
    shares: list[tuple[float, float]],
    *,
    keys: tuple[str, ...] = (),
    steps: int = 8,
    nth: int = 0,
) -> list[tuple[float, float]]:
    """Drag through positions given as shares of the nth map's width and height.

    The first one is moved inside by 2 pixels: the map may end between two pixels of the screen.
    Returns the corners in pixels of the page.
    """
    box: Any = page.locator(".tw-overlay").nth(nth).bounding_box()
    corners = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in shares]
    corners[0] = (
        min(max(corners[0][0], box["x"] + 2), box["x"] + box["width"] - 2),
        min(max(corners[0][1], box["y"] + 2), box["y"] + box["height"] - 2),
    )
    with held(page, *keys):
        page.mouse.move(*corners[0])
        page.mouse.down()
        for corner in corners[1:]:
            page.mouse.move(*corner, steps=steps)
        page.mouse.up()
    return corners


def outline(page: Page) -> NDArray[np.float64]:
    """Vertices (k, 2) of the drawn lasso, in pixels of the page."""
    path, left, top = page.evaluate(
        "() => { const path = document.querySelector('.tw-lasso path').getAttribute('d');"
        " const box = document.querySelector('.tw-overlay').getBoundingClientRect();"
        " return [path, box.left, box.top]; }"
    )
    pairs = path.removeprefix("M").removesuffix("Z").split("L")
    vertices = np.array([[float(v) for v in pair.split()] for pair in pairs])
    return vertices + np.array([left, top])


def has_pictures_of_the_selection(page: Page) -> int:
    """Number of selected samples on the page, once their pictures are drawn."""
    summary = page.locator(".tw-pill")
    until(lambda: "selected" in summary.inner_text(), 30, "the selection")
    count = int(re.search(r"([\d,]+) selected", summary.inner_text())[1].replace(",", ""))
    pictures_are_drawn(page, count)
    return count
