"""Dependencies come from the index, with a minimum version that is known to work.

Known vulnerabilities are checked by `make audit`, which needs the internet, and conflicts by
`pip check` in `make lint`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # installed with pytest

ROOT = Path(__file__).resolve().parents[1]

# Name, extras and versions; no URL (name @ https://…), no file, no option of pip.
FROM_THE_INDEX = re.compile(
    r"[A-Za-z0-9._-]+(\[[a-z,]+\])?>=[0-9.]+(,<[0-9.]+)?(; python_version < '3\.\d+')?"
)
OUR_EXTRA = re.compile(r"tsne-widget\[[a-z,]+\]")
PINNED = re.compile(r"[A-Za-z0-9._-]+==[0-9.]+")


def requirements() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    extras = [one for group in project["optional-dependencies"].values() for one in group]
    own = [one for one in extras if OUR_EXTRA.fullmatch(one)]
    everything = [*project["dependencies"], *extras, *settings["build-system"]["requires"]]
    return [one for one in everything if one not in own]


def test_every_dependency_comes_from_the_index_with_a_minimum_version():
    assert len(requirements()) > 20
    assert not [one for one in requirements() if not FROM_THE_INDEX.fullmatch(one)]


def test_no_requirement_names_a_triton():
    """Each CUDA build of torch requires one version of Triton, so pip refuses any other."""
    assert not [one for one in requirements() if one.startswith("triton")]


def test_a_constraint_of_ci_is_one_exact_version():
    lines = (ROOT / ".ci" / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert not [line for line in pins if not PINNED.fullmatch(line)]


def test_the_minimum_pillow_has_no_known_overflow():
    (bound,) = {one.split(">=")[1] for one in requirements() if one.startswith("pillow")}
    assert tuple(map(int, bound.split("."))) >= (10, 3)  # CVE-2024-28219
