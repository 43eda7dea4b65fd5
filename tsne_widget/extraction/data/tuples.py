"""The positions of the picture and the label in a sample that is a tuple."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.items import (
    CODES,
    described,
    is_collated_tuple,
    is_pil,
    kind_of,
)
from tsne_widget.extraction.data.label_keys import LABEL_KEYS


def is_usual(item: tuple[Any, ...], batched: bool) -> bool:
    """Whether a tuple is (picture, label, …) without a doubt: nearly all samples are."""
    image, label = item[0], item[1]
    if not isinstance(image, (Tensor, np.ndarray)) or image.ndim <= 1 + batched:
        return False
    if len(item) == 2:
        return not isinstance(label, Mapping)
    return isinstance(label, (int, np.integer)) or (
        isinstance(label, Tensor) and label.ndim <= 1 + batched
    )


def picture_at(
    item: Sequence[Any], parts: Sequence[Any], kinds: Sequence[str], where: str
) -> tuple[int, int | None]:
    """The position of the picture in a tuple, and its position in the tuple at that place."""
    pictures = [at for at, kind in enumerate(kinds) if kind == "picture"]
    arrays = [at for at in pictures if not is_pil(parts[at])]
    if kinds[0] == "picture" and arrays:
        return (arrays[0], None)  # the transformed picture beside the original one
    if kinds[0] in ("picture", "other", "none", "mapping"):
        return (0, None)
    if kinds[0] == "vector":  # a row of numbers, unless another item clearly is a picture
        clear = [at for at in pictures if is_pil(parts[at]) or parts[at].ndim > 2]
        return (clear[0] if clear else 0, None)
    if pictures:
        return (pictures[0], None)
    for at, part in enumerate(item):
        if kinds[at] == "nested" or is_collated_tuple(part):
            inner = [kind_of(value) for value in part]
            if "picture" in inner:
                return (at, inner.index("picture"))
    vectors = [at for at, kind in enumerate(kinds) if kind == "vector"]
    if vectors:
        return (vectors[0], None)
    if kinds[0] in ("code", "number", "nested"):
        return (0, None)
    raise ExtractionError(
        f"{where} is {described(item)}, and no item is a picture; read the file in the dataset, or "
        "pass image=lambda sample: transform(PIL.Image.open(sample[0])) with the transform of the "
        "training"
    )


def label_position(
    item: Sequence[Any], kinds: Sequence[str], image_at: int, where: str
) -> int | None:
    """The position of the label in a tuple, or None if there is none."""
    after = [at for at in range(image_at + 1, len(item)) if kinds[at] in CODES]
    if image_at == 0:
        if len(item) == 1:
            return None
        is_label = kinds[1] in (*CODES, "number", "vector", "none")
        if kinds[1] == "mapping":
            is_label = any(str(key).lower() in LABEL_KEYS for key in item[1])
        return after[0] if after and not is_label else 1
    labels = after or [
        at for at in range(image_at + 1, len(item)) if kinds[at] in ("vector", "number", "mapping")
    ]
    if labels:
        return labels[0]
    before = [at for at in range(image_at) if kinds[at] in CODES]
    if before:
        raise InvalidInputError(
            f"{where} is {described(item)}: item [{image_at}] is the picture, but it is unknown "
            f"whether item [{before[0]}] is the label; pass label={before[0]}, or label=None for a "
            "map without labels"
        )
    return None
