"""Which labels are probably wrong, according to the classifier and to the other labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from tsne_widget._by_index import in_one_order
from tsne_widget._validation import as_codes, row_blocks
from tsne_widget.analysis.inputs import as_matrix, centring
from tsne_widget.analysis.label_noise import (
    FOLDS,
    Evidence,
    array_blocks,
    estimate,
    log_softmax,
    posterior,
    rounds,
)
from tsne_widget.analysis.principal_axes import principal_points
from tsne_widget.errors import InvalidInputError

# Principal directions of the features that the correction uses: time grows with their number.
MAX_DIRECTIONS = 64
# Rows × classes that one fit uses, and rows: the correction has few parameters and needs no more.
MAX_FITTED = 1_000_000
MAX_FITTED_ROWS = 20_000
# Log-probabilities below −LOWEST are clipped: they would only slow the first steps of the fit.
LOWEST = 100.0
_BLOCK_BYTES = 32 * 2**20  # of the float64 copy of a block of rows


class LabelErrors(NamedTuple):
    """The quality of labels, judged by a classifier and by the other labels."""

    suspicion: NDArray[np.float32]
    """(n,) float32, in nats: −log of the probability that the label is right; NaN if unknown."""
    suggested: NDArray[np.int64]
    """(n,) int64: the most probable class given the sample and its label; never unknown."""
    noise: NDArray[np.float32]
    """(c, c) float32: estimated share of samples of class i with label j; rows sum to 1."""


@in_one_order("logits", "labels", "features")
def label_suspicion(
    logits: ArrayLike | None,
    labels: ArrayLike,
    features: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> NDArray[np.float32]:
    """How suspect each label is: −log of the probability that it is right, in nats.

    This is the first result of :func:`label_errors`, which describes the method. The sign is the
    opposite of a label quality: a high value means a suspect label.

    Parameters
    ----------
    logits, labels, features, random_state
        See :func:`label_errors`.

    Returns
    -------
    (n,) float32 array
        0 or more. ``1 - exp(-suspicion)`` is the probability that the label is wrong. NaN if the
        label is unknown. Time O(64 n (d + c)), memory O(n (c + 64)).

    Raises
    ------
    InvalidInputError
        As for :func:`label_errors`.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.repeat([[4.0, 0.0], [0.0, 4.0]], 20, axis=0)
    >>> labels = np.repeat([0, 1], 20)
    >>> labels[7] = 1
    >>> int(label_suspicion(logits, labels).argmax())
    7
    """
    return label_errors(logits, labels, features, random_state=random_state).suspicion


@in_one_order("logits", "labels", "features")
def label_errors(
    logits: ArrayLike | None,
    labels: ArrayLike,
    features: ArrayLike | None = None,
    *,
    random_state: int = 0,
    progress: bool = False,
) -> LabelErrors:
    """Suspicion of each label, the class it should probably be, and the noise between classes.

    The classifier's logits are corrected by a temperature, a bias per class and a linear function
    of the features, fitted to the given labels by maximum likelihood. The fit is out of fold:
    the correction of a row is fitted without its label. Labels are assumed to be noisy: class i
    has label j with a probability that EM estimates together with the correction, so systematic
    confusions of the annotators are distinguished from random ones. The prior of this noise is
    equal confusion of all classes, as strong as the labels make likely (empirical Bayes). Features
    are added last because they could learn systematic errors as if these were true.

    If the model was trained on these samples, its logits have memorised the wrong labels, and no
    correction recovers the truth: pass logits of held-out samples, or from cross-validation.
    Features of a layer that was trained on these labels have the same fault to a lesser degree.

    Parameters
    ----------
    logits : (n, c) array of finite numbers, or None
        Raw outputs of the classifier; log-probabilities work as well. None: features alone.
    labels : (n,) array of int
        Given classes 0 … c − 1; −1 if unknown.
    features : (n, d) array of finite numbers, optional
        Activations of a layer; their 64 principal directions are used.
    random_state : int
        Seed of the folds and of the search for directions.
    progress : bool
        Show a progress bar after half a second.

    Returns
    -------
    LabelErrors
        ``suspicion`` (n,) float32, ``suggested`` (n,) int64 and ``noise`` (c, c) float32.

    Raises
    ------
    InvalidInputError
        If logits and features are both None, a shape, a dtype or a value is wrong, or fewer than 10
        labels or 2 classes are known.

    Notes
    -----
    Time O(64 n (d + c)), memory O(n (c + 64)) and 64 MB without the arguments; features may be a
    memory map. The directions come from randomised subspace iteration on a sample of the rows, both
    drawn with ``random_state``. The noise matrix and its estimation from a classifier are those of
    confident learning [1]_ and of forward correction [2]_; the joint estimation by EM goes back to
    [3]_; calibration by temperature and bias is [4]_.

    References
    ----------
    .. [1] Northcutt, Jiang & Chuang 2021, "Confident Learning", JAIR 70.
    .. [2] Patrini et al. 2017, "Making deep neural networks robust to label noise", CVPR.
    .. [3] Dawid & Skene 1979, "Maximum likelihood estimation of observer error-rates", JRSS C 28.
    .. [4] Guo et al. 2017, "On calibration of modern neural networks", ICML.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.repeat([[4.0, 0.0], [0.0, 4.0]], 20, axis=0)
    >>> labels = np.repeat([0, 1], 20)
    >>> labels[7] = 1
    >>> int(label_errors(logits, labels).suggested[7])
    0
    """
    last = logits is not None and features is not None
    steps = 1 + rounds(last)
    with tqdm(total=steps, desc="Judging labels", delay=0.5, disable=not progress) as bar:
        evidence = _as_evidence(logits, labels, features, np.random.default_rng(random_state))
        bar.update()
        beliefs, noise = estimate(evidence, logits is not None, bar.update)
    return LabelErrors(*_judge(beliefs, noise, evidence.codes), noise.astype(np.float32))


def _as_evidence(
    logits: ArrayLike | None,
    labels: ArrayLike,
    features: ArrayLike | None,
    random: np.random.Generator,
) -> Evidence:
    """The checked arguments as the input of the estimation."""
    if logits is None and features is None:
        raise InvalidInputError("pass logits, features or both: labels alone are not enough")
    scores = None if logits is None else as_matrix("logits", logits)
    n = len(np.asarray(labels)) if scores is None else len(scores)
    activations = None if features is None else as_matrix("features", features, n)
    codes = as_codes("labels", labels, n, None if scores is None else scores.shape[1])
    c = int(codes.max(initial=0)) + 1 if scores is None else scores.shape[1]
    fold, training = folds(codes, c, random)
    base = np.zeros((n, c), np.float32) if scores is None else log_probabilities(scores)
    inputs = np.zeros((n, 0), np.float32)
    if activations is not None:
        inputs = _directions(activations, random)
    return Evidence(base, inputs, codes, fold, training)


def folds(
    codes: NDArray[np.int64], c: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """A random fold for each row, and for each fold the rows to fit to, which are not in it.

    Every fold has the same share of every class.

    Raises
    ------
    InvalidInputError
        If fewer than 10 labels or 2 classes are known.
    """
    n, known = len(codes), codes[codes >= 0]
    present = np.unique(known)
    if len(known) < 2 * FOLDS or len(present) < 2:
        raise InvalidInputError(
            f"labels must be known for at least {2 * FOLDS} samples of 2 classes, "
            f"got {len(known)} samples of {len(present)} classes"
        )
    fold = np.empty(n, np.int64)
    fold[np.lexsort((random.random(n), codes))] = np.arange(n) % FOLDS
    training = [
        _sample(np.flatnonzero((codes >= 0) & (fold != own)), c, random) for own in range(FOLDS)
    ]
    return fold, training


def _sample(rows: NDArray[np.int64], c: int, random: np.random.Generator) -> NDArray[np.int64]:
    """At most as many of the rows as one fit may use."""
    limit = min(MAX_FITTED_ROWS, MAX_FITTED // c)
    return rows if len(rows) <= limit else np.sort(random.choice(rows, limit, replace=False))


def log_probabilities(logits: NDArray[Any]) -> NDArray[np.float32]:
    """(n, c) float32 log-softmax, for logits of any size."""
    out = np.empty(logits.shape, np.float32)
    for rows in row_blocks(len(logits), _BLOCK_BYTES // (8 * logits.shape[1])):
        block = logits[rows].astype(np.float64)
        if not np.isfinite(block).all():
            row = rows.start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise InvalidInputError(
                f"logits must be finite, but row {row} is not; drop such rows, and instead of "
                "log(probability) pass log(probability + 1e-9)"
            )
        block -= block.max(axis=1, keepdims=True)
        out[rows] = np.maximum(log_softmax(block), -LOWEST)
    return out


def _directions(features: NDArray[Any], random: np.random.Generator) -> NDArray[np.float32]:
    """(n, ≤ 64) float32 features along their principal axes, with mean squared length 1."""
    points = principal_points(features, centring(features), MAX_DIRECTIONS, random)
    length = np.sqrt(np.vdot(points, points) / len(points))
    if not length:  # constant features are no evidence
        return points[:, :0]
    points /= np.float32(length)
    return points


def _judge(
    beliefs: NDArray[np.float32], noise: NDArray[np.float64], codes: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Suspicion and suggested class of each row."""
    suspicion = np.full(len(codes), np.nan, np.float32)
    suggested = np.empty(len(codes), np.int64)
    for rows in array_blocks(np.flatnonzero(codes < 0), len(noise)):
        suggested[rows] = beliefs[rows].argmax(axis=1)
    for rows in array_blocks(np.flatnonzero(codes >= 0), len(noise)):
        probable = posterior(beliefs[rows], noise, codes[rows])
        suggested[rows] = probable.argmax(axis=1)
        own = (np.arange(len(rows)), codes[rows])
        right = probable[own].astype(np.float64)
        probable[own] = -np.inf
        # log(1 + others / own) is also exact if 1 − p(label) rounds to 0.
        suspicion[rows] = np.logaddexp(0, _log_sum(probable) - right)
    return suspicion, suggested


def _log_sum(values: NDArray[Any]) -> NDArray[np.float64]:
    """log Σ exp of each row."""
    largest = values.max(axis=1).astype(np.float64)
    total = np.exp(values - largest[:, np.newaxis]).sum(axis=1)
    return np.asarray(largest + np.log(total), np.float64)
