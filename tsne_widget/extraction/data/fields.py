"""The forms a sample or a batch can have: tensor, (x, y, …), named tuple, dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import default_collate

from tsne_widget.errors import ExtractionError, InvalidInputError

IMAGE_KEYS = ("image", "images", "pixel_values", "img", "x", "input", "inputs")
LABEL_KEYS = ("label", "labels", "target", "targets", "y", "class")


class Parts(NamedTuple):
    """A sample or batch taken apart: the picture, other inputs by name, the label or None."""

    image: Any
    others: dict[str, Any]
    label: Any


@dataclass(frozen=True)
class Inputs:
    """What the model is called with: ``model(*args, **kwargs)``."""

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
        """The same in page-locked memory, from where a GPU copies asynchronously."""
        return Inputs(
            tuple(tensor.pin_memory() for tensor in self.args),
            {name: tensor.pin_memory() for name, tensor in self.kwargs.items()},
        )


def taken_apart(item: Any, keywords: frozenset[str], what: str) -> Parts:
    """The picture, the other inputs and the label of a sample or a batch.

    Parameters
    ----------
    item : tensor, array, (x, y, …), named tuple or dictionary
    keywords : frozenset of str
        Names of the parameters of ``model.forward``: entries of a dictionary that bear them are
        inputs too.
    what : str
        "sample 3" or "a batch", for messages.

    Raises
    ------
    ExtractionError
        If no picture can be told; the message lists the keys found.
    """
    if type(item) is tuple and len(item) > 1:  # nearly all samples: 64 of them per batch
        return Parts(item[0], {}, item[1])
    fields = getattr(item, "_fields", None)
    if isinstance(item, tuple) and fields and set(fields) & set(IMAGE_KEYS):
        item = dict(zip(fields, item, strict=True))
    if isinstance(item, Mapping):
        image_key = next((key for key in IMAGE_KEYS if key in item), None)
        if image_key is None:
            raise ExtractionError(
                f"{what} has the keys {', '.join(map(repr, item))}, none of which is an image key "
                f"({', '.join(IMAGE_KEYS)}); rename one"
            )
        label_key = next((key for key in LABEL_KEYS if key in item), None)
        others = {
            str(key): value
            for key, value in item.items()
            if key in keywords and key != image_key and key not in LABEL_KEYS and value is not None
        }
        image = item[image_key]
        if image_key in keywords and others:
            return Parts(None, {image_key: image, **others}, item.get(label_key))
        return Parts(image, others, item.get(label_key))
    if isinstance(item, (tuple, list)):
        if not item:
            raise ExtractionError(f"{what} is an empty {type(item).__name__}")
        return Parts(item[0], {}, item[1] if len(item) > 1 else None)
    if item is None:
        raise ExtractionError(f"{what} is None")
    return Parts(item, {}, None)


def collated(parts: Sequence[Parts], ids: Sequence[int]) -> tuple[Inputs, Any]:
    """One batch of samples: stacked inputs, and labels as one tensor or a list.

    Raises
    ------
    ExtractionError
        If the pictures cannot be stacked.
    """
    try:
        args = () if parts[0].image is None else (default_collate([p.image for p in parts]),)
        kwargs = {
            name: default_collate([p.others[name] for p in parts]) for name in parts[0].others
        }
    except (TypeError, RuntimeError, KeyError, ValueError) as error:
        raise ExtractionError(_why_not_stacked(parts, ids, error)) from error
    labels: Any = [part.label for part in parts]
    shape = getattr(labels[0], "shape", None)
    if all(isinstance(label, Tensor) and label.shape == shape for label in labels):
        labels = torch.stack(labels)
    inputs = as_inputs(
        Parts(args[0] if args else None, kwargs, None), f"the batch of ids {ids[0]} …"
    )
    return inputs, labels


def as_inputs(parts: Parts, what: str) -> Inputs:
    """The tensors of a batch that was taken apart.

    Raises
    ------
    ExtractionError
        If something that should be a tensor is none.
    """
    named = {} if parts.image is None else {"": parts.image}
    tensors = {}
    for name, value in {**named, **parts.others}.items():
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(value)
        if not isinstance(value, Tensor) or value.ndim == 0:
            hint = (
                "return tensors of one shape"
                if isinstance(value, (list, tuple))
                else "add a transform such as ToTensor() to the dataset"
            )
            raise ExtractionError(
                f"{what} holds {type(value).__name__} where {name or 'the picture'} should be a "
                f"tensor of shape (n, …); {hint}"
            )
        tensors[name] = value
    args = () if parts.image is None else (tensors.pop(""),)
    return Inputs(args, tensors)


def as_codes(labels: Any, ids: Sequence[int], names: Sequence[str] | None) -> NDArray[np.int64]:
    """(m,) int64 class codes, −1 for None.

    Parameters
    ----------
    labels : list of int, str or None, or a tensor or array (m,), (m, 1) or one-hot (m, c)
    ids : sequence of m int
        For messages.
    names : sequence of str or None
        Class names, which turn strings into codes and bound the codes.

    Raises
    ------
    InvalidInputError
        If labels are not whole numbers, not known names, or outside 0 … c − 1.
    """
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
        values = np.asarray(labels.float() if labels.dtype == torch.bfloat16 else labels)
    elif isinstance(labels, np.ndarray) and labels.dtype.kind in "iufb":
        values = labels
    else:
        values = _stacked([_as_code(label, names) for label in labels], ids)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        values = _from_one_hot(values, ids)
    if values.ndim != 1 or len(values) != len(ids):
        raise InvalidInputError(
            f"labels have shape {values.shape} for {len(ids)} samples (ids {ids[0]} …); "
            "each sample needs one class code"
        )
    whole = np.isfinite(values) & (values == np.rint(values))
    if not whole.all():
        raise InvalidInputError(
            f"label {values[~whole][0]} of sample {ids[int(np.argmin(whole))]} is no whole number; "
            "labels are class codes 0 … c - 1, unknown ones -1 or None"
        )
    codes = values.astype(np.int64)
    top = None if names is None else len(names)
    bad = (codes < -1) if top is None else (codes < -1) | (codes >= top)
    if bad.any():
        bound = "0 …" if top is None else f"0 … {top - 1} for {top} classes"
        raise InvalidInputError(
            f"label {codes[bad][0]} of sample {ids[int(np.argmax(bad))]} must be {bound}, "
            "or -1 for unknown; correct the labels or pass class_names for all classes"
        )
    return codes


def _as_code(label: Any, names: Sequence[str] | None) -> Any:
    if label is None:
        return -1
    if isinstance(label, Tensor):
        return label.detach().cpu().numpy()
    if isinstance(label, str):
        if names is None:
            raise InvalidInputError(
                f"label {label!r} is a name; pass class_names in the order of the model's outputs"
            )
        if label not in names:
            raise InvalidInputError(
                f"label {label!r} is not among class_names ({', '.join(list(names)[:5])} …)"
            )
        return list(names).index(label)
    return label


def _stacked(codes: list[Any], ids: Sequence[int]) -> NDArray[Any]:
    try:
        values = np.asarray(codes)
    except ValueError as error:  # one-hot rows of different lengths, or codes among them
        raise InvalidInputError(f"labels of the batch of ids {ids[0]} … differ in shape") from error
    if values.dtype.kind not in "iufb":
        raise InvalidInputError(
            f"labels must be class codes or names, got {type(codes[0]).__name__} "
            f"in the batch of ids {ids[0]} …"
        )
    return values


def _from_one_hot(values: NDArray[Any], ids: Sequence[int]) -> NDArray[Any]:
    hot = (np.isin(values, (0, 1)).all(axis=1)) & (values.sum(axis=1) == 1)
    if not hot.all():
        raise InvalidInputError(
            f"the label of sample {ids[int(np.argmin(hot))]} has shape ({values.shape[1]},) "
            "but is not one-hot; each sample needs one class: return its code"
        )
    codes: NDArray[np.int64] = np.argmax(values, axis=1)
    return codes


def _why_not_stacked(parts: Sequence[Parts], ids: Sequence[int], error: Exception) -> str:
    images = [part.image for part in parts]
    shapes: dict[tuple[int, ...], int] = {}
    for id_, image in zip(ids, images, strict=True):
        if hasattr(image, "shape"):
            shapes.setdefault(tuple(image.shape), id_)
    if len(shapes) > 1:
        listed = ", ".join(f"{shape} (id {id_})" for shape, id_ in list(shapes.items())[:3])
        return (
            f"pictures of one batch differ in shape: {listed}; "
            "resize them in the dataset's transform, or pass batch_size=1 if any size will do"
        )
    return (
        f"samples of type {type(images[0]).__name__} cannot be stacked to a batch ({error}); "
        "the dataset must return tensors: add a transform such as ToTensor()"
    )
