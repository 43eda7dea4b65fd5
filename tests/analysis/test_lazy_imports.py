"""Importing the plain parts loads numpy and nothing slower."""

import subprocess
import sys
from pathlib import Path

import pytest

import tsne_widget

ROOT = Path(tsne_widget.__file__).parents[1]
SLOW = {"pandas", "scipy", "sklearn", "matplotlib", "torch", "PIL", "ipywidgets"}


@pytest.mark.parametrize("part", ["analysis", "plotting"])
def test_import_loads_no_slow_package(part):
    code = f"import sys, tsne_widget.{part}; print(*sys.modules)"
    run = [sys.executable, "-c", code]
    loaded = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not SLOW & {name.split(".")[0] for name in loaded.split()}


def test_default_colours_need_no_matplotlib():
    code = (
        "import sys; from tsne_widget.plotting import class_colors;"
        "class_colors([str(i) for i in range(50)]); assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
