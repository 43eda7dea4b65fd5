"""Size limits: for any data, a message is far below Jupyter's limits."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.widgets.page import Page, Recorder
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.maps.runner import FRAME_SECONDS, ProjectionRun
from tsne_widget.widgets.views.map.messages import MAX_VERTICES

# tornado refuses larger messages from the page; jupyter_server does not change this limit.
JUPYTER_BYTES = 10 * 2**20
# jupyter_server delays a kernel's messages above this many per second.
JUPYTER_RATE = 1000
TILES_BYTES = 400_000


@pytest.mark.filterwarnings("ignore::tsne_widget.errors.DoubtWarning")  # one constant prediction
def test_no_message_of_a_million_rows_reaches_the_limit_of_jupyter():
    recorder = Recorder()  # the opening messages included
    n = 1_000_000
    rng = np.random.default_rng(0)
    record = FeatureSet.from_arrays(
        rng.random((n, 2), dtype=np.float32), rng.integers(0, 10, n), predictions=np.zeros(n, int)
    )
    with EmbeddingExplorer(record, embedding=record.features) as explorer:
        explorer.select("visible")
        assert len(explorer.selected) == n
        explorer.visible_classes = ["3"]
        explorer.select("misclassified")
    assert 4 * n < max(message.size for message in recorder.messages) < JUPYTER_BYTES


def test_longest_polygon_of_the_page_is_far_below_the_limit():
    assert MAX_VERTICES * 16 < JUPYTER_BYTES / 20


class Loud:
    """A picture of noise, which compresses as badly as possible."""

    def __len__(self) -> int:
        return 500

    def image(self, id):  # noqa: A002
        from PIL import Image

        pixels = np.random.default_rng(id).integers(0, 256, (600, 600, 3), dtype=np.uint8)
        return Image.fromarray(pixels)

    def caption(self, id) -> str:  # noqa: A002
        return "x" * 1000


def test_reply_with_a_screenful_of_tiles_is_small_for_any_pictures():
    n = 500
    record = FeatureSet.from_arrays(
        np.eye(n), np.arange(n) % 2, class_names=["x" * 9000, "y" * 9000]
    )
    with EmbeddingExplorer(record, embedding=np.eye(n)[:, :2], images=Loud()) as explorer:
        page = Page(explorer)
        explorer.select(range(n))
        for stop in (1, 16, 64):
            page.send("gallery", "tiles", epoch=page.shows("gallery", "epoch"), start=0, stop=stop)
        assert len(page.replies("tiles")) == 3
        assert max(reply.size for reply in page.replies("tiles")) < TILES_BYTES


class Counting:
    """A loop that runs nothing and counts requests to run."""

    def __init__(self) -> None:
        self.scheduled = 0

    def call_soon_threadsafe(self, _callback, *_arguments) -> None:
        self.scheduled += 1

    def is_closed(self) -> bool:
        return False


def test_a_fast_fit_posts_no_more_frames_than_the_page_can_draw(monkeypatch):
    clock = {"now": 0.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])

    class Still:
        def fit_transform(self, features):
            return features

    run = ProjectionRun(Still(), np.zeros((4, 2), np.float32), lambda _update: None)
    run.wait()
    run._loop = loop = Counting()
    for _ in range(10_000):  # a second of 10,000 iterations
        clock["now"] += 1e-4
        run._on_iteration(1, np.zeros((4, 2), np.float32), 1.0)
        run._show()  # as if the kernel were idle
    assert 5 <= loop.scheduled <= 1 / FRAME_SECONDS + 1
    assert loop.scheduled * 20 < JUPYTER_RATE  # each frame is a few messages


def test_only_the_last_frame_waits_while_the_kernel_is_busy(monkeypatch):
    class Still:
        def fit_transform(self, features):
            return features

    seen: list[int] = []
    run = ProjectionRun(Still(), np.zeros((4, 2), np.float32), lambda u: seen.append(u.iteration))
    run.wait()
    seen.clear()
    run._loop = loop = Counting()
    for iteration in range(100):
        monkeypatch.setattr(run, "_shown_at", -1e9)
        run._on_iteration(iteration, np.zeros((4, 2), np.float32), 1.0)
    assert loop.scheduled == 1
    run._show()
    assert seen == [99]


def test_the_repr_of_everything_in_an_explorer_is_short():
    n = 50_000
    record = FeatureSet.from_arrays(
        np.zeros((n, 8)), np.arange(n) % 3, class_names=["x" * 9000, "b", "c"]
    )
    with EmbeddingExplorer(record, embedding=np.zeros((n, 2))) as explorer:
        explorer.select("visible")
        for shown in (explorer, record, explorer.state):
            assert len(repr(shown)) < 400, type(shown)
