"""The pass over the pictures of an explorer, which measures each one once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from tqdm.auto import tqdm

from tsne_widget.analysis import PictureScores
from tsne_widget.analysis.sampling import class_sample
from tsne_widget.images import ImageSource, Measuring, NoImages, ThumbnailCache
from tsne_widget.widgets.models.picture_scores import picture_scores
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.main_thread import is_main

# Maximum number of pictures that are measured; of more, a sample of every class.
MAX_MEASURED = 100_000
# Seconds after which a progress bar appears where somebody waits for the values.
PATIENCE = 0.5
# Seconds without a gesture before the next block: gestures in a row have the processor for
# themselves. After the longest wait, the pass goes on for a while anyway.
QUIET, LONGEST_WAIT, WHILE = 2.0, 5.0, 1.0


class PicturePass:
    """Measures the pictures in the background once the page shows some, or when a value is needed.

    One block of pictures is measured at a time: an array or a dataset is read on the main thread,
    where no cell of the user reads it meanwhile; files are decoded in a thread. So the pass waits
    while a cell runs, while the map is computed, and after a gesture of the page.

    Parameters
    ----------
    state : ExplorerState
        Gets the scores, and reports the progress in ``state.measuring``.
    images : ImageSource
    background : Background
    cache : ThumbnailCache
        Gets the thumbnails of the pictures, which are decoded anyway, while it has room.
    """

    def __init__(
        self,
        state: ExplorerState,
        images: ImageSource,
        background: Background,
        cache: ThumbnailCache,
    ) -> None:
        self._state, self._background = state, background
        self._rows = class_sample(state.codes, MAX_MEASURED)
        self._measuring = Measuring(images, state.feature_set.ids[self._rows], cache)
        self._blocks = self._measuring.blocks()
        self._latest: Callable[[], None] = lambda: None  # the last block that was read
        self._is_wanted = self._is_running = False
        self._is_read = threading.Event()  # every picture is measured
        self._is_awaited = False  # a thread waits for that
        self._waits_since = self._works_until = 0.0  # monotonic times
        self._later: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        self._scores: PictureScores | None = None
        state.scores.use_pictures(self.values, lambda: state.main_thread.call(self._report))
        state.observe(lambda _change: self._start(), "fit")

    def start(self) -> None:
        """Measure the pictures in the background, once the map is there."""
        self._is_wanted = True
        self._start()

    def values(self) -> PictureScores:
        """The scores; waits for the pictures that are not measured yet."""
        if self._is_running and not is_main():
            self._state.main_thread.call(self._hurry)
            self._is_read.wait()
        with self._lock:
            if self._scores is None:
                self._measure_rest()
                n = len(self._state.codes)
                self._scores = picture_scores(self._measuring.result(), self._rows, n)
            return self._scores

    def close(self) -> None:
        """Stop, and let no thread wait."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._blocks.close()
        self._is_read.set()

    def _start(self) -> None:
        is_known = self._state.scores.is_ready("picture_brightness")
        if not self._is_wanted or self._is_running or is_known or not is_main():
            return
        if self._state.fit is not None and self._state.fit.condition == "running":
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a plain script measures when it asks for a value
            return
        self._is_running = True
        self._next(None)

    def _next(self, _done: None) -> None:
        """Measure the next block, once the page's gestures are answered."""
        self._waits_since = time.monotonic()
        self._go_on()

    def _hurry(self) -> None:
        """Wait for no gesture from now on."""
        self._is_awaited = True
        if self._later is not None:
            self._later.cancel()
            self._go_on()

    def _go_on(self) -> None:
        self._later, now = None, time.monotonic()
        rest = self._state.gesture_at + QUIET - now
        if now - self._waits_since > LONGEST_WAIT:
            self._works_until = now + WHILE
        if rest > 0 and now > self._works_until and not self._is_awaited:
            self._later = asyncio.get_running_loop().call_later(rest, self._go_on)
            return
        measuring = self._measuring
        self._state.measuring = measuring.done / max(1, measuring.total)
        block = next(self._blocks, None)
        if block is None:
            self._is_read.set()
            self._background.run("", self._finish, self._report, self._fail)
        else:
            self._latest = block
            self._background.run("", block, self._next, self._fail)

    def _finish(self) -> None:
        """Compute the scores in a thread; conflicts first, so that all are known together."""
        scores = self._state.scores
        for name in ("label_conflict", "picture_brightness"):
            if not scores.lacks(name):
                scores[name]

    def _report(self, _done: None = None) -> None:
        self._state.measuring = None
        self._state.measured += 1

    def _fail(self) -> None:
        self._is_read.set()
        self._state.measuring = None

    def _measure_rest(self) -> None:
        """Measure what is left here and now, with a progress bar."""
        self._latest()
        measuring = self._measuring
        with tqdm(
            total=measuring.total, desc="Measuring pictures", unit=" pictures", delay=PATIENCE
        ) as bar:
            bar.update(measuring.done)
            for block in self._blocks:
                block()
                bar.total = measuring.total
                bar.update(measuring.done - bar.n)
        self._is_read.set()


def measured_tiles(
    state: ExplorerState,
    images: ImageSource | None,
    colors: Sequence[str],
    background: Background,
) -> Tiles:
    """Tiles whose pictures are measured in the background once the page has asked for some."""
    tiles = Tiles(state, images, colors)
    if images is not None and tiles.thumbnails is not None and not isinstance(images, NoImages):
        measuring = PicturePass(state, images, background, tiles.thumbnails)
        tiles.when_asked = measuring.start
        background.at_close(measuring.close)
    return tiles
