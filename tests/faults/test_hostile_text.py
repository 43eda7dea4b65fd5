"""Text of an enemy in class names, paths, columns and errors: plain, on one line, bounded."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np
import pytest

from tests.faults.attacks import TEXTS
from tests.faults.test_forged_messages import handlers_of, send
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget._text import MAX_NAME, MAX_SENTENCE, printable
from tsne_widget.errors import InvalidInputError

NAMES = list(dict.fromkeys(TEXTS))
N = 4 * len(NAMES)


def make_explorer(**options: Any) -> EmbeddingExplorer:
    rng = np.random.default_rng(0)
    codes = np.arange(N) % len(NAMES)
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)),
        codes,
        predictions=np.roll(codes, 1),
        class_names=NAMES,
        paths=[
            f"/private/folder/{NAMES[code]}/{row}{NAMES[code]}" for row, code in enumerate(codes)
        ],
    )
    columns = {"note": np.array([NAMES[code] for code in codes], dtype=object)}
    return EmbeddingExplorer(record, embedding=record.features[:, :2], columns=columns, **options)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in [*texts_in(key), *texts_in(inner)]]
    if isinstance(value, (list, tuple)):
        return [text for inner in value for text in texts_in(inner)]
    return []


def texts_of_state(view: Any) -> list[str]:
    """Every text of a view's synced traits, but for its own script and style."""
    state = view.get_state()
    return [
        text
        for name, value in state.items()
        if not name.startswith("_") and name not in ("layout", "style")
        for text in texts_in(value)
    ]


def assert_plain(text: str) -> None:
    text.encode()  # a lone surrogate would end the connection
    json.dumps(text).encode()
    assert len(text) <= MAX_SENTENCE
    hidden = [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not hidden, ascii(text)


class Replies:
    def __init__(self, explorer: EmbeddingExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.contents: list[Any] = []
        for view in explorer._views.values():
            monkeypatch.setattr(
                view, "send", lambda content, buffers=(): self.contents.append(content)
            )


def test_hostile_text_reaches_the_page_plain_and_bounded(monkeypatch):
    with make_explorer() as explorer:
        replies = Replies(explorer, monkeypatch)
        explorer.state.color_by = "note"
        explorer.select(range(N))
        views = explorer._views
        gallery = views["gallery"]
        for start in range(0, N, 8):
            request = {"kind": "tiles", "epoch": gallery.epoch, "start": start, "stop": start + 8}
            send(gallery, request)
        for point in range(N):
            send(views["scatter"], {"kind": "hover", "point": point})
            send(views["scatter"], {"kind": "pick", "point": point, "mode": "add"})
        saved: list[str] = []
        for view in views.values():
            saved += texts_of_state(view)
            for kind in handlers_of(view):
                send(view, {"kind": kind, "row": 1, "index": 1, "mode": "add", "code": 1})
            saved += texts_of_state(view)
        texts = saved + texts_in(replies.contents)
    assert len(texts) > N
    assert any("<script>" in text for text in texts)  # kept: it is text, and set as text
    for text in texts:
        assert_plain(text)
    assert not [text for text in saved if "/private/folder" in text]


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_one_line_of_what_can_be_seen(text):
    for limit in (MAX_NAME, MAX_SENTENCE):
        assert_plain(printable(text, limit))
        assert len(printable(text, limit)) <= limit


@pytest.mark.parametrize("text", NAMES)
def test_an_error_that_holds_hostile_text_is_told_plain(text):
    with make_explorer() as explorer:

        def broken(_change: Any) -> None:
            raise RuntimeError(text)

        explorer.observe(broken)
        send(explorer._views["toolbar"], {"kind": "misclassified"})
        assert explorer.state.message.startswith("RuntimeError: ")
        assert_plain(explorer.state.message)
        assert_plain(explorer._views["toolbar"].message)


@pytest.mark.filterwarnings("ignore:Glyph .* missing from ")  # emoji: matplotlib says so
def test_hostile_names_survive_the_frame_the_disk_and_the_figure(tmp_path):
    with make_explorer() as explorer:
        frame = explorer.to_dataframe("all")
        assert set(frame["label_name"]) == set(NAMES)
        assert explorer.figure() is not None
        record = explorer.feature_set
        record.save(tmp_path / "saved")
        assert FeatureSet.load(tmp_path / "saved").class_names == record.class_names
        assert repr(explorer).isascii()


@pytest.mark.parametrize("text", NAMES)
def test_an_id_is_a_number_and_never_a_text(text):
    with pytest.raises(InvalidInputError, match="ids must be integers"):
        FeatureSet.from_arrays(np.eye(2), ids=[text, "b"])
