"""Messages that the real page never sends, to every handler of every view."""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np
import pytest

from tests.images.pictures import encoded, noise
from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet, TsneWidgetError
from tsne_widget.widgets.views.view import View

N = 24
LOGGER = "tsne_widget.widgets.receiving"
# Bytes sent in answer to a message: at most a screenful.
MAX_REPLY_BYTES = 400_000

SECRET = "/etc/passwd"
FORGED = [
    None, True, False, -1, 0, 1, 10**9, 2**63, 10**40, 0.5, 1e300, float("nan"), float("inf"),
    "", "0", "replace", "x" * 100_000, "\ud800", "__class__", SECRET, f"file://{SECRET}",
    "../" * 9 + "secret", [], [-1], [0, 1], list(range(100_000)), [[0]], ["0"], [float("nan")],
    {}, {"kind": "select"}, {"__proto__": 1},
]  # fmt: skip
BUFFERS = [
    [],
    [b""],
    [b"\0" * 7],
    [b"\xff" * 48],
    [np.full(8, np.nan).tobytes()],
    [np.full(8, 1e308).tobytes()],
    [b"\0" * 16] * 100,
    [bytes(10**6)],
]


class Spy(dict):
    """A message that records which fields its handler reads."""

    def __init__(self, content: dict[str, Any], asked: set[str]) -> None:
        super().__init__(content)
        self.asked = asked

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def make_explorer(tmp_path) -> EmbeddingExplorer:
    labels = np.arange(N) % 3
    rng = np.random.default_rng(0)
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), labels, logits=rng.normal(size=(N, 3)), class_names=["a", "b", "c"]
    )
    for row in range(N):
        (tmp_path / f"{row}.png").write_bytes(encoded(noise(), "PNG"))
    (tmp_path / "secret.png").write_bytes(encoded(noise(), "PNG"))
    paths = [tmp_path / f"{row}.png" for row in range(N)]
    return EmbeddingExplorer(record, embedding=record.features[:, :2], images=paths)


@pytest.fixture
def explorer(tmp_path):
    with make_explorer(tmp_path) as opened:
        opened.select([0, 1, 2, 5])
        yield opened


@pytest.fixture
def page(explorer):
    return Page(explorer)


def kinds_of_views(make: Any) -> list[str]:
    """Kinds of messages that any view of a widget answers; "set", which all do, included."""
    views: list[View] = []
    connect = View.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(View, "connect", lambda view, to: views.append(view) or connect(view, to))
        make().close()
    return sorted({"set"}.union(*(view.handlers for view in views)))


@pytest.fixture
def kinds(tmp_path) -> list[str]:
    return kinds_of_views(lambda: make_explorer(tmp_path))


def snapshot(explorer) -> dict[str, Any]:
    """Every trait of the state in a comparable form."""
    state = explorer.state
    return {name: as_plain(getattr(state, name)) for name in state.trait_names()}


def as_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: as_plain(inner) for key, inner in value.items()}
    return repr(value)  # so that NaN equals itself


def assert_whole(explorer) -> None:
    state = explorer.state
    assert state.visible.shape == (3,)
    assert state.visible.dtype == bool
    assert state.selected.dtype == np.int64
    assert state.visible_rows[state.selected].all()
    for row in (state.hovered, state.focus):
        assert row is None or 0 <= row < N
    for rows in state.selections.values():
        assert ((rows >= 0) & (rows < N)).all()
    assert len(state.message) <= 400


def forge_all(page: Page, view: str, kind: str, check: Any) -> None:
    """Send a handler each forged value in each field that it reads, and call ``check``."""
    if kind != "set" and kind not in page.widget._views[view].handlers:
        for rest, buffers in zip(PLAUSIBLE, ([], [b"\0" * 16]), strict=True):
            check(rest | {"view": view, "kind": kind}, buffers)
        return
    fields, done = {""}, {"view", "kind"}
    while fields - done:  # more fields are read once the first one is valid
        field = sorted(fields - done)[0]
        done.add(field)
        for value in FORGED if field else [None]:
            for rest in PLAUSIBLE:
                content = rest | ({field: value} if field else {}) | {"view": view, "kind": kind}
                asked: set[str] = set()
                is_read = not field or (field, value) == ("mode", "replace")
                for buffers in BUFFERS if is_read else [[]]:
                    check(Spy(content, asked), buffers)
                fields |= asked


# Valid values for these fields, so that a handler reaches the forged field.
PLAUSIBLE = [{}, {"mode": "add", "code": 1, "point": 1, "row": 1, "start": 0, "index": 0}]


def test_a_forged_message_is_dropped_and_logged_and_changes_nothing(explorer, page, kinds, caplog):
    caplog.set_level(logging.DEBUG, LOGGER)
    counts = {"dropped": 0, "answered": 0}

    def check(content, buffers):
        explorer.visible_classes = ["a", "b", "c"]
        explorer.select([0, 1, 2, 5])
        explorer.state.focus = explorer.state.hovered = None
        caplog.clear()
        page.forget()
        before = snapshot(explorer)
        page.deliver(content, buffers)
        assert sum(reply.size for reply in page.replies()) <= MAX_REPLY_BYTES
        failures = [entry.exc_info[1] for entry in caplog.records if entry.exc_info]
        assert all(isinstance(error, TsneWidgetError) for error in failures), failures
        if "dropped" in caplog.text:
            counts["dropped"] += 1
            assert snapshot(explorer) == before
            assert page.received == []
        else:  # a message that the real page could send: the state stays consistent
            counts["answered"] += 1
            assert_whole(explorer)

    for view in page.views():
        for kind in kinds:
            forge_all(page, view, kind, check)
    assert counts["dropped"] > 1000
    assert counts["answered"] > 20


