"""From mouse-up to the highlighted selection, in a real JupyterLab, beside jupyter-scatter.

    python -m benchmarks.view [points …]        (default 3589)

A lasso of the same shape is dragged with the mouse over the same points in both widgets. Two
times are taken from the mouse-up event, on the clock of the same machine:

drawn    the first WebGL draw call that shows the selection. For this package that is the first
         one after the points' new opacity has arrived; for jupyter-scatter, which draws selected
         points once more over the others, the first one of as many points as are selected.
kernel   the moment when Python's observer of the selection is called.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.gestures import map_is_drawn
from tests.browser.jupyter import Lab, Notebook, launch, until

ROUNDS = 11
# Corners of the lasso, in pixels from the middle of the plot: the same size in both widgets.
LASSO = [(-150, -60), (0, -140), (150, -60), (130, 90), (0, 140), (-130, 80)]

# Records when WebGL draws and when the mouse goes up, in milliseconds since the epoch.
CLOCK = """
window.marks = { up: [], draws: [], vertices: [], shown: [] };
const now = () => performance.timeOrigin + performance.now();
const up = (e) => marks.up.push(performance.timeOrigin + e.timeStamp);
addEventListener("pointerup", up, true);
function spy(target, names) {
  for (const name of names) {
    const original = target[name];
    target[name] = function (...args) {
      marks.draws.push(now());
      marks.vertices.push(name.includes("Elements") ? args[1] : args[2]);
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
"""

WATCH_OPACITY = """async () => {
  const figure = document.querySelector(".tw-scatter").bqplotFigure;
  const [mark] = await Promise.all(figure.mark_views.views);
  const now = () => performance.timeOrigin + performance.now();
  mark.model.on("change:opacity", () => marks.shown.push(now()));
}"""

MARK_LARGEST_CANVAS = """() => {
  const area = (canvas) => canvas.clientWidth * canvas.clientHeight;
  const all = [...document.querySelectorAll(".jp-OutputArea canvas")];
  all.sort((a, b) => area(b) - area(a))[0].dataset.plot = "";
}"""

DATA = """
import time
import numpy as np
rng = np.random.default_rng(0)
n = {n}
labels = rng.integers(0, 7, n)
angle = 2 * np.pi * labels / 7
xy = np.stack([np.cos(angle), np.sin(angle)], 1) * 6 + rng.normal(size=(n, 2)) * 2
xy = xy.astype("f4")
arrived = []
def arrive(change):
    if len(change.new):
        arrived.append((1000 * time.time(), len(change.new)))
"""
OURS = """
from tsne_widget import EmbeddingExplorer, FeatureSet
explorer = EmbeddingExplorer(FeatureSet.from_arrays(np.ones((n, 2)), labels), embedding=xy)
explorer.observe(arrive)
explorer
"""
PEER = """
import pandas as pd, jscatter
frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "label": pd.Categorical(labels)})
scatter = jscatter.Scatter(data=frame, x="x", y="y", color_by="label", height=460)
scatter.mouse(mode="lasso")
scatter.widget.observe(arrive, "selection")
scatter.show()
"""


def main(sizes: list[int]) -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")))
    print(f"mouse-up to selection, milliseconds, median (min–max) of {ROUNDS}; software WebGL")
    print(f"{'points':>9}  {'':16}{'drawn':>22}{'kernel':>22}{'selected':>10}")
    try:
        with sync_playwright() as playwright:
            for n in sizes:
                medians = {}
                for name, cell in (("tsne_widget", OURS), ("jupyter-scatter", PEER)):
                    browser = launch(playwright)
                    page = browser.new_page(viewport={"width": 1400, "height": 1000})
                    page.add_init_script(CLOCK)
                    cells = [DATA.format(n=n), cell]
                    notebook = Notebook.open(lab, page, f"{name}-{n}.ipynb", cells)
                    notebook.run_all()
                    drawn, kernel, count = measure(notebook, page, ours=name == "tsne_widget")
                    medians[name] = statistics.median(drawn), statistics.median(kernel)
                    print(f"{n:>9}  {name:16}{spread(drawn):>22}{spread(kernel):>22}{count:>10}")
                    notebook.close()
                    browser.close()
                ours, peer = medians["tsne_widget"], medians["jupyter-scatter"]
                ratios = [f"{b / a:.1f}×" for a, b in zip(ours, peer, strict=True)]
                print(f"{n:>9}  {'peer / ours':16}{ratios[0]:>22}{ratios[1]:>22}", flush=True)
    finally:
        lab.close()


def measure(notebook: Notebook, page: Page, *, ours: bool) -> tuple[list[float], list[float], int]:
    """(drawn, kernel) milliseconds of each round, and the number of points selected."""
    if ours:
        map_is_drawn(page)
        area = page.locator(".tw-overlay")
        page.evaluate(WATCH_OPACITY)
    else:
        page.wait_for_selector(".jp-OutputArea canvas", timeout=60_000)
        page.wait_for_timeout(1500)
        page.evaluate(MARK_LARGEST_CANVAS)
        area = page.locator("canvas[data-plot]")
    area.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(1500)
    drawn, kernel, count = [], [], 0
    for _ in range(ROUNDS + 1):  # the first one warms up
        if ours:
            notebook.execute("explorer.clear()")
        notebook.execute("arrived.clear()")
        page.wait_for_timeout(400)
        box = area.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        points = [(middle[0] + dx, middle[1] + dy) for dx, dy in LASSO]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=6)
        page.wait_for_timeout(250)
        page.evaluate("() => { for (const list of Object.values(marks)) list.length = 0 }")
        page.mouse.up()
        until(lambda: notebook.python("len(arrived)"), 20, "the selection to arrive in Python")
        arrival, count = notebook.python("arrived[0]")
        up = page.evaluate("() => marks.up.at(-1)")
        shown = page.wait_for_function(
            "([ours, up, count]) => marks.draws.find((time, i) => ours"
            " ? time >= marks.shown[0] : time >= up && marks.vertices[i] === count)",
            arg=[ours, up, count],
        )
        drawn.append(shown.json_value() - up)
        kernel.append(arrival - up)
        if not ours:  # a double click on empty ground clears jupyter-scatter's selection
            page.mouse.dblclick(box["x"] + 5, box["y"] + box["height"] - 5)
            page.wait_for_timeout(300)
    return drawn[1:], kernel[1:], count


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [3589])
