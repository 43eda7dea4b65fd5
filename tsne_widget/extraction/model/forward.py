"""Run the model on one batch: features of the requested layers, and logits, in host memory."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsne_widget.errors import ExtractionError, LayerNotFoundError, TsneWidgetError
from tsne_widget.extraction.data.fields import Inputs, input_remedy
from tsne_widget.extraction.model.capture import Activations, Call, captured, device_of
from tsne_widget.extraction.model.layers import Layer, likely_layers
from tsne_widget.extraction.model.logits import find_logits
from tsne_widget.extraction.model.pooling import Pool, Select, pool_note, pool_rows, select_tensor


@dataclass(frozen=True)
class Outputs:
    """Features and logits of one batch; a GPU may still be copying them to host memory."""

    _features: tuple[Tensor, ...]
    _logits: Tensor | None
    _ready: torch.cuda.Event | None

    def arrays(self) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32] | None]:
        """(m, d) float32 features of each layer, and the (m, c) float32 logits or None."""
        if self._ready is not None:
            self._ready.synchronize()
        logits = None if self._logits is None else self._logits.numpy()
        return tuple(tensor.numpy() for tensor in self._features), logits


@dataclass(frozen=True)
class Reading:
    """What to read from a model, and how to run it.

    Attributes
    ----------
    layers : sequence of Layer or None
        None stands for the penultimate features, whose layer the first batch determines.
    pool, select, call
        As in :func:`tsne_widget.extract`.
    dtype : torch.dtype or None
        Autocast to this type.
    channels_last : bool
        Whether pictures have the memory layout channels last; the weights keep their layout.
    """

    layers: Sequence[Layer | None]
    pool: Pool = "auto"
    select: Select = None
    call: Call = None
    dtype: torch.dtype | None = None
    channels_last: bool = False


class ForwardPass:
    """Runs a model on batches and reads the requested layers. Use it as a context manager.

    Parameters
    ----------
    model : Module
        In eval mode, gradients off: see :func:`~tsne_widget.extraction.model.capture.eval_mode`.
    reading : Reading
    """

    def __init__(self, model: nn.Module, reading: Reading) -> None:
        self.model = model
        self.reading = reading
        self.layers: list[Layer] = []
        self._rows = 0
        self._ndim: dict[Layer, int] = {}
        self._hooks = ExitStack()
        self._activations = Activations()

    def __enter__(self) -> ForwardPass:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove_hooks()

    def remove_hooks(self) -> None:
        """Remove the hooks from the model; afterwards only :meth:`names` works."""
        self._hooks.close()

    @property
    def is_asynchronous(self) -> bool:
        """Whether a call returns before the outputs of its batch have arrived."""
        return device_of(self.model).type == "cuda"

    def names(self) -> list[str]:
        """The name of each layer for the record, with the call and the pooling if they matter."""
        names = []
        for layer, requested in zip(self.layers, self.reading.layers, strict=True):
            has_call = self.reading.call is not None and requested is not None
            call = f"call={self.reading.call}" if has_call else ""
            pool = pool_note(self._ndim[layer], self.reading.pool)
            notes = [note for note in (call, pool) if note]
            names.append(f"{layer}[{', '.join(notes)}]" if notes else str(layer))
        return names

    def __call__(self, inputs: Inputs, ids: Sequence[int]) -> Outputs:
        """The outputs of a batch of samples.

        Raises
        ------
        LayerNotFoundError
            If the penultimate features are requested and no Linear layer ran.
        ExtractionError
            If the model fails, or a layer does not run or does not give one row per sample.
        """
        self._rows = len(ids)
        if not self.layers:
            return self._first(inputs, ids)
        self._activations.clear()
        output = self._run(inputs, ids)
        return self._outputs(self._activations, find_logits(output, len(ids)))

    def _first(self, inputs: Inputs, ids: Sequence[int]) -> Outputs:
        """The outputs of the first batch, which determines the penultimate layer."""
        named = [layer for layer in self.reading.layers if layer is not None]
        heads = _possible_heads(self.model) if None in self.reading.layers else {}
        with ExitStack() as stack:
            enter = stack.enter_context
            activations = enter(captured(self.model, named, self._read, self.reading.call))
            candidates = enter(captured(self.model, list(heads), _copied, "last"))
            output = self._run(inputs, ids)
        logits = find_logits(output, len(ids))
        for layer in self.reading.layers:
            if layer is None:
                layer = _penultimate(self.model, output, logits, candidates, heads)
                value = output[1] if layer.item is not None else candidates.values[layer]
                activations.calls[layer] = 1
                activations.values[layer] = self._read(layer, value, is_whole=False)
            self.layers.append(layer)
        outputs = self._outputs(activations, logits)
        self._install_hooks(named)
        return outputs

    def _install_hooks(self, named: list[Layer]) -> None:
        """Install hooks on the layers for all further batches."""
        pairs = zip(self.layers, self.reading.layers, strict=True)
        found = [layer for layer, requested in pairs if requested is None and layer not in named]
        enter = self._hooks.enter_context
        activations = enter(captured(self.model, named, self._read, self.reading.call))
        # The penultimate features are always those of the layer's last call.
        last = enter(captured(self.model, found, self._read, "last"))
        last.calls, last.values = activations.calls, activations.values
        last.order = activations.order
        self._activations = activations

    def _read(self, layer: Layer, value: Any, *, is_whole: bool = True) -> Tensor:
        if is_whole and layer.item is not None:
            value = _item(value, layer)
        tensor = select_tensor(value, self.reading.select, str(layer))
        self._ndim[layer] = tensor.ndim
        return pool_rows(tensor, self.reading.pool, self._rows, str(layer))

    def _run(self, inputs: Inputs, ids: Sequence[int]) -> Any:
        moved = self._to_model(inputs)
        try:
            with self._autocast():
                return self.model(*moved.args, **moved.kwargs)
        except TsneWidgetError:
            raise
        except Exception as error:
            raise ExtractionError(
                f"the model failed on the batch of ids {ids[0]} … {ids[-1]}, input {inputs}: "
                f"{type(error).__name__}: {error}; {_remedy(error, inputs)}"
            ) from error

    def _to_model(self, inputs: Inputs) -> Inputs:
        """The inputs on the model's device; floating-point inputs also in its dtype."""
        device = device_of(self.model)
        weights = next((p for p in self.model.parameters() if p.is_floating_point()), None)
        dtype = None if weights is None else weights.dtype

        def moved(tensor: Tensor) -> Tensor:
            cast = dtype if tensor.is_floating_point() else None
            layout = (
                torch.channels_last
                if self.reading.channels_last and tensor.ndim == 4
                else torch.preserve_format
            )
            return tensor.to(device=device, dtype=cast, non_blocking=True, memory_format=layout)

        return Inputs(
            tuple(moved(tensor) for tensor in inputs.args),
            {name: moved(tensor) for name, tensor in inputs.kwargs.items()},
        )

    def _autocast(self) -> AbstractContextManager[object]:
        if self.reading.dtype is None:
            return nullcontext()
        return torch.autocast(device_of(self.model).type, dtype=self.reading.dtype)

    def _outputs(self, activations: Activations, logits: Tensor | None) -> Outputs:
        pairs = zip(self.layers, self.reading.layers, strict=True)
        features = [
            activations.value(layer, "last" if requested is None else self.reading.call)
            for layer, requested in pairs
        ]
        return Outputs(
            tuple(_to_host(tensor) for tensor in features),
            None if logits is None else _to_host(logits),
            _event(features[0].device),
        )


