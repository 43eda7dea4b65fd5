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
from tsne_widget.widgets.state.evidence import Test

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page whose first mistake has tested evidence, and the second none."""
    record = make_record()
    first, second = np.flatnonzero(record.misclassified)[:2]
    with EmbeddingExplorer(record, embedding=places(), images=pictures(record)) as explorer:
        known = explorer.state.evidence
        values = np.zeros((4, 4), "f4")
        values[0, 3], values[3, 0] = 2, -1
        test = Test(True, (0.9, 0.8, 0.2), {int(record.labels[first]): 4})
        for target in ("difference", "prediction"):
            known.keep(target, [first], [values], {int(first): test})
        explorer.select([first, second])
        file = explorer.save_html(tmp_path / "page.html", progress=False)
    opened = Opened(browser, file, viewport={"width": 1400, "height": 900})
    opened.page.evaluate(
        "(row) => document.getElementById('tw-page').exploration.put('focus', row)", int(first)
    )
    yield opened.page
    opened.close()


# Alpha of a place of the map, at shares of its width and height.
ALPHA = """(canvas, [x, y]) => canvas.getContext("2d")
  .getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data[3]"""


def test_the_close_look_shows_the_evidence_and_its_test(page):
    look = page.locator(".tw-look")
    drawn = look.locator(".tw-evidence-map")
    expect(drawn).to_be_visible(timeout=20 * SECONDS)
    expect(look.locator(".tw-look-evidence")).to_contain_text("The evidence holds.")
    expect(look.locator(".tw-look-evidence")).to_contain_text("every time")
    expect(look.locator(".tw-evidence-bars li")).to_have_count(3)
    assert drawn.evaluate(ALPHA, [0.95, 0.05]) > 200
    assert drawn.evaluate(ALPHA, [0.5, 0.5]) < 40
    look.get_by_role("group", name="Evidence for").get_by_role("button").first.click()
    expect(look.get_by_role("button", pressed=True)).to_have_count(1)
    expect(drawn).to_be_visible(timeout=20 * SECONDS)
    slider = look.get_by_role("slider", name="Strength of the evidence")
    slider.fill("0")
    expect(drawn).to_be_hidden()
    expect(look.locator(".tw-is-grey")).to_have_count(0)
    slider.fill("60")
    expect(drawn).to_be_visible()
    look.get_by_title("Next (→)").click()
    expect(look.locator(".tw-look-evidence")).to_contain_text("No evidence is stored")
    expect(drawn).to_have_count(0)
