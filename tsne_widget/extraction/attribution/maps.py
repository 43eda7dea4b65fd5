"""Maps of gradient × activation for batches of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsne_widget._probabilities import Activation as Probabilities
from tsne_widget.errors import ExtractionError, TsneWidgetError
from tsne_widget.extraction.attribution.covering import Covered, cover
from tsne_widget.extraction.attribution.layout import (
    Layout,
    layout_of_map,
    layout_of_picture,
    layout_of_tokens,
)
from tsne_widget.extraction.attribution.recorder import Activation, Recorder
from tsne_widget.extraction.attribution.rows import repeated, telling_count, with_pictures
from tsne_widget.extraction.attribution.scores import Target, classes_of, logits_of, score_of
from tsne_widget.extraction.data.fields import Inputs
from tsne_widget.extraction.model.capture import captured, device_of
from tsne_widget.extraction.model.forward import ForwardPass, Reading
from tsne_widget.extraction.model.inference import Logits
from tsne_widget.extraction.model.layers import Layer
from tsne_widget.extraction.model.logits import classes_of as classes_of_width
from tsne_widget.extraction.model.outputs import Output
from tsne_widget.extraction.model.structure import tensors_in

# Samples of the batch that shows where the logits and the last places are.
FIRST_SAMPLES = 8

_PICTURE = Layer("", reads_input=True)


@dataclass(frozen=True)
class Found:
    """What the first batch shows about a model. It does not refer to the model.

    Attributes
    ----------
    logits : Logits
    layer : str
        Name of the activation.
    number : int or None
        Its number among those that :class:`Recorder` records; None for the picture itself.
    classes : int
        Number of logits.
    """

    logits: Logits
    classes: int
    layer: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Maps:
    """The evidence in m pictures.

    Attributes
    ----------
    values : (m, h, w) float32 array
        Their sum over the places of a picture approximates the score.
    logits : (m, c) float32 array
    for_class, against : (m,) int64 array
        Codes of the classes, −1 for none.
    """

    values: NDArray[np.float32]
    logits: NDArray[np.float32]
    for_class: NDArray[np.int64]
    against: NDArray[np.int64]


class MapMaker:
    """Makes maps of evidence with one model. Its weights need no gradient.

    Parameters
    ----------
    model : Module
        In eval mode.
    layer : Layer or None
        None takes the last activation that has places of the picture through which the logits
        change.
    output : int, str, tuple, callable or None
        As in :func:`tsne_widget.extract`.
    found : Found, optional
        What an earlier maker of the same model has found.
    smooth : float
        0 … 1, as in :func:`~tsne_widget.evidence`.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: Layer | None = None,
        output: Output = None,
        found: Found | None = None,
        smooth: float = 0.0,
    ) -> None:
        self._model, self._layer, self._output, self._smooth = model, layer, output, smooth
        self._forward = ForwardPass(model, Reading([_PICTURE], pool="flatten", output=output))
        self.found = found

    def learn(self, inputs: Inputs, ids: Sequence[int]) -> Found:
        """Find the logits and the layer with a batch of pictures.

        Raises
        ------
        ExtractionError
            If the model fails, gives no logits, or none of its activations has places.
        """
        if self.found is None:
            with self._forward as forward:
                logits = forward(inputs, ids).arrays()[1]
            assert forward.logits is not None  # noqa: S101 - the call has found them
            width = 0 if logits is None else logits.shape[1]
            self.found = Found(forward.logits, classes_of_width(width))
            if self._layer is None:
                self.found = self._learned(inputs, ids, self.found)
        return self.found

    def __call__(
        self,
        inputs: Inputs,
        ids: Sequence[int],
        labels: NDArray[np.int64] | None,
        target: Target,
    ) -> Maps:
        """The maps of a batch.

        Raises
        ------
        ExtractionError
            If the model fails, or no gradient reaches the layer.
        """
        found = self.learn(inputs, ids)
        picture, given = self._with_gradient(inputs)
        with self._graph(picture), ExitStack() as stack:
            number = -1 if found.number is None or self._layer is not None else found.number
            recorder = stack.enter_context(self._recorder(picture, only=number))
            values: dict[Layer, Tensor] = {}
            if self._layer is not None:
                read = captured(self._model, [self._layer], _first_tensor, "last")
                values = stack.enter_context(read).values
            output = self._forward.run(given, ids)
            logits = logits_of(output, found.logits, self._output, len(given))[: len(ids)]
            stack.close()
            scores = logits.detach().cpu().numpy()
            for_class, against = classes_of(scores, labels, target)
            if self._layer is not None:
                activation = _named(self._layer, values, recorder, picture)
            else:
                activation = self._activation(recorder, picture, found)
            [gradient] = _gradients(score_of(logits, for_class, against), [activation.tensor])
            product = _product(activation, gradient, self._smooth)[: len(ids)]
            return Maps(product, scores, for_class, against)

    def covered(
        self, inputs: Inputs, made: Maps, activation: Probabilities = "softmax"
    ) -> Covered | None:
        """The test of the map of the first sample of a batch; None if the sample is no picture.

        Parameters
        ----------
        inputs : Inputs
        made : Maps
            The maps of the batch.
        activation : {"softmax", "sigmoid"}
            Turns logits into probabilities.
        """
        moved = self._forward.to_model(inputs)
        first = moved.tensors[0]
        layout, code = layout_of_picture(first), int(made.for_class[0])
        if layout is None or not first.is_floating_point() or code < 0 or self.found is None:
            return None
        axis = layout.channels
        picture = first[:1] if axis is None else first.movedim(axis, 1)[0]
        logits, output = self.found.logits, self._output

        def run(pictures: Tensor) -> Tensor:
            given = pictures[:, 0] if axis is None else pictures.movedim(1, axis)
            answer = self._forward.run(with_pictures(moved, given), [0])
            return logits_of(answer, logits, output, len(given))

        return cover(run, picture, made.values[0], code, activation)

    def _learned(self, inputs: Inputs, ids: Sequence[int], found: Found) -> Found:
        """The last activation with places through which the difference of two logits changes."""
        picture, given = self._with_gradient(inputs)
        with self._graph(picture):
            with self._recorder(picture) as recorder:
                output = self._forward.run(given, ids)
            logits = logits_of(output, found.logits, self._output, len(given))
            score = score_of(logits, *classes_of(logits.detach().cpu().numpy(), None, "difference"))
            own = _picture(picture)
            known = [(n, one) for n, one in enumerate(recorder.found) if one is not None]
            places = [*([] if own is None else [(None, own)]), *known]
            gradients = _gradients(score, [one.tensor for _, one in places])
        for (number, one), gradient in reversed(list(zip(places, gradients, strict=True))):
            if gradient is not None and bool(one.layout.places(gradient.abs()).any()):
                return Found(found.logits, found.classes, one.name, number)
        raise ExtractionError(
            f"no activation with places of the picture reaches the logits, input {inputs}; "
            "pass layer=, the name of a module that gives maps (n, c, h, w) or tokens (n, t, c)"
        )

    def _activation(self, recorder: Recorder, picture: Tensor, found: Found) -> Activation:
        own = _picture(picture)
        if found.number is None and own is not None:
            return own
        kept = recorder.found[found.number or 0 :][:1]
        if found.number is None or not kept or kept[0] is None:
            raise ExtractionError(
                f"the model ran other layers than before, so {found.layer!r} is not found in it; "
                "pass layer="
            )
        return kept[0]

    def _recorder(self, picture: Tensor, only: int | None = None) -> Recorder:
        own = layout_of_picture(picture)
        size = (0, 0) if own is None else (own.height, own.width)
        return Recorder(self._model, len(picture), size, only)

    def _with_gradient(self, inputs: Inputs) -> tuple[Tensor, Inputs]:
        """The picture, which a gradient can reach, and the inputs with it.

        Rows may be repeated after the batch, see :func:`telling_count`.
        """
        moved = repeated(self._forward.to_model(inputs), telling_count(self._model, len(inputs)))
        picture = moved.tensors[0].detach()
        if not picture.is_floating_point():
            return picture, moved
        picture.requires_grad_()
        with torch.enable_grad():
            copy = picture.clone()  # the model may change its input in place
        return picture, with_pictures(moved, copy)

    @contextmanager
    def _graph(self, picture: Tensor) -> Iterator[None]:
        """A block in which the model's operations are recorded for gradients."""
        frozen: list[nn.Parameter] = []
        if not picture.requires_grad:  # a picture of integers: the weights start the graph
            weights = (p for p in self._model.parameters() if not p.requires_grad)
            frozen = [p for p in weights if p.is_floating_point() and not p.is_inference()]
        try:
            for parameter in frozen:
                parameter.requires_grad_()
            with torch.enable_grad(), _recurrent(self._model):
                yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(False)


