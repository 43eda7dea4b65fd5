"""Rows that the page receives if there are too many to send."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.models.window import Window, drawing_order

N = 400
CORNER = [0.0, 0.15, 0.0, 0.15]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Sixty points in total, forty of them fixed."""
    for name, value in (("MAX_WHOLE", 100), ("SAMPLE", 40), ("TAIL", 20)):
        monkeypatch.setattr(f"tsne_widget.widgets.models.window.{name}", value)


def make() -> tuple[Window, np.ndarray]:
    rng = np.random.default_rng(0)
    return Window(rng.integers(0, 5, N), rng.random(N) < 0.1), rng.random((N, 2))


def test_every_row_is_a_point_up_to_the_limit():
    window = Window(np.zeros(100, dtype=np.int64), np.zeros(100, dtype=bool))
    before = window.rows
    assert sorted(before) == list(range(100))
    assert not window.move(np.arange(100) < 5, np.array([3]))
    assert window.rows is before
    assert window.unknown == 0


def test_rows_in_the_viewport_become_points_and_the_sample_is_kept():
    window, xy = make()
    sample = window.rows[:40].copy()
    in_sight = (xy < 0.15).all(axis=1)
    assert 0 < in_sight.sum() < 20
    assert window.move(in_sight, np.empty(0, dtype=np.int64))
    assert np.array_equal(window.rows[:40], sample)
    assert (window.points[in_sight] >= 0).all()
    assert window.unknown == 0
    assert not window.move(in_sight, np.empty(0, dtype=np.int64))


def test_rows_beyond_the_limit_are_counted():
    window, xy = make()
    in_sight = xy[:, 0] < 0.5
    window.move(in_sight, np.empty(0, dtype=np.int64))
    assert window.unknown == np.count_nonzero(in_sight & (window.points < 0)) > 100


def test_points_include_a_small_selection_outside_the_viewport():
    window, xy = make()
    chosen = np.flatnonzero(window.points < 0)[:7]
    assert window.lacks(chosen)
    assert not window.lacks(window.rows[30:50])
    assert not window.lacks(np.arange(N))
    assert window.move(xy[:, 0] < 0.5, chosen)
    assert (window.points[chosen] >= 0).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, N)), min_size=1, max_size=6))
def test_rows_and_points_are_inverse_after_any_viewports(looks):
    window, xy = make()
    for edge, count in looks:
        epoch, rows = window.epoch, window.rows
        changed = window.move(xy[:, 0] <= edge, np.arange(count))
        assert changed == (window.epoch > epoch) == (not np.array_equal(rows, window.rows))
        assert len(set(window.rows.tolist())) == len(window.rows) <= 60
        assert np.array_equal(window.points[window.rows], np.arange(len(window.rows)))
        assert np.count_nonzero(window.points >= 0) == len(window.rows)


def test_every_prefix_of_the_drawing_order_contains_all_classes_and_mistakes():
    rng = np.random.default_rng(0)
    codes = rng.choice(5, p=[0.9, 0.07, 0.02, 0.008, 0.002], size=50_000)
    wrong = rng.random(50_000) < 0.02
    order = drawing_order(codes, wrong)
    assert np.array_equal(np.sort(order), np.arange(50_000))
    beginning = order[:1000]
    counts = np.bincount(codes[beginning], minlength=5)
    assert (counts > 20).all()
    assert wrong[beginning].sum() > 100
    assert np.array_equal(order, drawing_order(codes, wrong))


def make_explorer() -> EmbeddingExplorer:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, N)
    predictions = np.where(rng.random(N) < 0.2, 0, labels)
    record = FeatureSet.from_arrays(rng.normal(size=(N, 4)), labels, predictions=predictions)
    return EmbeddingExplorer(record, embedding=rng.random((N, 2)))


def test_page_receives_points_of_its_viewport_and_selections_include_all_rows():
    with make_explorer() as explorer:
        page = Page(explorer)
        assert len(page.points()) == len(page.shows("map", "codes", "u1")) == 60
        assert page.shows("map", "unknown") == N - 60
        page.sets("map", viewport=CORNER)
        rows = page.rows(explorer.embedding)
        in_sight = (explorer.embedding <= 0.15).all(axis=1)
        assert set(np.flatnonzero(in_sight)) <= set(rows.tolist())
        assert page.shows("map", "unknown") == 0
        assert np.array_equal(page.shows("map", "codes", "u1"), explorer.state.codes[rows])
        wrong = page.shows("map", "wrong", "<u4")
        assert np.array_equal(wrong, np.flatnonzero(explorer.feature_set.misclassified[rows]))
        explorer.select("all")
        assert len(explorer.selected) == N
        assert len(page.shows("map", "selected", "<u4")) <= 60


def test_messages_about_replaced_points_are_dropped():
    with make_explorer() as explorer:
        page = Page(explorer)
        page.send("map", "pick", point=50, epoch=0, mode="replace")
        assert explorer.selected.tolist() == [page.rows(explorer.embedding)[50]]
        explorer.clear()
        page.sets("map", viewport=CORNER)
        assert page.shows("map", "epoch") > 0
        page.send("map", "pick", point=50, epoch=0, mode="replace")
        assert len(explorer.selected) == 0


def test_hidden_classes_leave_room_for_others_in_the_viewport():
    with make_explorer() as explorer:
        page = Page(explorer)
        page.sets("map", viewport=[0.0, 0.5, 0.0, 0.5])
        before = page.shows("map", "unknown")
        explorer.visible_classes = explorer.state.class_names[:1]
        assert page.shows("map", "unknown") < before
        tail = page.rows(explorer.embedding)[40:]
        assert (explorer.state.codes[tail] == 0).all()


def test_links_of_a_point_name_only_known_points():
    with make_explorer() as explorer:
        page = Page(explorer)
        explorer.state.focus = int(page.rows(explorer.embedding)[0])
        links = page.shows("map", "links", "<u4")
        assert links[0] == 0
        assert (links < 60).all()
