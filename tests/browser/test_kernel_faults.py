"""A kernel that restarts, dies or is disconnected: the page logs no errors and recovers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.browser.gestures import (
    SECONDS,
    drag,
    drawn_points,
    map_is_drawn,
    pictures_are_drawn,
)
from tests.browser.jupyter import Notebook, until
from tests.browser.reuse import Desk

pytestmark = pytest.mark.browser

AROUND_ALL = [(0.001, 0.999), (0.999, 0.999), (0.999, 0.001), (0.001, 0.001)]
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"

NOT_CONNECTED = "The kernel is not connected: run the cell again"

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


def opened(
    open_notebook: Callable[..., Notebook],
    desk: Desk,
    request: pytest.FixtureRequest,
    *,
    mortal: bool,
) -> Iterator[Notebook]:
    """Open the cell for one test."""
    count, failures = len(desk), request.session.testsfailed
    notebook = open_notebook(f"{request.node.name}.ipynb", [CELL], mortal=mortal)
    notebook.run_all()
    map_is_drawn(notebook.page)
    yield notebook
    desk.close_after(count, failed=request.session.testsfailed > failures)


@pytest.fixture
def notebook(open_notebook, desk, request) -> Iterator[Notebook]:
    """A notebook whose kernel survives the test."""
    yield from opened(open_notebook, desk, request, mortal=False)


@pytest.fixture
def mortal_notebook(open_notebook, desk, request) -> Iterator[Notebook]:
    """A notebook whose kernel may end."""
    yield from opened(open_notebook, desk, request, mortal=True)


def kernel_is_idle(page) -> None:
    page.wait_for_function(
        f"() => {KERNEL}?.status === 'idle' && {KERNEL}.connectionStatus === 'connected'",
        timeout=90 * SECONDS,
    )


def use_everything(page) -> None:
    """Gestures that send messages, of every view."""
    drag(page, AROUND_ALL)
    # Events instead of the mouse, because notices of a lost connection may cover the buttons.
    page.locator(".tw-legend li button").nth(1).dispatch_event("click")
    page.locator(".tw-legend li button").nth(2).dispatch_event("dblclick")
    page.locator(".tw-head-names").first.dispatch_event("click")
    page.locator(".tw-scatter").first.press("Control+z")
    page.locator(".tw-overlay").first.focus()
    page.mouse.wheel(0, -200)  # the viewport is saved after the gesture
    page.locator(".tw-key-head select").select_option("prediction")
    page.locator(".tw-wrong-count").first.dispatch_event("click")
    page.locator(".tw-find input").press("a")
    page.locator(".tw-find input").press("Enter")
    page.locator(".tw-gallery-head .tw-seg button").last.dispatch_event("click")
    page.locator(".tw-gallery .tw-pictures").press("Escape")
    page.get_by_role("tab", name="Confusion").dispatch_event("click")


def says_that_nobody_answers(page) -> bool:
    """Whether the widget displays the message exactly once."""
    return page.locator(".tsne-widget .tw-lost").all_inner_texts() == [NOT_CONNECTED]


def process_of(notebook: Notebook) -> int:
    return int(notebook.python("__import__('os').getpid()"))


def test_running_the_cells_again_after_a_kernel_restart_is_enough(mortal_notebook):
    notebook = mortal_notebook
    page = notebook.page
    notebook.execute("explorer.select([1, 2, 3])")
    page.get_by_text("3 selected").first.wait_for(timeout=30 * SECONDS)
    page.evaluate(f"() => {KERNEL}.restart()")
    kernel_is_idle(page)
    notebook._client = None  # another process
    use_everything(page)  # of the old explorer: nothing answers
    assert says_that_nobody_answers(page)
    assert not page.locator("[data-pending]").count()  # nor is the kernel busy
    notebook.run_all()
    map_is_drawn(page)
    until(lambda: notebook.python("len(explorer.selected)") == 0, 30, "the new explorer")
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(explorer.selected)") == 200, 30, "all rows")
    assert not page.locator(".tw-lost").count()


def test_killed_kernel_recovers_without_console_messages(mortal_notebook):
    notebook = mortal_notebook
    page = notebook.page
    before = page.evaluate(f"() => {KERNEL}.clientId")
    os.kill(process_of(notebook), signal.SIGKILL)
    page.locator(".jp-Dialog").wait_for(timeout=90 * SECONDS)  # "appears to have died"
    page.keyboard.press("Enter")
    page.locator(".jp-Dialog").wait_for(state="detached", timeout=30 * SECONDS)
    kernel_is_idle(page)
    assert page.evaluate(f"() => {KERNEL}.clientId") == before
    notebook._client = None
    use_everything(page)
    assert says_that_nobody_answers(page)
    notebook.run_all()
    map_is_drawn(page)
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(explorer.selected)") == 200, 30, "all rows")


def test_clicks_on_a_widget_of_a_dead_kernel_change_nothing_on_screen(mortal_notebook):
    notebook = mortal_notebook
    page = notebook.page
    places, opacity = drawn_points(page)
    page.evaluate(f"() => {KERNEL}.shutdown()")
    page.wait_for_function(
        f"() => !{KERNEL} || ['dead', 'unknown'].includes({KERNEL}.status)", timeout=60 * SECONDS
    )
    use_everything(page)
    assert says_that_nobody_answers(page)
    assert drawn_points(page)[0].shape == places.shape  # the display has not changed
    assert (drawn_points(page)[1] == opacity).all()  # and nothing appears selected
    assert page.locator(".tw-lasso path").get_attribute("d") is None


def test_changes_during_a_lost_connection_appear_after_reconnecting(notebook):
    page = notebook.page
    # The socket is closed, the kernel continues, and the server keeps its messages.
    page.evaluate(
        f"() => {{ const kernel = {KERNEL}; const open = kernel._createSocket;"
        " window.wake = () => { kernel._createSocket = open; return kernel.reconnect() };"
        " kernel._createSocket = () => {}; kernel._ws.close() }"
    )
    page.wait_for_function(f"() => {KERNEL}.connectionStatus !== 'connected'", timeout=60 * SECONDS)
    notebook.execute("explorer.visible_classes = ['1', '2']; explorer.select([1, 2, 5])")
    page.locator(".tw-legend li button").nth(3).dispatch_event("click")  # the page keeps it
    page.evaluate("() => window.wake()")
    kernel_is_idle(page)
    page.get_by_text("3 selected").first.wait_for(timeout=60 * SECONDS)
    pressed = page.locator(".tw-legend li button[aria-pressed=true]")
    until(lambda: pressed.count() == 3, 60, "two classes of Python's and the one clicked")
    assert notebook.python("explorer.visible_classes") == ["1", "2", "3"]
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(explorer.selected)") == 150, 60, "the rows of the three")
    assert not page.locator(".tw-lost").count()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes are held as POSIX does")
def test_clicks_while_the_kernel_is_suspended_are_handled_when_it_resumes(notebook):
    page = notebook.page
    process = process_of(notebook)
    os.kill(process, signal.SIGSTOP)
    try:
        page.locator(".tw-legend li button").nth(1).click()
        page.locator(".tw-legend li button").nth(3).click()
        drag(page, AROUND_ALL)
        page.locator(".tw-legend li button").nth(0).click()
    finally:
        os.kill(process, signal.SIGCONT)
    until(lambda: notebook.python("explorer.visible_classes") == ["2"], 60, "one class")
    assert notebook.python("explorer.selected.tolist()") == list(range(2, 200, 4))
    bright = "as many bright points as rows are selected"
    until(lambda: (drawn_points(page)[1] == 1).sum() == 50, 60, bright)


def test_clicks_made_before_the_subshell_starts_keep_their_order(open_notebook):
    """JupyterLab sends the first messages to the main shell, which a running cell holds."""
    notebook: Notebook = open_notebook("subshell.ipynb", [CELL])
    page = notebook.page
    page.evaluate(
        f"() => {{ const kernel = {KERNEL}; const create = kernel.requestCreateSubshell;"
        " const allowed = new Promise((resolve) => { window.allow = resolve });"
        " kernel.requestCreateSubshell = (content) =>"
        " ({ done: allowed.then(() => create.call(kernel, content).done) }) }"
    )
    notebook.run_all()
    map_is_drawn(page)
    notebook.execute(
        "seen = []\n"
        "explorer.state.observe(lambda _change: seen.append(explorer.visible_classes), 'visible')"
    )
    page.evaluate(
        f"() => {{ const cell = {KERNEL}.requestExecute("
        "{ code: \"print('started', flush=True); __import__('time').sleep(600)\" });"
        " window.ended = window.started = false;"
        " cell.onIOPub = (message) => { window.started ||= message.header.msg_type === 'stream' };"
        " cell.done.then(() => { window.ended = true }) }"
    )
    page.wait_for_function("() => window.started", timeout=60 * SECONDS)
    page.evaluate(
        "async () => { const rows = document.querySelectorAll('.tw-legend li button');"
        " rows[1].click(); rows[3].click(); window.allow();"
        f" const comms = [...{KERNEL}._comms.values()];"
        " while (!comms.every((comm) => comm.subshellId))"
        " await new Promise((resolve) => setTimeout(resolve, 10));"
        " rows[0].click(); }"
    )
    page.evaluate(f"() => {KERNEL}.interrupt()")
    page.wait_for_function("() => window.ended", timeout=60 * SECONDS)
    until(lambda: notebook.python("len(seen)") == 3, 60, "all clicks")
    assert notebook.python("seen") == [["0", "2", "3"], ["0", "2"], ["2"]]


def test_page_whose_script_is_loaded_late_follows_the_kernel(open_notebook):
    """anywidget ignores the kernel if a widget's script takes 2 s, as on a busy machine."""
    notebook: Notebook = open_notebook("late.ipynb", [CELL])
    page = notebook.page
    page.evaluate(
        "() => { const { timeout } = AbortSignal; AbortSignal.timeout = (milliseconds) =>"
        " timeout.call(AbortSignal, milliseconds === 2000 ? 0 : milliseconds);"
        " window.restore = () => { AbortSignal.timeout = timeout } }"
    )
    notebook.run_all()
    page.evaluate("() => window.restore()")
    map_is_drawn(page)
    pictures_are_drawn(page, 200)
    notebook.execute("explorer.select([1, 2, 3])")
    page.get_by_text("3 selected").first.wait_for(timeout=30 * SECONDS)


