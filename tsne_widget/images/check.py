"""Whether the pictures on the screen are those that the model judged.

A record of :func:`tsne_widget.extract` has a few samples as the model got them; their pictures are
compared with them. For other records the labels of a dataset are compared with the record's, and
the names of the files in any case.
"""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._alike import Likeness, likeness, small
from tsne_widget._image_source import ImageSource
from tsne_widget._notes import Notes
from tsne_widget._seen import Seen
from tsne_widget.errors import ImageError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images.order import labels_differ, misplaced_files
from tsne_widget.images.pixels import NOT_SHOWN
from tsne_widget.images.remarks import NoImages, RemarkedImages
from tsne_widget.images.source import images_of
from tsne_widget.images.thumbnails import thumbnail

# If at least so many samples, and this share of those compared, differ in one and the same way,
# all pictures do.
MIN_FOR_ALL, SHARE_FOR_ALL = 3, 0.7
_COMPARED_PIXELS = 96
_IDS_LISTED = 5
_ANOTHER = "another picture"


def checked_images(
    feature_set: FeatureSet,
    images: Any = None,
    *,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    bands: ArrayLike | None = None,
) -> tuple[FeatureSet, ImageSource | None]:
    """The pictures of a record, and the record with notes on what is doubtful about them.

    Parameters
    ----------
    feature_set : FeatureSet
    images, mean, std, bands : optional
        As for :func:`images_of`.

    Raises
    ------
    InvalidInputError
        As :func:`images_of`.
    """
    source = images_of(feature_set, images, mean=mean, std=std, bands=bands)
    if source is None:
        return feature_set, None
    if images is None and feature_set.images is not None:
        feature_set = feature_set.with_images(source)  # an array becomes a source
    if isinstance(source, NoImages):
        return feature_set, source
    notes, ids = Notes(), set(feature_set.ids.tolist())
    compared = {
        sample.id: found
        for sample in feature_set.seen
        if sample.id in ids and (found := _compared(source, sample)) is not None
    }
    differences = {id_: found.difference for id_, found in compared.items() if found.difference}
    _note_differences(differences, len(compared), notes)
    _note_order(feature_set, source, notes)
    if NOT_SHOWN in str(getattr(source, "note", "")):
        notes.add(NOT_SHOWN)
    feature_set = feature_set.with_notes(notes.texts)
    return feature_set, _remarked(source, differences, compared)


def _compared(source: ImageSource, sample: Seen) -> Likeness | None:
    """The picture of a sample and what the model got; None if nothing is known."""
    try:
        shown = _shown(source, sample.id)
    except ImageError:
        return None  # the tile says so
    bands = getattr(source, "bands", None)
    count = sample.pixels.shape[2]
    pixels = sample.pixels
    if bands is not None and max(bands) < count:
        pixels = pixels[..., list(bands)]
    elif count == 2 or count > 4:
        pixels = pixels.mean(axis=2, keepdims=True)
    found = likeness(shown, pixels)
    unknown = np.isnan(found.score) or (pixels.shape[2] != count and found.is_other)
    return None if unknown else found


def _shown(source: ImageSource, id_: int) -> NDArray[np.float32]:
    from PIL import Image

    made = thumbnail(source, id_, _COMPARED_PIXELS)
    with Image.open(BytesIO(made.data)) as image:
        values = np.asarray(image, dtype=np.float32)
    return small(values if values.ndim == 3 else values[..., np.newaxis])


def _note_differences(differences: dict[int, str], compared: int, notes: Notes) -> None:
    """One note for each kind of difference."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for id_, difference in differences.items():
        kinds[difference].append(id_)
    for difference, ids in kinds.items():
        listed = ", ".join(map(str, ids[:_IDS_LISTED])) + (" …" if len(ids) > _IDS_LISTED else "")
        count = f"{len(ids)} of {compared} compared samples (id {listed})"
        if difference == _ANOTHER:
            notes.add(
                f"the picture shown does not look like what the model got for {count}; "
                "pass images= in the order of the dataset: images[id]"
            )
        else:
            notes.add(
                f"the model got the picture {difference} for {count}; "
                "pass images= with the pictures as the model gets them"
            )


def _note_order(feature_set: FeatureSet, source: ImageSource, notes: Notes) -> None:
    misplaced = misplaced_files(feature_set, source)
    if misplaced:
        notes.add(
            f"the files of {misplaced} samples are at other places in images= than in the record's "
            "paths; pass images= in the order of the dataset: images[id], or leave it out"
        )
    if not feature_set.seen and labels_differ(feature_set, source):
        notes.add(
            "the labels of images[id] contradict the record's labels, so the pictures probably "
            "belong to other samples (features of a shuffled loop?); pass ids= with the index of "
            "each row in images="
        )


def _remarked(
    source: ImageSource, differences: dict[int, str], compared: dict[int, Likeness]
) -> ImageSource:
    if not differences:
        return source
    remarks = {id_: _remark(difference) for id_, difference in differences.items()}
    kinds = set(differences.values())
    needed = max(MIN_FOR_ALL, SHARE_FOR_ALL * len(compared))
    is_general = len(kinds) == 1 and len(differences) >= needed
    return RemarkedImages(source, remarks, _remark(kinds.pop()) if is_general else "")


def _remark(difference: str) -> str:
    if difference == _ANOTHER:
        return "the model got another picture, or a small part of this one"
    return f"the model got it {difference}"
