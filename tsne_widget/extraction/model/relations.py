"""Decide whether a model's output follows from the output of one of its modules."""

from __future__ import annotations

import torch
from torch import Tensor

# Tolerances relative to the largest value: the rounding of a type, and other summation orders.
ROUNDING = {torch.float16: 1e-2, torch.bfloat16: 3e-2}
ROUNDING_OF_FLOATS = 1e-5
# Numbers that a fitted scale must explain; fewer are explained by chance.
LEAST_NUMBERS = 3
# Probabilities closer to 0 or 1 have too few digits for a logarithm.
SMALLEST_SOFTMAX = 1e-6
SMALLEST_SIGMOID = 1e-3
# Smallest share of differences between samples in the output: smaller ones have too few digits.
LEAST_DIFFERENCE = 1e-2
SUM_TOLERANCE = 5e-3  # of a row of probabilities: rounding of half precision


def rounding_of(*tensors: Tensor) -> float:
    """The tolerance for values that one of these tensors holds or that are computed from them."""
    return max(ROUNDING.get(tensor.dtype, ROUNDING_OF_FLOATS) for tensor in tensors)


def are_probabilities(rows: Tensor) -> bool:
    """Whether rows of at least two columns are not negative and sum to 1."""
    within = bool(rows.numel()) and float(rows.min()) >= 0
    return within and rows.shape[1] > 1 and _largest(rows.sum(1) - 1) <= SUM_TOLERANCE


def relation(output: Tensor, rows: Tensor, rounding: float) -> str | None:
    """How ``output`` follows from ``rows``, which a module made; None if it does not.

    Parameters
    ----------
    output, rows : (n, c) float32 tensor
        Minus infinity in ``output`` is a masked class. Rows that are not finite are left out.
    rounding : float
        Tolerance relative to the largest value.

    Returns
    -------
    {"same", "scaled", "log-softmax", "softmax", "sigmoid"} or None
    """
    if output.shape != rows.shape:
        return None
    kept = ~(output.isnan() | (output == torch.inf)).any(1) & rows.isfinite().all(1)
    output, rows = output[kept], rows[kept]
    finite = output.isfinite()
    if int(finite.sum()) * 2 < output.numel() or not output.numel():
        return None
    linear = _linear(output[finite], rows[finite], rounding)
    if linear is not None:
        return linear
    if not finite.all() or not _is_near_unit(output):
        is_log = finite.all() and _largest(output.exp().sum(1) - 1) <= SUM_TOLERANCE
        return "log-softmax" if is_log and _is_log_softmax(output, rows, rounding) else None
    if are_probabilities(output) and _is_softmax(output, rows, rounding):
        return "softmax"
    return "sigmoid" if _is_sigmoid(output, rows, rounding) else None


def is_shifted(output: Tensor, scores: Tensor, rounding: float) -> bool:
    """Whether the output is scaled scores plus a bias for each class, or the softmax of that."""
    if not output.isfinite().all() or not scores.isfinite().all():
        return False
    if are_probabilities(output):
        output, scores = output.clamp(min=1e-30).log(), scores - scores.mean(1, keepdim=True)
        output = output - output.mean(1, keepdim=True)
    different = output - output.mean(0)
    fitted = scores - scores.mean(0)
    largest = output.abs().max()
    enough = (len(output) - 1) * output.shape[1] > 3
    if not enough or different.abs().max() <= LEAST_DIFFERENCE * largest:
        return False
    scale = (different * fitted).sum() / (fitted * fitted).sum().clamp(min=1e-30)
    return bool((different - scale * fitted).abs().max() <= rounding * different.abs().max())


def equal(one: Tensor, other: Tensor, rounding: float) -> bool:
    """Whether two tensors have one shape and equal values, up to rounding; NaN equals NaN."""
    if one.shape != other.shape:
        return False
    kept = one.isfinite() & other.isfinite()
    return _is_close(one[kept], other[kept], rounding)


def _linear(output: Tensor, rows: Tensor, rounding: float) -> str | None:
    if _is_close(output, rows, rounding):
        return "same"
    square = float((rows * rows).sum())
    if output.numel() < LEAST_NUMBERS or square == 0:
        return None
    scale = float((output * rows).sum()) / square
    is_scaled = scale != 0 and _is_close(output, scale * rows, rounding)
    return "scaled" if is_scaled and float(output.abs().max()) > 0 else None


def _is_near_unit(output: Tensor) -> bool:
    return float(output.min()) >= 0 and float(output.max()) <= 1 + SUM_TOLERANCE


def _is_log_softmax(output: Tensor, rows: Tensor, rounding: float) -> bool:
    return _is_close(output, rows.log_softmax(1), rounding)


def _is_softmax(output: Tensor, rows: Tensor, rounding: float) -> bool:
    best = output.argmax(1, keepdim=True)
    above = rows - rows.gather(1, best)
    known = (output > SMALLEST_SOFTMAX).scatter(1, best, False)
    if not known.any():  # saturated: only the order can be compared
        return bool((above <= 0).all())
    logs = output.clamp(min=SMALLEST_SOFTMAX).log()
    return _linear_or_near((logs - logs.gather(1, best))[known], above[known], rounding)


def _is_sigmoid(output: Tensor, rows: Tensor, rounding: float) -> bool:
    known = (output > SMALLEST_SIGMOID) & (output < 1 - SMALLEST_SIGMOID)
    if not known.any():
        return bool(((output > 0.5) == (rows > 0)).all())
    return _linear_or_near(torch.logit(output[known]), rows[known], rounding)


def _linear_or_near(logs: Tensor, rows: Tensor, rounding: float) -> bool:
    """As :func:`_linear`, with the rounding of a logarithm besides."""
    near = _largest(logs - rows) <= rounding * _largest(logs) + rounding / 10
    return near or _linear(logs, rows, 10 * rounding) is not None


def _is_close(one: Tensor, other: Tensor, rounding: float) -> bool:
    return _largest(one - other) <= rounding * _largest(one)


def _largest(tensor: Tensor) -> float:
    return float(tensor.abs().max()) if tensor.numel() else 0.0
