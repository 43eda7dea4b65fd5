"""Computed scores are saved with an exploration, and found again instead of computed."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.widgets.html_export.shared_pages import SharedPage
from tests.widgets.io.test_saving import make_explorer, make_record
from tsne_widget import EmbeddingExplorer, StoreError
from tsne_widget.analysis import SCORES, Scores
from tsne_widget.widgets.io.save import digest


@pytest.fixture
def nothing_is_computed(monkeypatch):
    """Loading and reading must not compute a score that was saved."""

    def compute(self, name, embedding):
        assert SCORES[name].is_cheap
        return computed(self, name, embedding)

    computed = Scores._compute
    return lambda: monkeypatch.setattr(Scores, "_compute", compute)


def saved_with(folder, *words):
    with make_explorer() as explorer:
        for word in words:
            explorer.select(word)
        return explorer.save(folder), explorer.to_dataframe("all"), explorer.selected


@pytest.mark.filterwarnings("ignore:.* pictures could not be read")  # the paths are only names
def test_computed_scores_are_in_the_frame_after_loading(tmp_path, nothing_is_computed):
    folder, frame, selected = saved_with(tmp_path / "saved", "suspected_labels", "outliers", "torn")
    assert frame[["suspicion", "outlier_score", "trustworthiness"]].notna().any().all()
    nothing_is_computed()
    with EmbeddingExplorer.load(folder) as loaded:
        pd.testing.assert_frame_equal(loaded.to_dataframe("all"), frame)
        loaded.select("torn")
        assert loaded.selected.tolist() == selected.tolist()
        page = SharedPage(loaded.save_html(tmp_path / "map.html", progress=False))
    assert {"suspicion", "outlier_score"} <= {one["name"] for one in page.record["scores"]}


def test_a_map_coloured_by_a_saved_score_opens_without_computing_it(tmp_path, nothing_is_computed):
    with make_explorer() as explorer:
        explorer.color_by = "outlier_score"
        explorer.state.scores["outlier_score"]
        folder = explorer.save(tmp_path / "saved")
    nothing_is_computed()
    with EmbeddingExplorer.load(folder) as loaded:
        assert loaded.color_by == "outlier_score"


def test_scores_of_the_map_are_those_of_the_visible_one(tmp_path):
    maps = {"a": np.random.default_rng(1).normal(size=(40, 2)), "b": make_record().features[:, :2]}
    with EmbeddingExplorer(make_record(), embedding=maps) as explorer:
        explorer.state.scores["trustworthiness"]
        explorer.show_embedding("b")
        of_b = explorer.state.scores["trustworthiness"]
        folder = explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(folder) as loaded:
        assert loaded.to_dataframe("all")["trustworthiness"].to_numpy().tolist() == of_b.tolist()
        loaded.show_embedding("a")
        assert "trustworthiness" not in loaded.to_dataframe("all")


def test_saving_what_was_loaded_keeps_the_scores(tmp_path):
    folder, frame, _ = saved_with(tmp_path / "saved", "suspected_labels")
    with EmbeddingExplorer.load(folder) as loaded:
        loaded.save(folder, overwrite=True)
    with EmbeddingExplorer.load(folder) as loaded:
        pd.testing.assert_frame_equal(loaded.to_dataframe("all"), frame)


def test_without_computed_scores_no_file_is_written(tmp_path):
    folder, *_ = saved_with(tmp_path / "saved")
    assert not list(folder.rglob("score-*"))


def changed(folder, change):
    """Change the manifest, and the digest of the score's file with it."""
    path = folder / "explorer.json"
    manifest = json.loads(path.read_text("utf-8"))
    file = folder / manifest["data"] / "score-0.npy"
    change(manifest, file)
    if file.exists():
        manifest["files"]["score-0.npy"] = digest(file)
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest, file: np.save(file, np.zeros(3, "f4")), r"suspicion must be float32"),
        (lambda manifest, file: np.save(file, np.zeros(40)), r"float32 .* got float64"),
        (lambda manifest, file: np.save(file, np.zeros((40, 1), "f4")), r"got .* \(40, 1\)"),
        (lambda manifest, file: np.save(file, np.full(40, "a")), r"got <U1"),
        (lambda manifest, file: file.write_bytes(b"no array"), "cannot read"),
        (lambda manifest, file: file.unlink(), "score-0"),
        (lambda manifest, file: manifest.update(scores=["fame"]), "no score 'fame'"),
        (lambda manifest, file: manifest.update(scores=["suspicion", "loss"]), "score-1.npy"),
        (lambda manifest, file: manifest.update(scores=3), "not that of a saved exploration"),
    ],
)
def test_a_damaged_score_is_an_error(tmp_path, change, message):
    folder, *_ = saved_with(tmp_path / "saved", "suspected_labels")
    changed(folder, change)
    with pytest.raises(StoreError, match=message):
        EmbeddingExplorer.load(folder)


def test_a_changed_file_of_a_score_is_noticed(tmp_path):
    folder, *_ = saved_with(tmp_path / "saved", "suspected_labels")
    file = next(folder.rglob("score-0.npy"))
    values = np.load(file)
    np.save(file, values[::-1])
    with pytest.raises(StoreError, match=r"does not match explorer\.json"):
        EmbeddingExplorer.load(folder)


def test_a_folder_of_an_earlier_version_has_no_scores(tmp_path):
    folder, *_ = saved_with(tmp_path / "saved")
    changed(folder, lambda manifest, file: manifest.pop("scores"))
    with EmbeddingExplorer.load(folder) as loaded:
        assert "suspicion" not in loaded.to_dataframe("all")
