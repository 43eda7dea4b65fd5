"""Properties of pictures: their cost over making the thumbnails, and what the duplicates find.

    python -m benchmarks.pictures [cost] [groups] [copies] [--record]

"cost" makes the thumbnails of artificial pictures, alone and together with the properties. "groups"
times the search for duplicates among 100,000 fingerprints. "copies" plants changed copies among
real pictures of ../shared/data and scikit-learn's digits, and counts what is found.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks import real_data
from benchmarks.report import Table, run_sections
from tsne_widget.analysis import duplicate_groups
from tsne_widget.images import ArrayImages, FileImages, ImageSource, Measuring, ThumbnailCache
from tsne_widget.images.fingerprints import perceptual_hash
from tsne_widget.images.properties import properties

SIZE, REPEATS = 96, 15
COPIES = 100
ROWS = 100_000
COST = Table(
    "pictures-cost",
    "pictures | thumbnails, µs of CPU each | and properties | more | properties alone",
)
COPIED = Table(
    "pictures-copies",
    "pictures | JPEG, quality 50 | twice as large | 8 % brighter | others in groups",
)


def pictures(n: int, side: int) -> np.ndarray:
    """(n, side, side, 3) uint8: coarse shapes with a little noise, like photographs."""
    rng = np.random.default_rng(side)
    found = np.empty((n, side, side, 3), dtype=np.uint8)
    for i in range(n):
        shapes = np.clip(128 + 50 * rng.normal(size=(side // 8 + 1, side // 8 + 1, 3)), 0, 255)
        large = Image.fromarray(shapes.astype(np.uint8)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        found[i] = np.clip(np.asarray(large) + rng.normal(size=(side, side, 3)) * 6, 0, 255)
    return found


def seconds(work: Callable[[], object]) -> float:
    """Smallest CPU time of several calls."""
    best = np.inf
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def measure(source: ImageSource, *, thumbnails: bool) -> None:
    cache = ThumbnailCache(source, size=SIZE) if thumbnails else None
    for block in Measuring(source, np.arange(len(source)), cache).blocks():
        block()


def make_thumbnails(source: ImageSource) -> None:
    cache = ThumbnailCache(source, size=SIZE)
    for id_ in range(len(source)):
        cache.get(id_)


def cost() -> None:
    with tempfile.TemporaryDirectory() as folder, COST as row:
        for side, n in ((32, 256), (224, 64), (1000, 12)):
            array = pictures(n, side)
            paths = [Path(folder, f"{side}-{i}.jpg") for i in range(n)]
            for path, picture in zip(paths, array, strict=True):
                Image.fromarray(picture).save(path, quality=90)
            for kind, source in (("array", ArrayImages(array)), ("JPEG files", FileImages(paths))):
                plain = seconds(lambda: make_thumbnails(source))
                both = seconds(lambda: measure(source, thumbnails=True))
                alone = seconds(lambda: measure(source, thumbnails=False))
                row(
                    f"{side} × {side}, {kind}", f"{1e6 * plain / n:.0f}", f"{1e6 * both / n:.0f}",
                    f"{both / plain - 1:+.0%}", f"{1e6 * alone / n:.0f}",
                )  # fmt: skip


def groups() -> None:
    """Random fingerprints, with 1 % of exact and 1 % of near copies."""
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(ROWS, 63)).astype(np.float16)
    few = ROWS // 100
    waves[-few:] = waves[:few] + rng.normal(size=(few, 63)).astype(np.float16) / 100
    content = rng.integers(0, 2**63, ROWS).astype(np.uint64)
    content[few : 2 * few] = content[2 * few : 3 * few]
    sides = np.full(ROWS, 224, dtype=np.float32)
    start = time.perf_counter()
    hashes = perceptual_hash(waves)
    exact, near = duplicate_groups(content, sides, sides, hashes, waves)
    print(
        f"\n{ROWS:,} fingerprints: {time.perf_counter() - start:.1f} s; "
        f"{np.sum(exact >= 0):,} of {2 * few:,} equal, {np.sum(near >= 0):,} of {2 * few:,} similar"
    )


def real_sets() -> dict[str, np.ndarray]:
    found = {"digits": np.uint8(load_digits().images * 15.9)}
    if real_data.IS_THERE:
        sets = {"CIFAR-10": real_data.cifar, "MNIST": real_data.mnist, "Fashion": real_data.fashion}
        found |= {name: load()[0] for name, load in sets.items()}
    return found


def compressed(picture: Image.Image) -> Image.Image:
    file = BytesIO()
    picture.save(file, "JPEG", quality=50)
    return Image.open(file).convert(picture.mode)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 50": compressed,
    "twice as large": lambda one: one.resize((2 * one.width, 2 * one.height)),
    "8 % brighter": lambda one: one.point(lambda level: min(255, round(1.08 * level))),
}


def copies() -> None:
    """Share of planted copies in one group with their originals; real pictures in groups."""
    with COPIED as row:
        for name, array in real_sets().items():
            originals = [Image.fromarray(picture) for picture in array]
            chosen = np.random.default_rng(0).choice(len(array), COPIES, replace=False)
            shares = []
            for change in CHANGES.values():
                changed = [change(originals[i]) for i in chosen]
                near = near_groups([*originals, *changed], has_equal=False)
                shares.append(np.mean(near[chosen] == near[len(array) :]))
            alone = near_groups(originals, has_equal=True)
            cells = (f"{share:.0%}" for share in shares)
            row(f"{name}, {len(array):,}", *cells, np.sum(alone >= 0))


def near_groups(given: list[Image.Image], *, has_equal: bool) -> np.ndarray:
    """(n,) group of nearly equal pictures of each picture, -1: none."""
    found = properties(given)
    sides = np.ones(len(given), dtype=np.float32)
    hashes = perceptual_hash(found.frequencies)
    content = found.checksum if has_equal else np.arange(len(given)).astype(np.uint64)
    return duplicate_groups(content, sides, sides, hashes, found.frequencies)[1]


if __name__ == "__main__":
    run_sections(__doc__, {"cost": cost, "groups": groups, "copies": copies})
