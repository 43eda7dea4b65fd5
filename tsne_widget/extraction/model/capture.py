"""Reading values inside a model while it runs, and leaving the model as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.model.layers import Layer

Call = str | int | None


@dataclass
class Captured:
    """What the hooks saw during the latest forward pass.

    Attributes
    ----------
    calls : dict of Layer to int
        How often each layer ran.
    values : dict of Layer to Tensor
        What was read of the wanted call, copied.
    last_run : list of Layer
        The layers in the order of their latest call.
    """

    calls: dict[Layer, int] = field(default_factory=dict)
    values: dict[Layer, Tensor] = field(default_factory=dict)
    last_run: list[Layer] = field(default_factory=list)

    def clear(self) -> None:
        """Forget the previous forward pass."""
        self.calls.clear()
        self.values.clear()
        self.last_run.clear()

    def value(self, layer: Layer, call: Call) -> Tensor:
        """What was read of ``layer``.

        Raises
        ------
        ExtractionError
            If it never ran, ran several times without ``call``, or not as often as ``call`` says.
        """
        calls = self.calls.get(layer, 0)
        if calls == 0:
            raise ExtractionError(
                f"layer={str(layer)!r} never ran in the forward pass; "
                "name a layer that does (a functional call or a script runs no module)"
            )
        if call is None and calls > 1:
            raise ExtractionError(
                f"layer={str(layer)!r} ran {calls} times in one forward pass; "
                f"say which is meant: call='first', 'last' or 0 … {calls - 1}"
            )
        if layer not in self.values:
            raise ExtractionError(
                f"call={call} of layer={str(layer)!r} never came: it ran {calls} times, "
                f"so call must be 0 … {calls - 1}"
            )
        return self.values[layer]


@contextmanager
def captured(
    model: nn.Module,
    layers: Sequence[Layer],
    read: Callable[[Layer, Any], Tensor],
    call: Call = None,
) -> Iterator[Captured]:
    """While it lasts, each forward pass leaves what ``read`` made of ``layers`` in a record.

    ``read`` runs inside the hook and returns a tensor of its own memory: an in-place operation
    later in the model must not reach it. All hooks are removed on the way out.
    """
    seen = Captured()
    modules = dict(model.named_modules(remove_duplicate=False))
    handles = []
    try:
        for layer in layers:
            note = partial(_note, seen, layer, read, call)
            if layer.reads_input:
                handle = modules[layer.name].register_forward_pre_hook(
                    partial(_on_input, note), with_kwargs=True
                )
            else:
                handle = modules[layer.name].register_forward_hook(partial(_on_output, note))
            handles.append(handle)
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _note(
    seen: Captured, layer: Layer, read: Callable[[Layer, Any], Tensor], call: Call, value: Any
) -> None:
    number = seen.calls.get(layer, 0)
    seen.calls[layer] = number + 1
    if layer in seen.last_run:
        seen.last_run.remove(layer)
    seen.last_run.append(layer)
    wanted = call == "last" or number == (call if isinstance(call, int) else 0)
    if wanted:
        seen.values[layer] = read(layer, value)


def _on_input(
    note: Callable[[Any], None], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    note(args[0] if args else next(iter(kwargs.values()), None))


def _on_output(
    note: Callable[[Any], None], module: nn.Module, args: tuple[Any, ...], output: Any
) -> None:
    note(output)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode, without gradients; every module's own flag is put back.

    Flags are set one by one: ``model.train()`` at the end would wake a frozen BatchNorm, and
    ``model.eval()`` runs overridden ``train`` methods, which may merge weights.
    ``Module.compile()`` is set aside as well, since compiled calls may ignore new hooks.
    """
    modules = list(model.modules())
    flags = [module.training for module in modules]
    compiled = [
        (module, module._compiled_call_impl)
        for module in modules
        if getattr(module, "_compiled_call_impl", None) is not None
    ]
    try:
        for module in modules:
            module.training = False
        for module, _ in compiled:
            module._compiled_call_impl = None
        # Not inference_mode: tensors that a model caches in its forward pass (position tables)
        # would stay inference tensors and break its next training step. It costs 0.05 ms a batch.
        with torch.no_grad():
            yield
    finally:
        for module, flag in zip(modules, flags, strict=True):
            module.training = flag
        for module, implementation in compiled:
            module._compiled_call_impl = implementation


@contextmanager
def placed(model: nn.Module, device: torch.device | None) -> Iterator[None]:
    """The model on ``device`` while it lasts, and then back where it was."""
    home = device_of(model)
    if device is None or device == home:
        yield
        return
    try:
        model.to(device)
        yield
    finally:
        model.to(home)


def device_of(model: nn.Module) -> torch.device:
    """The device of the model's first parameter or buffer; the CPU if it has none."""
    for tensor in (*model.parameters(), *model.buffers()):
        if not tensor.is_meta:
            return tensor.device
    return torch.device("cpu")


@contextmanager
def same_random_state(device: torch.device) -> Iterator[None]:
    """Python's, numpy's and torch's generators continue afterwards as if nothing had run."""
    python = random.getstate()
    legacy = np.random.get_state()  # noqa: NPY002 - the user's global state, which we only restore
    cuda = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=cuda):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
