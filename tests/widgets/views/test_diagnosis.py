"""The diagnosis panel without a browser: when it computes, and what it displays."""

import asyncio
import threading

import numpy as np
import pytest

from tests.widgets.page import Page, until
from tests.widgets.projectors import GatedProjector
from tests.widgets.records import three_classes
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.views.diagnosis import view as diagnosis

N, C = 60, 3
LABELS = np.arange(N) % C
rng = np.random.default_rng(0)
FEATURES = np.eye(C)[LABELS] * 6 + rng.normal(size=(N, C))
PREDICTIONS = np.where(np.arange(N) % 7 == 0, (LABELS + 1) % C, LABELS)
XY = FEATURES[:, :2].astype(np.float32)


def make_explorer(**fields):
    given = {"labels": LABELS, "predictions": PREDICTIONS} | fields
    return EmbeddingExplorer(FeatureSet.from_arrays(FEATURES, **given), embedding=XY)


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def shows(explorer, name):
    return Page(explorer).shows("diagnosis", name)


def look_at(explorer, panel="diagnosis"):
    Page(explorer).opens(panel)


def texts(explorer, title):
    row = next(found for found in shows(explorer, "findings") if found["title"] == title)
    return row["selected"], row["whole"], row["lacking"]


def test_nothing_is_computed_until_the_panel_is_open(explorer):
    explorer.select([0, 1])
    assert shows(explorer, "findings") == []
    assert not explorer.state.scores.has_neighbors
    look_at(explorer)
    assert texts(explorer, "Misclassified") == ("1 (50.0 %)", "15.0 %", "")


def test_diagnosis_follows_the_selection_and_the_visible_classes(explorer):
    look_at(explorer)
    assert shows(explorer, "title") == "all 60 visible"
    assert texts(explorer, "Misclassified") == ("", "15.0 %", "")
    explorer.select(np.flatnonzero(LABELS == 0))
    assert shows(explorer, "title") == "20 selected, compared with all 60 visible"
    assert shows(explorer, "cluster").endswith("strongly clustered.")
    explorer.visible_classes = ["0"]
    assert shows(explorer, "title") == "20 selected, compared with all 20 visible"
    selected, whole, _ = texts(explorer, "Misclassified")
    assert selected == f"3 ({whole})"
    explorer.select([])
    explorer.visible_classes = []
    assert shows(explorer, "verdict") == "No class is shown."


def test_closed_panel_keeps_its_content_until_it_is_opened_again(explorer):
    look_at(explorer)
    look_at(explorer, "gallery")
    explorer.select([0, 1, 2])
    assert shows(explorer, "title") == "all 60 visible"
    look_at(explorer)
    assert shows(explorer, "title") == "3 selected, compared with all 60 visible"


def test_slow_diagnosis_shows_its_cost_and_what_needs_no_neighbours(explorer, monkeypatch):
    monkeypatch.setattr(diagnosis, "diagnosis_seconds", lambda _scores: 6_000.0)
    look_at(explorer)
    assert shows(explorer, "cost") == "about 100 minutes"
    assert shows(explorer, "is_waiting")
    assert shows(explorer, "summary").startswith("9 of 60 are wrong")
    assert shows(explorer, "verdict")
    assert shows(explorer, "findings") == []
    assert not explorer.state.scores.has_neighbors
    Page(explorer).send("diagnosis", "compute")
    assert shows(explorer, "cost") == ""
    assert len(shows(explorer, "findings")) == 7
    explorer.select([1, 2, 3])  # now without a click
    assert not shows(explorer, "is_waiting")
    assert shows(explorer, "title").startswith("3 selected")


def test_diagnosis_of_minutes_starts_by_itself(monkeypatch):
    go_on = threading.Event()
    true = diagnosis.full_report

    def slow(*arguments):
        go_on.wait(60)
        return true(*arguments)

    monkeypatch.setattr(diagnosis, "full_report", slow)
    monkeypatch.setattr(diagnosis, "diagnosis_seconds", lambda _scores: 119.0)

    async def look():
        with make_explorer() as explorer:
            look_at(explorer)
            assert shows(explorer, "is_running")
            assert shows(explorer, "cost") == "about 119 seconds"
            assert shows(explorer, "summary").startswith("9 of 60 are wrong")
            go_on.set()
            await until(lambda: shows(explorer, "findings"))
            assert shows(explorer, "cost") == ""

    asyncio.run(look())


