"""Maps side by side: one selection, matched by ids, aligned, with counted changes."""

import asyncio
import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from tests.widgets.page import Page, open_widgets, until
from tests.widgets.views.gallery_page import GalleryPage
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet, InvalidInputError, compare

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


EARLY, LATE = record(0, skill=0.5), record(1, skill=2.5)
RECORDS = {"early": EARLY, "late": LATE}


@pytest.fixture
def comparison():
    with compare({"early": (EARLY, places(2)), "late": (LATE, places(3))}) as opened:
        yield opened


def rows(comparison, view):
    """Row of each point of a map."""
    name = comparison.names[int(view.removeprefix("map-"))]
    return Page(comparison).rows(comparison.embeddings[name], view)


def points(comparison, view, trait="selected"):
    """Rows that a map draws as selected."""
    drawn = Page(comparison).shows(view, trait, "<u4")
    return sorted(rows(comparison, view)[drawn].tolist())


def placed(comparison, order, view="map-1"):
    """(n, 2) coordinates on a map of the points of these rows, by row."""
    xy = np.empty((N, 2), dtype=np.float32)
    xy[order] = Page(comparison).points(view)
    return xy


def polygon_around(xy):
    (x0, y0), (x1, y1) = xy.min(axis=0) - 0.01, xy.max(axis=0) + 0.01
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def test_selection_is_shared_by_the_maps_in_both_directions(comparison):
    for number, row in ((0, 7), (1, 22)):
        place = comparison.embeddings[comparison.names[number]][[row]]
        Page(comparison).lasso(polygon_around(place), view=f"map-{number}")
        assert row in comparison.selected
        assert points(comparison, "map-0") == points(comparison, "map-1")
        assert points(comparison, "map-0") == comparison.selected.tolist()


def test_hovering_class_toggles_and_undo_are_shared_by_all_maps(comparison):
    page = Page(comparison)
    page.send("map-0", "hover", point=5)
    assert comparison.hovered == rows(comparison, "map-0")[5]
    assert rows(comparison, "map-1")[page.shows("map-1", "hovered")] == comparison.hovered
    comparison.select([0, 1, 2])
    page.send("legend", "toggle", code=0)
    assert page.shows("map-0", "visible") == page.shows("map-1", "visible")
    assert comparison.selected.tolist() == [1, 2]
    page.send("bar", "undo")
    assert comparison.selected.tolist() == [0, 1, 2]  # the class is shown again
    page.send("map-0", "undo")
    assert comparison.selected.tolist() == []
    page.send("bar", "redo")
    assert points(comparison, "map-0") == points(comparison, "map-1") == [0, 1, 2]


def test_the_key_says_how_much_the_accuracy_of_each_class_has_risen(comparison):
    gains = Page(comparison).shows("legend", "gains", "<f4")
    expected = [
        np.mean(~LATE.misclassified[code == LABELS]) - np.mean(~EARLY.misclassified[code == LABELS])
        for code in range(len(NAMES))
    ]
    assert np.allclose(gains[: len(NAMES)], expected)


def test_each_map_has_rings_and_tiles_of_its_own_predictions(comparison):
    page = Page(comparison)
    row = int(np.flatnonzero(EARLY.predictions != LATE.predictions)[0])
    for number, one in enumerate(RECORDS.values()):
        view = f"map-{number}"
        assert points(comparison, view, "wrong") == np.flatnonzero(one.misclassified).tolist()
        page.send(view, "hover", point=rows(comparison, view).tolist().index(row))
        tile = page.replies("hover", view)[-1].content["tile"]
        assert tile["prediction"] == NAMES[one.predictions[row]]


def test_gallery_lists_the_predictions_if_they_differ(comparison):
    page = GalleryPage(comparison)
    before, after = EARLY.predictions, LATE.predictions
    fixed = int(np.flatnonzero((before != LABELS) & (after == LABELS))[0])
    right = int(np.flatnonzero((before == LABELS) & (after == LABELS))[0])
    comparison.select([fixed, right])
    assert sorted(page.rows_of_tiles()) == sorted([fixed, right])
    tiles = {tile["row"]: tile for tile in page.last("tiles").content["tiles"]}
    assert NAMES[before[fixed]] in tiles[fixed]["prediction"]
    assert tiles[fixed]["badge"] == "fixed"
    assert tiles[fixed]["title"] == f"early: {NAMES[before[fixed]]}, late: {NAMES[after[fixed]]}"
    assert tiles[right]["badge"] == ""
    assert "early, late" in page.get("note")


