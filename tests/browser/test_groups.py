"""The groups panel: point, click and keys."""

from __future__ import annotations

import pytest

from tests.browser.gestures import map_is_drawn
from tests.browser.jupyter import Notebook, until
from tests.browser.test_accessibility import violations
from tests.browser.test_confusion import open_panel

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 600
labels = np.arange(n) % 3
features = rng.normal(size=(n, 6)) + 6 * np.eye(3, 6)[labels]
planted = np.flatnonzero(labels == 1)[:60]
features[planted, 4] += 9
predictions = np.where(np.arange(n) % 20 == 0, (labels + 1) % 3, labels)
predictions[planted] = 2
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(features, labels, predictions=predictions,
                           class_names=["cat", "dog", "owl"]),
    embedding=features[:, [0, 4]], images=np.zeros((n, 6, 6), "u1"))
explorer
"""


def selected(notebook: Notebook) -> list[int]:
    return notebook.python("explorer.selected.tolist()")


def test_a_group_lights_up_under_the_pointer_and_is_selected_by_mouse_and_keys(open_notebook):
    notebook = open_notebook("groups.ipynb", [CELL], width=1500)
    notebook.run_all()
    map_is_drawn(notebook.page)
    open_panel(notebook, "Groups")
    first = notebook.page.locator(".tw-group").first
    first.wait_for(timeout=60_000)
    until(lambda: "dog → owl" in first.inner_text(), 20, "the planted group")
    until(lambda: first.locator("img").count() > 0, 20, "its pictures")
    group = notebook.python("sorted(explorer.mistake_groups()['ids'][0])")
    count = notebook.python("len(explorer.mistake_groups())")
    tab = notebook.page.locator(".tw-tabs [data-panel=groups]")
    until(lambda: tab.inner_text() == f"Groups {count}", 20, "the count in the tab")

    first.hover()
    until(lambda: notebook.python("explorer.state.lit is not None"), 20, "the light")
    assert selected(notebook) == []
    first.click()
    until(lambda: selected(notebook) == group, 20, "the selection")

    notebook.execute("explorer.clear()")
    until(lambda: selected(notebook) == [], 20, "no selection")
    first.focus()
    notebook.page.keyboard.press("Enter")
    until(lambda: selected(notebook) == group, 20, "the selection by keys")
    assert violations(notebook) == []

    open_panel(notebook, "Images")
    until(lambda: notebook.python("explorer.state.lit is None"), 20, "no light")
