"""Joint estimation of label noise and of a correction of the classifier, by EM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks

FOLDS = 5
# Rounds of EM, which start from this share of wrong labels.
ROUNDS = 5
FIRST_NOISE = 0.05
LAST_ROUNDS = 2  # with features, once the noise is known; more rounds change nothing
# Strength of the prior that keeps the classifier's own logits, in samples per squared unit of
# weight where the rows' mean squared length is 1. Between 3 and 10 the results are similar.
PRIOR_SAMPLES = 5.0
# Bounds of the logarithm of the factor on the logits: random labels drive it to −∞.
LOG_SCALES = (-10.0, 5.0)
# Strengths, in samples, tried for the prior of equal confusion of all classes.
STRENGTHS = (10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
MAX_STEPS = 20  # of L-BFGS per round; the next round continues from its result
TOLERANCE = 1e-6  # relative gain of a step below which L-BFGS stops: the last digits of float32
_BLOCK_BYTES = 32 * 2**20  # of the float64 values of a block of rows


class Evidence(NamedTuple):
    """The data of the estimation."""

    base: NDArray[np.float32]
    """(n, c) log-probabilities of the classifier."""
    inputs: NDArray[np.float32]
    """(n, d) features."""
    codes: NDArray[np.int64]
    """(n,) labels, −1 if unknown."""
    fold: NDArray[np.int64]
    """(n,) fold of each row, 0 … FOLDS − 1."""
    training: list[NDArray[np.int64]]
    """For each fold, the rows to fit its correction to."""


def rounds(features_last: bool) -> int:
    """Number of rounds of :func:`estimate` if there are features to add last, or not."""
    return ROUNDS + LAST_ROUNDS if features_last else ROUNDS


def estimate(
    evidence: Evidence, features_last: bool, after_round: Callable[[], object] = lambda: None
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Estimate the true classes and the label noise.

    Parameters
    ----------
    evidence : Evidence
    features_last : bool
        Whether to estimate the noise without the features. Features can learn systematic noise as
        if it were true; a temperature and biases cannot.
    after_round : callable
        Called after each round.

    Returns
    -------
    beliefs : (n, c) float32 array
        Log-probabilities of the classes, without using the row's own label.
    noise : (c, c) float64 array
        Share of samples of class i with label j.
    """
    c = evidence.base.shape[1]
    noise = np.full((c, c), FIRST_NOISE / (c - 1))
    np.fill_diagonal(noise, 1 - FIRST_NOISE)
    first = evidence._replace(inputs=evidence.inputs[:, :0]) if features_last else evidence
    parameters = _start(first)
    beliefs = np.zeros_like(evidence.base)  # in the first round, only the labels are known
    for _ in range(ROUNDS):
        beliefs = _correct_out_of_fold(first, parameters, beliefs, noise)
        noise = _updated_noise(beliefs, noise, evidence.codes)
        after_round()
    if first.inputs.shape == evidence.inputs.shape:
        return beliefs, noise
    parameters = _start(evidence)
    for _ in range(LAST_ROUNDS):
        beliefs = _correct_out_of_fold(evidence, parameters, beliefs, noise)
        after_round()
    return beliefs, noise


def fitted_scale(base: NDArray[np.float32], codes: NDArray[np.int64]) -> float:
    """The factor on (m, c) log-probabilities that makes the (m,) known labels most likely.

    It is 1 / temperature. The biases stay 0 and the labels count as they are given.
    """
    target = np.zeros_like(base)
    target[np.arange(len(base)), codes] = 1
    inputs = np.empty((len(base), 0), np.float32)
    fitted = _fit(base, inputs, target, np.zeros(1 + base.shape[1]), with_biases=False)
    return float(np.exp(fitted[0]))


