"""The gallery: its tiles, their order, and the content of its replies."""

import asyncio
import threading

import numpy as np
import pytest
from PIL import Image

from tests.widgets.page import until
from tests.widgets.views.gallery_page import MODULE, GalleryPage, N, make_record
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget._text import REMEDY
from tsne_widget.analysis import Scores, confidence, finder_order, finder_rows
from tsne_widget.analysis.scores import SCORES
from tsne_widget.widgets.models.tiles import MAX_REPLY_BYTES, MAX_TILES_PER_REPLY
from tsne_widget.widgets.views.gallery.view import MAX_UNASKED


def test_gallery_shows_the_selection_or_all_visible_samples(page):
    page.explorer.select([4, 7, 9])
    assert page.rows_of_tiles() == [4, 7, 9]
    page.asks("arrange", source="visible")
    assert page.rows_of_tiles() == list(range(N))
    assert page.get("source_counts") == [3, N]
    page.explorer.visible_classes = ["dog"]
    assert page.rows_of_tiles() == list(range(1, N, 3))
    page.asks("arrange", source="selection")
    assert page.rows_of_tiles() == [4, 7]


def test_hiding_a_class_that_is_not_selected_does_not_change_the_tiles(page):
    page.explorer.select([0, 3])
    epoch = page.get("epoch")
    page.explorer.visible_classes = ["cat", "owl"]
    assert page.get("epoch") == epoch


def test_gallery_shows_all_samples_until_some_are_selected_and_again_after(page):
    assert page.get("source") == "visible"
    page.explorer.select([0, 3])
    assert page.rows_of_tiles() == [0, 3]
    page.asks("arrange", source="visible")
    assert page.rows_of_tiles() == list(range(N))
    page.explorer.select([0])
    assert page.rows_of_tiles() == [0]
    page.explorer.clear()
    assert page.rows_of_tiles() == list(range(N))
    assert page.get("source_counts") == [0, N]


def test_worst_mistakes_come_first_and_a_selection_is_grouped_by_mistake():
    with EmbeddingExplorer(make_record(), embedding=np.eye(N)[:, :2]) as explorer:
        page = GalleryPage(explorer)
        loss = explorer.state.scores["loss"]
        assert page.rows_of_tiles() == np.argsort(-loss, kind="stable").tolist()
        assert page.get("groups") == []
        explorer.select("visible")
        sizes = [size for _name, size, *_colors in page.get("groups")]
        assert page.get("groups")[-1][0] == "right"
        assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
        first = page.rows_of_tiles()[: sizes[0]]
        assert first == sorted(first, key=lambda row: -loss[row])


@pytest.mark.parametrize("name", ["least_confident", "outliers", "confident_mistakes"])
def test_finder_sorts_the_gallery_by_its_score_until_something_else_is_selected(page, name):
    explorer = page.explorer
    explorer.select([4, 7])
    explorer.select(name)
    assert page.rows_of_tiles() == finder_rows(name, explorer.state.scores).tolist()
    assert page.get("sorted_by") == finder_order(name)[0]
    tile = page.last("tiles").content["tiles"][0]
    score = explorer.state.scores[page.get("sorted_by")]
    assert tile["value"] == SCORES[page.get("sorted_by")].text(score[tile["row"]])
    explorer.select([9, 4, 7])
    assert page.rows_of_tiles() == [4, 7, 9]
    assert page.get("sorted_by") == "dataset"


def test_an_order_chosen_after_a_finder_stays(page):
    page.explorer.select("outliers")
    page.asks("arrange", sort="class")
    page.explorer.select([9, 4, 7])
    assert page.get("sorted_by") == "class"


def test_finder_of_the_toolbar_orders_the_gallery_like_select(page):
    page.send("toolbar", "finder", name="outliers", mode="replace")
    rows = page.rows_of_tiles()
    page.explorer.clear()
    page.explorer.select("outliers")
    assert page.rows_of_tiles() == rows


def test_the_rows_of_a_group_can_be_selected(page):
    page.asks("arrange", source="visible", group="label")
    page.at("group", index=1, mode="replace")
    assert page.explorer.selected.tolist() == list(range(1, N, 3))


