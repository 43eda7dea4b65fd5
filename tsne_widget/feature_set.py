"""The one record: features of n samples with what is known of each; plain-file save and load."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._atomic import flush_file, flush_folder, moved_aside, whole_folder
from tsne_widget._calls import explained
from tsne_widget.errors import InvalidInputError, StoreError

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsne_widget.images import ImageSource

# Without class names a label c implies c + 1 classes. Above this many the codes are ids.
MAX_UNNAMED_CLASSES = 10_000
# Rows of a memory map are checked in blocks of this size, so that a check never loads it whole.
CHECK_BLOCK_BYTES = 64 * 2**20

_MANIFEST = "feature_set.json"
_SCHEMA = 1
_ARRAYS = ("features", "labels", "predictions", "logits", "ids")


class Skipped(NamedTuple):
    """A sample that was left out: its id in the dataset and the reason."""

    id: int
    reason: str


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Features of n samples, with labels, predictions and where each came from.

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
        Name of each class code; empty only when there are neither labels nor predictions.
    ids : (n,) int64 array
        Index of each row in the user's dataset; unique.
    paths : tuple of str or None
        Source file of each row.
    layer : str
        Dotted name of the layer the features come from; "" when unknown.
    skipped : tuple of Skipped
        Samples of the dataset that are not in the rows, with the reason.
    images : ImageSource or None
        Where the pictures come from, addressed by ``ids``.

    Raises
    ------
    InvalidInputError
        For lengths that differ, values that are not finite, codes out of range, or no rows at all.

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

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("features", _as_features(self.features))
        n = len(self.features)
        if self.logits is not None:
            put("logits", _as_matrix("logits", self.logits, n))
            if self.predictions is None:
                put("predictions", np.argmax(self.logits, axis=1))
        for name in ("labels", "predictions"):
            codes = getattr(self, name)
            if codes is not None:
                put(name, _as_codes(name, codes, n))
        put("class_names", _as_class_names(self))
        put("ids", np.arange(n) if self.ids is None else _as_codes("ids", self.ids, n))
        if self.ids.min() < 0:
            raise InvalidInputError(f"ids must be 0 or more, got {self.ids.min()}")
        if len(np.unique(self.ids)) != n:
            raise InvalidInputError("ids must be unique: each row is one sample of the dataset")
        if self.paths is not None:
            put("paths", _as_paths(self.paths))
            _check_length("paths", len(self.paths), n)
        put("skipped", tuple(Skipped(int(i), str(reason)) for i, reason in self.skipped))
        for name in _ARRAYS:
            array = getattr(self, name)
            if array is not None and array.flags.writeable:
                view = array.view()
                view.flags.writeable = False  # the record is frozen; the caller's array is not
                put(name, view)

    @classmethod
    @explained(
        "write FeatureSet.from_arrays(features, labels), all else by name: predictions=, logits=, "
        "class_names=, …"
    )
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
        images: ImageSource | None = None,
        layer: str = "",
    ) -> Self:
        """A FeatureSet of arrays in memory (numpy, torch on the CPU, lists).

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
            Default: 0 … n − 1.

        Examples
        --------
        >>> import numpy as np
        >>> FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
        FeatureSet(n=4, d=4, classes=2, labels, ids 0…3)
        """
        names = None if class_names is None else _as_names(class_names)
        labels_, predictions_ = _as_codes_or_names(labels), _as_codes_or_names(predictions)
        strings = [c for c in (labels_, predictions_) if c is not None and c.dtype.kind == "O"]
        if strings and names is None:
            used = {name for codes in strings for name in codes.ravel() if name is not None}
            names = tuple(sorted(used))
        if strings and names is not None:
            labels_, predictions_ = (_as_named_codes(c, names) for c in (labels_, predictions_))
        return cls(
            features=features,  # type: ignore[arg-type]  # validated and cast in __post_init__
            labels=labels_,
            predictions=predictions_,
            logits=logits,  # type: ignore[arg-type]
            class_names=names or (),
            ids=ids,  # type: ignore[arg-type]
            paths=paths,  # type: ignore[arg-type]
            images=images,
            layer=layer,
        )

    @classmethod
    def from_npy(
        cls,
        features: str | os.PathLike[str],
        labels: str | os.PathLike[str] | None = None,
        **fields: Any,
    ) -> Self:
        """A FeatureSet of ``.npy`` files of any names: features (n, d), perhaps labels (n,).

        Files are never unpickled. Further keywords are those of :meth:`from_arrays`.

        Raises
        ------
        InvalidInputError
            As :meth:`from_arrays`, or if these are no paths.
        StoreError
            If a file is missing, cut, or holds Python objects.
        """
        for name, path in (("features", features), ("labels", labels)):
            if not isinstance(path, (str, os.PathLike, type(None))):
                raise InvalidInputError(
                    f"{name} must be the path of an .npy file, got {type(path).__name__}; "
                    "of arrays it is FeatureSet.from_arrays"
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
        return f"FeatureSet({', '.join(parts)})"

    @property
    def misclassified(self) -> NDArray[np.bool_]:
        """(n,) bool: the prediction differs from a known label. All False without both."""
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
        other = copy(self)  # not replace(), which would check every feature again
        object.__setattr__(other, "images", images)
        return other

    def take(self, rows: ArrayLike) -> Self:
        """The record of some of the samples, in the order of ``rows``; features are copied.

        Parameters
        ----------
        rows : (m,) array of int, or (n,) array of bool
            Unique rows 0 … n − 1, at least one. The ids stay those of the user's dataset.

        Raises
        ------
        InvalidInputError
            If rows are out of range, occur twice, or are none.

        Examples
        --------
        >>> import numpy as np
        >>> FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"]).take([1, 3])
        FeatureSet(n=2, d=4, classes=2, labels, ids 1…3)
        """
        chosen = _as_array("rows", rows)
        if chosen.dtype.kind == "b" and chosen.shape == (len(self),):
            chosen = np.flatnonzero(chosen)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise InvalidInputError(
                f"rows must be integers or a mask of shape ({len(self)},), "
                f"got {chosen.dtype} of shape {chosen.shape}"
            )
        if not chosen.size:
            raise InvalidInputError("there are no rows to take: a record has at least one sample")
        if chosen.min() < 0 or chosen.max() >= len(self):
            raise InvalidInputError(
                f"rows must be 0 … {len(self) - 1}, got {chosen.min()} … {chosen.max()}; "
                "rows are not ids"
            )
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        parts: dict[str, Any] = {
            name: None if array is None else array[chosen] for name, array in arrays.items()
        }
        paths = None if self.paths is None else tuple(self.paths[row] for row in chosen)
        return replace(self, **parts, paths=paths)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the record as plain files: one ``.npy`` per array and ``feature_set.json``.

        The folder appears whole or not at all: it is written beside its place and renamed.
        Pictures are not copied; ``paths`` are kept.

        Raises
        ------
        StoreError
            If the folder exists and ``overwrite`` is False, if it holds other files, or if the disk
            fails.
        """
        target = Path(folder).resolve()  # what a link leads to, not the link
        if target.exists():
            if not overwrite:
                raise StoreError(f"{target} exists; pass overwrite=True to replace it")
            foreign = _foreign_files(target)
            if foreign:
                raise StoreError(
                    f"{target} also holds {', '.join(foreign[:3])}, which save() did not write; "
                    "choose another folder"
                )
        try:
            with whole_folder(target) as building:
                self._write(building)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error}") from error

    def _write(self, folder: Path) -> None:
        arrays = {}
        for name in _ARRAYS:
            array = getattr(self, name)
            if array is not None:
                arrays[name] = {"shape": array.shape, "dtype": str(array.dtype)}
                with (folder / f"{name}.npy").open("wb") as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
                    flush_file(file)
        manifest = {
            "schema": _SCHEMA,
            "arrays": arrays,
            "class_names": self.class_names,
            "paths": self.paths,
            "layer": self.layer,
            "skipped": self.skipped,
        }
        with (folder / _MANIFEST).open("w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(manifest, file, indent=1)
            flush_file(file)
        flush_folder(folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, images: ImageSource | None = None) -> Self:
        """Read what :meth:`save` wrote; features stay on disk as a read-only memory map.

        Raises
        ------
        StoreError
            If the folder is not a saved FeatureSet, or a file differs from its manifest.
        """
        source = Path(folder)
        try:
            return cls(**_read_fields(source), images=images)
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
            told = f"{source} is not a saved FeatureSet: {error}; "
            told += "give the folder that FeatureSet.save(folder) has written"
            if aside := moved_aside(source):
                told += "; a save was killed in the instant of replacing it: "
                told += f"rename {aside} to {source}"
            raise StoreError(told) from error


def _as_array(name: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except Exception as error:  # lists of uneven rows, tensors that numpy cannot take
        raise InvalidInputError(
            f"{name} cannot be read as an array ({error}); "
            "make its rows of one length, or of a tensor pass tensor.detach().cpu().float()"
        ) from error


def _as_features(values: ArrayLike) -> NDArray[np.float32]:
    features = _as_array("features", values)
    if features.ndim == 0:
        raise InvalidInputError(
            f"features must be an (n, d) array, got {type(values).__name__}; of .npy files pass "
            "FeatureSet.from_npy their paths, of a model and its data extract(model, dataset)"
        )
    if features.ndim != 2:
        pooled = "len(features), -1" if features.ndim > 2 else "-1, 1"
        raise InvalidInputError(
            f"features must have shape (n, d), got {features.shape}; "
            f"pool or flatten them, for example features.reshape({pooled})"
        )
    n, d = features.shape
    if n == 0:
        raise InvalidInputError("features have no rows: the dataset is empty")
    if d == 0:
        raise InvalidInputError(f"features have shape ({n}, 0): there is nothing to embed")
    if features.dtype.kind not in "fiub":
        raise InvalidInputError(f"features must be numbers, got dtype {features.dtype}")
    with np.errstate(over="ignore"):  # float64 beyond float32's range: found as inf just below
        features = features.astype(np.float32, copy=False)
    _check_finite("features", features)
    return features


def _as_matrix(name: str, values: ArrayLike, n: int) -> NDArray[np.float32]:
    matrix = _as_array(name, values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"{name} must be an (n, c) array of numbers, got shape {matrix.shape}"
        )
    _check_length(name, len(matrix), n)
    if matrix.shape[1] == 0:
        raise InvalidInputError(f"{name} have no columns")
    with np.errstate(over="ignore"):
        matrix = matrix.astype(np.float32, copy=False)
    _check_finite(name, matrix)
    return matrix


def _check_finite(name: str, matrix: NDArray[np.float32]) -> None:
    step = max(1, CHECK_BLOCK_BYTES // max(1, matrix.shape[1] * 4))
    bad = np.zeros(len(matrix), dtype=bool)
    for start in range(0, len(matrix), step):
        bad[start : start + step] = ~np.isfinite(matrix[start : start + step]).all(axis=1)
        _let_go_of_pages(matrix)
    if bad.any():
        rows = np.flatnonzero(bad)
        raise InvalidInputError(
            f"{name} hold NaN or infinite values in {len(rows)} of {len(matrix)} rows "
            f"(first rows: {', '.join(map(str, rows[:5]))}); "
            "look for float16 overflow or a wrong normalisation, or drop these rows"
        )


def _let_go_of_pages(array: Any) -> None:
    """Free the memory of what was read of a read-only map; its file still holds it."""
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    if array is not None and array.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # numpy has no other way


def _as_codes(name: str, values: ArrayLike, n: int) -> NDArray[np.int64]:
    codes = _as_array(name, values)
    if codes.ndim == 2 and codes.shape[1] == 1:
        codes = codes[:, 0]
    if codes.ndim != 1:
        raise InvalidInputError(
            f"{name} must have shape ({n},), got {codes.shape}; "
            "for one-hot rows pass values.argmax(axis=1)"
        )
    _check_length(name, len(codes), n)
    if codes.dtype.kind not in "fiub":
        raise InvalidInputError(f"{name} must be integers, got dtype {codes.dtype}")
    if codes.dtype.kind in "fu":
        # Beyond 2**53 floats skip whole numbers; beyond 2**63 unsigned ones would turn negative.
        largest = 2**53 if codes.dtype.kind == "f" else 2**63 - 1
        bad = codes[~((codes == np.rint(codes)) & (np.abs(codes) <= largest))]
        if len(bad):
            hint = "; mark unknown ones as -1" if name == "labels" else ""
            raise InvalidInputError(
                f"{name} must be whole numbers up to {largest}, got {_first(bad)}{hint}"
            )
    return codes.astype(np.int64)


def _as_codes_or_names(values: Any) -> NDArray[Any] | None:
    """Numbers as they are; names as an object array of str, None where unknown."""
    if values is None:
        return None
    array = _as_array("labels", values)
    if array.dtype.kind not in "OUT":
        return array
    if not hasattr(values, "dtype"):  # numpy has made "nan" of a NaN among names
        array = np.array(values, dtype=object)
    missing = np.array([_is_missing(value) for value in array.ravel()]).reshape(array.shape)
    if all(isinstance(value, Integral) for value in array[~missing]):
        return np.where(missing, -1, array).astype(np.int64)  # codes in an array of objects
    named = array.astype(object)
    named[missing] = None
    named[~missing] = [str(value) for value in named[~missing]]
    return named


def _is_missing(value: object) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas's
        return True
    return isinstance(value, float) and value != value


def _as_named_codes(codes: NDArray[Any] | None, names: tuple[str, ...]) -> NDArray[Any] | None:
    if codes is None or codes.dtype.kind != "O":
        return codes
    code_of: dict[str | None, int] = {None: -1, **{name: code for code, name in enumerate(names)}}
    unknown = sorted(set(codes.ravel()) - code_of.keys())
    if unknown:
        raise InvalidInputError(
            f"labels name classes that class_names lacks: {', '.join(unknown[:5])}"
        )
    return np.array([code_of[name] for name in codes.ravel()], dtype=np.int64)


def _as_names(class_names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(class_names, (str, bytes)) or not isinstance(class_names, Iterable):
        raise InvalidInputError(f"class_names must be a list of names, got {class_names!r}")
    return tuple(str(name) for name in class_names)


def _as_paths(paths: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise InvalidInputError(f"paths must be a list of paths, got {paths!r}")
    try:
        return tuple(os.fsdecode(path) for path in paths)
    except TypeError as error:
        raise InvalidInputError(f"paths must be str or PathLike: {error}") from error


def _as_class_names(record: FeatureSet) -> tuple[str, ...]:
    names = _as_names(record.class_names)
    known = [codes for codes in (record.labels, record.predictions) if codes is not None]
    width = 0 if record.logits is None else record.logits.shape[1]
    needed = max([width, *(int(codes.max()) + 1 for codes in known)])
    if not names:
        if needed > MAX_UNNAMED_CLASSES:
            raise InvalidInputError(
                f"labels go up to {needed - 1}, which implies {needed} classes; "
                f"above {MAX_UNNAMED_CLASSES} pass class_names, or map the codes to 0 … c - 1"
            )
        names = tuple(str(code) for code in range(needed))
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidInputError(f"class_names must differ, but {twice[0]!r} stands more than once")
    for name, lowest in (("labels", -1), ("predictions", 0)):
        codes = getattr(record, name)
        if codes is not None:
            bad = codes[(codes < lowest) | (codes >= len(names))]
            if len(bad):
                unknown = " or -1 for unknown" if lowest else ""
                raise InvalidInputError(
                    f"{name} must be 0 … {len(names) - 1}{unknown} for {len(names)} classes, "
                    f"but {len(bad)} are not: {_first(np.unique(bad))}; correct them or class_names"
                )
    if width > len(names):
        raise InvalidInputError(f"logits have {width} columns, but class_names has {len(names)}")
    if width == 1 < len(names):
        raise InvalidInputError(
            f"logits have 1 column for {len(names)} classes; "
            "of a single logit z per sample make two: np.hstack([np.zeros_like(z), z])"
        )
    return names


def _check_length(name: str, length: int, n: int) -> None:
    if length != n:
        raise InvalidInputError(
            f"{name} has {length} entries, but features has {n} rows; row i must be the same sample"
        )


def _first(values: NDArray[Any]) -> str:
    return ", ".join(str(value) for value in values[:5]) + (" …" if len(values) > 5 else "")


def _read_fields(source: Path) -> dict[str, Any]:
    opened = _identity(source)
    manifest = json.loads((source / _MANIFEST).read_text("utf-8", errors="surrogatepass"))
    if manifest["schema"] != _SCHEMA:
        raise StoreError(
            f"{source} has schema {manifest['schema']!r}, this version reads {_SCHEMA}; "
            "upgrade tsne-widget"
        )
    arrays = dict(manifest["arrays"])
    if "features" not in arrays or not arrays.keys() <= set(_ARRAYS):
        raise StoreError(f"{source} lists arrays that are not those of a FeatureSet")
    loaded = {name: load_npy(source / f"{name}.npy", mapped=name == "features") for name in arrays}
    for name, array in loaded.items():
        found = {"shape": list(array.shape), "dtype": str(array.dtype)}
        if found != arrays[name]:
            raise StoreError(f"{source / name}.npy holds {found}, its manifest says {arrays[name]}")
    if _identity(source) != opened:  # the arrays of one record, and the names of another
        raise StoreError(f"{source} was saved over while it was read; load it again")
    return {
        **loaded,
        "class_names": tuple(manifest["class_names"]),
        "paths": manifest["paths"],
        "layer": str(manifest["layer"]),
        "skipped": manifest["skipped"],
    }


def load_npy(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """The array of one ``.npy`` file, never unpickled; as a read-only memory map if asked for."""
    try:
        # Mapped in any case: that compares the size in the header with that of the file, before
        # memory is taken for it.
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python, and fails in as many ways
        raise StoreError(f"cannot read {path}: {error}") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise StoreError(f"{path} is an .npz archive; pass the array of one .npy file")
    return array if mapped else np.array(array)


def _identity(folder: Path) -> tuple[int, ...]:
    """What tells a folder from another one that was put in its place."""
    found = folder.stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _foreign_files(folder: Path) -> list[str]:
    own = {_MANIFEST, *(f"{name}.npy" for name in _ARRAYS)}
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.name not in own)
    except OSError as error:
        raise StoreError(f"{folder} is not a folder that can be replaced: {error}") from error
