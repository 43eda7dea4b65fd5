"""Attacks, made when needed and never stored: hostile arrays, pictures and texts."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.images.pictures import animation, encoded, noise, png_chunk, png_header

# Arrays


def npy(
    shape: str, descr: str = "'<f4'", content: bytes = b"\0" * 64, order: str = "False"
) -> bytes:
    """A .npy file with an arbitrary header."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = os.fspath(folder)

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (os.mkdir, (self.folder,))


def pickled_arrays(folder: Path) -> dict[str, bytes]:
    """Files that make ``folder`` if anything in them is unpickled."""
    planted = np.array([[Planted(folder)]])
    files = {}
    for name, save in {"npy": np.save, "npz": np.savez}.items():
        buffer = io.BytesIO()
        save(buffer, planted)
        files[name] = buffer.getvalue()
    files["bare pickle"] = planted.dumps()
    files["claims to be float"] = files["npy"].replace(b"'|O'", b"'f8'")
    return files


LYING_ARRAYS = {
    "empty": b"",
    "text": b"no array",
    "cut": npy("(4, 3)", content=b"\0" * 47),
    "cut in its header": npy("(4, 3)")[:40],
    "cut in column order": npy("(4, 3)", content=b"\0" * 47, order="True"),
    "4 TB claimed": npy("(1000000000, 1000)"),
    "4 TB in column order": npy("(1000000000, 1000)", order="True"),
    "more bytes than 64 bits count": npy("(4294967296, 4294967296, 4)"),
    "negative": npy("(4, -3)"),
    "negative twice": npy("(-4, -3)"),
    "a shape of floats": npy("(4.0, 3.0)"),
    "a shape of bools": npy("(True, True)"),
    "no shape": npy("'x'"),
    "objects": npy("(4, 3)", "'O'"),
    "objects in a record": npy("(4,)", "[('a', 'O'), ('b', '<f4')]"),
    "no type": npy("(4, 3)", "'zz'"),
    "a type of 2 GB": npy("(1,)", "'|V2147483647'"),
    "an order that is none": npy("(4, 3)", order="'x'"),
    "broken": npy("("),
    "code": npy("__import__('os').getpid()"),
    "a call": npy("(4, 3)", "print(1)"),
    "deep": b"\x93NUMPY\x01\x00" + (5000).to_bytes(2, "little") + b"(" * 4999 + b"\n",
    "a header of 4 GB": b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + b"{",
    "version 9": b"\x93NUMPY\x09\x00" + bytes(100),
}

# Pictures

_EXIF = Image.Exif()
_EXIF[0x0112], _EXIF[0x8825] = 6, {1: "N"}


