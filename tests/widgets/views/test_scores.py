"""The scores panel and the key's histogram without a browser."""

import numpy as np
import pytest

from tests.widgets.page import Page
from tests.widgets.records import three_classes
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.analysis import reliability
from tsne_widget.widgets.models.histogram import BINS, NO_BIN, bins_of

N = 300


@pytest.fixture
def explorer():
    embedding = np.random.default_rng(1).normal(size=(N, 2))
    columns = {"speed": np.linspace(0, 1, N)}
    with EmbeddingExplorer(three_classes(N), embedding=embedding, columns=columns) as opened:
        Page(opened).opens("scores")
        yield opened


def shows(explorer, name):
    return Page(explorer).shows("scores", name)


def send(explorer, kind, mode="replace", **content):
    Page(explorer).send("scores", kind, mode=mode, **content)


def bars(explorer):
    return np.frombuffer(shows(explorer, "bins"), "<f4").reshape(-1, 5)


def numbers(explorer):
    return np.frombuffer(shows(explorer, "numbers"), "<f4")


def counts(explorer, name):
    """(bins, 4) counts of one histogram."""
    start = 0
    for one in shows(explorer, "histograms"):
        stop = start + 4 * len(one["low"])
        if one["name"] == name:
            return np.frombuffer(shows(explorer, "counts"), "<u4")[start:stop].reshape(-1, 4)
        start = stop
    raise AssertionError(name)


def test_the_diagram_shows_the_reliability_of_the_visible_rows(explorer):
    record, sure = explorer.feature_set, explorer.state.scores["confidence"]
    expected = reliability(sure, ~record.misclassified)
    np.testing.assert_allclose(bars(explorer)[:, 3], expected.promised, rtol=1e-6)
    np.testing.assert_allclose(bars(explorer)[:, 4], expected.kept, rtol=1e-6)
    explorer.visible_classes = ["cat", "dog"]
    assert numbers(explorer)[0] == 200


def test_one_predicted_class_has_its_own_diagram(explorer):
    send(explorer, "set", state={"of_class": 2})
    assert numbers(explorer)[0] == np.count_nonzero(explorer.feature_set.predictions == 2)


def test_the_temperature_lowers_the_error_of_a_model_that_is_not_calibrated(explorer):
    assert shows(explorer, "temperature") > 0
    assert np.isfinite(numbers(explorer)[4])


def test_a_bar_selects_its_rows(explorer):
    last = len(bars(explorer)) - 1
    send(explorer, "bar", first=last, last=last)
    sure = explorer.state.scores["confidence"]
    assert len(explorer.selected) == bars(explorer)[last, 2]
    assert sure[explorer.selected].min() >= np.delete(sure, explorer.selected).max()


def test_a_range_of_a_histogram_selects_visible_rows_and_combines(explorer):
    explorer.visible_classes = ["cat", "owl"]
    send(explorer, "range", name="speed", first=0, last=4)
    speed = np.linspace(0, 1, N)
    assert speed[explorer.selected].max() < 0.25
    assert set(explorer.feature_set.labels[explorer.selected]) == {0, 2}
    before = set(explorer.selected)
    send(explorer, "range", "intersect", name="confidence", first=BINS - 1, last=BINS - 1)
    assert set(explorer.selected) < before


def test_a_histogram_counts_wrong_and_selected_rows(explorer):
    explorer.select(np.arange(150))
    found = counts(explorer, "confidence")
    wrong = explorer.feature_set.misclassified
    assert found.sum() == N
    assert found[:, [1, 3]].sum() == wrong.sum()
    assert found[:, 2:].sum() == 150


def test_ranks_have_a_bar_each(explorer):
    ranks = next(one for one in shows(explorer, "histograms") if one["name"] == "label_rank")
    assert ranks["low"] == ranks["high"] == ["1", "2", "3"]


def test_a_score_is_computed_on_request_and_gets_a_histogram(explorer):
    assert "outlier_score" in [name for name, _title in shows(explorer, "missing")]
    send(explorer, "compute", name="outlier_score")
    assert counts(explorer, "outlier_score").sum() == N
    assert "outlier_score" not in [name for name, _title in shows(explorer, "missing")]


def test_a_record_without_logits_says_so_and_keeps_its_histograms():
    record = FeatureSet.from_arrays(np.eye(30), np.arange(30) % 2)
    with EmbeddingExplorer(
        record, embedding=np.eye(30)[:, :2], columns={"speed": np.linspace(0, 1, 30)}
    ) as explorer:
        Page(explorer).opens("scores")
        assert shows(explorer, "lacking") == "logits"
        assert [one["name"] for one in shows(explorer, "histograms")] == ["speed"]


# ---- the key ----


def test_the_key_has_a_histogram_of_the_amount_that_colours_the_map(explorer):
    page = Page(explorer)
    assert page.shows("legend", "bins") == {}
    explorer.color_by = "speed"
    assert len(page.shows("legend", "bins")["low"]) == BINS
    page.send("legend", "range", first=0, last=4, mode="replace")
    assert np.linspace(0, 1, N)[explorer.selected].max() < 0.25
    found = np.frombuffer(page.shows("legend", "bin_counts"), "<u4").reshape(-1, 4)
    assert found[:, 2:].sum() == len(explorer.selected)
    explorer.color_by = "label"
    assert page.shows("legend", "bins") == {}


# ---- bins ----


def test_values_on_a_lattice_share_bins_by_whole_steps():
    values = np.repeat(np.arange(51) / 50, 4).astype(np.float32)
    found = bins_of(values, "{:.2f}".format)
    assert found.low[:2] == ["0.00", "0.06"]
    sizes = np.bincount(found.codes)
    assert set(sizes.tolist()) == {12}


def test_outliers_are_in_the_outer_bins():
    values = np.append(np.linspace(0, 1, 1001), [1e6, np.nan, np.inf])
    found = bins_of(values, str)
    assert found.codes[-3:].tolist() == [BINS - 1, NO_BIN, NO_BIN]
    assert found.high[-1] == "1000000.0"


def test_a_constant_has_one_bin():
    assert bins_of(np.full(9, 3.0), str).low == ["3.0"]
