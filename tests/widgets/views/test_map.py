"""Gestures on the map: lasso, click and hover, over all visible rows."""

import numpy as np
import pytest

from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget._text import REMEDY
from tsne_widget.widgets.views.map.messages import MAX_VERTICES

N = 30
SQUARE = np.array([[-1, -1], [10.5, -1], [10.5, 10.5], [-1, 10.5]])


@pytest.fixture
def explorer():
    record = FeatureSet.from_arrays(np.eye(N), np.arange(N) % 3, predictions=np.zeros(N, dtype=int))
    with EmbeddingExplorer(record, embedding=np.column_stack([np.arange(N)] * 2)) as opened:
        yield opened


@pytest.fixture
def page(explorer):
    return Page(explorer)


def test_a_polygon_selects_the_visible_rows_inside_it(explorer, page):
    page.lasso(SQUARE)
    assert explorer.selected.tolist() == list(range(11))
    explorer.visible_classes = ["0", "2"]
    page.lasso(SQUARE)
    assert explorer.selected.tolist() == [row for row in range(11) if row % 3 != 1]
    assert explorer.message == ""  # hidden points are not requested


def test_polygons_combine_by_their_mode(explorer, page):
    page.lasso(SQUARE)
    page.lasso(SQUARE + 5, "intersect")
    assert explorer.selected.tolist() == list(range(4, 11))
    page.lasso(SQUARE + 15, "add")
    assert explorer.selected.tolist() == [*range(4, 11), *range(14, 26)]
    page.lasso(SQUARE, "subtract")
    assert explorer.selected.tolist() == list(range(14, 26))


@pytest.mark.parametrize(
    "polygon",
    [
        SQUARE[:2],
        np.vstack([SQUARE, [[np.nan, 0]]]),
        np.vstack([SQUARE, [[np.inf, 0]]]),
        np.vstack([SQUARE, [[1e308, 0]]]),
        np.zeros((MAX_VERTICES + 1, 2)),
    ],
)
def test_a_malformed_polygon_changes_nothing(explorer, page, polygon):
    explorer.select([29])
    page.lasso(polygon)
    assert explorer.selected.tolist() == [29]
    assert explorer.message == ""  # dropped, not reported: no user has drawn it


def test_error_in_an_observer_is_displayed_and_the_selection_is_kept(explorer, page):
    def broken(_change):
        raise RuntimeError("observer is <b>broken</b>")

    explorer.observe(broken, "selected")
    page.lasso(SQUARE)
    assert page.replies("selected", "map")  # the page waits for it
    assert explorer.message == f"RuntimeError: observer is <b>broken</b>{REMEDY}"
    assert explorer.selected.tolist() == list(range(11))


def test_hidden_point_can_be_neither_picked_nor_focused(explorer, page):
    rows = page.rows(explorer.embedding).tolist()
    hidden, visible = rows.index(1), rows.index(2)
    explorer.visible_classes = ["0", "2"]
    page.send("map", "pick", point=hidden, mode="replace")
    page.send("map", "hover", point=hidden)
    assert explorer.selected.tolist() == []
    assert page.replies() == []
    page.send("map", "hover", point=visible)
    assert page.replies("hover")[0].content["tile"]["id"] == explorer.hovered == 2
    page.send("map", "leave")
    assert explorer.hovered is None
    page.send("map", "pick", point=visible, mode="replace")
    assert explorer.selected.tolist() == [2]


def test_opening_a_point_keeps_the_selection(explorer, page):
    explorer.select([4, 5])
    page.send("map", "open", point=page.rows(explorer.embedding).tolist().index(7))
    assert explorer.state.focus == 7
    assert explorer.selected.tolist() == [4, 5]


def test_only_mistakes_can_be_selected_while_only_they_are_drawn(explorer, page):
    explorer.state.mistakes = "only"
    assert page.shows("map", "mistakes") == "only"
    page.lasso(SQUARE)
    assert explorer.selected.tolist() == [row for row in range(11) if row % 3]
    right = page.rows(explorer.embedding).tolist().index(3)
    page.send("map", "open", point=right)
    assert explorer.state.focus is None


def test_pictures_of_points_are_sent_in_their_order(explorer, page):
    page.send("map", "pictures", points=[3, 1], epoch=0)
    answer = page.replies("pictures")[0]
    rows = page.rows(explorer.embedding)
    assert [tile["id"] for tile in answer.content["tiles"]] == [rows[3], rows[1]]
    page.forget()
    for points in ([], [N], list(range(N)) * 30, "12", None, [True]):
        page.send("map", "pictures", points=points, epoch=0)
    assert not page.replies("pictures")


def test_page_stores_only_its_viewport_and_labels_in_the_model(explorer, page):
    before = page.state()
    page.sets("map", viewport=[0.0, 1.0, 0.0, 2.0], show_labels=False, point_size=2.0)
    assert page.shows("map", "viewport") == [0.0, 1.0, 0.0, 2.0]
    assert not page.shows("map", "show_labels")
    page.sets("map", viewport=[], show_labels=True, point_size=1.0)
    for traits in (
        {"budget": 5}, {"selected": b""}, {"viewport": [], "codes": b""}, {"figure": None},
        {"point_size": 0.0}, {"opacity": float("nan")}, {"mistakes": "only"},
        {"_state": None}, {"handlers": {}}, {"is_open": False}, None, [], "viewport", 3,
    ):  # fmt: skip
        page.send("map", "set", state=traits)
    assert page.state() == before


def test_the_toolbar_selects_the_visible_misclassified_rows_and_clears(explorer, page):
    page.send("toolbar", "misclassified")
    assert explorer.selected.tolist() == [row for row in range(N) if row % 3]
    explorer.visible_classes = ["0", "1"]
    page.send("toolbar", "misclassified")
    assert explorer.selected.tolist() == list(range(1, N, 3))
    page.send("toolbar", "clear")
    assert explorer.selected.tolist() == []
