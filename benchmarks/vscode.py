"""The quickstart in VS Code's widget manager, with a live kernel.

    python -m benchmarks.vscode [picture.png]

npm brings the manager of VS Code's Jupyter extension, requirejs, and Jupyter's client for browsers.
As in VS Code, the page is a frame of 5,000 pixels with the style variables of a dark theme, and
requirejs gets the folders of share/jupyter/nbextensions: with bqplot's, then without. Each line
that is printed has been seen on the page.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, Frame, Route, sync_playwright

from tests.browser.jupyter import PLAIN_PAGE, TOKEN, Lab, launch, until

ROOT = Path(__file__).resolve().parents[1]
EXTENSIONS = Path(sys.prefix, "share", "jupyter")
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
LASSO = [(0.2, 0.25), (0.55, 0.15), (0.85, 0.5), (0.6, 0.8), (0.45, 0.4), (0.25, 0.7)]
# Chromium lets no page that is answered by the test connect to this machine.
INTERCEPTED = "--disable-features=LocalNetworkAccessChecks"
CLIENT = """
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { ServerConnection } from "@jupyterlab/services";
window.jupyter = { KernelConnection, ServerConnection };
"""
PAGE = """<!doctype html><style>
:root { --vscode-editor-background: #1f1f1f; --vscode-editor-foreground: #cccccc }
body { margin: 0 16px 0 52px; overflow: hidden }
.cell-output-ipywidget-background { background: white !important }
</style><body class="vscode-dark" data-vscode-theme-kind="vscode-dark">
<script src="./client.js"></script><script src="./requirejs/package/require.js"></script>
<script type="module">
const query = new URLSearchParams(location.search);
const { base, token, id, names, restore } = Object.fromEntries(query);
const serverSettings = jupyter.ServerConnection.makeSettings(
  { baseUrl: base, wsUrl: base.replace("http", "ws"), token, appendToken: true });
const model = { id, name: "python3" };
const kernel = new jupyter.KernelConnection({ model, serverSettings, handleComms: true });
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));
while (kernel.connectionStatus !== "connected") await soon();
const addressOf = (name) => new URL(`nbextensions/${name}/index`, location.href).href;
const paths = Object.fromEntries(names.split(",").map((name) => [name, addressOf(name)]));
requirejs.config({ paths });
(await import("./manager/package/dist/ipywidgets.js")).activate();
vscIPyWidgets8.load();
const ignore = () => {};
const manager = new vscIPyWidgets.WidgetManager(kernel, document.body, {
  widgetsRegisteredInRequireJs: new Set(Object.keys(paths)),
  loadWidgetScript: async () => {}, errorHandler: ignore, successHandler: ignore,
}, ignore);
if (restore) await manager._loadFromKernel();
window.show = async (data) => {
  const node = document.body.appendChild(document.createElement("div"));
  node.className = "cell-output-ipywidget-background";
  const view = await manager.create_view(await manager.get_model(data.model_id), { el: node });
  await manager.display_view(data, view, { node });
};
window.run = async (code) => {
  let text = "";
  const views = [];
  const future = kernel.requestExecute({ code });
  future.onIOPub = ({ content }) => {
    const data = content.data?.["application/vnd.jupyter.widget-view+json"];
    if (data) views.push(window.show(data));
    else text += content.text ?? "";
  };
  await future.done;
  await Promise.all(views);
  return text;
};
window.isReady = true;
</script>"""


def install(folder: Path) -> None:
    """Fetch the packages, and bundle Jupyter's client."""
    npm = functools.partial(subprocess.run, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for name, target in {
        "@vscode/jupyter-ipywidgets8@1.0.9": "manager",
        "requirejs@2.3.8": "requirejs",
    }.items():
        (folder / target).mkdir()
        npm(["npm", "pack", "--pack-destination", target, name])
        archive = next((folder / target).glob("*.tgz"))
        npm(["tar", "xzf", str(archive), "-C", target])
    (folder / "package.json").write_text("{}")
    (folder / "client_source.js").write_text(CLIENT)
    npm(["npm", "install", "--ignore-scripts", "--legacy-peer-deps", "@jupyterlab/services@7"])
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    process = '--define:process={"env":{}}'
    npm(
        [
            str(esbuild),
            "client_source.js",
            "--bundle",
            "--outfile=client.js",
            "--define:global=window",
            process,
            "--external:ws",
        ]
    )


def answer(route: Route, folder: Path) -> None:
    """The page, the packages, and the widgets' scripts of this environment."""
    path = urlsplit(route.request.url).path.partition("/vscode/")[2]
    if not path:
        route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")
    else:
        file = (EXTENSIONS if path.startswith("nbextensions/") else folder) / path
        if file.is_file():
            route.fulfill(path=file, content_type="text/javascript")
        else:
            route.fulfill(status=404)


class Webview:
    """A frame with the manager, connected to a kernel of its own."""

    def __init__(self, browser: Browser, lab: Lab, folder: Path, names: str) -> None:
        self.query = {
            "base": lab.url, "token": TOKEN, "names": names,
            "id": lab.request("POST", "kernels", {"name": "python3"})["id"],
        }  # fmt: skip
        self.address = f"{lab.url}vscode/"
        self.page = browser.new_page(viewport={"width": 1400, "height": 900})
        self.page.route(f"{self.address}**", lambda route: answer(route, folder))
        self.frame = self.load()

    def load(self, **more: str) -> Frame:
        """Show the frame anew."""
        source = f"{self.address}?{urlencode(self.query | more)}"
        style = "width: 100%; height: 5000px; border: 0"
        frame = f'<iframe src="{source}" style="{style}"></iframe>'
        self.page.set_content(f'<body style="margin: 0">{frame}</body>')
        handle = self.page.locator("iframe").element_handle()
        shown = handle.content_frame()
        assert shown is not None
        shown.wait_for_function("() => window.isReady", timeout=60_000)
        return shown

    def python(self, expression: str) -> Any:
        text = self.frame.evaluate(
            "(code) => run(code)", f"import json; print(json.dumps({expression}))"
        )
        return json.loads(text)

    def map_is_drawn(self) -> None:
        self.frame.wait_for_function(
            "() => document.querySelector('.tw-waiting')?.hidden", timeout=90_000
        )

    def lasso(self) -> None:
        box = self.frame.locator(".tw-overlay").bounding_box()
        assert box is not None
        corners = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in LASSO]
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=8)
        self.page.mouse.up()


