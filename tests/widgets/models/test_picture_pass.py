"""The pass over the pictures: when it runs, and where its values appear."""

import asyncio
import threading

import numpy as np
import pytest

from tests.widgets.html_export.shared_pages import SharedPage
from tests.widgets.page import Page, until
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.models import picture_pass
from tsne_widget.widgets.views.toolbar import view as toolbar

N = 30
RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 200, (N, 12, 12, 3), dtype=np.uint8)
PICTURES[7] = PICTURES[2]  # the same picture with another label
PICTURES[9] = PICTURES[4]  # the same picture with the same label
PICTURES[5] //= 8  # the darkest
LABELS = np.arange(N) % 2
LABELS[9] = LABELS[4]
XY = RNG.normal(size=(N, 2)).astype(np.float32)


def make_explorer(images=PICTURES, **options):
    record = FeatureSet.from_arrays(XY, LABELS, class_names=["cat", "dog"])
    return EmbeddingExplorer(record, embedding=XY, images=images, **options)


def finders(explorer):
    return {one["name"]: one for one in Page(explorer).shows("toolbar", "finders")}


def show_gallery(explorer):
    """Ask for the first tiles, as the page does."""
    page = Page(explorer)
    page.send("gallery", "tiles", epoch=page.shows("gallery", "epoch"), start=0, stop=8, size=96)


async def measure(explorer):
    """Show the gallery, and wait for the pass."""
    show_gallery(explorer)
    await until(lambda: explorer.state.scores.is_ready("label_conflict"))
    await until(lambda: explorer.state.measured and explorer.state.measuring is None)


def in_a_loop(act):
    """Run ``await act(explorer)`` in an event loop, as a notebook has one."""

    async def run():
        with make_explorer() as explorer:
            return await act(explorer)

    return asyncio.run(run())


def test_pictures_that_are_shown_are_measured_in_the_background():
    async def act(explorer):
        before = finders(explorer)["duplicates"]["count"]
        await measure(explorer)
        counts = {name: one["count"] for name, one in finders(explorer).items()}
        return before, counts

    before, counts = in_a_loop(act)
    assert before is None
    assert (counts["duplicates"], counts["label_conflicts"]) == (4, 2)
    assert (counts["near_duplicates"], counts["odd_sizes"]) == (0, 0)
    assert counts["darkest"] is None  # as many as one looks through


def test_the_pass_reports_its_progress_and_the_conflicts():
    async def act(explorer):
        shown = []
        explorer.state.observe(lambda change: shown.append(change.new), "measuring")
        await measure(explorer)
        return shown, Page(explorer).shows("toolbar", "notes"), explorer.busy

    shown, notes, busy = in_a_loop(act)
    assert shown[0] == 0
    assert (shown[-1], busy) == (None, "")
    assert notes[0]["text"].startswith("1 picture occurs more than once, with different labels")


def test_counts_are_those_of_visible_pictures():
    async def act(explorer):
        await measure(explorer)
        explorer.visible_classes = ["cat"]
        return finders(explorer)["duplicates"]["count"]

    assert in_a_loop(act) == 3


def test_thumbnails_are_made_on_the_way():
    async def act(explorer):
        await measure(explorer)
        return len(explorer._views["gallery"]._tiles.thumbnails._kept)

    assert in_a_loop(act) == N


def test_a_finder_waits_for_the_pass():
    async def act(explorer):
        show_gallery(explorer)
        Page(explorer).send("toolbar", "finder", name="label_conflicts", mode="replace")
        await until(lambda: len(explorer.selected))
        return explorer.selected.tolist()

    assert in_a_loop(act) == [2, 7]


def test_equal_pictures_stand_side_by_side_under_their_labels():
    async def act(explorer):
        await measure(explorer)
        page = Page(explorer)
        page.send("toolbar", "finder", name="duplicates", mode="replace")
        first = page.shows("gallery", "groups")
        page.send("gallery", "group", epoch=page.shows("gallery", "epoch"), index=0, mode="replace")
        return [(name, size) for name, size, *_colors in first], explorer.selected.tolist()

    assert in_a_loop(act) == ([("cat, dog", 2), ("cat", 2)], [2, 7])


