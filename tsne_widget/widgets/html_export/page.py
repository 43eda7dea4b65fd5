"""The HTML of a shared page: one file of scripts, styles and data that may fetch nothing.

The page is made of the widget's own views. What the kernel answers them in a notebook is answered
by ``html_export/page``; the map is drawn on a canvas in place of bqplot's figure.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Iterator
from typing import Any

from tsne_widget.widgets.frontend.assets import bundle

# Bytes that are put into base64 at a time: a multiple of three, so that the parts fit together.
_BLOCK_BYTES = 3 * 2**18


def page_parts(title: str, record: dict[str, Any], pictures: bytes) -> Iterator[bytes]:
    """The page as UTF-8, part by part.

    Parameters
    ----------
    title : str
    record : dict
        Plain data for ``html_export/page/record.js``.
    pictures : bytes
        The pictures' bodies; the page decodes what it shows.
    """
    code, rules = bundle("page.js"), bundle("page.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(code)}'; style-src '{_hash(rules)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{html.escape(title)}</title>
<style>{rules}</style>
</head>
<body>
<main id="tw-page"></main>
<noscript>This page is a map of samples that a script draws: allow scripts to see it.</noscript>
<script type="application/json" id="tw-record">""".encode()
    yield as_script_data(record)
    yield b'</script>\n<script type="text/plain" id="tw-pictures">'
    yield from _as_base64(pictures)
    yield f'</script>\n<script type="module">{code}</script>\n</body>\n</html>\n'.encode()


def as_script_data(value: Any) -> bytes:
    """JSON that stands in a script element: in ASCII, and nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("ascii")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _as_base64(content: bytes) -> Iterable[bytes]:
    view = memoryview(content)
    for start in range(0, len(view), _BLOCK_BYTES):
        yield base64.b64encode(view[start : start + _BLOCK_BYTES])
