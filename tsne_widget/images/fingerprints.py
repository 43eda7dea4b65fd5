"""Fingerprints of pictures: a checksum for equal pictures, a perceptual hash for similar ones."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks

if TYPE_CHECKING:
    from PIL import Image

# A perceptual hash reads a picture scaled to this side, and this many frequencies of it in each
# direction.
HASHED_SIDE, _LOW = 32, 8
# Number of coefficients of a hash: all but the mean.
FREQUENCIES = _LOW**2 - 1
# A picture whose frequencies have less than this root mean square, in grey levels, is flat.
FLAT_LEVELS = 1.0

_BLOCK = 16_384  # pictures whose bits are computed at a time


def checksums(raw: Sequence[bytes], width: int, height: int) -> NDArray[np.uint64]:
    """(m,) uint64 checksums of the bytes of m pictures of one size.

    The halves of the bytes have a CRC-32 each. Chance makes two of 100,000 random pictures equal
    with probability 3e-10.
    """
    size = zlib.crc32(f"{width} × {height}".encode())
    found = np.empty(len(raw), dtype=np.uint64)
    for index, data in enumerate(raw):
        view = memoryview(data)
        half = len(view) // 2
        found[index] = zlib.crc32(view[:half], size) << 32 | zlib.crc32(view[half:], size)
    return found


def frequencies(pictures: Sequence[Image.Image], grey: NDArray[np.uint8]) -> NDArray[np.float16]:
    """(m, 63) float16 lowest frequencies of pictures; 0 for a flat one.

    The coefficients are those of the orthonormal cosine transform of 32 × 32 grey pixels, divided
    by 32, so that their root mean square is in grey levels.

    Parameters
    ----------
    pictures : sequence of m grey PIL images of one size
    grey : (m, height, width) uint8 array
        Their pixels.
    """
    m, side = len(grey), (HASHED_SIDE, HASHED_SIDE)
    if grey.shape[1:] != side:
        small = [_scaled(one).tobytes() for one in pictures]
        grey = np.frombuffer(b"".join(small), dtype=np.uint8).reshape(m, *side)
    basis = _cosines()
    across = grey.astype(np.float32).reshape(-1, HASHED_SIDE) @ basis.T
    both = np.ascontiguousarray(across.reshape(m, HASHED_SIDE, _LOW).swapaxes(1, 2))
    found = (both.reshape(-1, HASHED_SIDE) @ basis.T).reshape(m, -1)[:, 1:] / HASHED_SIDE
    is_flat = np.einsum("ij,ij->i", found, found) < FLAT_LEVELS**2
    found[is_flat] = 0
    return found.astype(np.float16)


def perceptual_hash(frequencies: NDArray[np.floating]) -> NDArray[np.uint64]:
    """(m,) uint64 perceptual hashes; 0 for a flat picture, which has none.

    Bit i is set if coefficient i is above the median of the 63: Zauner (2010), "Implementation and
    benchmarking of perceptual image hash functions". Scaling, compression and a change of
    brightness or contrast change few bits.

    Parameters
    ----------
    frequencies : (m, 63) array of float
        From :func:`frequencies`.
    """
    hashes = np.empty(len(frequencies), dtype=np.uint64)
    weights = np.left_shift(np.uint64(1), np.arange(FREQUENCIES, dtype=np.uint64))
    for rows in row_blocks(len(hashes), _BLOCK):
        values = frequencies[rows].astype(np.float32)
        is_set = values > np.median(values, axis=1, keepdims=True)
        hashes[rows] = (is_set * weights).sum(axis=1, dtype=np.uint64)
    return hashes


def _scaled(picture: Image.Image) -> Image.Image:
    """A grey picture as 32 × 32 pixels; whole blocks are averaged first, which is fast."""
    from PIL import Image

    block = max(1, picture.width // HASHED_SIDE), max(1, picture.height // HASHED_SIDE)
    small = picture.reduce(block) if block != (1, 1) else picture
    return small.resize((HASHED_SIDE, HASHED_SIDE), Image.Resampling.BILINEAR)


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float32]:
    """(8, 32) lowest basis vectors of the orthonormal cosine transform (DCT-II)."""
    angles = np.pi / HASHED_SIDE * np.outer(np.arange(_LOW), np.arange(HASHED_SIDE) + 0.5)
    basis: NDArray[np.float32] = (np.cos(angles) * np.sqrt(2 / HASHED_SIDE)).astype(np.float32)
    basis[0] /= np.sqrt(2)
    return basis