def pictures() -> dict[str, bytes]:
    """A valid file of each supported format."""
    sixteen_bits = Image.fromarray(np.arange(900, dtype=np.uint16).reshape(30, 30))
    return {
        "JPEG": encoded(noise(), "JPEG", exif=_EXIF),
        "progressive JPEG": encoded(noise(), "JPEG", progressive=True),
        "CMYK JPEG": encoded(noise().convert("CMYK"), "JPEG"),
        "PNG": encoded(noise(), "PNG"),
        "palette PNG": encoded(noise().convert("P"), "PNG"),
        "16-bit PNG": encoded(sixteen_bits, "PNG"),
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


def mutants(content: bytes, seed: str, count: int) -> Iterator[bytes]:
    """Truncate a file, or change bits or bytes anywhere or only in its header."""
    chance = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(content)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            reach = min(chance.choice([64, len(damaged)]), len(damaged))
            for _ in range(chance.choice([1, 2, 5, 20])):
                at = chance.randrange(reach)
                one_bit = damaged[at] ^ (1 << chance.randrange(8))
                damaged[at] = chance.choice([one_bit, chance.randrange(256)])
        yield bytes(damaged)


def _jpeg_header(width: int, height: int) -> bytes:
    frame = struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
    scan = struct.pack(">HBBBBBB", 8, 1, 1, 0, 0, 63, 0)
    return b"\xff\xd8\xff\xc0" + frame + b"\xff\xda" + scan + b"\xff\xd9"


def _gif_header(width: int, height: int, screen: tuple[int, int] | None = None) -> bytes:
    """``screen``: size in the header, while the frame is larger."""
    head = b"GIF89a" + struct.pack("<HHBBB", *(screen or (width, height)), 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x01\x44\x00;"


def _bmp_header(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + header + bytes(46)


def _tiff_header(width: int, height: int) -> bytes:
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 64}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(100)


def _webp_header(width: int, height: int) -> bytes:
    small = bytearray(encoded(Image.new("RGB", (9, 9), 7), "WEBP", lossless=True))
    at = small.index(b"VP8L") + 9  # after the chunk's size and its signature
    (bits,) = struct.unpack_from("<I", small, at)
    size = (width - 1) | (height - 1) << 14
    struct.pack_into("<I", small, at, bits >> 28 << 28 | size)
    return bytes(small)


HEADERS: dict[str, Callable[[int, int], bytes]] = {
    "PNG": png_header,
    "JPEG": _jpeg_header,
    "GIF": _gif_header,
    "GIF whose frame is larger than its screen": lambda w, h: _gif_header(w, h, screen=(9, 9)),
    "BMP": _bmp_header,
    "TIFF": _tiff_header,
    "WebP": _webp_header,
}

BOMB_BYTES = 300_000_000


def _deflated_zeros() -> bytes:
    packer, block = zlib.compressobj(9), bytes(10**6)
    return (
        b"".join(packer.compress(block) for _ in range(BOMB_BYTES // len(block))) + packer.flush()
    )


def bombs() -> dict[str, bytes]:
    """Small files that contain a part of 300 MB when unpacked."""
    zeros = _deflated_zeros()
    size = struct.pack(">IIBBBBB", 20, 20, 8, 0, 0, 0, 0)
    begin, end = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", size), png_chunk(b"IEND", b"")
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(21 * 20)))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("picture.png", bytes(10**7))
    tags = {
        256: 20, 257: 20, 258: 8, 259: 8, 262: 1, 273: 122, 277: 1, 278: 20, 279: len(zeros)
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    tiff = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return {
        "PNG of pixels": begin + png_chunk(b"IDAT", zeros) + end,
        "PNG of text": begin + png_chunk(b"zTXt", b"note\0\0" + zeros) + pixels + end,
        "PNG of more text": begin + png_chunk(b"iTXt", b"n\0\1\0\0\0" + zeros) + pixels + end,
        "PNG of a profile": begin + png_chunk(b"iCCP", b"name\0\0" + zeros) + pixels + end,
        "TIFF of pixels": tiff.ljust(122, b"\0") + zeros,
        "archive": archive.getvalue(),
    }


REFUSED_FORMATS = {
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "SVG with a prolog": b"<?xml version='1.0'?><svg onload='alert(1)'/>",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    "EPS for DOS": b"\xc5\xd0\xd3\xc6" + bytes(28) + b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "PDF": b"%PDF-1.4\n1 0 obj<</JS (app.alert(1))>>endobj\n",
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "icon": b"\0\0\1\0\1\0" + bytes(40),
    "PPM": b"P6 1 1 255\n\0\0\0",
    "FITS": b"SIMPLE  =                    T".ljust(2880),
}

# Texts

TEXTS = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror='window.pwned=1'>",
    '"><svg/onload=window.pwned=1>',
    "'; DROP TABLE samples --\"",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1}",
    "javascript:window.pwned=1",
    "=cmd|' /C calc'!A0",
    "\\u202e $x^2$ \\begin{document} `code` [link](javascript:1)",
    "user\u202egnp.exe \u2066isolated\u2069",
    "zero\u200bwidth\u200d and \ufeff",
    "bell\x07 escape\x1b[31m nul\x00 delete\x7f next\x85",
    "line\nfeed\r\ntab\t\u2028\u2029",
    "\ud800 lone \udfff \udcff.jpg",
    "a" + "\u0301" * 500,
    "/home/me/secret/" * 50,
    "x" * 10_000,
    "\x00" * 10_000,
    "🙂" * 3_000,
    "CON",
    "../../../../etc/passwd",
    "",
    " ",
]
