"""An explorer in Notebook 7."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.gestures import (
    drag,
    has_pictures_of_the_selection,
    map_is_drawn,
    pictures_are_drawn,
)
from tests.browser.jupyter import Lab, Notebook, until

pytestmark = pytest.mark.browser

CELL = """
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from tsne_widget import EmbeddingExplorer, FeatureSet

digits = load_digits()
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(digits.data, digits.target),
    embedding=PCA(2).fit_transform(digits.data), images=digits.images / 16)
explorer
"""
LASSO = [(0.2, 0.25), (0.55, 0.15), (0.85, 0.5), (0.6, 0.8), (0.45, 0.4), (0.25, 0.7)]

# An error that Notebook 7 logs for an empty notebook without a network; all others are ours.
NOTEBOOKS_OWN = re.compile(r"Cannot read properties of undefined \(reading 'schema'\)")


@pytest.fixture(scope="module")
def notebook(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    server = Lab(tmp_path_factory.mktemp("notebook7"), "notebook")
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    opened = Notebook.open(server, page, "digits.ipynb", [CELL])
    opened.run_all()
    map_is_drawn(page)
    yield opened
    errors = [line for line in opened.errors() if not NOTEBOOKS_OWN.search(line)]
    opened.close()
    server.close()
    assert not errors, f"the page's console reported: {errors}"


def test_lasso_in_notebook_7_shows_pictures_and_fills_the_frame(notebook):
    notebook.execute("explorer.clear()")
    drag(notebook.page, LASSO)
    count = has_pictures_of_the_selection(notebook.page)
    assert 100 < count < 1400
    assert notebook.python("len(explorer.to_dataframe())") == count


def test_click_in_notebook_7_hides_a_class_and_python_updates_the_map(notebook):
    page = notebook.page
    page.locator(".tw-legend li button").nth(8).click()
    until(lambda: "8" not in notebook.python("explorer.visible_classes"), 20, "class 8 to go")
    notebook.execute("explorer.select(range(30))")
    shown = notebook.python("len(explorer.selected)")
    assert shown < 30  # samples of the hidden class are excluded
    pictures_are_drawn(page, shown)
