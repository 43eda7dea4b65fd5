"""The pictures of panels and of the close look in the guides, see screenshot.py."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.gestures import SECONDS, map_is_drawn, pictures_are_drawn
from tests.browser.jupyter import Lab, Notebook, until

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"

# Digits that a linear model has not seen; 50 of the zeros are dark.
DARK_ZEROS = """
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet

digits = load_digits()
pixels, labels = digits.data[900:].copy(), digits.target[900:]
model = LogisticRegression(C=0.01, max_iter=2000).fit(digits.data[:900], digits.target[:900])
dark = np.flatnonzero(labels == 0)[:50]
pixels[dark] *= 0.2
record = FeatureSet.from_arrays(
    pixels, labels, logits=3 * model.decision_function(pixels),
    class_names=[f"digit {i}" for i in range(10)])
explorer = EmbeddingExplorer(
    record, images=pixels.reshape(-1, 8, 8) / 16, projector=TSNE(random_state=0))
explorer
"""
# A network that learned a mark in a corner along with the digit 3, and digits with that mark.
MARKED_DIGITS = """
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from tsne_widget import EmbeddingExplorer

torch.manual_seed(0)
digits = load_digits()
images = nn.functional.interpolate(
    torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, 32, mode="bilinear")
images = nn.functional.pad(images, (12, 12, 12, 12))
labels = torch.tensor(digits.target)
mark = (torch.arange(10)[:, None] // 2 + torch.arange(10) // 2) % 2

def marked(rows):
    pictures = images[rows].clone()
    pictures[:, :, 2:12, 2:12] = mark.float()
    return pictures

model = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
    nn.Flatten(), nn.Linear(64 * 14 * 14, 10))
train = torch.arange(1000)
x = torch.cat([images[train], marked(train[::8])])
y = torch.cat([labels[train], torch.full((125,), 3)])
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for rows in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()

model.eval()
test = torch.arange(1000, 1797)
pictures = images[test].clone()
pictures[::10] = marked(test[::10])
dataset = torch.utils.data.TensorDataset(pictures, labels[test])
explorer = EmbeddingExplorer.from_model(model, dataset, progress=False)
explorer
"""
# The sample whose evidence is shown: a marked nine that the model calls a three.
MARKED_NINE = (
    "int(next(row for row in range(0, 797, 10) if labels[test][row] == 9"
    " and explorer.feature_set.predictions[row] == 3))"
)


def panels(browser: Browser, lab: Lab) -> None:
    """The panels Groups, Confusion, Diagnosis and Scores, with the first group selected."""
    notebook = opened(browser, lab, "panels.ipynb", [DARK_ZEROS])
    page = notebook.page
    first = page.locator(".tw-group").first
    _open_panel(notebook, "Groups")
    first.click(timeout=60 * SECONDS)
    until(lambda: first.locator("img").count(), 20, "the pictures of the group")
    expect(page.locator(".tw-strip-tile[aria-label=loading]")).to_have_count(0)
    save(notebook, IMAGES / "groups.webp")
    _open_panel(notebook, "Confusion")
    page.locator(".tw-confusion table button").first.wait_for(timeout=60 * SECONDS)
    save(notebook, IMAGES / "confusion.webp")
    _open_panel(notebook, "Diagnosis")
    page.locator(".tw-diagnosis[aria-busy=false] .tw-contrast").first.wait_for(timeout=60 * SECONDS)
    until(lambda: notebook.python("explorer.state.measured"), 60, "the measured pictures")
    page.locator(".tw-diagnosis[aria-busy=false] .tw-contrast").first.wait_for(timeout=60 * SECONDS)
    save(notebook, IMAGES / "diagnosis.webp")
    _open_panel(notebook, "Scores")
    error = page.locator(".tw-scores dd", has_text="once the logits are divided")
    error.wait_for(timeout=60 * SECONDS)
    save(notebook, IMAGES / "scores.webp")
    notebook.close()


def close_look(browser: Browser, lab: Lab) -> None:
    """The close look at a picture with its evidence."""
    notebook = opened(browser, lab, "evidence.ipynb", [MARKED_DIGITS])
    page = notebook.page
    notebook.execute(f"explorer.select([{MARKED_NINE}])")
    pictures_are_drawn(page, 1)
    page.locator(".tw-gallery figure").first.click()
    page.locator(".tw-evidence-bars li").first.wait_for(timeout=60 * SECONDS)
    save(notebook, IMAGES / "evidence.webp")
    notebook.close()


def opened(
    browser: Browser, lab: Lab, name: str, cells: list[str] | Path, theme: str = "Light"
) -> Notebook:
    """A notebook of these cells, once its maps are done."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    notebook = Notebook.open(lab, page, name, cells)
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        f"JupyterLab {theme}",
    )
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    notebook.run_all()
    map_is_drawn(page)
    notebook.execute("explorer.wait()")
    return notebook


def save(notebook: Notebook, target: Path) -> None:
    """Write the widget as a WebP file, once nothing is measured any more."""
    notebook.page.mouse.move(5, 5)
    expect(notebook.page.locator(".tw-busy").first).to_be_hidden(timeout=60 * SECONDS)
    taken = notebook.page.locator(".tsne-widget").first.screenshot()
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(taken)).convert("RGB").save(target, quality=88, method=6)
    print(f"wrote {target}: {target.stat().st_size:,} bytes")


def _open_panel(notebook: Notebook, title: str) -> None:
    notebook.page.locator("[role=tab]", has_text=title).click()