def test_table_has_the_cells_of_each_row_and_no_groups(page):
    page.explorer.select(range(20))
    page.asks("arrange", table=True, sort="confidence")
    page.at("tiles", start=0, stop=3, size=0)
    reply = page.last("tiles").content
    frame = page.explorer.to_dataframe()
    keys = [column["key"] for column in page.get("columns")]
    assert page.get("groups") == []
    for tile in reply["tiles"]:
        cells = dict(zip(keys, tile["cells"], strict=True))
        sample = frame.loc[tile["id"]]
        assert cells["dataset"] == str(tile["id"])
        assert cells["prediction"] == sample.prediction_name
        assert cells["confidence"] == f"{100 * sample.confidence:.1f} %"
        assert cells["column-1"] == sample.camera
    assert [tile["confidence"] for tile in reply["tiles"]] == sorted(frame.confidence)[:3]


def test_a_score_becomes_a_column_of_the_table_once_it_is_computed(page):
    assert "suspicion" not in [column["key"] for column in page.get("columns")]
    page.asks("arrange", sort="suspicion")
    assert "suspicion" in [column["key"] for column in page.get("columns")]


def test_strip_has_the_selection_in_the_order_of_the_gallery(page):
    page.send("frame", "set", state={"panel": "confusion"})
    page.asks("arrange", sort="confidence")
    page.explorer.select(range(10))
    page.asks("arrange", source="visible")
    epoch = page.shows("strip", "epoch")
    page.send("strip", "tiles", epoch=epoch, start=0, stop=10)
    confidences = [tile["confidence"] for tile in page.replies(view="strip")[-1].content["tiles"]]
    assert len(confidences) == page.shows("strip", "count") == 10
    assert confidences == sorted(confidences)
    wrong = page.explorer.feature_set.misclassified[:10].sum()
    assert page.shows("strip", "wrong") == wrong


def test_strip_does_nothing_while_the_gallery_is_open(page):
    page.explorer.select(range(10))
    assert page.shows("strip", "count") == 0
    page.send("frame", "set", state={"panel": "confusion"})
    assert page.shows("strip", "count") == 10


def test_many_rows_are_sorted_like_few(page):
    sorting = page.explorer._views["gallery"]._sorting
    sorting.choose("column-0")
    rows = np.arange(3, 40)
    assert sorting.sorted(rows).tolist() == [*rows[np.argsort(rows % 7, kind="stable")]]


def test_sorting_by_confidence_shows_the_least_confident_first(page):
    page.asks("arrange", source="visible", sort="confidence")
    expected = np.argsort(confidence(page.explorer.feature_set.logits), kind="stable")
    assert page.rows_of_tiles() == expected.tolist()
    assert page.get("sorted_by") == "confidence"
    assert not page.get("descending")
    page.asks("arrange", descending=True)
    assert page.rows_of_tiles() == expected[::-1].tolist()


@pytest.mark.parametrize("name", ["loss", "suspicion", "outlier_score", "entropy"])
def test_scores_with_highest_first_are_sorted_descending(page, name):
    page.asks("arrange", source="visible", sort=name)
    values = page.explorer.state.scores[name]
    assert page.rows_of_tiles() == np.argsort(-values, kind="stable").tolist()
    assert page.get("descending")


def test_classes_predictions_and_the_users_columns_can_be_sorted_by(page):
    record = page.explorer.feature_set
    for key, values in [
        ("class", record.labels),
        ("prediction", record.predictions),
        ("column-0", np.arange(N) % 7),
        ("column-1", 1 - np.arange(N) % 2),
    ]:
        page.asks("arrange", source="visible", sort=key)
        assert page.rows_of_tiles() == np.argsort(values, kind="stable").tolist()
    assert {"key": "column-1", "name": "camera", "lacks": ""} in page.get("sorts")


def test_distance_is_measured_from_the_sample_in_focus_when_chosen(page):
    lacks = {sort["key"]: sort["lacks"] for sort in page.get("sorts")}
    assert lacks["distance"] == "open a picture first"
    page.explorer.state.focus = 7
    page.asks("arrange", source="visible", sort="distance")
    features = page.explorer.feature_set.features
    expected = np.argsort(np.linalg.norm(features - features[7], axis=1), kind="stable").tolist()
    assert page.rows_of_tiles() == expected
    page.explorer.state.focus = 9  # focusing another sample does not change the order
    page.explorer.select([5])
    page.explorer.select("visible")
    page.asks("arrange", source="selection")
    assert page.rows_of_tiles() == expected
    names = {sort["key"]: sort["name"] for sort in page.get("sorts")}
    assert names["distance"] == "distance to #107"
    page.asks("arrange", sort="distance")
    assert page.rows_of_tiles()[0] == 9


