"""A kernel that restarts, dies or is cut off: the page stays silent, and goes on when it can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.gestures import SECONDS, drag, drawn_points, map_is_drawn
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

AROUND_ALL = [(0.001, 0.999), (0.999, 0.999), (0.999, 0.001), (0.001, 0.001)]
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"

RUNS = 20
# What JupyterLab's channel to a kernel that is gone says of each message; our views let it pass.
CANNOT_SEND = "pageerror: Cannot send"

CELL = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 200
labels = np.arange(n) % 4
record = FeatureSet.from_arrays(rng.normal(size=(n, 8)), labels, predictions=labels[::-1])
explorer = EmbeddingExplorer(
    record, embedding=record.features[:, :2], images=np.zeros((n, 6, 6), "u1"))
explorer
"""


@pytest.fixture(scope="module")
def opened_notebooks(open_notebook) -> Iterator[list[Notebook]]:
    """What JupyterLab says of lost kernels is taken out of their consoles before these are read."""
    notebooks: list[Notebook] = []
    yield notebooks
    for notebook in notebooks:
        notebook.console[:] = [line for line in notebook.console if line != CANNOT_SEND]


@pytest.fixture
def notebook(open_notebook, opened_notebooks, request) -> Notebook:
    opened = open_notebook(f"{request.node.name}.ipynb", [CELL])
    opened_notebooks.append(opened)
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


def kernel_is_idle(page) -> None:
    page.wait_for_function(
        f"() => {KERNEL}?.status === 'idle' && {KERNEL}.connectionStatus === 'connected'",
        timeout=90 * SECONDS,
    )


def use_everything(page) -> None:
    """Every gesture that sends a message."""
    drag(page, AROUND_ALL)
    # Events, not the mouse: signs of a lost connection may lie over the buttons.
    page.locator(".tw-legend li button").nth(1).dispatch_event("click")
    page.locator(".tw-legend li button").nth(2).dispatch_event("dblclick")
    page.locator(".tw-scatter").first.press("Control+z")
    page.mouse.wheel(0, 200)


def test_after_a_restart_of_the_kernel_running_the_cells_again_is_enough(notebook):
    page = notebook.page
    notebook.execute("explorer.select([1, 2, 3])")
    page.get_by_text("3 selected").first.wait_for(timeout=30 * SECONDS)
    page.evaluate(f"() => {KERNEL}.restart()")
    kernel_is_idle(page)
    notebook._client = None  # it is another process
    use_everything(page)  # of the explorer that is gone: nothing answers
    notebook.run_all()
    map_is_drawn(page)
    until(lambda: notebook.python("len(explorer.selected)") == 0, 30, "the new explorer")
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(explorer.selected)") == 200, 30, "all rows")


def test_clicks_on_a_dead_kernels_widget_leave_what_was_seen(notebook):
    page = notebook.page
    places = drawn_points(page)[0].shape
    page.evaluate(f"() => {KERNEL}.shutdown()")
    page.wait_for_function(
        f"() => !{KERNEL} || ['dead', 'unknown'].includes({KERNEL}.status)", timeout=60 * SECONDS
    )
    use_everything(page)
    assert drawn_points(page)[0].shape == places  # what was seen is still there


def test_what_happens_while_the_connection_is_down_is_seen_when_it_is_back(notebook):
    page = notebook.page
    # As a closed laptop: the socket is gone, the kernel goes on, the server keeps its messages.
    page.evaluate(
        f"() => {{ const kernel = {KERNEL}; const open = kernel._createSocket;"
        " window.wake = () => { kernel._createSocket = open; return kernel.reconnect() };"
        " kernel._createSocket = () => {}; kernel._ws.close() }"
    )
    page.wait_for_function(f"() => {KERNEL}.connectionStatus !== 'connected'", timeout=60 * SECONDS)
    notebook.execute("explorer.visible_classes = ['1', '2']; explorer.select([1, 2, 5])")
    page.evaluate("() => window.wake()")
    kernel_is_idle(page)
    page.get_by_text("3 selected").first.wait_for(timeout=60 * SECONDS)
    pressed = page.locator(".tw-legend li button[aria-pressed=true]")
    until(lambda: pressed.count() == 2, 60, "two classes")
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(explorer.selected)") == 100, 60, "the rows of both")


def test_running_a_cell_again_and_again_does_not_grow_the_page(notebook):
    page = notebook.page
    count = (
        "() => [document.querySelectorAll('*').length, document.querySelectorAll('canvas').length]"
    )
    again = "explorer.close()\n" + CELL.split("explorer = ")[1].join(["explorer = ", ""])
    notebook.page.evaluate(
        "(source) => { const cell = window.jupyterapp.shell.currentWidget.content.activeCell;"
        " cell.model.sharedModel.setSource(source) }",
        again,
    )
    sizes = []
    for number in range(RUNS):
        notebook.run_all()
        if number in (4, RUNS - 1):
            map_is_drawn(page)
            sizes.append(page.evaluate(count))
    (early, early_canvases), (late, late_canvases) = sizes
    assert late <= 1.05 * early
    assert late_canvases == early_canvases
