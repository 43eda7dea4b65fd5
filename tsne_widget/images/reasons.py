"""Why a picture cannot be shown, as one short line that is safe to put on a page."""

# ruff: noqa: A002 (`id` is the word of ImageSource)
from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from tsne_widget.errors import ImageError

MAX_CAPTION_CHARACTERS = 80

# A path inside quotes may hold spaces; outside it ends at the first one.
_FOLDERS = re.compile(
    r"""(?<=['"])(?:[A-Za-z]:)?[\\/](?:[^'"\\/\n]+[\\/])*|(?<![\w.])(?:[A-Za-z]:)?[\\/](?:[^\s'"\\/]+[\\/])*"""
)
_JOINERS = "\u200c\u200d"  # invisible, but part of how words of several scripts are written


@contextmanager
def only_image_errors(doing: str = "") -> Iterator[None]:
    """A block out of which bad data lets nothing but ImageError escape.

    KeyboardInterrupt and MemoryError pass: they are not about the picture.
    """
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        reason = reason_of(error)
        raise ImageError(f"{doing}: {reason}" if doing else reason) from error


def checked_id(id: object, count: int) -> int:
    """The id as an int of 0 … count − 1; negative ones do not count from the end.

    Raises
    ------
    ImageError
        For anything else.
    """
    try:
        number = operator.index(id)  # type: ignore[arg-type]
    except TypeError:
        raise ImageError(f"an id is an integer, got {type(id).__name__}") from None
    if not 0 <= number < count:
        raise ImageError(f"no picture {number}: the source has the ids 0 … {count - 1}")
    return number


def reason_of(error: BaseException) -> str:
    """What went wrong, in words, without the folders of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    try:
        text = without_folders(str(error))
    except Exception:  # an exception of the user's whose text fails is still only a bad picture
        text = ""
    if text and isinstance(error, (OSError, SyntaxError)):  # Pillow's, about the file
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def without_folders(text: str) -> str:
    """The text with absolute paths cut down to their last part."""
    return _FOLDERS.sub("", text)


def plain_text(text: str, limit: int = MAX_CAPTION_CHARACTERS) -> str:
    """One line of at most ``limit`` characters, control and bidi characters shown as escapes.

    Examples
    --------
    >>> plain_text("cat\\u202egnp.exe\\x00")
    'cat\\\\u202egnp.exe\\\\x00'
    """
    text = " ".join(text[: 4 * limit].split(" "))
    shown = "".join(
        character
        if character.isprintable() or character in _JOINERS
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def short_path(path: str) -> str:
    """The file's name with its folder's, which is often its class: ``cat/0001.jpg``."""
    return plain_text("/".join(PurePath(path).parts[-2:]).lstrip("/\\"))
