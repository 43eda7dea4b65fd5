"""CI, the oldest tested dependencies and the issue forms agree with the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # installed with pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
YAML = sorted([*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"])


def bounds(requirements: list[str]) -> dict[str, list[int]]:
    """Minimum or exact version of each requirement, as numbers."""
    found = {}
    for line in requirements:
        if match := re.match(r"([\w-]+)(?:\[\w+\])?(?:>=|==)([\d.]+)", line):
            found[match[1]] = [int(part) for part in match[2].split(".")]
    return found


def test_the_oldest_tested_versions_are_the_minimum_versions_of_the_package():
    tested = bounds((ROOT / ".ci" / "oldest.txt").read_text("utf-8").splitlines())
    wanted = bounds(PROJECT["dependencies"])
    for extra in ("fast", "neighbors", "figures", "ray", "parquet", "demo"):
        wanted |= bounds(PROJECT["optional-dependencies"][extra])
    for name, bound in wanted.items():
        assert tested[name][: len(bound)] == bound, name


def test_ci_runs_on_every_python_of_the_classifiers():
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_a_github_file_is_valid(path):
    content = yaml.safe_load(path.read_text("utf-8"))
    if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml":
        assert {"name", "description", "body"} <= content.keys()
        ids = [field["id"] for field in content["body"]]
        assert len(ids) == len(set(ids))
    if path.parent.name == "workflows":
        for job in content["jobs"].values():
            for step in job["steps"]:
                assert ("uses" in step) != ("run" in step)
                assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))
