"""Why a picture cannot be displayed, as one short line without folder names."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from tsne_widget._text import printable
from tsne_widget.errors import ImageError

# A path inside quotes may have spaces; other paths end at the first space.
_FOLDERS = re.compile(
    r"""(?<=['"])(?:[A-Za-z]:)?[\\/](?:[^'"\\/\n]+[\\/])*|(?<![\w.])(?:[A-Za-z]:)?[\\/](?:[^\s'"\\/]+[\\/])*"""
)


@contextmanager
def only_image_errors(action: str = "") -> Iterator[None]:
    """A block that turns every error about the data into ImageError.

    KeyboardInterrupt and MemoryError pass, because the picture is not their cause.

    Parameters
    ----------
    action : str
        The start of the message, such as "cannot be decoded".
    """
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        reason = reason_of(error)
        raise ImageError(f"{action}: {reason}" if action else reason) from error


def checked_id(id: object, count: int) -> int:
    """The id as an int in 0 … count − 1; negative ids do not count from the end.

    Raises
    ------
    ImageError
        If ``id`` is not an integer, or is out of range.
    """
    try:
        number = operator.index(id)  # type: ignore[arg-type]  # anything else raises TypeError
    except TypeError:
        raise ImageError(f"an id must be an integer, got {type(id).__name__}") from None
    if not 0 <= number < count:
        raise ImageError(f"no picture {number}: the source has the ids 0 … {count - 1}")
    return number


def reason_of(error: BaseException) -> str:
    """The message of an exception, without folder names of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    try:
        text = without_folders(str(error))
    except Exception:  # the user's exception may fail to format itself
        text = ""
    if text and isinstance(error, (OSError, SyntaxError)):  # from Pillow, about the file
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def without_folders(text: str) -> str:
    """The text with absolute paths reduced to their last part."""
    return _FOLDERS.sub("", text)


def short_path(path: str) -> str:
    """The file name with its folder, which is often the class: ``cat/0001.jpg``."""
    return printable("/".join(PurePath(path).parts[-2:]).lstrip("/\\"))
