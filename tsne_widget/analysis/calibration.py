"""How far to trust a classifier's confidence: promised and kept accuracy, and a temperature."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_one_order
from tsne_widget._validation import as_codes, check_rows, row_blocks
from tsne_widget.analysis.certainty import confidence
from tsne_widget.analysis.inputs import as_matrix
from tsne_widget.analysis.label_noise import fitted_scale
from tsne_widget.analysis.label_quality import folds, log_probabilities
from tsne_widget.errors import InvalidInputError

# Default number of bins, and the samples that each should have: the accuracy of fewer says little,
# and the error of a calibrated model grows with the number of bins.
BINS = 10
SAMPLES_PER_BIN = 20
_BLOCK_BYTES = 4 * 2**20  # of the float64 copy of a block of logits


class Reliability(NamedTuple):
    """Mean confidence and accuracy in b bins of equally many samples."""

    low: NDArray[np.float64]
    """(b,) smallest confidence in each bin, ascending."""
    high: NDArray[np.float64]
    """(b,) largest confidence in each bin."""
    samples: NDArray[np.int64]
    """(b,) number of samples."""
    promised: NDArray[np.float64]
    """(b,) mean confidence."""
    kept: NDArray[np.float64]
    """(b,) share of correct predictions."""
    error: float
    """Expected calibration error: mean of |promised − kept| over the samples; NaN without any."""


class Calibrated(NamedTuple):
    """Confidence after a temperature is fitted to the labels."""

    confidence: NDArray[np.float32]
    """(n,) probability of the most probable class."""
    temperature: float
    """The divisor of the logits: above 1 if the classifier is too sure, below 1 if not enough."""


def bins_for(n: int) -> int:
    """Number of bins for n samples, 1 … 10.

    Examples
    --------
    >>> bins_for(90), bins_for(5_000)
    (4, 10)
    """
    return min(BINS, max(1, n // SAMPLES_PER_BIN))


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = BINS) -> Reliability:
    """Compare confidence with accuracy in bins of equally many samples.

    Bins of equal width leave nearly all samples of a sure model in one bin and the others to
    chance; equal mass is the adaptive error of Nguyen & O'Connor 2015, "Posterior calibration and
    exploratory analysis for natural language processing models", EMNLP.

    Parameters
    ----------
    confidence : (n,) array of numbers
        Probability of the predicted class. Samples with NaN are ignored.
    correct : (n,) array of bool
        Whether the prediction is right.
    bins : int
        Number of bins, at least 1. Equal confidences share a bin, so there may be fewer.

    Returns
    -------
    Reliability
        Time O(n log n), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or ``bins`` is wrong.

    Examples
    --------
    >>> found = reliability([0.5, 0.7, 0.9, 0.9], [False, True, True, False], bins=2)
    >>> found.promised.round(2), found.kept, round(found.error, 2)
    (array([0.6, 0.9]), array([0.5, 0.5]), 0.25)
    """
    sure, right = np.asarray(confidence), np.asarray(correct)
    if sure.ndim != 1 or sure.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"confidence must be an (n,) array of numbers, got shape {sure.shape} and dtype "
            f"{sure.dtype}"
        )
    check_rows("correct", len(right), len(sure))
    if right.dtype != bool:
        raise InvalidInputError(f"correct must be an array of bool, got dtype {right.dtype}")
    if bins < 1:
        raise InvalidInputError(f"bins={bins} must be at least 1")
    known = ~np.isnan(sure)
    sure, right = sure[known].astype(np.float64), right[known]
    order = np.argsort(sure, kind="stable")
    sure, right = sure[order], right[order]
    starts = _starts(sure, bins)
    samples = np.diff([*starts, len(sure)])
    ends = starts + samples - 1
    if not len(sure):
        nothing = np.empty(0)
        return Reliability(nothing, nothing, samples, nothing, nothing, float("nan"))
    promised = np.add.reduceat(sure, starts) / samples
    kept = np.add.reduceat(right, starts, dtype=np.int64) / samples
    error = float((samples * np.abs(promised - kept)).sum() / len(sure))
    return Reliability(sure[starts], sure[ends], samples, promised, kept, error)


def _starts(ordered: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Where each bin begins in ascending values; equal values are never divided."""
    n = len(ordered)
    wanted = (np.arange(bins) * n + bins - 1) // bins  # rounded up
    first = np.searchsorted(ordered, ordered[wanted[wanted < n]], side="left")
    return np.unique(first).astype(np.int64)


@in_one_order("logits", "labels")
def calibrated_confidence(
    logits: ArrayLike, labels: ArrayLike, *, random_state: int = 0
) -> Calibrated:
    """Confidence after dividing the logits by a temperature that makes the labels most likely.

    The fit is that of :func:`label_errors`, without its biases and its label noise. It is out of
    fold: the temperature of a row is fitted without its label. It changes no prediction. Source:
    Guo et al. 2017, "On calibration of modern neural networks", ICML.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of a classifier with one softmax. May be a memory map.
    labels : (n,) array of int
        0 … c − 1, −1 if unknown.
    random_state : int
        Seed of the folds.

    Returns
    -------
    Calibrated
        ``confidence`` (n,) float32 and ``temperature``, the geometric mean over the folds. Time
        O(n c), memory O(n) and 8 MB; 0.5 seconds for n = 70,000 and c = 10.

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong, or fewer than 10 labels or 2 classes are known.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.repeat([[4.0, 0.0], [0.0, 4.0]], 20, axis=0)
    >>> labels = np.repeat([0, 1], 20)
    >>> labels[::4] = 0
    >>> calibrated_confidence(logits, labels).temperature > 1
    True
    """
    matrix = as_matrix("logits", logits)
    codes = as_codes("labels", labels, len(matrix), matrix.shape[1])
    fold, training = folds(codes, matrix.shape[1], np.random.default_rng(random_state))
    scales = np.array(
        [fitted_scale(log_probabilities(matrix[rows]), codes[rows]) for rows in training]
    )
    return Calibrated(_scaled(matrix, scales[fold]), float(np.exp(-np.log(scales).mean())))


def _scaled(matrix: NDArray[Any], scales: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n,) confidence of rows of logits times a factor each."""
    found = np.empty(len(matrix), np.float32)
    for rows in row_blocks(len(matrix), _BLOCK_BYTES // (8 * matrix.shape[1])):
        found[rows] = confidence(matrix[rows].astype(np.float64) * scales[rows, np.newaxis])
    return found
