"""Notes: what a record infers and cannot verify, each with the call that settles it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

from tsne_widget.errors import DoubtWarning

_PACKAGE = str(Path(__file__).parent)


class Notes:
    """Collects notes in order of arrival, each text once.

    A note is a short sentence that says what is inferred or doubtful, and names the argument or
    call that settles it. What is verified has no note.

    Examples
    --------
    >>> notes = Notes()
    >>> notes.add("the layer is a guess; pass layer=")
    >>> notes.add("the layer is a guess; pass layer=")
    >>> notes.texts
    ('the layer is a guess; pass layer=',)
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: dict[str, None] = dict.fromkeys(texts)

    def add(self, text: str) -> None:
        """Add a note, unless it is there already."""
        self._texts[text] = None

    @property
    def texts(self) -> tuple[str, ...]:
        """All notes."""
        return tuple(self._texts)


def warn_about(notes: Iterable[str]) -> None:
    """Issue each note as a :class:`DoubtWarning` of the line of code that called this package."""
    level = _caller_level()
    for note in notes:
        warnings.warn(note, DoubtWarning, stacklevel=level)


def _caller_level() -> int:
    """The ``stacklevel`` of the first frame outside this package, seen from `warn_about`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
