"""Text of people's data, made fit for the page: always plain, never invisible, never endless."""

from __future__ import annotations

import unicodedata

# Characters of a name that are shown; the rest is in the DataFrame.
MAX_NAME = 80
# Characters of a sentence that is shown: an error with its remedy.
MAX_SENTENCE = 400


def shown(text: object, limit: int = MAX_NAME) -> str:
    """One line of visible text: controls and bidi marks as escapes, at most ``limit`` long.

    Lone surrogates (file names that are not UTF-8) become escapes too: they cannot be sent as JSON.
    """
    plain = "".join(
        character if _is_visible(character) else _escape(character)
        for character in str(text)[: limit + 1]
    )
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _is_visible(character: str) -> bool:
    # Cc: control, Cf: format (bidi overrides, zero width), Cs: surrogate, Zl/Zp: line separators
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
