"""The dashboard in Voila."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.gestures import SECONDS, drag, drawn_points, has_pictures_of_the_selection
from tests.browser.jupyter import START_SECONDS, stop_group, until

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LASSO = [(0.2, 0.25), (0.55, 0.15), (0.85, 0.5), (0.6, 0.8), (0.45, 0.4), (0.25, 0.7)]

# Errors that Voila logs for an empty notebook without a network; all other errors are ours.
VOILAS_OWN = re.compile(r"getter for the shared module is not a function|font-?awesome", re.I)


class Voila:
    """A Voila server that shows one notebook."""

    def __init__(self, notebook: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self.folder = folder
        shutil.copy(notebook, folder / notebook.name)
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(folder / ".config"),
            "IPYTHONDIR": str(folder / ".ipython"),
        }
        with (folder / "voila.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "voila", str(folder / notebook.name), "--no-browser",
                    f"--port={port}", "--Voila.ip=127.0.0.1",
                ],
                stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder,
                start_new_session=True,
            )  # fmt: skip
        until(self._answers, START_SECONDS, "Voila to start")

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "voila.log").read_text()[-3000:])
        try:
            with urllib.request.urlopen(self.url + "voila/static/", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        stop_group(self._process)


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voila]:
    server = Voila(NOTEBOOKS / "dashboard.ipynb", tmp_path_factory.mktemp("voila"))
    yield server
    server.close()


def open_dashboard(server: Voila, page: Page) -> None:
    page.goto(server.url, timeout=120 * SECONDS)
    page.wait_for_function(
        "() => document.querySelector('.tw-scatter .tw-waiting')?.hidden", timeout=120 * SECONDS
    )


def lasso_in_dashboard(page: Page) -> int:
    """Number of samples that a lasso selects, once their pictures and the table are drawn."""
    page.get_by_role("button", name="Run 250 more").wait_for(timeout=120 * SECONDS)  # it is done
    page.wait_for_timeout(1000)  # a finished map is turned
    drag(page, LASSO)
    page.locator(".tw-pill", has_text="selected").wait_for(timeout=30 * SECONDS)
    page.wait_for_timeout(1000)  # the dashboard follows
    count = has_pictures_of_the_selection(page)
    assert count > 50
    text = page.get_by_text(re.compile(rf"^{count:,} selected, \d+% of them wrong"))
    text.wait_for(timeout=30 * SECONDS)
    assert page.locator("table.dataframe tbody tr").count() == 10
    return count


@pytest.fixture(scope="module")
def dashboard(browser: Browser, voila: Voila) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 1300})
    console: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error":
            console.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", note)
    page.on("pageerror", lambda error: console.append(f"pageerror: {error}"))
    open_dashboard(voila, page)
    yield page
    page.close()
    errors = [line for line in console if not VOILAS_OWN.search(line)]
    assert not errors, f"the page's console reported: {errors}"


def test_lasso_in_voila_shows_pictures_and_fills_the_table(dashboard):
    lasso_in_dashboard(dashboard)


def test_voila_hides_the_code_and_a_click_hides_a_class(dashboard):
    page = dashboard
    assert page.get_by_text("optimizer.zero_grad").count() == 0
    first = page.locator(".tw-legend li button").first
    first.click()
    until(lambda: first.get_attribute("aria-pressed") == "false", 20, "the class to go")


def test_dashboard_works_without_bqplot_gl(voila, browser):
    page = browser.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=2)
    aborted: list[str] = []

    def abort(route: Route) -> None:
        aborted.append(route.request.url)
        route.abort()

    page.route(re.compile(r"/bqplot(-gl)?/"), abort)
    open_dashboard(voila, page)
    assert any("/bqplot-gl/" in url for url in aborted)
    canvas = page.locator(".tw-figure canvas")
    assert canvas.bounding_box() == page.locator(".tw-overlay").bounding_box()
    assert page.locator(".tw-shown").inner_text() == ""  # all points, with WebGL
    count = lasso_in_dashboard(page)
    until(lambda: (drawn_points(page)[1] == 1).sum() == count, 20, "the selected to stand out")
    page.locator(".tw-legend li button").first.click()
    until(lambda: (drawn_points(page)[1] == 0).any(), 20, "the class to go")
    pixels, opacity = drawn_points(page)
    page.mouse.move(*pixels[np.flatnonzero(opacity)[0]])
    page.locator(".tw-hover img").wait_for(timeout=20 * SECONDS)
    page.close()
