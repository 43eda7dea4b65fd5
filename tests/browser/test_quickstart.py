"""The quickstart in JupyterLab in Chromium.

The tests drag, click and type, then check the state in Python.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from tests.browser.gestures import (
    SECONDS,
    drag,
    drawn_points,
    drawn_rows,
    map_is_drawn,
    outline,
    pictures_are_drawn,
)
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "quickstart.ipynb"
LASSO = [(0.2, 0.25), (0.55, 0.15), (0.85, 0.5), (0.6, 0.8), (0.45, 0.4), (0.25, 0.7)]


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    opened = open_notebook("quickstart.ipynb", QUICKSTART)
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


@pytest.fixture(autouse=True)
def fresh(notebook):
    """Each test starts with all classes visible, nothing selected and the whole map in view."""
    notebook.page.locator(".tsne-widget").first.scroll_into_view_if_needed()
    notebook.page.locator(".tw-legend footer button", has_text="All").click()
    notebook.page.locator(".tw-tools [data-action=reset]").click()
    notebook.page.locator(".tw-tools [data-tool=lasso]").click()
    notebook.page.locator(".tw-overlay").focus()
    notebook.page.keyboard.press("Escape")
    until(lambda: selected(notebook) == [], 20, "an empty selection")


def selected(notebook: Notebook) -> list[int]:
    return notebook.python("explorer.selected.tolist()")


def viewport(notebook: Notebook) -> list[float]:
    return notebook.python("explorer.get_state('map.viewport')['map.viewport']")


def lasso(notebook: Notebook, **options) -> list[int]:
    """Drag the lasso and return the selected rows once the map shows them."""
    before = selected(notebook)
    drag(notebook.page, LASSO, **options)
    until(lambda: selected(notebook) != before, 20, "the selection")
    rows = selected(notebook)
    notebook.page.wait_for_function(
        "(count) => { const text = document.querySelector('.tw-pill').textContent;"
        " return count ? text.includes(`${count.toLocaleString('en')} selected`)"
        " : document.querySelector('.tw-pill').hidden }",
        arg=len(rows),
        timeout=20 * SECONDS,
    )
    return rows


def inside_the_outline(notebook: Notebook) -> list[int]:
    """Rows of visible points inside the drawn lasso."""
    pixels, opacity = drawn_points(notebook.page)
    inside = Polygon(np.vstack([outline(notebook.page), outline(notebook.page)[:1]]))
    return rows_of(notebook, np.flatnonzero(inside.contains_points(pixels) & (opacity > 0)))


def rows_of(notebook: Notebook, points: np.ndarray) -> list[int]:
    """Rows of points, because the map has its own drawing order."""
    rows = drawn_rows(notebook)
    return sorted(rows[points].tolist())


def test_the_lasso_selects_exactly_the_points_drawn_inside_it(notebook):
    rows = lasso(notebook)
    assert 100 < len(rows) < 1400
    assert rows == inside_the_outline(notebook)


def test_lasso_is_exact_after_zooming_and_panning(notebook):
    page = notebook.page
    before, _ = drawn_points(page)
    box = page.locator(".tw-overlay").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.55 * box["height"])
    page.mouse.wheel(0, -240)
    page.locator(".tw-tools [data-tool=pan]").click()
    drag(page, [(0.5, 0.5), (0.55, 0.42)])
    page.locator(".tw-tools [data-tool=lasso]").click()
    after, _ = drawn_points(page)
    assert np.ptp(after, axis=0).min() > 1.3 * np.ptp(before, axis=0).min()  # the map has zoomed
    rows = lasso(notebook)
    assert 20 < len(rows) < 1400
    assert rows == inside_the_outline(notebook)


def test_the_wheel_keeps_the_point_under_the_pointer_in_its_place(notebook):
    page = notebook.page
    before, _ = drawn_points(page)
    page.mouse.move(*before[0])
    page.mouse.wheel(0, -200)
    until(lambda: not np.allclose(drawn_points(page)[0], before), 20, "the zoom")
    after, _ = drawn_points(page)
    assert np.abs(after[0] - before[0]).max() < 1.5  # pixels; the mouse has whole ones


def test_no_row_of_a_hidden_class_is_selected(notebook):
    page = notebook.page
    everything = lasso(notebook)
    page.locator(".tw-legend li button").nth(8).click()
    until(lambda: "8" not in notebook.python("explorer.visible_classes"), 20, "class 8 to go")
    page.locator(".tw-overlay").press("Escape")
    until(lambda: selected(notebook) == [], 20, "an empty selection")
    rows = lasso(notebook)
    hidden = notebook.python("(explorer.feature_set.labels == 8).nonzero()[0].tolist()")
    assert set(everything) & set(hidden)
    assert not set(rows) & set(hidden)
    assert rows == inside_the_outline(notebook)
    assert set(rows) == set(everything) - set(hidden)


def test_double_click_shows_one_class_and_all_brings_the_rest_back(notebook):
    page = notebook.page
    page.locator(".tw-legend li button").nth(3).dblclick()
    until(lambda: notebook.python("explorer.visible_classes") == ["3"], 20, "class 3 alone")
    threes = notebook.python("(explorer.feature_set.labels == 3).nonzero()[0].tolist()")
    until(lambda: np.count_nonzero(drawn_points(page)[1]) == len(threes), 20, "few points")
    assert rows_of(notebook, np.flatnonzero(drawn_points(page)[1])) == threes
    assert page.locator(".tw-legend li button[aria-pressed=true]").count() == 1
    page.locator(".tw-legend footer button", has_text="All").click()
    until(lambda: len(notebook.python("explorer.visible_classes")) == 10, 20, "all classes")


def test_shift_adds_and_alt_subtracts(notebook):
    page = notebook.page
    first = set(lasso(notebook))
    drag(page, [(0.5, 0.05), (0.95, 0.05), (0.95, 0.95), (0.5, 0.95)], keys=("Shift",))
    more = until(lambda: set(selected(notebook)) - first and set(selected(notebook)), 20, "more")
    assert first < more
    assert set(lasso(notebook, keys=("Alt",))) == more - first


def test_the_rectangle_and_the_keys_work_while_the_map_has_focus(notebook):
    page = notebook.page
    rows = lasso(notebook)
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Escape")  # would clear the selection if the map had the focus
    page.locator(".tw-overlay").focus()
    assert selected(notebook) == rows
    page.keyboard.press("r")
    assert page.locator(".tw-tools [data-tool=rectangle]").get_attribute("aria-pressed") == "true"
    drag(page, [(0.1, 0.1), (0.9, 0.6)])
    until(lambda: selected(notebook) not in ([], rows), 20, "another selection")
    assert selected(notebook) == inside_the_outline(notebook)
    cells = notebook.page.locator(".jp-Cell").count()
    page.keyboard.press("a")  # in JupyterLab's command mode this would add a cell
    page.keyboard.press("Escape")
    until(lambda: selected(notebook) == [], 20, "nothing selected")
    assert notebook.page.locator(".jp-Cell").count() == cells


def test_click_opens_the_nearest_point_and_one_on_empty_ground_clears_the_selection(notebook):
    page = notebook.page
    pixels, _ = drawn_points(page)
    corner = pixels.max(axis=0)
    point = int(np.argmax(pixels[:, 1]))  # the lowest one: nothing is below it
    notebook.execute("explorer.select([1, 2])")
    page.mouse.click(pixels[point, 0], pixels[point, 1] + 6)
    [row] = rows_of(notebook, np.array([point]))
    until(lambda: notebook.python("explorer.state.focus") == row, 20, "the close look")
    assert selected(notebook) == [1, 2]
    page.keyboard.press("Escape")
    page.mouse.click(corner[0] + 14, corner[1] + 14)
    until(lambda: selected(notebook) == [], 20, "none")


def test_undo_and_redo_step_through_the_selections(notebook):
    page = notebook.page
    first = lasso(notebook)
    notebook.execute("explorer.select([1, 2])")
    page.locator(".tw-overlay").focus()
    page.keyboard.press("Control+z")
    until(lambda: selected(notebook) == first, 20, "the lasso's rows")
    page.keyboard.press("Control+Shift+z")
    until(lambda: selected(notebook) == [1, 2], 20, "the later rows")


def test_hovering_shows_the_picture_and_the_prediction(notebook):
    page = notebook.page
    pixels, _ = drawn_points(page)
    wrong = notebook.python("explorer.feature_set.misclassified.nonzero()[0].tolist()")
    rows = drawn_rows(notebook)
    # a misclassified point that no other point covers
    gaps = [np.sort(np.hypot(*(pixels - pixels[k]).T))[1] for k in range(len(rows))]
    point = max(np.flatnonzero(np.isin(rows, wrong)), key=lambda k: gaps[k])
    page.mouse.move(*pixels[point])
    card = page.locator(".tw-hover")
    card.wait_for(timeout=20 * SECONDS)
    label, prediction = notebook.python(
        f"explorer.to_dataframe('all').iloc[{rows[point]}]"
        "[['label_name', 'prediction_name']].tolist()"
    )
    assert f"{label} → {prediction}" in card.inner_text()
    assert f"#{rows[point]}" in card.inner_text()
    assert card.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    box, map_box = card.bounding_box(), page.locator(".tw-scatter").bounding_box()
    assert map_box["x"] <= box["x"] <= map_box["x"] + map_box["width"] - box["width"]
    page.mouse.move(map_box["x"] + 300, map_box["y"] - 30)
    card.wait_for(state="hidden", timeout=20 * SECONDS)


def test_misclassified_points_have_a_ring(notebook):
    page = notebook.page
    ringed = page.evaluate(
        "async () => { const view = document.querySelector('.tw-scatter').bqplotFigure;"
        " const [, above] = await Promise.all(view.mark_views.views);"
        " const count = above.instanced_geometry.maxInstancedCount;"
        " const values = ['x', 'y', 'selected'].map((name) => [...above[name].array]);"
        " return Array.from({ length: count }, (_, k) => values.map((one) => one[k])) }"
    )
    expected = notebook.python("explorer.embedding[explorer.feature_set.misclassified].tolist()")
    assert len(ringed) == len(expected) > 20
    rings = np.array(ringed)
    assert (rings[:, 2] > 0).all()  # widths
    assert np.allclose(np.sort(rings[:, :2], axis=0), np.sort(expected, axis=0), atol=1e-4)


def test_the_gallery_shows_the_pictures_of_the_selection(notebook):
    page = notebook.page
    rows = lasso(notebook)
    pictures_are_drawn(page, len(rows))
    first = page.locator(".tw-gallery figure").first
    row = int(first.get_attribute("data-id"))
    assert row in rows
    label = notebook.python(f"explorer.to_dataframe().loc[{row}, 'label_name']")
    assert label in first.get_attribute("title")
    # the picture has the pixels of the digit
    shades = first.locator("img").evaluate(
        "(image) => { const canvas = document.createElement('canvas');"
        " canvas.width = canvas.height = 8; const context = canvas.getContext('2d');"
        " context.drawImage(image, 0, 0);"
        " return [...context.getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 0) }"
    )
    digit = notebook.python(f"(dataset[{row}][0][0] * 255).round().int().flatten().tolist()")
    assert np.abs(np.subtract(shades, digit)).max() <= 2


def test_misclassified_tiles_are_marked_and_show_the_prediction(notebook):
    page = notebook.page
    page.locator(".tw-wrong-count").click()
    wrong = notebook.python("explorer.feature_set.misclassified.nonzero()[0].tolist()")
    until(lambda: selected(notebook) == wrong, 20, "the misclassified rows")
    pictures_are_drawn(page, len(wrong))
    tiles = page.locator(".tw-gallery figure")
    assert tiles.count() > 0
    names = [tile.get_attribute("aria-label") for tile in tiles.all()]
    assert all("wrong" in name and "→" in name for name in names)
    assert "→" in page.locator(".tw-gallery .tw-heading").first.inner_text()


def test_scrolling_the_gallery_to_its_end_shows_the_last_row_with_few_nodes(notebook):
    page = notebook.page
    notebook.execute("explorer.select('visible')")
    page.locator(".tw-gallery [data-menu=sort] button").first.click()
    page.locator(".tw-gallery [data-key=dataset]").click()
    page.locator(".tw-gallery [data-menu=group] button").first.click()
    page.locator(".tw-gallery [data-key=none]").click()
    total = notebook.python("len(explorer.feature_set)")
    pictures_are_drawn(page, total)
    scroll = page.locator(".tw-gallery .tw-pictures")
    reached = """(node, part) => {
      node.scrollTop = part * node.scrollHeight;
      const places = [...node.querySelectorAll("figure")].map((tile) => Number(tile.ariaPosInSet));
      return Math.max(0, ...places);
    }"""
    for part in (0.2, 0.4, 0.6, 0.8):  # tiles out of view are removed
        # a new order, which may still arrive, starts at the top again
        until(
            lambda part=part: scroll.evaluate(reached, part) > int(part * total),
            20,
            f"the tiles at {part:.0%} of the gallery",
        )
    scroll.evaluate("(node) => { node.scrollTop = 1e9 }")
    last = notebook.python("int(explorer.feature_set.ids[-1])")
    page.locator(f".tw-gallery figure[data-id='{last}']").wait_for(timeout=20 * SECONDS)
    pictures_are_drawn(page, total)
    assert page.locator(".tw-gallery .tw-pictures *").count() <= 200


def test_selecting_in_python_moves_the_map_and_the_gallery(notebook):
    page = notebook.page
    notebook.execute("explorer.select([3, 5, 8])")
    pictures_are_drawn(page, 3)
    assert page.locator(".tw-gallery figure").count() == 3
    until(lambda: (drawn_points(page)[1] == 1).sum() == 3, 20, "three bright points")
    assert rows_of(notebook, np.flatnonzero(drawn_points(page)[1] == 1)) == [3, 5, 8]
    assert (drawn_points(page)[1] > 0).all()  # the others are dimmed, not hidden


def test_selecting_in_the_map_calls_observers_in_python(notebook):
    notebook.execute(
        "heard = []; explorer.observe(lambda change: heard.append(len(change.new)), 'selected')"
    )
    rows = lasso(notebook)
    assert notebook.python("heard[-1]") == len(rows)


def test_frame_contains_the_samples_selected_on_screen(notebook):
    rows = lasso(notebook)
    assert notebook.python("explorer.to_dataframe().index.tolist()") == rows
    columns = notebook.python("list(explorer.to_dataframe().columns)")
    assert columns[:8] == [
        "path", "label", "label_name", "prediction", "prediction_name",
        "confidence", "margin", "misclassified",
    ]  # fmt: skip


def test_reloaded_page_restores_classes_selection_and_zoom(notebook):
    page = notebook.page
    page.locator(".tw-legend li button").nth(2).click()
    rows = lasso(notebook)
    page.locator(".tw-tools [data-action=zoom-selection]").click()
    until(lambda: len(viewport(notebook)) == 4, 20, "the zoom")
    before, opacity = drawn_points(page)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.load()
    page.locator(".jp-Notebook").first.wait_for()
    map_is_drawn(page)
    assert selected(notebook) == rows
    until(lambda: np.allclose(drawn_points(page)[1], opacity), 20, "the same points to be bright")
    spread = np.ptp(drawn_points(page)[0], axis=0) / np.ptp(before, axis=0)
    assert np.allclose(spread, spread[0], rtol=0.01)  # the zoom is the same at any width
    assert spread[0] > 0.8
    assert page.locator(".tw-legend li button").nth(2).get_attribute("aria-pressed") == "false"
    pictures_are_drawn(page, len(rows))
    assert lasso(notebook) == inside_the_outline(notebook)


def test_the_map_follows_a_narrower_window(notebook):
    page = notebook.page
    size = page.viewport_size
    page.set_viewport_size({"width": 900, "height": 1100})
    try:
        page.wait_for_function(
            "() => document.querySelector('.tw-overlay').clientWidth < 700", timeout=20 * SECONDS
        )
        box = page.locator(".tw-overlay").bounding_box()

        def fits() -> bool:
            low, high = drawn_points(page)[0].min(axis=0), drawn_points(page)[0].max(axis=0)
            return bool(
                low[0] >= box["x"] and high[0] <= box["x"] + box["width"]
                and low[1] >= box["y"] and high[1] <= box["y"] + box["height"]
            )  # fmt: skip

        until(fits, 20, "all points to be in sight")
        assert lasso(notebook) == inside_the_outline(notebook)
    finally:
        page.set_viewport_size(size)
