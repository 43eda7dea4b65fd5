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
from tests.browser.jupyter import Lab, Notebook, launch, until

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
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

# Two small networks that saw fewer and more of the digits, and two projectors of one record.
DIGITS = """
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet, compare

digits = load_digits()
pixels, labels = digits.data / 16, digits.target

def trained(samples):
    net = MLPClassifier((64,), max_iter=60, tol=0, n_iter_no_change=100, random_state=0)
    with np.errstate(all="ignore"):
        import warnings; warnings.simplefilter("ignore")
        net.fit(pixels[:samples], labels[:samples])
    hidden = np.maximum(pixels @ net.coefs_[0] + net.intercepts_[0], 0)
    logits = hidden @ net.coefs_[1] + net.intercepts_[1]
    return FeatureSet.from_arrays(hidden, labels, logits=logits, predictions=logits.argmax(1),
                                  class_names=[f"digit {i}" for i in range(10)])
"""
COMPARED = """
sets = {"60 samples": trained(60), "600 samples": trained(600)}
explorer = compare(sets, images=digits.images / 16)
explorer
"""
PROJECTED = """
explorer = EmbeddingExplorer(
    trained(600), images=digits.images / 16,
    projector={"t-SNE": TSNE(random_state=0), "PCA": PCA(n_components=2)})
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


def guides(browser: Browser, lab: Lab) -> None:
    """The pictures of the guides on comparing and on projectors."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, cell in (("compare", COMPARED), ("projectors", PROJECTED)):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        notebook = Notebook.open(lab, page, f"{name}.ipynb", [DIGITS, cell])
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        notebook.run_all()
        map_is_drawn(page)
        notebook.execute("explorer.wait()")
        if name == "compare":
            page.locator("button[data-change=fixed]").click()
        else:
            page.locator(".tw-maps select").select_option("PCA")
            until(lambda: notebook.python("explorer.state.map_name") == "PCA", 20, "the other map")  # noqa: B023
            drag(page, [(0.4, 0.4), (0.65, 0.4), (0.65, 0.65), (0.4, 0.65)])
        until(lambda: notebook.python("len(explorer.selected)"), 20, "the selection")  # noqa: B023
        pictures_are_drawn(page, notebook.python("len(explorer.selected)"))
        page.mouse.move(5, 5)
        page.locator(".tsne-widget").first.screenshot(path=IMAGES / f"{name}.png")
        print(f"wrote {IMAGES / name}.png")
        notebook.close()


if __name__ == "__main__":
    main()
