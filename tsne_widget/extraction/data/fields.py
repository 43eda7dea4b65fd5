"""The fields of a sample or batch: the picture, further inputs of the model, and the label.

A sample or batch is a tensor, ``(x, y, …)``, a named tuple, or a dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from tsne_widget._datasets import IMAGE_KEYS
from tsne_widget.errors import ExtractionError

LABEL_KEYS = ("label", "labels", "target", "targets", "y", "class")


class Fields(NamedTuple):
    """The picture, further inputs by name, and the label or None.

    ``image`` is None if the model takes the picture by name; it is then among ``others``.
    """

    image: Any
    others: dict[str, Any]
    label: Any


@dataclass(frozen=True)
class Inputs:
    """The arguments of the model: ``model(*args, **kwargs)``."""

    args: tuple[Tensor, ...]
    kwargs: dict[str, Tensor] = field(default_factory=dict)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, the picture first."""
        return (*self.args, *self.kwargs.values())

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __str__(self) -> str:
        named = [("", tensor) for tensor in self.args]
        named += [(f"{name}=", tensor) for name, tensor in self.kwargs.items()]
        return ", ".join(f"{name}{tuple(t.shape)} {t.dtype}" for name, t in named)

    def pin_memory(self) -> Inputs:
        """The same inputs in page-locked memory, which a GPU copies asynchronously."""
        return Inputs(
            tuple(tensor.pin_memory() for tensor in self.args),
            {name: tensor.pin_memory() for name, tensor in self.kwargs.items()},
        )


def split_fields(item: Any, keywords: frozenset[str], where: str) -> Fields:
    """The fields of a sample or batch.

    Parameters
    ----------
    item : tensor, array, (x, y, …), named tuple or dictionary
    keywords : frozenset of str
        Parameters of ``model.forward``. Entries of a dictionary with such a name are inputs.
    where : str
        The sample or batch, for messages: "sample 3".

    Raises
    ------
    ExtractionError
        If there is no picture; the message lists the keys found.
    """
    if type(item) is tuple and len(item) > 1:  # the fast path of nearly all samples
        return Fields(item[0], {}, item[1])
    names = getattr(item, "_fields", None)
    if isinstance(item, tuple) and names and set(names) & set(IMAGE_KEYS):
        item = dict(zip(names, item, strict=True))
    if isinstance(item, Mapping):
        return _fields_of_mapping(item, keywords, where)
    if isinstance(item, (tuple, list)):
        if not item:
            raise ExtractionError(f"{where} is an empty {type(item).__name__}")
        return Fields(item[0], {}, item[1] if len(item) > 1 else None)
    if item is None:
        raise ExtractionError(f"{where} is None")
    return Fields(item, {}, None)


def _fields_of_mapping(item: Mapping[Any, Any], keywords: frozenset[str], where: str) -> Fields:
    image_key = next((key for key in IMAGE_KEYS if key in item), None)
    if image_key is None:
        raise ExtractionError(
            f"{where} has the keys {', '.join(map(repr, item))}, but no image key "
            f"({', '.join(IMAGE_KEYS)}); rename one"
        )
    label_key = next((key for key in LABEL_KEYS if key in item), None)
    others = {
        str(key): value
        for key, value in item.items()
        if key in keywords and key != image_key and key not in LABEL_KEYS and value is not None
    }
    image, label = item[image_key], item.get(label_key)
    if image_key in keywords and others:
        return Fields(None, {image_key: image, **others}, label)
    return Fields(image, others, label)


def collate_fields(samples: Sequence[Fields], ids: Sequence[int]) -> tuple[Inputs, Any]:
    """The inputs of a batch of samples, and the labels as one tensor or a list.

    Raises
    ------
    ExtractionError
        If the pictures cannot be stacked.
    """
    first = samples[0]
    try:
        image = None if first.image is None else default_collate([s.image for s in samples])
        others = {name: default_collate([s.others[name] for s in samples]) for name in first.others}
    except (TypeError, RuntimeError, KeyError, ValueError) as error:
        raise ExtractionError(_stacking_problem(samples, ids, error)) from error
    labels: Any = [sample.label for sample in samples]
    shape = getattr(labels[0], "shape", None)
    if all(isinstance(label, Tensor) and label.shape == shape for label in labels):
        labels = torch.stack(labels)
    return as_inputs(Fields(image, others, None), f"the batch of ids {ids[0]} …"), labels


def as_inputs(batch: Fields, where: str) -> Inputs:
    """The tensors of a batch.

    Raises
    ------
    ExtractionError
        If a field cannot be a tensor of shape (n, …).
    """
    tensors = {name: _as_tensor(value, name, where) for name, value in batch.others.items()}
    if batch.image is None:
        return Inputs((), tensors)
    return Inputs((_as_tensor(batch.image, "the picture", where),), tensors)


def _as_tensor(value: Any, name: str, where: str) -> Tensor:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value)
    if isinstance(value, Tensor) and value.ndim > 0:
        return value
    remedy = (
        "return tensors of one shape"
        if isinstance(value, (list, tuple))
        else "add a transform such as ToTensor() to the dataset"
    )
    raise ExtractionError(
        f"{where} has {type(value).__name__} as {name}, which must be a tensor of shape (n, …); "
        f"{remedy}"
    )


def _stacking_problem(samples: Sequence[Fields], ids: Sequence[int], error: Exception) -> str:
    images = [sample.image for sample in samples]
    shapes: dict[tuple[int, ...], int] = {}
    for id_, image in zip(ids, images, strict=True):
        if hasattr(image, "shape"):
            shapes.setdefault(tuple(image.shape), id_)
    if len(shapes) > 1:
        listed = ", ".join(f"{shape} (id {id_})" for shape, id_ in list(shapes.items())[:3])
        return (
            f"pictures of one batch differ in shape: {listed}; "
            "resize them in the dataset's transform, or pass batch_size=1 if the model accepts "
            "any size"
        )
    return (
        f"samples of type {type(images[0]).__name__} cannot be stacked to a batch ({error}); "
        "the dataset must return tensors: add a transform such as ToTensor()"
    )