def test_frame_has_the_change_of_each_sample(comparison):
    frame = comparison.to_dataframe("all")
    before, after = EARLY.predictions, LATE.predictions
    assert frame.index.name == "id"
    expected = [NAMES[code] for code in before]
    assert frame["prediction_name early"].tolist() == expected
    assert frame["prediction early"].tolist() == before.tolist()
    with EmbeddingExplorer(EARLY, embedding=np.zeros((N, 2))) as explorer:
        alone = explorer.to_dataframe("all")
    for name in ("prediction", "prediction_name", "confidence"):
        assert frame[f"{name} early"].equals(alone[name])
    fixed = (before != LABELS) & (after == LABELS)
    assert (frame["change"] == "fixed").tolist() == fixed.tolist()
    late = frame[["x late", "y late"]].to_numpy(np.float32)
    assert np.array_equal(late, comparison.embeddings["late"])
    assert len(comparison.to_dataframe("fixed")) == fixed.sum()
    assert len(comparison.to_dataframe("selected")) == 0
    assert comparison.to_dataframe("selected").dtypes.equals(frame.dtypes)


def test_summary_counts_the_changes_of_the_frame(comparison):
    counts = comparison.to_dataframe("all")["change"].value_counts()
    summary = comparison.summary()
    assert summary.sum() == N
    assert all(summary[change] == count for change, count in counts.items())
    assert summary.name == "early → late"
    back = comparison.summary(before="late", after="early")
    assert back["fixed"] == summary["introduced"]


@pytest.mark.parametrize("change", ["fixed", "introduced", "still right"])
def test_change_can_be_selected_from_python_and_from_the_page(comparison, change):
    expected = np.flatnonzero(comparison.to_dataframe("all")["change"] == change).tolist()
    comparison.select(change)
    assert comparison.selected.tolist() == expected
    comparison.clear()
    Page(comparison).send("changes", "change", name=change, mode="replace")
    assert comparison.selected.tolist() == expected


def test_a_part_of_the_frame_is_found_again_by_its_ids():
    ids = np.arange(N)[::-1] * 3
    sets = {"a": (record(0, ids=ids), places(0)), "b": (record(1, ids=ids), places(1))}
    with compare(sets) as comparison:
        frame = comparison.to_dataframe("all")
        comparison.select(frame[frame["label_name"] == "owl"])
        assert comparison.selected.tolist() == np.flatnonzero(LABELS == 2).tolist()
        with pytest.raises(InvalidInputError, match="'id'"):
            comparison.select(pd.Index([1]))


def test_every_map_is_aligned_with_the_first():
    first = places(0)
    turned = 3 * first[:, ::-1] + 5
    with compare({"a": (record(0), first), "b": (record(0), turned)}) as comparison:
        assert np.allclose(comparison.embeddings["b"], first, atol=1e-4)
        drawn = placed(comparison, rows(comparison, "map-1"))
        assert np.allclose(drawn, first, atol=1e-4)


def test_lines_lead_from_the_first_map_to_the_selected_samples_on_the_last(comparison):
    page = Page(comparison)
    assert page.shows("map-1", "trails") == b""
    comparison.select([3, 5])
    ends = page.shows("map-1", "trails", "<f4").reshape(-1, 4)
    assert np.array_equal(ends[:, :2], comparison.embeddings["early"][[3, 5]])
    assert np.array_equal(ends[:, 2:], comparison.embeddings["late"][[3, 5]])
    page.send("way", "lines", shows=False)
    assert page.shows("map-1", "trails") == b""


def test_lines_beyond_the_limit_are_sampled_with_a_note(comparison, monkeypatch):
    monkeypatch.setattr("tsne_widget.widgets.compare.MAX_LINES", 10)
    comparison.select(np.arange(N))
    page = Page(comparison)
    assert len(page.shows("map-1", "trails")) == 10 * 16
    assert "10" in page.shows("way", "lines_note")


