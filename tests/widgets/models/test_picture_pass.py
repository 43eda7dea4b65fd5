"""The pass over the pictures: when it runs, and where its values appear."""

import asyncio
import threading

import numpy as np
import pytest

from tests.widgets.html_export.shared_pages import SharedPage
from tests.widgets.page import Page, until
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.images import Measuring
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

NEVER = 1e6  # seconds


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Set the pauses after a gesture, in seconds; without a call there are none."""

    def set_pauses(**seconds):
        for name, value in seconds.items():
            monkeypatch.setattr(picture_pass, name, value)

    set_pauses(QUIET=0.0)
    return set_pauses


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


def waits_of_the_pass():
    """A list of the calls of the pass that this event loop delays from now on."""
    loop, waits = asyncio.get_running_loop(), []
    call_later = loop.call_later

    def kept(delay, callback, *given, **options):
        call = call_later(delay, callback, *given, **options)
        if isinstance(getattr(callback, "__self__", None), picture_pass.PicturePass):
            waits.append(call)
        return call

    loop.call_later = kept
    return waits


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


async def find_conflicts(explorer):
    """Show the gallery, use the finder of label conflicts, and wait for its rows."""
    show_gallery(explorer)
    Page(explorer).send("toolbar", "finder", name="label_conflicts", mode="replace")
    await until(lambda: len(explorer.selected))
    return explorer.selected.tolist()


def test_a_finder_waits_for_the_pass():
    assert in_a_loop(find_conflicts) == [2, 7]


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


def test_closing_releases_a_thread_that_waits_for_the_pass(pauses):
    pauses(QUIET=NEVER, LONGEST_WAIT=NEVER)

    async def act(explorer):
        show_gallery(explorer)
        thread = asking(explorer)
        explorer.close()
        thread.join(60)
        return thread.is_alive()

    assert not in_a_loop(act)


class TestAfterAGesture:
    def test_the_pass_waits(self, pauses):
        pauses(QUIET=NEVER, LONGEST_WAIT=NEVER)

        async def act(explorer):
            show_gallery(explorer)
            return explorer.state.measuring

        assert in_a_loop(act) is None

    def test_it_goes_on_when_the_page_is_quiet(self, pauses):
        pauses(QUIET=0.01, LONGEST_WAIT=NEVER)
        in_a_loop(measure)

    def test_it_goes_on_although_gestures_never_stop(self, pauses):
        pauses(QUIET=NEVER, LONGEST_WAIT=0.01, WHILE=0.0)
        in_a_loop(measure)

    def test_it_then_works_for_a_while(self, pauses):
        pauses(QUIET=NEVER, LONGEST_WAIT=0.05, WHILE=NEVER)

        async def act(explorer):
            waits = waits_of_the_pass()
            await measure(explorer)
            return len(waits)

        assert in_a_loop(act) <= 1  # of three blocks and more

    def test_a_finder_that_waits_makes_it_go_on_at_once(self, pauses):
        pauses(QUIET=NEVER, LONGEST_WAIT=NEVER)

        assert in_a_loop(find_conflicts) == [2, 7]

    def test_a_diagnosis_that_lacks_the_pictures_makes_it_go_on(self, pauses):
        pauses(QUIET=NEVER, LONGEST_WAIT=NEVER)

        async def act(explorer):
            show_gallery(explorer)
            Page(explorer).opens("diagnosis")
            await until(lambda: explorer.state.measured and explorer.state.measuring is None)
            return explorer.state.scores.is_ready("picture_brightness")

        assert in_a_loop(act)

    def test_closing_cancels_the_wait(self, pauses):
        pauses(QUIET=NEVER, LONGEST_WAIT=NEVER)

        async def act(explorer):
            waits = waits_of_the_pass()
            show_gallery(explorer)
            explorer.close()
            return [wait.cancelled() for wait in waits]

        assert in_a_loop(act) == [True]


@pytest.fixture
def held(monkeypatch):
    """Two events: a thread other than the main one reads the pictures; it may read on."""
    is_reading, may_read_on = threading.Event(), threading.Event()
    blocks = Measuring.blocks

    def held_blocks(measuring):
        if threading.current_thread() is not threading.main_thread():
            is_reading.set()
            assert may_read_on.wait(60)
        yield from blocks(measuring)

    monkeypatch.setattr(Measuring, "blocks", held_blocks)
    return is_reading, may_read_on


def asking(explorer):
    """A thread that asks for the values."""
    thread = threading.Thread(target=lambda: explorer.state.scores["picture_noise"])
    thread.start()
    return thread


def test_the_pass_leaves_the_pictures_to_a_thread_that_measures_them(held):
    is_reading, may_read_on = held

    async def act(explorer):
        asking(explorer)
        assert is_reading.wait(60)
        show_gallery(explorer)
        may_read_on.set()
        await until(lambda: explorer.state.scores.is_ready("label_conflict"))
        return explorer.state.message, explorer.state.scores["picture_brightness"]

    message, brightness = in_a_loop(act)
    assert message == ""
    assert np.isfinite(brightness).all()


def test_closing_stops_a_thread_that_measures(held):
    is_reading, may_read_on = held

    async def act(explorer):
        thread = asking(explorer)
        assert is_reading.wait(60)
        explorer.close()
        may_read_on.set()
        thread.join(60)
        return thread.is_alive(), np.isfinite(explorer.state.scores["picture_noise"]).any()

    assert in_a_loop(act) == (False, False)


def test_no_thread_waits_for_a_pass_that_failed(monkeypatch):
    def broken(_measuring):
        raise MemoryError("no room")
        yield

    monkeypatch.setattr(Measuring, "blocks", broken)

    async def act(explorer):
        show_gallery(explorer)
        assert "no room" in explorer.state.message
        thread = asking(explorer)
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
