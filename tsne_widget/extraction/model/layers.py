"""Which layer is meant: dotted names, near names, and the module beneath a wrapper."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

import torch
from torch import nn

from tsne_widget.errors import InvalidInputError, LayerNotFoundError

NAMES_OFFERED = 5  # near names in an error message: more would hide the likely one

_INPUT = ":input"
_OWN_OUTPUT = re.compile(r"output(?:\[(\d+)\])?")
_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)


@dataclass(frozen=True)
class Layer:
    """A place in a model where features are read.

    Attributes
    ----------
    name : str
        Dotted name from ``named_modules()``; "" for the model itself.
    reads_input : bool
        True for what goes into the module, False for what comes out.
    item : int or None
        Which item of the model's own output, when that is a tuple.
    """

    name: str
    reads_input: bool = False
    item: int | None = None

    def __str__(self) -> str:
        if self.name:
            return f"{self.name}{_INPUT}" if self.reads_input else self.name
        return "output" if self.item is None else f"output[{self.item}]"


def beneath_wrappers(model: nn.Module) -> nn.Module:
    """The module that DataParallel or torch.compile wraps; its hooks are certain to run.

    Compiled code ignores hooks added after its first call (pytorch#117758), and DataParallel runs
    copies of the modules in threads.
    """
    while True:
        if isinstance(model, _WRAPPERS):
            model = model.module
        elif isinstance(beneath := getattr(model, "_orig_mod", None), nn.Module):
            model = beneath
        else:
            return model


def find_layer(model: nn.Module, text: str) -> Layer:
    """The layer that ``text`` names: "layer4", "fc:input", "output" or "output[1]".

    Raises
    ------
    LayerNotFoundError
        If the model has no such module; the message offers the nearest names.
    InvalidInputError
        If ``text`` is not a string, or the module runs as a script that no hook can see into.
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
        f"layer={text!r} is not in the model; nearest: {_near(given, list(modules))}; "
        "dict(model.named_modules()) lists all"
    )


def likely_layers(model: nn.Module) -> str:
    """Names worth offering when none was found: the last modules that hold no others."""
    leaves = [name for name, module in model.named_modules() if name and not any(module.children())]
    return ", ".join(map(repr, leaves[-NAMES_OFFERED:])) or "none, it has no submodules"


def _near(text: str, names: list[str]) -> str:
    names = [name for name in names if name]
    near = get_close_matches(text, names, n=NAMES_OFFERED, cutoff=0.5)
    last = text.rpartition(".")[2]
    near += [name for name in names if name.rpartition(".")[2] == last and name not in near]
    near = near or get_close_matches(text, names, n=NAMES_OFFERED, cutoff=0.0)
    return ", ".join(map(repr, near[:NAMES_OFFERED])) or "none, it has no submodules"
