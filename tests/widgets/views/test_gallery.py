"""The gallery: its order, its replies, the close look, picking and hovering."""

import asyncio
import json
import threading

import numpy as np
import pytest
from PIL import Image

from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget._text import REMEDY
from tsne_widget.analysis import confidence
from tsne_widget.widgets import gallery as module
from tsne_widget.widgets.models.details import NEIGHBORS, details
from tsne_widget.widgets.views.gallery.view import MAX_REPLY_BYTES, MAX_TILES_PER_REPLY

N = 60
NAMES = ["cat", "dog", "owl"]


def a_record(n=N):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    logits = rng.normal(size=(n, 3)) + 2 * np.eye(3)[labels]
    return FeatureSet.from_arrays(
        rng.normal(size=(n, 6)) + 2 * np.eye(6)[labels], labels,
        logits=logits, predictions=logits.argmax(1), class_names=NAMES, ids=np.arange(n) + 100,
    )  # fmt: skip


class Page:
    """What the page does: sends messages, and hears replies and traits."""

    def __init__(self, explorer, monkeypatch):
        self.explorer = explorer
        self.view = explorer._views["gallery"]
        self.replies = []
        monkeypatch.setattr(
            self.view,
            "send",
            lambda content, buffers=(): self.replies.append((content, buffers)),
        )

    def send(self, kind, **content):
        self.view._handle_custom_msg({"kind": kind, **content}, [])

    def at(self, kind, **content):
        self.send(kind, epoch=self.view.epoch, **content)

    def rows(self):
        """Rows of all tiles, in order, asked for as the page does: what is missing, again."""
        rows = []
        while len(rows) < self.view.count:
            stop = min(self.view.count, len(rows) + MAX_TILES_PER_REPLY)
            self.at("tiles", start=len(rows), stop=stop)
            reply = self.replies[-1][0]
            assert reply["start"] == len(rows)
            rows += [tile["row"] for tile in reply["tiles"]]
        return rows

    def last(self, kind):
        return next(reply for reply in reversed(self.replies) if reply[0]["kind"] == kind)


