"""Tables of benchmarks/README.md are those that the scripts print, with their circumstances."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import Table

SCRIPTS = sorted(set(report.README.parent.glob("*.py")) - {Path(report.__file__)})
PAGE = report.README.read_text("utf-8")
BLOCKS = dict(
    re.findall(r"<!-- --8<-- \[start:(\S+)\] -->\n(.*?)\n<!-- --8<-- \[end:\1\] -->", PAGE, re.S)
)
MEASURED = re.compile(
    r"\nMeasured (?:on|until) \d{4}-\d\d-\d\d, .*`python -m benchmarks\.\w+.*`.*\.$"
)


def tables(script: Path) -> list[Table]:
    """The tables that a script declares; it is read, because some import what is optional."""
    tree = ast.parse(script.read_text("utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        Table(*(constants[of.id] if isinstance(of, ast.Name) else of.value for of in call.args[:2]))
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Table"
    ]


def test_every_table_has_a_block_that_names_its_script():
    names = [table.name for script in SCRIPTS for table in tables(script)]
    assert sorted(names) == sorted(BLOCKS)
    for script in SCRIPTS:
        assert {table.name.split("-")[0] for table in tables(script)} <= {script.stem}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_blocks_have_the_titles_that_the_script_prints_and_state_the_machine(script):
    for table in tables(script):
        block = BLOCKS[table.name]
        assert block.startswith(f"{table.head}\n|"), table.name
        assert MEASURED.search(block), table.name
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert {row.count("|") for row in rows} == {table.width + 1}, table.name


def test_a_table_outside_the_blocks_says_that_it_was_measured_by_hand():
    others = re.sub(r"<!-- --8<-- \[start:(\S+)\].*?\[end:\1\] -->", "", PAGE, flags=re.S)
    for before in re.findall(
        r"^(.*)\n\n\|.*\|\n\|-", re.sub(r"(\S)\n(?=\w)", r"\1 ", others), re.M
    ):
        assert "by hand" in before


def test_pages_include_blocks_that_exist():
    docs = report.README.parents[1] / "docs"
    for page in docs.rglob("*.md"):
        included = re.findall(r'"benchmarks/README.md:(\S+)"', page.read_text("utf-8"))
        assert set(included) <= set(BLOCKS), page


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page with two blocks, in place of README.md."""
    file = tmp_path / "README.md"
    blocks = [
        f"<!-- --8<-- [start:{name}] -->\n| old |\n<!-- --8<-- [end:{name}] -->\n"
        for name in ("some-time", "some-time-too")
    ]
    file.write_text(f"Before.\n\n{blocks[0]}\nBetween.\n\n{blocks[1]}")
    monkeypatch.setattr(report, "README", file)
    monkeypatch.setattr("sys.argv", ["/home/benchmarks/some.py", "7", "--record", "/data/set"])
    return file


def test_record_replaces_one_block_by_the_rows_and_their_circumstances(page):
    with Table("some-time", "n | s", ["numpy"]) as row:
        row("7", "0.5")
        row("8")
    head, block, other = re.split(r"Before\.\n\n|Between\.\n\n", page.read_text("utf-8"))
    start, *lines, end, _, _ = block.split("\n")
    assert (start, end) == tuple(f"<!-- --8<-- [{edge}:some-time] -->" for edge in ("start", "end"))
    assert lines[:-1] == ["| n | s |", "|---|---|", "| 7 | 0.5 |", "| 8 |  |", ""]
    assert MEASURED.match(f"\n{lines[-1]}")
    assert re.search(r"torch \S+, numpy \S+, load \S+ at the start", lines[-1])
    assert lines[-1].endswith("`python -m benchmarks.some 7 set`.")  # no path of the machine
    assert not head
    assert "| old |" in other


def test_a_benchmark_that_fails_records_nothing(page):
    before, table = page.read_text("utf-8"), Table("some-time", "n | s")
    with pytest.raises(ValueError, match="2 columns, got 3"), table as row:
        row("7", "0.5", "0.6")
    assert page.read_text("utf-8") == before


@pytest.mark.usefixtures("page")
def test_recording_a_table_without_a_block_says_which_lines_to_add():
    new = Table("some-new", "n")
    with pytest.raises(ValueError, match=r"no block 'some-new'; add .*start:some-new"), new:
        pass
