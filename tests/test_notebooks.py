"""Notebooks are committed without outputs and run from top to bottom.

quickstart.ipynb runs in a real browser, see tests/browser/test_quickstart.py.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path):
    import nbformat  # takes two seconds to load

    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and not cell.execution_count)


def names_after(notebook: str) -> dict[str, Any]:
    """Names of a notebook after its cells ran in this process, which is faster than a kernel."""
    names: dict[str, Any] = {}
    for number, source in code_of(notebook).items():
        exec(compile(source, f"{notebook}, cell {number}", "exec"), names)  # our own
    return names


def code_of(notebook: str) -> dict[int, str]:
    """Source of each cell of code, by the number of the cell."""
    cells = json.loads((NOTEBOOKS / notebook).read_text("utf-8"))["cells"]
    return {k: "".join(one["source"]) for k, one in enumerate(cells) if one["cell_type"] == "code"}


def test_files_of_500_expressions_become_a_map_and_a_page():
    names = names_after("facial_expressions.ipynb")
    assert names["features"].shape == (500, 4096)
    assert names["embedding"].shape == (500, 2)
    assert set(names["frame"]["label_name"]) == set(names["names"])
    assert set(names["explorer"].selected) == set(names["doubtful"].index)
    assert names["page"].stat().st_size > 100_000
    names["explorer"].close()


def test_a_folder_of_images_without_a_trained_model_is_explored():
    names = names_after("image_folder.ipynb")
    assert 0.8 < 1 - names["wrong"].mean() < 1
    assert len(names["mistakes"]) > 0
    assert len(list(names["copied"].iterdir())) > len(names["mistakes"])  # and a table
    names["explorer"].close()


def test_an_own_folder_without_torchvision_names_the_remedy(monkeypatch):
    sources = code_of("image_folder.ipynb").values()
    (source,) = [one for one in sources if "from torchvision" in one]
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match=r"folder='flowers' needs .*%pip install -U torch torch"):
        exec(compile(source, "image_folder.ipynb", "exec"), {"folder": "flowers"})


def test_the_changes_between_two_checkpoints_are_counted():
    names = names_after("two_checkpoints.ipynb")
    changes = names["comparison"].summary()
    assert changes["fixed"] > changes["introduced"] > 0
    assert len(names["introduced"]) == changes["introduced"]
    names["comparison"].close()


@pytest.mark.slow
def test_the_mislabelled_images_are_found(capsys):
    names = names_after("find_mislabelled.ipynb")
    text = capsys.readouterr().out
    planted = int(re.search(r"(\d+) of 1797 labels are wrong", text)[1])
    assert 60 < planted < 120
    found = int(re.search(r"(\d+)% of the 50 most suspect labels are wrong", text)[1])
    assert found >= 90
    files = sorted(path.name for path in names["folder"].iterdir())
    assert files == ["exploration", "suspects", "suspects.csv"]
    names["explorer"].close()


@pytest.mark.slow
def test_what_the_mistakes_have_in_common_is_found(capsys):
    names = names_after("mistake_groups.ipynb")
    found = int(re.search(r"(\d+)% of the 10 most typical images", capsys.readouterr().out)[1])
    assert found >= 80
    names["explorer"].close()
