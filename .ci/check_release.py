"""Refuse to publish files that are not ready; lists every reason.

    python .ci/check_release.py dist [v1.2.3]

The folder has one wheel and one sdist. With a tag, both have its version.
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"
MAX_WHEEL_BYTES = 1_000_000


def main() -> int:
    folder, *tag = sys.argv[1:]
    (wheel,), (sdist,) = Path(folder).glob("*.whl"), Path(folder).glob("*.tar.gz")
    found = reasons(metadata_of_wheel(wheel), CHANGELOG.read_text("utf-8"), *tag)
    found += [f"{sdist.name} has other metadata"] * (
        metadata_of_sdist(sdist).items() != metadata_of_wheel(wheel).items()
    )
    if wheel.stat().st_size > MAX_WHEEL_BYTES:
        found.append(f"{wheel.name} has {wheel.stat().st_size:,} bytes; keep it below 1 MB")
    for reason in found:
        print(f"Not ready to publish: {reason}", file=sys.stderr)
    return bool(found)


def reasons(metadata: Message, changelog: str, tag: str | None = None) -> list[str]:
    """Why files with this metadata cannot be published."""
    version, found = metadata["Version"], []
    if tag is not None and tag != f"v{version}":
        found.append(f"the tag is {tag}, the version {version}; set __version__ to the tag's")
    if not re.search(rf"^## {re.escape(version)} - \d{{4}}-", changelog, re.M):
        found.append(f"CHANGELOG.md has no '## {version} - date'")
    if placeholders := [url for url in metadata.get_all("Project-URL", []) if ".invalid" in url]:
        found.append(
            f"placeholders in [project.urls]: {'; '.join(placeholders)}; set the real ones"
        )
    if private := [one for one in metadata.get_all("Classifier", []) if one.startswith("Private")]:
        found.append(f"PyPI refuses the classifier {private[0]!r}; remove it")
    return found


def metadata_of_wheel(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def metadata_of_sdist(sdist: Path) -> Message:
    with tarfile.open(sdist) as archive:
        file = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        return Parser().parsestr(file.read().decode())


if __name__ == "__main__":
    sys.exit(main())
