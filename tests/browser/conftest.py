from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.jupyter import Lab, Notebook, launch
from tests.browser.reuse import Desk

_DESK = pytest.StashKey[Desk]()


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


@pytest.fixture(scope="session")
def desk(lab: Lab, browser: Browser, pytestconfig: pytest.Config) -> Desk:
    return pytestconfig.stash.setdefault(_DESK, Desk(lab, browser))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Close the notebooks that the test opens; those of its fixtures stay open."""
    desk = item.config.stash.get(_DESK, None)
    count = len(desk) if desk else 0
    failed = True
    try:
        result = yield
        failed = False
        return result
    finally:
        if desk:
            desk.close_after(count, failed=failed)


@pytest.fixture(scope="module")
def open_notebook(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Open a notebook of cells, or of a file; its console must be free of errors at the end."""
    failures, count = request.session.testsfailed, len(desk)

    def open_one(
        name: str,
        cells: list[str] | Path,
        width: int = 1400,
        height: int = 1100,
        script: str = "",
        fresh: bool = False,
        mortal: bool = False,
    ) -> Notebook:
        size = (width, height)
        return desk.open(name, cells, size=size, script=script, fresh=fresh, mortal=mortal)

    yield open_one
    desk.close_after(count, failed=request.session.testsfailed > failures)
