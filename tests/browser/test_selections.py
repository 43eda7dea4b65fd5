"""Named selections: save, select, combine, rename, delete and reload."""

from __future__ import annotations

import pytest

from tests.browser.gestures import SECONDS, drag, map_is_drawn
from tests.browser.jupyter import Notebook, until
from tsne_widget.widgets.state.named_selections import COLORS

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 400
labels = np.arange(n) % 4
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(np.ones((n, 2)), labels, class_names=["cat", "dog", "owl", "emu"]),
    embedding=rng.uniform(size=(n, 2)), images=np.zeros((n, 6, 6), "u1"))
explorer
"""
LEFT = [(0.001, 0.999), (0.4, 0.999), (0.4, 0.15), (0.001, 0.15)]
BELOW = [(0.001, 0.999), (0.999, 0.999), (0.999, 0.6), (0.001, 0.6)]


@pytest.fixture(scope="module")
def opened(open_notebook) -> Notebook:
    notebook = open_notebook("selections.ipynb", [CELL])
    notebook.run_all()
    map_is_drawn(notebook.page)
    return notebook


@pytest.fixture
def notebook(opened) -> Notebook:
    """Start without a selection or names, with the panel open."""
    opened.execute("explorer.state.selections = {}; explorer.clear()")
    opened.page.locator(".tw-tabs [role=tab]", has_text="Saved").click()
    opened.page.locator(".tw-selections .tw-empty").wait_for(timeout=20 * SECONDS)
    opened.page.get_by_role("textbox", name="Name of the selection").fill("")
    return opened


def selected(notebook: Notebook) -> list[int]:
    return notebook.python("explorer.selected.tolist()")


def named(notebook: Notebook) -> dict[str, list[int]]:
    return notebook.python("{name: rows.tolist() for name, rows in explorer.selections.items()}")


def lasso(notebook: Notebook, shares: list[tuple[float, float]]) -> list[int]:
    before = selected(notebook)
    drag(notebook.page, shares)
    until(lambda: selected(notebook) not in ([], before), 20, "another selection")
    rows = selected(notebook)
    keep = notebook.page.locator(".tw-selections form button")
    until(lambda: f"({len(rows):,})" in keep.inner_text(), 20, "the count on the button")
    return rows


def keep(notebook: Notebook, name: str) -> None:
    """Type a name for the selection."""
    field = notebook.page.get_by_role("textbox", name="Name of the selection")
    field.click()
    notebook.page.keyboard.type(name)
    notebook.page.keyboard.press("Enter")
    until(lambda: name in named(notebook), 20, f"{name} to be kept")
    row(notebook, name).wait_for(timeout=20 * SECONDS)


def row(notebook: Notebook, name: str):
    return notebook.page.locator(".tw-selections li").filter(has_text=name)


def choose(notebook: Notebook, name: str, label: str) -> None:
    """Choose from the menu of a row."""
    notebook.page.get_by_role("button", name=f"Actions on {name}", exact=True).click()
    notebook.page.get_by_role("button", name=label, exact=True).click()


def act(notebook: Notebook, name: str, label: str, rows: list[int]) -> None:
    choose(notebook, name, label)
    until(lambda: selected(notebook) == rows, 20, f"{label} to select {len(rows)} rows")


def focused(notebook: Notebook) -> str | None:
    return notebook.page.evaluate("() => document.activeElement.getAttribute('aria-label')")


def test_lasso_selection_can_be_named_reselected_and_combined(notebook):
    page = notebook.page
    left = lasso(notebook, LEFT)
    keep(notebook, "on the left")
    below = lasso(notebook, BELOW)
    keep(notebook, "below")
    assert named(notebook) == {"on the left": left, "below": below}
    page.locator(".tw-overlay").focus()
    page.keyboard.press("Escape")
    until(lambda: selected(notebook) == [], 20, "nothing selected")
    row(notebook, "on the left").locator(".tw-pick").click()
    until(lambda: selected(notebook) == left, 20, "those on the left again")
    act(notebook, "below", "Take below away from the selection", sorted(set(left) - set(below)))
    act(notebook, "below", "Add below to the selection", sorted(set(left) | set(below)))
    both = "Keep what is in both on the left and the selection"
    act(notebook, "on the left", both, left)
    row(notebook, "below").locator(".tw-pick").click(modifiers=["Alt"])
    until(lambda: selected(notebook) == sorted(set(left) - set(below)), 20, "without those below")
    page.locator(".tw-overlay").focus()
    page.keyboard.press("Control+z")
    until(lambda: selected(notebook) == left, 20, "the step before")


def test_each_row_shows_its_size_and_its_selected_samples(notebook):
    notebook.execute("explorer.name_selection('few', [1, 2, 3, 4]); explorer.select([2, 3, 9])")
    name = "Select few, 4 pictures, 2 of them selected"
    notebook.page.get_by_role("button", name=name, exact=True).wait_for(timeout=20 * SECONDS)
    assert row(notebook, "few").locator(".tw-counts-of").inner_text() == "2 selected of 4"
    colors = notebook.page.evaluate(
        "() => [document.querySelector('.tw-selections .tw-swatch').style.background]"
    )
    red, green, blue = bytes.fromhex(COLORS[0][1:])
    assert colors == [f"rgb({red}, {green}, {blue})"]


def test_named_selection_can_be_renamed_deleted_and_restored(notebook):
    page = notebook.page
    notebook.execute("for name in 'abc': explorer.name_selection(name, [ord(name)])")
    choose(notebook, "b", "Rename b")
    field = page.get_by_role("textbox", name="New name of b")
    field.fill("c")
    field.press("Enter")
    page.locator(".tw-message", has_text="there is a selection 'c' already").wait_for(
        timeout=20 * SECONDS
    )
    choose(notebook, "b", "Rename b")
    field.fill("the <b>bold</b>")
    field.press("Enter")
    until(lambda: list(named(notebook)) == ["a", "the <b>bold</b>", "c"], 20, "the new name")
    row(notebook, "the <b>bold</b>").wait_for(timeout=20 * SECONDS)
    choose(notebook, "a", "Rename a")
    page.keyboard.type("something else")
    page.keyboard.press("Escape")
    choose(notebook, "the <b>bold</b>", "Delete the <b>bold</b>")
    until(lambda: list(named(notebook)) == ["a", "c"], 20, "it to go")
    page.locator(".tw-dropped", has_text="“the <b>bold</b>” was deleted").wait_for()
    page.get_by_role("button", name="Restore").click()
    until(lambda: list(named(notebook)) == ["a", "the <b>bold</b>", "c"], 20, "it to come back")
    page.locator(".tw-dropped").wait_for(state="hidden", timeout=20 * SECONDS)


def test_every_action_works_by_keyboard_without_reaching_the_notebook(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-command-mode')")
    cells = page.locator(".jp-Cell").count()
    notebook.execute("for name in 'abc': explorer.name_selection(name, [ord(name)])")
    notebook.execute("explorer.select([1, 2])")
    row(notebook, "c").wait_for(timeout=20 * SECONDS)
    page.get_by_role("textbox", name="Name of the selection").focus()
    page.keyboard.type("bad")  # in JupyterLab's command mode: cells above, below, cut
    until(lambda: "(2)" in page.locator(".tw-selections form button").inner_text(), 20, "2")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(notebook).startswith("Select a,")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(lambda: selected(notebook) == [ord("b")], 20, "b")
    assert focused(notebook).startswith("Select b,")
    page.keyboard.press("End")
    page.keyboard.press("Shift+Enter")
    until(lambda: selected(notebook) == [ord("b"), ord("c")], 20, "b and c")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert focused(notebook) == "Actions on a"
    page.keyboard.press("Enter")
    assert focused(notebook) == "Add a to the selection"
    page.keyboard.press("ArrowDown")
    assert focused(notebook) == "Take a away from the selection"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    until(lambda: len(selected(notebook)) == 3, 20, "all three")
    assert focused(notebook) == "Actions on a"
    page.keyboard.press("Control+z")
    until(lambda: len(selected(notebook)) == 2, 20, "two")
    page.keyboard.press("F2")
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    until(lambda: list(named(notebook)) == ["first", "b", "c"], 20, "the new name")
    until(lambda: "first" in (focused(notebook) or ""), 20, "the focus to stay in the row")
    page.keyboard.press("Delete")
    until(lambda: list(named(notebook)) == ["b", "c"], 20, "the first to go")
    until(lambda: (focused(notebook) or "").startswith("Select b"), 20, "the focus on the next row")
    assert page.locator(".jp-Cell").count() == cells


def test_save_button_needs_a_selection_and_warns_of_a_known_name(notebook):
    page = notebook.page
    button = page.locator(".tw-selections form button")
    field = page.get_by_role("textbox", name="Name of the selection")
    until(lambda: button.inner_text() == "Save selection", 20, "nothing selected")
    assert button.is_disabled()
    notebook.execute(
        "explorer.select([1, 2]); explorer.name_selection('two'); explorer.select([3])"
    )
    until(lambda: button.inner_text() == "Save selection (1)", 20, "one")
    field.fill("two")
    until(lambda: button.inner_text() == "Replace selection (1)", 20, "the button to warn")
    button.click()
    until(lambda: named(notebook) == {"two": [3]}, 20, "the replacement")
    assert field.input_value() == ""


def test_key_keeps_the_selection_under_a_name_that_can_be_typed_over(notebook):
    page = notebook.page
    page.locator(".tw-tabs [role=tab]", has_text="Images").click()
    notebook.execute("explorer.select([1, 2, 3])")
    page.locator(".tw-pill", has_text="3 selected").wait_for(timeout=20 * SECONDS)
    page.locator(".tw-overlay").focus()
    page.keyboard.press("k")
    until(lambda: named(notebook) == {"Selection 1": [1, 2, 3]}, 20, "the automatic name")
    until(lambda: focused(notebook) == "New name of Selection 1", 20, "the field")
    page.keyboard.type("three of them")
    page.keyboard.press("Enter")
    until(lambda: named(notebook) == {"three of them": [1, 2, 3]}, 20, "the new name")
    page.locator(".tw-pill").get_by_role("button", name="Keep").click()
    until(lambda: focused(notebook) == "New name of Selection 1", 20, "the field again")
    page.keyboard.press("Escape")
    assert list(named(notebook)) == ["three of them", "Selection 1"]


def test_named_selections_survive_a_reload_of_the_page_and_save_and_load(notebook):
    page = notebook.page
    left = lasso(notebook, LEFT)
    keep(notebook, "on the left")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.load()
    map_is_drawn(page)
    page.locator(".tw-tabs [role=tab]", has_text="Saved").click()
    row(notebook, "on the left").wait_for(timeout=20 * SECONDS)
    notebook.execute(
        "explorer.clear(); old = explorer; explorer = EmbeddingExplorer.load("
        "old.save('saved', overwrite=True), images=np.zeros((n, 6, 6), 'u1')); "
        "explorer.select('on the left')"
    )
    try:
        assert selected(notebook) == left
        assert named(notebook) == {"on the left": left}
    finally:
        notebook.execute("explorer.close(); explorer = old")
