"""The evidence in the close look: computed on demand, tested, and only for the sample in focus."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.extraction.nets import Pictures, ResNet, made
from tests.widgets.page import until
from tests.widgets.views.gallery_page import GalleryPage
from tsne_widget import EmbeddingExplorer, FeatureSet, evidence
from tsne_widget.widgets.state.evidence import REMEDY, Evidence


def answers(page):
    return [one for one in page.replies(view="look") if one.kind == "evidence"]


@pytest.fixture
def model():
    return made(ResNet)


@pytest.fixture
def data():
    return Pictures()


@pytest.fixture
def looked(model, data):
    with EmbeddingExplorer.from_model(
        model, data, embedding=np.eye(20, 2), progress=False, class_names=["cat", "dog", "owl"]
    ) as explorer:
        yield GalleryPage(explorer)


def test_the_map_of_the_sample_in_focus_is_computed_and_tested(looked, model, data):
    assert looked.shows("look", "evidence") == "model"
    looked.explorer.state.focus = 4
    looked.looks("evidence", row=4, target="label")
    reply = answers(looked)[-1]
    content = reply.content
    values = np.frombuffer(bytes(reply.buffers[0]), "<f4").reshape(8, 8)
    expected = evidence(model, data, [4], target="label", progress=False)[0]
    np.testing.assert_allclose(values, expected, atol=1e-5)
    assert (content["height"], content["width"], content["why"]) == (8, 8, "")
    assert len(content["test"]["shares"]) == 3
    assert all(0 <= share <= 1 for share in content["test"]["shares"])
    assert {name for name, _count in content["test"]["others"]} <= {"cat", "dog", "owl"}


def test_a_known_map_is_not_computed_again(looked, monkeypatch):
    looked.explorer.state.focus = 4
    looked.looks("evidence", row=4, target="difference")
    monkeypatch.setattr(Evidence, "tested", None)
    looked.looks("evidence", row=4, target="difference")
    first, second = answers(looked)
    assert bytes(first.buffers[0]) == bytes(second.buffers[0])


def test_evidence_of_a_sample_no_longer_in_focus_is_kept_but_not_sent(looked):
    async def act():
        looked.explorer.state.focus = 4
        looked.looks("evidence", row=5, target="label")  # not in focus
        looked.looks("evidence", row=4, target="label")
        assert looked.explorer.busy == "Finding the evidence in the picture"
        looked.explorer.state.focus = 6
        await until(lambda: looked.explorer.busy == "")

    asyncio.run(act())
    assert not answers(looked)
    assert looked.explorer.state.evidence.rows_with("label") == [4]


def test_an_explorer_without_a_model_says_which_call_gives_it():
    record = FeatureSet.from_arrays(np.eye(6), [0, 1, 0, 1, 0, 1])
    with EmbeddingExplorer(record, embedding=np.eye(6, 2)) as explorer:
        page = GalleryPage(explorer)
        assert page.shows("look", "evidence") == ""
        assert page.shows("look", "evidence_code") == REMEDY
        explorer.state.focus = 2
        page.looks("evidence", row=2, target="label")
        content = answers(page)[-1].content
        assert (content["height"], content["test"]) == (0, None)
        assert "No evidence is stored" in content["why"]


def test_stored_maps_are_shown_without_a_model(looked):
    explorer = looked.explorer
    with EmbeddingExplorer(explorer.feature_set, embedding=np.eye(20, 2)) as other:
        page = GalleryPage(other)
        other.state.evidence.keep("label", [3], [np.ones((2, 5), "f4")])
        assert page.shows("look", "evidence") == "stored"
        other.state.focus = 3
        page.looks("evidence", row=3, target="label")
        content = answers(page)[-1].content
        assert (content["height"], content["width"], content["test"]) == (2, 5, None)


def test_a_failing_model_is_reported_and_answered(looked, data, monkeypatch):
    def fail(*_args):
        raise RuntimeError("no picture")

    monkeypatch.setattr(Evidence, "tested", fail)

    async def act():
        looked.explorer.state.focus = 4
        looked.looks("evidence", row=4, target="label")
        await until(lambda: looked.explorer.busy == "")

    asyncio.run(act())
    assert "no picture" in looked.explorer.message
    assert answers(looked)[-1].content["why"] == "The evidence cannot be computed."


@pytest.mark.parametrize("fields", [{"row": 99}, {"target": "cat"}, {"target": 3}, {"row": None}])
def test_malformed_requests_are_dropped(looked, fields):
    looked.explorer.state.focus = 4
    looked.looks("evidence", **({"row": 4, "target": "label"} | fields))
    assert not answers(looked)


def diagnosed(page):
    page.explorer._views["frame"].panel = "diagnosis"
    return page.shows("diagnosis", "evidence")


def test_the_mean_map_of_the_selection_is_computed_on_request(looked):
    looked.explorer.select([1, 4, 5])
    content = diagnosed(looked)
    assert (content["count"], content["total"], content["can_compute"]) == (0, 3, True)
    looked.send("diagnosis", "evidence")
    content = looked.shows("diagnosis", "evidence")
    assert (content["count"], content["can_compute"], content["is_running"]) == (3, False, False)
    assert "of the evidence lies in the outer third" in content["sentence"]
    assert len(content["values"]) == content["height"] * content["width"] == 64
    assert max(map(abs, content["values"])) <= 1


def test_a_diagnosis_without_a_model_has_no_evidence():
    record = FeatureSet.from_arrays(np.eye(6), [0, 1, 0, 1, 0, 1])
    with EmbeddingExplorer(record, embedding=np.eye(6, 2)) as explorer:
        assert diagnosed(GalleryPage(explorer)) == {}
