"""The files that a dataset reads: in columns of paths, or one for all samples."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from tsne_widget.extraction.store.columns import attributes_of

# Number of files whose size and time are read; larger datasets are sampled evenly.
MAX_FILES = 50_000
# A column of names may leave out the ending.
ENDINGS = (
    "",
    ".jpg",
    ".jpeg",
    ".png",
    ".npy",
    ".pt",
    ".tif",
    ".tiff",
    ".bmp",
    ".webp",
    ".JPEG",
    ".JPG",
)
PICTURES = (*(ending for ending in ENDINGS if ending), ".gif", ".npz", ".pgm", ".ppm", ".dcm")
# Tables and texts list samples and labels. A dataset reads them once, into attributes.
TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".xlsx", ".feather")


class Place(NamedTuple):
    """What stands before and after a name of a column to make it the path of a file."""

    folder: str
    ending: str

    def path(self, name: Any) -> str:
        """The path of a name."""
        return os.path.join(self.folder, os.fsdecode(name) + self.ending)  # noqa: PTH118 - faster


class Files(NamedTuple):
    """Paths whose size and time are compared, and the number of all files."""

    compared: list[str]
    total: int


def place_of(names: Sequence[Any], folders: Sequence[str]) -> Place | None:
    """Where the files of a column are; None if the column does not name files."""
    if not names or not all(isinstance(name, (str, bytes, os.PathLike)) for name in names):
        return None
    for folder in folders:
        for ending in ENDINGS:
            place = Place(folder, ending)
            if all(_is_file(place.path(name)) for name in names):
                return place
    return None


def folders_of(holders: Iterable[Any]) -> list[str]:
    """The working directory as "", then each folder among the attributes."""
    found = [""]
    for holder in holders:
        for value in attributes_of(holder).values():
            if isinstance(value, (str, PurePath)) and str(value) and os.path.isdir(value):  # noqa: PTH112
                found.append(os.fspath(value))
    return list(dict.fromkeys(found))


def single_files(holder: Any) -> Iterator[str]:
    """The files that a holder names or has open itself, such as an HDF5 file or an archive."""
    for value in (holder, *attributes_of(holder).values()):
        owner = getattr(value, "file", None)  # of an HDF5 array
        names: list[Any] = [value]
        names += [getattr(value, "filename", None), getattr(value, "name", None)]
        names.append(getattr(owner, "filename", None))
        for name in names:
            if isinstance(name, (str, PurePath)) and _is_file(name):
                if not os.fspath(name).lower().endswith(TABLES):
                    yield os.fspath(name)
                break


def pictures_in(folders: Iterable[str], without: str | None) -> list[str] | None:
    """The pictures and arrays below folders, for a dataset that makes up the names itself.

    Parameters
    ----------
    folders : iterable of str
    without : str or None
        A folder that is left out: that of the store.

    Returns
    -------
    list of str, or None if the folders have too many files
    """
    found: list[str] = []
    seen = 0
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = sorted(name for name in inner if os.path.join(place, name) != without)  # noqa: PTH118
            seen += len(names) + len(inner)
            if seen > MAX_FILES:
                return None
            found += [
                os.path.join(place, name)  # noqa: PTH118 - a Path per file would double the time
                for name in sorted(names)
                if name.lower().endswith(PICTURES)
            ]
    return found


def add_files(digest: Any, paths: Iterable[str]) -> None:
    """Add size and time of files to a hash."""
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path per file would double the time
        except OSError as error:
            digest.update(type(error).__name__.encode())
        else:
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())


def sampled(rows: Sequence[int]) -> Sequence[int]:
    """At most :data:`MAX_FILES` of the rows, evenly."""
    return rows[:: max(1, -(-len(rows) // MAX_FILES))]


def spread(n: int, most: int = 3) -> list[int]:
    """At most ``most`` positions among n: the first, the last, and evenly spread ones."""
    return sorted({int(k) for k in np.linspace(0, n - 1, min(n, most))}) if n else []


def _is_file(path: Any) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113 - a Path per name would double the time
    except (OSError, ValueError):
        return False
