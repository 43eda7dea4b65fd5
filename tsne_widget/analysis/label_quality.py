"""Which labels are probably wrong: the classifier's word, corrected by the labels themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.inputs import as_codes, as_matrix, centring, row_blocks
from tsne_widget.errors import InvalidInputError

FOLDS = 5
# Correction and noise are estimated in turn, starting from this share of wrong labels.
ROUNDS = 5
FIRST_NOISE = 0.05
LAST_ROUNDS = 2  # with features, the noise being known; more change nothing
# Directions of largest variance that the correction sees: time grows with their number.
MAX_DIRECTIONS = 64
# Strength of the pull towards the classifier's own logits, in samples per squared unit of weight
# where the rows' mean squared length is 1. From 3 to 10 the results are about the same.
PRIOR_SAMPLES = 5.0
# Rows times classes that one fit may see; the correction has few parameters and needs no more.
MAX_FITTED = 1_000_000
MAX_FITTED_ROWS = 20_000
# Log-probabilities below are as good as impossible; more would only make the first steps hard.
LOWEST = 100.0
# Bounds of the logarithm of the factor of the logits: labels at random send it to −∞.
LOG_SCALES = (-10.0, 5.0)
# Strengths, in samples, tried for the prior of equal confusion of all classes.
STRENGTHS = (10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
MAX_STEPS = 20  # of L-BFGS in a round; the next round goes on where it ended
ENOUGH = 1e-6  # relative gain of a step below which it stops: about the last digits of float32
_BLOCK_BYTES = 32 * 2**20


class LabelErrors(NamedTuple):
    """What is known of the labels after comparing them with a classifier and with each other."""

    suspicion: NDArray[np.float32]
    """(n,) float32: −log of the probability that the label is right, in nats; NaN if unknown."""
    suggested: NDArray[np.int64]
    """(n,) int64: the most probable class, given the sample and its label, also if unknown."""
    noise: NDArray[np.float32]
    """(c, c) float32: estimated share of samples of class i that are labelled j; rows sum to 1."""


def label_suspicion(
    logits: ArrayLike | None,
    labels: ArrayLike,
    features: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> NDArray[np.float32]:
    """How suspect each label is: −log of the probability that it is right, in nats.

    The first part of :func:`label_errors`, where the parameters and the method are described.

    Returns
    -------
    (n,) float32 array
        From 0; higher is more suspect. ``1 - exp(-suspicion)`` is the probability that the label
        is wrong. NaN where the label is unknown. Time O(n (d² + 64 c)), memory O(n (c + 64)).

    Raises
    ------
    InvalidInputError
        As :func:`label_errors`.

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


