"""The widget behind a proxy with a base URL, as on JupyterHub, and on a slow line.

    python -m benchmarks.slow_line [points] [--record]        (default 3589)

The server answers below /user/ada/. A proxy forwards its bytes, at first without a limit, then with
50 ms from the page to the server and back, and 5 Mbit/s in each direction; websockets included,
which Chromium's own throttling leaves out. Seconds, and bytes in both directions:

open          from the address to an idle kernel: JupyterLab itself, with an empty cache
first paint   from running the cell, with the package imported, until the map is drawn
gallery       from then until every tile in sight has its picture
lasso         from mouse-up until the map names the new count; until every tile in sight
              has its picture
toggle        from the click on a class until the map names the new count
scroll        one screen of the gallery, until every tile in sight has its picture
cut           a lasso is drawn while the line is cut for 8 s: from the end of the cut until the map
              names the new count. JupyterLab waits longer before each try to connect again.

A request beside /user/ada/, an error in the console, or a page that does not say that it waits
while the line is cut, ends the run.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from benchmarks.cells import LASSO, RECORD
from benchmarks.report import VERSIONS, Table, numbers
from tests.browser.gestures import drag, map_is_drawn
from tests.browser.jupyter import Lab, Notebook, launch

BASE = "/user/ada/"
LINES = [(0.0, 0.0), (0.025, 5e6 / 8)]  # delay in each direction (s), bytes per second; 0: no limit
STEPS = Table("slow_line-steps", "step | no limit, s | 50 ms, 5 Mbit/s, s | bytes", ["jupyterlab"])
CELLS = [
    RECORD
    + """
coarse = rng.integers(0, 256, (n, 8, 8, 3), dtype="u1")
images = np.stack([np.asarray(Image.fromarray(one).resize((64, 64))) for one in coarse])
warm = EmbeddingExplorer(record, embedding=xy)  # import everything
""",
    "explorer = EmbeddingExplorer(record, embedding=xy, images=images)\nexplorer",
]
RUN_LAST_CELL = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  window.jupyterapp.commands.execute("notebook:run-cell");
}"""
# Time of the last gesture.
CLOCK = """
for (const kind of ["pointerup", "wheel"])
  addEventListener(kind, () => { window.acted = performance.now(); }, true);
"""
TILES = """(before) => {
  const tiles = [...document.querySelectorAll(".tw-gallery figure")];
  return tiles.length && tiles.every((tile) => tile.querySelector("img")?.naturalWidth)
    && tiles[0].outerHTML !== before && performance.now() - (window.acted ?? 0);
}"""
COUNTS = """(before) => document.querySelector(".tw-pill").textContent !== before
  && performance.now() - window.acted"""


class Proxy:
    """Forwards the connections of a port to another one, with a delay and a limit.

    Parameters
    ----------
    target : int
        Port on this machine.
    delay : float
        Seconds that a byte takes in each direction.
    rate : float
        Bytes per second in each direction, of all connections together; 0: no limit.
    """

    def __init__(self, target: int, delay: float, rate: float) -> None:
        self.target, self.delay, self.rate = target, delay, rate
        self.bytes = 0
        self.is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._free = {True: 0.0, False: 0.0}  # direction: when the line is free again
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True).start()
        started.wait()

    async def _serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._loop = asyncio.get_running_loop()
        started.set()
        await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        self._writers.add(writer)
        up, down = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(
            self._forward(reader, down, True), self._forward(up, writer, False),
            return_exceptions=True,
        )  # fmt: skip

    def cut(self) -> None:
        """End all connections, and refuse new ones until ``is_cut`` is False."""
        self.is_cut = True
        for writer in self._writers:
            self._loop.call_soon_threadsafe(writer.transport.abort)
        self._writers.clear()

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, upward: bool
    ) -> None:
        """Copy one direction; a piece leaves when the line is free, and arrives after the delay."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        sending = asyncio.create_task(self._deliver(pieces, target))
        while piece := await source.read(16_384):
            self.bytes += len(piece)
            if self.rate:
                begin = max(time.monotonic(), self._free[upward])
                self._free[upward] = begin + len(piece) / self.rate
                await asyncio.sleep(self._free[upward] - time.monotonic())
            await pieces.put((time.monotonic() + self.delay, piece))
        await pieces.put((time.monotonic() + self.delay, b""))
        await sending

    async def _deliver(
        self, pieces: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter
    ) -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                target.close()
                return
            target.write(piece)
            await target.drain()


class Meter:
    """The seconds and the bytes of each step on one line."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.steps: dict[str, tuple[float, int]] = {}
        self.restart()

    def restart(self) -> None:
        self.began, self.bytes = time.monotonic(), self.proxy.bytes

    def note(self, step: str, seconds: float | None = None) -> None:
        """Keep a step, with the seconds since its start if none are given."""
        seconds = time.monotonic() - self.began if seconds is None else seconds
        self.steps[step] = seconds, self.proxy.bytes - self.bytes


