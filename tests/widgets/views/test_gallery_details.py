"""The gallery's details of one sample, and its nearest neighbours."""

import asyncio

import numpy as np
import pytest

from tests.widgets.page import until
from tests.widgets.views.gallery_page import NAMES, GalleryPage, N
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget.analysis import Scores
from tsne_widget.widgets.models.details import NEIGHBORS, details


def test_tiny_loss_is_displayed_as_less_than_the_smallest_value():
    logits = np.eye(3)[np.arange(N) % 3] * 30
    record = FeatureSet.from_arrays(logits, logits.argmax(1), logits=logits)
    with EmbeddingExplorer(record, embedding=logits[:, :2]) as sure:
        assert dict(details(sure.state, 0))["loss"] == "< 0.001"


def test_opening_a_tile_focuses_its_row_and_sends_its_details(page):
    page.explorer.select([4, 7, 9])
    page.at("open", index=1)
    assert page.explorer.state.focus == 7
    assert (page.shows("look", "focus"), page.shows("look", "position")) == (7, 1)
    page.looks("look", row=7)
    content, buffers = page.last("look").content, page.last("look").buffers
    assert content["tile"]["bytes"] == len(buffers[0]) > 0
    told = dict(content["details"])
    record = page.explorer.feature_set
    frame = page.explorer.to_dataframe("all").loc[107]
    assert content["tile"]["id"] == 107
    assert told["row"] == "7"
    assert content["tile"]["prediction"] == frame.prediction_name
    assert told["confidence"] == f"{100 * frame.confidence:.1f} %"
    assert float(told["loss"]) == pytest.approx(page.explorer.state.scores["loss"][7], rel=1e-3)
    assert (told["speed"], told["camera"]) == ("0", "a")
    assert "suspicion" not in told  # which would be slow
    shares = np.exp(record.logits[7]) / np.exp(record.logits[7]).sum()
    assert {bar["name"]: bar["share"] for bar in content["probabilities"]} == pytest.approx(
        dict(zip(NAMES, shares.tolist(), strict=True)), rel=1e-4
    )
    assert [bar["name"] for bar in content["probabilities"] if bar["is_label"]] == ["dog"]


def test_computed_scores_are_among_the_details(page):
    suspicion = page.explorer.state.scores["suspicion"][7]
    page.explorer.state.focus = 7
    page.looks("look", row=7)
    told = dict(page.last("look").content["details"])
    assert float(told["suspicion"]) == pytest.approx(suspicion, rel=1e-3)


def test_improbable_label_is_among_the_probabilities():
    logits = np.tile(np.arange(20.0), (4, 1))
    record = FeatureSet.from_arrays(np.eye(4), [0, 1, 2, 3], logits=logits,
                                    class_names=[f"c{i}" for i in range(20)])  # fmt: skip
    with EmbeddingExplorer(record, embedding=np.eye(4)[:, :2]) as explorer:
        page = GalleryPage(explorer)
        explorer.state.focus = 2
        page.looks("look", row=2)
        bars = page.last("look").content["probabilities"]
        assert [bar["name"] for bar in bars] == ["c19", "c18", "c17", "c16", "c15", "c2"]
        assert bars[-1]["is_label"]


def test_neighbours_are_the_nearest_in_feature_space_and_equal_labels_are_counted(page):
    features, labels = page.explorer.feature_set.features, page.explorer.feature_set.labels
    page.explorer.state.focus = 7
    page.looks("look", row=7)
    content = page.last("neighbors").content
    distances = np.linalg.norm(features - features[7], axis=1)
    expected = [row for row in np.argsort(distances) if row != 7][:NEIGHBORS]
    assert [tile["row"] for tile in content["tiles"]] == expected
    assert content["distances"] == pytest.approx(distances[expected].tolist(), rel=1e-5)
    differs = labels[expected] != labels[7]
    assert content["differs"] == differs.tolist()
    count = NEIGHBORS - int(differs.sum())
    assert content["summary"] == f"{count} of {NEIGHBORS} are labelled dog."
    page.looks("neighbors", row=8)  # whose neighbours are unknown
    assert page.explorer.selected.tolist() == []
    page.looks("neighbors", row=7)
    assert page.explorer.selected.tolist() == sorted(expected)


