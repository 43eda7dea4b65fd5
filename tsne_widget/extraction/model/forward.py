"""Run the model on one batch: features of the requested layers, and logits, in host memory."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsne_widget._notes import Notes
from tsne_widget.errors import ExtractionError, TsneWidgetError
from tsne_widget.extraction.data.fields import Inputs, input_remedy
from tsne_widget.extraction.model.capture import (
    Activations,
    Call,
    captured,
    device_of,
    has_generators,
    random_state,
)
from tsne_widget.extraction.model.inference import Inference, Logits
from tsne_widget.extraction.model.layers import Layer
from tsne_widget.extraction.model.outputs import Output, as_matrix, chosen_item, matrices_in
from tsne_widget.extraction.model.pooling import Pool, Select, pool_note, pool_rows, select_tensor
from tsne_widget.extraction.model.relations import rounding_of
from tsne_widget.extraction.model.repeat import note_difference
from tsne_widget.extraction.model.structure import item_at
from tsne_widget.extraction.model.trace import traced


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
    pool, select, call, output
        As in :func:`tsne_widget.extract`.
    dtype : torch.dtype or None
        Autocast to this type.
    channels_last : bool
        Whether pictures have the memory layout channels last; the weights keep their layout.
    logits : Logits, optional
        Where the logits are; None lets the first batch determine it.
    """

    layers: Sequence[Layer | None]
    pool: Pool = "auto"
    select: Select = None
    call: Call = None
    dtype: torch.dtype | None = None
    channels_last: bool = False
    output: Output = None
    logits: Logits | None = None


class ForwardPass:
    """Runs a model on batches and reads the requested layers. Use it as a context manager.

    Parameters
    ----------
    model : Module
        In eval mode, gradients off: see :func:`~tsne_widget.extraction.model.capture.eval_mode`.
    reading : Reading
    notes : Notes, optional
        Gets what the first batch infers and cannot verify.
    """

    def __init__(self, model: nn.Module, reading: Reading, notes: Notes | None = None) -> None:
        self.model = model
        self.reading = reading
        self.layers: list[Layer] = []
        self.logits = reading.logits
        self._notes = Notes() if notes is None else notes
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
        for layer in self.layers:
            number = self.reading.call if layer.call is None else layer.call
            is_told = number is not None and (layer.call is None or number != "last")
            call = f"call={number}" if is_told else ""
            pool = pool_note(self._ndim[layer], self._pool(layer))
            notes = [note for note in (call, pool) if note]
            names.append(f"{layer}[{', '.join(notes)}]" if notes else str(layer))
        return names

    def resolved(self) -> Reading:
        """For a worker: the reading, with the layers and logits found in the first batch."""
        if not self.layers:
            return self.reading
        return replace(self.reading, layers=tuple(self.layers), logits=self.logits)

    def __call__(self, inputs: Inputs, ids: Sequence[int]) -> Outputs:
        """The outputs of a batch of samples.

        Raises
        ------
        LayerNotFoundError
            If the penultimate features are requested and the head is not found.
        ExtractionError
            If the model fails, or a layer does not run or does not give one row per sample.
        """
        self._rows = len(ids)
        if not self.layers and self.logits is None:
            return self._first(inputs, ids)
        if not self.layers:
            self.layers = [layer for layer in self.reading.layers if layer is not None]
            self._install_hooks()
        self._activations.clear()
        output = self.run(inputs, ids)
        return self._outputs(self._activations, self._logits_in(output))

    def _first(self, inputs: Inputs, ids: Sequence[int]) -> Outputs:
        """The outputs of the first batch, which determines the layer and the logits."""
        named = [layer for layer in self.reading.layers if layer is not None]
        before = random_state(device_of(self.model))
        with ExitStack() as stack:
            activations = stack.enter_context(self._captured(named))
            trace = stack.enter_context(traced(self.model, len(ids)))
            output = self.run(inputs, ids)
        found = Inference(
            self.model,
            trace,
            output,
            len(ids),
            self.reading.output,
            self._rounding(output),
            self._notes,
            lambda: self.run(inputs, ids),
        )
        for layer in self.reading.layers:
            if layer is None:
                place = found.place()
                layer = place.layer
                activations.calls[layer] = place.calls
                activations.values[layer] = self._read(layer, place.value)
            else:
                found.note_requested(layer, activations.values.get(layer))
            self.layers.append(layer)
        self.logits = found.logits
        outputs = self._outputs(activations, self._logits_in(output))
        if has_generators(self.model) or before != random_state(device_of(self.model)):
            rows = found.rows()
            if rows is not None:
                note_difference(rows, found.rows_of(self.run(inputs, ids)), self._notes)
        self._install_hooks()
        return outputs

    def _captured(self, layers: Sequence[Layer]) -> AbstractContextManager[Activations]:
        return captured(self.model, layers, self._read, self.reading.call)

    def _install_hooks(self) -> None:
        """Install hooks on the layers for all further batches."""
        layers = list(dict.fromkeys(self.layers))
        self._activations = self._hooks.enter_context(self._captured(layers))

    def _rounding(self, output: Any) -> float:
        tensors = [item.rows for item in matrices_in(output, self._rows)]
        tensors += [p for p in self.model.parameters() if p.is_floating_point()][:1]
        if self.reading.dtype is not None:
            tensors.append(torch.empty(0, dtype=self.reading.dtype))
        return rounding_of(*tensors)

    def _logits_in(self, output: Any) -> Tensor | None:
        """The (n, c) float32 logits in the output of a batch."""
        logits = self.logits
        if logits is None or logits.path is None:
            return None
        if self.reading.output is not None:
            return chosen_item(output, self.reading.output, self._rows).rows.float()
        try:
            rows = as_matrix(item_at(output, logits.path), self._rows)
        except (LookupError, TypeError, AttributeError):
            return None
        return None if rows is None else rows.float()

    def _pool(self, layer: Layer) -> Pool:
        is_own = layer.pool is not None and self.reading.pool == "auto"
        return layer.pool if is_own and layer.pool is not None else self.reading.pool

    def _read(self, layer: Layer, value: Any) -> Tensor:
        if layer.item:
            value = _item(value, layer)
        tensor = select_tensor(value, self.reading.select, str(layer))
        self._ndim[layer] = tensor.ndim
        return pool_rows(tensor, self._pool(layer), self._rows, str(layer))

    def run(self, inputs: Inputs, ids: Sequence[int]) -> Any:
        """The model's own output for a batch.

        Raises
        ------
        ExtractionError
            If the model fails.
        """
        moved = self.to_model(inputs)
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

    def to_model(self, inputs: Inputs) -> Inputs:
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
        features = [activations.value(layer, self.reading.call) for layer in self.layers]
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


def _item(output: Any, layer: Layer) -> Any:
    try:
        return item_at(output, layer.item)
    except (LookupError, TypeError, AttributeError) as error:
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
