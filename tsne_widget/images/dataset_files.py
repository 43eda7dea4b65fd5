"""The files of a dataset's samples, as far as they are the pictures that ``dataset[id]`` gives."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._alike import EXIF_ORIENTATIONS, Likeness, likeness, small
from tsne_widget._datasets import SampleFile, reads_listed_files, sample_file
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images.files import SUFFIXES, file_picture, open_picture, orientation
from tsne_widget.images.pixels import as_array, channels_are_first, is_tensor

# Samples whose file is compared with dataset[id].
COMPARED = 5


class DatasetFiles:
    """The files behind a dataset that lists them, for display in full size.

    A few files are compared with ``dataset[id]`` once. If most differ, or show more than the
    dataset's pictures, there are no files.

    Parameters
    ----------
    dataset : object
    count : int
        Number of samples.
    read : function of id
        The picture in ``dataset[id]``; it raises ImageError if there is none.
    """

    def __init__(self, dataset: Any, count: int, read: Callable[[int], Any]) -> None:
        self._dataset = dataset
        self._count = count
        self._read = read
        self._turns: bool | None = None
        self._folder = os.getcwd()  # noqa: PTH109 - relative paths stay valid after a chdir

    def file(self, id: int) -> SampleFile | None:
        """The file that is the picture of sample *id*, None if there is none."""
        found = sample_file(self._dataset, id)
        if found is None or not found.is_whole or not self._agree:
            return None
        return found

    def path(self, id: int) -> Path | None:
        """The same file, if it exists and has a supported format."""
        found = self.file(id)
        if found is None or Path(found.path).suffix.lower() not in SUFFIXES:
            return None
        # Names inside an archive look like files; the dataset's own loader reads them.
        path = Path(self._folder, found.path)
        return path if path.exists() else None

    def turns(self, id: int, path: Path) -> bool:
        """Whether the dataset applies the EXIF orientation of its files; True if unknown.

        The first file that has an orientation decides.
        """
        if self._turns is not None:
            return self._turns
        with open_picture(path) as image:
            image.load()
            expected = EXIF_ORIENTATIONS.get(orientation(image))
        if expected is None:
            return True
        compared = self._compared(id, path)
        if compared is not None and compared.is_same:
            self._turns = compared.orientation != expected
        return self._turns is not False

    @cached_property
    def _agree(self) -> bool:
        ids = np.linspace(0, self._count - 1, min(COMPARED, self._count)).round().astype(int)
        if reads_listed_files(self._dataset):
            return True
        same = different = 0
        for id_ in ids.tolist():
            compared = self._compared(id_, None)
            if compared is None:
                continue
            is_part = compared.is_same and compared.is_part
            different += compared.is_other or is_part
            same += compared.is_same and not is_part
        return different == 0 or different < same

    def _compared(self, id: int, path: Path | None) -> Likeness | None:
        """The file of a sample, compared with its picture; None if one cannot be read."""
        try:
            found = sample_file(self._dataset, id)
            if found is None:
                return None
            file = path or Path(self._folder, found.path)
            if file.suffix.lower() in SUFFIXES and file.exists():
                shown = small_pixels(file_picture(file))
            elif found.load is not None:
                shown = small_pixels(found.load(found.path))
            else:
                return None
            return likeness(shown, small_pixels(self._read(id)))
        except MemoryError:
            raise
        except Exception:  # the tile of this picture shows the error
            return None


def small_pixels(picture: Any) -> NDArray[np.float32]:
    """A small copy (h, w, c) of an image, or of numbers in any layout, with all channels.

    Raises
    ------
    ImageError
        If it is no picture.
    """
    from PIL import Image

    if isinstance(picture, Image.Image):
        grey = picture.mode in ("1", "L", "I", "F", "I;16")
        values = np.asarray(picture if grey else picture.convert("RGB"), dtype=np.float32)
        return small(values[..., np.newaxis] if grey else values)
    values = as_array(picture)
    while values.ndim > 3 and len(values) == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[..., np.newaxis]
    if values.ndim != 3 or values.dtype.kind not in "buif":
        raise ImageError("not a picture")
    try:
        first = channels_are_first(
            values[np.newaxis], channels_first=is_tensor(picture), any_number=True
        )
    except InvalidInputError as error:
        raise ImageError(str(error)) from error
    return small(np.moveaxis(values, 0, 2) if first else values)
