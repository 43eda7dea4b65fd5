"""Pictures for tests, as files and as bytes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"{SHARED_DATA} does not exist"
)


def noise(height: int = 40, width: int = 50, channels: int = 3) -> Image.Image:
    """A picture that compresses badly, so that a truncated file lacks pixels."""
    rng = np.random.default_rng(0)
    return Image.fromarray(
        rng.integers(0, 256, (height, width, channels), dtype=np.uint8).squeeze()
    )


def encoded(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def animation(format: str) -> bytes:  # noqa: A002
    """Three frames of 20 × 20 pixels: 0, 100 and 200 grey."""
    first, *others = (Image.new("L", (20, 20), level) for level in (0, 100, 200))
    return encoded(first, format, save_all=True, append_images=others)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header gives a size, with almost no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 64))
    )


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decoded(data))