def posterior(
    beliefs: NDArray[np.float32], noise: NDArray[np.float64], codes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(m, c) log-probabilities of the true class, given beliefs about the row and its label."""
    return log_softmax(beliefs + np.log(noise).astype(np.float32).T[codes])


def log_softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """(m, c) log-probabilities of (m, c) logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def array_blocks(rows: NDArray[np.int64], c: int) -> list[NDArray[np.int64]]:
    """The rows in blocks that keep temporary (m, c) arrays small."""
    return [rows[block] for block in row_blocks(len(rows), _BLOCK_BYTES // (8 * c))]


def _start(evidence: Evidence) -> list[NDArray[np.float64]]:
    c, d = evidence.base.shape[1], evidence.inputs.shape[1]
    return [np.zeros(1 + c + d * c) for _ in range(FOLDS)]


def _correct_out_of_fold(
    evidence: Evidence,
    parameters: list[NDArray[np.float64]],
    beliefs: NDArray[np.float32],
    noise: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Beliefs after another round; the parameters of each fold are updated in place."""
    base, inputs, codes, fold, training = evidence
    c = base.shape[1]
    for own, rows in enumerate(training):
        target = np.exp(posterior(beliefs[rows], noise, codes[rows]))
        parameters[own] = _fit(base[rows], inputs[rows], target, parameters[own])
    result = np.empty_like(base)
    for own in range(FOLDS):
        for rows in array_blocks(np.flatnonzero(fold == own), c):
            scale, bias, weights = _parts(parameters[own], c)
            result[rows] = log_softmax(base[rows] * scale + bias + inputs[rows] @ weights)
    return result


def _parts(
    parameters: NDArray[np.float64], c: int
) -> tuple[np.float32, NDArray[np.float32], NDArray[np.float32]]:
    """The factor on the logits, the bias per class and the (d, c) weights of the features."""
    narrow = parameters.astype(np.float32)
    return np.exp(narrow[0]), narrow[1 : 1 + c], narrow[1 + c :].reshape(-1, c)


def _fit(
    base: NDArray[np.float32],
    inputs: NDArray[np.float32],
    target: NDArray[np.float32],
    start: NDArray[np.float64],
    *,
    with_biases: bool = True,
) -> NDArray[np.float64]:
    """Parameters with the largest posterior, given the (m, c) target probabilities."""
    from scipy.optimize import minimize

    m, c = base.shape
    prior = PRIOR_SAMPLES / m
    # Classes first: sums over a few classes are many times faster along the first axis.
    base, inputs, target = (np.ascontiguousarray(array.T) for array in (base, inputs, target))

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, bias, weights = _parts(parameters, c)
        logits = base * scale + bias[:, np.newaxis] + weights.T @ inputs
        logits -= logits.max(axis=0)
        weight = np.exp(logits)
        total = weight.sum(axis=0)
        value = np.log(total).sum(dtype=np.float64) - np.vdot(target, logits)
        excess = (weight / total - target) / m
        slopes = [
            [np.vdot(excess, base) * scale],
            excess.sum(axis=1) + prior * bias,  # otherwise absent classes become impossible
            (inputs @ excess.T + prior * weights).ravel(),
        ]
        penalty = prior / 2 * (np.vdot(weights, weights) + np.vdot(bias, bias))
        return float(value / m + penalty), np.concatenate(slopes).astype(np.float64)

    free: tuple[float | None, float | None] = (None, None) if with_biases else (0, 0)
    bounds = [LOG_SCALES, *[free] * c, *[(None, None)] * (len(start) - 1 - c)]
    options = {"maxiter": MAX_STEPS, "ftol": TOLERANCE}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x)


def _updated_noise(
    beliefs: NDArray[np.float32], noise: NDArray[np.float64], codes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(c, c) noise after one step of EM."""
    c = len(noise)
    joint = np.zeros((c, c))  # expected number of samples of each true class and label
    for rows in array_blocks(np.flatnonzero(codes >= 0), c):
        rows = rows[np.argsort(codes[rows], kind="stable")]
        given, first = np.unique(codes[rows], return_index=True)
        probable = np.exp(posterior(beliefs[rows], noise, codes[rows]))
        joint[:, given] += np.add.reduceat(probable, first, axis=0, dtype=np.float64).T
    kept, total = np.diag(joint), joint.sum()
    wrong = float(np.clip(1 - kept.sum() / total, 1 / total, 0.5))
    strength = max(STRENGTHS, key=lambda value: _log_likelihood(joint, value, wrong))
    prior = np.full((c, c), strength * wrong / (c - 1))
    np.fill_diagonal(prior, strength * (1 - wrong))
    joint += prior
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _log_likelihood(joint: NDArray[np.float64], strength: float, wrong: float) -> float:
    """Log-likelihood of counts with Dirichlet-multinomial rows around equal confusion."""
    from scipy.special import gammaln

    c = len(joint)
    kept = np.diag(joint)
    off = joint[~np.eye(c, dtype=bool)]
    right, other = strength * (1 - wrong), strength * wrong / (c - 1)
    rows = gammaln(strength) - gammaln(strength + joint.sum(axis=1))
    rows += gammaln(right + kept) - gammaln(right)
    return float(rows.sum() + (gammaln(other + off) - gammaln(other)).sum())
