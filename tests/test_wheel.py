"""The wheel and the sdist contain exactly the package, with the version of the changelog."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import tsne_widget

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
CHECK = runpy.run_path(str(ROOT / ".ci" / "check_release.py"))
SOURCE = re.search(r'^Source = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]


def build(source: Path, target: Path, kind: str) -> Path:
    """A new "wheel" or "sdist", built with the installed tools."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "-o", target, source]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = target.iterdir()
    return built


def metadata(wheel: Path) -> Message:
    return CHECK["metadata_of_wheel"](wheel)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def test_the_wheel_has_the_modules_and_the_bundles_and_nothing_else(wheel):
    package = ROOT / "tsne_widget"
    wanted = [
        *package.rglob("*.py"),
        *package.glob("widgets/frontend/dist/*"),
        package / "py.typed",
    ]
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {path.relative_to(ROOT).as_posix() for path in wanted}
    assert wheel.stat().st_size < CHECK["MAX_WHEEL_BYTES"]


def test_the_wheel_is_pure_and_lists_its_requirements(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    text = metadata(wheel)
    assert text["Requires-Python"] == ">=3.10"
    assert text["License-Expression"] == "BSD-3-Clause"
    required = re.findall(r"^([\w-]+)[^;\n]*$", "\n".join(text.get_all("Requires-Dist")), re.M)
    assert {"torch", "ipywidgets", "anywidget", "bqplot", "bqplot-gl"} <= set(required)
    assert not {"jupyterlab", "notebook", "torchvision", "pytest"} & set(required)


def test_the_wheel_has_the_version_of_the_package_and_of_the_newest_release(wheel):
    newest = re.findall(r"^## ([\d.]+) - ", CHANGELOG, re.M)[0]
    assert metadata(wheel)["Version"] == newest
    assert wheel.name.startswith(f"tsne_widget-{newest}-")
    assert tsne_widget.__version__ == newest


def test_the_description_links_only_to_addresses_below_the_source(wheel):
    text = metadata(wheel).get_payload()
    targets = re.findall(r"\]\(([^)]+)\)", text)
    source = f"{SOURCE}/(blob|raw)/v{re.escape(tsne_widget.__version__)}/"
    assert len(targets) > 10
    assert all(re.match(source, target) for target in targets)
    for target in targets:
        assert (ROOT / re.sub(source, "", target)).exists(), target


def test_placeholder_addresses_are_never_published(wheel):
    written = metadata(wheel)
    if ".invalid" in SOURCE:
        assert "Private :: Do Not Upload" in written.get_all("Classifier")  # PyPI refuses it
        assert len(CHECK["reasons"](written, CHANGELOG)) == 2
    del written["Project-URL"], written["Classifier"]
    assert CHECK["reasons"](written, CHANGELOG, f"v{tsne_widget.__version__}") == []
    written["Project-URL"] = "Source, https://example.invalid/x"
    assert "set the real ones" in CHECK["reasons"](written, CHANGELOG)[0]


def test_a_tag_and_a_changelog_of_another_version_are_never_published(wheel):
    written = metadata(wheel)
    del written["Project-URL"], written["Classifier"]
    other_tag, not_listed = CHECK["reasons"](written, "## 9.9.9 - 2026-01-01", "v9.9.9")
    assert "the tag is v9.9.9" in other_tag
    assert "CHANGELOG.md has no" in not_listed


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
