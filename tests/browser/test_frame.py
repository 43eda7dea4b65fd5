"""The frame of an explorer: its keys, its sizes, the full window, and a kernel that is busy."""

from __future__ import annotations

import pytest

from tests.browser.gestures import SECONDS, drag, map_is_drawn
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 300
labels = np.arange(n) % 3
predictions = np.where(np.arange(n) % 7 == 0, (labels + 1) % 3, labels)
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(np.ones((n, 2)), labels, predictions=predictions,
                           class_names=["cat", "dog", "owl"]),
    embedding=rng.uniform(size=(n, 2)), images=np.zeros((n, 6, 6), "u1"))
explorer
"""
TYPED = "# typed"
# Names of the controls that reach beyond the frame.
BEYOND = """() => {
  const frame = document.querySelector(".tw-frame").getBoundingClientRect();
  return [...document.querySelectorAll(".tw-frame :is(button, input, select)")]
    .filter((one) => one.checkVisibility() && !one.closest(".tw-tabs"))
    .map((one) => [one.className || one.textContent, one.getBoundingClientRect()])
    .filter(([, { left, right }]) => left < frame.left - 1 || right > frame.right + 1)
    .map(([name]) => name);
}"""
BELOW = [(0.001, 0.999), (0.999, 0.999), (0.999, 0.4), (0.001, 0.4)]


@pytest.fixture(scope="module")
def opened(open_notebook) -> Notebook:
    notebook = open_notebook("frame.ipynb", [CELL, TYPED])
    notebook.run_all()
    map_is_drawn(notebook.page)
    return notebook


@pytest.fixture
def notebook(opened) -> Notebook:
    """Start without a selection."""
    opened.execute("explorer.clear()")
    return opened


def selected(notebook: Notebook) -> int:
    return notebook.python("len(explorer.selected)")


def select_the_wrong(notebook: Notebook) -> int:
    notebook.page.locator(".tw-wrong-count").click()
    until(lambda: selected(notebook) > 0, 20, "the wrong ones")
    return selected(notebook)


def width_of(notebook: Notebook, place: str) -> float:
    return notebook.page.locator(place).first.bounding_box()["width"]


def height_of(notebook: Notebook, place: str) -> float:
    return notebook.page.locator(place).first.bounding_box()["height"]


@pytest.mark.parametrize("place", [".tw-wrong-count", ".tw-counts", ".tw-legend", ".tw-tabs"])
def test_undo_works_from_everywhere_and_never_reaches_the_notebook(notebook, place):
    page = notebook.page
    editor = page.locator(".jp-Cell .cm-content").last
    editor.click()
    page.keyboard.press("End")
    page.keyboard.type(" more")
    text = editor.inner_text()
    select_the_wrong(notebook)
    page.locator(place).first.click(position={"x": 16, "y": 3})
    before = selected(notebook)
    page.keyboard.press("Control+z")
    until(lambda: selected(notebook) != before, 20, "the former selection")
    assert editor.inner_text() == text


def test_escape_clears_the_selection_and_buttons_undo_and_redo_it(notebook):
    count = select_the_wrong(notebook)
    header = notebook.page.locator(".tw-toolbar")
    notebook.page.locator(".tw-wrong-count").press("Escape")
    until(lambda: selected(notebook) == 0, 20, "an empty selection")
    header.get_by_role("button", name="Undo").click()
    until(lambda: selected(notebook) == count, 20, "the selection again")
    header.get_by_role("button", name="Redo").click()
    until(lambda: selected(notebook) == 0, 20, "the selection cleared again")


def test_the_question_mark_lists_the_keys(notebook):
    page = notebook.page
    page.locator(".tw-counts").first.click()
    page.keyboard.press("?")
    listed = page.locator(".tw-keys")
    listed.get_by_text("Undo").wait_for(timeout=20 * SECONDS)
    page.keyboard.press("Escape")
    listed.wait_for(state="hidden", timeout=20 * SECONDS)


def test_the_splitter_moves_by_mouse_and_keys_and_resets(notebook):
    page = notebook.page
    split = page.locator(".tw-split")
    before = width_of(notebook, ".tw-panels")
    box = split.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=4)
    page.mouse.up()
    until(lambda: abs(width_of(notebook, ".tw-panels") - before - 60) < 2, 20, "a wider panel")
    split.press("ArrowRight")
    until(lambda: abs(width_of(notebook, ".tw-panels") - before - 44) < 2, 20, "one step back")
    split.dblclick()
    until(lambda: abs(width_of(notebook, ".tw-panels") - before) < 2, 20, "the former width")


def test_the_lower_edge_drags_the_height(notebook):
    page = notebook.page
    before = height_of(notebook, ".tw-body")
    page.locator(".tw-grip").press("ArrowDown")
    until(lambda: abs(height_of(notebook, ".tw-body") - before - 16) < 2, 20, "a higher widget")
    page.locator(".tw-grip").dblclick()
    until(lambda: abs(height_of(notebook, ".tw-body") - before) < 2, 20, "the former height")


def test_the_full_window_covers_the_notebook_and_escape_leaves_it(notebook):
    page = notebook.page
    page.locator(".tw-counts").first.click()
    page.keyboard.press("w")
    size = page.viewport_size
    until(lambda: height_of(notebook, ".tsne-widget") == size["height"], 20, "the full window")
    assert width_of(notebook, ".tsne-widget") == size["width"]
    covered = page.evaluate(
        "() => document.elementFromPoint(5, 5).closest('.tsne-widget') !== null"
    )
    assert covered
    page.keyboard.press("Escape")
    until(lambda: height_of(notebook, ".tsne-widget") < size["height"], 20, "the notebook")


def test_a_busy_kernel_is_shown_until_it_has_followed(notebook):
    page = notebook.page
    wrong = select_the_wrong(notebook)  # a kernel that answers
    page.locator(".tsne-widget[data-pending]").wait_for(state="detached", timeout=20 * SECONDS)
    notebook.client.execute("import time; time.sleep(6)")
    drag(page, BELOW)
    page.get_by_text("Kernel busy, will follow").wait_for(timeout=5 * SECONDS)
    assert f"{wrong} selected" in page.locator(".tw-pill").inner_text()
    page.locator(f".tw-pill:not(:has-text('{wrong} selected'))").wait_for(timeout=30 * SECONDS)
    page.locator(".tsne-widget[data-pending]").wait_for(state="detached", timeout=20 * SECONDS)
    page.get_by_text("Kernel busy, will follow").wait_for(state="hidden", timeout=20 * SECONDS)


@pytest.mark.parametrize("width", [420, 700, 900, 1200, 1600])
def test_nothing_is_cut_off_or_scrolled_sideways(notebook, width):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": width + 200, "height": 1000})
    page.wait_for_timeout(300)
    beyond = page.evaluate(BEYOND)
    page.set_viewport_size({"width": 1400, "height": 1100})
    assert beyond == []
