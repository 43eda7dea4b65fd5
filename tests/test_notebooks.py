"""Notebooks are committed without outputs and run from top to bottom.

quickstart.ipynb runs in a real browser, see tests/browser/test_quickstart.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and not cell.execution_count)


def printed(book) -> str:
    return "".join(
        output.get("text", "")
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


@pytest.mark.slow
def test_the_mislabelled_images_are_found(tmp_path):
    book = nbformat.read(NOTEBOOKS / "find_mislabelled.ipynb", as_version=4)
    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = printed(book)
    planted = int(re.search(r"(\d+) of 1797 labels are wrong", text)[1])
    assert 60 < planted < 120
    found = int(re.search(r"(\d+)% of the 50 most suspect labels are wrong", text)[1])
    assert found >= 90
    last = next(output for output in book.cells[-2].outputs if "data" in output)
    names = ["exploration", "suspects", "suspects.csv"]
    assert eval(last["data"]["text/plain"]) == names  # of our own notebook


@pytest.mark.slow
def test_what_the_mistakes_have_in_common_is_found(tmp_path):
    book = nbformat.read(NOTEBOOKS / "mistake_groups.ipynb", as_version=4)
    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = printed(book)
    found = int(re.search(r"(\d+)% of the 10 most typical images", text)[1])
    assert found >= 80
