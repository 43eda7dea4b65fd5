"""What the package stands on: from the index, and no older than a version that is known to work.

pip-audit asks a service on the internet which versions have known holes; it has no answer without
one, so it is `make audit` and no test. These are the rules that hold offline; `pip check` is in
`make lint`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it there

ROOT = Path(__file__).resolve().parents[1]

# name, extras, then versions; no address (name @ https://…), no file, no option of pip's
FROM_THE_INDEX = re.compile(
    r"[A-Za-z0-9._-]+(\[[a-z,]+\])?>=[0-9.]+(,<[0-9.]+)?(; python_version < '3\.\d+')?"
)
OF_OURS = re.compile(r"tsne-widget\[[a-z,]+\]")
PINNED = re.compile(r"[A-Za-z0-9._-]+==[0-9.]+")


def requirements() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    extras = [one for group in project["optional-dependencies"].values() for one in group]
    own = [one for one in extras if OF_OURS.fullmatch(one)]
    everything = [*project["dependencies"], *extras, *settings["build-system"]["requires"]]
    return [one for one in everything if one not in own]


def test_every_dependency_comes_from_the_index_with_a_lowest_version():
    assert len(requirements()) > 20
    assert not [one for one in requirements() if not FROM_THE_INDEX.fullmatch(one)]


def test_what_ci_pins_is_pinned_to_one_version():
    lines = (ROOT / ".ci" / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert not [line for line in pins if not PINNED.fullmatch(line)]


def test_pillow_which_decodes_what_is_not_trusted_is_one_without_known_overflows():
    (bound,) = {one.split(">=")[1] for one in requirements() if one.startswith("pillow")}
    assert tuple(map(int, bound.split("."))) >= (10, 3)  # CVE-2024-28219
