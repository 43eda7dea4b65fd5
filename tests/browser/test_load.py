"""Hundreds of lassos and toggles at 70,000 points: no loss, no growth, no flood of messages.

The gestures use a real mouse in a real browser. The expected result is computed here from the
corners of each lasso in data coordinates, with matplotlib's test for points inside a path.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any

import matplotlib.path
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from tests.browser.gestures import drawn_points, map_is_drawn
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

N, CLASSES = 70_000, 10
GESTURES, WARM_UP = 200, 100
TOGGLES = 0.5  # share of the gestures
SYNC = 50  # gestures that may be unanswered at once
# Modifier keys in Chromium's protocol.
MODES = {"replace": 0, "add": 8, "subtract": 1, "intersect": 2}

# jupyter_server delays a kernel's messages above this rate; tornado refuses larger ones.
MAX_MESSAGES_PER_SECOND = 1000
MAX_MESSAGE_BYTES = 10 * 2**20
# Share of the memory after the first gestures, which fill the undo history and other caches.
GROWTH = 1.2

# Drawing is not tested here: a software renderer takes half a second for all points.
CELL = f"""
import gc, zlib
import numpy as np
import psutil
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = {N}
labels = rng.integers(0, {CLASSES}, n)
angle = 2 * np.pi * labels / {CLASSES}
xy = np.stack([np.cos(angle), np.sin(angle)], 1) * 6 + rng.normal(size=(n, 2)) * 2
xy = xy.astype("f4")
predictions = np.where(rng.random(n) < 0.05, (labels + 1) % {CLASSES}, labels)
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(np.ones((n, 2)), labels, predictions=predictions),
    embedding=xy, draw_budget=300)

seen = []  # what the state was after each gesture, in the order in which they were answered
def note(_widget, content, _buffers):
    if content.get("kind") in ("select", "toggle"):
        explorer.state.main_thread.call(lambda: seen.append([
            zlib.crc32(explorer.selected.tobytes()),
            "".join("01"[int(flag)] for flag in explorer.state.visible)]))
explorer.on_msg(note)

def memory():
    gc.collect()
    return psutil.Process().memory_info().rss
explorer
"""

# Time and size of each message on the page's websockets.
WATCH = """
window.traffic = { came: [], went: [] };
const Socket = window.WebSocket;
const size = (data) => data.byteLength ?? data.size ?? data.length;
window.WebSocket = class extends Socket {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => {
      traffic.came.push([performance.now(), size(data)]);
    });
  }
  send(data) {
    traffic.went.push([performance.now(), size(data)]);
    return super.send(data);
  }
};
"""

# Data to convert pixels of the page to data coordinates: box, margins, domains and ranges.
SCALES = """async () => {
  const root = document.querySelector(".tw-scatter");
  const view = root.bqplotFigure;
  const box = root.querySelector(".tw-overlay").getBoundingClientRect();
  const { x, y } = (await view.mark_views.views[0]).scales;
  const { margin } = view;
  return {
    box: [box.left, box.top, box.width, box.height],
    left: box.left + margin.left + x.offset, top: box.top + margin.top + y.offset,
    x: [x.scale.domain(), x.scale.range()], y: [y.scale.domain(), y.scale.range()],
  };
}"""


class Model:
    """The expected state of the explorer after each gesture, in plain numpy."""

    def __init__(self, xy: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        self.xy, self.labels = xy, labels
        self.chosen = np.zeros(len(xy), dtype=bool)  # rows of hidden classes included
        self.visible = np.ones(CLASSES, dtype=bool)

    @property
    def selected(self) -> NDArray[np.bool_]:
        return self.chosen & self.visible[self.labels]

    def lasso(self, corners: NDArray[np.float64], mode: str) -> None:
        inside = matplotlib.path.Path(corners).contains_points(self.xy) & self.visible[self.labels]
        self.chosen = {
            "replace": inside,
            "add": self.chosen | inside,
            "subtract": self.chosen & ~inside,
            "intersect": self.chosen & inside,
        }[mode]

    def toggle(self, code: int) -> None:
        self.visible[code] ^= True

    def digest(self) -> list[Any]:
        rows = np.flatnonzero(self.selected).astype(np.int64)
        return [zlib.crc32(rows.tobytes()), "".join("01"[int(flag)] for flag in self.visible)]


class Hand:
    """A mouse over the widget, and the model of its effects.

    It uses Chromium's protocol directly, because Playwright takes a frame for each movement; a
    lasso here takes one frame.
    """

    def __init__(self, page: Page, model: Model) -> None:
        self.model = model
        self.session = page.context.new_cdp_session(page)
        self.chance = random.Random(7)
        self.scales = page.evaluate(SCALES)
        rows = page.locator(".tw-legend li button")
        self.buttons = [rows.nth(code).bounding_box() for code in range(CLASSES)]

    def gesture(self) -> None:
        if self.chance.random() < TOGGLES:
            code = self.chance.randrange(CLASSES)
            box = self.buttons[code]
            place = round(box["x"] + 40), round(box["y"] + box["height"] / 2)
            for kind in ("mousePressed", "mouseReleased"):
                self.mouse(kind, place)
            self.model.toggle(code)
        else:
            mode = self.chance.choice(list(MODES))
            corners = self.corners()
            for kind, place in zip(
                ("mousePressed", "mouseMoved", "mouseReleased"), corners, strict=True
            ):
                self.mouse(kind, place, MODES[mode])
            self.model.lasso(self.in_data(corners), mode)

    def corners(self) -> list[tuple[int, int]]:
        """Three whole pixels around a place."""
        left, top, width, height = self.scales["box"]
        radius = self.chance.uniform(0.1, 0.36) * height
        x = left + self.chance.uniform(0.35, 0.65) * width
        y = top + self.chance.uniform(0.48, 0.58) * height
        angles = 2 * np.pi * (self.chance.random() + np.arange(3) / 3)
        return [(round(x + radius * np.cos(a)), round(y + radius * np.sin(a))) for a in angles]

    def mouse(self, kind: str, place: tuple[int, int], modifiers: int = 0) -> None:
        event = {"type": kind, "x": place[0], "y": place[1], "modifiers": modifiers}
        button = {"button": "left", "buttons": int(kind != "mouseReleased"), "clickCount": 1}
        self.session.send("Input.dispatchMouseEvent", event | button)

    def in_data(self, corners: list[tuple[int, int]]) -> NDArray[np.float64]:
        pixels = np.array(corners, dtype=np.float64) - [self.scales["left"], self.scales["top"]]
        places = np.empty_like(pixels)
        for axis, name in enumerate("xy"):
            (low, high), (first, last) = self.scales[name]
            places[:, axis] = low + (pixels[:, axis] - first) / (last - first) * (high - low)
        return places


def most_in_a_second(times: list[float]) -> int:
    """Maximum number of messages in any second, from ascending times in milliseconds."""
    values = np.array(times)
    return int((np.searchsorted(values, values + 1000) - np.arange(len(values))).max())


def weigher(notebook: Notebook) -> Callable[[], dict[str, float]]:
    session = notebook.page.context.new_cdp_session(notebook.page)

    def weigh() -> dict[str, float]:
        """Bytes of the kernel and of the page's heap; nodes and listeners of the page."""
        session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        return {
            "kernel": notebook.python("memory()"),
            "heap": session.send("Runtime.getHeapUsage")["usedSize"],
            "nodes": counters["nodes"],
            "listeners": counters["jsEventListeners"],
        }

    return weigh


