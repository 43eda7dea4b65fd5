"""The number whose evidence is sought: a logit of each sample, or the difference of two."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsne_widget._probabilities import SMALLEST
from tsne_widget._validation import did_you_mean
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.model.inference import Logits
from tsne_widget.extraction.model.outputs import Output
from tsne_widget.extraction.model.relations import are_probabilities
from tsne_widget.extraction.model.structure import item_at

Target = Literal["difference", "prediction", "label"]

TARGETS: tuple[Target, ...] = ("difference", "prediction", "label")
NONE = -1  # the code of no class
LOGIT_EDGE = 1e-7  # probabilities are at least as far from 0 and 1: the rounding of float32


def check_target(target: Any) -> None:
    """Raise InvalidInputError unless ``target`` is one of :data:`TARGETS`."""
    if target not in TARGETS:
        words = ", ".join(map(repr, TARGETS))
        raise InvalidInputError(
            f"target={target!r} must be one of {words}{did_you_mean(target, TARGETS)}"
        )


def check_smooth(smooth: Any) -> float:
    """``smooth`` as a float; InvalidInputError unless it is 0 … 1."""
    is_number = isinstance(smooth, int | float) and not isinstance(smooth, bool)
    if not is_number or not 0 <= smooth <= 1:
        raise InvalidInputError(
            f"smooth={smooth!r} must be a number from 0, HiResCAM, to 1, Grad-CAM"
        )
    return float(smooth)


def logits_of(output: Any, found: Logits, choice: Output, n: int) -> Tensor:
    """The (n, c) float32 logits in a model's output, as part of the graph.

    Probabilities become logarithms, those of sigmoids become log-odds, and a single logit z becomes
    [0, z], as in :func:`~tsne_widget.extraction.model.logits.as_logits`.

    Raises
    ------
    ExtractionError
        If the model gives no logits.
    """
    if found.path is None:
        raise ExtractionError(
            "the model has no output with one logit per class, so nothing speaks for a class; "
            "pass output=, the index or key of the logits in the model's output"
        )
    rows: Tensor = choice(output) if callable(choice) else item_at(output, found.path)
    rows = rows.reshape(n, -1).float()
    is_raw = found.relation in ("same", "scaled")
    is_sigmoid = found.relation == "sigmoid"
    if rows.shape[1] == 1:
        within = not is_raw and float(rows.min()) >= 0 and float(rows.max()) <= 1
        rows = torch.logit(rows, LOGIT_EDGE) if is_sigmoid or within else rows
        return torch.cat([torch.zeros_like(rows), rows], 1)
    if is_sigmoid:
        return torch.logit(rows, LOGIT_EDGE)
    return rows.clamp(min=SMALLEST).log() if are_probabilities(rows.detach()) else rows


def classes_of(
    logits: NDArray[np.float32], labels: NDArray[np.int64] | None, target: Target
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The class that the evidence is for, and the one that it is against, −1 for none.

    Parameters
    ----------
    logits : (n, c) float32 array
    labels : (n,) int64 array of −1 … c − 1, optional
    target : {"difference", "prediction", "label"}
        "difference" is the prediction against the label; for right and unlabelled samples against
        the second most probable class.

    Returns
    -------
    two (n,) int64 arrays
    """
    order = np.argsort(-logits, axis=1, kind="stable")
    prediction, second = order[:, 0], order[:, min(1, logits.shape[1] - 1)]
    nothing = np.full(len(logits), NONE)
    known = nothing if labels is None else np.where(labels < logits.shape[1], labels, NONE)
    if target == "label":
        return known, nothing
    if target == "prediction":
        return prediction, nothing
    is_other = (known != NONE) & (known != prediction)
    return prediction, np.where(is_other, known, second)


def score_of(logits: Tensor, for_class: NDArray[np.int64], against: NDArray[np.int64]) -> Tensor:
    """The sum over the samples of one logit, or of the difference of two, as part of the graph."""
    total = logits.new_zeros(())
    for codes, sign in ((for_class, 1.0), (against, -1.0)):
        rows = torch.from_numpy(np.flatnonzero(codes != NONE)).to(logits.device)
        chosen = torch.from_numpy(codes[codes != NONE]).to(logits.device)
        total = total + sign * logits[rows, chosen].sum()
    return total
