"""The wheel and the sdist contain exactly the package, with the version of the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tsne_widget

ROOT = Path(__file__).resolve().parents[1]


def build(source: Path, target: Path, kind: str) -> Path:
    """A new "wheel" or "sdist", built with the installed tools."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "-o", target, source]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = target.iterdir()
    return built


def metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return archive.read(name).decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def files_of_the_package() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tsne_widget").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_contains_the_package_with_scripts_and_styles_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_of_the_package()
    assert any(name.endswith(".js") for name in names)


def test_the_wheel_is_pure_and_lists_its_requirements(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    text = metadata(wheel)
    assert "Requires-Python: >=3.10" in text
    assert "License-Expression: BSD-3-Clause" in text
    required = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", text, re.M)
    assert {"torch", "ipywidgets", "anywidget", "bqplot", "bqplot-gl"} <= set(required)
    assert not {"jupyterlab", "notebook", "torchvision", "pytest"} & set(required)


def test_the_wheel_has_the_version_of_the_package_and_of_the_newest_release(wheel):
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.findall(r"^## ([\d.]+) - ", changelog, re.M)[0]
    assert f"\nVersion: {newest}\n" in metadata(wheel)
    assert wheel.name.startswith(f"tsne_widget-{newest}-")
    assert tsne_widget.__version__ == newest


def test_an_sdist_without_git_builds_the_same_wheel(wheel, tmp_path):
    sdist = build(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (unpacked / "tests" / "test_wheel.py").exists()
    again = build(unpacked, tmp_path / "again", "wheel")
    assert again.name == wheel.name
    with zipfile.ZipFile(again) as ours, zipfile.ZipFile(wheel) as other:
        assert sorted(ours.namelist()) == sorted(other.namelist())
