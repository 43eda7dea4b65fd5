"""The arguments of :func:`tsne_widget.extract`, checked before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tsne_widget._class_names import as_class_names
from tsne_widget._notes import Notes
from tsne_widget._ray_session import check_executor
from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.class_names import ClassNames, find_class_names
from tsne_widget.extraction.data.choice import AUTO, as_choice
from tsne_widget.extraction.data.forms import as_dataset, is_ray_dataset
from tsne_widget.extraction.data.sources import Indexed, RayRows, Source, as_source, dataset_of
from tsne_widget.extraction.executors.ray_pool import Actors
from tsne_widget.extraction.model.capture import Call, device_of
from tsne_widget.extraction.model.forward import Reading
from tsne_widget.extraction.model.layers import Layer, find_layer, unwrap
from tsne_widget.extraction.model.outputs import Output, check_output
from tsne_widget.extraction.model.pooling import Pool, Select, check_pool

Progress = bool | Callable[[int, int | None], None]

DTYPES = {
    "bf16": torch.bfloat16,
    "bfloat16": torch.bfloat16,
    "fp16": torch.float16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class Request:
    """The checked arguments of one call of :func:`tsne_widget.extract`.

    Attributes
    ----------
    model : Module
        Without DataParallel and torch.compile wrappers.
    dataset : object
        The user's dataset.
    source : Source
    class_names : ClassNames
    reading : Reading
    moves_to : torch.device or None
        The device that the model is moved to in this process.
    actors : Actors or None
        None runs in this process.
    skip_errors, drop_nonfinite : bool
    store : Path or None
    dataset_key : str or None
    progress : bool or callable
    notes : Notes
        Collects what the run infers and cannot verify.
    """

    model: nn.Module
    dataset: Any
    source: Source
    class_names: ClassNames
    reading: Reading
    moves_to: torch.device | None
    actors: Actors | None
    skip_errors: bool
    drop_nonfinite: bool
    store: Path | None
    dataset_key: str | None
    progress: Progress
    notes: Notes = field(default_factory=Notes)

    @property
    def device(self) -> torch.device:
        """The device that the model runs on in this process."""
        return self.moves_to or device_of(self.model)


def as_request(
    model: nn.Module,
    data: Any,
    layer: str | None,
    *,
    layers: Sequence[str | None] | None,
    batch_size: int,
    device: str | torch.device | None,
    num_workers: int,
    pool: Pool,
    class_names: Sequence[str] | Mapping[Any, Any] | None,
    image: Any,
    label: Any,
    on_error: str,
    on_nonfinite: str,
    call: Call,
    select: Select,
    output: Output,
    store: str | os.PathLike[str] | None,
    dataset_key: str | None,
    dtype: str | torch.dtype | None,
    channels_last: bool,
    progress: Progress,
    executor: str,
    actors: int | None,
    num_gpus: float,
) -> Request:
    """The arguments as a Request.

    Raises
    ------
    InvalidInputError, LayerNotFoundError
        If an argument cannot be used.
    """
    _check_model(model)
    _check_whole("batch_size", batch_size, 1)
    _check_whole("num_workers", num_workers, 0)
    check_pool(pool)
    _check_call(call)
    check_output(output)
    _check_choice("on_error", on_error, ("raise", "skip"))
    _check_choice("on_nonfinite", on_nonfinite, ("raise", "drop"))
    names = None if class_names is None else as_class_names(class_names) or None
    model = unwrap(model)
    found = _find_layers(model, layer, layers)
    _check_has_weights(model)
    on_ray = executor == "ray" or is_ray_dataset(data)
    check_executor("ray" if on_ray else executor)
    requested_actors = _as_actors(actors, num_gpus, device if on_ray else None)
    moves_to = None if device is None or on_ray else _as_device(device)
    runs_on = moves_to or device_of(model)
    choice, notes = as_choice(image, label), Notes()
    data = as_dataset(data, choice)
    source = as_source(
        data, batch_size, num_workers, choice, notes, pin_memory=runs_on.type == "cuda"
    )
    _check_source(source, on_ray=on_ray, has_store=store is not None)
    dataset = dataset_of(data)
    return Request(
        model=model,
        dataset=dataset,
        source=source,
        class_names=find_class_names(names, model, dataset, choice.label, notes),
        reading=Reading(found, pool, select, call, _as_dtype(dtype), channels_last, output),
        moves_to=moves_to,
        actors=requested_actors if on_ray else None,
        skip_errors=on_error == "skip",
        drop_nonfinite=on_nonfinite == "drop",
        store=None if store is None else Path(store),
        dataset_key=dataset_key,
        progress=progress,
        notes=notes,
    )


def request_by_index(model: Any, data: Any, layer: str | None, options: dict[str, Any]) -> Request:
    """The request of a call that reads a few samples by their index, with its own notes.

    Parameters
    ----------
    model, data, layer
        As in :func:`tsne_widget.extract`.
    options : dict
        Options of :func:`tsne_widget.extract` that differ from its defaults.

    Raises
    ------
    InvalidInputError, LayerNotFoundError
        If an argument cannot be used, or the samples cannot be read by their index.
    """
    defaults: dict[str, Any] = {
        "batch_size": 32, "device": None, "num_workers": 0, "pool": "auto", "class_names": None,
        "image": AUTO, "label": AUTO, "on_error": "raise", "on_nonfinite": "raise", "call": None,
        "select": None, "output": None, "store": None, "dataset_key": None, "dtype": None,
        "channels_last": False, "progress": False, "executor": "local", "actors": None,
        "num_gpus": 0,
    }  # fmt: skip
    request = as_request(model, data, layer, layers=None, **(defaults | options))
    if not isinstance(request.source, Indexed):
        raise InvalidInputError(
            f"this call reads samples by their index, but data is {type(data).__name__}, a stream; "
            "pass a Dataset with __len__ and __getitem__"
        )
    return replace(request, notes=Notes())


def _check_model(model: Any) -> None:
    if not isinstance(model, nn.Module):
        raise InvalidInputError(
            f"model must be a torch.nn.Module, got {type(model).__name__}; pass the trained "
            "network itself: the model that loaded a state_dict, or an instance of a class"
        )


def _check_whole(name: str, value: Any, lowest: int, otherwise: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
        raise InvalidInputError(
            f"{name}={value!r} must be a whole number of at least {lowest}{otherwise}"
        )


def _check_call(call: Any) -> None:
    is_number = isinstance(call, int) and not isinstance(call, bool) and call >= 0
    if call is not None and call not in ("first", "last") and not is_number:
        raise InvalidInputError(
            f"call={call!r} must be 'first', 'last' or the number of the call from 0"
        )


def _check_choice(name: str, word: Any, words: tuple[str, str]) -> None:
    if word not in words:
        near = did_you_mean(word, words)
        raise InvalidInputError(f"{name}={word!r} must be {words[0]!r} or {words[1]!r}{near}")


def _check_has_weights(model: nn.Module) -> None:
    tensors = list(model.parameters())
    if tensors and all(tensor.is_meta for tensor in tensors):
        raise InvalidInputError(
            "model is on the meta device and has no weights; load them, "
            "for example model.to_empty(device='cpu') and load_state_dict"
        )


def _find_layers(
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


def _as_actors(actors: Any, num_gpus: Any, device: str | torch.device | None) -> Actors:
    if actors is not None:
        _check_whole("actors", actors, 1, ", or None for as many as the cluster has room for")
    if isinstance(num_gpus, bool) or not isinstance(num_gpus, (int, float)) or not num_gpus >= 0:
        raise InvalidInputError(
            f"num_gpus={num_gpus!r} must be the number of GPUs of each actor, such as 1 or 0.5"
        )
    if device is None:
        return Actors(actors, num_gpus, "cuda" if num_gpus else "cpu")
    try:  # only the name is checked: the machines of the actors may have other devices
        return Actors(actors, num_gpus, str(torch.device(device)))
    except (RuntimeError, TypeError) as error:
        raise InvalidInputError(f"device={device!r} is not a torch device: {error}") from error


def _as_device(device: str | torch.device) -> torch.device:
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InvalidInputError(
            f"device={device!r} cannot be used: {error}; pass device='cpu'"
        ) from error
    return found


def _as_dtype(dtype: str | torch.dtype | None) -> torch.dtype | None:
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if dtype is not None and found not in DTYPES.values():
        raise InvalidInputError(
            f"dtype={dtype!r} must be 'bf16' or 'fp16', or None for no autocast"
        )
    return found


def _check_source(source: Source, *, on_ray: bool, has_store: bool) -> None:
    if isinstance(source, Indexed):
        return
    if on_ray and not isinstance(source, RayRows):
        raise InvalidInputError(
            "executor='ray' requires samples with an index, but data is an iterable dataset; pass "
            "a Dataset with __len__ and __getitem__, or a ray.data.Dataset"
        )
    if has_store:
        kind = "Ray datasets" if isinstance(source, RayRows) else "iterable datasets"
        raise InvalidInputError(
            f"{kind} cannot be resumed, so store= is refused; pass a Dataset with __len__ and "
            "__getitem__, or store=None"
        )
