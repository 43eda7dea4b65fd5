"""The scores panel and the histogram of the key, with the pointer and with keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator

from tests.browser.gestures import SECONDS, held
from tests.browser.jupyter import until
from tests.browser.test_shared_page import Opened, make_record, places
from tsne_widget import save_html
from tsne_widget.analysis.scores import cheap_scores

pytestmark = pytest.mark.browser

_SELECTED = "() => [...document.getElementById('tw-page').exploration.state.selected]"
RECORD = make_record()
SURE = cheap_scores(RECORD, np.arange(len(RECORD)))["confidence"]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    file = save_html(RECORD, places(), tmp_path / "map.html", thumbnail=0, progress=False)
    page = Opened(browser, file, viewport={"width": 1200, "height": 900})
    page.page.locator("[role=tab]", has_text="Scores").click()
    page.page.locator(".tw-reliability-plot line.tw-kept").first.wait_for(
        state="attached", timeout=20 * SECONDS
    )
    yield page
    page.close()


def selected(opened: Opened) -> list[int]:
    return opened.page.evaluate(_SELECTED)


def brush(opened: Opened, plot: Locator, start: float, end: float) -> None:
    """Drag from one place of a row of bars to another, as shares of its width."""
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    mouse, y = opened.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + start * box["width"], y)
    mouse.down()
    mouse.move(box["x"] + (start + end) / 2 * box["width"], y, steps=3)
    mouse.move(box["x"] + end * box["width"], y, steps=3)
    mouse.up()


def test_bars_and_histograms_select_and_combine(opened):
    page = opened.page
    plot = page.locator(".tw-reliability-plot")
    brush(opened, plot, 0.55, 0.99)
    until(lambda: len(selected(opened)) > 0, 20, "a selection")
    first = selected(opened)
    assert SURE[first].min() >= np.delete(SURE, first).max()
    margin = page.locator(".tw-scores .tw-histogram", has_text="margin")
    with held(page, "Control"):
        brush(opened, margin.locator(".tw-histogram-plot"), 0.01, 0.7)
    until(lambda: set(selected(opened)) < set(first), 20, "a smaller selection")
    plot.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    until(lambda: len(selected(opened)) and not set(selected(opened)) & set(first), 20, "others")


def test_the_histogram_above_the_key_selects(opened):
    page = opened.page
    page.locator(".tw-key-head select").select_option("confidence")
    plot = page.locator(".tw-key .tw-histogram-plot")
    plot.locator("rect").first.wait_for(state="attached", timeout=20 * SECONDS)
    brush(opened, plot, 0.01, 0.3)
    until(lambda: len(selected(opened)) > 0, 20, "a selection")
    rows = selected(opened)
    assert SURE[rows].max() <= np.delete(SURE, rows).min()
