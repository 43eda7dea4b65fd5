"""Maps side by side, and several maps in one place, in a real browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.gestures import PLACES, SECONDS, drawn_points, drawn_rows, map_is_drawn
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from sklearn.decomposition import PCA
from tsne_widget import EmbeddingExplorer, FeatureSet, compare

rng = np.random.default_rng(0)
n = 300
labels = np.arange(n) % 3
xy = 8 * np.array([[0, 0], [1, 0], [0.5, 1]])[labels] + rng.normal(size=(n, 2))
def record(seed, skill):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 3)) + skill * np.eye(3)[labels]
    features = rng.normal(size=(n, 6)) + 4 * np.eye(3, 6)[labels]
    return FeatureSet.from_arrays(features, labels, logits=logits, predictions=logits.argmax(1),
                                  class_names=["cat", "dog", "owl"])
images = rng.integers(0, 255, (n, 12, 12, 3), dtype=np.uint8)
"""
COMPARED = """
later = 2 * xy[:, ::-1] + rng.normal(size=(n, 2))
comparison = compare({"early": (record(1, 0.5), xy), "late": (record(2, 2.5), later)},
                     images=images)
comparison
"""
SWITCHED = """
explorer = EmbeddingExplorer(record(1, 1.0), images=images,
                             embedding={"mine": xy}, projector={"PCA": PCA(n_components=2)})
explorer.wait()
explorer
"""

NAMES = ["early", "late"]


@pytest.fixture(scope="module")
def compared(open_notebook) -> Notebook:
    notebook = open_notebook("compared.ipynb", [SETUP, COMPARED], width=1600)
    notebook.run_all()
    map_is_drawn(notebook.page)
    notebook.page.wait_for_function(
        "() => document.querySelectorAll('.tw-scatter .tw-waiting[hidden]').length === 2",
        timeout=60 * SECONDS,
    )
    return notebook


@pytest.fixture(autouse=True)
def _as_at_first(request):
    if "compared" in request.fixturenames:
        notebook = request.getfixturevalue("compared")
        notebook.execute(
            "comparison.clear(); comparison.state.show([True] * 3); comparison.morph = 1"
        )
        notebook.page.mouse.move(3, 3)


def drawn(notebook: Notebook, nth: int) -> tuple[Any, Any]:
    """((n, 2) pixels, (n,) opacity) of the nth map, by row."""
    pixels, opacity = drawn_points(notebook.page, nth)
    order = np.argsort(drawn_rows(notebook, f"comparison.embeddings[{NAMES[nth]!r}]", nth))
    return pixels[order], opacity[order]


def drag_around(notebook: Notebook, nth: int, rows: Any) -> None:
    """Drag a box around points of the nth map."""
    page = notebook.page
    overlay = page.locator(".tw-overlay").nth(nth)
    overlay.scroll_into_view_if_needed()
    pixels, _ = drawn(notebook, nth)
    (left, top), (right, bottom) = pixels[rows].min(axis=0) - 6, pixels[rows].max(axis=0) + 6
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in [(right, top), (right, bottom), (left, bottom), (left, top)]:
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


@pytest.mark.parametrize("nth", [0, 1])
def test_a_lasso_on_one_map_selects_on_both(compared, nth):
    rows = np.arange(300) % 3 == 0  # below the buttons
    drag_around(compared, nth, rows)
    until(lambda: compared.python("len(comparison.selected)") >= 100, 30, "the selection")
    selected = compared.python("comparison.selected.tolist()")
    assert set(np.flatnonzero(rows)) <= set(selected)

    def both_show_it() -> bool:
        bright = [np.flatnonzero(drawn(compared, one)[1] == 1).tolist() for one in (0, 1)]
        return bright[0] == bright[1] == selected

    until(both_show_it, 30, "the selection on both maps")
    compared.page.locator(".tw-gallery figure").first.wait_for(timeout=30 * SECONDS)


def test_the_point_under_the_pointer_is_ringed_on_the_other_map(compared):
    page = compared.page
    page.locator(".tw-overlay").first.scroll_into_view_if_needed()
    pixels, _ = drawn(compared, 0)
    row = int(np.argmax(pixels[:, 0]))  # at the edge, where no other point is near
    page.mouse.move(*pixels[row])
    until(lambda: compared.python("comparison.state.hovered") is not None, 30, "the hovered point")
    hovered = compared.python("comparison.state.hovered")

    def is_ringed() -> bool:
        box = page.locator(".tw-lasso > circle").nth(1).bounding_box()
        if not box or box["width"] < 5:
            return False
        center = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
        return bool(np.abs(center - drawn(compared, 1)[0][hovered]).max() < 3)

    until(is_ringed, 30, "the ring on the other map")


