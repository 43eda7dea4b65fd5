"""Make the repository's pictures from the running widget: `make screenshot`.

notebooks/explorer.png              the quickstart, with a cluster selected
notebooks/screenshots/map-*.png     7, 100 and 1,000 classes, in the light and the dark theme
docs/images/compare.png             two networks of different skill on the digits, what was fixed
docs/images/projectors.png          the drop-down of maps
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.gestures import drag, map_is_drawn, pictures_are_drawn
from tests.browser.guide_pictures import guides
from tests.browser.jupyter import Lab, Notebook, launch, until

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
AROUND_A_CLUSTER = [(0.3, 0.25), (0.62, 0.22), (0.6, 0.6), (0.45, 0.7), (0.32, 0.6)]

# Clusters as a classifier of so many classes makes them, and pictures in their colours.
MANY_CLASSES = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
classes, n = {classes}, 5000
labels = rng.integers(0, classes, n)
centres = rng.normal(size=(classes, 2)) * 9
xy = centres[labels] + rng.normal(size=(n, 2)) * 4 / classes**0.35
logits = rng.normal(size=(n, classes)) * 1.2
logits[np.arange(n), labels] += 5
tint = rng.integers(0, 200, (classes, 1, 1, 3))
images = (tint[labels] + rng.integers(0, 56, (n, 24, 32, 3))).astype("uint8")
record = FeatureSet.from_arrays(
    rng.normal(size=(n, 8)) + labels[:, None], labels, logits=logits,
    class_names=[f"class {{i:03d}}" for i in range(classes)])
explorer = EmbeddingExplorer(record, embedding=xy, images=images)
explorer
"""


def main() -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")))
    (NOTEBOOKS / "screenshots").mkdir(exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            picture(browser, lab, NOTEBOOKS / "quickstart.ipynb", NOTEBOOKS / "explorer.png", 1.5)
            for classes in (7, 100, 1000):
                for theme in ("Light", "Dark"):
                    target = NOTEBOOKS / "screenshots" / f"map-{classes}-{theme.lower()}.png"
                    cells = [MANY_CLASSES.format(classes=classes)]
                    picture(browser, lab, cells, target, 1, theme)
            guides(browser, lab)
            browser.close()
    finally:
        lab.close()


def picture(
    browser: Browser,
    lab: Lab,
    cells: list[str] | Path,
    target: Path,
    scale: float,
    theme: str = "Light",
) -> None:
    """The widget with a selection, as it looks in a window 1,400 pixels wide."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000}, device_scale_factor=scale)
    notebook = Notebook.open(lab, page, f"{target.stem}.ipynb", cells)
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        f"JupyterLab {theme}",
    )
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    notebook.run_all()
    map_is_drawn(page)
    notebook.execute("explorer.wait()")
    page.locator(".tw-tools [data-action=labels]").click()
    drag(page, AROUND_A_CLUSTER)
    until(lambda: notebook.python("len(explorer.selected)"), 20, "the selection")
    pictures_are_drawn(page, notebook.python("len(explorer.selected)"))
    page.mouse.move(5, 5)
    page.locator(".tsne-widget").first.screenshot(path=target)
    print(f"wrote {target}")
    notebook.close()


if __name__ == "__main__":
    main()
