"""Turn the outputs of a classifier into logits, with the function that gives its probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsne_widget._notes import Notes
from tsne_widget._probabilities import (
    Outputs,
    outputs_as_logits,
    sigmoids_as_logits,
    with_two_columns,
)

# Replaces a logit of minus infinity, the logit of a class that the model masks.
LOWEST = np.float32(np.finfo(np.float32).min)

_RAW = ("same", "scaled")


def classes_of(width: int) -> int:
    """Number of classes of an output of this width: a single logit means two."""
    return max(width, 2)


def as_logits(outputs: NDArray[np.float32], relation: str | None, notes: Notes) -> Outputs:
    """Logits whose softmax or sigmoid is the model's probability of each class.

    A single logit z becomes [0, z]. A single column within 0 … 1 is the probability of class 1.
    Rows that are not negative and sum to 1 become their logarithms. Other rows within 0 … 1 are one
    probability per class, unless a layer makes them without a function.

    Parameters
    ----------
    outputs : (n, c) float32 array
        No NaN; minus infinity is allowed.
    relation : str or None
        How the outputs follow from those of the head, see
        :func:`~tsne_widget.extraction.model.relations.relation`.
    notes : Notes
        Gets what is doubtful.

    Returns
    -------
    Outputs
        (n, max(c, 2)) float32 logits, finite.
    """
    outputs = np.maximum(outputs, LOWEST)
    if relation == "sigmoid" and outputs.shape[1] > 1:
        return sigmoids_as_logits(outputs)
    found = outputs_as_logits(outputs)
    logits = found.logits if found.logits is not None else outputs
    is_changed = logits is not outputs
    if outputs.shape[1] == 1:
        if is_changed and relation in _RAW:
            notes.add(
                "the single output is within 0 … 1 for all samples, so it is read as the "
                "probability of class 1, although no sigmoid makes it; if it is a logit, pass "
                "layer= and output=lambda z: torch.cat([-z, z], 1) / 2"
            )
        return Outputs(with_two_columns(logits), "softmax")
    if found.activation == "sigmoid" and relation in _RAW:
        return Outputs(outputs, "softmax")
    if found.activation == "sigmoid":
        notes.add(
            f"the {outputs.shape[1]} outputs of a sample are within 0 … 1 and do not sum to 1, so "
            "they are read as the probabilities of one sigmoid per class; for an item with logits "
            "pass output="
        )
    return Outputs(logits, found.activation)