@pytest.mark.filterwarnings("ignore::tsne_widget.errors.DoubtWarning")  # all but one are wrong
@pytest.mark.parametrize(
    ("wrong", "text"), [(0, "0.0 %"), (1, "< 0.1 %"), (30, "1.5 %"), (1999, "> 99.9 %")]
)
def test_share_is_displayed_as_none_or_all_only_if_exact(wrong, text):
    n = 2000
    labels = np.arange(n) % 2
    record = FeatureSet.from_arrays(
        np.random.default_rng(0).normal(size=(n, 2)), labels,
        predictions=np.where(np.arange(n) < wrong, 1 - labels, labels),
    )  # fmt: skip
    with EmbeddingExplorer(record, embedding=record.features) as explorer:
        look_at(explorer)
        assert texts(explorer, "Misclassified")[1] == text


def test_missing_inputs_are_named_in_their_row():
    with make_explorer(labels=None) as explorer:
        look_at(explorer)
        assert texts(explorer, "Misclassified") == ("", "", "needs labels")
        assert texts(explorer, "Mean confidence") == ("", "", "needs logits")
        assert shows(explorer, "layer").endswith("needs labels.")
        assert texts(explorer, "Near-duplicates")[1] == "0.0 %"


def test_record_without_labels_has_no_verdict_but_a_judged_map():
    with make_explorer(labels=None) as explorer:
        look_at(explorer)
        assert shows(explorer, "lacking") == "labels"
        assert (shows(explorer, "verdict"), shows(explorer, "causes")) == ("", [])
        assert [meter["title"] for meter in shows(explorer, "trust")] == [
            "Trustworthiness",
            "Continuity",
        ]


def test_causes_and_pairs_select_their_mistakes(explorer):
    look_at(explorer)
    wrong = np.flatnonzero(LABELS != PREDICTIONS)
    explorer.select(np.arange(30))
    (cause,) = shows(explorer, "causes")
    assert (cause["name"], cause["count"]) == ("model", sum(wrong < 30))
    pair = shows(explorer, "pairs")[0]
    mine = [row for row in wrong if row < 30 and LABELS[row] == pair["label"]]
    assert pair["count"] == len(mine)
    Page(explorer).send(
        "diagnosis", "pair", label=pair["label"], prediction=pair["prediction"], mode="replace"
    )
    assert explorer.selected.tolist() == mine
    Page(explorer).send("diagnosis", "cause", name="model", mode="subtract")
    assert explorer.selected.tolist() == []


def test_column_that_sets_mistakes_apart_can_color_the_map():
    planted = np.where(LABELS != PREDICTIONS, 1.0, 0.0) + np.arange(N) / 1000
    record = FeatureSet.from_arrays(FEATURES, LABELS, predictions=PREDICTIONS)
    columns = {"blur": planted, "noise": np.arange(N) % 5}
    with EmbeddingExplorer(record, embedding=XY, columns=columns) as explorer:
        look_at(explorer)
        found = {one["name"]: one["words"] for one in shows(explorer, "contrasts")}
        assert found["blur"] == "Higher blur"
        assert "noise" not in found
        assert "noise" in shows(explorer, "no_difference")
        Page(explorer).send("diagnosis", "color", name="noise")
        assert explorer.color_by == "label"
        Page(explorer).send("diagnosis", "color", name="blur")
        assert explorer.color_by == "blur"


def with_columns(**columns):
    record = FeatureSet.from_arrays(FEATURES, LABELS, predictions=PREDICTIONS)
    return EmbeddingExplorer(record, embedding=XY, columns=columns)


