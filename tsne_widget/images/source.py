"""Choose the image source that fits the user's pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tsne_widget._by_index import listed_by_id
from tsne_widget._image_source import ImageSource
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images.arrays import ArrayImages
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages
from tsne_widget.images.pixels import is_tensor
from tsne_widget.images.samples import is_encoded

# Paths are a source only if the largest id is below this many times the number of rows. Larger ids
# do not count the samples of a dataset.
MAX_ID_GAPS = 100


def as_image_source(
    images: Any,
    *,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    bands: ArrayLike | None = None,
) -> ImageSource:
    """An ImageSource for pictures of any supported kind.

    Parameters
    ----------
    images : ImageSource, array, tensor, sequence of paths, sequence of pictures, or dataset
        An ImageSource is returned unchanged. A picture in a sequence is a PIL image, an array, a
        tensor or the bytes of a file.
    mean, std : float or sequence of one float per channel, optional
        For arrays and datasets: the normalisation to undo.
    bands : int or sequence of 3 int, optional
        For arrays and datasets: the channels to show, counted from 0, such as (3, 2, 1).

    Raises
    ------
    InvalidInputError
        If images are of another kind, or mean, std or bands come with an ImageSource or paths.

    Examples
    --------
    >>> as_image_source(["a.png", "b.png"])
    FileImages(n=2)
    """
    options = {"mean": mean, "std": std, "bands": bands}
    if isinstance(images, ImageSource):
        _refuse_options("an ImageSource", options)
        return images
    if isinstance(images, (list, tuple)):
        return _source_of_list(images, options)
    if is_tensor(images):
        return ArrayImages(images, **options)
    if hasattr(images, "__array__"):
        array = np.asarray(images)
        if array.ndim == 1 and array.dtype.kind in "OUST":  # an array or a Series of paths
            return _source_of_list(listed_by_id("images", images), options)
        return ArrayImages(array, **options)
    is_dataset = hasattr(images, "__getitem__") or hasattr(images, "dataset")
    if is_dataset and not isinstance(images, (str, bytes, dict)):
        return DatasetImages(images, **options)
    raise InvalidInputError(
        f"images must be an array or tensor of pictures, a list of paths, a dataset with "
        f"dataset[id] and len(), or an ImageSource; got {type(images).__name__}"
    )


def images_of(
    feature_set: FeatureSet,
    images: Any = None,
    *,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    bands: ArrayLike | None = None,
) -> ImageSource | None:
    """The pictures of a record: ``images`` if given, else the record's, else files at its paths.

    The result is None if there are no pictures.

    Parameters
    ----------
    feature_set : FeatureSet
    images, mean, std, bands : optional
        As for :func:`as_image_source`.

    Raises
    ------
    InvalidInputError
        As :func:`as_image_source`, or if an id of the record has no picture.
    """
    if images is None:
        images = feature_set.images
        if isinstance(images, ImageSource):
            return images
    if images is not None:
        source = as_image_source(images, mean=mean, std=std, bands=bands)
        last = int(feature_set.ids.max())
        if (
            source is not images and len(source) <= last
        ):  # an ImageSource may be longer than its len
            raise InvalidInputError(
                f"images has {len(source)} pictures, but the ids of the samples go up to {last}: "
                "picture i belongs to the sample with id i; pass one for each sample of the dataset"
            )
        return source
    if feature_set.paths is None or feature_set.ids.max() > MAX_ID_GAPS * len(feature_set):
        return None
    by_id = [""] * (int(feature_set.ids.max()) + 1)  # "" for skipped samples
    for id_, path in zip(feature_set.ids.tolist(), feature_set.paths, strict=True):
        by_id[id_] = path
    return FileImages(by_id)


def _source_of_list(images: Sequence[Any], options: dict[str, Any]) -> ImageSource:
    if not images:
        raise InvalidInputError("images is an empty list; pass at least one picture")
    first = images[0]
    if isinstance(first, (str, bytes, os.PathLike)) and not is_encoded(first):
        _refuse_options("paths", options)
        return FileImages(images)
    if isinstance(first, list):  # nested lists of numbers
        return ArrayImages(images, **options)
    return DatasetImages(images, **options)


def _refuse_options(kind: str, options: dict[str, Any]) -> None:
    for names, work in (
        (("mean", "std"), "undo the normalisation of numbers"),
        (("bands",), "choose channels of numbers"),
    ):
        if any(options[name] is not None for name in names):
            raise InvalidInputError(
                f"{' and '.join(names)} {work}, but images are {kind}; leave them out"
            )
