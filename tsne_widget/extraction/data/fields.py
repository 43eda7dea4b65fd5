"""The fields of a sample or batch: the picture, further inputs of the model, and the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.data.items import described, is_pil

# Numbers of channels of a picture.
CHANNELS = (1, 3, 4)
# The remedy for PIL images.
TRANSFORM = "add a transform such as ToTensor()"


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


def collate_fields(
    samples: Sequence[Fields], where: str, names: Sequence[str], transform: str = TRANSFORM
) -> tuple[Inputs, Any]:
    """The inputs of a batch of samples, and the labels as one tensor or a list.

    Parameters
    ----------
    samples : sequence of Fields
    where : str
        The batch, for messages.
    names : sequence of str
        The name of each sample, for messages: "id 3".
    transform : str
        How to transform PIL images of this dataset, for messages.

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
        raise ExtractionError(_stacking_problem(samples, names, error, transform)) from error
    labels: Any = [sample.label for sample in samples]
    shape = getattr(labels[0], "shape", None)
    if all(isinstance(label, Tensor) and label.shape == shape for label in labels):
        labels = torch.stack(labels)
    return as_inputs(Fields(image, others, None), where), labels


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


def input_remedy(inputs: Inputs) -> str:
    """What to change in the pictures of a batch that the model refused; "" if nothing is odd."""
    x = inputs.tensors[0]
    shape = tuple(x.shape)
    remedies = []
    if x.ndim == 4 and shape[3] in CHANNELS and shape[1] not in CHANNELS:
        remedies.append(
            f"the axes of shape {shape} look like (n, height, width, channels), and torch models "
            "take (n, channels, height, width): pass x.permute(0, 3, 1, 2)"
        )
    elif x.ndim == 3:
        remedies.append(f"the shape {shape} has no axis of channels: pass x.unsqueeze(1)")
    elif x.ndim == 5 and shape[1] == 1:
        remedies.append(f"the shape {shape} has an axis too many: pass x.squeeze(1)")
    elif x.ndim == 5:
        remedies.append(
            f"the shape {shape} has one axis too many for pictures; if the samples of data are "
            "ready batches, pass torch.utils.data.DataLoader(data, batch_size=None)"
        )
    if not x.is_floating_point():
        remedies.append(
            "the pictures are integers: convert them as in training, for example "
            "x.float() / 255, then normalise"
        )
    return "; ".join(remedies)


def _as_tensor(value: Any, name: str, where: str) -> Tensor:
    if isinstance(value, np.ndarray) and value.dtype.kind in "iufb":
        value = torch.from_numpy(value)
    if isinstance(value, (list, tuple)) and value:
        value = _stacked(value)
    if isinstance(value, Tensor) and value.ndim > 0:
        return value
    remedy = (
        "return tensors of one shape, or pass image= to name the picture"
        if isinstance(value, (list, tuple))
        else "add a transform such as ToTensor() to the dataset"
    )
    raise ExtractionError(
        f"{where} has {described(value)} as {name}, which must be a tensor of shape (n, …); "
        f"{remedy}"
    )


def _stacked(pictures: Sequence[Any]) -> Any:
    """One tensor of a list of tensors or arrays of one shape, as loaders of boxes return it."""
    kind = type(pictures[0])
    shapes = {getattr(picture, "shape", None) for picture in pictures}
    if not issubclass(kind, (Tensor, np.ndarray)) or len(shapes) > 1 or not pictures[0].ndim:
        return pictures
    return torch.stack([torch.as_tensor(picture) for picture in pictures])


def _stacking_problem(
    samples: Sequence[Fields], names: Sequence[str], error: Exception, transform: str
) -> str:
    images = [sample.image for sample in samples]
    shapes: dict[tuple[int, ...], str] = {}
    for name, image in zip(names, images, strict=True):
        if hasattr(image, "shape"):
            shapes.setdefault(tuple(image.shape), name)
    if len(shapes) > 1:
        listed = ", ".join(f"{shape} ({name})" for shape, name in list(shapes.items())[:3])
        if {len(shape) for shape in shapes} == {4} and len({shape[1:] for shape in shapes}) == 1:
            return (
                f"the samples of data look like ready batches of different size: {listed}; pass "
                "them as batches: torch.utils.data.DataLoader(data, batch_size=None)"
            )
        return (
            f"pictures of one batch differ in shape: {listed}; "
            "resize them in the dataset's transform, or pass batch_size=1 if the model accepts "
            "any size"
        )
    remedy = transform if is_pil(images[0]) else TRANSFORM
    return (
        f"samples of type {type(images[0]).__name__} cannot be stacked to a batch ({error}); "
        f"the dataset must return tensors: {remedy}"
    )
