"""Text of people's data, made fit for the page: always plain, never invisible, never endless."""

from __future__ import annotations

import unicodedata

# Characters of a name that are shown; the rest is in the DataFrame.
MAX_SHOWN = 80


def shown(text: object) -> str:
    """One line of visible text: controls and bidi marks as escapes, at most ``MAX_SHOWN`` long.

    Lone surrogates (file names that are not UTF-8) become escapes too: they cannot be sent as JSON.
    """
    plain = "".join(
        character if _is_visible(character) else _escape(character)
        for character in str(text)[: MAX_SHOWN + 1]
    )
    return plain if len(plain) <= MAX_SHOWN else plain[: MAX_SHOWN - 1] + "…"


def _is_visible(character: str) -> bool:
    # Cc: control, Cf: format (bidi overrides, zero width), Cs: surrogate, Zl/Zp: line separators
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
