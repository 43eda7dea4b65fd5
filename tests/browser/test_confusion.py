"""Confusion, diagnosis, finders and search, used by mouse and keys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.gestures import SECONDS, map_is_drawn
from tests.browser.jupyter import Notebook, until
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n, c = 600, 5
names = ["cat", "dog", "owl", "emu", "golden retriever"]
labels = np.arange(n) % c
predictions = np.where(np.arange(n) % 7 == 0, (labels + 1) % c, labels)
predictions[(labels == 0) & (np.arange(n) % 3 == 0)] = 2
features = np.eye(c)[labels] * 4 + rng.normal(size=(n, c))
xy = (features[:, :2] + rng.normal(size=(n, 2)) / 4).astype("f4")
"""
CELL = """
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(features, labels, predictions=predictions, class_names=names,
                           paths=[f"pets/{names[k]}/{i}.png" for i, k in enumerate(labels)]),
    embedding=xy, images=np.zeros((n, 6, 6), "u1"))
explorer
"""
HOSTILE = """
names = ["<img src=x onerror='window.pwned=1'>", "<script>window.pwned=1</script>",
         "\\u202eevil\\x00" + "x" * 5_000, "'; DROP TABLE --", "&lt;b&gt;"]
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(features, labels, predictions=predictions, class_names=names),
    embedding=xy)
explorer
"""


def open_panel(notebook: Notebook, title: str) -> None:
    tabs = notebook.page.locator(".tw-tabs [role=tab]")
    tabs.filter(has_text=title).first.click()


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    opened = open_notebook("confusion.ipynb", [SETUP, CELL], width=1500)
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


@pytest.fixture(autouse=True)
def fresh(request):
    """Each test starts with the matrix of all classes and nothing selected."""
    if "notebook" not in request.fixturenames:
        return
    notebook = request.getfixturevalue("notebook")
    notebook.execute("explorer.visible_classes = names; explorer.clear()")
    open_panel(notebook, "Confusion")
    switch(notebook, "All visible")
    switch(notebook, "Counts")
    until(lambda: summary(notebook).startswith("Accuracy:"), 20, "the matrix")
    until(lambda: "selected" not in summary(notebook), 20, "no selection")
    until(lambda: "600 visible" in summary(notebook), 20, "all classes to count")


def summary(notebook: Notebook) -> str:
    return notebook.page.locator(".tw-total").inner_text()


def switch(notebook: Notebook, text: str) -> None:
    button = notebook.page.locator(".tw-switch button", has_text=text)
    button.click()
    until(lambda: button.get_attribute("aria-pressed") == "true", 20, text)


def center(notebook: Notebook, row: int, column: int) -> tuple[float, float]:
    """Pixels of the page where a cell is drawn, or a heading if an index is −1."""
    canvas = notebook.page.locator(".tw-confusion canvas")
    canvas.scroll_into_view_if_needed()
    until(lambda: canvas.get_attribute("data-grid"), 20, "the matrix to be drawn")
    cell, left, top = (float(part) for part in canvas.get_attribute("data-grid").split())
    box: Any = canvas.bounding_box()
    x = left / 2 if column < 0 else left + (column + 0.5) * cell
    y = top / 2 if row < 0 else top + (row + 0.5) * cell
    return box["x"] + x, box["y"] + y


def click(notebook: Notebook, row: int, column: int, *keys: str) -> None:
    for key in keys:
        notebook.page.keyboard.down(key)
    notebook.page.mouse.click(*center(notebook, row, column))
    for key in keys:
        notebook.page.keyboard.up(key)


def rows(notebook: Notebook, condition: str) -> list[int]:
    return notebook.python(f"np.flatnonzero({condition}).tolist()")


def selects(notebook: Notebook, condition: str) -> None:
    """Wait until exactly the rows of a condition in the kernel are selected there."""
    expected = rows(notebook, condition)
    until(
        lambda: notebook.python("explorer.selected.tolist()") == expected,
        20,
        f"the {len(expected)} rows of {condition}",
    )


