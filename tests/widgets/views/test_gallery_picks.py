"""Hovering and picking in the gallery, and malformed messages."""

import numpy as np
import pytest

from tests.widgets.views.gallery_page import N
from tsne_widget.widgets.models.tiles import MAX_TILES_PER_REPLY


def test_hovered_row_is_shared_in_both_directions(page):
    page.asks("hover", row=5)
    assert page.explorer.state.hovered == 5
    page.asks("hover", row=None)
    assert page.explorer.state.hovered is None
    page.explorer.state.hovered = 8
    assert page.get("hovered") == 8


def test_leaving_the_gallery_does_not_clear_a_row_hovered_on_the_map_since(page):
    page.asks("hover", row=5)
    page.explorer.state.hovered = 8
    page.asks("hover", row=None)
    assert page.explorer.state.hovered == 8


def picked(page):
    bits = np.unpackbits(page.shows("gallery", "picks", np.uint8))
    places = page.get("picks_start") + np.flatnonzero(bits)
    assert len(places) == page.get("picked")
    rows = page.rows_of_tiles()
    return [rows[place] for place in places]


def test_tiles_are_picked_singly_and_in_ranges_of_the_displayed_order(page):
    page.asks("arrange", source="visible", sort="confidence")
    rows = page.rows_of_tiles()
    page.at("pick", index=40, range=False)
    page.at("pick", index=37, range=True)
    assert picked(page) == rows[37:41]
    page.at("pick", index=38, range=False)
    page.at("pick", index=3, range=False)
    page.at("pick", index=5, range=True)
    assert picked(page) == [*rows[3:6], rows[37], rows[39], rows[40]]


def test_picks_are_kept_in_another_order_unless_their_rows_are_gone(page):
    page.explorer.select(np.arange(20))
    for index in (2, 3, 11):
        page.at("pick", index=index, range=False)
    page.asks("arrange", sort="loss")
    assert sorted(picked(page)) == [2, 3, 11]
    page.explorer.select(np.arange(10))
    assert sorted(picked(page)) == [2, 3]
    page.explorer.select(np.arange(20))
    assert sorted(picked(page)) == [2, 3]


@pytest.mark.parametrize(
    ("action", "expected"),
    [("keep", [2, 5]), ("remove", [3, 4]), ("add", [2, 3, 4, 5]), ("clear", [2, 3, 4, 5])],
)
def test_picked_rows_can_be_kept_removed_or_cleared(page, action, expected):
    page.explorer.select([2, 3, 4, 5])
    page.at("pick", index=0, range=False)
    page.at("pick", index=3, range=False)
    page.asks("picked", do=action)
    assert page.explorer.selected.tolist() == expected
    assert page.get("picked") == 0
    assert page.get("picks") == b""


def test_picks_among_all_visible_samples_are_added_to_the_selection(page):
    page.explorer.select([8])
    page.asks("arrange", source="visible")
    page.at("pick", index=3, range=False)
    page.asks("picked", do="add")
    assert page.explorer.selected.tolist() == [3, 8]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("arrange", {"sort": "__class__"}),
        ("arrange", {"sort": "column-2"}),
        ("arrange", {"sort": ["class"]}),
        ("arrange", {"sort": "class", "group": "evil"}),
        ("arrange", {"source": 1}),
        ("arrange", {"descending": "yes"}),
        ("arrange", {"size": 1e9}),
        ("arrange", {"size": 20, "source": "visible"}),
        ("open", {"index": 3}),
        ("open", {"index": -1}),
        ("open", {"index": True}),
        ("hover", {"row": -1}),
        ("hover", {"row": 0.5}),
        ("hover", {}),
        ("arrange", {"table": 1}),
        ("group", {"index": 0}),
        ("group", {"index": 0, "mode": "evil"}),
        ("pick", {"index": 0}),
        ("pick", {"index": 0, "range": 1}),
        ("pick", {"index": 3, "range": False}),
        ("picked", {}),
        ("picked", {"do": "replace"}),
        ("tiles", {"start": 0, "stop": 1, "size": 97}),
        ("tiles", {"start": 0, "stop": 1, "size": [96]}),
        ("tiles", {"start": 0, "stop": 1, "size": True}),
        ("tiles", {"start": 0, "stop": 4}),
        ("expect", {}),
        ("expect", {"count": 0}),
        ("expect", {"count": MAX_TILES_PER_REPLY + 1}),
        ("expect", {"count": 9, "size": 95}),
        ("expect", {"count": 9, "epoch": -1}),
    ],
)
def test_a_malformed_message_changes_nothing_and_is_not_answered(page, kind, content):
    page.explorer.select([4, 7, 9])
    before = page.state()
    page.asks(kind, **({"epoch": page.get("epoch")} | content))
    assert page.state() == before
    assert page.answers == []
    assert page.explorer.selected.tolist() == [4, 7, 9]
    assert page.explorer.state.focus is None


def test_places_of_an_older_order_are_neither_opened_nor_picked(page):
    page.explorer.select([4, 7, 9])
    stale = page.get("epoch")
    page.asks("arrange", sort="confidence")
    page.asks("open", epoch=stale, index=0)
    page.asks("pick", epoch=stale, index=0, range=False)
    assert page.explorer.state.focus is None
    assert page.get("picked") == 0


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("focus", {}),
        ("focus", {"row": N}),
        ("focus", {"row": "1"}),
        ("look", {"row": None}),
        ("neighbors", {"row": 10**30}),
        ("step", {"by": 2}),
        ("step", {}),
        ("hover", {"row": -1}),
    ],
)
def test_a_malformed_message_of_the_close_look_changes_nothing(page, kind, content):
    page.explorer.select([4, 7, 9])
    page.explorer.state.focus = 7
    before = page.state()
    page.looks(kind, **content)
    assert page.state() == before
    assert page.replies(view="look") == []


def test_saved_state_contains_no_picture(page):
    page.explorer.select("visible")
    page.explorer.state.focus = 3
    page.rows_of_tiles()
    page.looks("look", row=3)
    texts = [str(value) for name, value in page.state().items() if name.startswith("gallery.")]
    assert 0 < sum(map(len, texts)) < 5000
