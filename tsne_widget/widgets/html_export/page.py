"""The HTML of an exported page: scripts, styles and data in one file that fetches nothing.

The page has the widget's own views. ``html_export/page`` answers their messages in place of the
kernel. A canvas of our own takes the place of bqplot's figure.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Iterator
from typing import Any

from tsne_widget.widgets.frontend.assets import bundle

# Bytes that are encoded at a time: a multiple of three, so that the base64 has no padding inside.
_BLOCK_BYTES = 3 * 2**18


def page_parts(title: str, record: dict[str, Any], pictures: bytes) -> Iterator[bytes]:
    """The page in UTF-8, in parts.

    Parameters
    ----------
    title : str
    record : dict
        Plain data for ``page/record.js``.
    pictures : bytes
        Bodies of the pictures; the page decodes only the visible ones.
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
<noscript>A script draws this map. Allow scripts to see it.</noscript>
<script type="application/json" id="tw-record">""".encode()
    yield as_script_data(record)
    yield b'</script>\n<script type="text/plain" id="tw-pictures">'
    yield from _as_base64(pictures)
    yield f'</script>\n<script type="module">{code}</script>\n</body>\n</html>\n'.encode()


def as_script_data(value: Any) -> bytes:
    """ASCII JSON for a script element; no text in it can end the element."""
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
