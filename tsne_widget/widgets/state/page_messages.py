"""Fields of messages from the page: untrusted, so each is checked when it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tsne_widget.widgets.state.selecting import MODES, Mode

Handler = Callable[[dict[str, Any], Sequence[memoryview]], None]


class MalformedMessageError(ValueError):
    """The page sent something that this package's own page never sends."""


def integer(content: dict[str, Any], name: str, lowest: int, highest: int) -> int:
    """The field as an int from ``lowest`` to ``highest``; anything else is malformed."""
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise MalformedMessageError(f"{name} is not an integer in {lowest} … {highest}")
    return value


def boolean(content: dict[str, Any], name: str) -> bool:
    """The field as a bool; anything else is malformed."""
    value = content.get(name)
    if not isinstance(value, bool):
        raise MalformedMessageError(f"{name} is not true or false")
    return value


def mode_of(content: dict[str, Any]) -> Mode:
    """How to combine with the current selection; an unknown word is malformed."""
    for mode in MODES:
        if content.get("mode") == mode:
            return mode
    raise MalformedMessageError("unknown mode")
