from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.gestures import SECONDS
from tests.browser.jupyter import Lab, Notebook, launch


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = launch(playwright)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def open_notebook(lab: Lab, browser: Browser) -> Iterator[Callable[..., Notebook]]:
    """Open a notebook of cells (or a file); after the tests its console must be clean."""
    opened: list[Notebook] = []

    def open_one(
        name: str, cells: object, width: int = 1400, height: int = 1100, script: str = ""
    ) -> Notebook:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(30 * SECONDS)
        page.add_init_script(script)
        notebook = Notebook.open(lab, page, name, cells)  # type: ignore[arg-type]
        page.evaluate(  # the server remembers the theme of an earlier test
            "() => window.jupyterapp.commands.execute("
            "'apputils:change-theme', { theme: 'JupyterLab Light' })"
        )
        opened.append(notebook)
        return notebook

    yield open_one
    for notebook in opened:
        errors = notebook.errors()
        notebook.close()
        assert not errors, f"the page's console reported: {errors}"
