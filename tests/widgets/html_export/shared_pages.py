"""An exported page, read with the standard library only."""

from __future__ import annotations

import array
import base64
import html
import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

# Type codes of the module `array`.
_TYPES = {
    "uint8": "B", "uint16": "H", "uint32": "I", "int16": "h", "int32": "i", "int64": "q",
    "float32": "f",
}  # fmt: skip


class SharedPage(HTMLParser):
    """Text and attributes of the elements of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=False)
        self.text = path.read_text("utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, str] = {}
        self._open = ""
        self.feed(self.text)
        self.close()
        self.record: dict[str, Any] = json.loads(self.contents["tw-record"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.elements.append((tag, known))
        self._open = known.get("id") or known.get("type") or tag

    def handle_data(self, data: str) -> None:
        self.contents[self._open] = self.contents.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    @property
    def policy(self) -> str:
        return next(
            html.unescape(known["content"] or "")
            for tag, known in self.elements
            if tag == "meta" and known.get("http-equiv") == "Content-Security-Policy"
        )

    def numbers(self, packed: dict[str, str]) -> list[Any]:
        unpacked = array.array(_TYPES[packed["dtype"]], base64.b64decode(packed["data"]))
        if sys.byteorder == "big":
            unpacked.byteswap()
        return unpacked.tolist()

    def picture(self, row: int) -> bytes:
        """File of a row's picture; b"" if there is none."""
        pictures = self.record["pictures"]
        if not self.numbers(pictures["mime"])[row]:
            return b""
        ends = [0, *self.numbers(pictures["ends"])]
        bodies = base64.b64decode(self.contents["tw-pictures"])
        head = pictures["heads"][self.numbers(pictures["head"])[row]]
        return bytes(self.numbers(head)) + bodies[ends[row] : ends[row + 1]]
