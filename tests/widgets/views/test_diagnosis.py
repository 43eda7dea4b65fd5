"""The diagnosis panel without a browser: when it computes, and what it displays."""

import asyncio
import threading

import numpy as np
import pytest

from tests.widgets.page import Page, until
from tests.widgets.projectors import GatedProjector
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
    assert shows(explorer, "sentences")[0].endswith("strongly clustered.")
    explorer.visible_classes = ["0"]
    assert shows(explorer, "title") == "20 selected, compared with all 20 visible"
    selected, whole, _ = texts(explorer, "Misclassified")
    assert selected == f"3 ({whole})"


def test_closed_panel_keeps_its_content_until_it_is_opened_again(explorer):
    look_at(explorer)
    look_at(explorer, "gallery")
    explorer.select([0, 1, 2])
    assert shows(explorer, "title") == "all 60 visible"
    look_at(explorer)
    assert shows(explorer, "title") == "3 selected, compared with all 60 visible"


def test_slow_diagnosis_waits_for_a_click_and_shows_its_cost(explorer, monkeypatch):
    monkeypatch.setattr(diagnosis, "diagnosis_seconds", lambda _scores: 200.0)
    look_at(explorer)
    assert shows(explorer, "cost") == "about 3 minutes"
    assert shows(explorer, "findings") == []
    Page(explorer).send("diagnosis", "compute")
    assert shows(explorer, "cost") == ""
    assert len(shows(explorer, "findings")) == 7
    explorer.select([1, 2, 3])  # now without a click
    assert shows(explorer, "title").startswith("3 selected")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.2, "about 2 seconds"), (119, "about 119 seconds"), (9_000, "about 2 hours")],
)
def test_cost_is_displayed_in_a_suitable_unit(explorer, monkeypatch, seconds, words):
    monkeypatch.setattr(diagnosis, "diagnosis_seconds", lambda _scores: seconds)
    look_at(explorer)
    assert shows(explorer, "cost") == words


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
    true = diagnosis.diagnose

    def slow(scores, rows, visible):
        calls.append(len(rows))
        go_on.wait(60)
        return true(scores, rows, visible)

    monkeypatch.setattr(diagnosis, "diagnose", slow)

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
    true = diagnosis.diagnose

    def broken(*_arguments):
        raise MemoryError("no <b>room</b>")

    monkeypatch.setattr(diagnosis, "diagnose", broken)
    look_at(explorer)
    assert explorer.message.startswith("The diagnosis failed: MemoryError: no <b>room</b>;")
    monkeypatch.setattr(diagnosis, "diagnose", true)
    explorer.select([0])
    assert shows(explorer, "title").startswith("1 selected")