def color_at(notebook: Notebook, row: int, column: int, inset: float) -> list[int]:
    """RGB of the canvas in the middle of a cell's height, some pixels from its left edge."""
    return notebook.page.evaluate(
        "([row, column, inset]) => {"
        " const canvas = document.querySelector('.tw-confusion canvas');"
        " const [cell, left, top] = canvas.dataset.grid.split(' ').map(Number);"
        " const scale = canvas.width / canvas.clientWidth;"
        " const x = Math.round((left + column * cell + inset) * scale);"
        " const y = Math.round((top + (row + 0.75) * cell) * scale);"
        " return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3)] }",
        [row, column, inset],
    )


def tip(notebook: Notebook, row: int, column: int) -> str:
    notebook.page.mouse.move(1, 1)
    notebook.page.mouse.move(*center(notebook, row, column))
    shown = notebook.page.locator(".tw-celltip")
    shown.wait_for(timeout=20 * SECONDS)
    return shown.inner_text().replace("\u202f", " ")


def says(notebook: Notebook, row: int, column: int, words: str) -> None:
    until(lambda: tip(notebook, row, column) == words, 20, words)


def test_a_click_on_a_cell_selects_exactly_its_rows(notebook):
    click(notebook, 0, 2)
    selects(notebook, "(labels == 0) & (predictions == 2)")
    click(notebook, 3, 3)
    selects(notebook, "(labels == 3) & (predictions == 3)")


def test_modifier_keys_combine_a_cell_with_the_selection(notebook):
    click(notebook, 0, -1)
    selects(notebook, "labels == 0")
    click(notebook, 1, 2, "Shift")
    selects(notebook, "(labels == 0) | ((labels == 1) & (predictions == 2))")
    click(notebook, 0, 2, "Alt")
    selects(notebook, "((labels == 0) & (predictions != 2)) | ((labels == 1) & (predictions == 2))")
    click(notebook, -1, 2, "Control")
    selects(notebook, "(labels == 1) & (predictions == 2)")


def test_heading_selects_all_samples_of_the_label_or_prediction(notebook):
    click(notebook, 4, -1)
    selects(notebook, "labels == 4")
    click(notebook, -1, 2)
    selects(notebook, "predictions == 2")


def test_cells_of_a_selection_from_python_are_outlined(notebook):
    page = notebook.page
    page.mouse.move(1, 1)
    before = color_at(notebook, 1, 2, 1)
    other = color_at(notebook, 3, 4, 1)
    notebook.execute("explorer.select(np.flatnonzero((labels == 1) & (predictions == 2))[:1])")
    text = page.evaluate(
        "() => { const context = document.createElement('canvas').getContext('2d');"
        " context.fillStyle = getComputedStyle(document.querySelector('.tw-confusion')).color;"
        " context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data] }"
    )
    is_outlined = lambda: sum(color_at(notebook, 1, 2, 1)) < sum(before) / 2  # noqa: E731
    until(is_outlined, 20, f"an outline of {text}, not {before}")
    assert color_at(notebook, 3, 4, 1) == other
    notebook.execute("explorer.clear()")
    until(lambda: color_at(notebook, 1, 2, 1) == before, 20, "the outline to go")


def test_rows_of_a_hidden_class_no_longer_count(notebook):
    counted = notebook.python("int(((labels == 0) & (predictions == 2)).sum())")
    samples = notebook.python("int((labels == 0).sum())")
    share = f"{100 * counted / samples:.1f} %"
    says(notebook, 0, 2, f"label cat, predicted owl: {counted} of {samples} ({share})")
    notebook.page.locator(".tw-legend li button").nth(0).click()
    says(notebook, 0, 2, "label cat, predicted owl: 0 of 0")
    assert "480 visible" in summary(notebook)
    click(notebook, -1, 2)
    selects(notebook, "(predictions == 2) & (labels != 0)")


def test_the_matrix_of_the_selection_counts_only_what_is_selected(notebook):
    notebook.execute("explorer.select(np.flatnonzero(labels == 0)[:30])")
    chosen = notebook.python("int((predictions[np.flatnonzero(labels == 0)[:30]] == 2).sum())")
    until(lambda: "30 selected" in summary(notebook), 20, "the selection")
    switch(notebook, "Selection")
    share = f"{100 * chosen / 30:.1f} %"
    words = f"of the selection, label cat, predicted owl: {chosen} of 30 ({share})"
    says(notebook, 0, 2, words)


