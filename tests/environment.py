"""An environment with only a wheel and the distributions that it requires.

The distributions are linked from the environment that runs the tests. This takes seconds instead of
the minutes of pip, and it excludes everything that the wheel does not declare.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def install(wheel: Path, folder: Path, *others: str) -> str:
    """Make an environment with a wheel.

    Parameters
    ----------
    wheel : Path
    folder : Path
        Where the environment is made.
    *others : str
        Further requirements of the environment.

    Returns
    -------
    str
        Path of its interpreter.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (installed,) = site.glob("*.dist-info")
    required = _required_by(Distribution.at(installed), ())
    for one in _closure([*required, *map(Requirement, others)]):
        _link(one, site)
    return python


def _required_by(installed: Distribution, extras: Iterable[str]) -> list[Requirement]:
    """Requirements of a distribution that hold for this interpreter."""
    found = map(Requirement, installed.requires or ())
    environments = [{"extra": extra} for extra in ("", *extras)]
    return [
        one for one in found if one.marker is None or any(map(one.marker.evaluate, environments))
    ]


def _closure(requirements: list[Requirement]) -> list[Distribution]:
    """Installed distributions that satisfy the requirements and their own requirements."""
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    while requirements:
        one = requirements.pop()
        key = canonicalize_name(one.name), frozenset(one.extras)
        if key not in found:
            found[key] = distribution(one.name)
            requirements += _required_by(found[key], one.extras)
    return list({name: installed for (name, _), installed in found.items()}.values())


def _link(installed: Distribution, site: Path) -> None:
    """Link the files of a distribution, except its commands: they start another interpreter."""
    commands = site.parents[2] / "bin"
    for file in installed.files or ():
        source, target = Path(str(installed.locate_file(file))), site / file
        target = Path(os.path.normpath(target))
        if target.parent == commands or target.exists() or not source.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system
            target.symlink_to(source)
