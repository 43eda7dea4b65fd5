"""The documentation: built in strict mode and read without a network."""

from __future__ import annotations

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

import tsne_widget
from tsne_widget import analysis

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))
ERRORS = [name for name in tsne_widget.__all__ if name.endswith("Error")]


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """The address of the site, served from this machine."""
    handler = functools.partial(Silent, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser, site: str, folder: Path) -> Iterator[Page]:
    """A page of the site; a request for anything else fails the test."""
    foreign, errors = [], []
    own = (site, folder.as_uri(), "data:", "blob:")

    def note(request: Request) -> None:
        if not request.url.startswith(own):
            foreign.append(request.url)

    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.on("request", note)  # a route would take the page's cache away
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert foreign == []
    assert errors == []


def test_every_page_works_offline_and_is_listed_in_the_menu(site, page):
    for name in PAGES:
        page.goto(site + name.with_suffix(".html").as_posix())
        article = page.locator("article")
        assert article.locator("h1").first.inner_text().removesuffix("¶"), name
        assert page.locator("nav.md-nav--primary a.md-nav__link--active").count(), name
        left = page.locator("article :text('arithmatex'), article :text(':meth:')")
        left = left.or_(page.locator("article :text(':func:'), article :text('====')"))
        left = left.or_(page.locator("article :text('--8<--')"))
        assert left.count() == 0, name
    page.wait_for_load_state("networkidle")


def test_formulas_are_drawn(site, page):
    page.goto(site + "how/engine.html")
    formulas = page.locator("article math")
    assert formulas.count() > 10
    for formula in formulas.all():
        assert formula.bounding_box()["width"] > 3  # pixels
    assert "$" not in page.locator("article").inner_text()


# Compare addresses, because other pages may be found while the word is being typed.
FOUND_ENGINE = "a.md-search-result__link[href*='how/engine.html'][href*='perplexity']"


def test_the_search_finds_a_page(site, page):
    page.goto(site + "index.html")
    page.locator("input.md-search__input").click()
    page.keyboard.type("perplexity")
    page.locator(FOUND_ENGINE).first.wait_for(timeout=30_000)


def test_search_works_without_a_server(folder, page):
    page.goto((folder / "how" / "view.html").as_uri())
    page.locator("input.md-search__input").click()
    page.keyboard.type("perplexity")
    page.locator(FOUND_ENGINE).first.click(timeout=60_000)
    page.wait_for_url(re.compile(rf"^{re.escape(folder.as_uri())}/how/engine\.html"))
    assert page.locator("article h1").inner_text()


def test_every_public_name_is_in_the_reference(folder):
    found = set()
    for file in (folder / "api").glob("*.html"):
        article = file.read_text("utf-8").partition("<article")[2].partition("</article>")[0]
        found |= set(re.findall(r'\bid="([^"]+)"', article))
    assert {f"tsne_widget.{name}" for name in tsne_widget.__all__ if name not in ERRORS} <= found
    assert {f"tsne_widget.errors.{name}" for name in ERRORS} <= found
    assert {f"tsne_widget.analysis.{name}" for name in analysis.__all__} <= found


def test_a_function_is_documented_instead_of_its_module_of_the_same_name(folder):
    text = (folder / "api" / "analysis.html").read_text("utf-8")
    assert 'id="tsne_widget.analysis.changes.changes"' in text
    assert "confusion_text" not in text  # only in a module


def test_names_in_docstrings_are_links(site, page):
    page.goto(site + "api/analysis.html")
    page.locator("article a:has(code:text-is('kneighbors'))").first.click()
    page.wait_for_url("**/analysis.html#tsne_widget.analysis.kneighbors")


def test_parameters_described_together_have_their_own_defaults(site, page):
    page.goto(site + "api/index.html")
    entry = page.locator("article li", has_text="whole_paths (")
    assert "default: False" in entry.first.inner_text()
