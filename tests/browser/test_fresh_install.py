"""The built wheel in an environment with nothing else: installed by pip alone, driven by hand.

No compiler, no node, no build step of JupyterLab: what a person gets from `pip install`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.gestures import drag, map_is_drawn, pictures_are_drawn
from tests.browser.jupyter import Lab, Notebook, until
from tests.test_wheel import build

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]  # pip takes its time

ROOT = Path(__file__).resolve().parents[2]
LASSO = [(0.2, 0.25), (0.55, 0.15), (0.85, 0.5), (0.6, 0.8), (0.45, 0.4), (0.25, 0.7)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An interpreter whose environment has the wheel and JupyterLab, and what these need."""
    folder = tmp_path_factory.mktemp("fresh")
    wheel = build(ROOT, folder / "dist", "wheel")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = str(folder / "venv" / "bin" / "python")
    constraints = str(ROOT / ".ci" / "constraints.txt")
    install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PATH"] = f"{folder / 'venv' / 'bin'}:/usr/bin:/bin"
    subprocess.run(
        [*install, "-c", constraints, str(wheel), "jupyterlab"], check=True, env=environment
    )
    yield python
    shutil.rmtree(folder / "venv")  # more than a gigabyte


def test_a_wheel_that_pip_installed_is_driven_in_jupyterlab(
    python, browser: Browser, tmp_path, monkeypatch
):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    server = Lab(tmp_path / "lab", python=python)
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
