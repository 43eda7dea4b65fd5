"""Time from a gesture to its result, in JupyterLab and Chromium with software WebGL.

    python -m benchmarks.explore [points …] [--record]        (default 3589 70000)

Median, minimum and maximum of nine rounds, in milliseconds:

lasso → tiles            from mouse-up until every visible tile has decoded its image; 64 × 64
                         images, from an array and from PNG files
confusion → selection    from a click on a cell of the confusion matrix until Python has the
                         selection
neighbours               of one sample among n × 512 features, after the first query; compared
                         with scikit-learn's NearestNeighbors(algorithm="brute")
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from sklearn.neighbors import NearestNeighbors

from benchmarks.cells import LASSO, RECORD
from benchmarks.report import VERSIONS, Table, numbers
from tests.browser.gestures import drag, map_is_drawn
from tests.browser.jupyter import Lab, Notebook, launch, until
from tsne_widget.analysis import NeighborIndex

SIZES = [3_589, 70_000]
ROUNDS = 9
GESTURES = Table(
    "explore-gestures",
    "points | images | lasso → tiles, ms | confusion cell → selection, ms",
    ["jupyterlab"],
)
NEIGHBOURS = Table(
    "explore-neighbours", "rows × columns | ours, ms | scikit-learn, ms", ["scikit-learn"]
)

CELL = (
    RECORD
    + """
from pathlib import Path
pictures = rng.integers(0, 256, (min(n, 4000), 64, 64, 3), dtype="u1")
if {files}:
    folder = Path("pictures-{n}")
    folder.mkdir(exist_ok=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{{i}}.png")
    images = [str(folder / f"{{i % len(pictures)}}.png") for i in range(n)]
else:
    images = np.broadcast_to(pictures[0], (n, 64, 64, 3)) if n > len(pictures) else pictures
explorer = EmbeddingExplorer(record, embedding=xy, images=images)
arrived = []
explorer.observe(lambda change: arrived.append(1000 * time.time()), "selected")
explorer
"""
)
CLOCK = """
window.now = () => performance.timeOrigin + performance.now();
addEventListener("pointerup", (e) => window.up = performance.timeOrigin + e.timeStamp, true);
addEventListener("click", (e) => window.clicked = performance.timeOrigin + e.timeStamp, true);
"""
# The first frame of another order in which every visible tile has its image.
WATCH_TILES = """() => {
  window.seen = undefined;
  const sheet = document.querySelector(".tw-gallery .tw-pictures");
  const before = sheet.dataset.epoch;
  const look = () => {
    const tiles = [...document.querySelectorAll(".tw-gallery figure")];
    const isNew = sheet.dataset.epoch !== before && tiles.length;
    const ready = isNew && tiles.every((tile) => tile.querySelector("img")?.naturalWidth);
    if (ready) window.seen = now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def main(sizes: list[int]) -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")))
    try:
        with sync_playwright() as playwright, GESTURES as row:
            for n in sizes:
                for files in (False, True):
                    browser = launch(playwright, arguments=())
                    VERSIONS["Chromium"] = browser.version
                    page = browser.new_page(viewport={"width": 1400, "height": 1200})
                    page.add_init_script(CLOCK)
                    name = f"explore-{n}-{files}.ipynb"
                    notebook = Notebook.open(lab, page, name, [CELL.format(n=n, files=files)])
                    notebook.run_all(180)
                    map_is_drawn(page)
                    tiles = spread([lasso_to_tiles(notebook, page) for _ in range(ROUNDS)])
                    cells = spread(confusion_clicks(notebook, page))
                    row(f"{n:,}", "files" if files else "array", tiles, cells)
                    notebook.close()
                    browser.close()
    finally:
        lab.close()
    with NEIGHBOURS as row:
        for n in sizes:
            row(f"{n:,} × 512", *neighbors(n))


def lasso_to_tiles(notebook: Notebook, page: Page) -> float:
    """Milliseconds from mouse-up to the last visible image."""
    notebook.execute("explorer.clear()")
    page.locator(".tw-gallery [data-source=visible][aria-pressed=true]").wait_for()
    page.wait_for_timeout(500)
    page.evaluate(WATCH_TILES)
    drag(page, LASSO)
    seen = page.wait_for_function("() => window.seen").json_value()
    return float(seen) - float(page.evaluate("() => window.up"))


def confusion_clicks(notebook: Notebook, page: Page) -> list[float]:
    """Milliseconds from a click on a cell to the observer of the selection in Python."""
    page.get_by_role("tab", name="Confusion").click()
    matrix = page.locator(".tw-matrix")
    matrix.scroll_into_view_if_needed()
    times = []
    for step in range(ROUNDS):
        page.wait_for_timeout(500)
        notebook.execute("explorer.clear(); arrived.clear()")
        page.wait_for_timeout(500)
        column, line = step % 7, (3 * step + 1) % 7
        matrix.locator(f"[data-place='{line} {column}']").click()
        until(lambda: notebook.python("len(arrived)"), 20, "the cell's rows")
        times.append(notebook.python("arrived[0]") - page.evaluate("() => window.clicked"))
    return times


def neighbors(n: int) -> tuple[str, str]:
    """Milliseconds of our search and of scikit-learn's, for one sample among n × 512."""
    features = np.random.default_rng(0).normal(size=(n, 512)).astype(np.float32)
    index = NeighborIndex(features)
    peer = NearestNeighbors(n_neighbors=13, algorithm="brute").fit(features)
    times: list[list[float]] = [[], []]
    for row in range(1, 16):
        for engine, ask in enumerate((
            lambda row=row: index.nearest_to(row, 12),
            lambda row=row: peer.kneighbors(features[row : row + 1]),
        )):  # fmt: skip
            began = time.perf_counter()
            ask()
            times[engine].append(1000 * (time.perf_counter() - began))
    return spread(times[0][1:]), spread(times[1][1:])


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"


if __name__ == "__main__":
    main(numbers(__doc__, SIZES))