def test_groups_are_sent_with_their_names_and_counts(page):
    page.asks("arrange", source="visible", group="label")
    names_and_sizes = [group[:2] for group in page.get("groups")]
    assert names_and_sizes == [["cat", 20], ["dog", 20], ["owl", 20]]
    assert page.rows_of_tiles() == [*range(0, N, 3), *range(1, N, 3), *range(2, N, 3)]
    page.asks("arrange", group="confusion")
    record = page.explorer.feature_set
    wrong = int(record.misclassified.sum())
    assert record.misclassified[page.rows_of_tiles()[:wrong]].all()
    page.asks("arrange", group="none")
    assert page.get("groups") == []


def test_unavailable_choices_name_their_inputs_and_cannot_be_chosen():
    record = FeatureSet.from_arrays(np.eye(8))
    with EmbeddingExplorer(record, embedding=np.eye(8)[:, :2]) as explorer:
        page = GalleryPage(explorer)
        lacks = {sort["key"]: sort["lacks"] for sort in page.get("sorts")}
        assert lacks["confidence"] == "needs logits"
        assert lacks["loss"] == "needs logits and labels"
        assert lacks["class"] == "needs labels"
        assert lacks["outlier_score"] == ""
        assert page.get("groupings")[-1] == {
            "key": "confusion", "lacks": "needs labels and predictions",
        }  # fmt: skip
        epoch = page.get("epoch")
        page.asks("arrange", source="visible", group="confusion")
        assert (page.get("epoch"), page.get("source"), page.get("group_by")) == (
            epoch,
            "visible",
            "none",
        )
        page.asks("arrange", source="visible", sort="loss")
        assert page.rows_of_tiles() == list(range(8))
        assert page.get("sort_note") == "needs logits and labels"


def hold_suspicion(monkeypatch):
    """A gate that the computation of "suspicion" waits for."""
    gate, computed = threading.Event(), Scores.__getitem__

    def held(scores, name):
        if name == "suspicion":
            assert gate.wait(30)
        return computed(scores, name)

    monkeypatch.setattr(Scores, "__getitem__", held)
    return gate


def test_order_is_kept_until_a_slow_score_is_computed(page, monkeypatch):
    suspicion = Scores(page.explorer.feature_set)["suspicion"]
    gate = hold_suspicion(monkeypatch)

    async def act():
        page.explorer.select("visible")
        epoch = page.get("epoch")
        page.asks("arrange", sort="suspicion")
        assert (page.get("sorted_by"), page.get("sort_note")) == ("suspicion", "computing …")
        assert page.explorer.busy == "Computing label suspicion (nats)"
        assert page.get("epoch") == epoch  # nothing is redrawn before the values exist
        page.explorer.select(np.arange(30))
        assert page.rows_of_tiles() == list(range(30))
        gate.set()
        await until(lambda: page.get("sort_note") == "")
        assert page.rows_of_tiles() == np.argsort(-suspicion[:30], kind="stable").tolist()
        assert page.get("descending")

    asyncio.run(act())


def test_score_computed_after_another_choice_changes_nothing(page, monkeypatch):
    gate = hold_suspicion(monkeypatch)

    async def act():
        page.explorer.select("visible")
        page.asks("arrange", sort="suspicion")
        page.asks("arrange", sort="class")
        rows = page.rows_of_tiles()
        gate.set()
        await until(lambda: page.explorer.busy == "")
        assert page.get("sorted_by") == "class"
        assert page.rows_of_tiles() == rows

    asyncio.run(act())


def test_failed_score_is_reported_and_the_dataset_order_is_used(page, monkeypatch):
    def broken(*_arguments):
        raise ArithmeticError("<b>odd</b>")

    monkeypatch.setattr(Scores, "__getitem__", broken)

    async def act():
        page.explorer.select("visible")
        page.asks("arrange", sort="suspicion")
        await until(lambda: page.get("sort_note") == "")
        assert page.get("sorted_by") == "dataset"
        assert page.explorer.message == (
            f"Computing label suspicion (nats) failed: ArithmeticError: <b>odd</b>{REMEDY}"
        )
        assert page.rows_of_tiles() == list(range(N))

    asyncio.run(act())


