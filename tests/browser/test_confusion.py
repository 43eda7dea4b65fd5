"""Confusion, diagnosis, finders and search, used by mouse and keys."""

from __future__ import annotations

import re
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
    embedding=xy, images=np.zeros((n, 6, 6), "u1"),
    columns={"blur": (labels != predictions) + np.arange(n) % 97 / 97})
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
    notebook.page.evaluate("() => document.activeElement.blur()")  # closes the list of finders
    open_panel(notebook, "Confusion")
    until(lambda: "right." in summary(notebook), 20, "the matrix")
    switch(notebook, "All")
    switch(notebook, "Counts")
    until(lambda: "selected" not in summary(notebook), 20, "no selection")
    until(lambda: counted(notebook) == 600, 20, "all classes to count")


def summary(notebook: Notebook) -> str:
    return notebook.page.locator(".tw-confusion .tw-say").first.inner_text()


def counted(notebook: Notebook) -> int:
    """Sum of the numbers in the cells."""
    return sum(
        int(text or 0) for text in notebook.page.locator(".tw-matrix td button").all_inner_texts()
    )


def switch(notebook: Notebook, text: str) -> None:
    button = notebook.page.locator(".tw-confusion .tw-seg").get_by_role(
        "button", name=text, exact=True
    )
    button.click()
    until(lambda: button.get_attribute("aria-pressed") == "true", 20, text)


def cell(notebook: Notebook, row: int, column: int) -> Any:
    """The button of a cell, or of a heading if an index is −1."""
    return notebook.page.locator(f".tw-matrix [data-place='{row} {column}']")


def click(notebook: Notebook, row: int, column: int, *keys: Any) -> None:
    cell(notebook, row, column).click(modifiers=list(keys))


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


def described(notebook: Notebook, row: int, column: int) -> str:
    """The description below the matrix while the pointer is on a cell."""
    cell(notebook, row, column).hover()
    return notebook.page.locator(".tw-cellhint").inner_text().replace("\u202f", " ")


def says(notebook: Notebook, row: int, column: int, words: str) -> None:
    until(lambda: described(notebook, row, column) == words, 20, words)


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


def test_a_drag_over_cells_selects_the_block(notebook):
    page = notebook.page
    first, last = cell(notebook, 0, 1).bounding_box(), cell(notebook, 2, 2).bounding_box()
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + 5, last["y"] + 5, steps=5)
    assert page.locator(".tw-matrix [data-marked]").count() == 6
    page.mouse.up()
    selects(notebook, "(labels <= 2) & ((predictions == 1) | (predictions == 2))")
    assert page.locator(".tw-matrix [data-marked]").count() == 0


def test_cells_of_a_selection_from_python_are_marked(notebook):
    some = "np.flatnonzero((labels == 1) & (predictions == 2))"
    marked = lambda *at: cell(notebook, *at).get_attribute("data-selected")  # noqa: E731
    notebook.execute(f"explorer.select({some}[:1])")
    until(lambda: marked(1, 2) == "some", 20, "a mark on the cell")
    assert marked(3, 4) == ""
    notebook.execute(f"explorer.select({some})")
    until(lambda: marked(1, 2) == "all", 20, "a frame around the cell")
    notebook.execute("explorer.clear()")
    until(lambda: marked(1, 2) == "", 20, "the mark to go")


def test_rows_of_a_hidden_class_no_longer_count(notebook):
    mistakes = notebook.python("int(((labels == 0) & (predictions == 2)).sum())")
    samples = notebook.python("int((labels == 0).sum())")
    share = f"{100 * mistakes / samples:.1f} %"
    says(notebook, 0, 2, f"label cat, predicted owl: {mistakes} of {samples} ({share})")
    notebook.page.locator(".tw-legend li button").nth(0).click()
    says(notebook, 0, 2, "label cat, predicted owl: 0 of 0")
    assert counted(notebook) == 480
    click(notebook, -1, 2)
    selects(notebook, "(predictions == 2) & (labels != 0)")


def test_the_matrix_of_the_selection_counts_only_what_is_selected(notebook):
    notebook.execute("explorer.select(np.flatnonzero(labels == 0)[:30])")
    chosen = notebook.python("int((predictions[np.flatnonzero(labels == 0)[:30]] == 2).sum())")
    until(lambda: "30 selected" in summary(notebook), 20, "the selection")
    switch(notebook, "Selected")
    share = f"{100 * chosen / 30:.1f} %"
    words = f"of the selection, label cat, predicted owl: {chosen} of 30 ({share})"
    says(notebook, 0, 2, words)


