"""Pictures in a dataset: any object with ``dataset[id]`` and ``len(dataset)``."""

# ruff: noqa: A001, A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._datasets import IMAGE_KEYS, sample_file, wrapped_datasets
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.arrays import Normalisation, as_array, channels_last, is_tensor, picture
from tsne_widget.images.files import SUFFIXES, open_picture, orientation, upright
from tsne_widget.images.levels import NEARLY_BLACK, Levels, levels_of, remedy, value_range
from tsne_widget.images.reasons import checked_id, only_image_errors, short_path

if TYPE_CHECKING:
    from PIL import Image

# The scale comes from this many pictures, evenly spread: likely to include bright and dark ones,
# and quick to read.
SAMPLED_PICTURES = 32

_MAX_TRANSFORMS = 256  # visited; some objects have every attribute, without end


class DatasetImages:
    """Pictures in a dataset: picture *id* is the one in ``dataset[id]``.

    A sample is ``(x, y, …)``, a mapping with one of the keys image, images, pixel_values, img, x,
    input or inputs, or the picture itself. A picture is a PIL image, a tensor or an array. For a
    torchvision ``ImageFolder`` (``samples`` is a list of (path, code)), also inside ``Subset`` and
    ``ConcatDataset``, the picture is the original file without transforms.

    ``dataset[id]`` runs under a lock, because most datasets are not thread-safe.

    Parameters
    ----------
    dataset : object with ``__getitem__`` and ``__len__``
    mean, std : float or sequence of one float per channel, optional
        The normalisation (x − mean) / std to undo, to show the original picture. Default: those of
        a ``Normalize``, that is, an object with ``mean`` and ``std``, in the ``transform`` or
        ``transforms`` of the dataset or of a dataset that it wraps (``dataset``, ``datasets``), or
        inside these transforms.

    Raises
    ------
    InvalidInputError
        If the dataset cannot be indexed, has no length, or mean and std are invalid.

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
                f"dataset must support dataset[id], but {type(dataset).__name__} does not; "
                "for a DataLoader pass loader.dataset"
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
        """How the values were stretched from black to white; "" if they were not."""
        with self._lock:
            return self._levels.note

    def path(self, id: int) -> Path | None:
        """The picture file of sample *id*, or None if it has none of a supported format."""
        file = sample_file(self._dataset, checked_id(id, self._count))
        if file is None or Path(file.path).suffix.lower() not in SUFFIXES:
            return None
        # Names inside an archive look like files; the dataset's own loader reads them.
        return Path(file.path) if os.path.exists(file.path) else None  # noqa: PTH110

    def image(self, id: int) -> Image.Image:
        """Picture *id*: the original file if there is one, otherwise the one in ``dataset[id]``.

        Raises
        ------
        ImageError
            If the file, the dataset or the sample gives no picture.
        """
        from PIL import Image

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
        """The name of the original file with its folder, otherwise ``#id``."""
        file = sample_file(self._dataset, checked_id(id, self._count))
        return f"#{id}" if file is None else short_path(file.path)

    def _picture_of(self, id: int) -> Any:
        file = sample_file(self._dataset, id)
        with self._lock, only_image_errors(f"dataset[{id}] failed"):
            if file is not None and file.load is not None:
                return file.load(file.path)
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
        """Levels from evenly spread pictures; unreadable ones are left out."""
        low, high, dtype = np.inf, -np.inf, np.dtype(np.uint8)
        count = min(SAMPLED_PICTURES, self._count)
        for id_ in np.linspace(0, self._count - 1, count).round().astype(int):
            pixels = self._numbers_of(int(id_))
            if pixels is None:
                continue
            picture_low, picture_high = value_range(pixels[..., :3])  # without alpha
            low, high = min(low, picture_low), max(high, picture_high)
            dtype = np.result_type(dtype, pixels.dtype) if dtype != np.uint8 else pixels.dtype
        levels = levels_of(low, high, dtype)
        if not levels.note:
            return levels
        sampled = f" (range of {count} pictures; values beyond it are clipped)"
        normalised = self._given is not None or self._found is not None
        hint = remedy(levels, dtype, normalised=normalised and dtype.kind == "f")
        return levels._replace(note=levels.note + (sampled if count < self._count else "") + hint)

    def _numbers_of(self, id: int) -> NDArray[Any] | None:
        """The pixels (h, w, c) of a picture that is given as numbers and can be read."""
        from PIL import Image

        try:
            if self.path(id) is not None:
                return None
            x = self._picture_of(id)
            return None if isinstance(x, Image.Image) else self._undo(_as_pixels(x))
        except (ImageError, InvalidInputError):
            return None  # the tile of this picture shows the error


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
    """The pixels (h, w, c) of one picture."""
    pixels = as_array(x)
    if pixels.dtype.kind not in "buif":
        raise ImageError(f"the sample's picture is {type(x).__name__}, not an image or numbers")
    while pixels.ndim > 3 and len(pixels) == 1:  # a batch of one, as image processors return it
        pixels = pixels[0]
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise ImageError(f"an array of shape {pixels.shape} is not a picture")
    with only_image_errors():
        pixels = channels_last(pixels[np.newaxis], channels_first=is_tensor(x))
    return pixels.reshape(pixels.shape[1:])


def _normalisation_in(dataset: Any) -> Normalisation | None:
    steps = (step for owner in wrapped_datasets(dataset) for step in _transforms_in(owner))
    for step in islice(steps, _MAX_TRANSFORMS):
        mean, std = getattr(step, "mean", None), getattr(step, "std", None)
        if mean is None or std is None or callable(mean) or callable(std):
            continue
        try:
            return Normalisation(mean, std)
        except InvalidInputError:
            continue  # these mean and std are not a normalisation
    return None


def _transforms_in(owner: Any) -> Iterator[Any]:
    """The transforms in the attributes of a dataset or transform, and those inside them."""
    waiting = [owner]
    for _ in range(_MAX_TRANSFORMS):
        if not waiting:
            return
        current = waiting.pop(0)
        if current is not owner:
            yield current
        for name in ("transform", "transforms", "tv_transform"):
            steps = getattr(current, name, None)
            steps = steps if isinstance(steps, (list, tuple)) else [steps]
            waiting.extend(step for step in steps if step is not None)
        if current is not owner and callable(getattr(current, "children", None)):
            waiting.extend(current.children())  # torch.nn.Sequential
