"""The bundled scripts and styles of the page, read into strings.

``make bundle`` makes the bundles from the modules beside each view; see ``bundle.mjs``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_BUNDLES = Path(__file__).with_name("dist")


@cache
def bundle(name: str) -> str:
    """A bundle, such as "widget.js".

    A string, not a path: anywidget keeps a closed widget alive if its ``_esm`` is a path
    (anywidget#929).
    """
    return (_BUNDLES / name).read_text("utf-8")
