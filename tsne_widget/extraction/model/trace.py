"""Record which modules run in one forward pass, and the values that a head may have."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from tsne_widget.extraction.model.structure import tensors_in
from tsne_widget.extraction.model.training_statistics import spread_beside_training

# Maps and tokens are large, so only those of the latest calls are kept: a head runs near the end.
MAPS_KEPT = 8
# Calls after a call in which a memory address still means the same tensor.
CALLS_AFTER = 6
# Rows that are compared.
ROWS_COMPARED = 32


@dataclass(eq=False)
class Call:
    """One call of a module.

    Attributes
    ----------
    name : str
        Dotted name of the module.
    module : Module
    number : int
        The module's calls before this one.
    given : Tensor or None
        The module's first input, copied.
    made : Tensor or None
        The module's output, copied; None if it is no float tensor with one row per sample.
    given_at, made_at : tuple or None
        Memory address and shape of the input and the output during the call.
    """

    name: str
    module: nn.Module
    number: int
    given: Tensor | None = None
    made: Tensor | None = None
    given_at: tuple[Any, ...] | None = None
    made_at: tuple[Any, ...] | None = None

    @property
    def is_weighted(self) -> bool:
        """Whether the module is a Linear layer or a convolution."""
        return is_weighted(self.module)

    def rows(self) -> Tensor | None:
        """The first rows of the output in host memory; None if the output is no matrix."""
        return None if self.made is None or not is_matrix(self.made) else compared(self.made)

    def inputs(self) -> Tensor | None:
        """The first rows of the input in host memory; None if the input is no matrix."""
        return None if self.given is None or not is_matrix(self.given) else compared(self.given)


@dataclass
class Trace:
    """The calls of one forward pass, in order of their end."""

    calls: list[Call] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=dict)
    spread: tuple[str, float] | None = None
    """Name of the first trained BatchNorm layer, and its ``spread_beside_training``."""
    _maps: deque[Call] = field(default_factory=lambda: deque(maxlen=MAPS_KEPT))
    _other: Call | None = None
    _weighted_maps: deque[Call] = field(default_factory=lambda: deque(maxlen=MAPS_KEPT))

    def add(self, name: str, module: nn.Module, given: Any, output: Any, n: int) -> None:
        """Add a call; the maps of earlier calls are released."""
        call = Call(name, module, self.count.get(name, 0))
        self.count[name] = call.number + 1
        call.given_at, call.made_at = _place(given), _place(output)
        self.calls.append(call)
        made = as_float(output)
        if made is None or made.ndim < 2 or len(made) != n:
            if call.is_weighted and isinstance(given, Tensor):
                self._shapeless(call, given)
            return
        call.made = made.clone()
        if isinstance(given, Tensor) and (call.is_weighted or is_matrix(given)):
            call.given = given.detach().clone()
        if not is_matrix(made):
            kept = self._weighted_maps if call.is_weighted else self._maps
            if len(kept) == kept.maxlen:
                kept[0].made = kept[0].given = None
            kept.append(call)

    def _shapeless(self, call: Call, given: Tensor) -> None:
        """Keep the input of the latest call whose output has not one row per sample."""
        if self._other is not None:
            self._other.given = None
        call.given, self._other = given.detach().clone(), call

    def maps(self) -> list[Call]:
        """The latest calls that gave maps or tokens."""
        return [*self._maps, *self._weighted_maps]

    def users_of(self, call: Call) -> list[nn.Module]:
        """The modules among the next ones whose input is the output of ``call``."""
        start = self.calls.index(call) + 1
        following = self.calls[start : start + CALLS_AFTER]
        return [later.module for later in following if later.given_at == call.made_at]

    def last_inside(self, call: Call) -> nn.Module | None:
        """The last module without submodules that ran inside that of ``call``."""
        before = self.calls[: self.calls.index(call)]
        inside = (c for c in reversed(before) if c.name.startswith(f"{call.name}."))
        last = next((c for c in inside if not any(c.module.children())), None)
        return None if last is None else last.module

    def weighted(self) -> list[Call]:
        """The calls of Linear layers and convolutions."""
        return [call for call in self.calls if call.is_weighted]


def _place(value: Any) -> tuple[Any, ...] | None:
    if not isinstance(value, Tensor) or value.is_nested or value.layout != torch.strided:
        return None
    return value.data_ptr(), value.shape


def is_weighted(module: nn.Module) -> bool:
    """Whether a module is a convolution or a Linear layer, also a quantised one."""
    if isinstance(module, torch.jit.ScriptModule):
        return False
    if isinstance(module, (nn.Linear, _ConvNd)):
        return True
    widths = (getattr(module, "in_features", None), getattr(module, "out_features", None))
    return "Linear" in type(module).__name__ and all(isinstance(width, int) for width in widths)


def is_matrix(tensor: Tensor) -> bool:
    """Whether a tensor has one row per sample: (n, d), or more axes of length 1."""
    return tensor.ndim >= 2 and tensor.shape[2:].numel() == 1


def compared(tensor: Tensor) -> Tensor:
    """The first rows of a matrix as (n, d) float32 in host memory."""
    rows = tensor[:ROWS_COMPARED].detach()
    return rows.reshape(len(rows), -1).float().cpu()


def as_float(value: Any) -> Tensor | None:
    """A dense float tensor, dequantised; None for anything else."""
    if not isinstance(value, Tensor) or value.is_nested or value.layout != torch.strided:
        return None
    if value.is_quantized:
        return value.dequantize()
    return value.detach() if value.is_floating_point() else None


@contextmanager
def traced(model: nn.Module, n: int) -> Iterator[Trace]:
    """A block in which one forward pass of ``n`` samples is recorded."""
    trace = Trace()
    handles = []
    try:
        for name, module in model.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):
                hook = partial(_record, trace, name, n)
                handles.append(module.register_forward_hook(hook, with_kwargs=True))
        yield trace
    finally:
        for handle in handles:
            handle.remove()


def _record(
    trace: Trace,
    name: str,
    n: int,
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    output: Any,
) -> None:
    given = next((tensor for _, tensor in tensors_in([*args, kwargs])), None)
    if trace.spread is None:
        spread = spread_beside_training(module, given)
        trace.spread = None if spread is None else (name, spread)
    trace.add(name, module, given, output, n)