def test_a_cell_that_asks_during_the_pass_gets_all_values():
    async def act(explorer):
        show_gallery(explorer)
        frame = explorer.to_dataframe("all", scores="all")
        await until(lambda: explorer.state.measuring is None)
        return frame["picture_brightness"]

    assert in_a_loop(act).notna().all()


def test_closing_releases_a_thread_that_waits_for_the_pass():
    async def act(explorer):
        show_gallery(explorer)
        thread = threading.Thread(target=lambda: explorer.state.scores["picture_noise"])
        thread.start()
        explorer.close()
        thread.join(60)
        return thread.is_alive()

    assert not in_a_loop(act)


class TestInAPlainScript:
    def test_nothing_is_measured_until_a_value_is_wanted(self):
        with make_explorer() as explorer:
            assert "picture_brightness" not in explorer.to_dataframe("all")
            explorer.select("darkest")
            assert explorer.selected.tolist() == list(range(N))  # fewer than 50
            assert "picture_brightness" in explorer.to_dataframe("all")

    def test_a_query_may_name_a_property(self):
        with make_explorer() as explorer:
            frame = explorer.to_dataframe("all", scores="all")
            explorer.select(query="duplicate_group == 1")
            assert explorer.selected.tolist() == [4, 9]
            assert frame["picture_brightness"].idxmin() == 5
            assert str(frame["duplicate_group"].dtype) == "Int64"

    def test_without_pictures_nothing_is_offered(self):
        with make_explorer(images=None) as explorer:
            page = Page(explorer)
            offered = {one["name"] for one in page.shows("toolbar", "finders")}
            sorts = {one["key"] for one in page.shows("gallery", "sorts")}
            colors = {one[0] for one in page.shows("legend", "color_choices")}
        assert "outliers" in offered
        assert "darkest" not in offered
        assert not {name for name in sorts | colors if name.startswith("picture")}

    def test_more_pictures_are_sampled_and_the_finder_says_so(self, monkeypatch):
        for module in (picture_pass, toolbar):
            monkeypatch.setattr(module, "MAX_MEASURED", 10)
        with make_explorer() as explorer:
            frame = explorer.to_dataframe("all", scores="all")
            assert frame["picture_noise"].notna().sum() == 10
            meaning = finders(explorer)["darkest"]["meaning"]
        assert meaning == "Lowest mean grey level. Among a sample of 10 of 30 pictures."


class TestStored:
    def test_values_are_loaded_even_without_the_pictures(self, tmp_path):
        with make_explorer() as explorer:
            explorer.select("label_conflicts")
            frame = explorer.to_dataframe("all")
            folder = explorer.save(tmp_path / "saved")
        with EmbeddingExplorer.load(folder) as loaded:
            assert loaded.to_dataframe("all").equals(frame)
            assert finders(loaded)["label_conflicts"]["count"] == 2
            loaded.select("darkest")
            assert len(loaded.selected) == N

    def test_a_page_has_the_values_that_are_known(self, tmp_path):
        with make_explorer() as explorer:
            explorer.select("label_conflicts")
            page = SharedPage(explorer.save_html(tmp_path / "map.html", progress=False))
        names = {one["name"] for one in page.record["scores"]}
        assert {"picture_brightness", "duplicate_group", "label_conflict"} <= names
        assert page.record["notes"]["record"][0]["text"].startswith("1 picture occurs")


@pytest.mark.parametrize("kind", ["array", "dataset", "files"])
def test_every_source_is_measured(kind, tmp_path):
    from PIL import Image

    images = PICTURES
    if kind == "dataset":
        images = [(picture, 0) for picture in PICTURES]
    if kind == "files":
        images = [tmp_path / f"{row}.png" for row in range(N)]
        for path, picture in zip(images, PICTURES, strict=True):
            Image.fromarray(picture).save(path)
    with make_explorer(images=images) as explorer:
        explorer.select("duplicates")
        assert explorer.selected.tolist() == [2, 4, 7, 9]
