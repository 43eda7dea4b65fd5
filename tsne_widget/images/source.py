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
from tsne_widget.images.arrays import ArrayImages, is_tensor
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages

# Paths are a source only if the largest id is below this many times the number of rows. Larger ids
# do not count the samples of a dataset.
MAX_ID_GAPS = 100


def as_image_source(
    images: Any, *, mean: ArrayLike | None = None, std: ArrayLike | None = None
) -> ImageSource:
    """An ImageSource for pictures of any supported kind.

    Parameters
    ----------
    images : ImageSource, array, tensor, sequence of paths, sequence of pictures, or dataset
        An ImageSource is returned unchanged.
    mean, std : float or sequence of one float per channel, optional
        For arrays and datasets: the normalisation to undo.

    Raises
    ------
    InvalidInputError
        If images are of another kind, or mean and std come with an ImageSource or paths.

    Examples
    --------
    >>> as_image_source(["a.png", "b.png"])
    FileImages(n=2)
    """
    if isinstance(images, ImageSource):
        _refuse_normalisation("an ImageSource", mean, std)
        return images
    if isinstance(images, (list, tuple)):
        return _source_of_list(images, mean, std)
    if is_tensor(images):
        return ArrayImages(images, mean=mean, std=std)
    if hasattr(images, "__array__"):
        array = np.asarray(images)
        if array.ndim == 1 and array.dtype.kind in "OUT":  # an array or a Series of paths
            return _source_of_list(listed_by_id("images", images), mean, std)
        return ArrayImages(array, mean=mean, std=std)
    is_dataset = hasattr(images, "__getitem__") or hasattr(images, "dataset")
    if is_dataset and not isinstance(images, (str, bytes, dict)):
        return DatasetImages(images, mean=mean, std=std)
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
) -> ImageSource | None:
    """The pictures of a record: ``images`` if given, else the record's, else files at its paths.

    The result is None if there are no pictures.

    Parameters
    ----------
    feature_set : FeatureSet
    images, mean, std : optional
        As for :func:`as_image_source`.

    Raises
    ------
    InvalidInputError
        As :func:`as_image_source`, or if an id of the record has no picture.
    """
    if images is not None:
        source = as_image_source(images, mean=mean, std=std)
        last = int(feature_set.ids.max())
        if (
            source is not images and len(source) <= last
        ):  # an ImageSource may be longer than its len
            raise InvalidInputError(
                f"images has {len(source)} pictures, but the ids of the samples go up to {last}: "
                "picture i belongs to the sample with id i; pass one for each sample of the dataset"
            )
        return source
    if feature_set.images is not None:
        return feature_set.images
    if feature_set.paths is None or feature_set.ids.max() > MAX_ID_GAPS * len(feature_set):
        return None
    by_id = [""] * (int(feature_set.ids.max()) + 1)  # "" for skipped samples
    for id_, path in zip(feature_set.ids.tolist(), feature_set.paths, strict=True):
        by_id[id_] = path
    return FileImages(by_id)


def _source_of_list(
    images: Sequence[Any], mean: ArrayLike | None, std: ArrayLike | None
) -> ImageSource:
    if not images:
        raise InvalidInputError("images is an empty list; pass at least one picture")
    if isinstance(images[0], (str, bytes, os.PathLike)):
        _refuse_normalisation("paths", mean, std)
        return FileImages(images)
    if isinstance(images[0], list):  # nested lists of numbers
        return ArrayImages(images, mean=mean, std=std)
    return DatasetImages(images, mean=mean, std=std)


def _refuse_normalisation(kind: str, mean: object, std: object) -> None:
    if mean is not None or std is not None:
        raise InvalidInputError(
            f"mean and std undo the normalisation of numbers, but images are {kind}; leave them out"
        )