def test_the_slider_moves_the_points_of_the_last_map_from_the_first(comparison):
    page = Page(comparison)
    order = rows(comparison, "map-1")
    first, last = comparison.embeddings.values()
    page.send("way", "morph", share=0)
    assert np.array_equal(placed(comparison, order), first)
    page.send("way", "morph", share=0.5)
    halfway = placed(comparison, order)
    assert np.allclose(halfway, (first + last) / 2, atol=1e-5)
    page.lasso(polygon_around(halfway[[9]]), view="map-1")  # a lasso applies to what is displayed
    assert 9 in comparison.selected
    assert np.array_equal(comparison.embeddings["late"], last)
    comparison.morph = 1
    assert np.array_equal(placed(comparison, order), last)
    for share in (-1, 2, True, "1", None, float("nan")):
        page.send("way", "morph", share=share)
        assert comparison.morph == 1


def test_colouring_is_shared_and_each_map_uses_its_own_values(comparison):
    page = Page(comparison)
    comparison.color_by = "confidence"
    views = ["map-0", "map-1"]
    assert [page.shows(view, "color_by") for view in views] == ["confidence"] * 2
    by_row = [
        page.figure(view).marks[0].color[np.argsort(rows(comparison, view))] for view in views
    ]
    assert not np.allclose(*by_row)
    page.send("legend", "color", name="change")
    assert comparison.color_by == page.shows("map-1", "color_by") == "change"


def test_maps_are_computed_one_by_one_and_wait_returns_after_the_last():
    sets = {"a": record(0), "b": (record(1), places(1)), "c": record(2)}
    projector = PCA(n_components=2)
    with compare(sets, projector=projector) as comparison:
        assert comparison.wait() is comparison
        assert list(comparison.embeddings) == ["a", "b", "c"]
        expected = PCA(n_components=2).fit_transform(sets["a"].features)
        assert np.allclose(comparison.embeddings["a"], expected, atol=1e-4)
        assert not hasattr(projector, "components_")  # the user's object does not change
        assert {fit.condition for fit in comparison.state.fits.values()} == {"done", "none"}


def test_live_map_is_displayed_during_its_fit_and_can_be_stopped():
    async def session():
        sets = {"a": record(0), "b": (record(1), places(1))}
        projector = TSNE(max_iter=10**6, random_state=0)
        with compare(sets, projector=projector) as comparison:
            page = Page(comparison)
            await until(lambda: "a" in comparison.embeddings)
            assert page.shows("way", "fit")["title"].startswith("a: t-SNE")
            page.send("way", "stop")
            comparison.wait()
            assert comparison.state.fits["a"].condition == "stopped"
            assert page.shows("way", "fit") == {}

    asyncio.run(session())


def test_failed_map_is_reported_and_the_others_are_computed():
    class Failing:
        def fit_transform(self, features):
            raise ArithmeticError("features are odd")

    with compare({"a": record(0), "b": record(1)}, projector=Failing()) as comparison:
        with pytest.raises(ArithmeticError, match="odd"):
            comparison.wait()
        assert "features are odd" in comparison.message
        assert {fit.condition for fit in comparison.state.fits.values()} == {"failed"}


def test_samples_missing_in_a_record_are_left_out_and_counted():
    ids = np.arange(N)
    shorter = record(1).take(ids[5:])
    with compare({"a": (record(0), places(0)), "b": (shorter, places(1)[5:])}) as comparison:
        assert comparison.to_dataframe("all").index.tolist() == ids[5:].tolist()
        assert "5 of a" in comparison.message
        assert np.allclose(comparison.embeddings["a"], places(0)[5:], atol=1e-5)


