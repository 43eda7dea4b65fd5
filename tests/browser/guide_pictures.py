"""The pictures of the guides on comparing and on projectors, see screenshot.py."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser

from tests.browser.gestures import drag, pictures_are_drawn
from tests.browser.jupyter import Lab, Notebook, until
from tests.browser.panel_pictures import IMAGES, opened, save

# Two small networks trained on fewer and on more digits, and two projectors of one record.
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


def guides(browser: Browser, lab: Lab) -> None:
    """The pictures of the guides on comparing and on projectors."""
    for name, cell in (("compare", COMPARED), ("projectors", PROJECTED)):
        notebook = opened(browser, lab, f"{name}.ipynb", [DIGITS, cell])
        page = notebook.page
        if name == "compare":
            page.locator("button[data-change=introduced]").click()
        else:
            page.locator(".tw-maps select").select_option("PCA")
            until(_is(notebook, "explorer.state.map_name == 'PCA'"), 20, "the other map")
            drag(page, [(0.4, 0.4), (0.65, 0.4), (0.65, 0.65), (0.4, 0.65)])
        until(_is(notebook, "len(explorer.selected) > 0"), 20, "the selection")
        pictures_are_drawn(page, notebook.python("len(explorer.selected)"))
        save(notebook, IMAGES / f"{name}.webp")
        notebook.close()


def _is(notebook: Notebook, expression: str) -> Callable[[], bool]:
    return lambda: bool(notebook.python(expression))
