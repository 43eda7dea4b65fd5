"""Find the head: the module whose output is the model's output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from tsne_widget.extraction.model.relations import equal, relation
from tsne_widget.extraction.model.trace import ROWS_COMPARED, Call, Trace, compared, is_matrix

# Heads whose sum is compared with the output.
MOST_HEADS = 16
# Share of the largest coefficient below which a head has no part in a sum.
LEAST_PART = 1e-3

# Names under which a ReLU and a mean after a convolution are a classifier, as in SqueezeNet. The
# same modules end the body of a VGG without its classifier.
_HEAD_NAMES = re.compile(r"(^|\.)(classifiers?|heads?|fc|logits)(\.|$)")


@dataclass(frozen=True)
class Head:
    """The module that makes the logits.

    Attributes
    ----------
    calls : tuple of Call
        Its call; several calls if the output is their sum or concatenation. The features are the
        input of the last one.
    relation : str
        How the output follows from the module's output, see
        :func:`~tsne_widget.extraction.model.relations.relation`.
    reduction : str
        How a map or tokens became rows: "" for none, otherwise a key of :data:`REDUCTIONS`.
    """

    calls: tuple[Call, ...]
    relation: str
    reduction: str = ""

    @property
    def call(self) -> Call:
        """The call whose input is the features."""
        return self.calls[-1]

    def has_one_input(self, rounding: float) -> bool:
        """Whether all heads get the same input."""
        inputs = [call.inputs() for call in self.calls]
        first = inputs[0]
        return len(inputs) == 1 or (
            first is not None and all(x is not None and equal(first, x, rounding) for x in inputs)
        )


def _mean(maps: Tensor) -> Tensor:
    return maps.mean(2)


# From (n, c, positions) to (n, c).
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": _mean,
    "max": lambda maps: maps.amax(2),
    "first": lambda maps: maps[:, :, 0],
    "last": lambda maps: maps[:, :, -1],
    "mean of ReLU": lambda maps: maps.relu().mean(2),
}


def find_head(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The head that makes ``output``; None if no module with class weights does.

    Parameters
    ----------
    trace : Trace
        Of the forward pass that gave ``output``.
    model : Module
    output : (n, c) tensor
    rounding : float
        Tolerance relative to the largest value.
    """
    rows = compared(output)
    for find in (_layer, _module, _of_map, _part, _sum, _concatenation):
        head = find(trace, model, rows, rounding)
        if head is not None:
            return head
    return None


def is_flattened_map(trace: Trace, output: Tensor, rounding: float) -> bool:
    """Whether ``output`` is the flattened map of a convolution."""
    rows = compared(output)
    return any(
        call.made is not None
        and not is_matrix(call.made)
        and equal(rows, call.made[:ROWS_COMPARED].flatten(1).float().cpu(), rounding)
        for call in trace.weighted()
    )