def label_errors(
    logits: ArrayLike | None,
    labels: ArrayLike,
    features: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> LabelErrors:
    """Suspicion of each label, the class it should probably be, and which classes are mislabelled.

    The classifier's logits are corrected by a temperature, a bias per class and a linear function
    of the features, fitted to the given labels by maximum likelihood, out of fold: no row is judged
    by a correction that has seen its label. Labels are taken as noisy: class i is labelled j with a
    probability that is estimated together with the correction (EM), so that systematic confusions
    of the annotators are told from random ones. Their prior is equal confusion of all classes, as
    strong as the labels themselves make likely (empirical Bayes). Features come in last, since they
    could learn systematic errors as if these were the truth.

    Where the model was trained on these very samples, its logits have memorised wrong labels, and
    no correction brings the truth back: pass logits of held-out samples, or of cross-validation.
    Features of a layer that has been trained on these labels share the fault, in a lesser degree.

    Parameters
    ----------
    logits : (n, c) array of finite numbers, or None
        Raw outputs of the classifier; log-probabilities do as well. None: the features alone.
    labels : (n,) array of int
        Given classes 0 … c − 1; −1 where unknown.
    features : (n, d) array of finite numbers, optional
        Activations of a layer; their 64 principal directions are used.
    random_state : int
        Seed of the folds.

    Returns
    -------
    LabelErrors
        ``suspicion`` (n,) float32, ``suggested`` (n,) int64 and ``noise`` (c, c) float32.

    Raises
    ------
    InvalidInputError
        If both logits and features are None, an array is not as described, or fewer than 10 labels
        or 2 classes are known.

    Notes
    -----
    Time O(n (d² + 64 c)), memory O(n (c + 64) + d²) beside the arguments, of which features may be
    a memory map. The noise matrix and its estimation from a classifier are those of confident
    learning [1]_ and of forward correction [2]_; the joint estimation by EM goes back to [3]_;
    calibration by temperature and bias is [4]_.

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
    if logits is None and features is None:
        raise InvalidInputError("pass logits, features or both: labels alone tell nothing")
    scores = None if logits is None else as_matrix("logits", logits)
    activations = None if features is None else as_matrix("features", features)
    n = len(np.asarray(labels)) if scores is None else len(scores)
    if activations is not None:
        as_matrix("features", activations, n)
    codes = as_codes("labels", labels, n, None if scores is None else scores.shape[1])
    c = int(codes.max(initial=0)) + 1 if scores is None else scores.shape[1]
    present = np.unique(codes[codes >= 0])
    if (codes >= 0).sum() < 2 * FOLDS or len(present) < 2:
        raise InvalidInputError(
            f"labels must be known for {2 * FOLDS} samples and of 2 classes to be compared, "
            f"got {(codes >= 0).sum()} of {len(present)}"
        )
    base = np.zeros((n, c), np.float32) if scores is None else _log_probabilities(scores)
    inputs = np.zeros((n, 0), np.float32) if activations is None else _directions(activations)
    random = np.random.default_rng(random_state)
    fold = _folds(codes, random)
    taught = [
        _taught(np.flatnonzero((codes >= 0) & (fold != own)), c, random) for own in range(FOLDS)
    ]
    evidence = _Evidence(base, inputs, codes, fold, taught)
    beliefs, noise = _estimate(evidence, given_logits=scores is not None)
    return LabelErrors(*_judged(beliefs, noise, codes), noise.astype(np.float32))


class _Evidence(NamedTuple):
    """What a correction is fitted to, and which rows teach the one of each fold."""

    base: NDArray[np.float32]  # (n, c) log-probabilities of the classifier
    inputs: NDArray[np.float32]  # (n, d)
    codes: NDArray[np.int64]  # (n,)
    fold: NDArray[np.int64]  # (n,)
    taught: list[NDArray[np.int64]]


def _estimate(
    evidence: _Evidence, given_logits: bool
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """(n, c) log-probabilities of the classes, blind to the row's own label; (c, c) noise."""
    c = evidence.base.shape[1]
    noise = np.full((c, c), FIRST_NOISE / (c - 1))
    np.fill_diagonal(noise, 1 - FIRST_NOISE)
    # Features can take systematic noise for the truth; a temperature and biases can not. So these
    # alone find the noise, where there are logits, and features come in once it is known.
    first = evidence._replace(inputs=evidence.inputs[:, :0]) if given_logits else evidence
    parameters = _start(first)
    beliefs = np.zeros_like(evidence.base)  # at first, the labels are all that is known
    for _ in range(ROUNDS):
        beliefs = _corrected_out_of_fold(first, parameters, beliefs, noise)
        noise = _noise(beliefs, noise, evidence.codes)
    if first.inputs.shape == evidence.inputs.shape:
        return beliefs, noise
    parameters = _start(evidence)
    for _ in range(LAST_ROUNDS):
        beliefs = _corrected_out_of_fold(evidence, parameters, beliefs, noise)
    return beliefs, noise


def _start(evidence: _Evidence) -> list[NDArray[np.float64]]:
    c, d = evidence.base.shape[1], evidence.inputs.shape[1]
    return [np.zeros(1 + c + d * c) for _ in range(FOLDS)]


def _corrected_out_of_fold(
    evidence: _Evidence,
    parameters: list[NDArray[np.float64]],
    beliefs: NDArray[np.float32],
    noise: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Beliefs after another round; the parameters of each fold go on from where they were."""
    base, inputs, codes, fold, taught = evidence
    c = base.shape[1]
    for own, rows in enumerate(taught):
        target = np.exp(_posterior(beliefs[rows], noise, codes[rows]))  # what labels probably mean
        parameters[own] = _fit(base[rows], inputs[rows], target, parameters[own])
    result = np.empty_like(base)
    for own in range(FOLDS):
        for rows in _blocks(np.flatnonzero(fold == own), c):
            result[rows] = _log_softmax(_corrected(parameters[own], base[rows], inputs[rows]))
    return result


def _folds(codes: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """A fold for each row, at random, each with the same share of every class."""
    fold = np.empty(len(codes), np.int64)
    fold[np.lexsort((random.random(len(codes)), codes))] = np.arange(len(codes)) % FOLDS
    return fold


def _taught(rows: NDArray[np.int64], c: int, random: np.random.Generator) -> NDArray[np.int64]:
    limit = min(MAX_FITTED_ROWS, MAX_FITTED // c)
    return rows if len(rows) <= limit else np.sort(random.choice(rows, limit, replace=False))


def _corrected(
    parameters: NDArray[np.float64], base: NDArray[np.float32], inputs: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Logits: the classifier's by a temperature, a bias per class, a linear map of the features."""
    scale, bias, weights = _parts(parameters, base.shape[1])
    return base * scale + bias + inputs @ weights


def _parts(
    parameters: NDArray[np.float64], c: int
) -> tuple[np.float32, NDArray[np.float32], NDArray[np.float32]]:
    narrow = parameters.astype(np.float32)
    return np.exp(narrow[0]), narrow[1 : 1 + c], narrow[1 + c :].reshape(-1, c)


def _fit(
    base: NDArray[np.float32],
    inputs: NDArray[np.float32],
    target: NDArray[np.float32],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Parameters that give the targets the largest likelihood, given the prior."""
    from scipy.optimize import minimize  # here, since it takes longer to load than this package

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
            excess.sum(axis=1) + prior * bias,  # or absent classes would become impossible
            (inputs @ excess.T + prior * weights).ravel(),
        ]
        penalty = prior / 2 * (np.vdot(weights, weights) + np.vdot(bias, bias))
        return float(value / m + penalty), np.concatenate(slopes).astype(np.float64)

    bounds = [LOG_SCALES] + [(None, None)] * (len(start) - 1)
    options = {"maxiter": MAX_STEPS, "ftol": ENOUGH}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x)


def _posterior(
    beliefs: NDArray[np.float32], noise: NDArray[np.float64], codes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(m, c) log-probabilities of the true class, given what the row looks like and its label."""
    return _log_softmax(beliefs + np.log(noise).astype(np.float32).T[codes])


def _noise(
    beliefs: NDArray[np.float32], noise: NDArray[np.float64], codes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One step of EM: how often each class is labelled as each other one."""
    c = len(noise)
    joint = np.zeros((c, c))  # true class, label
    for rows in _blocks(np.flatnonzero(codes >= 0), c):
        rows = rows[np.argsort(codes[rows], kind="stable")]
        given, first = np.unique(codes[rows], return_index=True)
        probable = np.exp(_posterior(beliefs[rows], noise, codes[rows]))
        joint[:, given] += np.add.reduceat(probable, first, axis=0, dtype=np.float64).T
    kept, total = np.diag(joint), joint.sum()
    wrong = float(np.clip(1 - kept.sum() / total, 1 / total, 0.5))
    strength = max(STRENGTHS, key=lambda value: _evidence(joint, value, wrong))
    prior = np.full((c, c), strength * wrong / (c - 1))
    np.fill_diagonal(prior, strength * (1 - wrong))
    joint += prior
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _evidence(joint: NDArray[np.float64], strength: float, wrong: float) -> float:
    """Log-likelihood of counts whose rows are Dirichlet-multinomial around equal confusion."""
    from scipy.special import gammaln

    c = len(joint)
    kept = np.diag(joint)
    off = joint[~np.eye(c, dtype=bool)]
    right, other = strength * (1 - wrong), strength * wrong / (c - 1)
    rows = gammaln(strength) - gammaln(strength + joint.sum(axis=1))
    rows += gammaln(right + kept) - gammaln(right)
    return float(rows.sum() + (gammaln(other + off) - gammaln(other)).sum())


def _judged(
    beliefs: NDArray[np.float32], noise: NDArray[np.float64], codes: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Suspicion and suggestion of each row."""
    suspicion = np.full(len(codes), np.nan, np.float32)
    suggested = np.empty(len(codes), np.int64)
    for rows in _blocks(np.flatnonzero(codes < 0), len(noise)):
        suggested[rows] = beliefs[rows].argmax(axis=1)
    for rows in _blocks(np.flatnonzero(codes >= 0), len(noise)):
        probable = _posterior(beliefs[rows], noise, codes[rows])
        suggested[rows] = probable.argmax(axis=1)
        own = (np.arange(len(rows)), codes[rows])
        right = probable[own].astype(np.float64)
        probable[own] = -np.inf
        # log(1 + others / own): exact also where 1 − p(label) is too small to be told from 0
        others = _log_sum(probable)
        suspicion[rows] = np.logaddexp(0, others - right)
    return suspicion, suggested


def _log_probabilities(logits: NDArray[Any]) -> NDArray[np.float32]:
    """(n, c) float32 log-softmax, whatever the size of the logits."""
    out = np.empty(logits.shape, np.float32)
    for rows in _blocks(np.arange(len(logits)), logits.shape[1]):
        block = logits[rows].astype(np.float64)
        if not np.isfinite(block).all():
            row = rows[int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])]
            raise InvalidInputError(
                f"logits must be finite, but row {row} is not; drop such rows, and in place of "
                "log(probability) pass log(probability + 1e-9)"
            )
        block -= block.max(axis=1, keepdims=True)
        out[rows] = np.maximum(_log_softmax(block), -LOWEST)
    return out


def _directions(features: NDArray[Any]) -> NDArray[np.float32]:
    """(n, ≤ 64) float32: features along their principal axes, mean squared length about 1."""
    how, (n, d) = centring(features), features.shape
    blocks = row_blocks(n, d)
    axes = np.eye(d, dtype=np.float32)
    if d > MAX_DIRECTIONS:
        products = np.zeros((d, d))
        for block in blocks:
            part = how.of(features[block])
            products += part.T @ part
        axes = np.linalg.eigh(products)[1][:, -MAX_DIRECTIONS:].astype(np.float32)
    points = np.empty((n, axes.shape[1]), np.float32)
    for block in blocks:
        points[block] = how.of(features[block]) @ axes
    length = np.sqrt(np.vdot(points, points) / len(points))
    if not length:  # constant features are no evidence
        return points[:, :0]
    points /= np.float32(length)
    return points


def _log_softmax(logits: NDArray[Any]) -> NDArray[Any]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _log_sum(values: NDArray[Any]) -> NDArray[np.float64]:
    largest = values.max(axis=1).astype(np.float64)
    total = np.exp(values - largest[:, np.newaxis]).sum(axis=1)
    return np.asarray(largest + np.log(total), np.float64)


def _blocks(rows: NDArray[np.int64], c: int) -> list[NDArray[np.int64]]:
    step = max(1, _BLOCK_BYTES // (8 * c))
    return [rows[start : start + step] for start in range(0, len(rows), step)]
