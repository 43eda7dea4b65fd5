"""Whether a batch looks like those that a BatchNorm layer saw in training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

# Fewer samples differ by chance: the spread of four pictures is 0.6 to 1 of that in training.
FEWEST = 16


def spread_beside_training(module: nn.Module, given: object) -> float | None:
    """How much the input of a BatchNorm layer spreads, divided by the spread in training.

    Batches of CIFAR-10 that are normalised as in training give 0.7 to 1, also of one class. Without
    the normalisation they give 0.2, as bytes 0 … 255 they give 56, and normalised twice 4.

    Parameters
    ----------
    module : Module
    given : object
        The module's input.

    Returns
    -------
    float or None
        Median over the channels of the ratio of standard deviations. None if the module is no
        trained BatchNorm layer with running statistics, or the batch is too small.
    """
    if not isinstance(module, _BatchNorm) or module.training or module.running_var is None:
        return None
    if not isinstance(given, Tensor) or len(given) < FEWEST or not given.is_floating_point():
        return None
    mean, variance = module.running_mean, module.running_var
    if mean is None or (bool((mean == 0).all()) and bool((variance == 1).all())):  # untrained
        return None
    channels = given.detach().float().transpose(0, 1).flatten(1)
    tiny = torch.finfo(torch.float32).tiny
    ratio = float((channels.std(1) / variance.float().clamp(min=tiny).sqrt()).median())
    return ratio if math.isfinite(ratio) else None  # other errors tell of NaN
