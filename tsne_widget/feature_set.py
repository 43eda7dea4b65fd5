"""The record of n samples: their features, and the labels, predictions, paths and pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_first_order, in_one_order
from tsne_widget._calls import explained
from tsne_widget._class_codes import as_class_names, codes_of_names
from tsne_widget._feature_set_fields import (
    as_codes_or_names,
    as_features,
    as_ids,
    as_integers,
    as_logits,
    as_paths,
    names_of_classes,
)
from tsne_widget._image_source import ImageSource
from tsne_widget._notes import warn_about
from tsne_widget._paths import absolute_paths, moved_paths
from tsne_widget._seen import Seen
from tsne_widget._validation import as_rows
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set_io import ARRAYS, load_errors, load_fields, load_npy, save_fields

if TYPE_CHECKING:
    from typing_extensions import Self


# Fields whose entry i belongs to sample i.
BY_ROW = ("features", "labels", "predictions", "logits", "ids", "paths")


class Skipped(NamedTuple):
    """A sample that was left out: its id in the dataset, and the reason."""

    id: int
    reason: str


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Features of n samples, with their labels, predictions, paths and pictures.

    Row *i* is the same sample in every field; ``ids[i]`` is its index in the user's dataset.
    Make one with :func:`tsne_widget.extract`, :meth:`from_arrays` or :meth:`from_npy`.

    Attributes
    ----------
    features : (n, d) float32 array or memory map
        Activations of the layer, all finite.
    labels : (n,) int64 array or None
        True class codes 0 … c − 1; −1 where unknown.
    predictions : (n,) int64 array or None
        Predicted class codes 0 … c − 1.
    logits : (n, c) float32 array or None
        Raw outputs of the classifier, before softmax.
    class_names : tuple of str
        Name of each class code; empty only without labels and predictions.
    ids : (n,) int64 array
        Index of each row in the user's dataset; unique.
    paths : tuple of str or None
        Source file of each row.
    layer : str
        Dotted name of the layer that the features come from; "" when unknown.
    skipped : tuple of Skipped
        Samples of the dataset that have no row, with the reason.
    images : ImageSource or None
        Source of the pictures, addressed by ``ids``.
    notes : tuple of str
        What is inferred and could not be verified, or is doubtful; each with the call that settles
        it. Each note also is a :class:`~tsne_widget.errors.DoubtWarning` once. Usually empty.
    seen : tuple of Seen
        A few samples as the model got them, to compare the pictures with; not saved.

    Raises
    ------
    InvalidInputError
        If lengths differ, values are not finite, codes are out of range, or there are no rows.

    Examples
    --------
    >>> import numpy as np
    >>> record = FeatureSet(np.eye(3), labels=[0, 1, 1], class_names=["cat", "dog"])
    >>> len(record), record.features.dtype, record.class_names
    (3, dtype('float32'), ('cat', 'dog'))
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    predictions: NDArray[np.int64] | None = None
    logits: NDArray[np.float32] | None = None
    class_names: tuple[str, ...] = ()
    ids: NDArray[np.int64] = None  # type: ignore[assignment]  # filled with 0 … n − 1
    paths: tuple[str, ...] | None = None
    layer: str = ""
    skipped: tuple[Skipped, ...] = ()
    images: ImageSource | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self._put(**in_first_order({name: getattr(self, name) for name in BY_ROW}))
        features = as_features(self.features)
        n = len(features)
        logits = None if self.logits is None else as_logits(self.logits, n)
        predictions = self.predictions
        if predictions is None and logits is not None:
            predictions = np.argmax(logits, axis=1)
        labels = None if self.labels is None else as_integers("labels", self.labels, n)
        if predictions is not None:
            predictions = as_integers("predictions", predictions, n)
        self._put(
            features=_read_only(features),
            labels=_read_only(labels),
            predictions=_read_only(predictions),
            logits=_read_only(logits),
            class_names=names_of_classes(self.class_names, labels, predictions, logits),
            ids=_read_only(as_ids(self.ids, n)),
            paths=None if self.paths is None else as_paths(self.paths, n),
            skipped=tuple(Skipped(int(id_), str(reason)) for id_, reason in self.skipped),
            notes=tuple(map(str, self.notes)),
        )

    def _put(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @classmethod
    @explained(
        "write FeatureSet.from_arrays(features, labels) and pass the rest by name: predictions=, "
        "logits=, class_names=, …"
    )
    @in_one_order(*BY_ROW)
    def from_arrays(
        cls,
        features: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        predictions: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        class_names: Sequence[str] | None = None,
        ids: ArrayLike | None = None,
        paths: Sequence[str | os.PathLike[str]] | None = None,
        images: Any = None,
        layer: str = "",
    ) -> Self:
        """A FeatureSet from arrays in memory (numpy arrays, torch tensors on the CPU, lists).

        Parameters
        ----------
        features : (n, d) array of numbers
            Cast to float32.
        labels, predictions : (n,) array, optional
            Class codes as integers (−1: unknown), or class names as strings (None, NaN: unknown).
        logits : (n, c) array, optional
            ``predictions`` default to their argmax.
        class_names : sequence of c str, optional
            Default: the sorted names when labels are strings, otherwise "0", "1", ….
        ids : (n,) array of int, optional
            Index of each row in the dataset. Default: 0 … n − 1.
        paths : sequence of n paths, optional
            Source file of each row. Relative paths become absolute if the first of them exists.
        images : ImageSource, array, list of paths or dataset, optional
            Pictures, addressed by ``ids``; what ``EmbeddingExplorer(images=…)`` takes.
        layer : str, optional
            Name of the layer that the features come from.

        Examples
        --------
        >>> import numpy as np
        >>> FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
        FeatureSet(n=4, d=4, classes=2, labels, ids 0…3)
        """
        names = None if class_names is None else as_class_names(class_names)
        labels_, predictions_ = as_codes_or_names(labels), as_codes_or_names(predictions)
        named = [c for c in (labels_, predictions_) if c is not None and c.dtype.kind == "O"]
        if named:
            if names is None:
                used = {name for array in named for name in array.ravel() if name is not None}
                names = tuple(sorted(used))
            labels_, predictions_ = (
                codes_of_names(c.ravel(), names) if c is not None and c.dtype.kind == "O" else c
                for c in (labels_, predictions_)
            )
        record = cls(
            features=features,  # type: ignore[arg-type]  # checked and cast in __post_init__
            labels=labels_,
            predictions=predictions_,
            logits=logits,  # type: ignore[arg-type]  # as features
            class_names=names or (),
            ids=ids,  # type: ignore[arg-type]  # as features
            paths=paths,  # type: ignore[arg-type]  # as features
            images=images,
            layer=layer,
        )
        if record.paths is not None:
            record._put(paths=tuple(absolute_paths(record.paths)))
        return record

    @classmethod
    def from_npy(
        cls,
        features: str | os.PathLike[str],
        labels: str | os.PathLike[str] | None = None,
        **fields: Any,
    ) -> Self:
        """A FeatureSet from ``.npy`` files.

        Files are never unpickled.

        Parameters
        ----------
        features : path
            File of an (n, d) array.
        labels : path, optional
            File of an (n,) array.
        **fields
            Further keywords of :meth:`from_arrays`.

        Raises
        ------
        InvalidInputError
            As :meth:`from_arrays`, or if an argument is not a path.
        StoreError
            If a file is missing, truncated, or has Python objects.
        """
        for name, path in (("features", features), ("labels", labels)):
            if not isinstance(path, (str, os.PathLike, type(None))):
                raise InvalidInputError(
                    f"{name} must be the path of an .npy file, got {type(path).__name__}; "
                    "for arrays use FeatureSet.from_arrays"
                )
        return cls.from_arrays(
            load_npy(Path(features)),
            None if labels is None else load_npy(Path(labels)),
            **fields,
        )

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        present = [
            name
            for name in ("labels", "predictions", "logits", "paths", "images")
            if getattr(self, name) is not None
        ]
        parts = [
            f"n={len(self)}",
            f"d={self.features.shape[1]}",
            f"classes={len(self.class_names)}",
            *present,
            f"ids {self.ids.min()}…{self.ids.max()}",
            *([f"layer={self.layer!r}"] if self.layer else []),
            *([f"{len(self.skipped)} skipped"] if self.skipped else []),
        ]
        return "\n".join([f"FeatureSet({', '.join(parts)})", *(f"  {note}" for note in self.notes)])

    @property
    def misclassified(self) -> NDArray[np.bool_]:
        """(n,) bool: where the prediction differs from a known label; all False without both."""
        if self.labels is None or self.predictions is None:
            return np.zeros(len(self), dtype=bool)
        wrong: NDArray[np.bool_] = (self.labels >= 0) & (self.predictions != self.labels)
        return wrong

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) bool: label and prediction are both known."""
        if self.labels is None or self.predictions is None:
            return np.zeros(len(self), dtype=bool)
        known: NDArray[np.bool_] = (self.labels >= 0) & (self.predictions >= 0)
        return known

    def with_images(self, images: ImageSource | None) -> Self:
        """The same record with another image source."""
        other = copy(self)  # replace() would check every feature again
        other._put(images=images)
        return other

    def with_notes(self, notes: Iterable[str], *, warn: bool = True) -> Self:
        """The same record with further notes; with ``warn``, each new one is also a warning."""
        added = tuple(dict.fromkeys(note for note in notes if note not in self.notes))
        if not added:
            return self
        if warn:
            warn_about(added)
        other = copy(self)
        other._put(notes=self.notes + added)
        return other

    def take(self, rows: ArrayLike) -> Self:
        """A record with some of the rows, in the order of ``rows``; features are copied.

        Parameters
        ----------
        rows : (m,) array of int, or (n,) array of bool
            Unique row numbers 0 … n − 1, at least one; or a mask. The ids of the rows stay.

        Raises
        ------
        InvalidInputError
            If rows are out of range, repeat, or are empty.

        Examples
        --------
        >>> import numpy as np
        >>> FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"]).take([1, 3])
        FeatureSet(n=2, d=4, classes=2, labels, ids 1…3)
        """
        chosen = as_rows("rows", rows, len(self), self.ids)
        if not chosen.size:
            raise InvalidInputError("rows are empty: a record has at least one sample")
        arrays: dict[str, Any] = {name: array[chosen] for name, array in self._arrays().items()}
        paths = None if self.paths is None else tuple(self.paths[row] for row in chosen)
        return replace(self, **arrays, paths=paths)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the record as plain files: one ``.npy`` per array and ``feature_set.json``.

        The folder appears complete or not at all: it is written under another name and renamed.
        Pictures are not copied; ``paths`` are kept.

        Parameters
        ----------
        folder : path
        overwrite : bool
            Whether to replace an existing record.

        Raises
        ------
        StoreError
            If the folder exists and ``overwrite`` is False, if it has other files, or if the disk
            fails.
        """
        other = {
            "class_names": self.class_names,
            "paths": self.paths,
            "layer": self.layer,
            "skipped": self.skipped,
            "notes": self.notes,
        }
        save_fields(Path(folder), self._arrays(), other, overwrite=overwrite)

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        *,
        images: ImageSource | None = None,
        root: str | os.PathLike[str] | None = None,
    ) -> Self:
        """A record that :meth:`save` wrote; features stay on disk as a read-only memory map.

        Parameters
        ----------
        folder : path
        images : ImageSource, optional
            Source of the pictures, which a saved record does not have.
        root : path, optional
            The folder that has the files of ``paths`` now, if they were saved on another machine
            or have moved.

        Raises
        ------
        StoreError
            If the folder is not a saved FeatureSet, or a file does not match its manifest.
        InvalidInputError
            If ``root`` has none of the files.
        """
        source = Path(folder)
        with load_errors(source):
            record = cls(**load_fields(source), images=images)
        if root is not None and record.paths is not None:
            record._put(paths=tuple(moved_paths(record.paths, root)))
        return record

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are not None, by name."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return {name: array for name, array in arrays.items() if array is not None}


def _read_only(array: NDArray[Any] | None) -> NDArray[Any] | None:
    """A view that cannot be written; the caller's array stays writeable."""
    if array is None or not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view
