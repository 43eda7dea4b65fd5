"""The explorer together with other widgets: in boxes, linked, displayed twice, in a new view."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.gestures import SECONDS, drag, drawn_points
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

N = 60
SETUP = f"""
import numpy as np
from IPython.display import display
from ipywidgets import Accordion, HBox, IntSlider, Tab, interactive_output, link
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
labels = np.arange({N}) % 3
xy = rng.uniform(size=({N}, 2))
record = FeatureSet.from_arrays(rng.normal(size=({N}, 4)), labels, predictions=labels[::-1])
def make():
    return EmbeddingExplorer(record, embedding=xy, height=220)
"""
# Maps in the order of the page, numbered from 0.
BOX, TAB, ACCORDION, A, B, FIRST, SECOND = range(7)
CELLS = [
    SETUP,
    "boxed, slider = make(), IntSlider(value=5)\nHBox([boxed, slider])",
    "tabbed = make()\nTab([IntSlider(), tabbed], titles=['Slider', 'Explorer'])",
    "folded = make()\nAccordion([folded], titles=['Explorer'])",
    "a, b = make(), make()\nlinked = link((a, 'selected'), (b, 'selected'))\nHBox([a, b])",
    "twice = make()\ndisplay(twice)\ntwice",
]
LEFT = [(0.001, 0.999), (0.5, 0.999), (0.5, 0.2), (0.001, 0.2)]
ALL = [(0.001, 0.999), (0.999, 0.999), (0.999, 0.001), (0.001, 0.001)]


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    """Make every cell visible at once, so that JupyterLab renders all of them."""
    opened = open_notebook("embedding.ipynb", CELLS, width=1300, height=5800)
    opened.run_all()
    for nth in (BOX, A, B, FIRST, SECOND):
        drawn(opened, nth)
    return opened


def drawn(notebook: Notebook, nth: int) -> None:
    notebook.page.wait_for_function(
        "(nth) => { const root = document.querySelectorAll('.tw-scatter')[nth];"
        " return root?.bqplotFigure && root.querySelector('.tw-waiting').hidden }",
        arg=nth,
        timeout=90 * SECONDS,
    )


def lasso(notebook: Notebook, nth: int, explorer: str, shares=LEFT) -> list[int]:
    """Drag around points of the nth map and return the rows selected in Python."""
    before = notebook.python(f"{explorer}.selected.tolist()")
    drag(notebook.page, shares, nth=nth)
    until(lambda: notebook.python(f"{explorer}.selected.tolist()") != before, 30, "the selection")
    return notebook.python(f"{explorer}.selected.tolist()")


def is_shown(notebook: Notebook, nth: int, count: int) -> None:
    """Wait until the nth explorer shows this many selected rows, on its map and in its toolbar."""
    page = notebook.page
    until(lambda: (drawn_points(page, nth)[1] == 1).sum() == count, 30, "bright points")
    page.locator(".tsne-widget").nth(nth).get_by_text(f"{count} selected").first.wait_for(
        timeout=30 * SECONDS
    )


def test_explorer_in_a_box_shares_the_width_with_its_neighbour(notebook):
    page = notebook.page
    slider = page.locator(".widget-slider").first
    explorer = page.locator(".tsne-widget").nth(BOX).bounding_box()
    beside = slider.bounding_box()
    assert explorer["width"] > 600
    assert beside["x"] >= explorer["x"] + explorer["width"] - 1
    assert beside["x"] + beside["width"] <= page.viewport_size["width"]
    rows = lasso(notebook, BOX, "boxed")
    is_shown(notebook, BOX, len(rows))
    slider.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    until(lambda: notebook.python("slider.value") == 6, 20, "the slider")


def test_explorer_in_a_tab_is_drawn_when_the_tab_opens(notebook):
    page = notebook.page
    page.locator(".jupyter-widget-tab .lm-TabBar-tab", has_text="Explorer").click()
    drawn(notebook, TAB)
    rows = lasso(notebook, TAB, "tabbed")
    is_shown(notebook, TAB, len(rows))
    page.locator(".jupyter-widget-tab .lm-TabBar-tab", has_text="Slider").click()
    notebook.execute("tabbed.select([1, 2])")
    page.locator(".jupyter-widget-tab .lm-TabBar-tab", has_text="Explorer").click()
    is_shown(notebook, TAB, 2)


def test_explorer_in_an_accordion_is_drawn_when_it_unfolds(notebook):
    page = notebook.page
    page.locator(".jupyter-widget-Collapse-header", has_text="Explorer").click()
    drawn(notebook, ACCORDION)
    rows = lasso(notebook, ACCORDION, "folded")
    is_shown(notebook, ACCORDION, len(rows))


def test_linked_explorers_show_each_others_lassos(notebook):
    rows = lasso(notebook, A, "b")
    assert notebook.python("a.selected.tolist()") == rows
    for nth in (A, B):
        is_shown(notebook, nth, len(rows))
    assert len(lasso(notebook, B, "a", ALL)) == N
    for nth in (A, B):
        is_shown(notebook, nth, N)


def test_two_views_of_one_explorer_show_each_others_gestures(notebook):
    page = notebook.page
    rows = lasso(notebook, SECOND, "twice")
    for nth in (FIRST, SECOND):
        is_shown(notebook, nth, len(rows))
    legend = page.locator(".tw-legend")
    legend.nth(FIRST).locator("li button").nth(1).click()
    hidden = legend.nth(SECOND).locator("li button").nth(1)
    until(lambda: hidden.get_attribute("aria-pressed") == "false", 20, "the other legend")
    legend.nth(FIRST).locator("li button").nth(1).click()
    page.locator(".tw-tabs").nth(FIRST).get_by_role("tab", name="Saved").click()
    other = page.locator(".tw-tabs").nth(SECOND).get_by_role("tab", name="Saved")
    until(lambda: other.get_attribute("aria-selected") == "true", 20, "the other view's panel")


def test_views_of_different_sizes_each_show_the_whole_map_at_one_scale(notebook):
    page = notebook.page
    notebook.execute(
        "from ipywidgets import Box, Layout\n"
        "narrow = Box([twice], layout=Layout(width='560px'))\ndisplay(narrow)"
    )
    for nth in (FIRST, SECOND):
        pixels, _ = drawn_points(page, nth)
        x, y = np.ptp(np.array(notebook.python("xy.tolist()")), axis=0)
        wide, high = np.ptp(pixels, axis=0)
        assert wide / x == pytest.approx(high / y, rel=1e-3)
        box = page.locator(".tw-overlay").nth(nth).bounding_box()
        assert (pixels > [box["x"], box["y"]]).all()
        assert (pixels < [box["x"] + box["width"], box["y"] + box["height"]]).all()


def test_explorer_controls_an_interactive_output(notebook):
    notebook.execute(
        "sizes = []\n"
        "output = interactive_output(lambda rows: sizes.append(len(rows)), {'rows': boxed})"
    )
    rows = lasso(notebook, BOX, "boxed", ALL)
    until(lambda: notebook.python("sizes[-1]") == len(rows), 20, "the function's call")


def test_a_new_view_for_output_shows_the_same_explorer(notebook):
    page = notebook.page
    cell = page.locator(".jp-Cell", has=page.locator(".tsne-widget")).last
    cell.locator(".jp-OutputArea-promptOverlay").first.click(button="right")
    page.locator(".lm-Menu-item", has_text="Create New View for").click()
    view = page.locator(".jp-LinkedOutputView .tsne-widget")
    view.first.wait_for(timeout=30 * SECONDS)
    page.wait_for_function(
        "() => document.querySelector('.jp-LinkedOutputView .tw-scatter')?.bqplotFigure",
        timeout=60 * SECONDS,
    )
    notebook.execute("twice.select([3, 4, 5])")
    view.first.get_by_text("3 selected").first.wait_for(timeout=30 * SECONDS)
    view.first.locator(".tw-legend li button").nth(2).click()
    until(lambda: notebook.python("list(twice.visible_classes)") == ["0", "1"], 20, "the click")
