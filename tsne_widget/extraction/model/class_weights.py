"""Find the rows that a model compares with class weights by a function, as a cosine head does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsne_widget.extraction.model.relations import is_shifted, relation
from tsne_widget.extraction.model.trace import ROWS_COMPARED, Call, Trace, compared

CALLS_COMPARED = 24  # latest calls whose outputs are compared with the class weights
ROWS_FITTED = 16


@dataclass(frozen=True)
class Compared:
    """The rows that class weights are compared with.

    Attributes
    ----------
    call : Call
        The call whose output they are.
    reduction : {"", "mean", "first"}
        How the output of the call became rows.
    weights : str
        Name of the parameter, buffer or attribute.
    """

    call: Call
    reduction: str
    weights: str


def find_compared(
    trace: Trace, model: nn.Module, output: Tensor, rounding: float
) -> Compared | None:
    """The rows z and class weights W for which the output is z Wᵀ, their cosine or distance.

    The output may be scaled, shifted by a bias, or be the softmax or sigmoid of that.
    """
    rows = compared(output)[:ROWS_FITTED]
    sources = list(_sources(trace))
    for name, weights in _class_weights(trace, model, rows.shape[1]):
        for call, reduction, z in sources:
            if z.shape[1] == weights.shape[1] and _explains(rows, z, weights, 10 * rounding):
                return Compared(call, reduction, name)
    return None


def _sources(trace: Trace) -> Iterator[tuple[Call, str, Tensor]]:
    """Rows that modules made, the latest first."""
    matrices = [call for call in trace.calls if call.rows() is not None]
    for call in reversed(matrices[-CALLS_COMPARED:]):
        rows = call.rows()
        if rows is not None:
            yield call, "", rows[:ROWS_FITTED]
    for call in trace.maps():
        if call.made is not None:
            maps = call.made[: min(ROWS_FITTED, ROWS_COMPARED)].float().cpu()
            if maps.ndim == 3:
                yield call, "first", maps[:, 0]
                yield call, "mean", maps.mean(1)
            else:
                yield call, "mean", maps.flatten(2).mean(2)


def _class_weights(trace: Trace, model: nn.Module, width: int) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers and tensor attributes with one row per class, the last first.

    The weights of Linear layers and convolutions that ran as modules are left out.
    """
    used = {id(p) for call in trace.weighted() for p in call.module.parameters(recurse=False)}
    found = []
    for prefix, module in model.named_modules():
        own = {**vars(module), **module._buffers, **module._parameters}
        for name, value in own.items():
            if isinstance(value, Tensor) and id(value) not in used and value.is_floating_point():
                found.append((f"{prefix}.{name}" if prefix else name, value))
    for name, value in reversed(found):
        if value.ndim < 2 or value.shape[2:].numel() != 1:
            continue
        matrix = value.detach().reshape(value.shape[:2]).float().cpu()
        if matrix.shape[0] == width:
            yield name, matrix
        if matrix.shape[1] == width:
            yield name, matrix.T


def _explains(output: Tensor, z: Tensor, weights: Tensor, rounding: float) -> bool:
    products = z @ weights.T
    cosines = functional.normalize(z) @ functional.normalize(weights).T
    squares = -torch.cdist(z, weights).square()
    return any(
        relation(output, scores, rounding) is not None or is_shifted(output, scores, rounding)
        for scores in (products, cosines, squares, -(-squares).sqrt())
    )
