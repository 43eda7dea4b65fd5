"""Find layers by name: dotted names, near names, and modules inside wrappers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import nn

from tsne_widget._validation import nearest_names
from tsne_widget.errors import InvalidInputError, LayerNotFoundError

NAMES_LISTED = 5  # near names in an error message

_INPUT = ":input"
_OWN_OUTPUT = re.compile(r"output(?:\[(\d+)\])?")
_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)


@dataclass(frozen=True)
class Layer:
    """A place in a model to read features from.

    Attributes
    ----------
    name : str
        Dotted name from ``named_modules()``; "" for the model itself.
    reads_input : bool
        True for the input of the module, False for its output.
    item : int or None
        Index into the model's own output, if that is a tuple.
    """

    name: str
    reads_input: bool = False
    item: int | None = None

    def __str__(self) -> str:
        if self.name:
            return f"{self.name}{_INPUT}" if self.reads_input else self.name
        return "output" if self.item is None else f"output[{self.item}]"


def unwrap(model: nn.Module) -> nn.Module:
    """The module inside DataParallel or torch.compile, whose hooks always run.

    Compiled code ignores hooks added after its first call (pytorch#117758), and DataParallel runs
    copies of the modules in threads.
    """
    while True:
        if isinstance(model, _WRAPPERS):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


def find_layer(model: nn.Module, text: str) -> Layer:
    """The layer with the name ``text``: "layer4", "fc:input", "output" or "output[1]".

    Raises
    ------
    LayerNotFoundError
        If the model has no such module; the message lists the nearest names.
    InvalidInputError
        If ``text`` is not a string, or the module is TorchScript, which runs no hooks.
    """
    if not isinstance(text, str):
        raise InvalidInputError(
            f"layer must be a dotted name such as 'layer4', got {type(text).__name__}; "
            "take one from dict(model.named_modules())"
        )
    modules = dict(model.named_modules(remove_duplicate=False))
    reads_input = text.endswith(_INPUT)
    given = text.removesuffix(_INPUT)
    for name in (given, given.removeprefix("module."), given.removeprefix("_orig_mod.")):
        if name and name in modules:
            if isinstance(modules[name], torch.jit.ScriptModule):
                raise InvalidInputError(
                    f"layer={text!r} is part of a TorchScript module, which runs no hooks; "
                    "pass the model it was scripted from"
                )
            return Layer(name, reads_input)
    own = _OWN_OUTPUT.fullmatch(text)
    if own:
        return Layer("", item=None if own[1] is None else int(own[1]))
    raise LayerNotFoundError(
        f"layer={text!r} is not in the model; nearest: {_nearest(given, list(modules))}; "
        "dict(model.named_modules()) lists all"
    )


def likely_layers(model: nn.Module) -> str:
    """Likely names for an error message: the last modules without submodules."""
    leaves = [name for name, module in model.named_modules() if name and not any(module.children())]
    return ", ".join(map(repr, leaves[-NAMES_LISTED:])) or "none, it has no submodules"


def _nearest(text: str, names: list[str]) -> str:
    names = [name for name in names if name]
    near = nearest_names(text, names, NAMES_LISTED, cutoff=0.5)
    last = text.rpartition(".")[2]
    near += [name for name in names if name.rpartition(".")[2] == last and name not in near]
    near = near or nearest_names(text, names, NAMES_LISTED, cutoff=0.0)
    return ", ".join(map(repr, near[:NAMES_LISTED])) or "none, it has no submodules"
