"""The toolbar without a browser: its finders and its search."""

import asyncio
import threading

import numpy as np
import pytest

from tests.widgets.page import Page
from tests.widgets.projectors import GatedProjector
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.analysis import FINDERS, Scores, finder_rows
from tsne_widget.analysis.scores import PICTURE_SCORES

N, C = 60, 3
LABELS = np.arange(N) % C
rng = np.random.default_rng(0)
FEATURES = np.eye(C)[LABELS] * 3 + rng.normal(size=(N, C))
LOGITS = FEATURES + rng.normal(size=(N, C))
XY = rng.normal(size=(N, 2)).astype(np.float32)
NAMES = ["tabby cat", "dog", "Wildcat"]


def make_explorer(**fields):
    given = {"labels": LABELS, "logits": LOGITS, "class_names": NAMES} | fields
    record = FeatureSet.from_arrays(FEATURES, **given)
    return EmbeddingExplorer(record, embedding=XY)


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def send(explorer, kind, mode="replace", **content):
    Page(explorer).send("toolbar", kind, mode=mode, **content)


def offered(explorer):
    return {
        finder["name"]: finder["lacking"] for finder in Page(explorer).shows("toolbar", "finders")
    }


@pytest.mark.parametrize("name", [one.name for one in FINDERS if one.score not in PICTURE_SCORES])
def test_finder_selects_only_visible_samples(explorer, name):
    explorer.visible_classes = ["tabby cat", "dog"]
    scores = Scores(explorer.feature_set)
    scores.use_embedding(XY)
    expected = finder_rows(name, scores, explorer.state.visible_rows)
    send(explorer, "finder", name=name)
    assert explorer.selected.tolist() == sorted(expected)
    assert explorer.message == "" or not len(expected)


def test_finders_combine_with_the_selection_by_their_mode(explorer):
    send(explorer, "finder", name="misclassified")
    wrong = set(explorer.selected)
    send(explorer, "finder", "intersect", name="outliers")
    assert set(explorer.selected) < wrong
    send(explorer, "finder", "add", name="misclassified")
    assert set(explorer.selected) == wrong


def test_finder_without_its_inputs_names_them_and_does_nothing():
    with make_explorer(labels=None, logits=None) as explorer:
        assert offered(explorer)["misclassified"] == "needs labels and predictions"
        assert offered(explorer)["outliers"] == ""
        explorer.select([1])
        send(explorer, "finder", name="least_confident")
        assert explorer.selected.tolist() == [1]
        assert explorer.message == ""


def test_finder_of_the_map_is_available_once_the_map_exists():
    projector = GatedProjector()
    record = FeatureSet.from_arrays(FEATURES, LABELS)
    with EmbeddingExplorer(record, projector=projector) as explorer:
        assert offered(explorer)["torn"] == "needs the finished map"
        projector.gate.set()
        explorer.wait()
        assert offered(explorer)["torn"] == ""


def test_finder_without_results_shows_a_message_and_keeps_the_selection():
    with make_explorer(labels=LOGITS.argmax(axis=1)) as explorer:
        explorer.select([1, 2])
        send(explorer, "finder", name="confident_mistakes")
        assert explorer.selected.tolist() == [1, 2]
        message = "50 surest mistakes: none among the visible pictures"
        assert explorer.message == message


def test_error_of_a_finder_is_displayed_in_the_widget():
    record = FeatureSet.from_arrays(np.ones((N, 2)), LABELS)
    with EmbeddingExplorer(record, embedding=XY) as explorer:
        send(explorer, "finder", name="outliers")
        assert "constant over 60 samples" in explorer.message
        assert explorer.selected.tolist() == []


