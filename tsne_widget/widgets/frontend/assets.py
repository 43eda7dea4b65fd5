"""Scripts and styles of the views, read into strings."""

from __future__ import annotations

import re
from pathlib import Path

_STATIC = Path(__file__).with_name("static")
_RELATIVE_IMPORT = re.compile(r'^import \{[^}]*\} from "\.{1,2}/[\w./]+";\n', re.MULTILINE)
_DEFAULT_EXPORT = re.compile(r"^export default (.+);$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const )", re.MULTILINE)


def script(*names: str) -> str:
    """One ES module of several files, in order; a file may import only those before it.

    A string, not a path: anywidget keeps a closed widget alive when ``_esm`` is a Path
    (anywidget#929), and a module loaded from a string cannot import its neighbours.
    """
    return "\n".join(
        _RELATIVE_IMPORT.sub("", (_STATIC / name).read_text("utf-8")) for name in names
    )


def view_script(*names: str) -> str:
    """The body of a function that returns what the module of these files exports by default."""
    return _EXPORT.sub("", _DEFAULT_EXPORT.sub(r"return \1;", script(*names)))


def style(*names: str) -> str:
    """The shared rules followed by those of the named files."""
    return "\n".join((_STATIC / name).read_text("utf-8") for name in ("common.css", *names))
