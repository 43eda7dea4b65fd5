"""The model on one batch: features of the wanted layers and logits, as rows in host memory."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsne_widget.errors import ExtractionError, LayerNotFoundError, TsneWidgetError
from tsne_widget.extraction.capture import Call, Captured, captured, device_of
from tsne_widget.extraction.forms import Inputs
from tsne_widget.extraction.layers import Layer, likely_layers
from tsne_widget.extraction.pooling import Pool, Select, pool_note, pooled, select_tensor

LOWEST = float(np.finfo(np.float32).min)  # stands for a logit of minus infinity: a masked class


@dataclass(frozen=True)
class Outputs:
    """What the model made of one batch of m samples.

    Attributes
    ----------
    features : tuple of (m, d) float32 arrays
        One for each wanted layer.
    logits : (m, c) float32 array or None
        None when the model's output is no matrix with one row per sample.
    """

    features: tuple[NDArray[np.float32], ...]
    logits: NDArray[np.float32] | None


@dataclass
class ForwardPass:
    """Runs a model and reads the wanted layers.

    Attributes
    ----------
    model : Module
        In eval mode, gradients off: see :func:`~tsne_widget.extraction.capture.evaluating`.
    wanted : sequence of Layer or None
        None stands for the penultimate features, which the first batch shows.
    pool, select, call
        As in :func:`tsne_widget.extract`.
    layers : list of Layer
        Empty until the first batch; then one for each wanted layer.
    """

    model: nn.Module
    wanted: Sequence[Layer | None]
    pool: Pool = "auto"
    select: Select = None
    call: Call = None
    layers: list[Layer] = field(default_factory=list)
    _rows: int = 0
    _ndim: dict[Layer, int] = field(default_factory=dict)

    def names(self) -> list[str]:
        """What the record says of each layer: its name, and the call and pooling if they matter."""
        names = []
        for layer, wanted in zip(self.layers, self.wanted, strict=True):
            call = f"call={self.call}" if self.call is not None and wanted is not None else ""
            notes = [note for note in (call, pool_note(self._ndim[layer], self.pool)) if note]
            names.append(f"{layer}[{', '.join(notes)}]" if notes else str(layer))
        return names

    def first(self, inputs: Inputs, ids: Sequence[int]) -> Outputs:
        """The outputs of the first batch, after which ``layers`` are known.

        Raises
        ------
        LayerNotFoundError
            If the penultimate features are wanted and no Linear layer ran.
        ExtractionError
            If the model fails, or a layer does not run or gives no rows.
        """
        named = [layer for layer in self.wanted if layer is not None]
        heads = _possible_heads(self.model) if None in self.wanted else {}
        n = len(ids)
        self._rows = n
        with ExitStack() as stack:
            seen = stack.enter_context(captured(self.model, named, self._read, self.call))
            ran = stack.enter_context(captured(self.model, list(heads), _copied, "last"))
            output = self._run(inputs, ids)
        logits = _logits(output, n)
        for layer in self.wanted:
            if layer is None:
                layer = _penultimate(self.model, output, logits, ran, heads)
                value = output[1] if layer.item is not None else ran.values[layer]
                seen.calls[layer] = 1
                seen.values[layer] = self._read(layer, value, whole=False)
            self.layers.append(layer)
        return self._outputs(seen, logits)

    @contextmanager
    def reading(self) -> Iterator[Captured]:
        """Hooks on ``layers`` for all batches after the first."""
        with ExitStack() as stack:
            # The penultimate layer is by definition the last that ran: no question which call.
            found = [
                layer
                for layer, wanted in zip(self.layers, self.wanted, strict=True)
                if wanted is None
            ]
            named = [layer for layer in self.wanted if layer is not None]
            seen = stack.enter_context(captured(self.model, named, self._read, self.call))
            last = stack.enter_context(captured(self.model, found, self._read, "last"))
            last.calls, last.values, last.last_run = seen.calls, seen.values, seen.last_run
            yield seen

    def further(self, inputs: Inputs, ids: Sequence[int], seen: Captured) -> Outputs:
        """The outputs of a batch after the first, inside :meth:`reading`.

        Raises
        ------
        ExtractionError
            As for the first batch.
        """
        seen.clear()
        self._rows = len(ids)
        return self._outputs(seen, _logits(self._run(inputs, ids), self._rows))

    def _read(self, layer: Layer, value: Any, *, whole: bool = True) -> Tensor:
        if whole and layer.item is not None:
            value = _item(value, layer)
        tensor = select_tensor(value, self.select, str(layer))
        self._ndim[layer] = tensor.ndim
        return pooled(tensor, self.pool, self._rows, str(layer))

    def _run(self, inputs: Inputs, ids: Sequence[int]) -> Any:
        fitting = self._fitting(inputs)
        try:
            return self.model(*fitting.args, **fitting.kwargs)
        except TsneWidgetError:
            raise
        except Exception as error:
            raise ExtractionError(
                f"the model failed on the batch of ids {ids[0]} … {ids[-1]}, input {inputs}: "
                f"{type(error).__name__}: {error}; {_hint(error, inputs)}"
            ) from error

    def _fitting(self, inputs: Inputs) -> Inputs:
        """Inputs on the model's device, floating ones in its dtype."""
        device = device_of(self.model)
        weights = next((p for p in self.model.parameters() if p.is_floating_point()), None)
        dtype = None if weights is None else weights.dtype

        def moved(tensor: Tensor) -> Tensor:
            cast = dtype if tensor.is_floating_point() else None
            return tensor.to(device=device, dtype=cast, non_blocking=True)

        return Inputs(
            tuple(moved(tensor) for tensor in inputs.args),
            {name: moved(tensor) for name, tensor in inputs.kwargs.items()},
        )

    def _outputs(self, seen: Captured, logits: Tensor | None) -> Outputs:
        calls = ["last" if wanted is None else self.call for wanted in self.wanted]
        features = [
            seen.value(layer, call).cpu().numpy()
            for layer, call in zip(self.layers, calls, strict=True)
        ]
        return Outputs(tuple(features), None if logits is None else _as_two_columns(logits))