def check(view: Webview, picture: str | None) -> None:
    cells = [
        cell
        for cell in json.loads(QUICKSTART.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    for cell in cells[:2]:
        view.frame.evaluate("(code) => run(code)", "".join(cell["source"]))
    view.map_is_drawn()
    view.frame.evaluate("() => run('explorer.wait();')")
    theme = view.frame.locator(".tsne-widget").get_attribute("data-theme")
    height = view.frame.locator(".tw-body").evaluate("(body) => body.offsetHeight")
    print(f"  the map, on a {theme} ground, {height} px high")
    view.lasso()
    count = until(lambda: view.python("len(explorer.selected)"), 30, "the selection")
    view.frame.locator(".tw-gallery figure img").nth(5).wait_for()
    print(f"  a lasso around {count} samples, and their pictures")
    if picture:
        view.page.screenshot(path=picture)
    view.frame.locator(".tw-legend li button").nth(8).click()
    until(lambda: len(view.python("explorer.visible_classes")) == 9, 30, "the class to go")
    print("  a class hidden")
    view.frame = view.load(restore="yes")
    view.frame.evaluate("(id) => show({ model_id: id })", view.python("explorer.model_id"))
    view.map_is_drawn()
    print(f"  after a reload: {view.frame.locator('.tw-pill').inner_text().splitlines()[0]}")


def main(picture: str | None = None) -> None:
    os.environ["PYTHONPATH"] = str(ROOT)
    folder = Path(tempfile.mkdtemp(prefix="tsne-widget-"))
    install(folder)
    lab = Lab(folder / "lab")
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright, arguments=[*PLAIN_PAGE, INTERCEPTED])
            for title, names in {
                "with bqplot": "anywidget,bqplot,bqplot-gl,bqscales",
                "without bqplot": "anywidget",
            }.items():
                print(title)
                check(Webview(browser, lab, folder, names), picture)
            browser.close()
    finally:
        lab.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
