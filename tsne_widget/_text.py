"""Text from users' data, made safe to display: one line, no invisible characters, limited."""

from __future__ import annotations

import re
import unicodedata

from tsne_widget.errors import TsneWidgetError

# Characters of a name that are displayed; the DataFrame has the whole name.
MAX_NAME = 80
# Characters of a sentence that are displayed: an error with its remedy.
MAX_SENTENCE = 400
# Appended to exceptions of other packages, whose messages give no remedy.
REMEDY = "; the traceback is in the log"

# Cc: control, Cf: format (bidi overrides, zero width), Cs: surrogate, Zl/Zp: line separators.
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
# ZWNJ and ZWJ shape Persian or Hindi words and compose emoji. Next to these categories (letters
# without case, marks, symbols, skin tones) they are legible; within Latin text they are invisible.
_JOINERS = "\u200c\u200d"
_JOINED = ("Lo", "Mn", "Mc", "So", "Sk")


def unexpected(error: BaseException) -> BaseException | None:
    """An exception whose traceback belongs into the log; None for ours, which say the remedy."""
    return None if isinstance(error, TsneWidgetError) else error


def failure(error: BaseException, what: str = "") -> str:
    """The text to display for an exception: its message and a remedy.

    Parameters
    ----------
    what : str
        What failed, if that is known.
    """
    if isinstance(error, TsneWidgetError):
        message, remedy = str(error), ""
    else:
        message, remedy = f"{type(error).__name__}: {error}", REMEDY
    whole = f"{what} failed: {message}" if what else message
    return printable(whole, MAX_SENTENCE - len(remedy)) + remedy


def printable(text: object, limit: int = MAX_NAME) -> str:
    """One line of visible text, at most ``limit`` characters long.

    Control characters, bidi marks and other invisible characters become escapes. Zero-width joiners
    stay where they compose an emoji or shape a word. Lone surrogates (file names that are not
    UTF-8) become escapes because JSON cannot carry them.

    Examples
    --------
    >>> printable("cat\\u202egnp.exe\\x00")
    'cat\\\\u202egnp.exe\\\\x00'
    """
    characters = str(text)[: limit + 1]
    plain = "".join(
        character if _is_visible(characters, i) else _escape(character)
        for i, character in enumerate(characters)
    )
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _is_visible(text: str, i: int) -> bool:
    if text[i] in _JOINERS:
        return 0 < i < len(text) - 1 and _is_joined(text[i - 1]) and _is_joined(text[i + 1])
    return unicodedata.category(text[i]) not in _INVISIBLE


def _is_joined(character: str) -> bool:
    return unicodedata.category(character) in _JOINED


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def fold(text: str) -> str:
    """Text without case, accents and compatibility forms, for a search.

    Examples
    --------
    >>> fold("Crème BRÛLÉE"), fold("Straße")
    ('creme brulee', 'strasse')
    """
    if text.isascii():
        return text.casefold()  # 30 times faster
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(part for part in parts if not unicodedata.category(part).startswith("M"))
    return bare.upper().casefold()  # as the page's fold(): capitals first


def file_name(path: str) -> str:
    """Last part of a path with slashes or backslashes.

    Examples
    --------
    >>> file_name("C:\\\\pictures\\\\cat.png"), file_name("pictures/cat.png")
    ('cat.png', 'cat.png')
    """
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
