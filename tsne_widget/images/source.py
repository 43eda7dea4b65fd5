"""What a source of pictures is, and which one fits what the user has."""

# ruff: noqa: A002 (`id` is the word of ImageSource)
from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images.arrays import ArrayImages, is_tensor
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages

# Ids up to this many times the rows: more is no dataset with a few samples left out.
MAX_ID_GAPS = 100


@runtime_checkable
class ImageSource(Protocol):
    """Where pictures come from. Any object with these three methods is one."""

    def __len__(self) -> int:
        """How many pictures there are; ids are 0 … len − 1."""
        ...

    def image(self, id: int) -> Image.Image:
        """Picture of the user's ``dataset[id]``; raises ImageError if it cannot be read."""
        ...

    def caption(self, id: int) -> str:
        """A short text that tells this picture from others."""
        ...


def as_image_source(
    images: Any, *, mean: ArrayLike | None = None, std: ArrayLike | None = None
) -> ImageSource:
    """An ImageSource of whatever holds the pictures.

    Parameters
    ----------
    images : ImageSource, array, tensor, sequence of paths, sequence of pictures, or dataset
        An ImageSource is returned as it is.
    mean, std : float or sequence of one float per channel, optional
        Of a normalisation to undo, for arrays and datasets.

    Raises
    ------
    InvalidInputError
        If images are none of these, or mean and std come with an ImageSource or paths.

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
            return _source_of_list(list(array), mean, std)
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
    """The pictures of a record's samples: those given, else the record's, else files at its paths.

    None where there are none. Arguments and errors as of :func:`as_image_source`.
    """
    if images is not None:
        source = as_image_source(images, mean=mean, std=std)
        last = int(feature_set.ids.max())
        if source is not images and len(source) <= last:  # an ImageSource knows what it has
            raise InvalidInputError(
                f"images are {len(source)}, but the ids of the samples go up to {last}: picture i "
                "is that of the sample with id i; pass one for each sample of the dataset"
            )
        return source
    if feature_set.images is not None:
        return feature_set.images
    if feature_set.paths is None or feature_set.ids.max() > MAX_ID_GAPS * len(feature_set):
        return None
    by_id = [""] * (int(feature_set.ids.max()) + 1)  # "" where a sample was skipped
    for id_, path in zip(feature_set.ids.tolist(), feature_set.paths, strict=True):
        by_id[id_] = path
    return FileImages(by_id)


def _source_of_list(
    images: Sequence[Any], mean: ArrayLike | None, std: ArrayLike | None
) -> ImageSource:
    if not images:
        raise InvalidInputError("images are an empty list: there is no picture to show")
    if isinstance(images[0], (str, bytes, os.PathLike)):
        _refuse_normalisation("paths", mean, std)
        return FileImages(images)
    if isinstance(images[0], list):  # numbers, nested
        return ArrayImages(images, mean=mean, std=std)
    return DatasetImages(images, mean=mean, std=std)


def _refuse_normalisation(what: str, mean: object, std: object) -> None:
    if mean is not None or std is not None:
        raise InvalidInputError(
            f"mean and std undo the normalisation of numbers, but images are {what}; leave them out"
        )
