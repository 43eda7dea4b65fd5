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
        self._is_wanted = self._is_running = self._is_closed = False
        self._is_read = threading.Event()  # every picture is measured, or never will be
        self._is_awaited = False  # a thread waits for that
        self._waits_since = self._works_until = 0.0  # monotonic times
        self._later: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()  # held by who measures the rest
        self._scores: PictureScores | None = None
        state.scores.use_pictures(
            self.values, lambda: state.main_thread.call(self._report), self._hurry
        )
        state.observe(lambda _change: self._start(), "fit")

    def start(self) -> None:
        """Measure the pictures in the background, once the map is there."""
        self._is_wanted = True
        self._start()

    def values(self) -> PictureScores:
        """The scores; waits for the pictures that are not measured yet."""
        with self._lock:
            if is_main() or not self._is_running or self._is_read.is_set():
                return self._measured()
        self._state.main_thread.call(self._hurry)
        self._is_read.wait()
        with self._lock:
            return self._measured()

    def close(self) -> None:
        """Stop, and let no thread wait."""
        self._is_closed = True
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._is_read.set()

    def _start(self) -> None:
        is_stored = self._state.scores.is_ready("picture_brightness") and self._scores is None
        if not self._is_wanted or self._is_running or self._is_closed or is_stored or not is_main():
            return
        if self._state.fit is not None and self._state.fit.condition == "running":
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a plain script measures when it asks for a value
            return
        if not self._lock.acquire(blocking=False):  # a thread measures, and reports when it is done
            return
        self._is_running = True
        self._lock.release()
        self._next()

    def _next(self, _done: None = None) -> None:
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
        self._later = None
        wait = 0.0 if self._is_awaited or self._is_read.is_set() else self._pause()
        if wait > 0:
            self._later = asyncio.get_running_loop().call_later(wait, self._go_on)
            return
        measuring = self._measuring
        self._state.measuring = measuring.done / max(1, measuring.total)
        try:
            block = next(self._blocks, None)
        except BaseException:  # an interrupt, too: no thread may wait for ever
            self._fail()
            raise
        if block is None:
            self._is_read.set()
            self._background.run("", self._finish, self._report, self._fail)
        else:
            self._latest = block
            self._background.run("", block, self._next, self._fail)

    def _pause(self) -> float:
        """Seconds to wait because of a gesture; from 0 on down, the pass goes on."""
        now, quiet_at = time.monotonic(), self._state.gesture_at + QUIET
        if now >= quiet_at or now < self._works_until:
            return 0.0
        wait = min(quiet_at, self._waits_since + LONGEST_WAIT) - now
        if wait <= 0:
            self._works_until = now + WHILE
        return wait

    def _finish(self) -> None:
        """Compute the scores in a thread; conflicts first, so that all are known together."""
        scores = self._state.scores
        for name in ("label_conflict", "picture_brightness"):
            if not scores.lacks(name):
                scores[name]

    def _report(self, _done: None = None) -> None:
        self._state.measuring = None
        self._state.measured += 1
        self._start()  # where the pass could not: it also computes the conflicts

    def _fail(self) -> None:
        self._is_read.set()
        self._state.measuring = None

    def _measured(self) -> PictureScores:
        """The scores; the pictures that are left are measured here and now."""
        if self._scores is None:
            self._measure_rest()
            n = len(self._state.codes)
            self._scores = picture_scores(self._measuring.result(), self._rows, n)
        return self._scores

    def _measure_rest(self) -> None:
        """Measure what is left, with a progress bar."""
        self._latest()
        measuring = self._measuring
        with tqdm(
            total=measuring.total, desc="Measuring pictures", unit=" pictures", delay=PATIENCE
        ) as bar:
            bar.update(measuring.done)
            for block in self._blocks:
                if self._is_closed:
                    break
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
