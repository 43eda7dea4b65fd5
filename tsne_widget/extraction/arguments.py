"""What :func:`tsne_widget.extract` accepts, checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.model.capture import Call
from tsne_widget.extraction.model.layers import Layer, find_layer
from tsne_widget.extraction.model.pooling import Pool, check_pool

DTYPES = {
    "bf16": torch.bfloat16,
    "bfloat16": torch.bfloat16,
    "fp16": torch.float16,
    "float16": torch.float16,
}


def check_arguments(
    model: Any,
    batch_size: Any,
    num_workers: Any,
    pool: Pool,
    call: Call,
    on_error: str,
    on_nonfinite: str,
) -> None:
    if not isinstance(model, nn.Module):
        raise InvalidInputError(
            f"model must be a torch.nn.Module, got {type(model).__name__}; pass the trained "
            "network itself: of a state_dict, what has loaded it; of a class, an instance"
        )
    for name, value, lowest in (("batch_size", batch_size, 1), ("num_workers", num_workers, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
            raise InvalidInputError(f"{name}={value!r} must be a whole number of at least {lowest}")
    check_pool(pool)
    if (
        call is not None
        and call not in ("first", "last")
        and not (isinstance(call, int) and not isinstance(call, bool) and call >= 0)
    ):
        raise InvalidInputError(
            f"call={call!r} must be 'first', 'last' or the number of the call from 0"
        )
    for name, word, words in (
        ("on_error", on_error, ("raise", "skip")),
        ("on_nonfinite", on_nonfinite, ("raise", "drop")),
    ):
        if word not in words:
            raise InvalidInputError(f"{name}={word!r} must be {words[0]!r} or {words[1]!r}")


def check_actors(actors: Any, num_gpus: Any) -> None:
    if actors is not None and (
        isinstance(actors, bool) or not isinstance(actors, (int, np.integer)) or actors < 1
    ):
        raise InvalidInputError(
            f"actors={actors!r} must be a whole number of at least 1, or None for as many as the "
            "cluster has room for"
        )
    if isinstance(num_gpus, bool) or not isinstance(num_gpus, (int, float)) or not num_gpus >= 0:
        raise InvalidInputError(
            f"num_gpus={num_gpus!r} must be a number of GPUs of each actor, such as 1 or 0.5"
        )


def actors_device(device: str | torch.device | None, num_gpus: float) -> str:
    """Where actors run the model; not tried here, since their machines may have what this lacks."""
    if device is None:
        return "cuda" if num_gpus else "cpu"
    try:
        return str(torch.device(device))
    except (RuntimeError, TypeError) as error:
        raise InvalidInputError(f"device={device!r} is not a device of torch: {error}") from error


def checked_names(class_names: Sequence[str] | None) -> tuple[str, ...] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str):
        raise InvalidInputError(
            f"class_names={class_names!r} must be a sequence of names, not one string"
        )
    names = tuple(str(name) for name in class_names)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"class_names must differ, but {twice!r} stands more than once")
    return names


def check_has_weights(model: nn.Module) -> None:
    tensors = list(model.parameters())
    if tensors and all(tensor.is_meta for tensor in tensors):
        raise InvalidInputError(
            "model is on the meta device and has no weights; load them, "
            "for example model.to_empty(device='cpu') and load_state_dict"
        )


def as_dtype(dtype: str | torch.dtype | None) -> torch.dtype | None:
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if dtype is not None and found not in DTYPES.values():
        raise InvalidInputError(
            f"dtype={dtype!r} must be 'bf16' or 'fp16', or None for no autocast"
        )
    return found


def as_device(device: str | torch.device) -> torch.device:
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InvalidInputError(
            f"device={device!r} cannot be used: {error}; pass device='cpu'"
        ) from error
    return found


def wanted_layers(
    model: nn.Module, layer: str | None, layers: Sequence[str | None] | None
) -> list[Layer | None]:
    if layers is None:
        layers = [layer]
    elif layer is not None:
        raise InvalidInputError("pass either layer= or layers=, not both")
    elif isinstance(layers, str) or len(layers) == 0:
        raise InvalidInputError(
            f"layers={layers!r} must be a sequence of layer names, such as [None]"
        )
    return [None if name is None else find_layer(model, name) for name in layers]
