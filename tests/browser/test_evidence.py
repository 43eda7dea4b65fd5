"""The evidence in the close look of an exported page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.gestures import SECONDS
from tests.browser.test_shared_page import Opened, make_record, pictures, places
from tsne_widget import EmbeddingExplorer
from tsne_widget.widgets.state.evidence import CoverTest

pytestmark = pytest.mark.browser


def look_at(page: Page, row: int | None) -> None:
    page.evaluate("(row) => document.getElementById('tw-page').exploration.put('focus', row)", row)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, int]]:
    """A page whose first mistake has tested evidence, and the second none."""
    record = make_record()
    first, second = np.flatnonzero(record.misclassified)[:2]
    with EmbeddingExplorer(record, embedding=places(), images=pictures(record)) as explorer:
        known = explorer.state.evidence
        values = np.zeros((4, 4), "f4")
        values[0, 3], values[3, 0] = 2, -1
        test = CoverTest(True, (0.9, 0.8, 0.2), {int(record.labels[first]): 4})
        for target in ("difference", "prediction"):
            known.keep(target, [first], [values], {int(first): test})
        explorer.select([first, second])
        file = explorer.save_html(tmp_path / "page.html", progress=False)
    one = Opened(browser, file, viewport={"width": 1400, "height": 900})
    look_at(one.page, int(first))
    yield one.page, int(second)
    one.close()


# Alpha of the map in the corner at the top right, and in the middle.
ALPHA = """(canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const at = (x, y) => data[4 * (Math.floor(y * height) * width + Math.floor(x * width)) + 3];
  return [at(0.95, 0.05), at(0.5, 0.5)];
}"""


def test_the_close_look_shows_the_evidence_and_its_test(opened):
    page, without = opened
    look = page.locator(".tw-look")
    drawn = look.locator(".tw-evidence-map")
    expect(drawn).to_be_visible(timeout=20 * SECONDS)
    expect(look.locator(".tw-look-evidence")).to_contain_text("The evidence holds.")
    expect(look.locator(".tw-look-evidence")).to_contain_text("every time")
    expect(look.locator(".tw-evidence-bars li")).to_have_count(3)
    corner, middle = drawn.evaluate(ALPHA)
    assert corner > 200
    assert middle < 40
    look.get_by_role("group", name="Evidence for").get_by_role("button").first.click()
    expect(look.get_by_role("button", pressed=True)).to_have_count(1)
    expect(drawn).to_be_visible(timeout=20 * SECONDS)
    slider = look.get_by_role("slider", name="Strength of the evidence")
    slider.fill("0")
    expect(drawn).to_be_hidden()
    expect(look.locator(".tw-is-grey")).to_have_count(0)
    slider.fill("60")
    expect(drawn).to_be_visible()
    look_at(page, without)
    expect(look.locator(".tw-look-evidence")).to_contain_text("No evidence is stored")
    expect(drawn).to_have_count(0)


def test_tiles_with_evidence_show_it_on_request(opened):
    page, _without = opened
    look_at(page, None)
    page.get_by_role("button", name="Size of the pictures").click()
    drawn = page.locator(".tw-pictures .tw-evidence-map")
    expect(drawn).to_have_count(0)
    switch = page.get_by_label("Evidence over the pictures")
    switch.check()
    expect(drawn).to_have_count(1, timeout=20 * SECONDS)
    corner, middle = drawn.evaluate(ALPHA)
    assert corner > 200
    assert middle < 40
    switch.uncheck()
    expect(drawn).to_have_count(0)
