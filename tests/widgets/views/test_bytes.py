"""What one gesture sends to the page, beside Jupyter's own envelope of a message."""

import json

import numpy as np
import pytest

from tsne_widget import EmbeddingExplorer, FeatureSet

N, CLASSES = 5_000, 7


@pytest.fixture
def explorer():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, N)
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), labels, predictions=np.where(rng.random(N) < 0.1, 0, labels)
    )
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as opened:
        yield opened


@pytest.fixture
def sent(explorer, monkeypatch):
    """Bytes of each message that views send from now on: content and buffers."""
    sizes: list[int] = []

    def record(_comm, _type, data=None, metadata=None, buffers=None, **_keys):
        content = (data or {}).get("state", (data or {}).get("content", {}))
        sizes.append(len(json.dumps(content)) + sum(len(buffer) for buffer in buffers or []))

    kinds = {type(view.comm) for view in explorer._views.values()}
    for kind in kinds:
        monkeypatch.setattr(kind, "publish_msg", record)
    return sizes


def toggle(explorer, code: int) -> None:
    legend = explorer._views["legend"]
    legend._handle_custom_msg({"kind": "toggle", "code": code}, [])


def test_a_toggle_sends_less_than_a_hundred_bytes(explorer, sent):
    toggle(explorer, 2)
    assert sent
    assert sum(sent) < 100


def test_a_lasso_sends_four_bytes_a_selected_row_and_little_more(explorer, sent):
    square = np.array([[-0.7, -0.7], [0.7, -0.7], [0.7, 0.7], [-0.7, 0.7]])
    content = {"kind": "select", "mode": "replace"}
    explorer._views["scatter"]._handle_custom_msg(content, [memoryview(square.tobytes())])
    rows = len(explorer.selected)
    assert rows > 800
    assert 4 * rows <= sum(sent) < 1.2 * 4 * rows


def test_points_are_loaded_with_at_most_thirteen_bytes_each(explorer):
    view = explorer._views["scatter"]
    points, rings = view.figure.marks
    arrays = [points.x, points.y, points.color, rings.x, rings.y]
    loaded = sum(array.nbytes for array in arrays) + len(view.codes) + len(view.wrong)
    assert loaded / N <= 13


def test_a_page_without_bqplot_gl_is_sent_nine_bytes_a_point_and_only_when_it_asks(explorer):
    view = explorer._views["scatter"]
    assert not view.places
    assert not view.texels
    for _ in range(2):
        view._handle_custom_msg({"kind": "no_figure"}, [])
    assert len(view.places) + len(view.texels) == 9 * N
    rows = view._rows
    assert np.array_equal(
        np.frombuffer(view.places, "<f4").reshape(2, N), explorer.embedding[rows].T
    )
    colors = np.array(view.texture)[np.frombuffer(view.texels, "u1")]
    legend = explorer._views["legend"]
    assert colors.tolist() == [legend.colors[code] for code in explorer.state.codes[rows]]


def test_a_page_without_bqplot_gl_follows_places_and_colours(explorer):
    view = explorer._views["scatter"]
    view._handle_custom_msg({"kind": "no_figure"}, [])
    explorer.state.embedding = explorer.embedding[::-1].copy()
    assert np.array_equal(
        np.frombuffer(view.places, "<f4").reshape(2, N), explorer.embedding[view._rows].T
    )
    explorer.color_by = "correct"
    wrong = explorer.feature_set.misclassified[view._rows]
    assert np.array_equal(np.frombuffer(view.texels, "u1"), wrong)
