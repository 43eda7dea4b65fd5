"""Whether pictures are in the order of a record, by their labels and the names of their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._datasets import file_codes, innermost, sample_file
from tsne_widget._image_source import ImageSource
from tsne_widget._same_order import labels_contradict
from tsne_widget.errors import ImageError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages

LABEL_KEYS = ("label", "labels", "target", "targets", "y", "class")
# Samples that are read if a dataset does not list its labels.
READ_SAMPLES = 24
# Classes they come from: repeated labels tell other codes from another order.
READ_CLASSES = 3
COMPARED_PATHS = 2000


def labels_differ(feature_set: FeatureSet, source: ImageSource) -> bool:
    """Whether the labels of a dataset of pictures contradict those of the record."""
    if feature_set.labels is None or not isinstance(source, DatasetImages):
        return False
    labels, ids = feature_set.labels, feature_set.ids
    inside = ids < len(source)
    labels, ids = labels[inside], ids[inside]
    listed = _listed_labels(source.dataset, ids)
    if listed is None:
        rows = _repeated(labels)
        labels = labels[rows]
        listed = [_label_of(source, int(id_)) for id_ in ids[rows]]
    names = feature_set.class_names
    texts = {label for label in listed if isinstance(label, str)}
    if texts and texts <= set(names):
        listed = [names.index(label) if isinstance(label, str) else label for label in listed]
    return labels_contradict(labels, listed)


def misplaced_files(feature_set: FeatureSet, source: ImageSource) -> int:
    """How many of the record's files are at another place in the source."""
    if feature_set.paths is None:
        return 0
    n = len(feature_set)
    rows = np.unique(np.linspace(0, n - 1, min(n, COMPARED_PATHS)).round().astype(int))
    given = {int(feature_set.ids[row]): _name(feature_set.paths[row]) for row in rows}
    shown = {id_: _name(path) for id_ in given if (path := _path(source, id_)) is not None}
    elsewhere = set(shown.values())
    return sum(given[id_] != name and given[id_] in elsewhere for id_, name in shown.items())


def _path(source: ImageSource, id_: int) -> str | None:
    try:
        if isinstance(source, FileImages):
            return str(source.path(id_))
        if isinstance(source, DatasetImages):
            file = sample_file(source.dataset, id_)
            return None if file is None else file.path
    except (ImageError, LookupError):
        return None
    return None


def _name(path: str) -> tuple[str, ...]:
    """The name of a file and its folder, without the suffix: copies may have another format."""
    pure = PurePath(path)
    return (*pure.parts[-2:-1], pure.stem)


def _repeated(labels: NDArray[np.int64]) -> NDArray[np.intp]:
    """A few rows of the most frequent classes."""
    codes, counts = np.unique(labels[labels >= 0], return_counts=True)
    frequent = codes[np.argsort(-counts, kind="stable")][:READ_CLASSES]
    rows = [
        found[np.unique(np.linspace(0, len(found) - 1, READ_SAMPLES // len(frequent)).astype(int))]
        for found in (np.flatnonzero(labels == code) for code in frequent)
    ]
    return np.concatenate(rows) if rows else np.empty(0, dtype=np.intp)


def _listed_labels(dataset: Any, ids: NDArray[np.int64]) -> list[Any] | None:
    """The labels that a dataset lists, for these samples; None if it lists none."""
    labels: list[Any] = [None] * len(ids)
    for part in innermost(dataset, ids.tolist()):
        if getattr(part.dataset, "target_transform", None) is not None:
            return None
        values = _list_in(part.dataset)
        if values is None:
            codes = file_codes(part.dataset, part.indices.tolist())
            if codes is None:
                return None
        else:
            codes = [values[index] for index in part.indices.tolist()]
        for position, code in zip(part.positions.tolist(), codes, strict=True):
            labels[position] = _plain(code)
    return labels


def _list_in(dataset: Any) -> Any:
    """The list of labels in the attributes of a dataset, None without."""
    tensors = getattr(dataset, "tensors", None)
    second = tensors[1] if isinstance(tensors, tuple) and len(tensors) > 1 else None
    found: tuple[Any, ...] = (
        getattr(dataset, "targets", None),
        getattr(dataset, "labels", None),
        second,
    )
    for values in found:
        if (
            hasattr(values, "__len__")
            and hasattr(values, "__getitem__")
            and not isinstance(values, (str, bytes, Mapping))
            and len(values) == len(dataset)
        ):
            return values
    return None


def _label_of(source: DatasetImages, id_: int) -> Any:
    try:
        sample = source.sample(id_)
    except ImageError:
        return None
    if isinstance(sample, Mapping):
        return _plain(next((sample[key] for key in LABEL_KEYS if key in sample), None))
    if isinstance(sample, (tuple, list)) and len(sample) > 1:
        return _plain(sample[1])
    return None


def _plain(label: Any) -> Any:
    """A label as int or str; None if it is neither."""
    if isinstance(label, str):
        return label
    try:
        value = label.item() if hasattr(label, "item") else label
        return int(value) if value == int(value) else None
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