def _layer(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The last Linear layer or convolution that makes the output."""
    return _last(_related(trace.weighted(), output, rounding))


def _module(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The innermost module with class weights that turns rows into the output."""
    calls = [call for call in trace.calls if not call.is_weighted and call.inputs() is not None]
    for head in _related(calls, output, rounding):
        module = head.call.module
        if module is model or not _has_class_weights(module, output.shape[1]):
            continue
        inner = [child for child in module.children() if any(True for _ in child.parameters())]
        parametrised = getattr(module, "parametrizations", None)
        if all(child is parametrised for child in inner) or _is_affine(head.call):
            return head
    return None


def _of_map(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The last Linear layer or convolution whose map or tokens become the output."""
    for call in reversed(trace.weighted()):
        if call.made is None or is_matrix(call.made):
            continue
        maps = call.made[:ROWS_COMPARED].float().cpu()
        if not isinstance(call.module, _ConvNd):
            maps = maps.movedim(-1, 1)
        if maps.shape[1] != output.shape[1]:
            continue
        maps = maps.flatten(2)
        for name, reduce in REDUCTIONS.items():
            if "ReLU" in name and not _HEAD_NAMES.search(call.name):
                continue
            found = relation(output, reduce(maps), rounding)
            if found is not None:
                return Head((call,), found, name)
    return None


def _part(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """A Linear layer of which the output has some columns."""
    for call in reversed(trace.weighted()):
        rows = call.rows()
        if rows is None or rows.shape[1] <= output.shape[1] or len(rows) != len(output):
            continue
        distances = torch.cdist(output.T.contiguous(), rows.T.contiguous(), p=torch.inf)
        chosen = distances.argmin(1)
        is_chosen_once = len(chosen.unique()) == len(chosen)
        if is_chosen_once and relation(output, rows[:, chosen], rounding) is not None:
            return Head((call,), "same")
    return None


def _sum(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """Several heads whose weighted sum is the output, as logits or as probabilities."""
    calls = [call for call in trace.weighted() if _is_shaped(call, output)][-MOST_HEADS:]
    calls = calls[-(output.numel() // 2) :]
    if len(calls) < 2 or not output.isfinite().all():
        return None
    made = [rows for call in calls if (rows := call.rows()) is not None]
    for name, change in _CHANGES.items():
        columns = torch.stack([change(rows).flatten() for rows in made], 1).double()
        if not columns.isfinite().all():
            return None
        wanted = output.flatten().double()
        parts = torch.linalg.lstsq(columns, wanted[:, None], driver="gelsd").solution[:, 0]
        close = (columns @ parts - wanted).abs().max() <= rounding * wanted.abs().max()
        if close and wanted.abs().max() > 0:
            used = parts.abs() > LEAST_PART * parts.abs().max()
            return Head(tuple(c for c, has in zip(calls, used, strict=True) if has), name)
    return None


_CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "scaled": lambda rows: rows,
    "softmax": lambda rows: rows.softmax(1),
    "sigmoid": torch.sigmoid,
    "log-softmax": lambda rows: rows.log_softmax(1),
}


def _concatenation(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """Heads whose outputs side by side are the output."""
    found: list[Call] = []
    start = 0
    while start < output.shape[1]:
        for call in trace.weighted():
            rows = call.rows()
            if rows is None or call in found or start + rows.shape[1] > output.shape[1]:
                continue
            if equal(output[:, start : start + rows.shape[1]], rows, rounding):
                found.append(call)
                start += rows.shape[1]
                break
        else:
            return None
    return Head(tuple(found), "same") if found else None


def _related(calls: list[Call], output: Tensor, rounding: float) -> Iterator[Head]:
    for call in calls:
        rows = call.rows() if _is_shaped(call, output) else None
        found = None if rows is None else relation(output, rows, rounding)
        if found is not None:
            yield Head((call,), found)


def _last(heads: Iterator[Head]) -> Head | None:
    return next(reversed(list(heads)), None)


def _is_shaped(call: Call, output: Tensor) -> bool:
    made = call.made
    return made is not None and is_matrix(made) and made.shape[1] == output.shape[1]


def _has_class_weights(module: nn.Module, width: int) -> bool:
    """Whether a parameter of the module has weights per class, unlike those of a normalisation."""
    return any(
        parameter.ndim >= 2
        and (width == 1 or sum(size > 1 for size in parameter.shape) >= 2)
        and any(size % width == 0 for size in parameter.shape)
        for parameter in module.parameters()
    )


def _is_affine(call: Call) -> bool:
    """Whether the module maps rows by an affine function, of them or of their directions."""
    assert call.given is not None  # noqa: S101 - the caller has chosen calls with an input
    one = call.given.reshape(len(call.given), -1)[:ROWS_COMPARED]
    other = one.roll(1, 0).flip(1) if len(one) == 1 else one.roll(1, 0)
    try:
        f, g, both = (call.module.forward(x) for x in (one, other, (one + other) / 2))
    except Exception:  # noqa: BLE001 - the user's module may refuse other inputs
        return False
    if not all(isinstance(value, Tensor) and is_matrix(value) for value in (f, g, both)):
        return False
    lengths = [x.norm(dim=1, keepdim=True) for x in (one, other, (one + other) / 2)]
    is_affine = equal(both, (f + g) / 2, 1e-3)
    return is_affine or equal(
        both * lengths[2], (f * lengths[0] + g * lengths[1]) / 2, 1e-3
    )
