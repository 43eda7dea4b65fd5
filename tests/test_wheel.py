"""What is built holds exactly the package; its version comes from git's tags."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tsne_widget

ROOT = Path(__file__).resolve().parents[1]


def build(source: Path, target: Path, kind: str) -> Path:
    """Build a wheel or an sdist, with the tools that are installed here."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "-o", target, source]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def files_of_the_package() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tsne_widget").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_holds_the_package_with_its_scripts_and_styles_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_of_the_package()
    assert any(name.endswith(".js") for name in names)


def test_the_wheel_is_pure_and_says_what_it_needs(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = archive.read(name).decode()
    assert "Requires-Python: >=3.10" in text
    assert "License-Expression: BSD-3-Clause" in text
    needed = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", text, re.M)
    assert {"torch", "ipywidgets", "anywidget", "bqplot", "bqplot-gl"} <= set(needed)
    assert not {"jupyterlab", "notebook", "torchvision", "pytest"} & set(needed)


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


def test_a_copy_without_git_has_the_version_of_the_last_release(tmp_path):
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tsne_widget", tmp_path / "tsne_widget")
    bare = build(tmp_path, tmp_path / "dist", "wheel")
    version = re.search(
        r'^fallback-version = "([\d.]+)"', (ROOT / "pyproject.toml").read_text(), re.M
    )[1]
    assert bare.name.startswith(f"tsne_widget-{version}-")
    released = re.findall(r"^## \[?([\d.]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert (released or ["0.0.0"])[0] == version


def test_a_clone_that_is_tagged_has_the_version_of_the_tag(tmp_path):
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tsne_widget").mkdir()
    (tmp_path / "tsne_widget" / "__init__.py").touch()
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "All"], ["tag", "v1.2.3"]):
        person = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.hooksPath="]
        subprocess.run(["git", *person, *arguments], cwd=tmp_path, check=True)
    tagged = build(tmp_path, tmp_path.parent / f"{tmp_path.name}-dist", "wheel")
    assert tagged.name.startswith("tsne_widget-1.2.3-")


def test_the_version_is_that_of_what_is_installed_or_says_that_nothing_is(monkeypatch):
    assert re.match(r"\d+\.\d|0\+unknown", tsne_widget.__version__)

    def missing(name):
        raise __import__("importlib.metadata").metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert tsne_widget.__version__ == "0+unknown"
