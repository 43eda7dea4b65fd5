"""Text of people's data, made fit for the page: always plain, never invisible, never endless."""

from __future__ import annotations

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
