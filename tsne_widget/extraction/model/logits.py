"""Find the classifier's logits in the output of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

# Replaces a logit of minus infinity, the logit of a class that the model masks.
LOWEST = np.float32(np.finfo(np.float32).min)
# Tolerance of the sum of a row of probabilities: rounding of half precision.
SUM_TOLERANCE = 5e-3
# Lower bound of probabilities, so that their logarithms are finite.
SMALLEST_PROBABILITY = 1e-30


def find_logits(output: Any, n: int) -> Tensor | None:
    """The (n, c) float tensor in a model's output, cast to float32; None if it has none.

    It is the output itself, its ``logits`` (attribute or key) or its first item. A shape (n,)
    becomes (n, 1), and trailing axes of length 1 are dropped.
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
    """Number of classes of an output of this width: a single logit means two."""
    return max(width, 2)


def as_logits(outputs: NDArray[np.float32], model: nn.Module) -> NDArray[np.float32]:
    """Logits whose softmax is the model's probability of each class.

    A single logit z becomes [0, z]. Probabilities become their logarithms. Outputs are
    probabilities if their rows are not negative and sum to 1, or if they are a single column within
    0 … 1 and the model has a Sigmoid module.

    Parameters
    ----------
    outputs : (n, c) float32 array
        No NaN; minus infinity is allowed.
    model : Module
        Searched for Sigmoid modules.

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