def test_unknown_labels_are_neither_counted_nor_different():
    record = FeatureSet.from_arrays(np.arange(5.0)[:, np.newaxis], [0, -1, 1, 0, -1])
    with EmbeddingExplorer(record, embedding=np.eye(5)[:, :2]) as explorer:
        page = GalleryPage(explorer)
        for row, summary, differing in [(0, "1 of 4 is labelled 0.", 1), (1, "", 0)]:
            explorer.state.focus = row
            page.looks("look", row=row)
            content = page.last("neighbors").content
            assert content["summary"] == summary
            assert sum(content["differs"]) == differing


def test_single_sample_has_no_neighbours():
    with EmbeddingExplorer(FeatureSet.from_arrays(np.ones((1, 2))), embedding=[[0, 0]]) as explorer:
        page = GalleryPage(explorer)
        explorer.state.focus = 0
        page.looks("look", row=0)
        assert page.last("neighbors").content["summary"] == "There is no other picture."


def test_answer_for_a_sample_no_longer_in_focus_is_not_sent(page, monkeypatch):
    monkeypatch.setattr(Scores, "index_is_ready", False)

    async def act():
        page.explorer.state.focus = 7
        page.looks("look", row=8)
        assert page.replies(view="look") == []
        page.looks("look", row=7)  # the index is built in the background
        page.explorer.state.focus = 8
        await until(lambda: page.explorer.busy == "")

    asyncio.run(act())
    assert [message.kind for message in page.replies(view="look")] == ["look"]
    page.looks("neighbors", row=7)
    assert page.explorer.selected.tolist() == []


def test_steps_follow_the_order_of_the_gallery_and_end_with_it(page):
    page.asks("arrange", sort="confidence", source="visible")
    rows = page.rows_of_tiles()
    page.at("open", index=1)
    for by, row in ((1, rows[2]), (-1, rows[1]), (-1, rows[0]), (-1, rows[0])):
        page.looks("step", by=by)
        assert page.explorer.state.focus == row


def test_sorting_by_similarity_closes_the_look_and_lasts_until_the_next_selection(page):
    page.explorer.select(range(20))
    page.explorer.state.focus = 7
    page.looks("similar")
    features = page.explorer.feature_set.features[:20]
    distances = np.linalg.norm(features - features[7], axis=1)
    assert page.explorer.state.focus is None
    assert page.rows_of_tiles() == np.argsort(distances, kind="stable").tolist()
    page.explorer.select(range(5))
    assert page.rows_of_tiles() == [0, 1, 2, 3, 4]


def test_details_stay_after_selections_and_hidden_classes(page):
    page.explorer.select([4, 7, 9])
    page.explorer.state.focus = 7
    assert page.get("focus_index") == 1
    page.explorer.select([7, 9])
    assert (page.shows("look", "focus"), page.shows("look", "position")) == (7, 0)
    page.explorer.visible_classes = ["cat"]
    assert (page.shows("look", "focus"), page.shows("look", "position")) == (7, -1)
    page.looks("look", row=7)
    assert page.last("look").content["row"] == 7
    page.looks("focus", row=None)
    assert page.explorer.state.focus is None
    assert page.shows("look", "focus") is None


def test_only_valid_rows_can_be_focused_or_hovered(page):
    state = page.explorer.state
    for name in ("focus", "hovered"):
        with pytest.raises(InvalidInputError, match=f"{name} .* got 60"):
            setattr(state, name, 60)
        with pytest.raises(InvalidInputError, match="got -1"):
            setattr(state, name, -1)
        assert getattr(state, name) is None
