"""One new entry in the table of scores appears everywhere that scores are displayed."""

import numpy as np
import pytest

from tests.widgets.html_export.shared_pages import SharedPage
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget.analysis import (
    FINDERS,
    SCORES,
    Finder,
    Score,
    Scores,
    finder_rows,
    finders,
    sample_frame,
)
from tsne_widget.widgets.models.appearance import title_of
from tsne_widget.widgets.models.details import details
from tsne_widget.widgets.models.sorting import Sorting
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState

N = 6
LOGITS = np.arange(2 * N, dtype=np.float32).reshape(N, 2) % 5
SUMS = LOGITS.sum(axis=1)
XY = np.eye(N, 2, dtype=np.float32)


@pytest.fixture
def record():
    return FeatureSet.from_arrays(np.eye(N), np.arange(N) % 2, logits=LOGITS)


@pytest.fixture
def state(record):
    return ExplorerState(record, XY)


@pytest.fixture(autouse=True)
def logit_sum(monkeypatch):
    """A trivial score that only the table knows."""
    score = Score(
        "logit_sum",
        "sum of the logits",
        "The sum of the logits.",
        lambda logits: logits.sum(axis=1),
        ("logits",),
        highest_first=True,
        format="percent",
        is_cheap=True,
    )
    monkeypatch.setitem(SCORES, "logit_sum", score)


def test_new_score_is_a_column_of_the_frame(record):
    assert sample_frame(record, range(N))["logit_sum"].tolist() == SUMS.tolist()
    with EmbeddingExplorer(record, embedding=XY) as explorer:
        assert explorer.to_dataframe("all")["logit_sum"].tolist() == SUMS.tolist()
        assert "logit_sum" not in explorer.to_dataframe("all", scores=False)


def test_new_score_colours_the_map(state):
    assert state.color_choices["logit_sum"] == ""
    assert title_of("logit_sum") == "sum of the logits"
    state.color_by = "logit_sum"


def test_new_score_sorts_the_gallery_highest_first(state):
    sorting = Sorting(state, Background(state), lambda: None)
    entry = {"key": "logit_sum", "name": "sum of the logits", "lacks": ""}
    assert entry in sorting.menu()
    assert sorting.choose("logit_sum")
    assert sorting.descending
    assert sorting.values.tolist() == SUMS.tolist()


def test_new_score_is_among_the_details_in_its_format(state):
    assert dict(details(state, 1))["logit sum"] == f"{100 * SUMS[1]:.1f} %"


def test_new_score_is_in_the_html_page(record, tmp_path):
    with EmbeddingExplorer(record, embedding=XY) as explorer:
        page = SharedPage(explorer.save_html(tmp_path / "map.html", progress=False))
    (score,) = [one for one in page.record["scores"] if one["name"] == "logit_sum"]
    assert page.numbers(score["values"]) == SUMS.tolist()
    assert (score["highest_first"], score["format"]) == (True, "percent")
    assert score["title"] == "sum of the logits"


def test_new_score_is_nan_without_its_inputs():
    bare = FeatureSet.from_arrays(np.eye(2))
    assert Scores(bare).lacks("logit_sum") == "needs logits"
    assert sample_frame(bare, [0, 1])["logit_sum"].isna().all()


def test_user_column_cannot_have_the_name_of_the_new_score(record):
    with pytest.raises(InvalidInputError, match="'logit_sum' is already a score"):
        Scores(record, {"logit_sum": np.zeros(N)})


def test_new_finder_ranks_by_the_new_score(record, monkeypatch):
    loudest = Finder("loudest", "Loudest", "By logits.", score="logit_sum", highest_first=True)
    monkeypatch.setattr(finders, "FINDERS", (*FINDERS, loudest))
    ranked = np.argsort(-SUMS, kind="stable")
    assert finder_rows("loudest", Scores(record), limit=3).tolist() == ranked[:3].tolist()
