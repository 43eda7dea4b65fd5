"""Every line of Python in README and docs/ runs; every command and link exists.

The ```python blocks of a page run from top to bottom in one namespace, in an empty folder, after
tests/docs/preamble.py. Blocks of other languages do not run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from tests.docs import preamble
from tsne_widget import EmbeddingExplorer
from tsne_widget.widgets.state.explorer_state import ExplorerState

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GUIDES = sorted(ROOT.glob("docs/guides/*.md"))
# The line before a block that is neither Python that runs nor a shell's, and its first line.
NOT_RUN = re.compile(r"^(.*)\n+```(?!python\n|sh\n)\w+\n(.*)", re.MULTILINE)
WITH_PYTHON = [page for page in PAGES if "```python\n" in page.read_text("utf-8")]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> str:
    """The page with only its blocks of a language; other lines are blank, so numbers stay."""
    kept, fence = [], None
    for line in page.read_text("utf-8").splitlines():
        if line.strip().startswith("```"):
            fence = None if fence is not None else line.strip().removeprefix("```")
            kept.append("")
        else:
            kept.append(line if fence == language else "")
    assert fence is None, f"{named(page)}: a block is not closed"
    return "\n".join(kept)


def without_blocks(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)


@pytest.fixture
def opened(monkeypatch):
    """Explorers that a page creates; closed at its end, even if the page reuses their names."""
    explorers = []

    def init(self, *arguments, **options):
        explorers.append(self)
        made(self, *arguments, **options)

    made = EmbeddingExplorer.__init__
    monkeypatch.setattr(EmbeddingExplorer, "__init__", init)
    yield explorers
    for explorer in explorers:
        explorer.close()


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_every_line_of_python_on_a_page_runs(page, tmp_path, monkeypatch):
    names = preamble.names(tmp_path)
    monkeypatch.chdir(tmp_path)
    with mpl.rc_context():
        exec(compile(blocks(page, "python"), str(page), "exec"), names)  # our own pages


@pytest.mark.parametrize("page", GUIDES, ids=named)
def test_every_example_of_a_guide_runs_or_says_why_not(page):
    for before, first in NOT_RUN.findall(page.read_text("utf-8")):
        assert before.startswith("<!-- Not run: "), first


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_and_path_in_a_command_exists(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    text = without_blocks(page)
    spans, indented = re.findall(r"`([^`\n]+)`", text), re.findall(r"^ {4,}(\S.*)$", text, re.M)
    commands = "\n".join([blocks(page, "sh"), *spans, *indented])
    assert set(re.findall(r"(?:^|[^\w-])make ([a-z][\w-]*)", commands)) <= targets
    for path in re.findall(r"(?<![\w./])((?:notebooks|tests|benchmarks|docs)/[\w./-]+)", commands):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_to_a_file_of_the_repository_finds_it(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", without_blocks(page)):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_the_panel_of_the_recipe_shows_and_clears_the_selection():
    page = (ROOT / "docs/how/extending.md").read_text("utf-8")
    names: dict[str, Any] = {}
    code = re.search(r"```py\n(.*?class CountView.*?)```", page, re.DOTALL)[1]
    exec(compile(code, "count/view.py", "exec"), names)  # our own page
    state = ExplorerState(preamble.trained()[2], None)
    view = names["CountView"](state)
    state.select([1, 2, 3])
    assert view.page_state() == {"count": 3}
    view.handlers["clear"]({"kind": "clear"}, [])
    assert view.count == 0
