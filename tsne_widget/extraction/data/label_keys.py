"""The key of the label in a sample that is a dictionary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.data.items import CODES, kind_of

# Labels even if the model has a parameter of this name, which computes a loss.
LABEL_KEYS = ("label", "labels", "target", "targets", "y", "class")
# Labels unless the model has a parameter of this name.
MORE_LABEL_KEYS = (
    "fine_label", "coarse_label", "fine_labels", "coarse_labels", "label_id", "label_ids",
    "label_idx", "label_index", "class_label", "class_id", "class_idx", "class_index", "classes",
    "cls", "category", "category_id", "categories", "gt", "ground_truth", "groundtruth", "y_true",
    "gt_label", "true_label", "target_label",
)  # fmt: skip
# Entries that describe a sample and are no labels: "image_id", "file_name", "__key__".
_METADATA = re.compile(
    r"^__|^(index|indices|width|height|size|split|fold|source|caption|text|prompt|description|"
    r"weight|date|time|timestamp|meta|metadata|info)$|"
    r"(^|_)(id|ids|idx|path|paths|file|files|filename|filenames|filepath|name|names|key|url|uri|"
    r"uid|hash|md5)$"
)


def label_key(
    item: Mapping[Any, Any], keywords: frozenset[str], where: str
) -> tuple[Any, str, bool]:
    """The key of the label, a note on a doubt, and whether the keys alone decide.

    The key is None if there is no label, and the note is "" if there is no doubt.

    Parameters
    ----------
    item : mapping
        One sample without its picture.
    keywords : frozenset of str
        Parameters of ``model.forward``.
    where : str
        The sample, for messages.

    Raises
    ------
    InvalidInputError
        If several keys could be the label, or only unknown ones.
    """
    by_name = {str(key).lower(): key for key in reversed(list(item))}
    usual = [by_name[name] for name in LABEL_KEYS if name in by_name]
    more = [
        by_name[name]
        for name in MORE_LABEL_KEYS
        if name in by_name and by_name[name] not in keywords
    ]
    known = usual + more
    if not known:
        _refuse_unknown(item, keywords, where)
        return None, "", False
    if len(known) == 1 or (usual and all(_same(item[known[0]], item[key]) for key in known[1:])):
        return known[0], "", len(known) == 1
    codes = [key for key in known if kind_of(item[key]) == "code"]
    best = codes[0] if len(codes) == 1 else usual[0] if len(usual) == 1 else None
    listed = ", ".join(map(repr, known))
    if best is None:
        raise InvalidInputError(
            f"{where} has several keys that could be the label: {listed}; choose one, for example "
            f"label={known[0]!r}, or label=None for a map without labels"
        )
    note = (
        f"samples have the keys {listed}: {best!r} is taken as the label; pass label={best!r} to "
        "confirm, or another key"
    )
    return best, note, False


def label_in(target: Mapping[Any, Any], where: str) -> Any:
    """The label in a dictionary that is the label item of a sample: ``(x, {"label": 3})``.

    Raises
    ------
    InvalidInputError
        If no key, or several, could be the label.
    """
    by_name = {str(key).lower(): key for key in reversed(list(target))}
    known = [by_name[name] for name in (*LABEL_KEYS, *MORE_LABEL_KEYS) if name in by_name]
    if not known:
        raise InvalidInputError(
            f"the label of {where} is a dictionary with the keys "
            f"{', '.join(map(repr, target))}; pass the one that is the class, for example "
            f"label={next(iter(target), 'label')!r}, or label=None for a map without labels"
        )
    if any(not _same(target[known[0]], target[key]) for key in known[1:]):
        raise InvalidInputError(
            f"the label of {where} is a dictionary with several keys that could be the class: "
            f"{', '.join(map(repr, known))}; choose one, for example label={known[0]!r}, or "
            "label=None for a map without labels"
        )
    return target[known[0]]


def _refuse_unknown(item: Mapping[Any, Any], keywords: frozenset[str], where: str) -> None:
    """Raise InvalidInputError if an entry without a known key could be the label."""
    possible = [
        key
        for key, value in item.items()
        if key not in keywords
        and not _METADATA.search(str(key).lower())
        and (kind_of(value) in CODES or _has_labels(value))
    ]
    if possible:
        function = isinstance(item[possible[0]], Mapping)
        example = f"lambda sample: sample[{possible[0]!r}][…]" if function else repr(possible[0])
        raise InvalidInputError(
            f"{where} has no known label key, but {', '.join(map(repr, possible))} could be one; "
            f"pass label={example}, or label=None for a map without labels"
        )


def _has_labels(value: Any) -> bool:
    """Whether a nested dictionary has labels, as the objects of a detection dataset."""
    keys = {str(key).lower() for key in value} if isinstance(value, Mapping) else set()
    return bool(keys & {*LABEL_KEYS, *MORE_LABEL_KEYS})


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(torch.equal(one, other))
    try:
        return bool(np.array_equal(np.asarray(one), np.asarray(other)))
    except Exception:  # values that numpy cannot compare are different
        return False