def test_difference_selects_the_mistakes_beyond_the_median_of_right_ones():
    blur = np.where(LABELS != PREDICTIONS, 1.0, 0.0) + np.arange(N) / 1000
    blur[7] = -1  # a mistake without the property
    with with_columns(blur=blur) as explorer:
        look_at(explorer)
        page = Page(explorer)
        page.send("diagnosis", "contrast", name="blur", mode="replace")
        wrong = np.flatnonzero(LABELS != PREDICTIONS)
        assert explorer.selected.tolist() == [row for row in wrong if row != 7]
        explorer.undo()
        assert explorer.selected.tolist() == []


def test_selection_can_be_compared_with_others_of_the_same_labels():
    size = np.where(np.arange(N) < 20, 0.0, 5.0) + np.arange(N) / 1000
    camera = np.where(np.arange(N) < 20, "phone", "scanner")
    with with_columns(size=size, camera=camera) as explorer:
        look_at(explorer)
        assert shows(explorer, "compared") == ["mistakes"]
        explorer.select(range(20))
        assert shows(explorer, "compared") == ["mistakes", "selection"]
        Page(explorer).send("diagnosis", "compare", name="selection")
        assert shows(explorer, "compared") == ["selection", "mistakes"]
        assert shows(explorer, "against") == "from others of the same labels"
        said = {one["words"]: one["numbers"] for one in shows(explorer, "contrasts")}
        assert said["Lower size"] == "0.0095 against 5.04"
        assert said["More often camera = 'phone'"] == "100\u202f% against 0\u202f%"
        explorer.select(range(30))
        assert shows(explorer, "compared")[0] == "selection"
        Page(explorer).send("diagnosis", "contrast", name="camera", mode="replace")
        assert explorer.selected.tolist() == list(range(20))


def test_measured_pictures_are_compared_as_soon_as_they_are_known():
    pictures = np.full((N, 8, 8), 150, dtype=np.uint8)
    pictures[LABELS != PREDICTIONS] = 60
    pictures[:, 0, 0] = np.arange(N)
    record = FeatureSet.from_arrays(FEATURES, LABELS, predictions=PREDICTIONS)
    with EmbeddingExplorer(record, embedding=XY, images=pictures) as explorer:
        look_at(explorer)
        assert shows(explorer, "no_difference").endswith("The pictures are being measured.")
        explorer.state.scores["picture_brightness"]
        assert "Darker" in [one["words"] for one in shows(explorer, "contrasts")]
        assert "measured" not in shows(explorer, "no_difference")


def test_whole_class_is_compared_with_all_others():
    with with_columns(size=LABELS * 5 + np.arange(N) / 1000) as explorer:
        look_at(explorer)
        explorer.select(np.flatnonzero(LABELS == 2))
        Page(explorer).send("diagnosis", "compare", name="selection")
        assert shows(explorer, "against") == "from all others"
        assert shows(explorer, "contrasts")[0]["words"] == "Higher size"
        explorer.select(np.append(np.flatnonzero(LABELS == 2), np.arange(0, 30, 3)))
        assert shows(explorer, "against") == "from others of the same labels"
        assert "20 selected pictures have none" in shows(explorer, "no_difference")


def test_what_follows_from_a_listed_difference_is_only_mentioned():
    wrong = LABELS != PREDICTIONS
    columns = {"brightness": np.arange(N) % 11 - 20.0 * wrong}
    columns["noise"] = columns["brightness"] + np.arange(N) % 2
    with with_columns(**columns) as explorer:
        look_at(explorer)
        words = [one["words"] for one in shows(explorer, "contrasts")]
        assert "Darker" in words
        assert "Less noisy" not in words
        assert "Also different: noise." in shows(explorer, "no_difference")


def test_rare_value_selects_the_rows_without_it():
    camera = np.where(np.arange(N) < 30, "phone", "scanner")
    with with_columns(camera=camera) as explorer:
        look_at(explorer)
        explorer.select(range(30))
        Page(explorer).send("diagnosis", "compare", name="selection")
        Page(explorer).send("diagnosis", "contrast", name="camera", mode="replace")
        assert explorer.selected.tolist() == list(range(30))


