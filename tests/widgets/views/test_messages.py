"""Messages of the page are untrusted: the state stays consistent after any message."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet, compare
from tsne_widget.widgets.views.view import View

N = 30
XY = np.column_stack([np.arange(N), np.arange(N)])


def make_record(seed: int = 0) -> FeatureSet:
    rng = np.random.default_rng(seed)
    labels = np.arange(N) % 3
    return FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), labels, logits=rng.normal(size=(N, 3)), class_names=["a", "b", "c"]
    )


def make_explorer() -> EmbeddingExplorer:
    images = np.zeros((N, 4, 4), dtype=np.uint8)
    return EmbeddingExplorer(make_record(), embedding=XY, images=images)


def make_comparison():
    return compare({"early": (make_record(0), XY), "late": (make_record(1), XY[::-1])})


def kinds_of(make) -> list[str]:
    """Kinds that any view of a widget answers."""
    views, connect = [], View.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(View, "connect", lambda view, to: views.append(view) or connect(view, to))
        make().close()
    return sorted({kind for view in views for kind in view.handlers})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
small = st.integers(-1, 4)
fields = {
    "mode": st.sampled_from(["replace", "add", "subtract", "intersect"]) | anything,
    "do": st.sampled_from(["pause", "run", "stop", "keep", "remove", "add"]) | anything,
    "name": st.sampled_from(["fixed", "outliers", "label", "mine", "x" * 500]) | anything,
    "text": st.text(max_size=300) | anything,
    "row": st.integers(0, N) | anything,
    "codes": st.lists(small, max_size=4) | anything,
    "size": st.sampled_from([96, 192]) | anything,
    "sort": st.sampled_from(["class", "distance", "outlier_score"]) | anything,
    "group": st.sampled_from(["label", "confusion"]) | anything,
    "source": st.sampled_from(["visible", "selection"]) | anything,
    "share": st.floats(0, 1) | anything,
    "state": st.dictionaries(st.sampled_from(["viewport", "panel", "selected"]), anything),
    **{name: st.booleans() | anything for name in ("visible", "range", "descending", "shows")},
    **dict.fromkeys(
        ("code", "point", "label", "prediction", "epoch", "index", "start", "stop"),
        small | anything,
    ),
}


def messages(views: list[str], kinds: list[str]) -> st.SearchStrategy:
    addressed = st.fixed_dictionaries(
        {
            "view": st.sampled_from(views) | anything,
            "kind": st.sampled_from([*kinds, "set", "eval"]) | anything,
        },
        optional=fields,
    )
    # Few long conversations, because an explorer takes longer than its messages.
    buffers = st.lists(st.binary(max_size=64), max_size=2)
    return st.lists(st.tuples(addressed | anything, buffers), min_size=4, max_size=16)


def assert_whole(state) -> None:
    assert state.visible.shape == (3,)
    assert state.visible_rows[state.selected].all()
    assert (np.diff(state.selected) > 0).all()
    assert np.isfinite(state.embedding).all()
    assert len(state.message) <= 400
    assert not state.message.startswith(("TypeError", "KeyError", "ValueError", "IndexError"))


EXPLORER_VIEWS = ["frame", "map", "toolbar", "foot", "legend", "gallery", "confusion", "groups",
                  "diagnosis", "scores", "selections", "strip", "look"]  # fmt: skip
COMPARISON_VIEWS = ["frame", "map-0", "map-1", "bar", "changes", "legend", "way", "gallery", "look"]


def test_list_of_views_is_complete():
    for make, views in ((make_explorer, EXPLORER_VIEWS), (make_comparison, COMPARISON_VIEWS)):
        with make() as widget:
            assert Page(widget).views() == sorted(views)


@given(messages(EXPLORER_VIEWS, kinds_of(make_explorer)))
@settings(max_examples=75, deadline=None)
def test_forged_messages_never_raise_and_never_break_the_state(sent):
    with make_explorer() as explorer:
        explorer.select([0, 1, 2])
        explorer.visible_classes = ["a", "b"]
        page = Page(explorer)
        for content, buffers in sent:
            page.deliver(content, buffers)
            assert_whole(explorer.state)


@given(messages(COMPARISON_VIEWS, kinds_of(make_comparison)))
@settings(max_examples=30, deadline=None)
def test_forged_messages_never_break_a_comparison(sent):
    with make_comparison() as comparison:
        page = Page(comparison)
        for content, buffers in sent:
            page.deliver(content, buffers)
            assert_whole(comparison.state)
            assert 0 <= comparison.morph <= 1
            assert np.isfinite(page.points("map-1")).all()


@pytest.mark.parametrize("make", [make_explorer, make_comparison])
def test_messages_without_a_known_view_and_kind_are_dropped(make):
    with make() as widget:
        page = Page(widget)
        before = {name: value for name, value in page.state().items() if "." in name}
        for view in (None, 3, "", "nothing", "_state", "map.figure", [], {}, "legend", "gallery"):
            for kind in (None, 3, "", "nothing", "__init__", "close", [], {}):
                page.send(view, kind)
        for view in (None, "", "nothing", "state"):
            page.send(view, "set", state={"viewport": [0.0, 1.0, 0.0, 1.0], "selected": [1]})
        for content in (None, 3, "select", [], [{"kind": "clear"}], float("nan")):
            page.deliver(content)
        assert page.received == []
        assert {name: value for name, value in page.state().items() if "." in name} == before


def test_traits_of_the_views_cannot_be_overwritten_by_a_page():
    with make_explorer() as explorer:
        explorer.select([1])
        page = Page(explorer)
        before = page.state()
        forged = {name: None for name in before if "." in name}
        forged |= {"selected": [2], "value": [2], "visible_classes": [], "embedding": None}
        for name, value in forged.items():
            page.hand_over({"method": "update", "state": {name: value}, "buffer_paths": []})
        assert page.state() == before
        assert explorer.selected.tolist() == [1]
        assert explorer.visible_classes == ("a", "b", "c")
