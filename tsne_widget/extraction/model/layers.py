"""Find layers by name: dotted names, near names, and modules inside wrappers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from tsne_widget._validation import nearest_names
from tsne_widget.errors import InvalidInputError, LayerNotFoundError
from tsne_widget.extraction.model.structure import Path

NAMES_LISTED = 5  # near names in an error message

_INPUT = ":input"
_OWN_OUTPUT = re.compile(r"output((?:\[[^\[\]]+\])*)")
_STEP = re.compile(r"\[([^\[\]]+)\]")
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
    item : tuple of int and str
        Path into the model's own output, if that is a tuple or mapping.
    call : {"last"} or int, optional
        The call of a layer that the first batch has found; None reads the requested call.
    pool : str, optional
        The pooling of a layer that the first batch has found; None is the requested pooling.
    """

    name: str
    reads_input: bool = False
    item: Path = ()
    call: str | int | None = None
    pool: str | None = None

    def __str__(self) -> str:
        if self.name:
            return f"{self.name}{_INPUT}" if self.reads_input else self.name
        own = "input" if self.reads_input else "output"
        return own + "".join(f"[{step}]" for step in self.item)


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
    """The layer with the name ``text``: "layer4", "fc:input", "input", "output" or "output[1]".

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
    if text == "input":
        return Layer("", reads_input=True)
    own = _OWN_OUTPUT.fullmatch(text)
    if own:
        steps = (step.strip("'\"") for step in _STEP.findall(own[1]))
        return Layer("", item=tuple(int(step) if step.isdigit() else step for step in steps))
    raise LayerNotFoundError(
        f"layer={text!r} is not in the model; nearest: {_nearest(given, modules)}; "
        "dict(model.named_modules()) lists all"
    )


def _nearest(text: str, modules: Mapping[str, nn.Module]) -> str:
    """The nearest names; if none is near, Linear layers from the last to the first."""
    names = [name for name in modules if name]
    near = nearest_names(text, names, NAMES_LISTED, cutoff=0.5)
    last = text.rpartition(".")[2]
    near += [name for name in names if name.rpartition(".")[2] == last]
    if not near:
        near = [name for name in reversed(names) if isinstance(modules[name], nn.Linear)]
        near += nearest_names(text, names, NAMES_LISTED, cutoff=0.0)
    unique = list(dict.fromkeys(near))[:NAMES_LISTED]
    return ", ".join(map(repr, unique)) or "none, it has no submodules"
