"""Number of packages that an installation brings into an empty environment, and of peers.

    python -m benchmarks.install [REQUIREMENT …] [--record]

pip resolves each requirement for this Python and system without installing it, which takes minutes
and needs PyPI. Packages that torch brings are counted apart: who explores a torch model has them.
On Linux, PyPI's torch brings about 20 packages of CUDA that torch's own index of CPU builds omits.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Table, parser

ROOT = Path(__file__).resolve().parent.parent
PEERS = ["jupyter-scatter", "fiftyone"]
PACKAGES = Table("install-packages", "installed | packages | without torch and what it brings")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("requirement", nargs="*", default=PEERS)
    peers = options.parse_args().requirement
    torch = brought_by("torch")
    with PACKAGES as row:
        row("torch", len(torch), 0)
        for name in (wheel(), *peers):
            brought = brought_by(name)
            shown = Path(name).name.split("-")[0] if name.endswith(".whl") else name
            row(shown, len(brought), len(brought - torch))


def wheel() -> str:
    """Path of a new wheel of this package."""
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return str(next(folder.glob("*.whl")))


def brought_by(requirement: str) -> set[str]:
    """Names of the packages that pip would install, the requirement itself among them."""
    options = ["--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    command = [sys.executable, "-m", "pip", "install", *options, requirement]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {one["metadata"]["name"].lower() for one in json.loads(run.stdout)["install"]}


if __name__ == "__main__":
    main()