def test_a_sort_by_the_map_waits_for_the_map():
    gate = threading.Event()

    class Gated:
        def fit_transform(self, features):
            assert gate.wait(30)
            return features[:, :2]

    async def act():
        with EmbeddingExplorer(make_record(), projector=Gated()) as explorer:
            page = GalleryPage(explorer)
            page.asks("arrange", source="visible", sort="trustworthiness")
            assert page.get("sort_note") == "needs the finished map"
            assert page.rows_of_tiles() == list(range(N))
            gate.set()
            await until(lambda: page.get("sort_note") == "")
            values = explorer.state.scores["trustworthiness"]
            assert page.rows_of_tiles() == np.argsort(values, kind="stable").tolist()

    asyncio.run(act())


class Noise:
    """An image source of noise, which does not compress."""

    pixels = np.random.default_rng(0).choice(np.array([0, 255], "u1"), (4, 512, 512, 3))

    def __len__(self):
        return 200

    def image(self, id):  # noqa: A002
        return Image.fromarray(self.pixels[id % 4])

    def caption(self, id):  # noqa: A002
        return str(id)


@pytest.mark.parametrize("size", [96, 192, 384])
def test_reply_stays_within_its_bytes_for_pictures_of_any_size(monkeypatch, size):
    monkeypatch.setattr(f"{MODULE}.MAX_REPLY_SECONDS", 60)
    explorer = EmbeddingExplorer(make_record(), embedding=np.eye(N)[:, :2], images=Noise())
    with explorer:
        page = GalleryPage(explorer)
        explorer.select("visible")
        page.at("tiles", start=0, stop=N, size=size)
        content, weight = page.last("tiles").content, page.last("tiles").size
        assert MAX_REPLY_BYTES / 2 < weight < 300_000  # and no smaller than necessary
        assert 1 <= len(content["tiles"]) <= {96: N, 192: 20, 384: 3}[size]
        assert max(content["tiles"][0][side] for side in ("width", "height")) == size
        explorer.state.focus = 3
        page.looks("look", row=3)
        assert page.last("look").content["tile"]["width"] == 512
        assert page.last("look").size < 300_000
        assert page.last("neighbors").size < 300_000


@pytest.mark.parametrize("most", [1000, 1], ids=["some fit", "none fits"])
def test_tiles_that_did_not_fit_are_sent_on_the_next_request(page, monkeypatch, most):
    monkeypatch.setattr(f"{MODULE}.MAX_REPLY_BYTES", most)
    page.explorer.select("visible")
    assert page.rows_of_tiles() == list(range(N))
    assert len(page.answers) > 10


def test_slow_pictures_are_sent_a_few_at_a_time(page, monkeypatch):
    monkeypatch.setattr(f"{MODULE}.MAX_REPLY_SECONDS", 0)
    page.explorer.select("visible")
    assert page.rows_of_tiles() == list(range(N))
    assert [len(message.content["tiles"]) for message in page.answers] == [1] * N


def test_small_picture_is_not_enlarged_and_its_size_is_sent(page):
    page.explorer.select([3])
    page.at("tiles", start=0, stop=1, size=384)
    tile = page.answers[-1].content["tiles"][0]
    assert (tile["width"], tile["height"], tile["row"], tile["id"]) == (8, 8, 3, 103)


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (lambda page: page.explorer.select([5, 9, 14]), [5, 9, 14]),
        (lambda page: page.explorer.select(range(30)), [0, 1, 2, 3]),
        (lambda page: page.asks("arrange", source="visible"), [0, 1, 2, 3]),
        (lambda page: page.asks("arrange", descending=True), [11, 8]),
    ],
    ids=["selection", "more than expected", "source", "direction"],
)
def test_expected_tiles_are_sent_with_the_new_order(page, change, rows):
    page.explorer.select([8, 11])
    page.at("expect", count=4, size=192)
    change(page)
    (reply,) = page.answers
    content, buffers = reply.content, reply.buffers
    assert content["epoch"] == page.get("epoch") == page.get("coming")
    assert (content["start"], content["size"]) == (0, 192)
    assert [tile["row"] for tile in content["tiles"]] == rows
    assert len(buffers[0]) == sum(tile["bytes"] for tile in content["tiles"])


def test_expected_tiles_are_sent_until_the_page_has_been_silent_for_some_orders(page):
    page.at("expect", count=4)
    for row in range(MAX_UNASKED + 2):
        page.explorer.select([row])
    assert len(page.answers) == MAX_UNASKED
    assert page.get("coming") == -1


