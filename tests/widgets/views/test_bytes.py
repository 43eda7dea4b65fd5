"""Bytes that one gesture sends to the page, without Jupyter's envelope."""

import json

import numpy as np
import pytest
from ipywidgets.embed import dependency_state

from tests.widgets.page import Page, open_widgets
from tsne_widget import EmbeddingExplorer, FeatureSet

N, CLASSES = 5_000, 7


@pytest.fixture
def page():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, N)
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), labels, predictions=np.where(rng.random(N) < 0.1, 0, labels)
    )
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as opened:
        yield Page(opened)


def test_a_toggle_sends_less_than_two_hundred_bytes(page):
    page.send("legend", "toggle", code=2)
    assert 0 < page.bytes_sent < 200


def test_lasso_sends_four_bytes_per_selected_row_and_little_more(page):
    page.lasso([[-0.7, -0.7], [0.7, -0.7], [0.7, 0.7], [-0.7, 0.7]])
    rows = len(page.widget.selected)
    assert rows > 800
    assert 4 * rows <= page.bytes_sent < 1.2 * 4 * rows


def test_hover_sends_one_tile_and_only_the_number_of_a_known_one(page):
    page.send("map", "hover", point=5)
    assert page.bytes_sent < 1000
    page.forget()
    page.send("map", "hover", point=6, known=True)
    assert page.bytes_sent < 100


def test_points_are_loaded_with_at_most_thirteen_bytes_each(page):
    loaded = sum(mark.x.nbytes + mark.y.nbytes + mark.color.nbytes for mark in page.figure().marks)
    loaded += len(page.shows("map", "codes")) + len(page.shows("map", "wrong"))
    assert loaded / N <= 13


def test_page_without_bqplot_gl_receives_nine_bytes_per_point_on_request_only(page):
    assert not page.shows("map", "places")
    assert not page.shows("map", "texels")
    rows = page.rows(page.widget.embedding)
    for _ in range(2):
        page.send("map", "no_figure")
    assert len(page.shows("map", "places")) + len(page.shows("map", "texels")) == 9 * N
    assert 9 * N <= page.bytes_sent < 10 * N
    places = page.shows("map", "places", "<f4").reshape(2, N)
    assert np.array_equal(places, page.widget.embedding[rows].T)
    colors = np.array(page.shows("map", "texture"))[page.shows("map", "texels", "u1")]
    classes = page.shows("legend", "colors")
    assert colors.tolist() == [classes[code] for code in page.widget.state.codes[rows]]


def test_a_page_without_bqplot_gl_follows_places_and_colours(page):
    explorer = page.widget
    rows = page.rows(explorer.embedding)
    page.send("map", "no_figure")
    explorer.state.embedding = explorer.embedding[::-1].copy()
    places = page.shows("map", "places", "<f4").reshape(2, N)
    assert np.array_equal(places, explorer.embedding[rows].T)
    explorer.color_by = "correct"
    wrong = explorer.feature_set.misclassified[rows]
    assert np.array_equal(page.shows("map", "texels", "u1"), wrong)


def saved(page):
    """Bytes that a saved notebook has of a widget, as text."""
    return len(json.dumps(dependency_state([page.widget], drop_defaults=False)))


def test_a_saved_notebook_has_the_points_once(page):
    with_figure, models = saved(page), open_widgets()
    page.send("map", "no_figure")
    assert saved(page) < with_figure
    assert page.shows("map", "figure") is None
    assert open_widgets() < models
    page.widget.state.embedding = page.widget.embedding[::-1].copy()
    assert page.shows("map", "figure") is None
