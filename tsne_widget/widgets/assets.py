"""Scripts and styles of the views, read into strings."""

from __future__ import annotations

import re
from pathlib import Path

_STATIC = Path(__file__).with_name("static")
_RELATIVE_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[\w.]+";\n', re.MULTILINE)


def script(*names: str) -> str:
    """One ES module of several files, in order; a file may import only those before it.

    A string, not a path: anywidget keeps a closed widget alive when ``_esm`` is a Path
    (anywidget#929), and a module loaded from a string cannot import its neighbours.
    """
    return "\n".join(
        _RELATIVE_IMPORT.sub("", (_STATIC / name).read_text("utf-8")) for name in names
    )


def style(*names: str) -> str:
    """The shared rules followed by those of the named files."""
    return "\n".join((_STATIC / name).read_text("utf-8") for name in ("common.css", *names))
