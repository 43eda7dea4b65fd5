"""Where class names come from: the attributes of datasets and models that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._class_codes import hint_of_one, is_class_code
from tsne_widget._class_names import names_if_any
from tsne_widget._datasets import MAX_NESTING, innermost
from tsne_widget.errors import InvalidInputError

# Attributes of a dataset, in order of precedence. ``features`` are those of Hugging Face datasets.
DATASET_ATTRIBUTES = ("classes", "class_to_idx", "features", "categories", "class_names")
# Attributes of a model, in order of precedence.
MODEL_ATTRIBUTES = ("class_names", "class_to_idx", "idx_to_class", "classes", "names")
MAPPINGS = ("class_to_idx", "idx_to_class", "names")  # as lists, they hold something else
# Keys of a label, in order of precedence.
LABEL_KEYS = ("label", "labels", "target", "targets", "y", "class", "fine_label")
# Names that transformers invents for a model that has none.
INVENTED = re.compile(r"LABEL_\d+")
# A name that starts so is that of a folder of tools, such as .ipynb_checkpoints or __MACOSX.
HIDDEN = (".", "__")
# Names that a message lists.
LISTED = 3


class Named(NamedTuple):
    """Class names and where they come from, such as "dataset.classes"."""

    names: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        return f"{self.source} ({listed(self.names)})"


def names_of_dataset(dataset: Any, label: Any = None) -> Named | None:
    """The class names of a dataset, or of the datasets that it wraps; None if it has none.

    A ``target_transform`` applies to the names too: if it only reorders the codes, so are the
    names; if it does anything else, there are none.

    Parameters
    ----------
    dataset : object
    label : str, optional
        The key of the label in a sample. By default one of :data:`LABEL_KEYS`.

    Raises
    ------
    InvalidInputError
        If the datasets of a concatenation have different class names.
    """
    return _names_of_dataset(dataset, label if isinstance(label, str) else None, MAX_NESTING)


def names_of_model(model: Any) -> Named | None:
    """The class names that a model holds, in the order of its outputs; None if it has none.

    They are those of its Hugging Face ``config``, or an attribute that a user set. The width of the
    output must confirm them: a backbone keeps the names of the classes that it was trained on.
    """
    for module in _two_levels(model):
        config = getattr(module, "config", None)
        names = names_if_any(getattr(config, "id2label", None))
        if names and not all(map(INVENTED.fullmatch, names)):
            return Named(names, "model.config.id2label")
        for attribute in MODEL_ATTRIBUTES:
            value = getattr(module, attribute, None)
            if attribute in MAPPINGS and not isinstance(value, Mapping):
                continue
            names = names_if_any(value)
            if names:
                return Named(names, f"model.{attribute}")
    return None


def check_targets(dataset: Any, names: tuple[str, ...] | None) -> None:
    """Compare ``dataset.targets`` with the class names, before a long run.

    Raises
    ------
    InvalidInputError
        If a target has no class name, and the sample has this target. The sample is read only in
        this case: a dataset may return other labels than its targets.
    """
    targets = None if names is None else _codes_of(dataset)
    if names is None or targets is None or getattr(dataset, "target_transform", None) is not None:
        return
    bad = np.flatnonzero(~is_class_code(targets, len(names)))
    if not len(bad):
        return
    try:
        sample = dataset[int(bad[0])]
    except Exception:  # the run reports or skips a sample that cannot be read
        return
    if _has_item(sample, int(targets[bad[0]])):
        codes = ", ".join(map(str, np.unique(targets[bad])[:5]))
        raise InvalidInputError(
            f"dataset.targets must be 0 … {len(names) - 1} for {len(names)} classes, "
            f"or -1 for unknown, but it has {codes}; pass class_names for all classes"
            + hint_of_one(targets, len(names))
        )


def are_recoded(dataset: Any, ids: Any, labels: NDArray[np.int64]) -> bool:
    """Whether a wrapper gives labels that are another function of ``targets`` than the identity.

    Such a wrapper joins or exchanges classes, so that the names of the inner dataset are wrong for
    its labels. Labels that only differ here and there, or that come in another order, are not.

    Parameters
    ----------
    dataset : object
    ids : (n,) array of int
        Indices in the dataset.
    labels : (n,) int64 array
        Labels that came from the dataset; −1 if unknown.
    """
    targets = _targets_of(dataset, ids)
    if targets is None or np.array_equal(targets, labels):
        return False
    known = labels >= 0
    labels, targets = labels[known], targets[known]
    image = dict(zip(targets.tolist(), labels.tolist(), strict=True))
    is_function = np.array_equal([image[code] for code in targets.tolist()], labels)
    return is_function and any(code != label for code, label in image.items())


def listed(names: tuple[str, ...]) -> str:
    """The first few names as text for a message."""
    more = ", …" if len(names) > LISTED else ""
    return ", ".join(map(repr, names[:LISTED])) + more


def is_hidden(name: str) -> bool:
    """Whether a class has the name of a hidden folder."""
    return name.startswith(HIDDEN)


def plain(name: str) -> str:
    """A name without differences of case, blanks and underscores."""
    return " ".join(re.split(r"[\s_]+", name.casefold().strip()))


def _names_of_dataset(dataset: Any, label: str | None, nesting: int) -> Named | None:
    found = _own_names(dataset, label)
    if found is None and nesting:
        found = _shared_names(dataset, label, nesting - 1)
    transform = getattr(dataset, "target_transform", None)
    if found is None or transform is None:
        return found
    names = _transformed(found.names, transform)
    return None if names is None else Named(names, found.source)


def _own_names(dataset: Any, label: str | None) -> Named | None:
    for attribute in DATASET_ATTRIBUTES:
        value = getattr(dataset, attribute, None)
        names = _names_of_label(value, label) if attribute == "features" else names_if_any(value)
        if not names:
            continue
        codes = names_if_any(getattr(dataset, "class_to_idx", None))
        if codes and codes != names and sorted(codes) == sorted(names):
            return Named(codes, "dataset.class_to_idx")  # the codes of the labels
        shown = "features[…].names" if attribute == "features" else attribute
        return Named(names, f"dataset.{shown}")
    return None


def _names_of_label(features: Any, label: str | None) -> tuple[str, ...] | None:
    """The names of the label among the features of a Hugging Face dataset."""
    if not isinstance(features, Mapping):
        return None
    labels = dict(_class_labels(features))
    if label is not None:
        return labels.get(label)
    for key in LABEL_KEYS:
        if key in labels:
            return labels[key]
    return next(iter(labels.values())) if len(labels) == 1 else None


def _class_labels(features: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The features that are a ClassLabel, by key, also inside of sequences and mappings."""
    for key, feature in features.items():
        for _ in range(MAX_NESTING):
            inner = getattr(feature, "feature", None)
            if inner is None:
                break
            feature = inner
        if isinstance(feature, Mapping):
            yield from _class_labels(feature)
        elif hasattr(feature, "names") and (names := names_if_any(feature.names)):
            yield key, names


