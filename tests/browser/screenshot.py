"""Make the repository's pictures from the running widget: `make screenshot`.

notebooks/screenshots/map-*.webp    7, 100 and 1,000 classes, in the light and the dark theme
docs/images/lasso.webp              a lasso, the mistakes, one class: animated
docs/images/compare.webp            two networks trained on the digits, and the introduced errors
docs/images/projectors.webp         a PCA of the digits
docs/images/groups.webp …           the panels Groups, Confusion, Diagnosis and Scores
docs/images/evidence.webp           the close look at a picture with its evidence

`python -m tests.browser.screenshot lasso` makes only the pictures whose name contains the word.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.gestures import SECONDS, drag, pictures_are_drawn
from tests.browser.guide_pictures import guides
from tests.browser.jupyter import Lab, Notebook, launch, until
from tests.browser.panel_pictures import IMAGES, close_look, opened, panels, save

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
AROUND_A_CLUSTER = [(0.3, 0.25), (0.62, 0.22), (0.6, 0.6), (0.45, 0.7), (0.32, 0.6)]

# Clusters like those of a classifier with this many classes, and pictures in their colours.
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


# Duration of a frame of the animation, milliseconds, and its width, pixels.
DRAWING, LOOKING = 90, 2200
ANIMATION_WIDTH = 1000


def main(wanted: str = "") -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")))
    quickstart = NOTEBOOKS / "quickstart.ipynb"
    pictures = {}
    for classes in (7, 100, 1000):
        for theme in ("Light", "Dark"):
            target = NOTEBOOKS / "screenshots" / f"map-{classes}-{theme.lower()}.webp"
            pictures[target] = ([MANY_CLASSES.format(classes=classes)], theme)
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for target, (cells, theme) in pictures.items():
                if wanted in target.stem:
                    picture(browser, lab, cells, target, theme)
            if wanted in "lasso":
                animation(browser, lab, quickstart, IMAGES / "lasso.webp")
            for part in (guides, panels, close_look):
                if wanted in part.__name__:
                    part(browser, lab)
            browser.close()
    finally:
        lab.close()


def picture(browser: Browser, lab: Lab, cells: list[str], target: Path, theme: str) -> None:
    """The widget with a selection, as it looks in a window 1,400 pixels wide."""
    notebook = opened(browser, lab, f"{target.stem}.ipynb", cells, theme)
    page = notebook.page
    drag(page, AROUND_A_CLUSTER)
    until(lambda: notebook.python("len(explorer.selected)"), 20, "the selection")
    pictures_are_drawn(page, notebook.python("len(explorer.selected)"))
    save(notebook, target)
    notebook.close()


def animation(browser: Browser, lab: Lab, cells: Path, target: Path) -> None:
    """A lasso and its pictures, the mistakes, and one class alone."""
    notebook = opened(browser, lab, "animation.ipynb", cells)
    page = notebook.page
    notebook.execute("explorer.clear()")
    until(lambda: notebook.python("len(explorer.selected)") == 0, 20, "nothing selected")
    until(lambda: notebook.python("explorer.state.measured"), 60, "the measured pictures")
    expect(page.locator(".tw-busy").first).to_be_hidden(timeout=60 * SECONDS)
    frames = [(frame(page), LOOKING // 2)]
    box = page.locator(".tw-overlay").first.bounding_box()
    corners = [
        (box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in AROUND_A_CLUSTER
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        for share in np.linspace(0.25, 1, 4):
            page.mouse.move(*(np.array(start) + share * np.subtract(end, start)).tolist())
            frames.append((frame(page), DRAWING))
    page.mouse.up()
    frames.append((frame(settled(notebook)), LOOKING))
    page.locator(".tw-wrong-count").click()
    wrong = notebook.python("int(explorer.feature_set.misclassified.sum())")
    until(lambda: notebook.python("len(explorer.selected)") == wrong, 20, "the mistakes")
    frames.append((frame(settled(notebook)), LOOKING))
    page.locator(".tw-legend li button").nth(8).dblclick()
    until(lambda: notebook.python("explorer.visible_classes") == ["8"], 20, "one class")
    frames.append((frame(settled(notebook)), LOOKING))
    first, *others = [picture for picture, _ in frames]
    times = [milliseconds for _, milliseconds in frames]
    target.parent.mkdir(parents=True, exist_ok=True)
    first.save(
        target,
        save_all=True,
        append_images=others,
        duration=times,
        loop=0,
        quality=70,
        method=6,
        minimize_size=True,  # store only the changes of each frame
    )
    print(f"wrote {target}: {target.stat().st_size:,} bytes, {len(frames)} frames")
    notebook.close()


def settled(notebook: Notebook) -> Page:
    """The page, once it shows the pictures of the selection."""
    pictures_are_drawn(notebook.page, notebook.python("len(explorer.selected)"))
    notebook.page.mouse.move(5, 5)
    return notebook.page


def frame(page: Page) -> Image.Image:
    taken = Image.open(BytesIO(page.locator(".tsne-widget").first.screenshot()))
    height = round(taken.height * ANIMATION_WIDTH / taken.width)
    return taken.convert("RGB").resize((ANIMATION_WIDTH, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(*sys.argv[1:2])