def _recurrent(model: nn.Module) -> AbstractContextManager[object]:
    """cuDNN has no gradient of recurrent layers in eval mode."""
    has_any = any(isinstance(module, nn.RNNBase) for module in model.modules())
    if not has_any or device_of(model).type != "cuda":
        return nullcontext()
    plain: AbstractContextManager[object] = torch.backends.cudnn.flags(enabled=False)
    return plain


def _picture(picture: Tensor) -> Activation | None:
    layout = layout_of_picture(picture)
    if layout is None or not picture.requires_grad:
        return None
    return Activation(picture, layout, "input")


def _named(
    layer: Layer, values: dict[Layer, Tensor], recorder: Recorder, picture: Tensor
) -> Activation:
    """The activation of a layer that the caller has named."""
    if layer == _PICTURE:
        own = _picture(picture)
        if own is not None:
            return own
    tensor = values.get(layer)
    layout: Layout | None = None
    if tensor is not None and tensor.ndim == 4:
        layout = layout_of_map(tensor.shape, recorder.picture)
    elif tensor is not None and tensor.ndim == 3:
        layout = layout_of_tokens(tensor.shape, recorder.picture, recorder.grids)
    if tensor is None or layout is None:
        shape = "nothing" if tensor is None else f"shape {tuple(tensor.shape)}"
        raise ExtractionError(
            f"layer={str(layer)!r} gives {shape}, which has no places of a picture of "
            f"{recorder.picture[0]} × {recorder.picture[1]}; name a layer that gives maps "
            "(n, c, h, w) or tokens (n, t, c)"
        )
    return Activation(tensor, layout, str(layer))


