"""Notes on records, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
