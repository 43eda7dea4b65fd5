"""The properties of all pictures of a source, measured a few pictures at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._image_source import ImageSource
from tsne_widget.errors import ImageError
from tsne_widget.images.decoding import Decoded, Opened, decoded, on_ground, opened
from tsne_widget.images.files import upright
from tsne_widget.images.fingerprints import checksums, perceptual_hash
from tsne_widget.images.jpeg_quality import jpeg_quality
from tsne_widget.images.properties import WHOLE, Properties, properties, unknown_properties
from tsne_widget.images.thumbnails import ThumbnailCache, encoded, reduced

if TYPE_CHECKING:
    from PIL import Image

# A picture whose longer side has twice as many pixels is halved before it is measured. So blur and
# noise are those that are visible at this size, whatever the camera, and a large JPEG need not be
# decoded in full.
MEASURED_SIDE = 192
# Pictures that are read at a time; reading ends earlier after so many seconds or pixels.
BLOCK, READ_SECONDS, READ_PIXELS = 128, 0.02, 2**20
# Pixels that are measured together: enough to share the calls, few enough for the cache.
_TOGETHER = 2**19


class Measured(NamedTuple):
    """What is known about m pictures, one value each; NaN for one that cannot be read."""

    properties: Properties
    width: NDArray[np.float32]
    """Pixels of the upright original; NaN for a picture that cannot be read."""
    height: NDArray[np.float32]
    jpeg_quality: NDArray[np.float32]
    """1 … 100, see :func:`jpeg_quality`; NaN for a picture that is not a JPEG file."""
    content: NDArray[np.uint64]
    """Checksum of the pixels of the original. It is exact where another picture has the same size
    and the same checksum of the sampled pixels."""
    hashes: NDArray[np.uint64]
    """Perceptual hashes; 0 for none."""


class Measuring:
    """Measures pictures in blocks, so that the caller chooses when and in which thread.

    A picture is measured upright, transparent pixels on grey. One whose longer side has 384 pixels
    or more is halved until it has fewer; a JPEG file is decoded at that fraction.

    Parameters
    ----------
    source : ImageSource
    ids : (m,) int64 array
    cache : ThumbnailCache, optional
        Gets the thumbnails of the pictures, which are decoded anyway, while it has room.

    Attributes
    ----------
    done, total : int
        Number of pictures that are measured, and that are to be measured.

    Examples
    --------
    >>> from tsne_widget.images import ArrayImages
    >>> measuring = Measuring(ArrayImages(np.eye(8)[np.newaxis].repeat(2, axis=0)), np.arange(2))
    >>> for measure in measuring.blocks():
    ...     measure()
    >>> measuring.result().properties.brightness.tolist()
    [0.125, 0.125]
    """

    def __init__(
        self, source: ImageSource, ids: NDArray[np.int64], cache: ThumbnailCache | None = None
    ) -> None:
        self._source, self._ids, self._cache = source, ids, cache
        self.done, self.total = 0, len(ids)
        m = len(ids)
        self._width, self._height, self._quality = (
            np.full(m, np.nan, dtype=np.float32) for _ in range(3)
        )
        self._found = unknown_properties(m)
        self._content = self._found.checksum
        self._waiting: list[tuple[int, Image.Image]] = []
        self._pixels = 0  # of those that wait

    def blocks(self) -> Generator[Callable[[], None], None, None]:
        """Reads pictures and yields functions that decode and measure them.

        The caller calls each function before it takes the next one, in any thread; a second call
        does nothing. A dataset is read in the thread that iterates.
        """
        yield from self._blocks(np.arange(len(self._ids)), self._measure)
        yield _once(self._measure_waiting)
        again = self._ambiguous()
        self.total += len(again)
        self._content = self._content.copy()
        yield from self._blocks(again, self._compare)

    def result(self) -> Measured:
        """What is measured so far."""
        hashes = perceptual_hash(self._found.frequencies)
        return Measured(
            self._found, self._width, self._height, self._quality, self._content, hashes
        )

    def _blocks(
        self, places: NDArray[np.int64], work: Callable[[list[tuple[int, Opened]]], None]
    ) -> Iterator[Callable[[], None]]:
        block: list[tuple[int, Opened]] = []
        pixels, deadline = 0, time.monotonic() + READ_SECONDS
        for place in places.tolist():
            try:
                one = opened(self._source, int(self._ids[place]))
            except ImageError:
                self.done += 1
                continue
            block.append((place, one))
            pixels += 0 if one.image is None else one.image.width * one.image.height
            if len(block) == BLOCK or pixels > READ_PIXELS or time.monotonic() > deadline:
                yield _once(partial(work, block))
                block, pixels, deadline = [], 0, time.monotonic() + READ_SECONDS
        if block:
            yield _once(partial(work, block))

    def _measure(self, block: list[tuple[int, Opened]]) -> None:
        for place, picture in block:
            try:
                one = decoded(picture, MEASURED_SIDE // 2)
            except ImageError:
                continue
            small = _halved(one)
            self._keep_thumbnail(place, one, small)
            self._width[place], self._height[place] = one.size
            if one.table is not None:
                self._quality[place] = jpeg_quality(one.table)
            self._waiting.append((place, small.image))
            self._pixels += small.image.width * small.image.height
            if self._pixels >= _TOGETHER:
                self._measure_waiting()
        self.done += len(block)

    def _measure_waiting(self) -> None:
        """Measure the pictures that wait for others, so that they share the calls."""
        places = [place for place, _ in self._waiting]
        self._found.put(places, properties([picture for _, picture in self._waiting]))
        self._waiting, self._pixels = [], 0

    def _keep_thumbnail(self, place: int, one: Decoded, small: Decoded) -> None:
        cache = self._cache
        if cache is not None and cache.has_room and cache.size <= MEASURED_SIDE // 2:
            cache.keep(int(self._ids[place]), encoded(reduced(small, cache.size, gap=1.0)))

    def _ambiguous(self) -> NDArray[np.int64]:
        """Places of the pictures that were sampled and seem to have an equal."""
        sampled = np.flatnonzero(np.maximum(self._width, self._height) > WHOLE)
        checksum = self._found.checksum[sampled]
        _, code, count = np.unique(checksum, return_inverse=True, return_counts=True)
        return sampled[count[code] > 1]

    def _compare(self, block: list[tuple[int, Opened]]) -> None:
        for place, picture in block:
            with suppress(ImageError):
                image = decoded(picture).image
                self._content[place] = checksums([image.tobytes()], *image.size)[0]
        self.done += len(block)


def _halved(picture: Decoded) -> Decoded:
    """The picture in mode L or RGB, upright, its longer side below 2 × MEASURED_SIDE pixels."""
    image, factor = picture.image, 1
    while max(image.size) // (2 * factor) >= MEASURED_SIDE:
        factor *= 2
    if factor > 1:
        image = image.reduce(factor)
    if picture.steps != 1:
        image = upright(image, picture.steps)
    return picture._replace(image=on_ground(image), steps=1)


def _once(work: Callable[[], None]) -> Callable[[], None]:
    """A function that does the work when it is first called; other callers wait for the end."""
    lock, pending = Lock(), [work]

    def call() -> None:
        with lock:
            if pending:
                pending.pop()()

    return call
