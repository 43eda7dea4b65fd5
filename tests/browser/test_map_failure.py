"""A map whose figure cannot be loaded, as in a notebook converted to HTML by nbconvert."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browser.gestures import SECONDS
from tests.widgets.page import Page as KernelPage
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.frontend.assets import bundle

pytestmark = pytest.mark.browser

_SHOW = """async ([script, style, state]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  for (const [name, value] of Object.entries(state)) {
    if (value?.bytes) state[name] = new DataView(Uint8Array.from(value.bytes).buffer);
  }
  const model = {
    get: (name) => state[name], set() {}, on() {}, off() {}, send() {},
    widget_manager: { get_model: () => Promise.reject(new Error("no bqplot-gl here")) },
  };
  document.head.appendChild(document.createElement("style")).textContent = style;
  const el = document.body.appendChild(document.createElement("div"));
  window.onunhandledrejection = (event) => event.preventDefault();
  widget.render({ model, el });
}"""


def page_state(*, is_asked_for_points: bool = False) -> dict[str, object]:
    """Traits of an explorer as the page has them, bytes as lists."""
    record = FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
    with EmbeddingExplorer(record, embedding=np.eye(4)[:, :2]) as explorer:
        if is_asked_for_points:
            KernelPage(explorer).send("map", "no_figure")
        state = {name: value for name, value in explorer.get_state().items() if "." in name}
    return {
        name: {"bytes": list(value)} if isinstance(value, bytes) else value
        for name, value in state.items()
    }


def test_points_that_the_kernel_has_sent_are_drawn_without_a_figure(browser: Browser):
    page = browser.new_page()
    state = page_state(is_asked_for_points=True)
    assert state["map.figure"] is None
    page.evaluate(_SHOW, [bundle("widget.js"), bundle("widget.css"), state])
    page.wait_for_function(
        "() => document.querySelector('.tw-scatter').bqplotFigure", timeout=20 * SECONDS
    )
    page.close()


def test_unrendered_explorer_names_the_remedy_and_a_page_without_a_kernel(browser: Browser):
    page = browser.new_page()
    page.evaluate(_SHOW, [bundle("widget.js"), bundle("widget.css"), page_state()])
    page.wait_for_function(
        "() => /save_html/.test(document.querySelector('.tw-waiting').textContent)",
        timeout=20 * SECONDS,
    )
    page.close()