def parameter_names(model: nn.Module) -> frozenset[str]:
    """Names of the parameters of ``model.forward``; empty where they cannot be told."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return frozenset(p.name for p in parameters if p.kind not in variable)


def _possible_heads(model: nn.Module) -> dict[Layer, int]:
    """Inputs of each Linear and each 1×1 convolution, with the width of its output."""
    heads = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not isinstance(module, torch.jit.ScriptModule):
            heads[Layer(name, reads_input=True)] = module.out_features
        elif isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            heads[Layer(name, reads_input=True)] = module.out_channels
    return heads


def _penultimate(
    model: nn.Module, output: Any, logits: Tensor | None, ran: Captured, heads: Mapping[Layer, int]
) -> Layer:
    """Where the penultimate features are: ``output[1]``, or what goes into the classifier's head.

    The head is the last Linear that ran as wide as the logits; then the last such 1×1 convolution
    (SqueezeNet has no Linear); then the last Linear of any width.
    """
    if _is_output_and_features(output):
        return Layer("", item=1)
    width = None if logits is None else logits.shape[1]
    modules = dict(model.named_modules())
    order = ran.last_run
    linear = [layer for layer in order if isinstance(modules[layer.name], nn.Linear)]
    as_wide = [layer for layer in order if heads[layer] == width]
    for candidates in ([layer for layer in linear if layer in as_wide], as_wide, linear):
        if candidates:
            return candidates[-1]
    scripted = any(isinstance(module, torch.jit.ScriptModule) for module in model.modules())
    remedy = "pass the model it was scripted from" if scripted else "pass layer="
    raise LayerNotFoundError(
        f"no Linear layer ran, so the penultimate features cannot be found; {remedy}, "
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


def _logits(output: Any, n: int) -> Tensor | None:
    """The (n, c) logits in a model's output, or None if it has none."""
    if isinstance(output, Mapping) and "logits" in output:
        output = output["logits"]
    elif isinstance(getattr(output, "logits", None), Tensor):
        output = output.logits
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, Tensor) or not output.is_floating_point() or output.is_nested:
        return None
    if output.ndim == 0 or len(output) != n or (output.ndim > 2 and output.shape[2:].numel() != 1):
        return None
    return output.detach().reshape(n, -1).to(torch.float32)


def _as_two_columns(logits: Tensor) -> NDArray[np.float32]:
    """Logits in host memory; the one logit z of a binary classifier as [0, z]."""
    rows: NDArray[np.float32] = logits.cpu().numpy()
    if rows.shape[1] == 1:
        rows = np.hstack([np.zeros_like(rows), rows])
    bounded: NDArray[np.float32] = np.maximum(rows, np.float32(LOWEST))  # NaN stays NaN
    return bounded


def _copied(layer: Layer, value: Any) -> Tensor:
    return value.detach().clone() if isinstance(value, Tensor) else torch.empty(0)


def _item(output: Any, layer: Layer) -> Any:
    try:
        return output[layer.item]
    except (LookupError, TypeError) as error:
        raise ExtractionError(
            f"layer={str(layer)!r} does not fit the model's output, a {type(output).__name__}"
        ) from error


def _hint(error: Exception, inputs: Inputs) -> str:
    text = str(error)
    if isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in text:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return f"pass a smaller batch_size, for example batch_size={max(1, len(inputs) // 2)}"
    if not inputs.tensors[0].is_floating_point():
        return (
            "these are integers: convert them as in training, for example x.float() / 255, "
            "then normalise"
        )
    return "give the model what it was trained on: check the dataset's transform and shape"
