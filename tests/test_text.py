"""Text for a person: one printable line of bounded length."""

import pytest

from tsne_widget._text import MAX_NAME, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", "cat"),
        ("<script>x</script>", "<script>x</script>"),  # the page sets it as text
        ("a\x00b\nc", "a\\x00b\\nc"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("\udcff.jpg", "\\udcff.jpg"),
        ("ünï ✓ 猫", "ünï ✓ 猫"),
    ],
)
def test_text_for_the_page_is_one_visible_line(text, expected):
    assert printable(text) == expected
    printable(text).encode("utf-8")


def test_text_for_the_page_is_bounded():
    assert len(printable("x" * 10_000)) == MAX_NAME
    assert len(printable("\x00" * 10_000)) <= MAX_NAME
