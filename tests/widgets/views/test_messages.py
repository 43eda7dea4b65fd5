"""Messages of the page are untrusted: whatever comes, the state stays whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget._text import MAX_NAME, REMEDY, printable
from tsne_widget.widgets import gallery as gallery_module
from tsne_widget.widgets.models.window import drawing_order
from tsne_widget.widgets.views.gallery.view import MAX_TILES_PER_REPLY
from tsne_widget.widgets.views.map.view import MAX_VERTICES

N = 30
SQUARE = np.array([[-1, -1], [10.5, -1], [10.5, 10.5], [-1, 10.5]], dtype="<f8")


def make_explorer() -> EmbeddingExplorer:
    labels = np.arange(N) % 3
    embedding = np.column_stack([np.arange(N), np.arange(N)])
    record = FeatureSet.from_arrays(np.eye(N), labels, predictions=np.zeros(N, dtype=int))
    images = np.zeros((N, 4, 4), dtype=np.uint8)
    return EmbeddingExplorer(record, embedding=embedding, images=images)


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def send(view, content, buffers=()):
    view._handle_custom_msg(content, [memoryview(bytes(buffer)) for buffer in buffers])


def lasso(explorer, polygon, mode="replace"):
    content = {"kind": "select", "mode": mode}
    send(explorer._views["scatter"], content, [np.asarray(polygon, dtype="<f8").tobytes()])


def replies_of(view, monkeypatch):
    replies = []
    monkeypatch.setattr(
        view, "send", lambda content, buffers=(): replies.append((content, buffers))
    )
    return replies


def test_a_polygon_selects_the_visible_rows_inside_it(explorer):
    lasso(explorer, SQUARE)
    assert explorer.selected.tolist() == list(range(11))
    explorer.visible_classes = ["0", "2"]
    lasso(explorer, SQUARE)
    assert explorer.selected.tolist() == [row for row in range(11) if row % 3 != 1]
    assert explorer.state.message == ""  # hidden points were not asked for


def test_polygons_combine_by_their_mode(explorer):
    lasso(explorer, SQUARE)
    lasso(explorer, SQUARE + 5, "intersect")
    assert explorer.selected.tolist() == list(range(4, 11))
    lasso(explorer, SQUARE + 15, "add")
    assert explorer.selected.tolist() == [*range(4, 11), *range(14, 26)]
    lasso(explorer, SQUARE, "subtract")
    assert explorer.selected.tolist() == list(range(14, 26))


def test_legend_messages_toggle_isolate_and_show_all(explorer):
    legend = explorer._views["legend"]
    send(legend, {"kind": "toggle", "code": 1})
    assert explorer.visible_classes == ("0", "2")
    send(legend, {"kind": "toggle", "code": 1})
    assert explorer.visible_classes == ("0", "1", "2")
    send(legend, {"kind": "only", "code": 2})
    assert explorer.visible_classes == ("2",)
    send(legend, {"kind": "all", "visible": True})
    assert explorer.visible_classes == ("0", "1", "2")
    send(legend, {"kind": "all", "visible": False})
    assert explorer.visible_classes == ()


def test_the_toolbar_selects_the_visible_misclassified_rows(explorer):
    send(explorer._views["toolbar"], {"kind": "misclassified"})
    assert explorer.selected.tolist() == [row for row in range(N) if row % 3]
    explorer.visible_classes = ["0", "1"]
    send(explorer._views["toolbar"], {"kind": "misclassified"})
    assert explorer.selected.tolist() == list(range(1, N, 3))
    send(explorer._views["toolbar"], {"kind": "clear"})
    assert explorer.selected.tolist() == []


def test_the_gallery_answers_a_range_with_one_buffer(explorer, monkeypatch):
    monkeypatch.setattr(gallery_module, "MAX_REPLY_SECONDS", 60)
    gallery = explorer._views["gallery"]
    replies = replies_of(gallery, monkeypatch)
    explorer.select(np.arange(20))
    send(gallery, {"kind": "tiles", "epoch": gallery.epoch, "start": 3, "stop": 6})
    content, buffers = replies[0]
    assert [tile["id"] for tile in content["tiles"]] == [3, 4, 5]
    assert [tile["wrong"] for tile in content["tiles"]] == [False, True, True]
    assert sum(tile["bytes"] for tile in content["tiles"]) == len(buffers[0]) > 0


def test_a_request_for_an_older_selection_is_not_answered(explorer, monkeypatch):
    gallery = explorer._views["gallery"]
    replies = replies_of(gallery, monkeypatch)
    explorer.select(np.arange(20))
    stale = {"kind": "tiles", "epoch": gallery.epoch, "start": 0, "stop": 2}
    explorer.select(np.arange(5))
    send(gallery, stale)
    assert replies == []
    send(gallery, stale | {"epoch": gallery.epoch})
    assert len(replies) == 1


def test_more_tiles_than_a_screenful_are_refused(monkeypatch):
    n = MAX_TILES_PER_REPLY + 10
    record = FeatureSet.from_arrays(np.eye(n))
    with EmbeddingExplorer(record, embedding=np.eye(n)[:, :2]) as explorer:
        gallery = explorer._views["gallery"]
        replies = replies_of(gallery, monkeypatch)
        explorer.select(np.arange(n))
        request = {"kind": "tiles", "epoch": gallery.epoch, "start": 0}
        send(gallery, request | {"stop": n})
        assert replies == []
        send(gallery, request | {"stop": MAX_TILES_PER_REPLY})
        assert len(replies) == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
forged = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(
            [
                "select",
                "clear",
                "pick",
                "hover",
                "undo",
                "redo",
                "toggle",
                "only",
                "all",
                "tiles",
                "arrange",
                "open",
                "focus",
                "look",
                "neighbors",
                "picked",
                "misclassified",
                "fit",
                "show",
                "invert",
                "eval",
                3,
                None,
            ]
        ),
        "mode": anything | st.sampled_from(["replace", "add"]),
        "code": anything,
        "codes": anything,
        "second_click": anything,
        "point": anything,
        "do": anything | st.sampled_from(["pause", "run", "keep", "remove", "add"]),
        "visible": anything,
        "epoch": anything | st.integers(0, 3),
        "start": anything,
        "stop": anything,
        "size": anything | st.sampled_from([96, 192]),
        "row": anything | st.integers(0, N),
        "index": anything | st.integers(0, 3),
        "range": anything,
        "sort": anything | st.sampled_from(["class", "distance", "suspicion"]),
        "group": anything | st.sampled_from(["label", "confusion"]),
        "source": anything | st.sampled_from(["shown", "selection"]),
        "descending": anything,
    },
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["scatter", "legend", "gallery", "toolbar"]),
            forged | anything,
            st.lists(st.binary(max_size=64), max_size=2),
        ),
        max_size=8,
    )
)
@settings(max_examples=120, deadline=None)
def test_forged_messages_never_raise_and_never_break_the_state(messages):
    with make_explorer() as explorer:
        explorer.select([0, 1, 2])
        for view, content, buffers in messages:
            send(explorer._views[view], content, buffers)
            state = explorer.state
            assert state.visible.shape == (3,)
            assert state.visible_rows[state.selected].all()


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
def test_a_malformed_polygon_changes_nothing(explorer, polygon):
    explorer.select([29])
    lasso(explorer, polygon)
    assert explorer.selected.tolist() == [29]
    assert explorer.state.message == ""  # dropped, not reported: no person has drawn it


def test_an_observer_that_raises_is_reported_in_the_widget_and_the_selection_stands(
    explorer, monkeypatch
):
    def broken(_change):
        raise RuntimeError("observer is <b>broken</b>")

    explorer.observe(broken)
    replies = replies_of(explorer._views["scatter"], monkeypatch)
    lasso(explorer, SQUARE)
    assert ({"kind": "selected"}, ()) in replies  # the page waits for it
    assert explorer.state.message == f"RuntimeError: observer is <b>broken</b>{REMEDY}"
    assert explorer.selected.tolist() == list(range(11))


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


def test_a_hidden_point_can_neither_be_picked_nor_looked_at(explorer, monkeypatch):
    scatter = explorer._views["scatter"]
    replies = replies_of(scatter, monkeypatch)
    hidden = int(scatter._points[1])
    explorer.visible_classes = ["0", "2"]
    send(scatter, {"kind": "pick", "point": hidden, "mode": "replace"})
    send(scatter, {"kind": "hover", "point": hidden})
    assert explorer.selected.tolist() == []
    assert replies == []
    shown_point = int(scatter._points[2])
    send(scatter, {"kind": "hover", "point": shown_point})
    assert replies[0][0]["tile"]["id"] == 2
    send(scatter, {"kind": "pick", "point": shown_point, "mode": "replace"})
    assert explorer.selected.tolist() == [2]


def test_every_beginning_of_the_drawing_order_holds_all_classes_and_mistakes():
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
