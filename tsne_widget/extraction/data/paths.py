"""The files of a dataset's samples, as far as the dataset really reads them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._alike import Likeness, likeness, small
from tsne_widget._datasets import file_codes, innermost, paths_of, reads_listed_files, sample_file
from tsne_widget._notes import Notes
from tsne_widget._same_order import labels_contradict
from tsne_widget._seen import Seen, seen

MOST = 7  # files that are compared

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
_MAX_PIXELS = 64_000_000


def verified_paths(
    dataset: Any,
    ids: Sequence[int],
    labels: ArrayLike | None,
    samples: Sequence[Seen],
    notes: Notes,
) -> tuple[str, ...] | None:
    """The files of the samples; None if there are none or if ``dataset[id]`` reads other ones.

    A few files are compared with what the model got, and the codes in the dataset's list of files
    with the labels.

    Parameters
    ----------
    dataset : object
    ids : sequence of n int
    labels : (n,) int array or None
        The labels that ``dataset[id]`` gave.
    samples : sequence of Seen
        What the model got for a few samples.
    notes : Notes
        Gets a note if the files are left out.
    """
    paths = paths_of(dataset, ids)
    if paths is None or reads_listed_files(dataset):
        return paths
    verdicts = [_compared(dataset, sample) for sample in samples[:: 1 + len(samples) // MOST]]
    same = sum(verdict.is_same for verdict in verdicts)
    other = sum(verdict.is_other for verdict in verdicts)
    codes = file_codes(dataset, ids) if labels is not None and not same and not other else None
    if other > same:
        reason = f"{other} of {len(verdicts)} compared pictures differ"
    elif codes is not None and labels_contradict(np.asarray(labels), codes):
        reason = "their labels contradict those of dataset[id]"
    else:
        return paths
    notes.add(
        f"{type(dataset).__name__} lists files (samples) that are not those of dataset[id]: "
        f"{reason}, so the record has no paths; put the list into the order of dataset[id]"
    )
    return None


def _compared(dataset: Any, sample: Seen) -> Likeness:
    """The file of a sample, compared with what the model got; unknown if it cannot be read."""
    unknown = Likeness(float("nan"))
    file = sample_file(dataset, sample.id)
    if file is None:
        return unknown
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _opened(file.path) if file.load is None else file.load(file.path)
            if _transformed(dataset, sample, picture):
                return Likeness(1.0)
            shown = _pixels(picture)
    except Exception:  # a file that this package cannot read says nothing about the others
        return unknown
    return unknown if shown is None else likeness(shown, sample.pixels)


def _transformed(dataset: Any, sample: Seen, picture: Any) -> bool:
    """Whether the dataset's transform leads from the file to what the model got."""
    part = innermost(dataset, [sample.id])[0].dataset
    transform = getattr(part, "transform", None)
    if not callable(transform):
        return False
    try:
        values = transform(picture)
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
        again = seen(sample.id, array)
    except Exception:  # a transform with another signature
        return False
    return (
        again is not None
        and again.pixels.shape == sample.pixels.shape
        and float(np.ptp(sample.pixels)) > 0
        and np.allclose(again.pixels, sample.pixels, atol=1e-4 * float(np.ptp(sample.pixels)))
    )


def _opened(path: str) -> Any:
    from PIL import Image

    with Image.open(path, formats=_FORMATS) as image:
        if image.width * image.height > _MAX_PIXELS:
            raise ValueError("too large")
        image.draft("RGB", (256, 256))
        return image.convert("RGB")


def _pixels(picture: Any) -> NDArray[np.float32] | None:
    from PIL import Image

    if isinstance(picture, Image.Image):
        return small(np.asarray(picture.convert("RGB")))
    array = np.asarray(picture.detach().cpu() if hasattr(picture, "detach") else picture)
    found = seen(0, array)
    return None if found is None else found.pixels