def _shared_names(dataset: Any, label: str | None, nesting: int) -> Named | None:
    """The names that all datasets inside of a wrapper share."""
    found: Named | None = None
    for child in _children(dataset):
        names = _names_of_dataset(child, label, nesting)
        if names is None:
            continue
        if found is not None and names.names != found.names:
            one, other = next(
                (a, b)
                for a, b in zip((*found.names, None), (*names.names, None), strict=False)
                if a != b
            )
            raise InvalidInputError(
                f"the concatenated datasets name their classes differently: one has "
                f"{listed(found.names)}, another {listed(names.names)} (first difference: {one!r} "
                f"and {other!r}); map their labels to the same codes, and pass class_names="
            )
        found = found or names
    return found


def _children(dataset: Any) -> list[Any]:
    """The datasets that a wrapper holds, under any name."""
    parts = getattr(dataset, "datasets", None)
    if isinstance(parts, (list, tuple)):
        return list(parts)
    inner = getattr(dataset, "dataset", None)
    if inner is not None:
        return [inner]
    try:
        attributes = list(vars(dataset).values())
    except TypeError:
        return []
    return [value for value in attributes if _is_dataset(value, dataset)][:1]


def _is_dataset(value: Any, wrapper: Any) -> bool:
    """Whether an attribute is a dataset with class names, as long as the wrapper."""
    if isinstance(value, (str, bytes, list, tuple, dict, type)) or hasattr(value, "dtype"):
        return False
    try:
        has_items = hasattr(value, "__getitem__") and len(value) == len(wrapper)
    except Exception:
        return False
    return has_items and any(
        hasattr(value, name) for name in (*DATASET_ATTRIBUTES, "dataset", "datasets")
    )


def _transformed(names: tuple[str, ...], transform: Any) -> tuple[str, ...] | None:
    """The names after a transform of the codes that only reorders them; None for any other."""
    try:
        codes = [_as_code(transform(code)) for code in range(len(names))]
    except Exception:  # a transform of another kind of target
        return None
    if sorted(codes) != list(range(len(names))):
        return None
    return tuple(names[codes.index(code)] for code in range(len(names)))


def _as_code(value: Any) -> int:
    values = np.asarray(value)
    if values.size == 1:
        code = values.item()
        return int(code) if code == int(code) else -1
    if set(np.unique(values).tolist()) == {0, 1} and values.sum() == 1:  # one-hot
        return int(values.argmax())
    return -1


def _targets_of(dataset: Any, ids: Any) -> NDArray[np.int64] | None:
    """(n,) int64 ``targets`` of the datasets inside; None if any has none, or transforms them."""
    found = np.empty(len(ids), dtype=np.int64)
    for part in innermost(dataset, ids):
        inner, codes = part.dataset, None
        for _ in range(MAX_NESTING):
            if getattr(inner, "target_transform", None) is not None:
                return None
            codes = _codes_of(inner)
            children = [] if codes is not None else _children(inner)
            if len(children) != 1:
                break
            inner = children[0]
        if codes is None or (len(part.indices) and part.indices.max() >= len(codes)):
            return None
        found[part.positions] = codes[part.indices]
    return found


def _codes_of(dataset: Any) -> NDArray[np.int64] | None:
    """(n,) ``dataset.targets`` if they are codes of every sample."""
    targets = getattr(dataset, "targets", None)
    try:
        if targets is None or len(targets) != len(dataset):
            return None  # some datasets keep the targets of all their splits
        codes = np.asarray(targets)
    except Exception:  # targets of another kind, such as boxes of different number
        return None
    return codes.astype(np.int64) if codes.ndim == 1 and codes.dtype.kind in "iu" else None


def _has_item(sample: Any, code: int) -> bool:
    items = sample.values() if isinstance(sample, Mapping) else sample
    if not isinstance(sample, (Mapping, tuple, list)):
        return False
    return any(np.size(item) == 1 and item == code for item in items if not isinstance(item, str))


def _two_levels(model: Any) -> Iterator[Any]:
    """A module, its children and grandchildren: those that wrap a model with names."""
    yield model
    children = getattr(model, "children", None)
    if callable(children):
        inner = list(children())
        yield from inner
        for child in inner:
            yield from child.children()
