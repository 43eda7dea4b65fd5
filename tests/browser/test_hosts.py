"""What VS Code, Colab and sandboxed frames do differently from JupyterLab."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.browser.gestures import SECONDS
from tests.browser.jupyter import until
from tests.browser.test_map_failure import page_state
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.frontend.assets import bundle

pytestmark = pytest.mark.browser

# Style variables of the two in a dark theme; both also define JupyterLab's, with a light ground.
HOSTS = {
    "vscode": "--vscode-editor-background: #1f1f1f; --vscode-editor-foreground: #ccc",
    "colab": "--colab-primary-surface-color: #1e1e1e; --colab-primary-text-color: #e3e3e3;"
    " --jp-ui-font-color1: #e3e3e3",
}
_TALL = """allow="fullscreen 'none'" style="width: 1250px; height: 5000px" """
_STYLE = """
:root {{ --jp-layout-color0: white; --jp-ui-font-color1: #212121; {variables} }}
.cell-output-ipywidget-background {{ background: white !important; }}
"""
_SHOW = """async ([script, style, state]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  for (const [name, value] of Object.entries(state)) {
    if (value?.bytes) state[name] = new DataView(Uint8Array.from(value.bytes).buffer);
  }
  const model = { get: (name) => state[name], set() {}, on() {}, off() {}, send() {} };
  document.head.appendChild(document.createElement("style")).textContent = style;
  const cell = document.body.appendChild(document.createElement("div"));
  cell.className = "cell-output-ipywidget-background";
  widget.render({ model, el: cell.appendChild(document.createElement("div")) });
}"""


def framed(page: Page, source: str, attributes: str) -> Frame:
    """A frame of a page that shows this HTML."""
    page.set_content(f"<iframe {attributes}></iframe>")
    frame = page.locator("iframe").evaluate_handle(
        "(frame, source) => new Promise((resolve) => {"
        " frame.onload = () => resolve(frame); frame.srcdoc = source; })",
        source,
    )
    found = frame.as_element().content_frame()  # type: ignore[union-attr]
    assert found is not None
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_in_a_dark_frame_that_grows_the_widget_is_dark_and_of_moderate_height(
    browser: Browser, host
):
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    frame = framed(page, "<p>", _TALL)
    style = _STYLE.format(variables=HOSTS[host])
    frame.evaluate(_SHOW, [bundle("widget.js"), style + bundle("widget.css"), page_state()])
    widget = frame.locator(".tsne-widget")
    until(lambda: widget.get_attribute("data-theme") == "dark", 20, "the dark theme")
    ground, text, around = widget.evaluate(
        "(el) => [getComputedStyle(el).backgroundColor, getComputedStyle(el).color,"
        " getComputedStyle(el.parentElement).backgroundColor]"
    )
    assert ground in ("rgb(31, 31, 31)", "rgb(30, 30, 30)")
    assert text in ("rgb(204, 204, 204)", "rgb(227, 227, 227)")
    assert around == "rgba(0, 0, 0, 0)"
    height = frame.locator(".tw-body").evaluate("(el) => el.offsetHeight")
    assert 440 <= height <= 700  # half the width at most, however high the frame
    assert frame.locator(".tw-window").first.is_hidden()  # it may not fill the screen
    page.close()


def test_the_page_as_text_works_in_a_sandboxed_frame(browser: Browser):
    n = 60
    record = FeatureSet.from_arrays(np.eye(n), np.arange(n) % 3, logits=9 * np.eye(n)[:, :3])
    xy = np.random.default_rng(0).normal(size=(n, 2))
    images = np.zeros((n, 8, 8), dtype="u1")
    with EmbeddingExplorer(record, embedding=xy, images=images) as explorer:
        explorer.select(range(5))
        source = explorer.to_html(progress=False)
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    frame = framed(page, source, 'sandbox="allow-scripts" style="width: 1250px; height: 800px"')
    frame.wait_for_function(
        "() => document.querySelector('.tw-scatter .tw-waiting')?.hidden", timeout=20 * SECONDS
    )
    frame.locator(".tw-gallery figure img").nth(4).wait_for(timeout=20 * SECONDS)
    first = frame.locator(".tw-legend li button").first
    first.click()
    until(lambda: first.get_attribute("aria-pressed") == "false", 20, "the class to go")
    assert not errors
    page.close()