def test_hidden_class_disappears_from_both_maps(compared):
    compared.page.locator(".tw-legend li button").first.click()
    until(
        lambda: all(
            (drawn(compared, nth)[1] == 0).tolist() == (np.arange(300) % 3 == 0).tolist()
            for nth in (0, 1)
        ),
        30,
        "the class to leave both maps",
    )


def test_a_click_on_a_change_selects_it_and_draws_lines(compared):
    page = compared.page
    page.locator("button[data-change=fixed]").click()
    count = compared.python("int(comparison.summary()['fixed'])")
    until(lambda: compared.python("len(comparison.selected)") == count, 30, "the fixed ones")
    lines = page.locator(".tw-scatter").nth(1).locator(".tw-trails line")
    until(lambda: lines.count() == count, 30, "the lines")
    assert page.locator(".tw-scatter").first.locator(".tw-trails line").count() == 0
    toggle = page.get_by_role("button", name="Lines")
    toggle.click()
    until(lambda: lines.count() == 0, 30, "the lines to go")
    toggle.click()
    until(lambda: lines.count() == count, 30, "the lines to come back")


def test_the_slider_moves_the_points_by_keyboard(compared):
    slider = compared.page.locator(".tw-way input[type=range]")
    slider.focus()
    compared.page.keyboard.press("Home")
    until(lambda: compared.python("comparison.morph") == 0, 30, "the first map's places")

    def is_there() -> bool:
        places = np.column_stack(compared.page.evaluate(PLACES, 1))
        first = np.array(compared.python("comparison.embeddings['early'].tolist()"))
        return np.allclose(np.sort(places, axis=0), np.sort(first, axis=0), atol=1e-4)

    until(is_there, 30, "the points at their places on the first map")
    compared.page.keyboard.press("End")
    until(lambda: compared.python("comparison.morph") == 1, 30, "the last map's places")


def test_message_lies_over_the_maps_and_can_be_dismissed(compared):
    compared.execute("comparison.state.message = 'left out: <b>5</b>'")
    message = compared.page.locator(".tw-comparison .tw-message")
    message.get_by_text("left out: <b>5</b>").wait_for(timeout=30 * SECONDS)
    compared.page.get_by_role("button", name="Dismiss").first.click()
    message.wait_for(state="hidden", timeout=30 * SECONDS)


@pytest.mark.parametrize("width", [900, 1600])
def test_maps_are_side_by_side_if_there_is_room(compared, width):
    compared.page.set_viewport_size({"width": width, "height": 1100})

    def tops() -> list[float]:
        boxes = [box.bounding_box() for box in compared.page.locator(".tw-scatter").all()]
        return [box["y"] for box in boxes if box]

    until(
        lambda: len(tops()) == 2 and (tops()[0] == tops()[1]) == (width == 1600), 30, "the layout"
    )
    overflow = (
        "() => { const widget = document.querySelector('.tsne-widget');"
        " return widget.scrollWidth - widget.clientWidth; }"
    )
    assert compared.page.evaluate(overflow) <= 1


def test_the_comparison_is_free_of_axe_violations(compared):
    found = Axe().run(compared.page, context=".tsne-widget")
    assert found.violations_count == 0, found.generate_report()


def test_drop_down_shows_another_map_and_keeps_everything_else(open_notebook):
    notebook = open_notebook("switched.ipynb", [SETUP, SWITCHED])
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    notebook.execute("explorer.select([1, 2, 3]); explorer.visible_classes = ['dog', 'owl']")
    choose = page.locator(".tw-maps select")
    choose.select_option("PCA")
    until(lambda: notebook.python("explorer.state.map_name") == "PCA", 30, "the other map")
    assert notebook.python("explorer.selected.tolist()") == [1, 2]
    assert notebook.python("list(explorer.visible_classes)") == ["dog", "owl"]

    def is_drawn() -> bool:
        places = np.column_stack(page.evaluate(PLACES, 0))
        expected = np.array(notebook.python("explorer.embedding.tolist()"))
        return np.allclose(np.sort(places, axis=0), np.sort(expected, axis=0), atol=1e-4)

    until(is_drawn, 30, "the points at their other places")
    box: Any = page.locator(".tw-overlay").bounding_box()
    x, y = drawn_points(page)[0].T  # fitted again: every point is in the viewport
    assert box["x"] <= min(x) <= max(x) <= box["x"] + box["width"]
    assert box["y"] <= min(y) <= max(y) <= box["y"] + box["height"]
    assert choose.input_value() == "PCA"
