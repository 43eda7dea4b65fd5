"""The description that PyPI shows: README.md with links that work outside the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# A link or picture of Markdown whose target is a file of the repository.
_RELATIVE = re.compile(r"(!?\[[^\]]*\])\((?!https?:|#)([^)]+)\)")


class Readme(MetadataHookInterface):
    """Sets the field ``readme`` of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in ``readme`` from README.md, with addresses below the project's source."""
        source, tag = metadata["urls"]["Source"], f"v{metadata['version']}"

        def absolute(link: re.Match[str]) -> str:
            kind = "raw" if link[1].startswith("!") else "blob"
            return f"{link[1]}({source}/{kind}/{tag}/{link[2]})"

        text = _RELATIVE.sub(absolute, (Path(self.root) / "README.md").read_text("utf-8"))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
