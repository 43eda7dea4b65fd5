"""The groups panel without a browser: what it shows, lights up and selects."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.test_mistake_groups import planted_digits
from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.errors import StoreError


def digits(**changes):
    images, labels, predictions, rows = planted_digits()
    fields = {"labels": labels, "predictions": predictions} | changes
    record = FeatureSet.from_arrays(
        images, fields["labels"], predictions=fields["predictions"], ids=np.arange(len(images)) + 7
    )
    return EmbeddingExplorer(record, embedding=images[:, [20, 43]]), rows


@pytest.fixture(scope="module")
def explored():
    explorer, rows = digits()
    Page(explorer).opens("groups")
    yield explorer, rows
    explorer.close()


def shows(explorer, name):
    return Page(explorer).shows("groups", name)


def test_opening_the_panel_finds_the_groups(explored):
    explorer, _ = explored
    groups = shows(explorer, "groups")
    assert shows(explorer, "is_done")
    assert groups[0]["title"].startswith("7 → ")
    assert shows(explorer, "not_held") > 0
    assert len(groups) == len(shows(explorer, "spots")) == len(explorer.mistake_groups())


def test_a_click_selects_the_rows_of_a_group(explored):
    explorer, rows = explored
    Page(explorer).send("groups", "select", group=0, mode="replace")
    found = explorer.mistake_groups()["ids"][0]
    assert explorer.to_dataframe().index.sort_values().tolist() == sorted(found)
    assert np.isin(explorer.selected, rows).mean() > 0.8


def test_pointing_lights_a_group_up_on_the_map_and_selects_nothing(explored):
    explorer, _ = explored
    explorer.clear()
    Page(explorer).send("groups", "light", group=0)
    assert len(Page(explorer).shows("map", "lit")) == 4 * len(explorer.mistake_groups()["ids"][0])
    assert not len(explorer.selected)
    Page(explorer).send("groups", "light", group=None)
    assert Page(explorer).shows("map", "lit") == b""


def test_leaving_the_panel_puts_the_light_out(explored):
    explorer, _ = explored
    Page(explorer).send("groups", "light", group=0)
    Page(explorer).opens("confusion")
    assert Page(explorer).shows("map", "lit") == b""


def test_a_group_that_does_not_exist_is_malformed(explored):
    explorer, _ = explored
    explorer.clear()
    for group in (99, -1, "0", 0.5):
        Page(explorer).send("groups", "select", group=group, mode="replace")
    assert not len(explorer.selected)


def test_groups_are_saved_and_loaded(explored, tmp_path):
    explorer, _ = explored
    explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(tmp_path / "saved") as loaded:
        assert loaded.state.groups is not None
        assert loaded.mistake_groups().equals(explorer.mistake_groups())


def test_groups_that_do_not_fit_are_refused(explored, tmp_path):
    explorer, _ = explored
    folder = explorer.save(tmp_path / "saved")
    manifest = folder / "explorer.json"
    manifest.write_text(manifest.read_text().replace('"count": ', '"count": 1'))
    with pytest.raises(StoreError):
        EmbeddingExplorer.load(folder)


@pytest.mark.parametrize("missing", ["labels", "predictions"])
def test_a_record_without_labels_or_predictions_says_so(missing):
    explorer, _ = digits(**{missing: None})
    with explorer:
        Page(explorer).opens("groups")
        assert shows(explorer, "lacking") == missing
        assert not shows(explorer, "is_done")
        with pytest.raises(ValueError, match=missing):
            explorer.mistake_groups()


def test_without_mistakes_nothing_is_searched():
    labels = planted_digits()[1]
    explorer, _ = digits(predictions=labels)
    with explorer:
        Page(explorer).opens("groups")
        assert shows(explorer, "wrong") == 0
        assert not shows(explorer, "is_done")
        assert len(explorer.mistake_groups()) == 0


def test_a_search_can_be_stopped(monkeypatch):
    explorer, _ = digits()
    with explorer:
        view = explorer._views["groups"]
        view.observe(lambda _change: view.handlers["stop"]({}, []), "is_running")
        Page(explorer).opens("groups")
        assert not shows(explorer, "is_running")
        assert explorer.state.groups is None