def test_keys_move_through_the_matrix_and_each_cell_has_a_name(notebook):
    page = notebook.page

    def name() -> str:
        return page.evaluate("() => document.activeElement.getAttribute('aria-label')") or ""

    page.locator(".tw-confusion .tw-seg button").last.focus()
    page.keyboard.press("Tab")
    for key in ("Home", *["ArrowUp"] * 6):
        page.keyboard.press(key)
    assert name().startswith("predicted cat: ")
    page.keyboard.press("ArrowLeft")  # the corner has no cell
    assert name().startswith("predicted cat: ")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert name().startswith("label cat, predicted owl: ")
    page.keyboard.press("Enter")
    selects(notebook, "(labels == 0) & (predictions == 2)")
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    page.keyboard.press("Shift+Enter")
    selects(notebook, "((labels == 0) & (predictions == 2)) | ((labels == 4) & (predictions == 4))")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert name().startswith("label golden retriever: 120")
    page.keyboard.press("Space")
    selects(notebook, "labels == 4")
    for key in ("ArrowRight", "Shift+ArrowUp", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    selects(notebook, "(labels >= 3) & (predictions <= 1)")


def test_sentence_and_pairs_select_what_they_name(notebook):
    page = notebook.page
    page.locator(".tw-confusion .tw-say button", has_text="cat → owl").click()
    selects(notebook, "(labels == 0) & (predictions == 2)")
    pairs = page.locator(".tw-pair")
    counts = [int(text.split(" of ")[0]) for text in pairs.locator(".tw-muted").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == len(rows(notebook, "labels != predictions"))
    second = pairs.nth(1)
    label, prediction = second.locator(".tw-pair-name").inner_text().split(" → ")
    second.press("Enter")
    codes = [notebook.python(f"names.index({name!r})") for name in (label, prediction)]
    selects(notebook, f"(labels == {codes[0]}) & (predictions == {codes[1]})")


def test_classes_are_listed_with_precision_and_recall(notebook):
    page = notebook.page
    page.get_by_text("Precision and recall of each class").click()
    classes = page.locator(".tw-fold table")
    recall = classes.locator("thead button", has_text="recall")
    recall.click()
    assert classes.locator("tbody button").first.inner_text() == "cat"  # the lowest comes first
    recall.click()
    assert classes.locator("tbody button").last.inner_text() == "cat"
    classes.locator("tbody button", has_text="golden retriever").press("Enter")
    selects(notebook, "labels == 4")
    assert page.evaluate("() => document.activeElement.textContent") == "golden retriever"
    notebook.execute("explorer.select(np.flatnonzero(labels == 0)[:10])")
    classes.locator("thead th", has_text="selected").first.wait_for(timeout=20 * SECONDS)
    whole, part = notebook.python(
        "[float((predictions[r] == 0).mean()) for r in (np.flatnonzero(labels == 0),"
        " np.flatnonzero(labels == 0)[:10])]"
    )
    row = classes.locator("tbody tr", has_text="cat")
    until(lambda: row.locator("td").nth(1).inner_text() == "10", 20, "the ten selected ones")
    texts = [text.replace("\u202f", " ") for text in row.locator("td").all_inner_texts()]
    assert texts[:2] == ["120", "10"]
    assert texts[4:] == [f"{100 * whole:.0f} %", f"{100 * part:.0f} %"]
    page.get_by_text("Precision and recall of each class").click()


def test_a_finder_is_chosen_from_the_menu_by_mouse_and_by_keys(notebook):
    page = notebook.page
    find = page.get_by_role("combobox", name="Find pictures")
    find.click()
    page.get_by_role("option", name="In another class").click()
    until(lambda: notebook.python("len(explorer.selected)") > 0, 60, "what the finder finds")
    assert page.get_by_role("listbox").count() == 0
    find.press("ArrowDown")  # opens at the first one
    find.press("ArrowDown")
    find.press("Enter")
    selects(notebook, "labels != predictions")
    assert page.evaluate("() => document.activeElement.placeholder") == "Find pictures"
    find.press("ArrowUp")  # opens at the last one
    at = page.locator(f"#{find.get_attribute('aria-activedescendant')} b")
    assert at.inner_text().startswith("Odd sizes")
    find.press("Escape")
    assert page.get_by_role("listbox").count() == 0


def test_the_finders_below_the_field_are_those_that_match_its_text(notebook):
    page = notebook.page
    find = page.get_by_role("combobox", name="Find pictures")
    find.fill("trustworthy")
    try:
        assert page.locator(".tw-find").get_by_role("option").count() == 1
    finally:
        find.press("Escape")
    assert find.input_value() == ""


def test_finder_without_its_inputs_is_disabled_and_names_them(notebook):
    page = notebook.page
    page.get_by_role("combobox", name="Find pictures").click()
    item = page.get_by_role("option", name="50 least sure")
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
    search.fill("zebra")
    search.press("Enter")
    try:
        page.locator(".tw-found", has_text="zebra").wait_for(timeout=20 * SECONDS)
        selects(notebook, "(labels == 4) | (np.arange(n) == 3)")
    finally:
        search.press("Escape")
    assert search.input_value() == ""


def test_keys_in_the_panels_and_the_toolbar_do_nothing_to_the_notebook(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-command-mode')")
    cells = page.locator(".jp-Cell").count()
    prompt = page.locator(".jp-InputPrompt").last.inner_text()
    for key in ("a", "d", "d", "Control+Enter", "Shift+Enter", "Alt+Enter"):
        cell(notebook, 0, 0).press(key)
    page.locator(".tw-find input").fill("#1")
    for key in ("a", "Control+Enter", "Alt+Enter", "Escape"):
        page.locator(".tw-find input").press(key)
    click(notebook, 1, 1)
    selects(notebook, "(labels == 1) & (predictions == 1)")
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".jp-InputPrompt").last.inner_text() == prompt


def test_the_diagnosis_starts_by_itself_and_follows_the_selection(notebook):
    page = notebook.page
    open_panel(notebook, "Diagnosis")
    panel = page.locator(".tw-diagnosis")
    panel.get_by_text("120 of 600 are wrong").wait_for(timeout=60 * SECONDS)
    notebook.execute("explorer.select(np.flatnonzero(labels == 4))")
    wrong = len(rows(notebook, "(labels == 4) & (predictions != 4)"))
    panel.get_by_text(f"{wrong} of 120 are wrong").wait_for(timeout=60 * SECONDS)
    verdict = panel.locator(".tw-verdict")
    until(lambda: "golden retriever for cat" in verdict.inner_text(), 60, "the verdict")
    assert "strongly clustered" in panel.inner_text()
    panel.get_by_text("All numbers").click()
    text = panel.inner_text()
    assert f"{wrong} ({100 * wrong / 120:.1f} %)" in text
    assert "needs logits" in text  # of the mean confidence
    assert "have the label of their 15 nearest" in text


def test_causes_and_pairs_of_the_diagnosis_select(notebook):
    page = notebook.page
    open_panel(notebook, "Diagnosis")
    panel = page.locator(".tw-diagnosis")
    causes = panel.locator(".tw-causes button")
    causes.first.wait_for(timeout=60 * SECONDS)
    numbers = [int(text) for text in causes.locator("b").all_inner_texts() if text.isdigit()]
    last = causes.last.locator("b").inner_text()
    causes.last.click()
    wrong = rows(notebook, "labels != predictions")
    expected = numbers[-1] if numbers else int(last.split(" of ")[0])
    until(lambda: notebook.python("len(explorer.selected)") == expected, 20, "the cause's rows")
    assert set(notebook.python("explorer.selected.tolist()")) <= set(wrong)
    notebook.execute("explorer.clear()")
    link = panel.locator(".tw-say button", has_text="cat → owl")
    link.wait_for(timeout=60 * SECONDS)
    link.click()
    selects(notebook, "(labels == 0) & (predictions == 2)")


def test_differences_of_the_diagnosis_select_color_and_compare(notebook):
    page = notebook.page
    open_panel(notebook, "Diagnosis")
    panel = page.locator(".tw-diagnosis")
    blur = panel.locator(".tw-contrast-row", has_text="Higher blur")
    blur.get_by_role("button", name="Colour the map by it").click(timeout=60 * SECONDS)
    until(lambda: notebook.python("explorer.color_by") == "blur", 20, "the colour")
    blur.locator(".tw-contrast").click()
    selects(notebook, "labels != predictions")
    notebook.execute("explorer.color_by = 'label'; explorer.select(np.arange(0, n, 3))")
    panel.locator(".tw-whom [data-name=selection]").click(timeout=60 * SECONDS)
    panel.get_by_text("What sets the selection apart").wait_for(timeout=60 * SECONDS)
    panel.locator(".tw-whom [data-name=mistakes]").click()
    panel.get_by_text("What sets the mistakes apart").wait_for(timeout=60 * SECONDS)


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
        click(notebook, -1, 2)
        is_accessible(notebook)
        page.get_by_role("combobox", name="Find pictures").click()
        page.get_by_role("listbox").wait_for()
        is_accessible(notebook)
        page.keyboard.press("Escape")
        open_panel(notebook, "Diagnosis")
        page.locator(".tw-diagnosis .tw-trust").wait_for(timeout=60 * SECONDS)
        page.get_by_text("All numbers").click()
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
    pressed = page.locator(".tw-confusion .tw-seg button[aria-pressed=true]")
    until(lambda: {"All", "% of label"} <= set(pressed.all_inner_texts()), 20, "the switches")
    until(lambda: "120 selected" in summary(notebook), 20, "the selection")
    click(notebook, 0, 2)
    selects(notebook, "(labels == 0) & (predictions == 2)")


def test_hostile_class_names_are_text_in_every_panel(open_notebook):
    notebook = open_notebook("hostile-names.ipynb", [SETUP, HOSTILE], width=1500)
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    open_panel(notebook, "Confusion")
    page.locator(".tw-pair").first.wait_for(timeout=20 * SECONDS)
    assert "<img src=x onerror='window.pwned=1'>" in page.locator(".tw-pairs").inner_text()
    words = described(notebook, 0, 2)
    assert words.startswith(
        "label <img src=x onerror='window.pwned=1'>, predicted \\u202eevil\\x00"
    )
    assert len(words) < 300
    click(notebook, 0, 2)
    until(lambda: "selected" in summary(notebook), 20, "the selection")
    open_panel(notebook, "Diagnosis")
    page.locator(".tw-diagnosis .tw-trust").wait_for(timeout=60 * SECONDS)
    assert page.locator(".tsne-widget img[src=x], .tsne-widget script").count() == 0
    assert page.evaluate("() => window.pwned") is None


MANY = """
c = {c}
labels = np.arange(10 * c) % c
predictions = np.where(np.arange(10 * c) < 60, (labels + 1) % c, labels)
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(rng.normal(size=(10 * c, 4)), labels, predictions=predictions),
    embedding=rng.normal(size=(10 * c, 2)))
explorer
"""


def open_many(open_notebook, c: int) -> Notebook:
    notebook = open_notebook(f"classes{c}.ipynb", [SETUP, MANY.format(c=c)], width=1500)
    notebook.run_all()
    map_is_drawn(notebook.page)
    open_panel(notebook, "Confusion")
    notebook.page.locator(".tw-pair").first.wait_for(timeout=20 * SECONDS)
    return notebook


def test_a_hundred_classes_are_pixels_that_select(open_notebook):
    notebook = open_many(open_notebook, 100)
    page = notebook.page
    assert "Half of the 60 mistakes lie in 30 of 9,900 pairs." in summary(notebook)
    canvas = page.locator(".tw-pixels canvas")
    order = notebook.python("explorer.get_state('confusion.order')['confusion.order']")
    canvas.scroll_into_view_if_needed()
    size = canvas.bounding_box()["width"] / 100
    row, column = order.index(7), order.index(8)
    assert abs(row - column) == 1  # confused classes are side by side
    spot = {"x": (column + 0.5) * size, "y": (row + 0.5) * size}
    canvas.hover(position=spot)
    hint = page.locator(".tw-cellhint")
    until(lambda: "label 7, predicted 8: 1 of 10" in hint.inner_text(), 20, "its description")
    canvas.click(position=spot)
    selects(notebook, "(labels == 7) & (predictions == 8)")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    lower = order[row + 1]
    selects(notebook, f"((labels == 7) | (labels == {lower})) & (predictions == 8)")


def test_of_more_than_a_hundred_classes_the_matrix_has_the_most_confused(open_notebook):
    notebook = open_many(open_notebook, 101)
    page = notebook.page
    heading = page.get_by_text(re.compile("of 101 classes that are confused most"))
    heading.wait_for(timeout=20 * SECONDS)
    page.locator(".tw-confusion canvas").wait_for(timeout=20 * SECONDS)
    page.get_by_role("button", name="14 more pairs").click()
    assert page.locator(".tw-pair").count() == 20
    page.locator(".tw-pair", has_text="7 → 8").first.click()
    selects(notebook, "(labels == 7) & (predictions == 8)")


def test_panel_without_predictions_names_its_inputs(open_notebook):
    cell = "EmbeddingExplorer(FeatureSet.from_arrays(features, labels), embedding=xy)"
    notebook = open_notebook("nopredictions.ipynb", [SETUP, cell], width=1500)
    notebook.run_all()
    map_is_drawn(notebook.page)
    open_panel(notebook, "Confusion")
    text = "This record has no predictions"
    notebook.page.locator(".tw-confusion").get_by_text(text).wait_for(timeout=20 * SECONDS)
