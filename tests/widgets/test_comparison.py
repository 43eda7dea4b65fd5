"""Maps side by side: one selection, matched by ids, laid over each other, what changed counted."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances
from sklearn.decomposition import PCA
from tests.widgets.test_messages import send

from tsne_widget import TSNE, FeatureSet, InvalidInputError, compare
from tsne_widget.widgets.compare import MAX_LINES

N = 60
LABELS = np.arange(N) % 3
NAMES = ["cat", "dog", "owl"]


def record(seed, *, ids=None, skill=2.0, names=NAMES, labels=LABELS, **more):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(N, 5)) + 4 * np.eye(3, 5)[LABELS]
    logits = rng.normal(size=(N, 3)) + skill * np.eye(3)[LABELS]
    return FeatureSet(
        features=features.astype(np.float32), labels=labels, logits=logits.astype(np.float32),
        class_names=names, ids=ids, **more,
    )  # fmt: skip


def places(seed):
    return np.random.default_rng(seed).normal(size=(N, 2)) + 6 * np.eye(3, 2)[LABELS]


@pytest.fixture
def comparison():
    early, late = record(0, skill=0.5), record(1, skill=2.5)
    with compare({"early": (early, places(2)), "late": (late, places(3))}) as opened:
        yield opened


def points(comparison, name):
    """(n,) rows that are drawn as selected on a map."""
    view = comparison._views[name]
    return sorted(view._rows[np.frombuffer(view.selected, "<u4")].tolist())


def polygon_around(xy):
    (x0, y0), (x1, y1) = xy.min(axis=0) - 0.01, xy.max(axis=0) + 0.01
    return [np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype="<f8").tobytes()]


def test_what_is_selected_on_one_map_is_selected_on_the_other_both_ways(comparison):
    for name, row in (("early", 7), ("late", 22)):
        place = comparison._maps[name].embedding[[row]]
        message = {"kind": "select", "mode": "replace"}
        send(comparison._views[name], message, polygon_around(place))
        assert row in comparison.selected
        assert points(comparison, "early") == points(comparison, "late")
        assert points(comparison, "early") == comparison.selected.tolist()


def test_hovering_class_toggles_and_undo_are_those_of_all_maps(comparison):
    early, late = comparison._views["early"], comparison._views["late"]
    send(early, {"kind": "hover", "point": 5})
    assert late._rows[late.hovered] == early._rows[5]
    comparison.select([0, 1, 2])
    send(comparison._others[0], {"kind": "toggle", "code": 0})
    assert early.visible == late.visible
    assert comparison.selected.tolist() == [1, 2]
    send(late, {"kind": "undo"})
    send(early, {"kind": "undo"})
    assert comparison.selected.tolist() == []
    send(late, {"kind": "redo"})
    assert points(comparison, "early") == points(comparison, "late") == [1, 2]


def test_each_map_has_rings_and_tiles_of_its_own_predictions(comparison):
    early, late = comparison._views["early"], comparison._views["late"]
    records = comparison._compared.records
    for name, view in (("early", early), ("late", late)):
        ringed = view._rows[np.frombuffer(view.wrong, "<u4")]
        assert sorted(ringed) == np.flatnonzero(records[name].misclassified).tolist()
    row = int(np.flatnonzero(records["early"].predictions != records["late"].predictions)[0])
    words = [view._tiles.tile(row)[0]["prediction"] for view in (early, late)]
    assert words == [NAMES[records[name].predictions[row]] for name in ("early", "late")]


def test_the_gallery_says_what_each_predicts_where_they_differ(comparison):
    records = comparison._compared.records
    tiles = comparison._others[1]._tiles
    before, after = records["early"].predictions, records["late"].predictions
    fixed = int(np.flatnonzero((before != LABELS) & (after == LABELS))[0])
    tile, _ = tiles.tile(fixed)
    assert tile["prediction"] == f"{NAMES[before[fixed]]}, ✓"
    assert tile["badge"] == "fixed"
    assert tile["title"] == f"early: {NAMES[before[fixed]]}, late: {NAMES[after[fixed]]}"
    right = int(np.flatnonzero((before == LABELS) & (after == LABELS))[0])
    assert tiles.tile(right)[0]["badge"] == ""
    assert "early, late" in tiles.note


def test_the_frame_says_what_became_of_each_sample(comparison):
    frame = comparison.to_dataframe()
    records = comparison._compared.records
    before, after = records["early"].predictions, records["late"].predictions
    assert frame.index.name == "id"
    expected = [NAMES[code] for code in before]
    assert frame["prediction early"].tolist() == expected
    fixed = (before != LABELS) & (after == LABELS)
    assert (frame["change"] == "fixed").tolist() == fixed.tolist()
    late = frame[["x late", "y late"]].to_numpy(np.float32)
    assert np.array_equal(late, comparison.embeddings["late"])
    assert len(comparison.to_dataframe("fixed")) == fixed.sum()
    assert len(comparison.to_dataframe("selected")) == 0
    assert comparison.to_dataframe("selected").dtypes.equals(frame.dtypes)


def test_the_summary_counts_what_the_frame_says(comparison):
    counts = comparison.to_dataframe()["change"].value_counts()
    summary = comparison.summary()
    assert summary.sum() == N
    assert all(summary[change] == count for change, count in counts.items())
    assert summary.name == "early → late"
    back = comparison.summary(before="late", after="early")
    assert back["fixed"] == summary["introduced"]


@pytest.mark.parametrize("change", ["fixed", "introduced", "still right"])
def test_a_change_is_selected_from_python_and_from_the_page(comparison, change):
    expected = np.flatnonzero(comparison.to_dataframe()["change"] == change).tolist()
    comparison.select(change)
    assert comparison.selected.tolist() == expected
    comparison.clear()
    send(comparison._bar, {"kind": "change", "name": change, "mode": "replace"})
    assert comparison.selected.tolist() == expected


def test_a_part_of_the_frame_is_found_again_by_its_ids():
    ids = np.arange(N)[::-1] * 3
    sets = {"a": (record(0, ids=ids), places(0)), "b": (record(1, ids=ids), places(1))}
    with compare(sets) as comparison:
        frame = comparison.to_dataframe()
        comparison.select(frame[frame["label_name"] == "owl"])
        assert comparison.selected.tolist() == np.flatnonzero(LABELS == 2).tolist()
        with pytest.raises(InvalidInputError, match="no id 1 here"):
            comparison.select(pd.Index([1]))


def test_every_map_is_laid_over_the_first():
    first = places(0)
    turned = 3 * first[:, ::-1] + 5
    with compare({"a": (record(0), first), "b": (record(0), turned)}) as comparison:
        assert np.allclose(comparison.embeddings["b"], first, atol=1e-4)
        assert np.allclose(comparison._maps["b"].embedding, first, atol=1e-4)


def test_lines_lead_from_the_first_map_to_the_selected_samples_on_the_last(comparison):
    view = comparison._views["late"]
    assert view.trails == b""
    comparison.select([3, 5])
    ends = np.frombuffer(view.trails, "<f4").reshape(-1, 4)
    assert np.array_equal(ends[:, :2], comparison.embeddings["early"][[3, 5]])
    assert np.array_equal(ends[:, 2:], comparison.embeddings["late"][[3, 5]])
    send(comparison._bar, {"kind": "lines", "shows": False})
    assert view.trails == b""


def test_many_lines_are_a_part_of_them_and_that_is_said(comparison, monkeypatch):
    monkeypatch.setattr("tsne_widget.widgets.compare.MAX_LINES", 10)
    comparison.select(np.arange(N))
    assert len(comparison._views["late"].trails) == 10 * 16
    assert comparison._bar.lines_note == "lines of 10 of them"
    assert MAX_LINES > 10


def test_the_slider_moves_the_points_of_the_last_map_from_the_first(comparison):
    first, last = comparison.embeddings.values()
    shown = comparison._maps["late"]
    send(comparison._bar, {"kind": "morph", "share": 0})
    assert np.array_equal(shown.embedding, first)
    send(comparison._bar, {"kind": "morph", "share": 0.5})
    assert np.allclose(shown.embedding, (first + last) / 2, atol=1e-5)
    place = shown.embedding[[9]]  # a lasso is of what is seen
    message = {"kind": "select", "mode": "replace"}
    send(comparison._views["late"], message, polygon_around(place))
    assert 9 in comparison.selected
    assert np.array_equal(comparison.embeddings["late"], last)
    comparison.morph = 1
    assert np.array_equal(shown.embedding, last)
    for share in (-1, 2, True, "1", None, float("nan")):
        send(comparison._bar, {"kind": "morph", "share": share})
    assert comparison.morph == 1


def test_points_on_their_way_have_no_scores_of_the_map(comparison):
    last = comparison._maps["late"]
    assert last.scores.lacks("trustworthiness") == ""
    comparison.morph = 0.5
    assert last.scores.lacks("trustworthiness") == "needs the finished map"


def test_one_colour_for_all_maps_each_by_its_own_values(comparison):
    comparison.color_by = "confidence"
    early, late = (comparison._views[name] for name in ("early", "late"))
    assert early.color_by == late.color_by == "confidence"
    by_row = [view._coloring.texels for view in (early, late)]
    assert not np.allclose(*by_row)
    send(early, {"kind": "color", "name": "change"})
    assert late.color_by == "change"


def test_maps_are_computed_one_after_the_other_and_waited_for():
    sets = {"a": record(0), "b": (record(1), places(1)), "c": record(2)}
    projector = PCA(n_components=2)
    with compare(sets, projector=projector) as comparison:
        assert comparison.wait() is comparison
        assert list(comparison.embeddings) == ["a", "b", "c"]
        expected = PCA(n_components=2).fit_transform(sets["a"].features)
        assert np.allclose(comparison.embeddings["a"], expected, atol=1e-4)
        assert not hasattr(projector, "components_")  # the user's own object is left alone
        assert {fit.condition for fit in comparison.state.fits.values()} == {"done", "none"}


def test_a_live_map_is_shown_while_it_is_computed_and_can_be_stopped():
    projector = TSNE(max_iter=10**6, random_state=0)
    with compare({"a": record(0), "b": (record(1), places(1))}, projector=projector) as comparison:
        while comparison._maps["a"].embedding is None:
            comparison._fittings["a"]._run._show()
        assert "a: t-SNE of 60 × 5 features" in comparison._bar.fit["title"]
        send(comparison._bar, {"kind": "stop"})
        comparison.wait()
        assert comparison.state.fits["a"].condition == "stopped"
        assert comparison._bar.fit == {}


def test_a_map_that_fails_is_said_and_the_others_come():
    class Failing:
        def fit_transform(self, features):
            raise ArithmeticError("features are odd")

    with compare({"a": record(0), "b": record(1)}, projector=Failing()) as comparison:
        with pytest.raises(ArithmeticError, match="odd"):
            comparison.wait()
        assert "features are odd" in comparison._bar.message
        assert {fit.condition for fit in comparison.state.fits.values()} == {"failed"}


def test_samples_that_not_all_have_are_left_out_and_counted():
    ids = np.arange(N)
    shorter = record(1).take(ids[5:])
    with compare({"a": (record(0), places(0)), "b": (shorter, places(1)[5:])}) as comparison:
        assert comparison.to_dataframe().index.tolist() == ids[5:].tolist()
        assert comparison._bar.message == "Not in all, and left out: 5 of a"
        assert np.allclose(comparison.embeddings["a"], places(0)[5:], atol=1e-5)


def test_rows_in_another_order_are_matched_by_their_ids():
    other = record(0).take(np.arange(N)[::-1])
    sets = {"a": (record(0), places(0)), "b": (other, places(0)[::-1])}
    with compare(sets) as comparison:
        assert np.allclose(*comparison.embeddings.values(), atol=1e-4)
        assert (comparison.to_dataframe()["change"].isin(["still right", "still wrong"])).all()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([record(0), record(1)], r"takes a dict of name to FeatureSet, got list"),
        ({"a": record(0)}, r"2 … 4 can be compared, got 1"),
        ({"a": record(0), "b": np.zeros((3, 2))}, r"'b' must be a FeatureSet.*extract"),
        ({"a": record(0), "": record(1)}, r"names must be text"),
        (
            {"a": record(0), "b": record(1, names=["cat", "fox", "owl"])},
            r"'dog' in one is 'fox' in the other; give both the same class_names=",
        ),
        (
            {"a": record(0), "b": record(1, labels=(LABELS + (np.arange(N) < 2)) % 3)},
            r"different labels for 2 ids \(0, 1",
        ),
        (
            {"a": record(0), "b": record(1, ids=np.arange(N) + 1000)},
            r"only 0 ids are in all of 'a', 'b'; extract each from the same dataset",
        ),
        ({"a": record(0), "b": (record(1), np.zeros((N, 3)))}, r"shape \(60, 2\), got \(60, 3\)"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_remedy(sets, message):
    with pytest.raises(InvalidInputError, match=message):
        compare(sets)


def test_without_predictions_there_are_maps_but_no_changes():
    bare = [FeatureSet.from_arrays(record(seed).features, LABELS) for seed in (0, 1)]
    sets = {"a": (bare[0], places(0)), "b": (bare[1], places(1))}
    with compare(sets) as comparison:
        assert comparison._bar.changes == []
        assert comparison.to_dataframe()["change"].isna().all()
        with pytest.raises(InvalidInputError, match="needs labels, and predictions of both"):
            comparison.select("fixed")
        with pytest.raises(InvalidInputError, match="'better' is no change; there are fixed"):
            comparison.select("better")


def test_labels_of_one_serve_the_other():
    bare = FeatureSet.from_arrays(record(1).features)
    with compare({"a": (bare, places(0)), "b": (record(1), places(1))}) as comparison:
        assert comparison.to_dataframe()["label_name"].tolist() == [NAMES[code] for code in LABELS]


def test_the_figure_has_a_panel_for_each_map_with_what_is_shown(comparison):
    comparison.state.show([True, False, True])
    comparison.select([0])
    figure = comparison.figure(size_mm=(40, 40))
    assert [ax.get_title() for ax in figure.axes] == ["early", "late"]
    drawn = [sum(len(c.get_offsets()) for c in ax.collections) for ax in figure.axes]
    assert drawn == [40, 40]


def test_a_closed_comparison_leaves_nothing_behind():
    before = set(_instances)
    comparison = compare({"a": record(0), "b": record(1)}, projector=PCA(n_components=2))
    comparison.wait()
    comparison.select("fixed")
    gone = [weakref.ref(comparison), weakref.ref(comparison.state)]
    comparison.close()
    comparison.close()
    assert set(_instances) <= before
    del comparison
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just([0])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kind=st.sampled_from(["change", "clear", "undo", "morph", "lines", "stop", "nothing"]),
    fields=st.dictionaries(st.sampled_from(["name", "mode", "share", "shows"]), ODD),
)
def test_forged_messages_change_nothing_that_they_should_not(comparison, kind, fields):
    send(comparison._bar, {"kind": kind, **fields})
    assert not comparison._bar.message.startswith(("TypeError", "KeyError", "ValueError"))
    assert 0 <= comparison.morph <= 1
    assert np.isfinite(comparison._maps["late"].embedding).all()


def test_hostile_names_are_text():
    name = "<img src=x onerror=1>\u202e"
    with compare({name: (record(0), places(0)), "b": (record(1), places(1))}) as comparison:
        assert comparison._bar.names[0] == "<img src=x onerror=1>\\u202e"
        assert "\u202e" not in comparison._titles[name].value


def test_maps_of_more_points_than_the_page_gets_follow_the_shared_selection(monkeypatch):
    for name, value in (("MAX_WHOLE", 30), ("SAMPLE", 20), ("TAIL", 8)):
        monkeypatch.setattr(f"tsne_widget.widgets.models.window.{name}", value)
    sets = {"a": (record(0), places(0)), "b": (record(1), places(1))}
    with compare(sets) as comparison:
        views = comparison._views.values()
        unknown = [row for row in range(N) if all(view._points[row] < 0 for view in views)]
        comparison.select(unknown[:2])
        assert all((view._points[unknown[:2]] >= 0).all() for view in views)
        assert points(comparison, "a") == points(comparison, "b") == unknown[:2]


def test_its_repr_is_one_line(comparison):
    assert repr(comparison) == "Comparison(early | late: 60 samples, 0 selected)"