def main(n: int) -> None:
    lab = Lab(Path(tempfile.mkdtemp(prefix="tsne-widget-")), base_url=BASE)
    own = urlsplit(lab.url).port
    meters = []
    try:
        with sync_playwright() as playwright:
            for delay, rate in LINES:
                proxy = Proxy(own, delay, rate)
                lab.url = f"http://127.0.0.1:{proxy.port}{BASE}"
                browser = launch(playwright)
                VERSIONS["Chromium"] = browser.version
                page = browser.new_page(viewport={"width": 1400, "height": 1200})
                page.set_default_timeout(180_000)
                meters.append(Meter(proxy))
                measure(lab, page, meters[-1], n)
                browser.close()
    finally:
        lab.close()
    fast, slow = meters
    with STEPS as row:
        for step, (seconds, size) in slow.steps.items():
            row(step, f"{fast.steps[step][0]:.2f}", f"{seconds:.2f}", f"{size:,}")


def measure(lab: Lab, page: Page, meter: Meter, n: int) -> None:
    """All steps on one line."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(CLOCK)
    cells = [cell.replace("{n}", str(n)) for cell in CELLS]
    notebook = Notebook.open(lab, page, "slow.ipynb", cells)
    meter.note("open")
    notebook.run_all(300)
    page.wait_for_timeout(3000)
    page.evaluate(RUN_LAST_CELL)
    meter.restart()
    map_is_drawn(page)
    meter.note("first paint")
    page.wait_for_function(TILES)
    meter.note("first paint, and the gallery")
    gestures(page, meter)
    paths = [urlsplit(url).path for url in asked if url.startswith("http")]
    assert all(path.startswith(BASE) for path in paths), paths
    assert not notebook.errors(), notebook.errors()
    cut(page, meter)
    notebook.close()


def gestures(page: Page, meter: Meter) -> None:
    """A lasso, a screen of the gallery and a class that is hidden."""
    counts, first = page.locator(".tw-pill").first, page.locator(".tw-gallery figure").first
    before, tile = counts.text_content(), first.evaluate("(node) => node.outerHTML")
    meter.restart()
    drag(page, LASSO)
    meter.note("lasso: count", page.wait_for_function(COUNTS, arg=before).json_value() / 1000)
    meter.note("lasso: gallery", page.wait_for_function(TILES, arg=tile).json_value() / 1000)
    page.wait_for_timeout(3000)
    meter.note("lasso: and what follows")

    tile = first.evaluate("(node) => node.outerHTML")
    first.hover()
    meter.restart()
    page.mouse.wheel(0, 600)
    meter.note("scroll", page.wait_for_function(TILES, arg=tile).json_value() / 1000)
    page.wait_for_timeout(3000)

    before = counts.text_content()
    meter.restart()
    page.locator(".tw-legend li button").nth(2).click()
    meter.note("toggle", page.wait_for_function(COUNTS, arg=before).json_value() / 1000)
    page.wait_for_timeout(3000)
    meter.note("toggle: and what follows")


def cut(page: Page, meter: Meter) -> None:
    """A lasso while the line is cut."""
    before = page.locator(".tw-pill").first.text_content()
    meter.proxy.cut()
    page.wait_for_timeout(500)
    drag(page, [(u + 0.1, v) for u, v in LASSO])
    page.locator(".tsne-widget[data-pending]").first.wait_for()
    page.wait_for_timeout(8000)
    meter.proxy.is_cut = False
    meter.restart()
    page.wait_for_function(COUNTS, arg=before)
    meter.note("cut for 8 s: until the lasso arrives")


if __name__ == "__main__":
    main(*numbers(__doc__, [3_589]))