@pytest.fixture
def page(monkeypatch):
    images = np.arange(200 * 64, dtype=np.uint8).reshape(200, 8, 8)
    columns = {"speed": np.arange(N) % 7, "camera": np.array(["b", "a"] * (N // 2))}
    with EmbeddingExplorer(
        a_record(), embedding=np.random.default_rng(1).normal(size=(N, 2)), images=images,
        columns=columns,
    ) as explorer:  # fmt: skip
        yield Page(explorer, monkeypatch)


# ---- order ----


def test_it_shows_the_selection_or_all_that_is_shown(page):
    page.explorer.select([4, 7, 9])
    assert page.rows() == [4, 7, 9]
    page.send("arrange", source="shown")
    assert page.rows() == list(range(N))
    assert page.view.source_counts == [3, N]
    page.explorer.visible_classes = ["dog"]
    assert page.rows() == list(range(1, N, 3))
    page.send("arrange", source="selection")
    assert page.rows() == [4, 7]


def test_a_hidden_class_that_is_not_selected_leaves_the_tiles_as_they_are(page):
    page.explorer.select([0, 3])
    epoch = page.view.epoch
    page.explorer.visible_classes = ["cat", "owl"]
    assert page.view.epoch == epoch


def test_a_selection_leaves_the_tiles_of_all_that_is_shown_as_they_are(page):
    page.send("arrange", source="shown")
    epoch = page.view.epoch
    page.explorer.select([0, 3])
    assert page.view.epoch == epoch
    assert page.view.source_counts == [2, N]


def test_sorting_by_confidence_shows_the_least_confident_first(page):
    page.send("arrange", source="shown", sort="confidence")
    expected = np.argsort(confidence(page.explorer.feature_set.logits), kind="stable")
    assert page.rows() == expected.tolist()
    assert page.view.sorted_by == "confidence"
    assert not page.view.descending
    page.send("arrange", descending=True)
    assert page.rows() == expected[::-1].tolist()


@pytest.mark.parametrize("name", ["loss", "suspicion", "outlier_score", "entropy"])
def test_where_high_is_interesting_the_highest_come_first(page, name):
    page.send("arrange", source="shown", sort=name)
    values = page.explorer.state.scores[name]
    assert page.rows() == np.argsort(-values, kind="stable").tolist()
    assert page.view.descending


def test_classes_predictions_and_the_users_columns_can_be_sorted_by(page):
    record = page.explorer.feature_set
    for key, values in [
        ("class", record.labels),
        ("prediction", record.predictions),
        ("column-0", np.arange(N) % 7),
        ("column-1", 1 - np.arange(N) % 2),
    ]:
        page.send("arrange", source="shown", sort=key)
        assert page.rows() == np.argsort(values, kind="stable").tolist()
    assert {"key": "column-1", "name": "camera", "lacks": ""} in page.view.sorts


def test_distance_is_that_to_the_sample_looked_at_and_stays_so(page):
    lacks = {sort["key"]: sort["lacks"] for sort in page.view.sorts}
    assert lacks["distance"] == "look at a sample first"
    page.explorer.state.focus = 7
    page.send("arrange", source="shown", sort="distance")
    features = page.explorer.feature_set.features
    expected = np.argsort(np.linalg.norm(features - features[7], axis=1), kind="stable").tolist()
    assert page.rows() == expected
    page.explorer.state.focus = 9  # looking on does not stir the order
    page.explorer.select([5])
    page.explorer.select("visible")
    page.send("arrange", source="selection")
    assert page.rows() == expected
    names = {sort["key"]: sort["name"] for sort in page.view.sorts}
    assert names["distance"] == "distance to #107"
    page.send("arrange", sort="distance")
    assert page.rows()[0] == 9


def test_groups_are_told_with_their_names_and_counts(page):
    page.send("arrange", source="shown", group="label")
    assert page.view.groups == [["cat", 20], ["dog", 20], ["owl", 20]]
    assert page.rows() == [*range(0, N, 3), *range(1, N, 3), *range(2, N, 3)]
    page.send("arrange", group="confusion")
    record = page.explorer.feature_set
    wrong = int(record.misclassified.sum())
    assert record.misclassified[page.rows()[:wrong]].all()
    page.send("arrange", group="none")
    assert page.view.groups == []


def test_what_is_lacking_is_told_and_cannot_be_chosen(monkeypatch):
    record = FeatureSet.from_arrays(np.eye(8))
    with EmbeddingExplorer(record, embedding=np.eye(8)[:, :2]) as explorer:
        page = Page(explorer, monkeypatch)
        lacks = {sort["key"]: sort["lacks"] for sort in page.view.sorts}
        assert lacks["confidence"] == "needs logits"
        assert lacks["loss"] == "needs logits and labels"
        assert lacks["class"] == "needs labels"
        assert lacks["outlier_score"] == ""
        assert page.view.groupings[-1] == {
            "key": "confusion", "lacks": "needs labels and predictions",
        }  # fmt: skip
        epoch = page.view.epoch
        page.send("arrange", source="shown", group="confusion")
        assert (page.view.epoch, page.view.source, page.view.group_by) == (
            epoch,
            "selection",
            "none",
        )
        page.send("arrange", source="shown", sort="loss")
        assert page.rows() == list(range(8))
        assert page.view.sort_note == "needs logits and labels"


def in_a_loop(act):
    """Run a coroutine as a kernel would, and let its background work end."""
    asyncio.run(act())


async def condition(holds):
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("waited in vain")


def test_a_slow_score_keeps_the_order_until_it_is_there(page, monkeypatch):
    gate = threading.Event()
    scores = page.explorer.state.scores
    suspicion = scores["suspicion"]
    scores._kept.clear()

    def slow(*_arguments):
        assert gate.wait(30)
        return {"suspicion": suspicion}

    monkeypatch.setattr(scores, "_computed", slow)

    async def act():
        page.explorer.select("visible")
        epoch = page.view.epoch
        page.send("arrange", sort="suspicion")
        assert (page.view.sorted_by, page.view.sort_note) == ("suspicion", "computing …")
        assert page.explorer.state.busy == "Computing suspicion of the label (nats)"
        assert page.view.epoch == epoch  # nothing is drawn anew for what is not there yet
        page.explorer.select(np.arange(30))
        assert page.rows() == list(range(30))
        gate.set()
        await condition(lambda: page.view.sort_note == "")
        assert page.rows() == np.argsort(-suspicion[:30], kind="stable").tolist()
        assert page.view.descending

    in_a_loop(act)


def test_a_score_that_comes_after_another_choice_changes_nothing(page, monkeypatch):
    gate = threading.Event()
    scores = page.explorer.state.scores
    suspicion = scores["suspicion"]
    scores._kept.clear()
    original = scores._computed

    def slow(name, embedding):
        if name == "suspicion":
            assert gate.wait(30)
            return {name: suspicion}
        return original(name, embedding)

    monkeypatch.setattr(scores, "_computed", slow)

    async def act():
        page.explorer.select("visible")
        page.send("arrange", sort="suspicion")
        page.send("arrange", sort="class")
        rows = page.rows()
        gate.set()
        await condition(lambda: page.explorer.state.busy == "")
        assert page.view.sorted_by == "class"
        assert page.rows() == rows

    in_a_loop(act)


def test_a_score_that_fails_is_reported_and_the_dataset_order_taken(page, monkeypatch):
    def broken(*_arguments):
        raise ArithmeticError("<b>odd</b>")

    monkeypatch.setattr(page.explorer.state.scores, "_computed", broken)

    async def act():
        page.explorer.select("visible")
        page.send("arrange", sort="suspicion")
        await condition(lambda: page.view.sort_note == "")
        assert page.view.sorted_by == "dataset"
        assert page.explorer.state.message == (
            f"Computing suspicion of the label (nats) failed: ArithmeticError: <b>odd</b>{REMEDY}"
        )
        assert page.rows() == list(range(N))

    in_a_loop(act)


def test_a_sort_by_the_map_waits_for_the_map(monkeypatch):
    gate = threading.Event()

    class Gated:
        def fit_transform(self, features):
            assert gate.wait(30)
            return features[:, :2]

    async def act():
        with EmbeddingExplorer(a_record(), projector=Gated()) as explorer:
            page = Page(explorer, monkeypatch)
            page.send("arrange", source="shown", sort="trustworthiness")
            assert page.view.sort_note == "needs the finished map"
            assert page.rows() == list(range(N))
            gate.set()
            await condition(lambda: page.view.sort_note == "")
            values = explorer.state.scores["trustworthiness"]
            assert page.rows() == np.argsort(values, kind="stable").tolist()

    in_a_loop(act)


# ---- replies ----


class Noise:
    """An image source of what no compression makes small."""

    pixels = np.random.default_rng(0).choice(np.array([0, 255], "u1"), (4, 512, 512, 3))

    def __len__(self):
        return 200

    def image(self, id):  # noqa: A002
        return Image.fromarray(self.pixels[id % 4])

    def caption(self, id):  # noqa: A002
        return str(id)


@pytest.mark.parametrize("size", [96, 192, 384])
def test_a_reply_stays_within_its_bytes_however_heavy_the_pictures(monkeypatch, size):
    monkeypatch.setattr(module, "MAX_REPLY_SECONDS", 60)
    explorer = EmbeddingExplorer(a_record(), embedding=np.eye(N)[:, :2], images=Noise())
    with explorer:
        page = Page(explorer, monkeypatch)
        explorer.select("visible")
        page.at("tiles", start=0, stop=N, size=size)
        content, buffers = page.replies[-1]
        weight = len(buffers[0]) + len(json.dumps(content))
        assert MAX_REPLY_BYTES / 2 < weight < 300_000  # and no smaller than it must be
        assert 1 <= len(content["tiles"]) <= {96: N, 192: 20, 384: 3}[size]
        assert max(content["tiles"][0][side] for side in ("width", "height")) == size
        explorer.state.focus = 3
        page.send("look", row=3)
        content, buffers = page.last("look")
        assert content["tile"]["width"] == 512
        assert len(buffers[0]) + len(json.dumps(content)) < 300_000
        content, buffers = page.last("neighbors")
        assert len(buffers[0]) + len(json.dumps(content)) < 300_000


@pytest.mark.parametrize("most", [1000, 1], ids=["some fit", "none fits"])
def test_what_did_not_fit_comes_when_it_is_asked_for_again(page, monkeypatch, most):
    monkeypatch.setattr(module, "MAX_REPLY_BYTES", most)
    page.explorer.select("visible")
    assert page.rows() == list(range(N))
    assert len(page.replies) > 10


def test_slow_pictures_are_sent_a_few_at_a_time(page, monkeypatch):
    monkeypatch.setattr(module, "MAX_REPLY_SECONDS", 0)
    page.explorer.select("visible")
    assert page.rows() == list(range(N))
    assert [len(content["tiles"]) for content, _ in page.replies] == [1] * N


def test_a_small_picture_is_not_enlarged_and_its_size_is_told(page):
    page.explorer.select([3])
    page.at("tiles", start=0, stop=1, size=384)
    tile = page.replies[-1][0]["tiles"][0]
    assert (tile["width"], tile["height"], tile["row"], tile["id"]) == (8, 8, 3, 103)


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (lambda page: page.explorer.select([5, 9, 14]), [5, 9, 14]),
        (lambda page: page.explorer.select(range(30)), [0, 1, 2, 3]),
        (lambda page: page.send("arrange", source="shown"), [0, 1, 2, 3]),
        (lambda page: page.send("arrange", descending=True), [11, 8]),
    ],
    ids=["selection", "more than expected", "source", "direction"],
)
def test_tiles_that_the_page_expects_come_with_the_news_of_the_order(page, change, rows):
    page.explorer.select([8, 11])
    page.at("expect", count=4, size=192)
    change(page)
    ((content, buffers),) = page.replies
    assert content["epoch"] == page.view.epoch == page.view.coming
    assert (content["start"], content["size"]) == (0, 192)
    assert [tile["row"] for tile in content["tiles"]] == rows
    assert len(buffers[0]) == sum(tile["bytes"] for tile in content["tiles"])


def test_what_is_expected_comes_once(page):
    page.at("expect", count=4)
    page.explorer.select([5, 9])
    page.explorer.select([7])
    assert len(page.replies) == 1
    assert page.view.coming == -1


def test_nothing_comes_of_an_order_without_tiles_or_one_that_is_expected_no_more(page):
    page.explorer.select([5, 9])
    stale = page.view.epoch
    page.at("expect", count=4)
    page.explorer.clear()
    page.send("expect", epoch=stale, count=4)
    assert page.replies == []
    assert page.view.coming == -1


def test_the_page_knows_of_the_order_before_its_tiles_come(page, monkeypatch):
    told = []
    monkeypatch.setattr(page.view, "send_state", lambda key=None: told.append(set(key)))
    monkeypatch.setattr(page.view, "send", lambda content, _buffers=(): told.append(content))
    page.at("expect", count=4)
    page.explorer.select([5, 9])
    assert {"epoch", "coming", "count"} <= told[0]
    assert [told[1]["kind"], len(told)] == ["tiles", 2]


def test_a_bad_picture_is_a_tile_with_the_reason(page, monkeypatch):
    record = a_record(4)
    with EmbeddingExplorer(
        record, embedding=np.eye(4)[:, :2], images=[f"/no/such/{i}.png" for i in range(110)]
    ) as explorer:
        broken = Page(explorer, monkeypatch)
        explorer.select([1])
        explorer.state.focus = 1
        assert broken.rows() == [1]
        assert broken.replies[-1][0]["tiles"][0]["note"] == "no such file or directory"
        broken.send("look", row=1)
        assert broken.last("look")[0]["tile"]["note"] == "no such file or directory"


# ---- the close look ----


def test_a_loss_of_next_to_nothing_is_told_as_that():
    logits = np.eye(3)[np.arange(N) % 3] * 30
    record = FeatureSet.from_arrays(logits, logits.argmax(1), logits=logits)
    with EmbeddingExplorer(record, embedding=logits[:, :2]) as sure:
        assert dict(details(sure.state, 0))["loss"] == "< 0.001"


def test_opening_a_tile_looks_at_its_row_and_tells_what_is_known(page):
    page.explorer.select([4, 7, 9])
    page.at("open", index=1)
    assert page.explorer.state.focus == 7
    assert (page.view.focus, page.view.focus_index) == (7, 1)
    page.send("look", row=7)
    content, buffers = page.last("look")
    assert content["tile"]["bytes"] == len(buffers[0]) > 0
    told = dict(content["details"])
    record = page.explorer.feature_set
    frame = page.explorer.to_dataframe("all").loc[107]
    assert told["id"] == "107"
    assert told["row"] == "7"
    assert told["label"] == "dog"
    assert told["prediction"] == frame.prediction_name
    assert told["confidence"] == f"{100 * frame.confidence:.1f} %"
    assert float(told["loss"]) == pytest.approx(page.explorer.state.scores["loss"][7], rel=1e-3)
    assert (told["speed"], told["camera"]) == ("0", "a")
    assert "suspicion" not in told  # which would take time
    shares = np.exp(record.logits[7]) / np.exp(record.logits[7]).sum()
    assert {bar["name"]: bar["share"] for bar in content["probabilities"]} == pytest.approx(
        dict(zip(NAMES, shares.tolist(), strict=True)), rel=1e-4
    )
    assert [bar["name"] for bar in content["probabilities"] if bar["is_label"]] == ["dog"]


def test_scores_that_are_there_are_told_too(page):
    suspicion = page.explorer.state.scores["suspicion"][7]
    page.explorer.state.focus = 7
    page.send("look", row=7)
    told = dict(page.last("look")[0]["details"])
    assert float(told["suspicion"]) == pytest.approx(suspicion, rel=1e-3)


def test_the_label_is_among_the_probabilities_however_improbable(monkeypatch):
    logits = np.tile(np.arange(20.0), (4, 1))
    record = FeatureSet.from_arrays(np.eye(4), [0, 1, 2, 3], logits=logits,
                                    class_names=[f"c{i}" for i in range(20)])  # fmt: skip
    with EmbeddingExplorer(record, embedding=np.eye(4)[:, :2]) as explorer:
        page = Page(explorer, monkeypatch)
        explorer.state.focus = 2
        page.send("look", row=2)
        bars = page.last("look")[0]["probabilities"]
        assert [bar["name"] for bar in bars] == ["c19", "c18", "c17", "c16", "c15", "c2"]
        assert bars[-1]["is_label"]


def test_neighbours_are_the_nearest_in_feature_space_and_those_of_other_labels_are_counted(page):
    features, labels = page.explorer.feature_set.features, page.explorer.feature_set.labels
    page.explorer.state.focus = 7
    page.send("look", row=7)
    content, _buffers = page.last("neighbors")
    distances = np.linalg.norm(features - features[7], axis=1)
    expected = [row for row in np.argsort(distances) if row != 7][:NEIGHBORS]
    assert [tile["row"] for tile in content["tiles"]] == expected
    assert content["distances"] == pytest.approx(distances[expected].tolist(), rel=1e-5)
    differs = labels[expected] != labels[7]
    assert content["differs"] == differs.tolist()
    count = int(differs.sum())
    assert content["summary"].startswith(f"{count} of {NEIGHBORS} neighbours ha")
    page.send("neighbors", row=8)  # of which the neighbours are not known
    assert page.explorer.selected.tolist() == []
    page.send("neighbors", row=7)
    assert page.explorer.selected.tolist() == sorted(expected)


def test_unknown_labels_are_not_counted_as_other_labels(monkeypatch):
    record = FeatureSet.from_arrays(np.arange(5.0)[:, np.newaxis], [0, -1, 1, 0, -1])
    with EmbeddingExplorer(record, embedding=np.eye(5)[:, :2]) as explorer:
        page = Page(explorer, monkeypatch)
        for row, summary in [(0, "1 of 4 neighbours has another label"),
                             (1, "0 of 4 neighbours have another label")]:  # fmt: skip
            explorer.state.focus = row
            page.send("look", row=row)
            assert page.last("neighbors")[0]["summary"] == summary


def test_a_sample_alone_has_no_neighbours(monkeypatch):
    with EmbeddingExplorer(FeatureSet.from_arrays(np.ones((1, 2))), embedding=[[0, 0]]) as explorer:
        page = Page(explorer, monkeypatch)
        explorer.state.focus = 0
        page.send("look", row=0)
        assert page.last("neighbors")[0]["summary"] == "There is no other sample"


def test_an_answer_for_a_sample_that_is_no_longer_looked_at_is_not_sent(page):
    page.explorer.state.focus = 7
    page.send("look", row=8)
    assert page.replies == []

    async def act():
        page.explorer.state.scores._index = None
        page.send("look", row=7)  # the index is built in the background
        page.explorer.state.focus = 8
        await condition(lambda: page.explorer.state.busy == "")

    in_a_loop(act)
    assert [content["kind"] for content, _ in page.replies] == ["look"]
    page.send("neighbors", row=7)
    assert page.explorer.selected.tolist() == []


def test_the_close_look_outlives_selections_and_hidden_classes(page):
    page.explorer.select([4, 7, 9])
    page.explorer.state.focus = 7
    assert page.view.focus_index == 1
    page.explorer.select([7, 9])
    assert (page.view.focus, page.view.focus_index) == (7, 0)
    page.explorer.visible_classes = ["cat"]
    assert (page.view.focus, page.view.focus_index) == (7, -1)
    page.send("look", row=7)
    assert page.last("look")[0]["row"] == 7
    page.send("focus", row=None)
    assert page.explorer.state.focus is None
    assert page.view.focus is None


def test_only_a_row_can_be_looked_at_or_hovered(page):
    state = page.explorer.state
    for name in ("focus", "hovered"):
        with pytest.raises(InvalidInputError, match=f"{name} must be a row 0 … 59 or None, got 60"):
            setattr(state, name, 60)
        with pytest.raises(InvalidInputError, match="got -1"):
            setattr(state, name, -1)
        assert getattr(state, name) is None


# ---- hovering ----


def test_hovering_is_told_both_ways(page):
    page.send("hover", row=5)
    assert page.explorer.state.hovered == 5
    page.send("hover", row=None)
    assert page.explorer.state.hovered is None
    page.explorer.state.hovered = 8
    assert page.view.hovered == 8


def test_a_pointer_that_leaves_does_not_take_back_what_the_map_has_hovered_since(page):
    page.send("hover", row=5)
    page.explorer.state.hovered = 8
    page.send("hover", row=None)
    assert page.explorer.state.hovered == 8


# ---- picking ----


def picked(page):
    bits = np.unpackbits(np.frombuffer(page.view.picks, np.uint8))
    places = page.view.picks_start + np.flatnonzero(bits)
    assert len(places) == page.view.picked
    return page.view._rows[places].tolist()


def test_tiles_are_picked_one_by_one_and_in_ranges_of_the_shown_order(page):
    page.send("arrange", source="shown", sort="confidence")
    rows = page.rows()
    page.at("pick", index=40, range=False)
    page.at("pick", index=37, range=True)
    assert picked(page) == rows[37:41]
    page.at("pick", index=38, range=False)
    page.at("pick", index=3, range=False)
    page.at("pick", index=5, range=True)
    assert picked(page) == [*rows[3:6], rows[37], rows[39], rows[40]]


def test_picks_outlive_another_order_but_not_their_rows(page):
    page.explorer.select(np.arange(20))
    for index in (2, 3, 11):
        page.at("pick", index=index, range=False)
    page.send("arrange", sort="loss")
    assert sorted(picked(page)) == [2, 3, 11]
    page.explorer.select(np.arange(10))
    assert sorted(picked(page)) == [2, 3]
    page.explorer.select(np.arange(20))
    assert sorted(picked(page)) == [2, 3]


@pytest.mark.parametrize(
    ("action", "expected"),
    [("keep", [2, 5]), ("remove", [3, 4]), ("add", [2, 3, 4, 5]), ("clear", [2, 3, 4, 5])],
)
def test_picked_rows_are_kept_removed_or_let_go(page, action, expected):
    page.explorer.select([2, 3, 4, 5])
    page.at("pick", index=0, range=False)
    page.at("pick", index=3, range=False)
    page.send("picked", do=action)
    assert page.explorer.selected.tolist() == expected
    assert page.view.picked == 0
    assert page.view.picks == b""


def test_picks_among_all_shown_are_added_to_the_selection(page):
    page.explorer.select([8])
    page.send("arrange", source="shown")
    page.at("pick", index=3, range=False)
    page.send("picked", do="add")
    assert page.explorer.selected.tolist() == [3, 8]


# ---- forged messages ----


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("arrange", {"sort": "__class__"}),
        ("arrange", {"sort": "column-2"}),
        ("arrange", {"sort": ["class"]}),
        ("arrange", {"sort": "class", "group": "evil"}),
        ("arrange", {"source": 1}),
        ("arrange", {"descending": "yes"}),
        ("arrange", {"size": 1e9}),
        ("arrange", {"size": 20, "source": "shown"}),
        ("open", {"index": 3}),
        ("open", {"index": -1}),
        ("open", {"index": True}),
        ("focus", {}),
        ("focus", {"row": N}),
        ("focus", {"row": "1"}),
        ("hover", {"row": -1}),
        ("hover", {"row": 0.5}),
        ("hover", {}),
        ("look", {"row": None}),
        ("neighbors", {"row": 10**30}),
        ("pick", {"index": 0}),
        ("pick", {"index": 0, "range": 1}),
        ("pick", {"index": 3, "range": False}),
        ("picked", {}),
        ("picked", {"do": "replace"}),
        ("tiles", {"start": 0, "stop": 1, "size": 97}),
        ("tiles", {"start": 0, "stop": 1, "size": [96]}),
        ("tiles", {"start": 0, "stop": 1, "size": True}),
        ("tiles", {"start": 0, "stop": 4}),
        ("expect", {}),
        ("expect", {"count": 0}),
        ("expect", {"count": MAX_TILES_PER_REPLY + 1}),
        ("expect", {"count": 9, "size": 95}),
        ("expect", {"count": 9, "epoch": -1}),
    ],
)
def test_a_malformed_message_changes_nothing_and_is_not_answered(page, kind, content):
    page.explorer.select([4, 7, 9])
    before = page.view.get_state()
    page.send(kind, **({"epoch": page.view.epoch} | content))
    assert page.view.get_state() == before
    assert page.replies == []
    assert page.explorer.selected.tolist() == [4, 7, 9]
    assert page.explorer.state.focus is None


def test_places_of_an_older_order_are_neither_opened_nor_picked(page):
    page.explorer.select([4, 7, 9])
    stale = page.view.epoch
    page.send("arrange", sort="confidence")
    page.send("open", epoch=stale, index=0)
    page.send("pick", epoch=stale, index=0, range=False)
    assert page.explorer.state.focus is None
    assert page.view.picked == 0


def test_nothing_of_the_pictures_is_in_the_saved_state(page):
    page.explorer.select("visible")
    page.explorer.state.focus = 3
    page.rows()
    page.send("look", row=3)
    state = page.view.get_state(drop_defaults=True)
    texts = [str(value) for name, value in state.items() if name not in ("_esm", "_css")]
    assert sum(map(len, texts)) < 5000
