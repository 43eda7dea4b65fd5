"""What sets a selection apart: planted changes of pictures, and random selections.

    python -m benchmarks.contrast [runs] [--record]

Needs the 5,000 pictures of CIFAR-10 in ../shared/data. In each run a random part of a random class
is changed in one way, and ``analysis.contrast`` compares the changed pictures with all others of
their class, by the properties that the product measures. Printed: how often the first property is
one that the change is about, and how often the change is among the five that the panel lists. Then
random selections, in one class and in all, are compared with the others of the same labels: how
often is anything found? At last, seconds of CPU for 70,000 rows and 30 properties.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks import real_data
from benchmarks.report import Table, numbers
from tsne_widget.analysis import contrast, shortcuts
from tsne_widget.analysis.properties import hue_names
from tsne_widget.images.properties import properties

RUNS = 200
# Properties that the panel lists.
LISTED = 5
PLANTED = Table(
    "contrast-planted",
    "planted | counts as planted | strength | of a class | first | listed | first instead",
)
RANDOM = Table("contrast-random", "random selection of | anything found")
SECONDS = Table("contrast-time", "70,000 rows, 30 properties | CPU s")
# Properties that are measured, besides width, height and their quotient.
MEASURED = (
    "brightness", "contrast", "sharpness", "saturation", "entropy", "noise", "hue",
    "border_uniformity", "is_grey",
)  # fmt: skip


def blurred(picture: Image.Image, strength: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(strength))


def darkened(picture: Image.Image, strength: float) -> Image.Image:
    return picture.point([round((1 - 0.6 * strength) * level) for level in range(256)] * 3)


def cropped(picture: Image.Image, strength: float) -> Image.Image:
    cut = round(4 * strength)
    return picture.crop((cut, cut, 32 - cut, 32 - cut))


def marked(picture: Image.Image, strength: float) -> Image.Image:
    """A white text, half transparent, as picture agencies print it over their pictures."""
    layer = Image.new("L", picture.size)
    draw = ImageDraw.Draw(layer)
    for top in (2, 12, 22):
        draw.text((2, top), "stock", fill=round(150 * strength))
    white = Image.new("RGB", picture.size, "white")
    return Image.composite(white, picture, layer)


# A change, and the properties that it is about.
CHANGES: dict[str, tuple[Callable[[Image.Image, float], Image.Image], tuple[str, ...]]] = {
    "blur": (blurred, ("sharpness",)),
    "dark": (darkened, ("brightness",)),
    "crop": (cropped, ("width", "height")),
    "watermark": (marked, ("sharpness", "noise", "contrast")),
}


def measured(pictures: list[Image.Image]) -> dict[str, np.ndarray]:
    """The properties of some pictures, under the names of the scores."""
    found = properties(pictures)
    columns = {f"picture_{name}": getattr(found, name) for name in MEASURED}
    sizes = np.array([one.size for one in pictures], dtype=np.float32)
    columns |= {"picture_width": sizes[:, 0], "picture_height": sizes[:, 1]}
    return columns | {"picture_aspect": sizes[:, 0] / sizes[:, 1]}


def with_hues(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**columns, "picture_hue": hue_names(columns["picture_hue"])}


class Plain(NamedTuple):
    """The unchanged pictures."""

    pictures: list[Image.Image]
    columns: dict[str, np.ndarray]
    labels: np.ndarray


def planted(change: str, strength: float, share: float, plain: Plain, seed: int) -> list[str]:
    """Names of the properties that the panel may list, the first one first."""
    rng = np.random.default_rng(seed)
    members = np.flatnonzero(plain.labels == rng.integers(plain.labels.max() + 1))
    rows = rng.choice(members, round(share * len(members)), replace=False)
    act = CHANGES[change][0]
    changed = measured([act(plain.pictures[row], strength) for row in rows])
    columns = {name: values.copy() for name, values in plain.columns.items()}
    for name, values in changed.items():
        columns[name][rows] = values
    found = contrast(with_hues(columns), rows, strata=plain.labels)
    return [
        one.name.removeprefix("picture_") for one in found if one.is_notable and not one.follows
    ]


def main(runs: int = RUNS) -> None:
    images, labels = real_data.cifar()
    pictures = [Image.fromarray(one) for one in images]
    plain = measured(pictures)
    with PLANTED as row:
        for strength, share in ((1.0, 0.03), (1.0, 0.3), (0.5, 0.03), (0.5, 0.3)):
            for change, (_, about) in CHANGES.items():
                names = [
                    planted(change, strength, share, Plain(pictures, plain, labels), seed)
                    for seed in range(runs // 4)
                ]
                first = [bool(found) and found[0] in about for found in names]
                listed = [bool(set(about) & set(found[:LISTED])) for found in names]
                others = Counter(found[0] if found else "nothing" for found in names)
                instead = [f"{name} {k}" for name, k in others.items() if name not in about]
                row(
                    change, ", ".join(about), f"{strength:g}", f"{share:.0%}",
                    f"{np.mean(first):.0%}", f"{np.mean(listed):.0%}", ", ".join(instead),
                )  # fmt: skip
    report_random(plain, labels, runs)
    report_time()


def report_random(plain: dict[str, np.ndarray], labels: np.ndarray, runs: int) -> None:
    columns = with_hues(plain)
    with RANDOM as row:
        for size in (15, 150, 500):
            for is_one in (True, False):
                hits = 0
                for seed in range(runs):
                    rng = np.random.default_rng(seed)
                    own = np.flatnonzero(labels == seed % 10)
                    among = own if is_one else np.arange(len(labels))
                    rows = rng.choice(among, min(size, len(among) // 2), replace=False)
                    hits += any(one.is_notable for one in contrast(columns, rows, strata=labels))
                place = "one class" if is_one else "all classes"
                row(f"at most {size} rows of {place}", f"{hits / runs:.1%}")
        hits = 0
        for seed in range(runs):
            shuffled = np.random.default_rng(seed).permutation(labels)
            hits += any(one.tells for one in shortcuts(columns, shuffled))
        row("labels, for shortcuts", f"{hits / runs:.1%}")


def report_time() -> None:
    rng = np.random.default_rng(0)
    n = 70_000
    columns = {str(k): rng.normal(size=n).astype(np.float32) for k in range(28)}
    columns |= {f"text {k}": np.array(list("abcdef"))[rng.integers(0, 6, n)] for k in range(2)}
    labels = rng.integers(0, 10, n)
    calls = {
        f"contrast of {m:,} rows": lambda m=m: contrast(columns, np.arange(m), strata=labels)
        for m in (100, 20_000)
    }
    calls["shortcuts"] = lambda: shortcuts(columns, labels)
    with SECONDS as row:
        for name, call in calls.items():
            start = time.process_time()
            call()
            row(name, f"{time.process_time() - start:.2f}")


if __name__ == "__main__":
    main(*numbers(__doc__, [RUNS]))