def test_page_that_was_suspended_shows_later_changes(notebook):
    """Like a closed laptop: the page is suspended while the kernel continues."""
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    for row in range(100):
        notebook.execute(f"explorer.select(range({row + 1})); explorer.visible_classes = ['0']")
    session.send("Page.setWebLifecycleState", {"state": "active"})
    page.get_by_text("25 selected").first.wait_for(timeout=60 * SECONDS)
    until(lambda: (drawn_points(page)[1] == 1).sum() == 25, 60, "the last selection")
    page.locator(".tw-legend li button").nth(1).click()
    until(lambda: notebook.python("explorer.visible_classes") == ["0", "1"], 60, "the click")


def test_interrupted_wait_ends_and_earlier_clicks_are_handled(notebook):
    page = notebook.page
    notebook.execute(
        "from tsne_widget import TSNE\n"
        "live = EmbeddingExplorer(record, projector=TSNE(random_state=0, max_iter=10**6))"
    )
    page.evaluate(
        f"() => {{ const cell = {KERNEL}.requestExecute("
        "{ code: \"print('started', flush=True); live.wait()\" });"
        " window.ended = null; window.started = false;"
        " cell.onIOPub = (message) => { window.started ||= message.header.msg_type === 'stream' };"
        " cell.done.then((reply) => { window.ended = reply.content.ename ?? 'no error' }) }"
    )
    # The kernel's status may say "idle" meanwhile: a subshell has answered a message.
    page.wait_for_function("() => window.started", timeout=60 * SECONDS)
    page.locator(".tw-legend li button").nth(1).click()
    drag(page, AROUND_ALL)
    page.evaluate(f"() => {KERNEL}.interrupt()")
    page.wait_for_function("() => window.ended === 'KeyboardInterrupt'", timeout=60 * SECONDS)
    until(lambda: notebook.python("len(explorer.selected)") == 150, 60, "the queued clicks")
    assert notebook.python("explorer.visible_classes") == ["0", "2", "3"]
    assert notebook.python("live.state.fit.condition") == "running"  # in the background
    notebook.execute("live.stop()")
    until(lambda: notebook.python("live.state.fit.condition") == "stopped", 60, "its end")
    assert notebook.python("live.embedding.shape") == [200, 2]
    notebook.execute("live.close()")
