"""The record of n samples: their features, and the labels, predictions, paths and pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_first_order, in_one_order
from tsne_widget._calls import explained
from tsne_widget._class_names import as_class_names
from tsne_widget._class_order import doubts_about_classes
from tsne_widget._feature_set_fields import (
    as_features,
    as_ids,
    as_integers,
    as_labels,
    as_outputs,
    as_paths,
    as_probabilities,
    names_of_classes,
    read_only,
)
from tsne_widget._feature_set_text import record_text
from tsne_widget._image_source import ImageSource
from tsne_widget._labels import codes_of, names_of
from tsne_widget._notes import warn_about
from tsne_widget._paths import absolute_paths, moved_paths
from tsne_widget._probabilities import Activation
from tsne_widget._seen import Seen
from tsne_widget._validation import as_rows
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set_io import ARRAYS, load_array, load_errors, load_fields, save_fields

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
        Raw outputs of the classifier, before the softmax or sigmoid. Probabilities are recognised
        and become logarithms, whose softmax or sigmoid they are.
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
        it. Each note also is a :class:`~tsne_widget.errors.DoubtWarning` once.
    activation : {"softmax", "sigmoid"}
        The function of the logits that gives the probabilities of the classes: "sigmoid" for a
        classifier with one independent probability for each class.
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
    activation: Activation = "auto"
    seen: tuple[Seen, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self._put(**in_first_order({name: getattr(self, name) for name in BY_ROW}))
        features = as_features(self.features)
        n = len(features)
        outputs = as_outputs(self.logits, n, self.class_names, self.activation)
        logits, predictions = outputs.logits, self.predictions
        if predictions is None and logits is not None:
            predictions = np.argmax(logits, axis=1)
        if predictions is not None:
            predictions = as_integers("predictions", predictions, n)
        labels = None if self.labels is None else as_labels(self.labels, n)
        names = names_of_classes(self.class_names, labels, predictions, logits)
        self._put(
            features=read_only(features),
            labels=read_only(labels),
            predictions=read_only(predictions),
            logits=read_only(logits),
            class_names=names,
            ids=read_only(as_ids(self.ids, n)),
            paths=None if self.paths is None else as_paths(self.paths, n),
            skipped=tuple(Skipped(int(id_), str(reason)) for id_, reason in self.skipped),
            notes=tuple(map(str, self.notes)),
            activation=outputs.activation,
        )
        doubts = doubts_about_classes(labels, predictions, logits, names)
        self._add_notes([outputs.note, *doubts])

    def _add_notes(self, notes: Iterable[str], *, warn: bool = True) -> None:
        """Add notes; with ``warn``, each new one is also a warning."""
        new = tuple(dict.fromkeys(note for note in notes if note and note not in self.notes))
        if warn:
            warn_about(new)
        self._put(notes=self.notes + new)

    def _put(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @classmethod
    @explained(
        "write FeatureSet.from_arrays(features, labels) and pass the rest by name: predictions=, "
        "logits=, class_names=, …"
    )
    @in_one_order(*BY_ROW, "probabilities")
    def from_arrays(
        cls,
        features: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        predictions: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        class_names: Sequence[str] | Mapping[Any, Any] | None = None,
        ids: ArrayLike | None = None,
        paths: Sequence[str | os.PathLike[str]] | None = None,
        images: Any = None,
        layer: str = "",
        activation: Activation = "auto",
    ) -> Self:
        """A FeatureSet from arrays in memory (numpy arrays, torch tensors on the CPU, lists).

        Parameters
        ----------
        features : (n, d) array of numbers
            Cast to float32.
        labels, predictions : (n,) array, optional
            Class codes as integers (−1 or missing: unknown), or class names as strings (None, NaN:
            unknown).
        logits : (n, c) array, optional
            Raw outputs of the classifier; ``predictions`` default to their argmax. A single column
            z is the logit of class 1 of two. Probabilities are recognised: rows within 0 … 1 that
            sum to 1, and a single column within 0 … 1.
        probabilities : (n, c) array, optional
            Instead of logits: outputs of a softmax, whose rows sum to 1, or of sigmoids.
        class_names : sequence or mapping of c str, optional
            A list in the order of the codes, or a mapping of code to name or name to code. Default:
            the categories of a pandas Categorical, or the sorted names when labels are strings,
            otherwise "0", "1", ….
        ids : (n,) array of int, optional
            Index of each row in the dataset. Default: 0 … n − 1.
        paths : sequence of n paths, optional
            Source file of each row. Relative paths become absolute if the first of them exists.
        images : ImageSource, array, list of paths or dataset, optional
            Pictures, addressed by ``ids``; what ``EmbeddingExplorer(images=…)`` takes.
        layer : str, optional
            Name of the layer that the features come from.
        activation : {"auto", "softmax", "sigmoid"}
            The function of the logits that gives the probabilities. "auto" recognises
            probabilities, and is "softmax" for logits.

        Raises
        ------
        InvalidInputError
            As the class; also if labels are names, there are logits or codes as predictions, and
            ``class_names`` is not given: the order of the outputs is then unknown.

        Examples
        --------
        >>> import numpy as np
        >>> FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
        FeatureSet(n=4, d=4, classes=2, labels, ids 0…3)
        """
        given = None if class_names is None else as_class_names(class_names)
        if probabilities is not None:
            if logits is not None:
                raise InvalidInputError("pass either logits= or probabilities=, not both")
            logits, activation, _ = as_probabilities(probabilities)
        names = given or names_of({"labels": labels, "predictions": predictions}, logits)
        record = cls(
            features=features,  # type: ignore[arg-type]  # checked and cast in __post_init__
            labels=codes_of("labels", labels, names),
            predictions=codes_of("predictions", predictions, names),
            logits=logits,  # type: ignore[arg-type]  # as features
            class_names=names or (),
            ids=ids,  # type: ignore[arg-type]  # as features
            paths=paths,  # type: ignore[arg-type]  # as features
            images=images,
            layer=layer,
            activation=activation,
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
        """A FeatureSet from ``.npy`` files, which are never unpickled.

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
        return cls.from_arrays(
            load_array("features", features),
            None if labels is None else load_array("labels", labels),
            **fields,
        )

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        return record_text(self)

    @property
    def misclassified(self) -> NDArray[np.bool_]:
        """(n,) bool: where the prediction differs from a known label; all False without both."""
        return self.judged & (self.predictions != self.labels)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) bool: label and prediction are both known."""
        if self.labels is None or self.predictions is None:
            return np.zeros(len(self), dtype=bool)
        known: NDArray[np.bool_] = (self.labels >= 0) & (self.predictions >= 0)
        return known

    def with_images(self, images: ImageSource | None) -> Self:
        """The same record with another image source."""
        other = copy(self)
        other._put(images=images)
        return other

    def with_notes(self, notes: Iterable[str], *, warn: bool = True) -> Self:
        """The same record with further notes; with ``warn``, each new one is also a warning."""
        other = copy(self)
        other._add_notes(notes, warn=warn)
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
        arrays = {name: read_only(array[chosen]) for name, array in self._arrays().items()}
        arrays["ids"] = read_only(as_ids(arrays["ids"], len(chosen)))
        paths = None if self.paths is None else tuple(self.paths[row] for row in chosen)
        other = copy(self)  # the notes are on all rows: those of some would mislead
        other._put(**arrays, paths=paths)
        return other

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
            "activation": self.activation,
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
        return {name: a for name in ARRAYS if (a := getattr(self, name)) is not None}
