"""A FeatureSet as plain files: one ``.npy`` file per array and ``feature_set.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._atomic import flush_file, flush_folder, moved_aside, whole_folder
from tsne_widget.errors import InvalidInputError, StoreError

ARRAYS = ("features", "labels", "predictions", "logits", "ids")

_MANIFEST = "feature_set.json"
_SCHEMA = 1


def save_fields(
    folder: Path, arrays: Mapping[str, NDArray[Any]], other: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Write the fields of a record into a folder that appears complete or not at all.

    Parameters
    ----------
    folder : Path
    arrays : mapping of str to array
        Some of :data:`ARRAYS`.
    other : mapping
        The fields that go into the manifest as JSON.
    overwrite : bool
        Whether an existing record is replaced.

    Raises
    ------
    StoreError
        If the folder exists and ``overwrite`` is False, if it has other files, or if the disk
        fails.
    """
    target = folder.resolve()  # replaces the target of a link, not the link
    if target.exists():
        if not overwrite:
            raise StoreError(f"{target} exists; pass overwrite=True to replace it")
        if foreign := _foreign_files(target):
            raise StoreError(
                f"{target} also has {', '.join(foreign[:3])}, which save() did not write; "
                "choose another folder"
            )
    try:
        with whole_folder(target) as building:
            _write(building, arrays, other)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error


def load_fields(folder: Path) -> dict[str, Any]:
    """The fields that :func:`save_fields` wrote; features are a read-only memory map.

    Raises
    ------
    StoreError
        If a file does not match the manifest.
    OSError, ValueError, LookupError, TypeError
        If the manifest is missing or malformed, see :func:`load_errors`.
    """
    before = _identity(folder)
    manifest = json.loads((folder / _MANIFEST).read_text("utf-8", errors="surrogatepass"))
    if manifest["schema"] != _SCHEMA:
        raise StoreError(
            f"{folder} has schema {manifest['schema']!r}, this version reads {_SCHEMA}; "
            "upgrade tsne-widget"
        )
    arrays = dict(manifest["arrays"])
    if "features" not in arrays or not arrays.keys() <= set(ARRAYS):
        raise StoreError(f"{folder} lists arrays that do not belong to a FeatureSet")
    loaded = {name: load_npy(folder / f"{name}.npy", mapped=name == "features") for name in arrays}
    for name, array in loaded.items():
        found = {"shape": list(array.shape), "dtype": str(array.dtype)}
        if found != arrays[name]:
            raise StoreError(
                f"{folder / name}.npy is {found}, but its manifest says {arrays[name]}"
            )
    if _identity(folder) != before:  # the files may belong to two records
        raise StoreError(f"{folder} was overwritten while it was read; load it again")
    return {
        **loaded,
        "class_names": tuple(manifest["class_names"]),
        "paths": manifest["paths"],
        "layer": str(manifest["layer"]),
        "skipped": manifest["skipped"],
        "notes": tuple(map(str, manifest.get("notes", ()))),  # older records have none
        "activation": str(manifest.get("activation", "auto")),
    }


@contextmanager
def load_errors(folder: Path) -> Iterator[None]:
    """A block whose errors about a malformed record become StoreError, with the remedy."""
    try:
        yield
    except StoreError:
        raise
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        message = (
            f"{folder} is not a saved FeatureSet: {error}; "
            "pass a folder that FeatureSet.save(folder) wrote"
        )
        if previous := moved_aside(folder):
            message += f"; a save was killed while it replaced the folder: rename {previous} "
            message += f"to {folder}"
        raise StoreError(message) from error


def load_array(name: str, path: Any) -> NDArray[Any]:
    """The array of one ``.npy`` file that an argument names, in memory.

    Raises
    ------
    InvalidInputError
        If ``path`` is not a path.
    StoreError
        See :func:`load_npy`.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidInputError(
            f"{name} must be the path of an .npy file, got {type(path).__name__}; "
            "for arrays use FeatureSet.from_arrays"
        )
    return load_npy(Path(path))


def load_npy(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """The array of one ``.npy`` file, never unpickled.

    Parameters
    ----------
    path : Path
    mapped : bool
        True returns a read-only memory map, False an array in memory.

    Raises
    ------
    StoreError
        If the file is missing, truncated, an ``.npz`` archive, or has Python objects.
    """
    try:
        # Always mapped first: numpy then compares the size in the header with the size of the
        # file, before it allocates memory.
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy evaluates the header as Python, which can fail in many ways
        raise StoreError(
            f"cannot read {path}: {error}; check the path, and copy or save a damaged file again"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise StoreError(f"{path} is an .npz archive; pass the array of one .npy file")
    return array if mapped else np.array(array)


def _write(folder: Path, arrays: Mapping[str, NDArray[Any]], other: Mapping[str, Any]) -> None:
    for name, array in arrays.items():
        with (folder / f"{name}.npy").open("wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
            flush_file(file)
    described = {
        name: {"shape": array.shape, "dtype": str(array.dtype)} for name, array in arrays.items()
    }
    manifest = {"schema": _SCHEMA, "arrays": described, **other}
    with (folder / _MANIFEST).open("w", encoding="utf-8", errors="surrogatepass") as file:
        json.dump(manifest, file, indent=1)
        flush_file(file)
    flush_folder(folder)


def _identity(folder: Path) -> tuple[int, ...]:
    """Numbers that change when another folder takes the place of this one."""
    status = folder.stat()
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _foreign_files(folder: Path) -> list[str]:
    own = {_MANIFEST, *(f"{name}.npy" for name in ARRAYS)}
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.name not in own)
    except OSError as error:
        raise StoreError(f"{folder} is not a folder that can be replaced: {error}") from error
