"""Messages that our page never sends, to every handler of every view, found by introspection."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import sys
from typing import Any

import numpy as np
import pytest

from tests.images.pictures import encoded, noise
from tsne_widget import EmbeddingExplorer, FeatureSet, TsneWidgetError
from tsne_widget.widgets.views.messages import _dispatch

N = 24
LOGGER = "tsne_widget.widgets.views.messages"
# Of a message, its handler's answer included: what is sent for it is a screenful at most.
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
    [b"\0" * 16] * 1000,
    [bytes(10**6)],
]


class Spy(dict):
    """A message that notes which of its fields its handler looks at."""

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


@pytest.fixture
def explorer(tmp_path):
    labels = np.arange(N) % 3
    rng = np.random.default_rng(0)
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), labels, logits=rng.normal(size=(N, 3)), class_names=["a", "b", "c"]
    )
    for row in range(N):
        (tmp_path / f"{row}.png").write_bytes(encoded(noise(), "PNG"))
    (tmp_path / "secret.png").write_bytes(encoded(noise(), "PNG"))
    paths = [tmp_path / f"{row}.png" for row in range(N)]
    with EmbeddingExplorer(record, embedding=record.features[:, :2], images=paths) as opened:
        opened.select([0, 1, 2, 5])
        yield opened


def handlers_of(view) -> dict[str, Any]:
    """Kinds of messages that a view answers."""
    found: dict[str, Any] = {}
    for callback in view._msg_callbacks.callbacks:
        assert isinstance(callback, functools.partial), "every message goes through answer()"
        assert callback.func is _dispatch
        found |= callback.args[1]
    return found


def kinds(explorer) -> list[tuple[str, str]]:
    return [(name, kind) for name, view in explorer._views.items() for kind in handlers_of(view)]


def snapshot(explorer) -> dict[str, Any]:
    """Every trait of the state, comparable."""
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


class Sent:
    """What the views send from now on."""

    def __init__(self, explorer, monkeypatch) -> None:
        self.bytes = 0
        for view in explorer._views.values():
            monkeypatch.setattr(view, "send", self.send)

    def send(self, content: Any, buffers: Any = ()) -> None:
        self.bytes += len(json.dumps(content)) + sum(len(buffer) for buffer in buffers)


def send(view, content: Any, buffers: Any = ()) -> None:
    view._handle_custom_msg(content, [memoryview(buffer) for buffer in buffers])


def forge_all(explorer, name: str, kind: str, check: Any) -> None:
    """Send a handler each forged value in each field that it looks at, and call ``check``."""
    view, fields, done = explorer._views[name], {""}, set()
    while fields - done:  # more fields are asked for once the first one is right
        field = sorted(fields - done)[0]
        done.add(field)
        for value in FORGED if field else [None]:
            for rest in PLAUSIBLE:
                content = rest | ({field: value} if field else {}) | {"kind": kind}
                asked: set[str] = set()
                for buffers in BUFFERS if field in ("", "mode") else [[]]:
                    check(view, Spy(content, asked), buffers)
                fields |= asked - {"kind"}


# What is right in fields of these names somewhere, so that a handler comes to the forged one.
PLAUSIBLE = [{}, {"mode": "add", "code": 1, "point": 1, "row": 1, "start": 0, "index": 0}]


def test_every_view_answers_messages_of_a_known_kind_only(explorer, caplog):
    caplog.set_level(logging.DEBUG, LOGGER)
    assert {name for name, _ in kinds(explorer)} >= {"scatter", "legend", "gallery", "toolbar"}
    before = snapshot(explorer)
    for view in explorer._views.values():
        if not handlers_of(view):
            continue
        for kind in ("eval", "", "__init__", 3, None, [], {}, float("nan")):
            caplog.clear()
            send(view, {"kind": kind})
            assert "unknown kind" in caplog.text
        for content in (None, 3, "select", [], [{"kind": "clear"}], float("nan")):
            caplog.clear()
            send(view, content)
            assert "unknown kind" in caplog.text
    assert snapshot(explorer) == before


def test_a_forged_message_is_dropped_and_logged_and_changes_nothing(explorer, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, LOGGER)
    sent = Sent(explorer, monkeypatch)
    counts = {"dropped": 0, "answered": 0}

    def check(view, content, buffers):
        explorer.visible_classes = ["a", "b", "c"]
        explorer.select([0, 1, 2, 5])
        explorer.state.focus = explorer.state.hovered = None
        caplog.clear()
        before, sent.bytes = snapshot(explorer), 0
        send(view, content, buffers)
        assert sent.bytes <= MAX_REPLY_BYTES
        failures = [entry.exc_info[1] for entry in caplog.records if entry.exc_info]
        assert all(isinstance(error, TsneWidgetError) for error in failures), failures
        if "dropped" in caplog.text:
            counts["dropped"] += 1
            assert snapshot(explorer) == before
            assert sent.bytes == 0
        else:  # a message that our page could have sent: whatever it does, the state is whole
            counts["answered"] += 1
            assert_whole(explorer)

    for name, kind in kinds(explorer):
        forge_all(explorer, name, kind, check)
    assert counts["dropped"] > 1000
    assert counts["answered"] > 20


@pytest.mark.parametrize("value", [-1, 10**9, float("nan"), 0.5, "1", True, None, [1], {}])
def test_numbers_that_are_no_class_point_or_tile_are_dropped_everywhere(explorer, caplog, value):
    caplog.set_level(logging.DEBUG, LOGGER)
    gallery = explorer._views["gallery"]
    forged = [
        ("scatter", {"kind": "pick", "point": value, "mode": "replace"}),
        ("scatter", {"kind": "hover", "point": value}),
        ("legend", {"kind": "toggle", "code": value}),
        ("legend", {"kind": "only", "code": value}),
        ("legend", {"kind": "show", "codes": [value], "visible": False}),
        ("legend", {"kind": "invert", "codes": [value]}),
        ("gallery", {"kind": "tiles", "epoch": gallery.epoch, "start": value, "stop": 2}),
        ("gallery", {"kind": "tiles", "epoch": gallery.epoch, "start": 0, "stop": value}),
    ]
    before = snapshot(explorer)
    for name, content in forged:
        caplog.clear()
        send(explorer._views[name], content)
        assert "dropped a malformed" in caplog.text, content
        assert snapshot(explorer) == before


def test_a_synced_trait_that_the_page_overwrites_never_reaches_the_state(explorer, monkeypatch):
    before = snapshot(explorer)
    for view in explorer._views.values():
        # ipywidgets shows a value of the wrong type as an error, in the log of the page.
        monkeypatch.setattr(view, "log", logging.getLogger("quiet"), raising=False)
        for name in view.keys:
            for value in (None, -1, 10**9, float("nan"), "x", [], [10**9], {"a": 1}, b"\xff" * 9):
                with contextlib.suppress(Exception):  # traitlets' own, whatever the type
                    view.set_state({name: value})
    assert snapshot(explorer) == before
    for name, kind in kinds(explorer):
        for rest in PLAUSIBLE:
            send(explorer._views[name], rest | {"kind": kind})
            assert_whole(explorer)


def forge_traits(view, monkeypatch, **values: Any) -> None:
    """As when the page writes traits that it may write, and does not check."""
    # ipywidgets shows a value that is refused as an error, in the log of the page.
    monkeypatch.setattr(view, "log", logging.getLogger("quiet"), raising=False)
    with contextlib.suppress(Exception):
        view.set_state(values)


def test_how_many_classes_there_are_is_not_what_the_page_says(explorer, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, LOGGER)
    legend, confusion = explorer._views["legend"], explorer._views["confusion"]
    for names in ([], ["x"] * 100_000):
        for view in (legend, confusion):
            forge_traits(view, monkeypatch, names=names)
            assert len(view.names) == len(names)
        for view, content in (
            (legend, {"kind": "toggle", "code": 3}),
            (legend, {"kind": "show", "codes": [0] * 4, "visible": False}),
            (confusion, {"kind": "label", "code": 3, "mode": "replace"}),
        ):
            caplog.clear()
            send(view, content)
            assert "dropped a malformed" in caplog.text
        send(legend, {"kind": "all", "visible": False})
        assert explorer.visible_classes == ()
        send(legend, {"kind": "all", "visible": True})
        assert explorer.visible_classes == ("a", "b", "c")
        confusion.is_open = True
        explorer.select([0, 1, 2])
        assert (len(confusion.counts), len(confusion.report)) == (4 * 3 * 3, 4 * 3 * 3)
        assert explorer.state.message == ""


@pytest.mark.parametrize(
    "viewport", [[1.0], [float("nan")] * 4, [float("inf"), 0, 1, 2], [0.0] * 100_000]
)
def test_a_viewport_of_the_page_never_spoils_what_is_saved(
    explorer, monkeypatch, tmp_path, viewport
):
    scatter = explorer._views["scatter"]
    forge_traits(scatter, monkeypatch, viewport=[0.0, 1.0, 0.0, 1.0])
    forge_traits(scatter, monkeypatch, viewport=viewport)
    folder = explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(folder) as loaded:
        assert list(loaded._views["scatter"].viewport) == [0.0, 1.0, 0.0, 1.0]


@pytest.fixture
def audited():
    """Names and arguments of what the interpreter is asked to do, while ``watching`` holds True."""
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
sys.addaudithook(_AUDIT.hook)  # hooks stay until the interpreter ends; this one is silent then


def test_whatever_the_page_sends_no_file_is_opened_but_the_listed_ones(
    explorer, audited, tmp_path, caplog, monkeypatch
):
    Sent(explorer, monkeypatch)
    for name, kind in kinds(explorer):  # once before: modules are loaded at their first use
        forge_all(explorer, name, kind, send)
    # The thumbnails are made now: their files were read above and would be read from the cache.
    explorer._views["gallery"]._tiles._thumbnails.clear()
    audited.events.clear()
    audited.watching = True
    try:
        explorer.visible_classes = ["a", "b", "c"]
        explorer.select(range(N))
        gallery = explorer._views["gallery"]
        send(gallery, {"kind": "tiles", "epoch": gallery.epoch, "start": 0, "stop": N})
        for name, kind in kinds(explorer):
            forge_all(explorer, name, kind, send)
    finally:
        audited.watching = False
    paths = [arguments[0] for event, arguments in audited.events if event == "open"]
    opened = {str(path) for path in paths if not isinstance(path, int)}  # int: an open file
    assert opened == {str(tmp_path / f"{row}.png") for row in range(N)}
    assert {event for event, _ in audited.events} == {"open"}


def test_queued_clicks_end_where_one_by_one_they_would(explorer):
    legend = explorer._views["legend"]
    for code in (0, 1, 0, 2, 2, 1, 1, 0):  # as many as a person clicks while the kernel is busy
        send(legend, {"kind": "toggle", "code": code})
    assert explorer.visible_classes == ("c",)
