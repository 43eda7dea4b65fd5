"""The map in JupyterLab and Chromium, compared with jupyter-scatter on the same points.

    python -m benchmarks.view [points …] [--record]        (default 3589 70000 1000000)

Medians of seven rounds, in milliseconds, with software WebGL:

first paint  from running the cell, with the package imported, to the first WebGL draw of the points
lasso        from mouse-up to the first draw that shows the selection ("drawn"), and to the observer
             in Python ("kernel"). For this package it is the first draw after the new opacity of
             the points is loaded. jupyter-scatter draws selected points again over the others:
             it is the first draw of as many points as are selected.
toggle       from hiding one class to the draw that shows it. jupyter-scatter has no legend with
             toggles, so its filter() of all other rows is called from Python.
wheel        from one tick to the end of the frame that draws it
bytes        from the kernel to the page, through the page's websocket

For this package also the frames per second that the page draws while the map is computed.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, Playwright, sync_playwright

from benchmarks.cells import POINTS
from benchmarks.report import VERSIONS, Table, numbers
from tests.browser.gestures import map_is_drawn
from tests.browser.jupyter import Lab, Notebook, launch, until

SIZES = [3_589, 70_000, 1_000_000]
ROUNDS = 7
GESTURES = Table(
    "view-gestures",
    "points | widget | first paint | lasso drawn | lasso kernel | toggle | wheel tick | MB loaded "
    "| bytes per point | bytes, lasso of | rows | bytes, toggle",
    ["jupyterlab", "jupyter-scatter"],
)
LIVE_FRAMES = Table("view-live", "rows | frames per second", ["jupyterlab"])
# Corners of the lasso in pixels from the centre of the plot; the same size in both widgets.
LASSO = [(-150, -60), (0, -140), (150, -60), (130, 90), (0, 140), (-130, 80)]

# Records the times of WebGL draws and of mouse-up, and the size of websocket messages; in
# milliseconds since the epoch, and in bytes.
CLOCK = """
window.marks = { up: [], draws: [], vertices: [], shown: [], bytes: [] };
window.now = () => performance.timeOrigin + performance.now();
addEventListener("pointerup", (e) => marks.up.push(performance.timeOrigin + e.timeStamp), true);
function spy(target, names) {
  for (const name of names) {
    const original = target[name];
    target[name] = function (...args) {
      marks.draws.push(now());
      const instanced = name.includes("Instanced");
      marks.vertices.push(instanced ? args.at(-1) : args[name.includes("Elements") ? 1 : 2]);
      return original.apply(this, args);
    };
  }
}
spy(WebGLRenderingContext.prototype, ["drawArrays", "drawElements"]);
spy(WebGL2RenderingContext.prototype,
    ["drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced"]);
const getExtension = WebGLRenderingContext.prototype.getExtension;
const spied = new WeakSet();
WebGLRenderingContext.prototype.getExtension = function (name) {
  const extension = getExtension.call(this, name);
  if (name === "ANGLE_instanced_arrays" && extension && !spied.has(extension)) {
    spied.add(extension);
    spy(extension, ["drawArraysInstancedANGLE", "drawElementsInstancedANGLE"]);
  }
  return extension;
};
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => {
      marks.bytes.push(data.byteLength ?? data.size ?? data.length);
    });
  }
};
"""

WATCH_OPACITY = """async () => {
  const figure = document.querySelector(".tw-scatter").bqplotFigure;
  const [mark] = await Promise.all(figure.mark_views.views);
  const set = mark.opacity.setArray;
  mark.opacity.setArray = function (array) {
    marks.shown.push(now());
    return set.call(this, array);
  };
}"""
WATCH_PLACES = """async () => {
  const figure = document.querySelector(".tw-scatter").bqplotFigure;
  const [mark] = await Promise.all(figure.mark_views.views);
  mark.model.on("change:x", () => marks.shown.push(now()));
}"""

MARK_LARGEST_CANVAS = """() => {
  const area = (canvas) => canvas.clientWidth * canvas.clientHeight;
  const all = [...document.querySelectorAll(".jp-OutputArea canvas")];
  all.sort((a, b) => area(b) - area(a))[0].dataset.plot = "";
}"""

RUN_LAST_CELL = """async () => {
  const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  for (const list of Object.values(marks)) list.length = 0;
  window.began = now();
  await window.jupyterapp.commands.execute("notebook:run-cell");
}"""

DATA = (
    POINTS
    + """
xy = xy.astype("f4")
arrived = []
def arrive(change):
    if len(change.new):
        arrived.append((1000 * time.time(), len(change.new)))