def test_nothing_sets_a_random_selection_apart(explorer):
    with with_columns(noise=np.arange(N) * 7 % 60) as opened:
        look_at(opened)
        opened.select(range(24))
        Page(opened).send("diagnosis", "compare", name="selection")
        assert shows(opened, "contrasts") == []
        assert shows(opened, "no_difference").startswith("Nothing sets them apart. No clear")
    look_at(explorer)
    explorer.select([0, 1])
    assert shows(explorer, "no_difference").startswith("Too few")


def test_shortcut_is_shown_for_everything_and_for_its_class():
    record, labels = three_classes(240), np.arange(240) % 3
    columns = {"bright": (labels == 1) + np.arange(240) / 1000, "tint": np.arange(240) * 7 % 61}
    with EmbeddingExplorer(record, embedding=record.features[:, :2], columns=columns) as explorer:
        look_at(explorer)
        (found,) = shows(explorer, "shortcuts")
        assert found["words"] == "Bright alone tells dog"
        assert found["numbers"] == "AUC 1.00, higher bright"
        Page(explorer).send("diagnosis", "color", name="bright")
        assert explorer.color_by == "bright"
        explorer.select(np.flatnonzero(labels == 1)[:9])
        assert len(shows(explorer, "shortcuts")) == 1
        explorer.select(np.flatnonzero(labels == 2))
        assert shows(explorer, "shortcuts") == []
        assert shows(explorer, "shortcuts_note") == "No property alone tells owl."
        explorer.select(range(10))  # several classes
        assert shows(explorer, "shortcuts_note") == ""


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("contrast", {"name": 3, "mode": "replace"}),
        ("contrast", {"name": "others", "mode": "replace"}),
        ("compare", {"name": "others"}),
        ("compare", {"name": ["selection"]}),
        ("cause", {"name": 3}),
        ("cause", {"name": "others", "mode": "replace"}),
        ("cause", {"name": "model", "mode": "flip"}),
        ("pair", {"label": C, "prediction": 0, "mode": "replace"}),
        ("pair", {"label": 0, "prediction": -1, "mode": "replace"}),
        ("pair", {"label": 0, "prediction": 1, "mode": []}),
        ("color", {"name": ["blur"]}),
        ("color", {}),
    ],
)
def test_invalid_messages_change_nothing(explorer, kind, content):
    look_at(explorer)
    explorer.select([0])
    Page(explorer).send("diagnosis", kind, **content)
    assert explorer.selected.tolist() == [0]
    assert explorer.color_by == "label"


def test_map_is_judged_once_it_exists():
    projector = GatedProjector()
    record = FeatureSet.from_arrays(FEATURES, LABELS)
    with EmbeddingExplorer(record, projector=projector) as explorer:
        look_at(explorer)
        assert texts(explorer, "Continuity") == ("", "", "needs the finished map")
        projector.gate.set()
        explorer.wait()
        assert texts(explorer, "Continuity")[1].startswith("0.")


def test_selection_changes_during_a_computation_cause_one_update(monkeypatch):
    go_on = threading.Event()
    calls = []
    true = diagnosis.full_report

    def slow(scores, rows, *others):
        calls.append(len(rows))
        go_on.wait(60)
        return true(scores, rows, *others)

    monkeypatch.setattr(diagnosis, "full_report", slow)

    async def change():
        with make_explorer() as explorer:
            look_at(explorer)
            for count in (1, 2, 3, 4):
                explorer.select(np.arange(count))
            assert shows(explorer, "is_running")
            go_on.set()
            await until(lambda: not shows(explorer, "is_running"))
            return shows(explorer, "title")

    assert asyncio.run(change()) == "4 selected, compared with all 60 visible"
    assert calls == [0, 4]


def test_error_is_displayed_and_the_next_selection_is_diagnosed(explorer, monkeypatch):
    true = diagnosis.full_report

    def broken(*_arguments):
        raise MemoryError("no <b>room</b>")

    monkeypatch.setattr(diagnosis, "full_report", broken)
    look_at(explorer)
    assert explorer.message.startswith("The diagnosis failed: MemoryError: no <b>room</b>;")
    monkeypatch.setattr(diagnosis, "full_report", true)
    explorer.select([0])
    assert shows(explorer, "title").startswith("1 selected")
