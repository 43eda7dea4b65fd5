"""wait() with a bound: it names the progress, and the computation goes on."""

import threading
from unittest.mock import Mock

import pytest

from tests.widgets.maps.test_fits import Reports, live_record
from tests.widgets.projectors import GatedProjector
from tsne_widget import (
    TSNE,
    EmbeddingExplorer,
    InvalidInputError,
    TsneWidgetError,
    WaitTimeoutError,
    compare,
)
from tsne_widget.widgets.maps.runner import ProjectionRun


def test_a_wait_that_takes_too_long_says_so_and_the_map_goes_on():
    projector, record = GatedProjector(), live_record(30)
    with EmbeddingExplorer(record, projector=projector) as explorer:
        with pytest.raises(
            WaitTimeoutError, match=r"timeout=0.1 s: GatedProjector of 30 × 6.*wait"
        ):
            explorer.wait(timeout=0.1)
        assert explorer.state.fit.condition == "running"
        assert explorer.message == ""
        projector.gate.set()
        assert explorer.wait(timeout=30).embedding.shape == (30, 2)
        assert explorer.wait(timeout=0) is explorer
        assert explorer.wait(0) is explorer


def test_the_message_names_the_iteration_of_a_live_map():
    reports = Reports(hold_at=100)
    projector = TSNE(random_state=0, callback=reports)
    with EmbeddingExplorer(live_record(), projector=projector) as explorer:
        assert reports.reached.wait(30)
        with pytest.raises(WaitTimeoutError, match=r"iteration \d+ of \d+; .*stop\(\) to keep"):
            explorer.wait(0.1)
        reports.gate.set()
        explorer.stop()
        explorer.wait()


def test_an_interrupted_wait_says_how_far_the_map_is_and_how_to_end_it(monkeypatch):
    projector = GatedProjector()
    with EmbeddingExplorer(live_record(30), projector=projector) as explorer:
        monkeypatch.setattr(ProjectionRun, "wait", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(
            KeyboardInterrupt, match=r"GatedProjector of 30 × 6 features; .*or close\(\)"
        ):
            explorer.wait()
        monkeypatch.undo()
        projector.gate.set()
        assert explorer.wait(30).embedding.shape == (30, 2)


def test_the_error_is_a_timeout_and_one_of_this_package():
    assert issubclass(WaitTimeoutError, TimeoutError)
    assert issubclass(WaitTimeoutError, TsneWidgetError)


def test_the_bound_holds_for_all_maps_together():
    gates = [GatedProjector(), GatedProjector()]
    named = {"one": gates[0], "two": gates[1]}
    with EmbeddingExplorer(live_record(30), projector=named) as explorer:
        gates[0].gate.set()
        assert gates[0].started.wait(30)
        with pytest.raises(WaitTimeoutError, match=r"timeout=1 s"):
            explorer.wait(1)
        assert sorted(explorer.embeddings) == ["one"]
        gates[1].gate.set()
        assert sorted(explorer.wait(30).embeddings) == ["one", "two"]


def test_a_comparison_waits_with_a_bound_too():
    record = live_record(30)
    projector = TSNE(random_state=0, max_iter=20)
    with compare({"a": record, "b": record}, projector=projector) as comparison:
        assert len(comparison.wait(timeout=60).embeddings) == 2
    for bad in (-1, "5", True, float("nan")):
        with pytest.raises(InvalidInputError, match=r"timeout=.* must be a number of seconds"):
            comparison.wait(timeout=bad)


def test_a_projector_that_hangs_in_a_comparison_is_named():
    record = live_record(30)

    class Hanging:
        gate = threading.Event()

        def fit_transform(self, features):
            assert self.gate.wait(30)
            return features[:, :2]

    with compare({"a": record, "b": record}, projector=Hanging()) as comparison:
        with pytest.raises(WaitTimeoutError, match="Hanging of 30 × 6 features"):
            comparison.wait(timeout=0.1)
        Hanging.gate.set()
        assert len(comparison.wait(30).embeddings) == 2
