"""Size of a map saved as one HTML file, and time to write, open and use it.

    python -m benchmarks.share [rows …] [--record]        (default 3589 20000)

Images are CIFAR-10's, or scikit-learn's digits if ../shared/data is absent, resized to 48 × 48 so
that they are stored as JPEG.

write    seconds of save_html(), including thumbnails
open     seconds from opening the file until the map is drawn and every visible tile has its image;
         minimum of three
lasso    milliseconds from mouse-up until the selection is drawn; median of nine
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_digits

from benchmarks import real_data
from benchmarks.cells import LASSO
from benchmarks.report import VERSIONS, Table, numbers
from tests.browser.gestures import drag
from tests.browser.jupyter import launch
from tsne_widget import FeatureSet, save_html

SIZES = [3_589, 20_000]
SIDE = 48
FILES = Table("share-files", "rows | MB | bytes per row | write, s | open, s | lasso, ms")
_READY = """() => document.querySelector('.tw-scatter .tw-waiting')?.hidden
  && [...document.querySelectorAll('.tw-gallery figure')].length > 0
  && [...document.querySelectorAll('.tw-gallery figure')].every(
    (tile) => tile.querySelector('img')?.naturalWidth)"""
# Time from mouse-up to the end of the frame that shows the selection.
_WATCH = """() => { window.lasso = new Promise((resolve) => {
  document.querySelector('.tw-overlay').addEventListener('pointerup', () => {
    const start = performance.now();
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
  }, { once: true, capture: true }) }) }"""


def pictures(n: int) -> np.ndarray:
    """(n, 48, 48) or (n, 48, 48, 3) uint8, repeated if there are fewer than n images."""
    small = (load_digits().images * 15.9).astype("u1")
    if real_data.IS_THERE:
        small = real_data.cifar()[0]
    sides = (SIDE, SIDE)
    few = [
        np.asarray(Image.fromarray(one).resize(sides, Image.Resampling.BICUBIC))
        for one in small[:n]
    ]
    return np.array(few)[np.arange(n) % len(few)]


def record(n: int) -> tuple[FeatureSet, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, n)
    angle = 2 * np.pi * labels / 10
    xy = np.stack([np.cos(angle), np.sin(angle)], 1) * 6 + rng.normal(size=(n, 2)) * 2
    logits = rng.normal(size=(n, 10)) + 3 * np.eye(10)[labels]
    paths = [f"test/{row:05d}.png" for row in range(n)]
    return FeatureSet.from_arrays(rng.normal(size=(n, 8)), labels, logits=logits, paths=paths), xy


def opened(page: Page, file: Path) -> float:
    start = time.perf_counter()
    page.goto(file.as_uri())
    page.wait_for_function(_READY, timeout=60_000)
    return time.perf_counter() - start


def lasso(page: Page) -> float:
    page.evaluate(_WATCH)
    drag(page, LASSO)
    return float(page.evaluate("() => window.lasso"))


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, FILES as row:
        browser = launch(playwright)
        VERSIONS["Chromium"] = browser.version
        for n in sizes:
            features, xy = record(n)
            images, file = pictures(n), Path(folder) / f"{n}.html"
            start = time.perf_counter()
            save_html(features, xy, file, images=images, max_rows=n, progress=False)
            written = time.perf_counter() - start
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            best = min(opened(page, file) for _ in range(3))
            drawn = statistics.median(lasso(page) for _ in range(9))
            size = file.stat().st_size
            cells = [f"{n:,}", f"{size / 1e6:.1f}", f"{size / n:,.0f}", f"{written:.1f}"]
            row(*cells, f"{best:.2f}", f"{drawn:.0f}")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(numbers(__doc__, SIZES))
