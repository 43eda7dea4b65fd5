"""Which of the installed versions have known holes: asked of PyPI by pip-audit.

Where a mirror of PyPI knows nothing of holes, pip-audit ends well: "No known vulnerabilities
found". So it is first asked about a version that has some; without an answer to that, this says
that nothing was audited, and fails.

    python .ci/audit.py FOLDER    of the packages, site-packages of an environment
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# CVE-2022-22817 and others.
WITH_HOLES = "pillow==9.0.0"


def asked(*arguments: str) -> list[dict[str, Any]]:
    """What is known of each package; nothing where the service cannot be reached."""
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner=off", "--format=json"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    try:
        known: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(done.stderr.strip()[-500:])
        return []
    return known


def main(folder: str) -> int:
    """0 if there is no known hole, 1 if there are some, 2 if nobody could be asked."""
    with tempfile.TemporaryDirectory() as place:
        canary = Path(place, "requirements.txt")
        canary.write_text(WITH_HOLES, "utf-8")
        known = asked("--requirement", str(canary), "--no-deps", "--disable-pip")
    if not any(package.get("vulns") for package in known):
        print(f"Nobody here knows the holes of {WITH_HOLES}: the dependencies are NOT audited")
        return 2
    packages = asked("--path", folder)
    silent = [package["name"] for package in packages if "vulns" not in package]
    holes = [package for package in packages if package.get("vulns")]
    for package in holes:
        for hole in package["vulns"]:
            fixed = ", ".join(hole["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {hole['id']}, fixed in {fixed}")
    print(f"{len(packages) - len(silent)} packages audited, {len(holes)} with known holes")
    if silent:
        print(f"NOT audited, for the index does not know them: {', '.join(silent)}")
    return 1 if holes or not packages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