def _first_tensor(layer: Layer, value: Any) -> Tensor:
    found = next((t for _, t in tensors_in(value) if t.ndim >= 3), None)
    if found is None:
        raise ExtractionError(
            f"layer={str(layer)!r} gives no maps or tokens; name a layer that gives maps "
            "(n, c, h, w) or tokens (n, t, c)"
        )
    return found


def _gradients(score: Tensor, tensors: Sequence[Tensor]) -> list[Tensor | None]:
    try:
        if not score.requires_grad or not tensors:
            return [None] * len(tensors)
        return list(torch.autograd.grad(score, tensors, allow_unused=True))
    except TsneWidgetError:
        raise
    except RuntimeError as error:
        raise ExtractionError(
            f"the model has no gradient: {error}; evidence needs a model that can be trained"
        ) from error


def _product(activation: Activation, gradient: Tensor | None, smooth: float) -> NDArray[np.float32]:
    if gradient is None:
        raise ExtractionError(
            f"no gradient of the logits reaches layer={activation.name!r}; "
            "name an earlier layer, or pass layer=None"
        )
    with torch.no_grad():
        layout, weights = activation.layout, gradient.float()
        if smooth:
            weights = torch.lerp(weights, layout.mean(weights), smooth)
        product = activation.tensor.detach().float() * weights
        values: NDArray[np.float32] = layout.places(product).cpu().numpy()
    return values
