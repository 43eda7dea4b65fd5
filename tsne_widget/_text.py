"""Text of people's data, made fit for the page: always plain, never invisible, never endless."""

from __future__ import annotations

import re
import unicodedata

from tsne_widget.errors import TsneWidgetError

# Characters of a name that are shown; the rest is in the DataFrame.
MAX_NAME = 80
# Characters of a sentence that is shown: an error with its remedy.
MAX_SENTENCE = 400


# What to do about an exception that is not ours: it does not say so itself.
REMEDY = "; the traceback is in the log"


def failure(error: BaseException, what: str = "") -> str:
    """What to show of an exception: its message, and what to do.

    Parameters
    ----------
    what : str
        What has failed, if that is known.
    """
    if isinstance(error, TsneWidgetError):
        said, remedy = str(error), ""
    else:
        said, remedy = f"{type(error).__name__}: {error}", REMEDY
    return (
        printable(f"{what} failed: {said}" if what else said, MAX_SENTENCE - len(remedy)) + remedy
    )


def printable(text: object, limit: int = MAX_NAME) -> str:
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
    return bare.casefold()


def file_name(path: str) -> str:
    """Last part of a path with slashes or backslashes.

    Examples
    --------
    >>> file_name("C:\\\\pictures\\\\cat.png"), file_name("pictures/cat.png")
    ('cat.png', 'cat.png')
    """
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
