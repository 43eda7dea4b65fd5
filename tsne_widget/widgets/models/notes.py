"""Notes on records, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable

# Characters of a note that are displayed: a sentence and its remedy.
MAX_NOTE = 1_000


def note_entries(notes: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """One entry for each note: the records that it is about, and its text.

    Parameters
    ----------
    notes : mapping of name to sequence of str
        Notes by the name of the record; "" if there is one record.

    Examples
    --------
    >>> note_entries({"a": ["pass layer="], "b": ["pass layer="]})
    [{'of': 'a, b', 'text': 'pass layer='}]
    """
    records: dict[str, list[str]] = {}
    for name, texts in notes.items():
        for note in texts:
            records.setdefault(note, []).append(printable(name))
    return [
        {"of": ", ".join(names), "text": printable(note, MAX_NOTE)}
        for note, names in records.items()
    ]


def conflict_notes(label_conflict: NDArray[Any] | None) -> list[str]:
    """A note on equal pictures with different labels; [] if there are none.

    Parameters
    ----------
    label_conflict : (n,) array or None
        The score of that name; None if it is not known.

    Examples
    --------
    >>> conflict_notes(np.array([0, np.nan, 0, 1, 1]))[0][:42]
    '2 pictures occur more than once, with diff'
    """
    known = [] if label_conflict is None else label_conflict[~np.isnan(label_conflict)]
    count = len(np.unique(known))
    if not count:
        return []
    one = "1 picture occurs" if count == 1 else f"{count:,} pictures occur"
    return [
        f"{one} more than once, with different labels, so at least one label of each is wrong. "
        "Find pictures: “Same picture, different labels” shows them side by side."
    ]