def test_rows_in_another_order_are_matched_by_their_ids():
    other = record(0).take(np.arange(N)[::-1])
    sets = {"a": (record(0), places(0)), "b": (other, places(0)[::-1])}
    with compare(sets) as comparison:
        assert np.allclose(*comparison.embeddings.values(), atol=1e-4)
        assert (comparison.to_dataframe("all")["change"].isin(["still right", "still wrong"])).all()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([record(0), record(1)], r"takes a dict of name to FeatureSet, got list"),
        ({"a": record(0)}, r"2 … 4 .*got 1"),
        ({"a": record(0), "b": np.zeros((3, 2))}, r"'b' must be a FeatureSet.*extract"),
        ({"a": record(0), "": record(1)}, r"names must be text"),
        (
            {"a": record(0), "b": record(1, names=["cat", "fox", "owl"])},
            r"'dog' in one is 'fox' in the other; .*class_names=",
        ),
        (
            {"a": record(0), "b": record(1, labels=(LABELS + (np.arange(N) < 2)) % 3)},
            r"different labels for 2 ids \(0, 1",
        ),
        (
            {"a": record(0), "b": record(1, ids=np.arange(N) + 1000)},
            r"only 0 ids .* same dataset",
        ),
        ({"a": record(0), "b": (record(1), np.zeros((N, 3)))}, r"shape \(60, 2\), got \(60, 3\)"),
    ],
)
def test_records_that_cannot_be_compared_are_refused_with_the_remedy(sets, message):
    with pytest.raises(InvalidInputError, match=message):
        compare(sets)


def test_records_without_predictions_have_maps_but_no_changes():
    bare = [FeatureSet.from_arrays(record(seed).features, LABELS) for seed in (0, 1)]
    sets = {"a": (bare[0], places(0)), "b": (bare[1], places(1))}
    with compare(sets) as comparison:
        assert Page(comparison).shows("changes", "changes") == []
        assert comparison.to_dataframe("all")["change"].isna().all()
        with pytest.raises(InvalidInputError, match="labels"):
            comparison.select("fixed")
        with pytest.raises(InvalidInputError, match=r"'better'.*fixed"):
            comparison.select("better")


def test_labels_of_one_record_apply_to_the_other():
    bare = FeatureSet.from_arrays(record(1).features)
    with compare({"a": (bare, places(0)), "b": (record(1), places(1))}) as comparison:
        assert comparison.to_dataframe("all")["label_name"].tolist() == [
            NAMES[code] for code in LABELS
        ]


def test_figure_has_a_panel_for_each_map_with_the_visible_classes(comparison):
    comparison.state.show([True, False, True])
    comparison.select([0])
    figure = comparison.figure(size_mm=(40, 40))
    assert [ax.get_title() for ax in figure.axes] == ["early", "late"]
    drawn = [sum(len(c.get_offsets()) for c in ax.collections) for ax in figure.axes]
    assert drawn == [40, 40]


def test_a_closed_comparison_leaves_nothing_behind():
    before = open_widgets()
    comparison = compare({"a": record(0), "b": record(1)}, projector=PCA(n_components=2))
    comparison.wait()
    comparison.select("fixed")
    gone = [weakref.ref(comparison), weakref.ref(comparison.state)]
    comparison.close()
    comparison.close()
    assert open_widgets() <= before
    del comparison
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_hostile_names_are_displayed_as_text():
    name = "<img src=x onerror=1>\u202e"
    with compare({name: (record(0), places(0)), "b": (record(1), places(1))}) as comparison:
        page = Page(comparison)
        assert (
            page.shows("way", "names")[0]
            == page.shows("bar", "records")[0]["name"]
            == "<img src=x onerror=1>\\u202e"
        )
        assert "\u202e" not in page.shows("frame", "maps")[0]["title"]


def test_large_maps_follow_the_shared_selection(monkeypatch):
    for name, value in (("MAX_WHOLE", 30), ("SAMPLE", 20), ("TAIL", 8)):
        monkeypatch.setattr(f"tsne_widget.widgets.models.window.{name}", value)
    sets = {"a": (record(0), places(0)), "b": (record(1), places(1))}
    with compare(sets) as comparison:
        views = ("map-0", "map-1")
        known = set.union(*(set(rows(comparison, view)) for view in views))
        unknown = sorted(set(range(N)) - known)
        comparison.select(unknown[:2])
        assert all(set(unknown[:2]) <= set(rows(comparison, view)) for view in views)
        assert points(comparison, "map-0") == points(comparison, "map-1") == unknown[:2]


def test_repr_of_a_comparison_is_one_line(comparison):
    assert repr(comparison) == "Comparison(early | late: 60 samples, 0 selected)"
