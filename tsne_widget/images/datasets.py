"""Pictures of a dataset: any object with ``dataset[id]`` and ``len(dataset)``."""

# ruff: noqa: A001, A002 (`id` is the word of ImageSource)
from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.arrays import Normalisation, as_array, channels_last, is_tensor, picture
from tsne_widget.images.files import SUFFIXES, open_picture, orientation, upright
from tsne_widget.images.levels import NEARLY_BLACK, Levels, extent, levels_of, remedy
from tsne_widget.images.reasons import checked_id, only_image_errors, short_path

IMAGE_KEYS = ("image", "images", "pixel_values", "img", "x", "input", "inputs")
# The scale of number pictures is learnt from this many of them, evenly spread: enough to meet the
# brightest and the darkest, few enough to read while one waits.
SAMPLED_PICTURES = 32

_MAX_NESTING = 16  # wrappers around a dataset
_MAX_TRANSFORMS = 256  # looked at; some objects have any attribute one asks for


class DatasetImages:
    """Pictures of a dataset: picture *id* is that of ``dataset[id]``.

    A sample may be ``(x, y, …)``, a mapping with one of the keys image, images, pixel_values, img,
    x, input or inputs, or the bare picture; x a PIL image, a tensor or an array. In a
    torchvision-like ``ImageFolder`` (``samples`` of (path, code)) the original file is shown
    instead, untouched by transforms; also inside ``Subset`` and ``ConcatDataset``.

    ``dataset[id]`` runs under a lock, since datasets are rarely made for several threads.

    Parameters
    ----------
    dataset : object with ``__getitem__`` and ``__len__``
    mean, std : float or sequence of one float per channel, optional
        Of a normalisation (x − mean) / std in the dataset's transform, which is undone to show the
        true picture. Default: those of a ``Normalize``, that is, an object with ``mean`` and
        ``std`` found in the ``transform`` or ``transforms`` of the dataset or of one it wraps
        (``dataset``, ``datasets``), or inside these transforms.

    Raises
    ------
    InvalidInputError
        If the dataset cannot be indexed or has no length, or mean and std are not usable.

    Examples
    --------
    >>> import numpy as np
    >>> images = DatasetImages([(np.zeros((3, 8, 8)), "cat"), (np.ones((3, 8, 8)), "dog")])
    >>> images.image(1).getpixel((0, 0))
    (255, 255, 255)
    """

    def __init__(
        self, dataset: Any, *, mean: ArrayLike | None = None, std: ArrayLike | None = None
    ) -> None:
        try:
            self._count = len(dataset)
        except Exception as error:
            raise InvalidInputError(
                f"dataset must have a length, but len({type(dataset).__name__}) failed ({error}); "
                "for an iterable dataset pass its pictures as an array or a list of paths"
            ) from error
        if not hasattr(dataset, "__getitem__"):
            raise InvalidInputError(
                f"dataset must give its samples by dataset[id], {type(dataset).__name__} does not; "
                "of a DataLoader pass loader.dataset"
            )
        self._dataset = dataset
        self._given = Normalisation.of(mean, std)
        self._found = None if self._given is not None else _normalisation_in(dataset)
        self._lock = RLock()

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"DatasetImages({type(self._dataset).__name__}, n={self._count})"

    @property
    def note(self) -> str:
        """How values were stretched over black to white; "" when their own scale is shown."""
        with self._lock:
            return self._levels.note

    def path(self, id: int) -> Path | None:
        """The picture file behind sample *id*, or None if there is none of a known kind."""
        original = _original(self._dataset, checked_id(id, self._count))
        if original is None or Path(original.path).suffix.lower() not in SUFFIXES:
            return None
        # Names inside an archive look like files too; those the dataset's own loader reads.
        return Path(original.path) if os.path.exists(original.path) else None  # noqa: PTH110

    def image(self, id: int) -> Image.Image:
        """Picture *id*: the original file's where there is one, otherwise that of ``dataset[id]``.

        Raises
        ------
        ImageError
            If the file, the dataset or the sample does not give a picture.
        """
        with only_image_errors():
            id = checked_id(id, self._count)
            path = self.path(id)
            if path is not None:
                with open_picture(path) as image:
                    image.load()
                    return upright(image, orientation(image))
            x = self._picture_of(id)
            if isinstance(x, Image.Image):
                return x
            pixels = _as_pixels(x)
            if pixels.dtype == np.uint8 and pixels.max() >= 255 * NEARLY_BLACK:
                return picture(pixels, Levels(0.0, 255.0))
            with self._lock:
                return picture(self._undo(pixels), self._levels)

    def caption(self, id: int) -> str:
        """The original file's name with its folder's, otherwise ``#id``."""
        original = _original(self._dataset, checked_id(id, self._count))
        return f"#{id}" if original is None else short_path(original.path)

    def _picture_of(self, id: int) -> Any:
        original = _original(self._dataset, id)
        with self._lock, only_image_errors(f"dataset[{id}] failed"):
            if original is not None and original.load is not None:
                return original.load(original.path)
            return _picture_in(self._dataset[id])

    def _undo(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if pixels.dtype.kind != "f":
            return pixels
        if self._given is not None:
            self._given.check(pixels)
            return self._given.undo(pixels)
        if self._found is not None and self._found.fits(pixels):
            return self._found.undo(pixels)
        return pixels

    @cached_property
    def _levels(self) -> Levels:
        """From an even sample of the pictures that can be read."""
        low, high, dtype = np.inf, -np.inf, np.dtype(np.uint8)
        count = min(SAMPLED_PICTURES, self._count)
        for id_ in np.linspace(0, self._count - 1, count).round().astype(int):
            try:
                if self.path(int(id_)) is not None:
                    continue
                x = self._picture_of(int(id_))
                if isinstance(x, Image.Image):
                    continue
                pixels = self._undo(_as_pixels(x))
            except (ImageError, InvalidInputError):
                continue  # its own tile will say so
            picture_low, picture_high = extent(pixels[..., :3])  # without alpha
            low, high = min(low, picture_low), max(high, picture_high)
            dtype = np.result_type(dtype, pixels.dtype) if dtype != np.uint8 else pixels.dtype
        levels = levels_of(low, high, dtype)
        if not levels.note:
            return levels
        sampled = f" (range of {count} pictures; beyond it they are clipped)"
        normalised = self._given is not None or self._found is not None
        hint = remedy(levels, dtype, normalised=normalised and dtype.kind == "f")
        return levels._replace(note=levels.note + (sampled if count < self._count else "") + hint)


class _Original(NamedTuple):
    """The file behind a sample, and the dataset's own way to read it."""

    path: str
    load: Callable[[str], Any] | None


def _original(dataset: Any, id: int, nesting: int = 0) -> _Original | None:
    """The file behind ``dataset[id]`` of an ImageFolder, also through Subset and ConcatDataset."""
    if nesting > _MAX_NESTING:
        return None
    inner: Any = getattr(dataset, "dataset", None)
    indices: Any = getattr(dataset, "indices", None)
    if inner is not None and _has_length(indices, len(dataset)):
        return _original(inner, int(indices[id]), nesting + 1)
    parts: Any = getattr(dataset, "datasets", None)
    ends: Any = getattr(dataset, "cumulative_sizes", None)
    if isinstance(parts, (list, tuple)) and _has_length(ends, len(parts)):
        part = bisect_right(ends, id)
        start = ends[part - 1] if part else 0
        return _original(parts[part], id - start, nesting + 1)
    samples = getattr(dataset, "samples", None)
    if not isinstance(samples, (list, tuple)) or len(samples) != len(dataset):
        return None
    sample = samples[id]
    if not (isinstance(sample, (list, tuple)) and len(sample) >= 2):
        return None
    if not isinstance(sample[0], (str, os.PathLike)):
        return None
    load = getattr(dataset, "loader", None)
    return _Original(os.fsdecode(sample[0]), load if callable(load) else None)


def _has_length(values: Any, length: int) -> bool:
    return hasattr(values, "__len__") and len(values) == length


def _picture_in(sample: Any) -> Any:
    """The picture in a sample: (x, …), a mapping, or the picture itself."""
    if isinstance(sample, Mapping):
        for key in IMAGE_KEYS:
            if key in sample:
                return sample[key]
        raise ImageError(
            f"the sample has the keys {', '.join(map(str, list(sample)[:5]))}, "
            f"but none of {', '.join(IMAGE_KEYS)}"
        )
    if isinstance(sample, (tuple, list)):
        if not sample:
            raise ImageError("the sample is empty")
        return sample[0]
    return sample


def _as_pixels(x: Any) -> NDArray[Any]:
    """Numbers of one picture as (h, w, c)."""
    pixels = as_array(x)
    if pixels.dtype.kind not in "buif":
        raise ImageError(f"the sample's picture is {type(x).__name__}, not an image or numbers")
    while pixels.ndim > 3 and len(pixels) == 1:  # a batch of one, as image processors give it
        pixels = pixels[0]
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise ImageError(f"an array of shape {pixels.shape} is not a picture")
    with only_image_errors():
        pixels = channels_last(pixels[np.newaxis], channels_first=is_tensor(x))
    return pixels.reshape(pixels.shape[1:])


def _normalisation_in(dataset: Any) -> Normalisation | None:
    for step in _transforms(dataset):
        mean, std = getattr(step, "mean", None), getattr(step, "std", None)
        if mean is None or std is None or callable(mean) or callable(std):
            continue
        try:
            return Normalisation(mean, std)
        except InvalidInputError:
            continue  # someone else's mean and std
    return None


def _transforms(dataset: Any) -> Iterator[Any]:
    """The transforms of a dataset and of those it wraps, and the transforms inside them."""
    owners: deque[tuple[Any, bool]] = deque([(dataset, False)])
    for _ in range(_MAX_TRANSFORMS):
        if not owners:
            return
        owner, is_transform = owners.popleft()
        if is_transform:
            yield owner
        for name in ("transform", "transforms", "tv_transform"):
            step = getattr(owner, name, None)
            steps = step if isinstance(step, (list, tuple)) else [step]
            owners.extend((step, True) for step in steps if step is not None)
        if is_transform and callable(getattr(owner, "children", None)):  # torch.nn.Sequential
            owners.extend((step, True) for step in owner.children())
        if not is_transform:
            parts = getattr(owner, "datasets", None)
            parts = parts if isinstance(parts, (list, tuple)) else []
            wrapped = [getattr(owner, "dataset", None), *parts]
            owners.extend((part, False) for part in wrapped if part is not None)
