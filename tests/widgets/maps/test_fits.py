"""Fits of a map: pause, stop, continue, and concurrent fits."""

import threading
import time

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from tests.widgets.projectors import GatedProjector
from tests.widgets.records import three_classes
from tsne_widget import (
    TSNE,
    EmbeddingExplorer,
    FeatureSet,
    InvalidInputError,
)

N = 60


@pytest.fixture
def record() -> FeatureSet:
    return three_classes(N)


@pytest.fixture
def explorer(record):
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as opened:
        yield opened


def live_record(n: int = 300) -> FeatureSet:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return FeatureSet.from_arrays(rng.normal(size=(n, 6)) + 4 * np.eye(6)[labels], labels)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


class Reports:
    """A callback that counts, and holds the fit at one iteration until it is released."""

    def __init__(self, hold_at: int) -> None:
        self.hold_at = hold_at
        self.iterations: list[int] = []
        self.reached, self.gate = threading.Event(), threading.Event()

    def __call__(self, iteration, embedding, divergence):
        self.iterations.append(iteration)
        if iteration == self.hold_at:
            self.reached.set()
            assert self.gate.wait(30)


def test_paused_map_does_not_move_and_resumes_to_the_same_end():
    record = live_record()
    with EmbeddingExplorer(record) as undisturbed:
        expected = undisturbed.wait().embedding
    reports = Reports(hold_at=100)
    with EmbeddingExplorer(record, projector=TSNE(random_state=0, callback=reports)) as explorer:
        assert reports.reached.wait(30)
        explorer.pause()
        reports.gate.set()
        explorer.wait()  # returns, because waiting for a paused map would never end
        wait_for(lambda: explorer.wait().state.fit.iteration == 100)
        assert explorer.state.fit.condition == "paused"
        assert reports.iterations[-1] == 100
        assert "paused" in repr(explorer)
        assert len(explorer.to_dataframe("all")) == len(record)
        explorer.resume()
        assert np.array_equal(explorer.wait().embedding, expected)
        assert explorer.state.fit.condition == "done"


def test_a_stopped_map_is_usable_and_can_be_continued_to_the_same_end():
    record = live_record()
    with EmbeddingExplorer(record) as undisturbed:
        expected = undisturbed.wait().embedding
    reports = Reports(hold_at=200)
    with EmbeddingExplorer(record, projector=TSNE(random_state=0, callback=reports)) as explorer:
        assert reports.reached.wait(30)
        explorer.stop()
        reports.gate.set()
        explorer.wait()
        assert explorer.state.fit.condition == "stopped"
        assert explorer.state.fit.iteration == 200
        assert np.isfinite(explorer.to_dataframe("all")["x"]).all()
        explorer.run(220)
        # Equal but for the turn of a finished map.
        assert np.allclose(pdist(explorer.wait().embedding), pdist(expected), atol=1e-3)
        assert explorer.state.fit.total == 420


def test_the_users_own_projector_is_left_unfitted_and_its_callback_is_called():
    iterations = []
    mine = TSNE(random_state=0, max_iter=60, callback=lambda i, *_: iterations.append(i))
    with EmbeddingExplorer(live_record(), projector=mine) as explorer:
        explorer.wait()
        assert explorer.projector.transform(explorer.feature_set.features[:5]).shape == (5, 2)
    assert iterations[:3] == [0, 10, 20]
    assert not hasattr(mine, "embedding_")
    assert mine.callback_every == TSNE().callback_every


@pytest.mark.parametrize("word", ["pause", "resume", "stop"])
def test_map_that_is_not_running_cannot_be_paused(word, explorer):
    with pytest.raises(InvalidInputError, match=f"nothing to {word}"):
        getattr(explorer, word)()


def test_run_names_the_reason_if_it_cannot_continue(explorer, record):
    with pytest.raises(InvalidInputError, match="given coordinates"):
        explorer.run()
    with EmbeddingExplorer(record, projector=PCA(n_components=2)) as pca:
        pca.wait()
        with pytest.raises(InvalidInputError, match="PCA cannot be continued"):
            pca.run()
    projector = GatedProjector()
    with EmbeddingExplorer(record, projector=projector) as running:
        with pytest.raises(InvalidInputError, match="still running"):
            running.run()
        with pytest.raises(InvalidInputError, match="GatedProjector cannot be paused"):
            running.pause()
        projector.gate.set()
    with pytest.raises(InvalidInputError, match=r"iterations .* got 0"):
        explorer.run(0)


def test_one_of_two_computing_explorers_can_be_closed():
    record = live_record()
    with EmbeddingExplorer(record) as alone:
        expected = alone.wait().embedding
    first, second, third = (EmbeddingExplorer(record) for _ in range(3))
    third.close()
    assert np.array_equal(first.wait().embedding, expected)
    assert np.array_equal(second.wait().embedding, expected)
    first.close()
    second.close()


def test_what_a_fit_does_before_its_first_iteration_is_shown():
    seen = threading.Event()

    class Staged(TSNE):
        def fit(self, X, y=None):
            self.callback.stage("finding neighbours")
            assert seen.wait(30)
            return super().fit(X)

    explorer = EmbeddingExplorer(live_record(), projector=Staged(max_iter=2))
    view = explorer._views["map"]
    view.observe(
        lambda change: change.new.endswith("features: finding neighbours …") and seen.set(),
        "waiting",
    )
    explorer.wait()
    assert view.waiting == ""
    assert explorer._state.fit.stage == ""
    explorer.close()