def test_keys_move_through_the_matrix_and_each_cell_is_announced(notebook):
    page = notebook.page
    spoken = page.locator(".tw-spoken")
    page.locator(".tw-switch button").last.focus()
    page.keyboard.press("Tab")
    if page.locator(".tw-frame:focus").count() == 0:
        page.keyboard.press("Tab")
    assert page.locator(".tw-frame:focus").count() == 1
    for key in ("Home", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert spoken.inner_text().startswith("predicted cat: ")
    page.keyboard.press("ArrowLeft")  # the corner has no cell
    assert spoken.inner_text().startswith("predicted cat: ")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert spoken.inner_text().startswith("label cat, predicted owl: ")
    page.keyboard.press("Enter")
    selects(notebook, "(labels == 0) & (predictions == 2)")
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    page.keyboard.press("Shift+Enter")
    selects(notebook, "((labels == 0) & (predictions == 2)) | ((labels == 4) & (predictions == 4))")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert spoken.inner_text().startswith("label golden retriever: 120")
    page.keyboard.press("Space")
    selects(notebook, "labels == 4")


def test_pairs_and_classes_are_listed_and_select_by_mouse_and_keys(notebook):
    page = notebook.page
    pairs = page.locator(".tw-tables table").nth(0).locator("tbody tr")
    counts = [int(text) for text in pairs.locator("td:nth-child(2)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == len(rows(notebook, "labels != predictions"))
    assert pairs.first.locator("button").inner_text() == "cat → owl"
    pairs.first.locator("button").click()
    selects(notebook, "(labels == 0) & (predictions == 2)")
    classes = page.locator(".tw-tables table").nth(1)
    recall = classes.locator("thead button", has_text="recall")
    recall.click()
    assert classes.locator("tbody button").first.inner_text() == "cat"  # the lowest comes first
    recall.click()
    assert classes.locator("tbody button").last.inner_text() == "cat"
    classes.locator("tbody button", has_text="golden retriever").focus()
    page.keyboard.press("Enter")
    selects(notebook, "labels == 4")
    assert page.evaluate("() => document.activeElement.textContent") == "golden retriever"


def test_class_table_shows_the_selection_next_to_all_samples(notebook):
    page = notebook.page
    notebook.execute("explorer.select(np.flatnonzero(labels == 0)[:10])")
    classes = page.locator(".tw-tables table").nth(1)
    classes.locator("thead th", has_text="selected").first.wait_for(timeout=20 * SECONDS)
    whole, part = notebook.python(
        "[float((predictions[r] == 0).mean()) for r in (np.flatnonzero(labels == 0),"
        " np.flatnonzero(labels == 0)[:10])]"
    )
    cells = classes.locator("tbody tr", has_text="cat").locator("td")
    texts = [text.replace("\u202f", " ") for text in cells.all_inner_texts()]
    assert texts[:2] == ["120", "10"]
    assert texts[4:] == [f"{100 * whole:.0f} %", f"{100 * part:.0f} %"]


def test_a_finder_is_chosen_from_the_menu_by_mouse_and_by_keys(notebook):
    page = notebook.page
    find = page.get_by_role("combobox", name="Find pictures")
    find.click()
    page.get_by_role("option", name="In another class").click()
    until(lambda: notebook.python("len(explorer.selected)") > 0, 60, "what the finder finds")
    assert page.get_by_role("listbox").count() == 0
    find.press("ArrowDown")  # opens at the first one
    find.press("Enter")
    selects(notebook, "labels != predictions")
    assert page.evaluate("() => document.activeElement.placeholder") == "Find pictures"
    find.press("ArrowUp")  # opens at the last one
    at = page.locator(f"#{find.get_attribute('aria-activedescendant')} b")
    assert at.inner_text() == "50 least trustworthy points"
    find.press("Escape")
    assert page.get_by_role("listbox").count() == 0


def test_the_finders_below_the_field_are_those_that_match_its_text(notebook):
    page = notebook.page
    find = page.get_by_role("combobox", name="Find pictures")
    find.fill("trustworthy")
    assert page.get_by_role("option").count() == 1
    find.press("Escape")
    assert find.input_value() == ""


def test_finder_without_its_inputs_is_disabled_and_names_them(notebook):
    page = notebook.page
    page.get_by_role("combobox", name="Find pictures").click()
    item = page.get_by_role("option", name="50 least confident")
    assert item.get_attribute("aria-disabled") == "true"
    assert "Requires logits" in item.inner_text()
    item.click(force=True)
    assert item.is_visible()
    page.keyboard.press("Escape")
    assert notebook.python("len(explorer.selected)") == 0


def test_the_search_selects_on_enter_adds_with_shift_and_says_when_nothing_matches(notebook):
    page = notebook.page
    search = page.get_by_role("combobox", name="Find pictures")
    search.fill("RETRIEVER/")
    search.press("Enter")
    selects(notebook, "labels == 4")
    search.fill("#3")
    search.press("Shift+Enter")
    selects(notebook, "(labels == 4) | (np.arange(n) == 3)")
    search.fill("<b>zebra</b>")
    search.press("Enter")
    message = page.locator(".tw-message")
    message.get_by_text("No match for “<b>zebra</b>”").wait_for(timeout=20 * SECONDS)
    selects(notebook, "(labels == 4) | (np.arange(n) == 3)")
    search.press("Escape")
    assert search.input_value() == ""


def test_keys_in_the_panels_and_the_toolbar_do_nothing_to_the_notebook(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-command-mode')")
    cells = page.locator(".jp-Cell").count()
    prompt = page.locator(".jp-InputPrompt").last.inner_text()
    frame = page.locator(".tw-frame")
    for key in ("a", "b", "d", "d", "Control+Enter", "Shift+Enter", "Alt+Enter"):
        frame.press(key)
    page.locator(".tw-find input").fill("#1")
    for key in ("a", "Control+Enter", "Alt+Enter", "Escape"):
        page.locator(".tw-find input").press(key)
    click(notebook, 1, 1)
    selects(notebook, "(labels == 1) & (predictions == 1)")
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".jp-InputPrompt").last.inner_text() == prompt


def test_the_diagnosis_follows_the_selection(notebook):
    page = notebook.page
    open_panel(notebook, "Diagnosis")
    panel = page.locator(".tw-diagnosis")
    panel.get_by_text("all 600 visible").wait_for(timeout=60 * SECONDS)
    assert "have the label of their 15 nearest" in panel.inner_text()
    notebook.execute("explorer.select(np.flatnonzero(labels == 4))")
    panel.get_by_text("120 selected, compared with all 600 visible").wait_for(timeout=60 * SECONDS)
    wrong = len(rows(notebook, "(labels == 4) & (predictions != 4)"))
    text = panel.inner_text()
    assert "strongly clustered" in text
    assert f"{wrong} ({100 * wrong / 120:.1f} %)" in text
    assert "needs logits" in text  # of the mean confidence


def test_matrix_is_redrawn_after_a_theme_change(notebook):
    page = notebook.page
    page.mouse.move(1, 1)
    light = color_at(notebook, 3, 0, 5)
    use_theme(notebook, "Dark")
    try:
        until(lambda: sum(color_at(notebook, 3, 0, 5)) < sum(light) / 2, 20, "a dark ground")
    finally:
        use_theme(notebook, "Light")
    until(lambda: color_at(notebook, 3, 0, 5) == light, 20, "the light ground again")


def use_theme(notebook: Notebook, theme: str) -> None:
    notebook.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        f"JupyterLab {theme}",
    )
    notebook.page.wait_for_function(
        # A theme change while JupyterLab's splash screen fades causes an error.
        "(isLight) => document.body.dataset.jpThemeLight === isLight"
        " && !document.getElementById('jupyterlab-splash')",
        arg="true" if theme == "Light" else "false",
        timeout=20 * SECONDS,
    )


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_panels_menu_and_search_have_no_accessibility_violation(notebook, theme):
    page = notebook.page
    use_theme(notebook, theme)
    try:
        notebook.execute("explorer.select('misclassified')")
        until(lambda: "selected" in summary(notebook), 20, "the selection")
        click(notebook, -1, 2)  # keeps the tooltip open
        is_accessible(notebook)
        page.get_by_role("button", name="Find …").click()
        page.get_by_role("menu").wait_for()
        is_accessible(notebook)
        page.keyboard.press("Escape")
        open_panel(notebook, "Diagnosis")
        page.locator(".tw-diagnosis").get_by_text("selected, compared").wait_for(
            timeout=60 * SECONDS
        )
        is_accessible(notebook)
    finally:
        use_theme(notebook, "Light")


def is_accessible(notebook: Notebook) -> None:
    # axe fails for elements that are scrolled out of view
    notebook.page.evaluate(
        "() => { for (const panel of document.querySelectorAll('.tw-scroll')) panel.scrollTop = 0 }"
    )
    map_is_drawn(notebook.page)
    assert violations(notebook) == []


def test_reloaded_page_restores_the_matrix(notebook):
    switch(notebook, "% of label")
    notebook.execute("explorer.select(np.flatnonzero(labels == 2))")
    page = notebook.page
    until(
        lambda: notebook.python(
            "explorer.get_state('confusion.shows_shares')['confusion.shows_shares']"
        ),
        20,
        "the unit",
    )
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.load()
    map_is_drawn(page)
    pressed = page.locator(".tw-switch button[aria-pressed=true]")
    until(lambda: pressed.all_inner_texts() == ["All visible", "% of label"], 20, "the switches")
    assert "120 selected" in summary(notebook)
    click(notebook, 0, 2)
    selects(notebook, "(labels == 0) & (predictions == 2)")


def test_hostile_class_names_are_text_in_every_panel(open_notebook):
    notebook = open_notebook("hostile-names.ipynb", [SETUP, HOSTILE], width=1500)
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    open_panel(notebook, "Confusion")
    pairs = page.locator(".tw-tables table").first
    pairs.wait_for(timeout=20 * SECONDS)
    assert "<img src=x onerror='window.pwned=1'>" in page.locator(".tw-tables").inner_text()
    words = tip(notebook, 0, 2)
    assert words.startswith(
        "label <img src=x onerror='window.pwned=1'>, predicted \\u202eevil\\x00"
    )
    assert len(words) < 300
    click(notebook, 0, 2)
    page.locator(".tw-total", has_text="selected").wait_for(timeout=20 * SECONDS)
    open_panel(notebook, "Diagnosis")
    page.locator(".tw-diagnosis").get_by_text("selected, compared").wait_for(timeout=60 * SECONDS)
    assert page.locator(".tsne-widget img[src=x], .tsne-widget script").count() == 0
    assert page.evaluate("() => window.pwned") is None


def test_more_than_a_hundred_classes_are_listed_as_pairs_only(open_notebook):
    cell = """
labels = np.arange(1010) % 101
predictions = np.where(np.arange(1010) < 60, (labels + 1) % 101, labels)
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(rng.normal(size=(1010, 4)), labels, predictions=predictions),
    embedding=rng.normal(size=(1010, 2)))
explorer
"""
    notebook = open_notebook("manyclasses.ipynb", [SETUP, cell], width=1500)
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    open_panel(notebook, "Confusion")
    page.get_by_text("A matrix of 101 classes is too large to read").wait_for(timeout=20 * SECONDS)
    assert page.locator(".tw-confusion canvas").is_hidden()
    assert page.locator(".tw-tables table").nth(0).locator("tbody tr").count() == 20
    page.locator(".tw-tables tbody button", has_text="7 → 8").first.click()
    selects(notebook, "(labels == 7) & (predictions == 8)")


def test_panel_without_predictions_names_its_inputs(open_notebook):
    cell = "EmbeddingExplorer(FeatureSet.from_arrays(features, labels), embedding=xy)"
    notebook = open_notebook("nopredictions.ipynb", [SETUP, cell], width=1500)
    notebook.run_all()
    map_is_drawn(notebook.page)
    open_panel(notebook, "Confusion")
    text = "The confusion matrix needs predictions."
    notebook.page.locator(".tw-confusion").get_by_text(text).wait_for(timeout=20 * SECONDS)
