"""Find the head: the module whose output is the model's output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from tsne_widget.extraction.model.relations import (
    are_probabilities,
    equal,
    is_shifted,
    relation,
)
from tsne_widget.extraction.model.trace import (
    ROWS_COMPARED,
    Call,
    Trace,
    compared,
    is_matrix,
    is_weighted,
)

# Heads whose sum is compared with the output.
MOST_HEADS = 16
# Share of the largest coefficient below which a head has no part in a sum.
LEAST_PART = 1e-3

# Names under which a ReLU and a mean after a convolution are a classifier, as in SqueezeNet. The
# same modules end the body of a VGG without its classifier.
_HEAD_NAMES = re.compile(r"(^|\.)(classifiers?|heads?|fc|logits)(\.|$)")
_ACTIVATIONS = re.compile(r"(?i)[a-z]*(elu|silu|swish|mish|tanh|norm|softplus)")


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
        How a map or tokens became rows: "" for none, otherwise "mean of ReLU" or a key of
        :data:`REDUCTIONS`.
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


def _mean_of_relu(maps: Tensor) -> Tensor:
    return maps.relu().mean(2)


# From (n, c, positions) to (n, c).
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda maps: maps.mean(2),
    "max": lambda maps: maps.amax(2),
    "first": lambda maps: maps[:, :, 0],
    "last": lambda maps: maps[:, :, -1],
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
    for find in (_layer, _module, _of_map, _part, _sum, _concatenation, _biased, _binary):
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
        and call.made.shape[1] > 1
        and equal(rows, call.made[:ROWS_COMPARED].flatten(1).float().cpu(), rounding)
        for call in trace.weighted()
    )


def _layer(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The last Linear layer or convolution that makes the output."""
    return _last(_related(_layers(trace), output, rounding))