def test_last_requested_of_two_slow_finders_is_selected(monkeypatch):
    started = threading.Event()
    go_on = {name: threading.Event() for name in ("outliers", "other_cluster")}
    done = []

    def slow(name, scores, visible):
        started.set()
        go_on[name].wait(60)
        done.append(name)
        return np.array([1] if name == "outliers" else [2, 3])

    monkeypatch.setattr("tsne_widget.widgets.views.toolbar.view.finder_rows", slow)

    async def ask():
        with make_explorer() as explorer:
            send(explorer, "finder", name="outliers")
            send(explorer, "finder", name="other_cluster")
            assert explorer.busy == "Finding: In another class’s cluster"
            go_on["other_cluster"].set()
            while len(explorer.selected) != 2:
                await asyncio.sleep(0)
            go_on["outliers"].set()
            while explorer.busy:
                await asyncio.sleep(0)
            return done, explorer.selected.tolist()

    assert asyncio.run(ask()) == (["other_cluster", "outliers"], [2, 3])


def test_the_search_selects_the_rows_that_match_and_says_which(explorer):
    page = Page(explorer)
    page.send("toolbar", "search", text=" CAT ", mode="replace")
    cats = np.flatnonzero(LABELS != 1)
    assert explorer.selected.tolist() == cats.tolist()
    assert page.shows("toolbar", "found") == f"{len(cats)} with “CAT” in label"
    explorer.visible_classes = ["dog"]
    send(explorer, "search", text="#4")
    assert explorer.selected.tolist() == [4]
    send(explorer, "search", "add", text="#7")
    assert explorer.selected.tolist() == [4, 7]


def test_search_without_a_match_shows_a_message_and_keeps_the_selection(explorer):
    page = Page(explorer)
    explorer.select([4])
    page.send("toolbar", "search", text="zebra\u202e", mode="replace")
    assert explorer.selected.tolist() == [4]
    assert page.shows("toolbar", "search_error") == "0 with “zebra\\u202e” in label"
    page.send("toolbar", "search", text="#5", mode="replace")
    assert page.shows("toolbar", "search_error") == ""


def test_the_search_takes_a_condition_and_says_what_is_wrong_with_it(explorer):
    page = Page(explorer)
    page.send("toolbar", "search", text="confidence > 0 and label == 1", mode="replace")
    assert explorer.selected.tolist() == np.flatnonzero(LABELS == 1).tolist()
    before = explorer.selected
    page.send("toolbar", "search", text="sure < .5", mode="replace")
    assert explorer.selected is before
    assert "the columns are path" in page.shows("toolbar", "search_error")


def test_search_with_only_hidden_matches_shows_their_number(explorer):
    page = Page(explorer)
    explorer.visible_classes = ["dog"]
    page.send("toolbar", "search", text="#3", mode="replace")
    assert page.shows("toolbar", "search_error") == "1 with id 3, 1 of them in hidden classes"


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, None, 3, ["cat"], True])
def test_a_malformed_search_changes_nothing(explorer, text):
    explorer.select([4])
    send(explorer, "search", text=text)
    assert explorer.selected.tolist() == [4]
    assert explorer.message == ""


def test_download_sends_the_selected_samples_as_csv(explorer):
    explorer.select([3, 5])
    page = Page(explorer)
    page.send("toolbar", "download", name="csv")
    [answer] = page.replies("file")
    lines = answer.buffers[0].decode().splitlines()
    assert answer.content["name"] == "selected.csv"
    assert [line.split(",")[0] for line in lines] == ["id", "3", "5"]


def test_download_of_a_page_sends_a_whole_document(explorer):
    page = Page(explorer)
    page.send("toolbar", "download", name="page")
    [answer] = page.replies("file")
    assert answer.content["type"] == "text/html"
    assert answer.buffers[0].lower().startswith(b"<!doctype html>")


def test_undo_is_offered_once_there_is_something_to_undo(explorer):
    page = Page(explorer)
    assert not page.shows("toolbar", "can_undo")
    send(explorer, "misclassified")
    assert page.shows("toolbar", "can_undo")
    send(explorer, "undo")
    assert not len(explorer.selected)
    assert page.shows("toolbar", "can_redo")
