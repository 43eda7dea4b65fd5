"""A cell that runs again and again leaves nothing behind in the page."""

from __future__ import annotations

import functools

import pytest

from tests.browser.gestures import map_is_drawn
from tests.browser.jupyter import until
from tests.browser.test_kernel_faults import CELL

pytestmark = pytest.mark.browser

WARM_UP, RUNS = 3, 10
# Elements that a run may leave, of about a thousand; a cell that prints leaves one. Views that are
# being removed count too.
ELEMENTS = 20
# Listeners that a run may leave, apart from those below. JupyterLab's own grow by 133 at a time,
# three times in ten runs at most.
LISTENERS, LISTENERS_OF_JUPYTERLAB = 5, 3 * 133
# The page keeps the model of an open explorer, with three listeners of anywidget.
LISTENERS_OF_MODEL = 3
# Views that are being removed may be counted: three were seen. A leak would leave one for each run.
VIEWS_ON_THE_WAY = 5
# For one view: our elements, all elements, and listeners.
OUR_ELEMENTS, ALL_ELEMENTS, VIEW_LISTENERS = 400, 900, 240

# Live elements, attached or not: ours, ours in the page, and all.
COUNT = """function () {
  const isElement = (one) => one !== one.constructor?.prototype; // prototypes have no classes
  const isOurs = (one) => [...one.classList].some((name) => name.startsWith("tw-"));
  const all = this.filter(isElement);
  const ours = all.filter(isOurs);
  return [ours.length, ours.filter((one) => one.isConnected).length, all.length];
}"""


# Counts listeners for the abort of a signal that is not aborted yet.
COUNT_ABORTS = """
  const heard = [];
  AbortSignal.prototype.addEventListener = function (...listener) {
    heard.push(new WeakRef(this));
    return EventTarget.prototype.addEventListener.apply(this, listener);
  };
  window.countAborts = () => heard.filter((signal) => signal.deref()?.aborted === false).length;
"""


@pytest.mark.timeout(600)
def test_running_a_cell_repeatedly_does_not_grow_the_page(open_notebook):
    first = "if globals().get('closes'):\n    explorer.close()\n"
    notebook = open_notebook(
        "again.ipynb", [first + CELL], width=1000, height=700, script=COUNT_ABORTS, fresh=True
    )
    page = notebook.page
    session = page.context.new_cdp_session(page)

    def living() -> tuple[int, ...]:
        """Elements, listeners for ends and other listeners, as counted above, without garbage."""
        map_is_drawn(page)
        prototype = session.send("Runtime.evaluate", {"expression": "Element.prototype"})
        found = session.send(
            "Runtime.queryObjects", {"prototypeObjectId": prototype["result"]["objectId"]}
        )
        call = {"objectId": found["objects"]["objectId"], "functionDeclaration": COUNT}
        counts = session.send("Runtime.callFunctionOn", call | {"returnByValue": True})
        session.send("Runtime.releaseObject", {"objectId": call["objectId"]})
        listeners = session.send("Memory.getDOMCounters")["jsEventListeners"]
        ends = page.evaluate("countAborts()")
        return (*counts["result"]["value"], ends, listeners - ends)

    for _ in range(WARM_UP):
        notebook.run_all()
    early = living()

    def views_are_removed(runs: int) -> bool:
        late = living()
        of_views = VIEWS_ON_THE_WAY * VIEW_LISTENERS + LISTENERS_OF_JUPYTERLAB * runs // RUNS
        return (
            late[0] - early[0] <= VIEWS_ON_THE_WAY * OUR_ELEMENTS
            and late[4] - early[4] <= LISTENERS * runs + of_views
        )

    for runs, closes in ((RUNS, False), (2 * RUNS, True)):
        notebook.execute(f"closes = {closes}")
        for _ in range(RUNS):
            notebook.run_all()
        until(functools.partial(views_are_removed, runs), 60, "removed views and listeners")
        late = living()
        print(f"{runs} runs, closed: {closes}, before {early}, after {late}")
        assert late[2] - early[2] <= ELEMENTS * runs + VIEWS_ON_THE_WAY * ALL_ELEMENTS
        assert late[3] - early[3] <= LISTENERS_OF_MODEL * (RUNS + 1)  # of those that stay open
