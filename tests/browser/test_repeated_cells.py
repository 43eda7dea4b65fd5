"""A cell that runs again and again leaves nothing behind in the page."""

from __future__ import annotations

import pytest

from tests.browser.gestures import map_is_drawn
from tests.browser.jupyter import until
from tests.browser.test_kernel_faults import CELL

pytestmark = pytest.mark.browser

WARM_UP, RUNS = 3, 12
# Elements that a run may leave, of about a thousand; a cell that prints leaves one. Views that are
# being removed count too.
ELEMENTS = 20
# Listeners that a run may leave, apart from those below. JupyterLab's own grow by 133 at a time.
LISTENERS, LISTENERS_OF_JUPYTERLAB = 5, 133
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
@pytest.mark.parametrize("closes", [False, True], ids=["not closed", "closed"])
def test_running_a_cell_repeatedly_does_not_grow_the_page(open_notebook, closes):
    first = "if 'explorer' in globals():\n    explorer.close()\n" if closes else ""
    notebook = open_notebook(
        f"again-{closes}.ipynb",
        [first + CELL],
        width=1000,
        height=700,
        script=COUNT_ABORTS,
        fresh=True,
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
    for _ in range(RUNS):
        notebook.run_all()
    until(lambda: living()[0] - early[0] <= VIEWS_ON_THE_WAY * OUR_ELEMENTS, 60, "removed views")
    late = living()
    print(f"after {WARM_UP} runs {early}, after {RUNS} more {late}")
    assert late[2] - early[2] <= ELEMENTS * RUNS + VIEWS_ON_THE_WAY * ALL_ELEMENTS
    assert late[3] - early[3] <= (0 if closes else LISTENERS_OF_MODEL) * RUNS + LISTENERS_OF_MODEL
    of_views = VIEWS_ON_THE_WAY * VIEW_LISTENERS
    assert late[4] - early[4] <= LISTENERS * RUNS + LISTENERS_OF_JUPYTERLAB + of_views
