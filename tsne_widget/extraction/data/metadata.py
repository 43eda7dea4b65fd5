"""What a dataset tells of itself without being read: class names, file paths, labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from tsne_widget.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeGuard

WRAPPINGS_FOLLOWED = 10  # datasets within datasets; more would be a cycle


def class_names_of(dataset: Any) -> tuple[str, ...] | None:
    """The names in the dataset's ``classes``, also beneath a Subset; None if it has none.

    Synonyms given as a tuple are joined; names that occur twice get their code added.
    """
    for layer in wrapped_datasets(dataset):
        classes = getattr(layer, "classes", None)
        if isinstance(classes, (list, tuple, np.ndarray)) and len(classes) > 0:
            names = [
                ", ".join(map(str, name)) if isinstance(name, (tuple, list)) else str(name)
                for name in classes
            ]
            return tuple(
                f"{name} ({code})" if names.count(name) > 1 else name
                for code, name in enumerate(names)
            )
    return None


def paths_of(dataset: Any, ids: Sequence[int]) -> tuple[str, ...] | None:
    """The files of an ImageFolder-like dataset's samples, also beneath a Subset, or None."""
    own = np.asarray(ids)
    for _ in range(WRAPPINGS_FOLLOWED):
        for attribute in ("samples", "imgs"):
            entries = getattr(dataset, attribute, None)
            if _lists_files(entries) and (len(own) == 0 or int(own.max()) < len(entries)):
                return tuple(os.fspath(entries[id_][0]) for id_ in own)
        if not (hasattr(dataset, "indices") and hasattr(dataset, "dataset")):
            return None
        own = np.asarray(dataset.indices)[own]
        dataset = dataset.dataset
    return None


def check_targets(dataset: Any, names: Sequence[str] | None) -> None:
    """Reject a dataset whose ``targets`` have no class name, before a long run.

    Raises
    ------
    InvalidInputError
        With the first codes that have no name.
    """
    targets = getattr(dataset, "targets", None)
    if not isinstance(targets, (list, tuple, np.ndarray, Tensor)) or not hasattr(
        dataset, "__len__"
    ):
        return
    if len(targets) != len(dataset):
        return  # some datasets keep the targets of all their splits
    codes = np.asarray(targets)
    if names is None or codes.ndim != 1 or codes.dtype.kind not in "iu":
        return
    bad = np.unique(codes[(codes < -1) | (codes >= len(names))])
    if len(bad):
        raise InvalidInputError(
            f"dataset.targets must be 0 … {len(names) - 1} for {len(names)} classes, or -1 for "
            f"unknown, but it holds {', '.join(map(str, bad[:5]))}; pass all class_names"
        )


def wrapped_datasets(dataset: Any) -> Iterator[Any]:
    """The dataset, the one it wraps as ``.dataset``, and so on."""
    for _ in range(WRAPPINGS_FOLLOWED):
        yield dataset
        dataset = getattr(dataset, "dataset", None)
        if dataset is None:
            return


def _lists_files(entries: Any) -> TypeGuard[Sequence[Sequence[Any]]]:
    return (
        isinstance(entries, (list, tuple))
        and len(entries) > 0
        and isinstance(entries[0], (list, tuple))
        and len(entries[0]) > 0
        and isinstance(entries[0][0], (str, os.PathLike))
    )
