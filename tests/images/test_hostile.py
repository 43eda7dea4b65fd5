"""Damaged files: whatever is wrong with one, only ImageError leaves, and it names no folder."""

import random

import numpy as np
import pytest
from PIL import Image

from tests.images.pictures import animation, encoded, noise
from tsne_widget.errors import ImageError
from tsne_widget.images import FileImages, ThumbnailCache, thumbnail

MUTANTS_PER_FILE = 25

EXIF = Image.Exif()
EXIF[0x0112], EXIF[0x8825] = 6, {1: "N"}

CORPUS = {
    "JPEG": encoded(noise(), "JPEG", exif=EXIF),
    "progressive JPEG": encoded(noise(), "JPEG", progressive=True),
    "CMYK JPEG": encoded(noise().convert("CMYK"), "JPEG"),
    "PNG": encoded(noise(), "PNG"),
    "palette PNG": encoded(noise().convert("P"), "PNG"),
    "16-bit PNG": encoded(Image.fromarray(np.arange(900, dtype=np.uint16).reshape(30, 30)), "PNG"),
    "animated PNG": animation("PNG"),
    "GIF": animation("GIF"),
    "WebP": encoded(noise(), "WEBP"),
    "animated WebP": animation("WEBP"),
    "BMP": encoded(noise(), "BMP"),
    "TIFF": encoded(noise(), "TIFF"),
    "LZW TIFF": encoded(noise(), "TIFF", compression="tiff_lzw"),
    "JPEG TIFF": encoded(noise(), "TIFF", compression="jpeg"),
    "float TIFF": encoded(Image.fromarray(np.eye(20, dtype=np.float32)), "TIFF"),
}


def mutants(content: bytes, seed: str) -> list[bytes]:
    """Cut anywhere, or with a few bytes changed: anywhere, or in the header, where it hurts."""
    chance, made = random.Random(seed), []
    for _ in range(MUTANTS_PER_FILE):
        damaged = bytearray(content)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            reach = chance.choice([64, len(damaged)])
            for _ in range(chance.choice([1, 2, 5, 20])):
                damaged[chance.randrange(min(reach, len(damaged)))] = chance.randrange(256)
        made.append(bytes(damaged))
    return made


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's: as errors they would stop decoding
@pytest.mark.parametrize("kind", CORPUS)
def test_of_damaged_files_only_image_errors_escape(tmp_path, kind):
    path = tmp_path / "damaged"
    images = FileImages([path])
    reasons = []
    for content in mutants(CORPUS[kind], kind):
        path.write_bytes(content)
        for attempt in (lambda: thumbnail(images, 0, 32), lambda: images.image(0)):
            try:
                attempt()
            except ImageError as error:
                reasons.append(str(error))
        assert len(ThumbnailCache(images).get(0).note) <= 120
    assert reasons
    assert not any(str(tmp_path) in reason for reason in reasons)