@pytest.mark.timeout(600)
def test_hundreds_of_lassos_and_toggles_are_answered_without_growth(open_notebook):
    notebook: Notebook = open_notebook(
        "load.ipynb", ["", CELL], height=900, script=WATCH, fresh=True
    )
    page = notebook.page
    notebook.run_all()
    map_is_drawn(page)
    model = Model(
        np.array(notebook.python("xy.astype(float).tolist()")),
        np.array(notebook.python("labels.tolist()")),
    )
    hand, weigh, expected = Hand(page, model), weigher(notebook), []
    before: dict[str, float] = {}
    for number in range(1, GESTURES + 1):
        hand.gesture()
        expected.append(model.digest())
        if number % SYNC == 0:
            until(
                lambda: notebook.python("len(seen)") >= len(expected),
                120,
                f"all of {number} gestures",
            )
        if number == WARM_UP:
            before = weigh()
    after = weigh()
    answered = notebook.python("seen")
    assert len(answered) == GESTURES  # none lost, none twice
    wrong = [i for i, pair in enumerate(zip(answered, expected, strict=True)) if pair[0] != pair[1]]
    assert not wrong, f"{len(wrong)} of {GESTURES} gestures, the first is number {wrong[0]}"
    assert len({digest for digest, _visible in answered}) > GESTURES / 4  # not without effect

    until(
        lambda: (drawn_points(page)[1] == 1).sum() == model.selected.sum(), 60, "the bright points"
    )
    pressed = page.locator(".tw-legend li button").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('aria-pressed') === 'true')"
    )
    assert pressed == model.visible.tolist()

    print(f"after {WARM_UP} gestures {before}, after {GESTURES} {after}")
    for name, weight in after.items():
        assert weight <= GROWTH * before[name], f"{name} grew from {before[name]} to {weight}"
    for way, messages in page.evaluate("() => traffic").items():
        times, sizes = zip(*messages, strict=True)
        rate = most_in_a_second(times)
        print(f"messages that {way}: {len(sizes)}, {rate} a second, {max(sizes):,} bytes at most")
        assert rate < MAX_MESSAGES_PER_SECOND
        assert max(sizes) < MAX_MESSAGE_BYTES