def parameter_names(model: nn.Module) -> frozenset[str]:
    """Names of the parameters of ``model.forward``; empty if it has no signature."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return frozenset(p.name for p in parameters if p.kind not in variable)


def _possible_heads(model: nn.Module) -> dict[Layer, int]:
    """The input of each Linear and each 1×1 convolution, with the width of its output."""
    heads = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not isinstance(module, torch.jit.ScriptModule):
            heads[Layer(name, reads_input=True)] = module.out_features
        elif isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            heads[Layer(name, reads_input=True)] = module.out_channels
    return heads


def _penultimate(
    model: nn.Module,
    output: Any,
    logits: Tensor | None,
    candidates: Activations,
    heads: Mapping[Layer, int],
) -> Layer:
    """The layer of the penultimate features: ``output[1]``, or the input of the classifier's head.

    The head is the last Linear that ran and is as wide as the logits. Without one it is the last
    1×1 convolution of that width (SqueezeNet has no Linear), then the last Linear of any width.
    """
    if _is_output_and_features(output):
        return Layer("", item=1)
    width = None if logits is None else logits.shape[1]
    modules = dict(model.named_modules())
    order = candidates.order
    linear = [layer for layer in order if isinstance(modules[layer.name], nn.Linear)]
    as_wide = [layer for layer in order if heads[layer] == width]
    for choices in ([layer for layer in linear if layer in as_wide], as_wide, linear):
        if choices:
            return choices[-1]
    scripted = any(isinstance(module, torch.jit.ScriptModule) for module in model.modules())
    remedy = "pass the model it was scripted from" if scripted else "pass layer="
    raise LayerNotFoundError(
        f"no Linear layer ran, so the penultimate features are unknown; {remedy}, "
        f"for example one of {likely_layers(model)}"
    )


def _is_output_and_features(output: Any) -> bool:
    return (
        isinstance(output, (tuple, list))
        and len(output) == 2
        and all(isinstance(item, Tensor) and item.ndim == 2 for item in output)
        and len(output[0]) == len(output[1])
        and output[0].shape[1] != output[1].shape[1]
    )


def _to_host(tensor: Tensor) -> Tensor:
    """The tensor in host memory; from a GPU it has arrived after the event of :func:`_event`."""
    if tensor.device.type != "cuda":
        return tensor.cpu()
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return host.copy_(tensor, non_blocking=True)


def _event(device: torch.device) -> torch.cuda.Event | None:
    if device.type != "cuda":
        return None
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # untyped in torch
    event.record(torch.cuda.current_stream(device))
    return event


def _copied(layer: Layer, value: Any) -> Tensor:
    return value.detach().clone() if isinstance(value, Tensor) else torch.empty(0)


def _item(output: Any, layer: Layer) -> Any:
    try:
        return output[layer.item]
    except (LookupError, TypeError) as error:
        raise ExtractionError(
            f"layer={str(layer)!r} does not fit the model's output of type {type(output).__name__}"
        ) from error


def _remedy(error: Exception, inputs: Inputs) -> str:
    text = str(error)
    if isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in text:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return f"pass a smaller batch_size, for example batch_size={max(1, len(inputs) // 2)}"
    if isinstance(error, TypeError) and "required positional argument" in text:
        return (
            "the model takes several inputs: let the samples be dictionaries whose keys are the "
            "parameters of its forward"
        )
    return input_remedy(inputs) or (
        "check that the dataset's transform and shape are those of the training"
    )