def _module(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The innermost module with class weights that turns rows into the output."""
    calls = [call for call in trace.calls if not call.is_weighted and call.inputs() is not None]
    for head in _related(calls, output, rounding):
        module = head.call.module
        if module is model or not _has_class_weights(module, output.shape[1]):
            continue
        last = trace.last_inside(head.call)
        if _is_inner(module) or (last is not None and _is_inner(last)):
            continue
        inner = [child for child in module.children() if any(True for _ in child.parameters())]
        parametrised = getattr(module, "parametrizations", None)
        if all(child is parametrised for child in inner) or _is_affine(head.call):
            return head
    return None


def _of_map(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The last Linear layer or convolution whose map or tokens become the output."""
    plain = _layers(trace)
    for call in reversed(_layers(trace, before_relu=True)):
        maps = _maps(call, output.shape[1])
        if maps is None:
            continue
        reductions = dict(REDUCTIONS) if call in plain else {}
        if _HEAD_NAMES.search(call.name):
            reductions["mean of ReLU"] = _mean_of_relu
        for name, reduce in reductions.items():
            found = relation(output, reduce(maps), rounding)
            if found is not None:
                return Head((call,), found, name)
    return None


def _maps(call: Call, width: int) -> Tensor | None:
    """The map or tokens of a call as (n, c, positions); None if there are none of c channels."""
    if call.made is None or is_matrix(call.made):
        return None
    maps = call.made[:ROWS_COMPARED].float().cpu()
    if not isinstance(call.module, _ConvNd):
        maps = maps.movedim(-1, 1)
    return maps.flatten(2) if maps.shape[1] == width else None


def _part(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """A Linear layer whose outputs include every column of the model's output."""
    for call in reversed(_layers(trace)):
        rows = call.rows()
        if rows is None or rows.shape[1] <= output.shape[1] or len(rows) != len(output):
            continue
        distances = torch.cdist(output.T.contiguous(), rows.T.contiguous(), p=torch.inf)
        chosen = distances.argmin(1)
        is_chosen_once = len(set(chosen.tolist())) == len(chosen)
        if is_chosen_once and relation(output, rows[:, chosen], rounding) is not None:
            return Head((call,), "same")
    return None


def _sum(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """Several heads whose weighted sum is the output, as logits or as probabilities.

    The features are the input of the head with the largest weight.
    """
    made = list(_rows_of_width(_layers(trace), output))[-MOST_HEADS:][-(output.numel() // 2) :]
    if len(made) < 2 or not output.isfinite().all() or not output.any():
        return None
    wanted = output.flatten().double()
    for name, change in _CHANGES.items():
        columns = torch.stack([change(rows).flatten() for _, _, rows in made], 1).double()
        if not columns.isfinite().all():
            return None
        parts = torch.linalg.lstsq(columns, wanted[:, None], driver="gelsd").solution[:, 0]
        if (columns @ parts - wanted).abs().max() <= rounding * wanted.abs().max():
            shares = (parts.abs() / parts.abs().max()).round(decimals=3)  # equal ones in order
            order = shares.argsort(stable=True).tolist()
            used = [made[i] for i in order if abs(parts[i]) > LEAST_PART * abs(parts[order[-1]])]
            return Head(tuple(call for call, _, _ in used), name, used[-1][1])
    return None


def _rows_of_width(calls: list[Call], output: Tensor) -> Iterator[tuple[Call, str, Tensor]]:
    """Matrices as wide as the output, and reductions of maps, with the reduction's name."""
    for call in calls:
        if _is_shaped(call, output) and (rows := call.rows()) is not None:
            yield call, "", rows
        elif (maps := _maps(call, output.shape[1])) is not None:
            for name, reduce in REDUCTIONS.items():
                yield call, name, reduce(maps)


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
        for call in _layers(trace):
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


def _biased(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The last Linear layer whose rows plus a bias per class are the output."""
    for call in reversed(_layers(trace)):
        rows = call.rows() if _is_shaped(call, output) else None
        if rows is not None and is_shifted(output, rows, 10 * rounding):
            return Head((call,), "softmax" if are_probabilities(output) else "shifted")
    return None


def _binary(trace: Trace, model: nn.Module, output: Tensor, rounding: float) -> Head | None:
    """The layer of one logit whose sigmoid and the rest to 1 are the two columns of the output."""
    if output.shape[1] != 2 or not are_probabilities(output):
        return None
    for column in (output[:, 1:], output[:, :1]):
        head = _layer(trace, model, column, rounding)
        if head is not None:
            return Head(head.calls, "softmax")
    return None


def _related(calls: list[Call], output: Tensor, rounding: float) -> Iterator[Head]:
    for call in calls:
        rows = call.rows() if _is_shaped(call, output) else None
        found = None if rows is None else relation(output, rows, rounding)
        if found is not None:
            yield Head((call,), found)


def _last(heads: Iterator[Head]) -> Head | None:
    return next(reversed(list(heads)), None)


def _layers(trace: Trace, *, before_relu: bool = False) -> list[Call]:
    """The calls of Linear layers and convolutions that no normalisation or activation follows.

    In a network with fresh weights these may change the values by less than rounding.
    """
    return [
        call
        for call in trace.weighted()
        if not any(
            _is_inner(module) and not (before_relu and isinstance(module, nn.ReLU))
            for module in trace.users_of(call)
        )
    ]


def _is_inner(module: nn.Module) -> bool:
    """Whether a module is a normalisation or an activation, which ends no classifier."""
    if is_weighted(module) or _has_matrix(module):
        return False
    has_scales = any(parameter.numel() > 1 for parameter in module.parameters())
    return has_scales or bool(_ACTIVATIONS.search(type(module).__name__))


def _has_matrix(module: nn.Module) -> bool:
    return any(sum(size > 1 for size in p.shape) > 1 for p in module.parameters())


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
    other = one.flip(1)  # samples of a network with fresh weights may be nearly equal
    middle = 0.3 * one + 0.7 * other
    try:
        f, g, both = (call.module.forward(x) for x in (one, other, middle))
    except Exception:  # the user's module may refuse other inputs
        return False
    if not all(isinstance(value, Tensor) and is_matrix(value) for value in (f, g, both)):
        return False
    lengths = [x.norm(dim=1, keepdim=True) for x in (one, other, middle)]
    is_affine = equal(both, 0.3 * f + 0.7 * g, 1e-3)
    return is_affine or equal(both * lengths[2], 0.3 * f * lengths[0] + 0.7 * g * lengths[1], 1e-3)
