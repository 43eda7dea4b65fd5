"""The table in README.md has a row for every fault, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
GROUPS = {"R": 12, "M": 16, "I": 10, "X": 7, "C": 10, "K": 16}
FAULTS = [f"{group}{number}" for group, last in GROUPS.items() for number in range(1, last + 1)]

ROWS = dict(
    re.findall(
        r"^\| ([A-Z]\d+) \| (.*) \|$", (TESTS / "faults" / "README.md").read_text("utf-8"), re.M
    )
)

NAMED = r"`([\w/]+\.py)::(test_\w+)`"


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_fault_has_one_row():
    assert list(ROWS) == FAULTS


@pytest.mark.parametrize("fault", FAULTS)
def test_every_test_that_a_row_names_exists(fault):
    named = re.findall(NAMED, ROWS[fault])
    assert named
    for file, name in named:
        assert name in functions_of(TESTS / file), f"{file}::{name}"


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/reliability.md"])
def test_every_test_that_the_promises_name_exists(page):
    named = re.findall(NAMED, (TESTS.parent / page).read_text("utf-8"))
    assert len(named) > 12
    for file, name in named:
        assert name in functions_of(TESTS / file), f"{file}::{name}"
