"""The forms of ``data``: arrays, tables and loaders of other packages as samples by index."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from tsne_widget._class_codes import is_missing
from tsne_widget._notes import Notes
from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.data.choice import Choice
from tsne_widget.extraction.data.items import described, is_pil

_BATCHES = "torch.utils.data.DataLoader(list(data), batch_size=None)"


class Pairs:
    """Arrays of the same length as samples ``(x[i], y[i], …)``."""

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(array[index] for array in self.arrays)

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, ...]]:
        return list(zip(*(_rows(array, indices) for array in self.arrays), strict=True))


class Columns:
    """Arrays by name as samples ``{name: array[i], …}``.

    Attributes
    ----------
    columns : dict of str to array or list
    samples : list of (path,)
        The files of the samples, if a column has them; otherwise empty.
    """

    def __init__(self, columns: Mapping[str, Any], paths: Sequence[str] = ()) -> None:
        self.columns = dict(columns)
        self.samples = [(path,) for path in paths]

    @property
    def arrays(self) -> tuple[Any, ...]:
        """All columns."""
        return tuple(self.columns.values())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {name: column[index] for name, column in self.columns.items()}

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        rows = {name: _rows(column, indices) for name, column in self.columns.items()}
        return [{name: rows[name][i] for name in rows} for i in range(len(indices))]


def as_dataset(data: Any, choice: Choice) -> Any:
    """A dictionary of arrays or a DataFrame as a dataset; other data unchanged.

    Raises
    ------
    InvalidInputError
        If the arrays differ in length, or a DataFrame has no pictures.
    """
    if _is_frame(data):
        return _of_frame(data, choice)
    if isinstance(data, Mapping) or _is_group(data):
        return _of_arrays(data)
    return data


def as_pairs(arrays: tuple[Any, ...], notes: Notes) -> Pairs:
    """The arrays of ``data=(x, y)`` as samples; pandas objects are read by position.

    Raises
    ------
    InvalidInputError
        If an item is no array, or lengths or indices of the arrays differ.
    """
    if not arrays or not all(_is_column(array) for array in arrays):
        kinds_found = ", ".join(type(array).__name__ for array in arrays)
        raise InvalidInputError(
            f"a tuple as data must be arrays (x, y), got ({kinds_found}); for a list of samples "
            "pass list(data)"
        )
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise InvalidInputError(
            f"x and y in data=(x, y) must have the same length, got {lengths}; x[i] and y[i] are "
            "one sample"
        )
    _check_index(arrays, notes)
    return Pairs(tuple(_by_position(array) for array in arrays))


def check_data(data: Any) -> None:
    """Raise InvalidInputError, with the remedy, if ``data`` is of an unsupported kind."""
    if isinstance(data, (DataLoader, IterableDataset)) or is_ray_dataset(data):
        return
    if is_fastai_loader(data):
        return
    if isinstance(data, (str, os.PathLike)):
        raise InvalidInputError(
            f"data must be a Dataset, got the path {os.fspath(data)!r}; for a folder of images "
            "pass torchvision.datasets.ImageFolder(path, transform)"
        )
    if isinstance(data, torch.nn.Module):
        raise InvalidInputError(
            f"data must be a Dataset, got the model {type(data).__name__}; the model comes first: "
            "extract(model, dataset)"
        )
    if isinstance(data, list) and len(data) > 1 and _are_fields(data):
        raise InvalidInputError(
            f"data is a list of {len(data)} arrays with {len(data[0])} rows each, and would be "
            f"{len(data)} samples; for x[i] and y[i] of sample i pass the tuple (x, y)"
        )
    line = _loader_inside(data)
    if line:
        raise InvalidInputError(
            f"data must be one Dataset or DataLoader, got {type(data).__name__}; pass {line}"
        )
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise InvalidInputError(
            "data must be a Dataset (__len__ and __getitem__), an IterableDataset or a "
            f"DataLoader, got {type(data).__name__}; for an iterator of samples "
            f"(image, label) pass list(data), for ready batches pass {_BATCHES}"
        )


def is_ray_dataset(data: Any) -> bool:
    """Whether ``data`` is a ``ray.data.Dataset``; this does not import ray."""
    return any(kind.__module__ == "ray.data.dataset" for kind in type(data).__mro__)


def is_fastai_loader(data: Any) -> bool:
    """Whether ``data`` has the methods of a fastai DataLoader, which is none of torch."""
    return (
        not isinstance(data, (DataLoader, Dataset))
        and callable(getattr(data, "one_batch", None))
        and hasattr(data, "dataset")
        and hasattr(type(data), "__iter__")
    )


def in_order(loader: Any) -> Any:
    """A fastai DataLoader that neither shuffles nor drops the last batch."""
    renew = getattr(loader, "new", None)
    return renew(shuffle=False, drop_last=False) if callable(renew) else loader


def _loader_inside(data: Any) -> str:
    """The line to write for an object that holds datasets or loaders; "" if it does not."""
    if callable(getattr(data, "one_batch", None)) and hasattr(data, "valid"):
        return "the loader of one part: data.valid or data.train"
    if callable(getattr(data, "val_dataloader", None)):
        return "the loader of one part, such as data.val_dataloader()"
    has_iter = hasattr(type(data), "__iter__") and not hasattr(type(data), "__getitem__")
    if has_iter and hasattr(getattr(data, "dataset", None), "__getitem__"):
        return "the dataset of the loader: data.dataset"
    is_table = callable(getattr(data, "to_pandas", None)) and hasattr(data, "columns")
    if is_table and not hasattr(data, "with_transform"):  # of polars or pyarrow
        return "data.to_pandas()"
    return ""


# Arrays


def _is_column(values: Any) -> bool:
    """Whether values are an array: of numpy or torch, a list, a file of h5py or zarr, or pandas."""
    if isinstance(values, (Tensor, np.ndarray, list, tuple, range)) or _is_pandas(values):
        return True
    return all(hasattr(values, name) for name in ("shape", "dtype", "__getitem__", "__len__"))


def _are_fields(arrays: Sequence[Any]) -> bool:
    """Whether arrays of one length, the pictures first, are x and y and not samples."""
    if not all(isinstance(array, (Tensor, np.ndarray)) and array.ndim for array in arrays):
        return False
    is_lower = all(array.ndim < arrays[0].ndim for array in arrays[1:])
    return is_lower and len({len(array) for array in arrays}) == 1


def _rows(column: Any, indices: Sequence[int]) -> Any:
    """The rows of a column; those of a file are read at once if they follow each other."""
    first, last = indices[0], indices[-1]
    if list(indices) == list(range(first, last + 1)):
        block = column[first : last + 1]
        if len(block) == len(indices):
            is_read_only = isinstance(block, np.ndarray) and not block.flags.writeable
            return block.copy() if is_read_only else block  # torch warns of read-only arrays
    return [column[index] for index in indices]


def _by_position(array: Any) -> Any:
    """A pandas object as an array or list by position, missing labels as None."""
    if not _is_pandas(array):
        return array
    if array.ndim == 2:
        return array.to_numpy(copy=True)  # torch warns of read-only arrays
    values = array.tolist()
    return [None if is_missing(value) else value for value in values]


def _check_index(arrays: tuple[Any, ...], notes: Notes) -> None:
    """Refuse or note pandas objects whose index says that they are in another order."""
    indices = [array.index for array in arrays if hasattr(array, "index") and _is_pandas(array)]
    if not indices:
        return
    if any(not index.equals(indices[0]) for index in indices[1:]):
        raise InvalidInputError(
            "x and y in data=(x, y) have different indices; row i of both must be one sample: "
            "pass y.loc[x.index], or y.to_numpy() if the order is the same"
        )
    values = indices[0].to_numpy()
    in_order = np.arange(len(values))
    is_number = values.dtype.kind in "iu"
    if len(indices) == len(arrays) or not is_number or (values == in_order).all():
        return
    if (np.sort(values) == in_order).all():
        notes.add(
            f"y in data=(x, y) is read by position, but its index is a permutation of 0 … "
            f"{len(values) - 1}; pass y.sort_index() if x is in the order of the index, or "
            "y.to_numpy() to confirm"
        )


def _is_pandas(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "pandas" and hasattr(values, "iloc")


# Dictionaries of arrays


def _is_group(data: Any) -> bool:
    """Whether data has the methods of an h5py.File, a zarr Group or an npz file."""
    return (
        callable(getattr(data, "keys", None))
        and hasattr(data, "__getitem__")
        and not hasattr(data, "shape")
        and type(data).__module__.partition(".")[0] in ("h5py", "zarr", "numpy")
    )


def _of_arrays(data: Mapping[Any, Any]) -> Any:
    keys = list(data.keys())
    if not keys or not all(isinstance(key, str) for key in keys):
        return data  # a dictionary from 0, 1, … to samples is a dataset
    columns = {key: data[key] for key in keys if not key.startswith("__")}  # of MATLAB files
    wrong = [key for key, column in columns.items() if not _is_column(column)]
    if wrong and all(_is_dataset(columns[key]) for key in wrong):
        raise InvalidInputError(
            f"data is a dictionary with the keys {', '.join(map(repr, keys))}; pass one of its "
            f"datasets: data[{wrong[0]!r}]"
        )
    if wrong:
        raise InvalidInputError(
            f"a dictionary as data must have arrays, but data[{wrong[0]!r}] is "
            f"{described(columns[wrong[0]])}; pass only the arrays of the samples: "
            f"{_example(columns)}"
        )
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key!r}: {length}" for key, length in lengths.items())
        raise InvalidInputError(
            f"the arrays in data must have the same length, got {{{listed}}}; pass the arrays of "
            f"one part: {_example(columns)}"
        )
    return Columns({key: _by_position(column) for key, column in columns.items()})


def _is_dataset(value: Any) -> bool:
    return isinstance(value, (Dataset, DataLoader)) or (
        hasattr(value, "__getitem__") and not isinstance(value, (str, bytes, Mapping))
    )


def _example(columns: Mapping[str, Any]) -> str:
    """The line to write for two arrays of one length in a dictionary."""
    arrays = [key for key, column in columns.items() if _is_column(column)]
    for position, key in enumerate(arrays):
        for other in arrays[position + 1 :]:
            if len(columns[key]) == len(columns[other]):
                return f"(data[{key!r}], data[{other!r}])"
    return '{"image": x, "label": y}'


# Tables


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _of_frame(frame: Any, choice: Choice) -> Columns:
    """The rows of a DataFrame as dictionaries, with the files of the column that has paths."""
    columns = {str(name): _by_position(frame[name]) for name in frame.columns}
    if not columns:
        raise InvalidInputError("data is a DataFrame without columns; pass (x, y)")
    path_column = next((name for name, values in columns.items() if _are_files(values)), None)
    has_arrays = any(_are_arrays(values) for values in columns.values())
    if not callable(choice.image) and not has_arrays:
        if path_column is None:
            raise InvalidInputError(
                f"data is a DataFrame with the columns {', '.join(map(repr, columns))}, of which "
                "none has arrays or paths of files that exist; pass (x, y) for rows of numbers, "
                'for example (frame[columns].to_numpy("float32"), frame["label"]), or image=, a '
                "function from a row to the picture"
            )
        raise InvalidInputError(
            f"data is a DataFrame whose column {path_column!r} has the paths of pictures; pass "
            f'image=lambda row: transform(PIL.Image.open(row[{path_column!r}]).convert("RGB")) '
            "with the transform of the training"
        )
    paths = [] if path_column is None else [os.fspath(path) for path in columns[path_column]]
    return Columns(columns, paths)


def _samples_of(values: Sequence[Any]) -> Iterator[Any]:
    """The first, the middle and the last value."""
    if len(values):
        for at in sorted({0, len(values) // 2, len(values) - 1}):
            yield values[at]


def _are_files(values: Sequence[Any]) -> bool:
    if not isinstance(values, list) or not values:
        return False
    return all(
        isinstance(value, (str, os.PathLike)) and os.path.isfile(value)  # noqa: PTH113
        for value in _samples_of(values)
    ) and all(isinstance(value, (str, os.PathLike)) for value in values)


def _are_arrays(values: Sequence[Any]) -> bool:
    found = list(_samples_of(values))
    return bool(found) and all(
        is_pil(value) or (isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0)
        for value in found
    )
