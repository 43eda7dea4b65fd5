"""The features of a picture from outside a dataset, made as those of its samples, and verified."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tsne_widget._notes import Notes
from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.arguments import Request, request_by_index
from tsne_widget.extraction.data.fields import Inputs
from tsne_widget.extraction.data.outside import as_input, transformed
from tsne_widget.extraction.data.watching import transform_steps
from tsne_widget.extraction.model.capture import eval_mode, on_device, random_state_kept
from tsne_widget.extraction.model.forward import ForwardPass, parameter_names
from tsne_widget.extraction.model.inference import Logits
from tsne_widget.extraction.model.pooling import POOLS
from tsne_widget.feature_set import FeatureSet

# Options of the extraction that change the features.
OPTIONS = (
    "image", "label", "output", "device", "pool", "call", "select", "dtype", "channels_last",
)  # fmt: skip
# How far the features of a sample may be from the stored ones, as a share of their usual distance
# from the mean: rounding stays far below it, and a wrong normalisation is far above it.
TOLERANCE = 0.05
_SPREAD_ROWS = 2_000  # from which the usual distance is estimated
# The call and the pooling in the name of a layer, see ForwardPass.names.
_NAMED = re.compile(r"(.+?)\[(?:call=(\w+))?(?:, )?(?:pool=(.+))?\]")


class _Pair(NamedTuple):
    """A sample of the dataset and the picture from outside, as inputs of the model."""

    known: Inputs
    outside: Inputs


def outside_features(
    model: Any, data: Any, picture: Any, record: FeatureSet, options: Mapping[str, Any]
) -> NDArray[np.float32]:
    """The features of a picture from outside the dataset.

    The picture goes the way of the samples: the transform of the dataset, then the model up to the
    layer. The first sample goes the same way, and its features must be the stored ones.

    Parameters
    ----------
    model, data
        Those that the features come from; ``data`` has samples that can be read by their index.
    picture : path, PIL image, array or tensor
        As the transform of the dataset takes it. Without a transform, and for a tensor where the
        transform takes none: the input of the model for one sample.
    record : FeatureSet
    options : mapping
        Options of :func:`tsne_widget.extract`.

    Returns
    -------
    (d,) float32 array

    Raises
    ------
    InvalidInputError
        If the picture or the data cannot be used.
    ExtractionError
        If the transform or the model fails, or the first sample gets other features.
    """
    layer, noted = _layer_of(record)
    kept = {name: value for name, value in options.items() if name in OPTIONS}
    request = request_by_index(model, data, layer, noted | kept | {"batch_size": 1})
    if layer is not None:  # otherwise the logits show where the features are
        request = replace(request, reading=replace(request.reading, logits=Logits(None)))
    with random_state_kept(request.device):
        pair = _inputs(request, picture, int(record.ids[0]))
        with (
            on_device(request.model, request.moves_to),
            eval_mode(request.model),
            ForwardPass(request.model, request.reading, Notes()) as forward,
        ):
            known, outside = (forward(inputs, [0]).arrays()[0][0][0].copy() for inputs in pair)
    _verify(known, record)
    return np.asarray(outside)


def _layer_of(record: FeatureSet) -> tuple[str | None, dict[str, Any]]:
    """The name of the record's layer, and the options that its name notes."""
    found = _NAMED.fullmatch(record.layer)
    if found is None:
        return record.layer or None, {}
    name, call, pool = found.groups()
    noted: dict[str, Any] = {}
    if call:
        noted["call"] = int(call) if call.isdigit() else call
    if pool in POOLS:
        noted["pool"] = pool
    return name, noted


def _inputs(request: Request, picture: Any, id_: int) -> _Pair:
    """The first sample and the picture, both as the dataset makes its samples."""
    source: Any = request.source
    batches = source.batches([[id_]], parameter_names(request.model), skip_errors=False)
    sample = next(iter(batches)).inputs
    example = sample.tensors[0][0]
    steps = transform_steps(source.dataset, id_)
    if not steps or (isinstance(picture, Tensor) and not isinstance(steps[0].taken, Tensor)):
        return _Pair(sample, _replaced(sample, as_input(picture, example)))
    known, outside = (
        as_input(transformed(one, steps, source.dataset, id_), example)
        for one in (steps[0].taken, picture)
    )
    return _Pair(_replaced(sample, known), _replaced(sample, outside))


def _replaced(sample: Inputs, picture: Tensor) -> Inputs:
    """The inputs of a sample with another picture."""
    batch = picture[None]
    if sample.args:
        return Inputs((batch, *sample.args[1:]), sample.kwargs)
    return Inputs((), {**sample.kwargs, next(iter(sample.kwargs)): batch})


def _verify(known: NDArray[np.float32], record: FeatureSet) -> None:
    """Raise ExtractionError unless the first sample has its stored features."""
    stored, id_ = record.features, int(record.ids[0])
    remedy = "pass the model and the data that the features come from, or features="
    if known.shape != stored[0].shape:
        raise ExtractionError(
            f"the model gives sample {id_} features of shape {known.shape}, but this explorer has "
            f"features of shape {stored[0].shape}; {remedy}"
        )
    rows = stored[:: max(1, len(stored) // _SPREAD_ROWS)].astype(np.float64)
    usual = float(np.sqrt(np.square(rows - rows.mean(axis=0)).sum(axis=1).mean()))
    off = float(np.linalg.norm(known.astype(np.float64) - stored[0]))
    if not off <= TOLERANCE * usual:
        raise ExtractionError(
            f"the transform and the model give sample {id_} other features than this explorer has "
            f"({off / usual if usual else np.inf:.0%} of the usual distance from the mean), so the "
            "picture could not be compared with them. The weights or the transform have changed, "
            f"the transform is random, or the layer is another one; {remedy}"
        )
