"""Text for display is one line without invisible characters."""

from __future__ import annotations

import pytest

from tsne_widget._text import printable


@pytest.mark.parametrize(
    "text",
    ["👩‍🚀", "👨‍👩‍👧", "👩🏽‍🚀", "☪️‍♀️", "می‌خواهم", "हिन्‍दी", "naïve café", "a b"],
)
def test_legible_text_is_unchanged(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat\u200d", "cat\\u200d"),
        ("\u200dcat", "\\u200dcat"),
        ("ca\u200ct", "ca\\u200ct"),
        ("c\u200bat", "c\\u200bat"),
        ("👩\u200d\u200d🚀", "👩\\u200d\\u200d🚀"),
        ("cat\u202egnp.exe", "cat\\u202egnp.exe"),
        ("two\nlines\u2028", "two\\nlines\\u2028"),
        ("\udce9", "\\udce9"),
    ],
)
def test_invisible_characters_are_escaped(text, expected):
    assert printable(text) == expected


def test_long_text_ends_with_an_ellipsis():
    assert printable("x" * 9, 5) == "xxxx…"
    assert printable("x" * 5, 5) == "xxxxx"
