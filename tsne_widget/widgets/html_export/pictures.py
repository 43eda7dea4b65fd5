"""Thumbnails for a shared page: one after the other in a few bytes, each to be had by itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tsne_widget.images import ImageSource, ThumbnailCache

# Progress is shown of what takes longer, in seconds.
PATIENCE = 0.5
_MIMES = ("", "image/png", "image/jpeg")
_START_OF_SCAN = 0xDA


class SharedPictures(NamedTuple):
    """Pictures of m samples.

    All JPEG files of one size and mode begin with the same 300 to 600 bytes, the tables: they are
    kept once. A file is its head and then its body.
    """

    heads: list[bytes]
    """The beginnings that occur; the first is empty."""
    bodies: bytes
    """What follows them, one after the other."""
    head: NDArray[np.uint16]
    """(m,) number of each one's head."""
    mime: NDArray[np.uint8]
    """(m,) 0 without a picture, 1 PNG, 2 JPEG."""
    ends: NDArray[np.uint32]
    """(m,) where each body ends; it begins where the one before ends."""
    sizes: NDArray[np.uint16]
    """(m, 2) width and height, pixels."""
    notes: dict[int, str]
    """Of some: why there is no picture, or what differs from the original."""

    @property
    def broken(self) -> int:
        """How many could not be read."""
        return int(np.count_nonzero(self.mime == 0))


def shared_pictures(
    source: ImageSource, ids: NDArray[np.int64], size: int, *, progress: bool
) -> SharedPictures:
    """Thumbnails of these pictures, without metadata; those that cannot be read say why.

    Parameters
    ----------
    source : ImageSource
    ids : (m,) int64 array
    size : int
        Longest side in pixels.
    progress : bool
        Show a bar of what takes longer than half a second.
    """
    cache = ThumbnailCache(source, size=size, max_bytes=0)
    heads = {b"": 0}
    bodies: list[bytes] = []
    m = len(ids)
    head, mime = np.zeros(m, dtype=np.uint16), np.zeros(m, dtype=np.uint8)
    sizes = np.zeros((m, 2), dtype=np.uint16)
    notes: dict[int, str] = {}
    bar = tqdm(
        ids.tolist(), desc="Making thumbnails", unit=" images", delay=PATIENCE, disable=not progress
    )
    for row, id_ in enumerate(bar):
        made = cache.get(id_)
        cut = _tables_end(made.data) if made.mime == "image/jpeg" and len(heads) < 2**16 else 0
        head[row] = heads.setdefault(made.data[:cut], len(heads))
        bodies.append(made.data[cut:])
        mime[row] = _MIMES.index(made.mime)
        sizes[row] = made.width, made.height
        if made.note:
            notes[row] = made.note
    lengths = np.fromiter(map(len, bodies), dtype=np.int64, count=m)
    ends = np.cumsum(lengths).astype(np.uint32)
    return SharedPictures(list(heads), b"".join(bodies), head, mime, ends, sizes, notes)


def _tables_end(jpeg: bytes) -> int:
    """Where the header of a JPEG file ends and its picture begins; 0 where that is not clear."""
    place = 2
    while jpeg[place : place + 1] == b"\xff" and place + 4 <= len(jpeg):
        length = int.from_bytes(jpeg[place + 2 : place + 4], "big")
        is_last = jpeg[place + 1] == _START_OF_SCAN
        place += 2 + length
        if is_last:
            return place
    return 0


def as_json(pictures: SharedPictures, packed: Any) -> dict[str, Any]:
    """What the page must know of them, but for the bodies; ``packed`` encodes arrays."""
    return {
        "heads": [packed(np.frombuffer(head, dtype=np.uint8)) for head in pictures.heads],
        "head": packed(pictures.head),
        "mime": packed(pictures.mime),
        "ends": packed(pictures.ends),
        "sizes": packed(pictures.sizes),
        "notes": {str(row): note for row, note in pictures.notes.items()},
    }
