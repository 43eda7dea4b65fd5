"""The built wheel in an environment with only its requirements and JupyterLab.

There is no compiler, no node and no build step of JupyterLab.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.gestures import drag, map_is_drawn, pictures_are_drawn
from tests.browser.jupyter import Lab, Notebook, until
from tests.environment import install
from tests.test_wheel import build

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LASSO = [(0.2, 0.25), (0.55, 0.15), (0.85, 0.5), (0.6, 0.8), (0.45, 0.4), (0.25, 0.7)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter of that environment."""
    folder = tmp_path_factory.mktemp("fresh")
    return install(build(ROOT, folder / "dist", "wheel"), folder / "venv", "jupyterlab")


def test_an_installed_wheel_works_in_jupyterlab(python, browser: Browser, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    server = Lab(tmp_path / "lab", python=python, base_url="/user/ada/")  # as below JupyterHub
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    quickstart = ROOT / "notebooks" / "quickstart.ipynb"
    notebook = Notebook.open(server, page, "quickstart.ipynb", quickstart)
    try:
        notebook.run_all()
        home = notebook.python("__import__('tsne_widget').__file__")
        assert Path(home).is_relative_to(Path(python).parents[1])
        notebook.execute("explorer.clear()")
        map_is_drawn(page)
        drag(page, LASSO)
        count = until(lambda: notebook.python("len(explorer.selected)"), 30, "the selection")
        pictures_are_drawn(page, count)
        assert notebook.python("len(explorer.to_dataframe())") == count
        assert not notebook.errors()
    finally:
        notebook.close()
        server.close()
