"""Record the activations of a forward pass that have places of the picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from tsne_widget.extraction.attribution.layout import (
    Layout,
    Size,
    layout_of_map,
    layout_of_tokens,
)
from tsne_widget.extraction.model.structure import tensors_in
from tsne_widget.extraction.model.trace import is_weighted

# An average keeps the sum of gradient × activation and loses places, so its input is better.
_AVERAGES = frozenset(("avg_pool2d", "adaptive_avg_pool2d"))
_FOLDS = frozenset(("reshape", "view", "flatten"))
# The picture itself, on the model's device.
_COPIES = frozenset(("to",))


@dataclass(eq=False)
class Activation:
    """An activation with places.

    Attributes
    ----------
    tensor : Tensor
        Part of the graph. An operation in place after it changes it, as the model sees it.
    layout : Layout
    name : str
        Dotted name of the module that gave it, or the function and the module before it.
    """

    tensor: Tensor
    layout: Layout
    name: str


class Recorder(TorchFunctionMode):
    """A block in which one forward pass of ``n`` samples is recorded.

    The results of functions count as well as those of modules: many models add the branches of a
    block, or apply the last activation, by a function. Tokens count only as outputs of modules: a
    function may fold a map into the same shape. Once the model has put its tokens into another
    order, as Hiera does, they count no more.

    The scale of a LayerNorm counts as constant (Ali et al. 2022, arXiv:2202.07304). With its
    gradient, the values of a map that is averaged and normalised would always sum to zero.

    Parameters
    ----------
    model : Module
    n : int
    picture : (height, width)
        Of the model's input.
    only : int, optional
        Keep only the activation with this number. Default: all.
    """

    def __init__(self, model: nn.Module, n: int, picture: Size, only: int | None = None) -> None:
        super().__init__()
        self.found: list[Activation | None] = []
        self._model, self._n, self.picture, self._only = model, n, picture, only
        self.grids: list[Size] = []
        self._lengths: set[int] = set()  # of sequences of tokens
        self._tokens: Tensor | None = None  # the latest result (n, t, c) of a function
        self._are_mixed = False  # whether the tokens are in another order than the patches
        self._averages: list[Tensor] = []
        self._latest: Tensor | None = None
        self._before = ""  # the last module that has run
        self._hooks = ExitStack()

    def __enter__(self) -> Recorder:
        for name, module in self._model.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):
                handle = module.register_forward_hook(partial(self._on_output, name))
                self._hooks.callback(handle.remove)
        super().__enter__()  # type: ignore[no-untyped-call]  # untyped in torch
        return self

    def __exit__(self, *error: Any) -> None:
        self._hooks.close()
        super().__exit__(*error)  # type: ignore[no-untyped-call]  # untyped in torch

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the function, and record its result if it is a map."""
        name = getattr(func, "__name__", "")
        run = _layer_norm if func is functional.layer_norm else func
        result = run(*args, **(kwargs or {}))
        if not self._is_of_samples(result):
            return result
        if result.ndim == 3 and result.shape[2] > 1:
            self._lengths.add(result.shape[1])
            if name in _FOLDS and args and args[0].ndim > 3:
                self._are_mixed |= _is_reordered(self._tokens, result)
            self._tokens = result
        elif result.ndim == 4 and name in _AVERAGES:
            self._averages.append(result)
        elif result.ndim == 4 and name not in _COPIES:
            self._add_map(result, f"{name} after {self._before!r}" if self._before else name)
        return result

    def _on_output(self, name: str, module: nn.Module, _args: Any, output: Any) -> None:
        self._before = name
        tensor = next((tensor for _, tensor in tensors_in(output)), None)
        if tensor is None or not self._is_of_samples(tensor):
            return
        if tensor is self._latest:
            if self.found[-1] is not None:
                self.found[-1].name = name
        elif tensor.ndim == 4:
            self._add_map(tensor, name)
        elif tensor.ndim == 3:
            self._lengths.add(tensor.shape[1])
            # Queries, keys and values are parts of what the tokens hold.
            is_part = is_weighted(module) or isinstance(module, nn.Flatten)
            if not is_part and not self._are_mixed:
                self._add(tensor, layout_of_tokens(tensor.shape, self.picture, self.grids), name)

    def _is_of_samples(self, value: Any) -> bool:
        return (
            isinstance(value, Tensor)
            and value.requires_grad
            and not value.is_nested
            and value.ndim in (3, 4)
            and len(value) == self._n
        )

    def _add_map(self, tensor: Tensor, name: str) -> None:
        if any(tensor is other for other in self._averages):
            return
        layout = layout_of_map(tensor.shape, self.picture)
        # A square of as many sides as there are tokens is the attention between them.
        if layout is not None and not self._lengths & {layout.height, layout.width}:
            self.grids.append((layout.height, layout.width))
            self._are_mixed = False
            self._add(tensor, layout, name)

    def _add(self, tensor: Tensor, layout: Layout | None, name: str) -> None:
        if layout is None:
            return
        self._latest = tensor
        is_kept = self._only is None or self._only == len(self.found)
        self.found.append(Activation(tensor, layout, name) if is_kept else None)


def _is_reordered(before: Tensor | None, after: Tensor) -> bool:
    """Whether the same tokens come in another order."""
    if before is None or before.shape != after.shape:
        return False
    one, other = before.detach()[0, :, 0], after.detach()[0, :, 0]
    return bool((one != other).any() and (one.sort()[0] == other.sort()[0]).all())


def _layer_norm(
    x: Tensor,
    normalized_shape: list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """A LayerNorm whose scale has no gradient."""
    axes = tuple(range(-len(normalized_shape), 0))
    centred = x - x.mean(axes, keepdim=True)
    variance = centred.detach().float().square().mean(axes, keepdim=True)
    scaled = centred * (variance + eps).rsqrt().to(x.dtype)
    scaled = scaled if weight is None else scaled * weight
    return scaled if bias is None else scaled + bias
