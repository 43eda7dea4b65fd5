"""A map whose figure cannot be loaded, as in a notebook that nbconvert has made HTML of."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.gestures import SECONDS
from tsne_widget.widgets.views.map.view import ScatterView

pytestmark = pytest.mark.browser

_SHOW = """async (source) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: view } = await import(url);
  const values = {
    figure: "IPY_MODEL_1", places: null, texels: null, texture: [], waiting: "", budget: 0,
    codes: null, names: ["cat"],
    wrong: null, visible: null, selected: new DataView(new ArrayBuffer(0)), viewport: [],
    color_by: "label", color_choices: [], key: { entries: [] }, hovered: -1, links: null,
    show_labels: false, epoch: 0, unknown: 0,
  };
  const model = {
    get: (name) => values[name], set() {}, save_changes() {}, on() {}, off() {}, send() {},
    widget_manager: { get_model: () => Promise.reject(new Error("no bqplot-gl here")) },
  };
  const el = document.body.appendChild(document.createElement("div"));
  el.style.cssText = "width: 600px; height: 400px";
  window.onunhandledrejection = (event) => event.preventDefault();
  view.render({ model, el });
  for (const node of el.querySelectorAll("div")) node.style.cssText = "width: 600px; height: 400px";
}"""


def test_it_says_so_and_how_to_share_a_map_without_a_kernel(browser: Browser):
    page = browser.new_page()
    page.evaluate(_SHOW, ScatterView._esm)
    page.wait_for_function(
        "() => /save_html/.test(document.querySelector('.tw-waiting').textContent)",
        timeout=20 * SECONDS,
    )
    page.close()