"""
)
OURS = """
import ipywidgets
kept = ipywidgets.Label()  # JupyterLab ends its subshell with the last widget, though others follow
from tsne_widget import EmbeddingExplorer, FeatureSet
record = FeatureSet.from_arrays(np.ones((n, 2)), labels)
EmbeddingExplorer(record, embedding=xy).close()  # import everything
"""
SHOW_OURS = """
explorer = EmbeddingExplorer(record, embedding=xy)
explorer.observe(arrive, "selected")
explorer
"""
PEER = """
import pandas as pd, jscatter
frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "label": pd.Categorical(labels)})
others = {code: np.flatnonzero(labels != code) for code in range(7)}
jscatter.Scatter(data=frame.head(9), x="x", y="y").widget.close()
"""
SHOW_PEER = """
scatter = jscatter.Scatter(data=frame, x="x", y="y", color_by="label", height=460)
scatter.mouse(mode="lasso")
scatter.widget.observe(arrive, "selection")
scatter.show()
"""
LIVE = """
from tsne_widget import TSNE
live = EmbeddingExplorer(
    FeatureSet.from_arrays(rng.normal(size=({n}, 16)) + labels[:{n}, None], labels[:{n}]),
    projector=TSNE(random_state=0, max_iter=100_000))  # continues until it is closed
live
"""


class Measured(NamedTuple):
    """Medians in milliseconds, sizes in bytes."""

    paint: float
    drawn: float
    kernel: float
    toggle: float
    wheel: float
    loaded: int
    lasso_bytes: int
    toggle_bytes: int
    selected: int


def main(sizes: list[int]) -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")))
    try:
        with sync_playwright() as playwright:
            with GESTURES as row:
                for n in sizes:
                    compare(playwright, lab, n, row)
            with LIVE_FRAMES as row:
                for n in (3_589, 70_000):
                    row(f"{n:,}", f"{live_frames(playwright, lab, n):.1f}")
    finally:
        lab.close()


def compare(playwright: Playwright, lab: Lab, n: int, row: Callable[..., None]) -> None:
    """Rows of both widgets, and of their ratio; of one if jupyter-scatter is not installed."""
    found = {}
    widgets = {"tsne_widget": [OURS, SHOW_OURS], "jupyter-scatter": [PEER, SHOW_PEER]}
    if find_spec("jscatter") is None:
        del widgets["jupyter-scatter"]
    for name, cells in widgets.items():
        browser = launch(playwright, arguments=())
        VERSIONS["Chromium"] = browser.version
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(180_000)
        page.add_init_script(CLOCK)
        notebook = Notebook.open(lab, page, f"{name}-{n}.ipynb", [DATA.format(n=n), *cells])
        one = found[name] = measure(notebook, page, n, ours=name == "tsne_widget")
        row(
            f"{n:,}", name, *(f"{value:.0f}" for value in one[:5]), f"{one.loaded / 1e6:.2f}",
            f"{one.loaded / n:.1f}", f"{one.lasso_bytes:,}", f"{one.selected:,}",
            f"{one.toggle_bytes:,}",
        )  # fmt: skip
        notebook.close()
        browser.close()
    if len(found) == 2:
        pairs = zip(found["tsne_widget"][:5], found["jupyter-scatter"][:5], strict=True)
        row(f"{n:,}", "peer / ours", *(f"{theirs / ours:.1f}×" for ours, theirs in pairs))


def measure(notebook: Notebook, page: Page, n: int, *, ours: bool) -> Measured:
    """All measurements of one widget."""
    paints, loads = [], []
    notebook.run_all(180)
    for _ in range(3):
        page.wait_for_timeout(1500)
        page.evaluate(RUN_LAST_CELL)
        page.wait_for_function(
            "(least) => marks.vertices.some((count) => count >= least)", arg=min(n, 6_000) // 2
        )
        paints.append(
            page.evaluate(
                "(least) => marks.draws[marks.vertices.findIndex((c) => c >= least)] - began",
                min(n, 6_000) // 2,
            )
        )
        page.wait_for_timeout(2000)
        loads.append(received(page))
    if ours:
        map_is_drawn(page)
        area = page.locator(".tw-overlay")
        page.evaluate(WATCH_OPACITY)
    else:
        page.wait_for_timeout(1500)
        page.evaluate(MARK_LARGEST_CANVAS)
        area = page.locator("canvas[data-plot]")
    area.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(1500)
    drawn, kernel, count, lasso_bytes = lassos(notebook, page, area, ours=ours)
    notebook.execute("explorer.clear()" if ours else "scatter.selection([])")
    page.wait_for_timeout(1500)
    toggles, toggle_bytes = toggled(notebook, page, ours=ours)
    wheels = wheeled(page, area)
    return Measured(
        statistics.median(paints),
        statistics.median(drawn),
        statistics.median(kernel),
        statistics.median(toggles),
        statistics.median(wheels),
        int(statistics.median(loads)),
        lasso_bytes,
        toggle_bytes,
        count,
    )


def received(page: Page) -> int:
    """Bytes received by websocket since the marks were cleared."""
    return int(page.evaluate("() => marks.bytes.reduce((sum, size) => sum + size, 0)"))


def clear(page: Page) -> None:
    page.evaluate("() => { for (const list of Object.values(marks)) list.length = 0 }")


def lassos(
    notebook: Notebook, page: Page, area: object, *, ours: bool
) -> tuple[list[float], list[float], int, int]:
    """Milliseconds until drawn and until Python's observer; rows selected; bytes received."""
    drawn, kernel, sizes, count = [], [], [], 0
    for _ in range(ROUNDS + 1):  # the first one warms up
        if ours:
            notebook.execute("explorer.clear()")
        notebook.execute("arrived.clear()")
        page.wait_for_timeout(600)
        box = area.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        points = [(middle[0] + dx, middle[1] + dy) for dx, dy in LASSO]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=6)
        page.wait_for_timeout(400)
        clear(page)
        page.mouse.up()
        until(lambda: notebook.python("len(arrived)"), 60, "the selection to arrive in Python")
        arrival, count = notebook.python("arrived[0]")
        up = page.evaluate("() => marks.up.at(-1)")
        shown = page.wait_for_function(
            "([ours, up, count]) => marks.draws.find((time, i) => ours"
            " ? time >= marks.shown[0] : time >= up && marks.vertices[i] === count)",
            arg=[ours, up, count],
        )
        drawn.append(shown.json_value() - up)
        kernel.append(arrival - up)
        page.wait_for_timeout(800)
        sizes.append(received(page))
        if not ours:  # a double click on an empty area clears jupyter-scatter's selection
            page.mouse.dblclick(box["x"] + 5, box["y"] + box["height"] - 5)
            page.wait_for_timeout(300)
    return drawn[1:], kernel[1:], count, int(statistics.median(sizes[1:]))