def test_no_pictures_come_unasked_while_the_table_is_shown(page):
    page.at("expect", count=4)
    page.asks("arrange", table=True)
    page.explorer.select([5, 9])
    assert page.answers == []
    page.asks("arrange", table=False)
    assert len(page.answers) == 1


def test_nothing_is_sent_for_an_empty_or_no_longer_expected_order(page):
    page.asks("arrange", source="selection")
    page.explorer.select([5, 9])
    page.asks("arrange", source="selection")
    stale = page.get("epoch")
    page.at("expect", count=4)
    page.explorer.visible_classes = []
    page.asks("expect", epoch=stale, count=4)
    assert page.answers == []
    assert page.get("coming") == -1


def test_page_receives_the_order_before_its_tiles(page):
    page.at("expect", count=4)
    page.forget()
    page.explorer.select([5, 9])
    methods = [
        message.kind or "order"
        for message in page.received
        if message.kind == "tiles" or "gallery.epoch" in message.content
    ]
    assert methods == ["order", "tiles"]
    order = next(message for message in page.received if "gallery.epoch" in message.content)
    assert {"gallery.epoch", "gallery.coming", "gallery.count"} <= order.content.keys()


def test_a_bad_picture_is_a_tile_with_the_reason():
    record = make_record(4)
    with EmbeddingExplorer(
        record, embedding=np.eye(4)[:, :2], images=[f"/no/such/{i}.png" for i in range(110)]
    ) as explorer:
        broken = GalleryPage(explorer)
        explorer.select([1])
        explorer.state.focus = 1
        assert broken.rows_of_tiles() == [1]
        reason = "no such file or directory: 101.png"
        assert broken.answers[-1].content["tiles"][0]["note"] == reason
        broken.looks("look", row=1)
        assert broken.last("look").content["tile"]["note"] == reason


def test_a_request_for_an_older_selection_is_not_answered(page):
    page.explorer.select(np.arange(20))
    stale = page.get("epoch")
    page.explorer.select(np.arange(5))
    page.asks("tiles", epoch=stale, start=0, stop=2)
    assert page.answers == []
    page.at("tiles", start=0, stop=2)
    assert len(page.answers) == 1


def test_one_buffer_holds_the_pictures_of_a_range(page):
    wrong = page.explorer.feature_set.misclassified
    page.explorer.select(np.arange(20))
    page.at("tiles", start=3, stop=6)
    (reply,) = page.answers
    tiles = reply.content["tiles"]
    assert [tile["id"] for tile in tiles] == [103, 104, 105]
    assert [tile["wrong"] for tile in tiles] == wrong[3:6].tolist()
    assert sum(tile["bytes"] for tile in tiles) == len(reply.buffers[0]) > 0


def test_more_tiles_than_a_screenful_are_refused():
    n = MAX_TILES_PER_REPLY + 10
    with EmbeddingExplorer(make_record(n), embedding=np.eye(n)[:, :2]) as explorer:
        page = GalleryPage(explorer)
        explorer.select(np.arange(n))
        page.at("tiles", start=0, stop=n)
        assert page.answers == []
        page.at("tiles", start=0, stop=MAX_TILES_PER_REPLY)
        assert len(page.answers) == 1


def first_tile(page):
    page.at("tiles", start=0, stop=1)
    return page.last("tiles").content["tiles"][0]


def test_tiles_show_the_evidence_once_it_is_known_and_wanted(page):
    known, row = page.explorer.state.evidence, page.rows_of_tiles()[0]
    assert page.get("has_maps") is False
    known.keep("difference", [row], [np.array([[0, 1]], "f4")])
    assert page.get("has_maps") is True
    assert "map" not in first_tile(page)
    page.asks("arrange", maps=True)
    assert page.get("shows_maps") is True
    assert first_tile(page)["map"] == [1, 2, 0, 127]


def test_new_evidence_lets_the_page_ask_again_for_tiles_that_show_it(page):
    known, epoch = page.explorer.state.evidence, page.get("epoch")
    known.keep("difference", [0], [np.array([[0, 1]], "f4")])
    assert len(page.replies("refresh", "gallery")) == 0
    page.asks("arrange", maps=True)
    assert len(page.replies("refresh", "gallery")) == 1
    known.keep("difference", [1], [np.array([[1, 0]], "f4")])
    assert len(page.replies("refresh", "gallery")) == 2
    assert page.get("epoch") == epoch
