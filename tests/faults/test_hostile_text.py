"""Hostile text in class names, paths, columns and errors: plain, on one line, bounded."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np
import pytest

from tests.faults.attacks import TEXTS
from tests.faults.test_forged_messages import kinds_of_views
from tests.widgets.page import Page
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


def texts_of_state(page: Page) -> list[str]:
    """Every text in the traits of all views."""
    return [text for name, value in page.state().items() if "." in name for text in texts_in(value)]


def assert_plain(text: str) -> None:
    text.encode()  # a lone surrogate would close the connection
    json.dumps(text).encode()
    assert len(text) <= MAX_SENTENCE
    hidden = [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not hidden, ascii(text)


def test_hostile_text_reaches_the_page_as_short_plain_text():
    kinds = kinds_of_views(make_explorer)
    with make_explorer() as explorer:
        page = Page(explorer)
        explorer.color_by = "note"
        explorer.select(range(N))
        for start in range(0, N, 8):
            epoch = page.shows("gallery", "epoch")
            page.send("gallery", "tiles", epoch=epoch, start=start, stop=start + 8)
        for point in range(N):
            page.send("map", "hover", point=point)
            page.send("map", "pick", point=point, mode="add")
        saved = texts_of_state(page)
        for view in page.views():
            for kind in kinds:
                page.send(view, kind, row=1, index=1, mode="add", code=1)
            saved += texts_of_state(page)
        replies = [reply.content for reply in page.replies()]
        texts = saved + texts_in(replies)
    assert len(texts) > N
    assert any("<script>" in text for text in texts)  # kept: it is displayed as text
    for text in texts:
        assert_plain(text)
    assert not [text for text in saved if "/private/folder" in text]


@pytest.mark.parametrize("text", NAMES)
def test_displayed_name_is_one_visible_line(text):
    for limit in (MAX_NAME, MAX_SENTENCE):
        assert_plain(printable(text, limit))
        assert len(printable(text, limit)) <= limit


@pytest.mark.parametrize("text", NAMES)
def test_error_with_hostile_text_is_displayed_as_plain_text(text):
    with make_explorer() as explorer:

        def broken(_change: Any) -> None:
            raise RuntimeError(text)

        page = Page(explorer)
        explorer.observe(broken, "selected")
        page.send("toolbar", "misclassified")
        assert explorer.message.startswith("RuntimeError: ")
        assert_plain(explorer.message)
        assert_plain(page.shows("toolbar", "message"))


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
def test_id_is_a_number_and_never_text(text):
    with pytest.raises(InvalidInputError, match="ids must be integers"):
        FeatureSet.from_arrays(np.eye(2), ids=[text, "b"])
