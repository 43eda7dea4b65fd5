"""Notes on a record, in the widget, in its files and on its page."""

import json
import warnings

import numpy as np
import pytest

from tests.widgets.html_export.shared_pages import SharedPage
from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet, StoreError, compare, save_html

N = 6
XY = np.arange(2.0 * N).reshape(N, 2)
LAYER = "the layer 'fc' is a guess; pass layer="
SHIFT = "the labels may begin at 1; pass labels - 1"


def record(*notes):
    return FeatureSet(np.eye(N), labels=np.arange(N) % 2, predictions=np.ones(N), notes=notes)


def entries(*pairs):
    return [{"of": of, "text": text} for of, text in pairs]


def test_the_toolbar_has_the_notes_of_the_record():
    with EmbeddingExplorer(record(LAYER, SHIFT), embedding=XY) as explorer:
        assert explorer.notes == (LAYER, SHIFT)
        assert Page(explorer).shows("toolbar", "notes") == entries(("", LAYER), ("", SHIFT))
        assert repr(explorer).endswith("ready, 2 notes)")


def test_without_notes_there_is_nothing():
    with EmbeddingExplorer(record(), embedding=XY) as explorer:
        assert explorer.notes == ()
        assert Page(explorer).shows("toolbar", "notes") == []
        assert "note" not in repr(explorer)


def test_a_note_is_one_line_of_visible_text():
    with EmbeddingExplorer(record("a\u202eb\nc" + "x" * 2_000), embedding=XY) as explorer:
        [note] = Page(explorer).shows("toolbar", "notes")
        assert note["text"].startswith("a\\u202eb\\nc")
        assert len(note["text"]) == 1_000


def test_a_comparison_names_the_record_of_each_note():
    first, last = record(LAYER, SHIFT), record(LAYER)
    with compare({"early": (first, XY), "late": (last, XY)}) as comparison:
        assert comparison.notes == (f"early: {LAYER}", f"early: {SHIFT}", f"late: {LAYER}")
        shown = Page(comparison).shows("bar", "notes")
        assert shown == entries(("early, late", LAYER), ("early", SHIFT))


def test_a_comparison_keeps_the_notes_when_it_leaves_samples_out():
    with compare({"a": (record(LAYER), XY), "b": (record().take([1, 0]), XY[:2])}) as comparison:
        assert comparison.notes == (f"a: {LAYER}",)


def test_a_page_has_the_notes(tmp_path):
    with EmbeddingExplorer(record(LAYER), embedding=XY) as explorer:
        page = SharedPage(explorer.save_html(tmp_path / "map.html"))
    assert page.record["notes"]["record"] == entries(("", LAYER))
    page = SharedPage(save_html(record(), XY, tmp_path / "bare.html"))
    assert page.record["notes"]["record"] == []


@pytest.mark.parametrize("features", ["copy", "reference"])
def test_a_saved_exploration_keeps_the_notes_and_warns_no_second_time(tmp_path, features):
    record(LAYER).save(tmp_path / "features")
    with pytest.warns(UserWarning, match="begin at 1"):
        known = FeatureSet.load(tmp_path / "features").with_notes([SHIFT])
    with EmbeddingExplorer(known, embedding=XY) as explorer, warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = explorer.save(tmp_path / "saved", features=features)
        with EmbeddingExplorer.load(folder) as loaded:
            assert loaded.notes == (LAYER, SHIFT)


def test_a_folder_of_an_earlier_version_has_no_notes(tmp_path):
    with EmbeddingExplorer(record(), embedding=XY) as explorer:
        manifest = explorer.save(tmp_path / "saved") / "explorer.json"
    content = json.loads(manifest.read_text("utf-8"))
    del content["notes"]
    manifest.write_text(json.dumps(content), "utf-8")
    with EmbeddingExplorer.load(tmp_path / "saved") as loaded:
        assert loaded.notes == ()
    manifest.write_text(json.dumps(content | {"notes": [3]}), "utf-8")
    with pytest.raises(StoreError, match=r"notes \[3\] are not a list of text"):
        EmbeddingExplorer.load(tmp_path / "saved")


def test_the_selected_features_have_the_notes():
    with EmbeddingExplorer(record(LAYER), embedding=XY) as explorer:
        explorer.select([1])
        assert explorer.selected_features().notes == (LAYER,)