@pytest.mark.parametrize("value", [-1, 10**9, float("nan"), 0.5, "1", True, None, [1], {}])
def test_invalid_class_point_and_tile_numbers_are_dropped(explorer, page, caplog, value):
    caplog.set_level(logging.DEBUG, LOGGER)
    epoch = page.shows("gallery", "epoch")
    before = snapshot(explorer)
    for content in (
        {"view": "map", "kind": "pick", "point": value, "mode": "replace"},
        {"view": "map", "kind": "hover", "point": value},
        {"view": "legend", "kind": "toggle", "code": value},
        {"view": "legend", "kind": "only", "code": value},
        {"view": "legend", "kind": "show", "codes": [value], "visible": False},
        {"view": "legend", "kind": "invert", "codes": [value]},
        {"view": "confusion", "kind": "label", "code": value, "mode": "replace"},
        {"view": "gallery", "kind": "tiles", "epoch": epoch, "start": value, "stop": 2},
        {"view": "gallery", "kind": "tiles", "epoch": epoch, "start": 0, "stop": value},
    ):
        caplog.clear()
        page.deliver(content)
        assert "dropped" in caplog.text, content
        assert snapshot(explorer) == before


def test_a_synced_trait_that_the_page_overwrites_never_reaches_the_state(explorer, page, kinds):
    before, on_page = snapshot(explorer), page.state()
    for name in on_page:
        view, _, trait = name.partition(".")
        for value in (None, -1, 10**9, float("nan"), "x", [], [10**9], {"a": 1}, b"\xff" * 9):
            if trait:
                page.sets(view, **{trait: value})
                update = {"method": "update", "state": {name: value}, "buffer_paths": []}
                page.hand_over(update)
    assert snapshot(explorer) == before
    may_set = {"frame.panel", "map.viewport", "map.show_labels", "legend.sorted_by",
               "scores.of_class", "confusion.counts_selection",
               "confusion.shows_shares"}  # fmt: skip
    after = page.state()
    assert {name for name in on_page if as_plain(after[name]) != as_plain(on_page[name])} <= may_set
    for view in page.views():
        for kind in kinds:
            for rest in PLAUSIBLE:
                page.deliver(rest | {"view": view, "kind": kind})
                assert_whole(explorer)


def test_number_of_classes_does_not_come_from_the_page(explorer, page):
    page.opens("confusion")
    for names in ([], ["x"] * 100_000):
        for view in ("legend", "confusion"):
            page.sets(view, names=names)
            assert page.shows(view, "names") == ["a", "b", "c"]
        page.send("legend", "toggle", code=3)
        page.send("legend", "show", codes=[0] * 4, visible=False)
        page.send("confusion", "label", code=3, mode="replace")
        assert explorer.visible_classes == ("a", "b", "c")
        assert explorer.selected.tolist() == [0, 1, 2, 5]
        assert len(page.shows("confusion", "counts")) == 4 * 3 * 3
        assert explorer.message == ""


@pytest.mark.parametrize(
    "viewport", [[1.0], [float("nan")] * 4, [float("inf"), 0, 1, 2], [0.0] * 100_000]
)
def test_forged_viewport_never_corrupts_a_saved_exploration(explorer, page, tmp_path, viewport):
    page.sets("map", viewport=[0.0, 1.0, 0.0, 1.0])
    page.sets("map", viewport=viewport)
    folder = explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(folder) as loaded:
        assert Page(loaded).shows("map", "viewport") == [0.0, 1.0, 0.0, 1.0]


@pytest.fixture
def audited():
    """Names and arguments of audit events while ``watching`` contains True."""
    return _AUDIT


class _Audit:
    def __init__(self) -> None:
        self.watching = False
        self.events: list[tuple[str, tuple[Any, ...]]] = []

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event.split(".")[0] in (
            "open", "os", "subprocess", "socket", "shutil", "urllib", "tempfile", "ctypes"
        ):  # fmt: skip
            self.events.append((event, arguments))


_AUDIT = _Audit()
sys.addaudithook(_AUDIT.hook)  # hooks exist until the interpreter ends; this one does nothing then


def test_page_messages_open_no_files_but_the_listed_ones(explorer, page, kinds, audited, tmp_path):
    def forge(target: Page) -> None:
        for view in target.views():
            for kind in kinds:
                forge_all(target, view, kind, target.deliver)

    forge(page)  # once in advance, because modules are loaded at their first use
    with make_explorer(tmp_path) as fresh:  # its thumbnails are made while events are recorded
        other = Page(fresh)
        audited.events.clear()
        audited.watching = True
        try:
            fresh.select(range(N))
            other.send("gallery", "tiles", epoch=other.shows("gallery", "epoch"), start=0, stop=N)
            forge(other)
        finally:
            audited.watching = False
    paths = [arguments[0] for event, arguments in audited.events if event == "open"]
    opened = {str(path) for path in paths if not isinstance(path, int)}  # int: an open file
    assert opened == {str(tmp_path / f"{row}.png") for row in range(N)}
    assert {event for event, _ in audited.events} == {"open"}


def test_queued_clicks_have_the_same_result_as_single_clicks(explorer, page):
    for code in (0, 1, 0, 2, 2, 1, 1, 0):  # as many clicks as a user makes while the kernel is busy
        page.send("legend", "toggle", code=code)
    assert explorer.visible_classes == ("c",)
