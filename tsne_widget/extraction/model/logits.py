"""The classifier's logits in whatever a model returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

# Stands for a logit of minus infinity: a class that the model masks out.
LOWEST = np.float32(np.finfo(np.float32).min)
# How far the sum of a row of probabilities may be from 1: rounding of half precision.
SUM_TOLERANCE = 5e-3
# Smaller probabilities are taken for this, so that their logarithms are finite.
SMALLEST_PROBABILITY = 1e-30


def find_logits(output: Any, n: int) -> Tensor | None:
    """The (n, c) float tensor in a model's output, cast to float32; None if it has none.

    That is the output itself, its ``logits`` (attribute or key) or its first item. (n,) counts as
    (n, 1), and trailing axes of length 1 are dropped.
    """
    if isinstance(output, Mapping) and "logits" in output:
        output = output["logits"]
    elif isinstance(getattr(output, "logits", None), Tensor):
        output = output.logits
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, Tensor) or not output.is_floating_point() or output.is_nested:
        return None
    if output.ndim == 0 or len(output) != n or (output.ndim > 2 and output.shape[2:].numel() != 1):
        return None
    return output.detach().reshape(n, -1).float()


def classes_of(width: int) -> int:
    """How many classes an output of this width tells apart: a single logit tells two."""
    return max(width, 2)


def as_logits(outputs: NDArray[np.float32], model: nn.Module) -> NDArray[np.float32]:
    """Logits whose softmax is the model's own probability of each class.

    A single logit z becomes [0, z]. Outputs that already are probabilities become their logarithms:
    rows that are not negative and sum to 1, or a single column within 0 … 1 of a model with a
    Sigmoid module.

    Parameters
    ----------
    outputs : (n, c) float32 array
        Without NaN; minus infinity is allowed.
    model : Module
        Asked for Sigmoid modules only.

    Returns
    -------
    (n, max(c, 2)) float32 array, finite
    """
    outputs = np.maximum(outputs, LOWEST)
    within = bool(outputs.min() >= 0 and outputs.max() <= 1 + SUM_TOLERANCE)
    if outputs.shape[1] == 1:
        if within and any(isinstance(module, nn.Sigmoid) for module in model.modules()):
            positive = np.clip(outputs.astype(np.float64), SMALLEST_PROBABILITY, 1.0)
            negative = np.clip(1.0 - positive, SMALLEST_PROBABILITY, 1.0)
            outputs = np.log(positive / negative).astype(np.float32)
        return np.hstack([np.zeros_like(outputs), outputs])
    if within and np.abs(outputs.sum(axis=1) - 1).max() <= SUM_TOLERANCE:
        outputs = np.log(np.maximum(outputs, np.float32(SMALLEST_PROBABILITY)))
    return outputs
