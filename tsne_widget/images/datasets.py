"""Pictures in a dataset: any object with ``dataset[id]`` and ``len(dataset)``."""

# ruff: noqa: A001, A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._datasets import sample_file
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.arrays import picture
from tsne_widget.images.dataset_files import DatasetFiles
from tsne_widget.images.files import file_picture
from tsne_widget.images.levels import NEARLY_BLACK, Levels, described, levels_of
from tsne_widget.images.normalisation import Normalisation, normalisation_of
from tsne_widget.images.pixels import NOT_SHOWN, as_bands
from tsne_widget.images.reasons import checked_id, only_image_errors, short_path
from tsne_widget.images.samples import hides_channel, picture_in, pixels_of

if TYPE_CHECKING:
    from PIL import Image

# The scale comes from this many pictures, evenly spread: likely to include bright and dark ones,
# and quick to read.
SAMPLED_PICTURES = 32


class _Scan(NamedTuple):
    """The values of some pictures: per colour channel the smallest and the largest."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    dtype: np.dtype[Any]
    pictures: int
    hides_channel: bool


class DatasetImages:
    """Pictures in a dataset: picture *id* is the one in ``dataset[id]``.

    A sample is ``(x, y, …)``, a mapping with one of the keys image, images, pixel_values, img, x,
    input or inputs, or the picture itself. A picture is a PIL image, a tensor, an array, the bytes
    of a file or a path. For a torchvision ``ImageFolder`` (``samples`` is a list of (path, code)),
    also inside ``Subset`` and ``ConcatDataset``, the picture is the original file without
    transforms, if a few of them agree with ``dataset[id]``.

    ``dataset[id]`` runs under a lock, because most datasets are not thread-safe.

    Parameters
    ----------
    dataset : object with __getitem__ and __len__
    mean, std : float or sequence of one float per channel, optional
        The normalisation (x − mean) / std to undo, to show the original picture. Default: those of
        a ``Normalize``, that is, an object with ``mean`` and ``std``, in the ``transform`` or
        ``transforms`` of the dataset or of a dataset that it wraps (``dataset``, ``datasets``), or
        inside these transforms; only where undoing it leads to 0 … 1.
    bands : int or sequence of 3 int, optional
        The channels to show, counted from 0: one in grey, or red, green and blue.

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
        self,
        dataset: Any,
        *,
        mean: ArrayLike | None = None,
        std: ArrayLike | None = None,
        bands: ArrayLike | None = None,
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
        self.dataset = dataset
        self.bands = as_bands(bands)
        self._given = Normalisation.of(mean, std)
        self._lock = RLock()
        self._files = DatasetFiles(dataset, self._count, self._own_picture)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"DatasetImages({type(self.dataset).__name__}, n={self._count})"

    @property
    def note(self) -> str:
        """What is not shown as it is: stretched values, a fourth channel; "" if nothing."""
        with self._lock:
            hidden = NOT_SHOWN if self._scan.hides_channel else ""
            return " ".join(filter(None, [self._levels.note, hidden]))

    def path(self, id: int) -> Path | None:
        """The picture file of sample *id*, or None if it has none of a supported format."""
        id = checked_id(id, self._count)
        with self._lock:
            return self._files.path(id)

    def turns(self, id: int, path: Path) -> bool:
        """Whether the file of sample *id* is shown upright as its EXIF data say.

        It is shown as it is stored if the dataset reads it so.
        """
        with self._lock:
            return self._files.turns(id, path)

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
                return file_picture(path, turn=self.turns(id, path))
            x = self._picture_of(id)
            if isinstance(x, Image.Image):
                return x
            pixels = pixels_of(x, self.bands)
            if pixels.dtype == np.uint8 and pixels.max() >= 255 * NEARLY_BLACK:
                return picture(pixels, Levels(0.0, 255.0))
            with self._lock:
                return picture(self._undo(pixels), self._levels)

    def caption(self, id: int) -> str:
        """The name of the original file with its folder, otherwise ``#id``."""
        file = sample_file(self.dataset, checked_id(id, self._count))
        return f"#{id}" if file is None or not self._has_file(id) else short_path(file.path)

    def sample(self, id: int) -> Any:
        """``dataset[id]``, read under the lock.

        Raises
        ------
        ImageError
            If the dataset fails.
        """
        id = checked_id(id, self._count)
        with self._lock, only_image_errors(f"dataset[{id}] failed"):
            return self.dataset[id]

    def _has_file(self, id: int) -> bool:
        with self._lock:
            file = self._files.file(id)
        return file is not None

    def _picture_of(self, id: int) -> Any:
        with self._lock, only_image_errors(f"dataset[{id}] failed"):
            file = self._files.file(id)
            if file is not None and file.load is not None:
                return file.load(file.path)
            return self._own_picture(id)

    def _own_picture(self, id: int) -> Any:
        """The picture in ``dataset[id]``."""
        with self._lock, only_image_errors(f"dataset[{id}] failed"):
            return picture_in(self.dataset[id])

    def _undo(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if pixels.dtype.kind != "f":
            return pixels
        if self._given is not None:
            self._given.check(pixels)
        normalisation = self._normalisation
        if normalisation is None or not normalisation.fits(pixels):
            return pixels
        return normalisation.undo(pixels)

    @cached_property
    def _normalisation(self) -> Normalisation | None:
        """The given one, or one in the transforms if the values are not 0 … 1 as they are."""
        scan = self._scan
        if self._given is not None:
            return self._given
        is_plain = levels_of(*_ends(scan.low, scan.high), scan.dtype).note == ""
        if is_plain or scan.dtype.kind != "f":
            return None
        return normalisation_of(self.dataset, scan.low, scan.high)

    @cached_property
    def _levels(self) -> Levels:
        """Levels from evenly spread pictures; unreadable ones are left out."""
        scan, undone = self._scan, self._normalisation
        low, high = scan.low, scan.high
        if scan.dtype.kind == "f" and undone is not None:
            low, high = low * undone.std + undone.mean, high * undone.std + undone.mean
        levels = levels_of(*_ends(low, high), scan.dtype)
        sampled = f" (range of {scan.pictures} pictures; values beyond it are clipped)"
        return described(
            levels,
            scan.dtype,
            sampled if scan.pictures < self._count else "",
            normalised=self._given is not None and scan.dtype.kind == "f",
        )

    @cached_property
    def _scan(self) -> _Scan:
        """The values of evenly spread pictures; unreadable ones are left out."""
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        dtype, hides = np.dtype(np.uint8), False
        count = min(SAMPLED_PICTURES, self._count)
        for id_ in np.linspace(0, self._count - 1, count).round().astype(int):
            x = self._numbers_of(int(id_))
            if x is None:
                continue
            pixels = pixels_of(x, self.bands)
            colours = pixels[..., :3].astype(np.float64)  # without alpha
            colours = colours.reshape(-1, colours.shape[-1])
            finite = np.isfinite(colours)
            low = np.minimum(low, colours.min(axis=0, where=finite, initial=np.inf))
            high = np.maximum(high, colours.max(axis=0, where=finite, initial=-np.inf))
            hides = hides or (self.bands is None and hides_channel(x))
            dtype = np.result_type(dtype, pixels.dtype) if dtype != np.uint8 else pixels.dtype
        return _Scan(low, high, dtype, count, hides)

    def _numbers_of(self, id: int) -> Any:
        """The picture of a sample if it is given as numbers and can be read, otherwise None."""
        from PIL import Image

        try:
            if self.path(id) is not None:
                return None
            x = self._picture_of(id)
            if isinstance(x, Image.Image):
                return None
            pixels = pixels_of(x, self.bands)
            if self._given is not None and pixels.dtype.kind == "f":
                self._given.check(pixels)
        except (ImageError, InvalidInputError):
            return None  # the tile of this picture shows the error
        return x


def _ends(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[float, float]:
    return float(low.min()), float(high.max())
