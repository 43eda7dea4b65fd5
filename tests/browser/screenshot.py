"""Make README's picture from the running widget. Run by `make screenshot`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.gestures import drag, map_is_drawn, pictures_are_drawn
from tests.browser.jupyter import Lab, Notebook, launch, until

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")))
    try:
        with sync_playwright() as playwright:
            page = launch(playwright).new_page(
                viewport={"width": 1400, "height": 1000}, device_scale_factor=1.5
            )
            quickstart = ROOT / "notebooks" / "quickstart.ipynb"
            notebook = Notebook.open(lab, page, "quickstart.ipynb", quickstart)
            page.evaluate(
                "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
            )
            notebook.run_all()
            map_is_drawn(page)
            drag(page, [(0.3, 0.25), (0.62, 0.22), (0.6, 0.6), (0.45, 0.7), (0.32, 0.6)])
            until(lambda: notebook.python("len(explorer.selected)"), 20, "the selection")
            pictures_are_drawn(page, notebook.python("len(explorer.selected)"))
            target = ROOT / "notebooks" / "explorer.png"
            page.locator(".tsne-widget").first.screenshot(path=target)
            print(f"wrote {target}")
            notebook.close()
    finally:
        lab.close()


if __name__ == "__main__":
    main()