def toggled(notebook: Notebook, page: Page, *, ours: bool) -> tuple[list[float], int]:
    """Milliseconds from hiding one class to the draw, and bytes received."""
    times, sizes = [], []
    for _ in range(ROUNDS + 1):
        clear(page)
        if ours:
            began = page.evaluate(
                "() => { const began = now();"
                " document.querySelectorAll('.tw-legend li button')[2].click(); return began }"
            )
            shown = "(began) => marks.draws.find((t) => marks.shown.length && t >= marks.shown[0])"
        else:
            began = notebook.python("1000 * time.time()")
            notebook.execute("scatter.filter(others[2])")
            shown = "(began) => marks.draws.find((time) => time > began)"
        times.append(page.wait_for_function(shown, arg=began).json_value() - began)
        page.wait_for_timeout(900)
        sizes.append(received(page))
        if ours:
            page.locator(".tw-legend li button").nth(2).click()
        else:
            notebook.execute("scatter.filter(None)")
        page.wait_for_timeout(1500)
    return times[1:], int(statistics.median(sizes[1:]))


def wheeled(page: Page, area: object) -> list[float]:
    """Milliseconds from a wheel event to the end of the frame after the draw."""
    times = []
    area.evaluate("(node) => node.focus()")  # our map leaves the wheel to the page before
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate(
        "() => addEventListener('wheel', () => { const at = now();"
        " const count = marks.draws.length;"
        " const look = () => marks.draws.length > count"
        "  ? requestAnimationFrame(() => marks.up.push(now() - at)) : setTimeout(look, 1);"
        " look() }, { capture: true, passive: true })"
    )
    for step in range(ROUNDS + 1):
        clear(page)
        page.mouse.wheel(0, 100 if step % 2 else -100)  # in first: out ends at the whole map
        times.append(page.wait_for_function("() => marks.up[0]").json_value())
        page.wait_for_timeout(1500)
    return times[1:]


def live_frames(playwright: Playwright, lab: Lab, n: int) -> float:
    """Frames per second that the page draws while a map is computed."""
    browser = launch(playwright, arguments=())
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.add_init_script(CLOCK)
    notebook = Notebook.open(
        lab, page, f"live-{n}.ipynb", [DATA.format(n=n), OURS, LIVE.format(n=n)]
    )
    notebook.run_all(180)
    map_is_drawn(page)
    page.evaluate(WATCH_PLACES)
    until(lambda: page.evaluate("() => marks.shown.length > 2"), 120, "frames")
    clear(page)
    page.wait_for_timeout(1500 if n < 10_000 else 8000)
    rate = page.evaluate(
        "() => marks.shown.length < 2 ? 0"
        " : 1000 * (marks.shown.length - 1) / (marks.shown.at(-1) - marks.shown[0])"
    )
    notebook.execute("live.close()")
    notebook.close()
    browser.close()
    return float(rate)


if __name__ == "__main__":
    main(numbers(__doc__, SIZES))
