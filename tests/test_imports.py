"""The contracts on imports hold, and importing a part loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tsne_widget

ROOT = Path(__file__).resolve().parents[1]
WIDGET_STACK = {
    "IPython",
    "anywidget",
    "bqplot",
    "bqplot_gl",
    "ipykernel",
    "ipywidgets",
    "traitlets",
}
# A warning of bqscales 0.3.
BQSCALES = "ignore:metadata:DeprecationWarning"


def loaded_by(statement: str) -> set[str]:
    """Top-level names of the modules that a statement loads in a fresh interpreter."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-W", BQSCALES, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr
    return {name.split(".")[0] for name in run.stdout.splitlines()[-1].split()}


def test_the_import_contracts_of_pyproject_hold():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--no-cache", "--no-logo"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_importing_the_package_loads_neither_torch_nor_a_widget_stack():
    heavy = {*WIDGET_STACK, "torch", "pandas", "matplotlib", "sklearn", "PIL", "numpy"}
    assert not heavy & loaded_by("import tsne_widget")


def test_images_plotting_and_analysis_load_neither_torch_nor_a_widget_stack():
    statement = "import tsne_widget.images, tsne_widget.plotting, tsne_widget.analysis"
    assert not {*WIDGET_STACK, "torch", "sklearn", "scipy"} & loaded_by(statement)


def test_the_explorer_loads_what_a_map_needs_only_when_it_is_used():
    heavy = {"torch", "sklearn", "scipy", "pandas", "numba", "faiss", "matplotlib", "ray"}
    assert not heavy & loaded_by("import tsne_widget; tsne_widget.EmbeddingExplorer")


def test_neighbour_search_does_not_load_scikit_learn():
    statement = "from tsne_widget.analysis import kneighbors; kneighbors([[0], [1], [3]], 1)"
    assert not {"sklearn", "scipy"} & loaded_by(statement)


def test_drawing_a_figure_does_not_load_pyplot():
    code = "import sys, tsne_widget; tsne_widget.plot_embedding([[0, 0], [1, 1]])"
    check = f"{code}; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)


@pytest.mark.parametrize("name", tsne_widget.__all__)
def test_a_public_name_can_be_imported(name):
    assert getattr(tsne_widget, name).__name__ == name
    assert name in dir(tsne_widget)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Explorer'"):
        tsne_widget.Explorer  # noqa: B018
