"""The rows of a batch whose activations are recorded."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tsne_widget.extraction.data.fields import Inputs


def telling_count(model: nn.Module, n: int) -> int:
    """The least number of rows that no side of a weight has, ``n`` or more and at least 2.

    With so many rows the length of the first axis tells results of samples from those of weights,
    such as a standardised kernel or the bias of an attention.
    """
    sides = {side for parameter in model.parameters() for side in parameter.shape}
    count = max(n, 2)
    while count in sides:
        count += 1
    return count


def repeated(inputs: Inputs, count: int) -> Inputs:
    """The inputs with ``count`` rows; those of the batch are repeated after it."""
    n = len(inputs)

    def longer(tensor: Tensor) -> Tensor:
        return tensor[torch.arange(count, device=tensor.device) % n] if count > n else tensor

    return Inputs(
        tuple(map(longer, inputs.args)),
        {name: longer(tensor) for name, tensor in inputs.kwargs.items()},
    )


def with_pictures(inputs: Inputs, pictures: Tensor) -> Inputs:
    """The inputs with other pictures; the first row of further inputs is repeated for more."""

    def as_many(tensor: Tensor) -> Tensor:
        return (
            tensor
            if len(tensor) == len(pictures)
            else tensor[:1].expand(len(pictures), *tensor.shape[1:])
        )

    others = {name: as_many(tensor) for name, tensor in inputs.kwargs.items()}
    if inputs.args:
        return Inputs((pictures, *map(as_many, inputs.args[1:])), others)
    return Inputs((), {**others, next(iter(others)): pictures})
