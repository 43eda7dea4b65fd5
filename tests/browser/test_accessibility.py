"""The widget under axe-core in JupyterLab, light and dark, before and after a selection."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.gestures import SECONDS, map_is_drawn
from tests.browser.jupyter import Notebook

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 300
labels = np.arange(n) % 24
predictions = np.where(rng.random(n) < 0.2, (labels + 1) % 24, labels)
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(rng.normal(size=(n, 2)), labels, predictions=predictions,
                           logits=np.eye(24)[predictions]),
    embedding=rng.normal(size=(n, 2)), images=np.zeros((n, 6, 6), "u1"))
explorer
"""


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    opened = open_notebook("accessibility.ipynb", [CELL])
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


@pytest.fixture(scope="module", params=["Light", "Dark"])
def in_a_theme(request, notebook) -> Notebook:
    """The notebook in a theme."""
    notebook.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        f"JupyterLab {request.param}",
    )
    notebook.page.wait_for_function(
        "(isLight) => document.body.dataset.jpThemeLight === isLight",
        arg="true" if request.param == "Light" else "false",
        timeout=20 * SECONDS,
    )
    return notebook


@pytest.fixture
def themed(in_a_theme) -> Notebook:
    """The same, with all classes visible and nothing selected."""
    in_a_theme.page.locator(".tw-legend footer button", has_text="All").click()
    in_a_theme.execute("explorer.clear()")
    return in_a_theme


def violations(notebook: Notebook) -> list[str]:
    """Violations that axe finds in the widget, for every rule and impact: one line per element."""
    # JupyterLab's body has no height and hides overflow, so axe considers all text in it invisible
    # and does not check its contrast.
    notebook.page.evaluate("() => { document.body.style.height = '100vh' }")
    # counts that the kernel has yet to answer are grey
    notebook.page.locator(".tsne-widget[data-pending]").wait_for(
        state="detached", timeout=20 * SECONDS
    )
    found = Axe().run(notebook.page, context=".tsne-widget", options={}).response
    assert _texts_looked_at(found) > 5, "axe took the widget's text for invisible"
    return [
        f"{rule['id']} ({rule['impact']}) {node['target'][-1]}: {_reasons(node)}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def _texts_looked_at(found: dict[str, Any]) -> int:
    rules = [*found["passes"], *found["violations"]]
    return sum(len(rule["nodes"]) for rule in rules if rule["id"] == "color-contrast")


def _reasons(node: dict[str, Any]) -> str:
    checks = node["any"] + node["all"] + node["none"]
    return "; ".join(check["message"] for check in checks)


def test_an_explorer_has_no_violation_before_anything_is_selected(themed):
    assert violations(themed) == []


def test_an_explorer_has_no_violation_with_a_selection_and_hidden_classes(themed):
    page = themed.page
    page.locator(".tw-legend li button").nth(2).click()
    themed.execute("explorer.select('misclassified')")
    page.locator(".tw-gallery figure img").first.wait_for(timeout=20 * SECONDS)
    page.locator(".tw-legend li button[aria-pressed=false]").wait_for(timeout=20 * SECONDS)
    assert violations(themed) == []


def test_details_and_picked_tiles_in_groups_have_no_violation(themed):
    page = themed.page
    themed.execute("explorer.select('misclassified')")
    page.locator(".tw-gallery .tw-heading").first.wait_for(timeout=20 * SECONDS)
    page.locator(".tw-gallery figure").nth(0).click(modifiers=["Control"])
    page.locator(".tw-picks").wait_for(timeout=20 * SECONDS)
    try:
        assert violations(themed) == []
        page.locator(".tw-gallery figure").nth(1).click()
        page.locator(".tw-near li").first.wait_for(timeout=20 * SECONDS)
        assert violations(themed) == []
    finally:
        themed.execute("explorer.state.focus = None")
        page.locator(".tw-look").wait_for(state="hidden", timeout=20 * SECONDS)
        page.locator(".tw-gallery .tw-pictures").press("Escape")


def test_a_search_without_a_match_has_no_violation(themed):
    search = themed.page.locator(".tw-legend input")
    search.fill("zebra")
    try:
        themed.page.locator(".tw-none").wait_for()
        assert violations(themed) == []
    finally:
        search.fill("")


@pytest.mark.parametrize("is_empty", [True, False])
def test_the_named_selections_have_no_violation(themed, is_empty):
    page = themed.page
    names = [] if is_empty else ["few", "<b>many</b>"]
    themed.execute(f"explorer.state.selections = {{name: range(9) for name in {names}}}")
    themed.execute("explorer.select(range(5))")
    page.locator(".tw-tabs [role=tab]", has_text="Saved").click()
    try:
        if is_empty:
            page.locator(".tw-selections .tw-empty").wait_for(timeout=20 * SECONDS)
        else:
            page.locator(".tw-selections li").nth(1).hover()
            page.get_by_role("button", name="Actions on <b>many</b>", exact=True).click()
            assert violations(themed) == []
            page.keyboard.press("Escape")
            page.locator(".tw-selections .tw-pick").first.press("Delete")
            page.locator(".tw-dropped").wait_for(timeout=20 * SECONDS)
        assert violations(themed) == []
    finally:
        page.locator(".tw-tabs [role=tab]", has_text="Images").click()
