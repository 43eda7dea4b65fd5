"""Record activations of a running model, and restore its state afterwards."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.model.layers import Layer

Call = str | int | None

_Generator = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


@dataclass
class Activations:
    """The values that hooks read in the latest forward pass.

    Attributes
    ----------
    calls : dict of Layer to int
        How often each layer ran.
    values : dict of Layer to Tensor
        The value of the requested call, copied.
    """

    calls: dict[Layer, int] = field(default_factory=dict)
    values: dict[Layer, Tensor] = field(default_factory=dict)

    def clear(self) -> None:
        """Remove the values of the previous forward pass."""
        self.calls.clear()
        self.values.clear()

    def value(self, layer: Layer, requested: Call) -> Tensor:
        """The value of ``layer`` at its own call, otherwise at the requested one.

        Raises
        ------
        ExtractionError
            If the layer never ran, ran several times without a requested call, or ran less often
            than the call requires.
        """
        call = requested if layer.call is None else layer.call
        calls = self.calls.get(layer, 0)
        if calls == 0:
            raise ExtractionError(
                f"layer={str(layer)!r} never ran in the forward pass; "
                "name a layer that runs (functional calls and scripts run no modules)"
            )
        if call is None and calls > 1:
            raise ExtractionError(
                f"layer={str(layer)!r} ran {calls} times in one forward pass; "
                f"choose one: call='first', 'last' or 0 … {calls - 1}"
            )
        if layer not in self.values:
            raise ExtractionError(
                f"call={call} of layer={str(layer)!r} did not happen: it ran {calls} times, "
                f"so call must be 0 … {calls - 1}"
            )
        return self.values[layer]


@contextmanager
def captured(
    model: nn.Module,
    layers: Sequence[Layer],
    read: Callable[[Layer, Any], Tensor],
    call: Call = None,
) -> Iterator[Activations]:
    """A block in which each forward pass records the activations of ``layers``.

    All hooks are removed at the end.

    Parameters
    ----------
    model : Module
    layers : sequence of Layer
    read : callable
        Gets a layer and its value inside the hook, and returns a tensor with its own memory. A view
        would change with an in-place operation later in the model.
    call : {"first", "last"} or int, optional
        The call to record if a layer runs several times and has no call of its own.
    """
    activations = Activations()
    modules = dict(model.named_modules(remove_duplicate=False))
    handles = []
    try:
        for layer in layers:
            record = partial(_record, activations, layer, read, call)
            if layer.reads_input:
                handle = modules[layer.name].register_forward_pre_hook(
                    partial(_on_input, record), with_kwargs=True
                )
            else:
                handle = modules[layer.name].register_forward_hook(partial(_on_output, record))
            handles.append(handle)
        yield activations
    finally:
        for handle in handles:
            handle.remove()


def _record(
    activations: Activations,
    layer: Layer,
    read: Callable[[Layer, Any], Tensor],
    call: Call,
    value: Any,
) -> None:
    number = activations.calls.get(layer, 0)
    call = call if layer.call is None else layer.call
    activations.calls[layer] = number + 1
    if call == "last" or number == (call if isinstance(call, int) else 0):
        activations.values[layer] = read(layer, value)


def _on_input(
    record: Callable[[Any], None], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    record(args[0] if args else next(iter(kwargs.values()), None))


def _on_output(
    record: Callable[[Any], None], module: nn.Module, args: tuple[Any, ...], output: Any
) -> None:
    record(output)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """A block with the model in eval mode and without gradients; all flags are restored.

    If another thread calls ``model.train()`` in the block, the modules that it has changed stay as
    they are.

    Flags are set one by one: ``model.train()`` would unfreeze a frozen BatchNorm, and
    ``model.eval()`` runs overridden ``train`` methods, which may merge weights.
    ``Module.compile()`` and compiled submodules run as plain code, because compiled calls may
    ignore new hooks.
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
        # would remain inference tensors and break its next training step. It costs 0.05 ms a batch.
        with torch.no_grad(), _without_compilation():
            yield
    finally:
        is_training = model.training  # no forward pass changes the flag of the whole model
        for module, flag in zip(modules, flags, strict=True):
            module.training = flag or (is_training and module.training)
        for module, implementation in compiled:
            module._compiled_call_impl = implementation


def _without_compilation() -> AbstractContextManager[object]:
    set_stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    # torch imports its compiler, which takes a second, with the first compiled function.
    if set_stance is None or "torch._dynamo" not in sys.modules:
        return nullcontext()
    suspended: AbstractContextManager[object] = set_stance("force_eager")
    return suspended


@contextmanager
def on_device(model: nn.Module, device: torch.device | None) -> Iterator[None]:
    """A block with the model on ``device``; it returns to its own device afterwards."""
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
def random_state_kept(device: torch.device) -> Iterator[None]:
    """A block that leaves the random generators of Python, numpy and torch unchanged."""
    python = random.getstate()
    legacy = np.random.get_state()  # noqa: NPY002 - the user's global state, which we only restore
    cuda = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=cuda):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


def random_state(device: torch.device) -> tuple[Any, ...]:
    """The state of the global random generators, to detect whether a run used them."""
    legacy: Any = np.random.get_state()  # noqa: NPY002
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.empty(0)
    states = (torch.get_rng_state(), on_device)
    return (
        random.getstate(),
        legacy[1].tobytes(),
        legacy[2:],
        *(s.numpy().tobytes() for s in states),
    )


def has_generators(model: nn.Module) -> bool:
    """Whether a module holds a random generator of its own."""
    return any(
        isinstance(value, _Generator)
        for module in model.modules()
        for value in vars(module).values()
    )
