"""Thumbnails of an exported page: compact, and each one readable by itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tsne_widget.images import ImageSource, ThumbnailCache

# Seconds after which a progress bar appears.
PATIENCE = 0.5
_MIMES = ("", "image/png", "image/jpeg")
_START_OF_SCAN = 0xDA


class SharedPictures(NamedTuple):
    """Pictures of m samples.

    All JPEG files of one size and mode begin with the same tables of 300 to 600 bytes, which are
    stored once. A file is its head followed by its body.
    """

    heads: list[bytes]
    """The distinct heads; the first one is empty."""
    bodies: bytes
    """All bodies, concatenated."""
    head: NDArray[np.uint16]
    """(m,) index of each picture's head."""
    mime: NDArray[np.uint8]
    """(m,) 0: no picture, 1: PNG, 2: JPEG."""
    ends: NDArray[np.uint32]
    """(m,) end of each body; it starts at the end of the previous one."""
    sizes: NDArray[np.uint16]
    """(m, 2) width and height, pixels."""
    notes: dict[int, str]
    """By row: why there is no picture, or how it differs from the original."""

    @property
    def broken(self) -> int:
        """Number of pictures that could not be read."""
        return int(np.count_nonzero(self.mime == 0))


def shared_pictures(
    source: ImageSource, ids: NDArray[np.int64], size: int, *, progress: bool
) -> SharedPictures:
    """Thumbnails without metadata; a picture that cannot be read has a note with the reason.

    Parameters
    ----------
    source : ImageSource
    ids : (m,) int64 array
    size : int
        Longest side in pixels.
    progress : bool
        Show a progress bar after half a second.
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
    """End of the tables of a JPEG file; 0 if it is unclear."""
    place = 2
    while jpeg[place : place + 1] == b"\xff" and place + 4 <= len(jpeg):
        length = int.from_bytes(jpeg[place + 2 : place + 4], "big")
        is_last = jpeg[place + 1] == _START_OF_SCAN
        place += 2 + length
        if is_last:
            return place
    return 0


def as_json(pictures: SharedPictures, packed: Any) -> dict[str, Any]:
    """Plain data of the pictures without their bodies; ``packed`` encodes arrays."""
    return {
        "heads": [packed(np.frombuffer(head, dtype=np.uint8)) for head in pictures.heads],
        "head": packed(pictures.head),
        "mime": packed(pictures.mime),
        "ends": packed(pictures.ends),
        "sizes": packed(pictures.sizes),
        "notes": {str(row): note for row, note in pictures.notes.items()},
    }
