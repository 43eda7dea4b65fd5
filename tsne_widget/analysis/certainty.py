"""How certain a classifier is, from its logits.

With the activation "sigmoid", each class has its own probability, and a row need not sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_one_order
from tsne_widget._probabilities import Activation
from tsne_widget._validation import as_codes, row_blocks
from tsne_widget.errors import InvalidInputError

# Bytes of the float64 copy of a block of rows: it stays in the processor's cache.
_BLOCK_BYTES = 4 * 2**20


def confidence(logits: ArrayLike, activation: Activation = "softmax") -> NDArray[np.float32]:
    """Probability of the predicted class of each row: the largest softmax or sigmoid value.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier, before the activation. May be a memory map.
    activation : {"softmax", "sigmoid"}
        "sigmoid" if each class has its own independent probability.

    Returns
    -------
    (n,) float32 array
        1/c … 1, and 0 … 1 for "sigmoid". Time O(n c), memory O(n).

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is not finite.

    Examples
    --------
    >>> confidence([[0.0, 0.0], [1000.0, 0.0]])
    array([0.5, 1. ], dtype=float32)
    """
    if activation == "sigmoid":
        return _of_two_largest(logits, lambda first, second, total: _sigmoid(first))
    return _of_two_largest(logits, lambda first, second, total: 1 / total)


def margin(logits: ArrayLike, activation: Activation = "softmax") -> NDArray[np.float32]:
    """Probability of the predicted class minus that of the runner-up, for each row.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier, before the activation. May be a memory map.
    activation : {"softmax", "sigmoid"}
        "sigmoid" if each class has its own independent probability.

    Returns
    -------
    (n,) float32 array
        0 (a tie) … 1. The runner-up of a single class has probability 0. Time O(n c), memory O(n).

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is not finite.

    Examples
    --------
    >>> margin([[5.0, 5.0], [1000.0, 0.0]])
    array([0., 1.], dtype=float32)
    """
    if activation == "sigmoid":
        return _of_two_largest(
            logits, lambda first, second, total: _sigmoid(first) - _sigmoid(second)
        )
    return _of_two_largest(
        logits, lambda first, second, total: np.abs(np.expm1(second - first)) / total
    )


def entropy(logits: ArrayLike, activation: Activation = "softmax") -> NDArray[np.float32]:
    """Entropy of the probabilities of each row, in nats.

    For "sigmoid" it is the sum of the entropies of the classes.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier, before the activation. May be a memory map.
    activation : {"softmax", "sigmoid"}
        "sigmoid" if each class has its own independent probability.

    Returns
    -------
    (n,) float32 array
        0 (certain) … log(c) (all classes are equally likely); for "sigmoid" up to c log(2). Time
        O(n c), memory O(n).

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is not finite.

    Examples
    --------
    >>> entropy([[0.0, 0.0], [1000.0, 0.0]])
    array([0.6931472, 0.       ], dtype=float32)
    """
    matrix = _as_logits(logits)
    result = np.empty(len(matrix), dtype=np.float32)
    for rows, block in _float64_blocks(matrix):
        if activation == "sigmoid":
            size = np.abs(block)
            result[rows] = (_softplus(-size) + size * _sigmoid(-size)).sum(axis=1)
            continue
        block -= block.max(axis=1, keepdims=True)
        with np.errstate(under="ignore", over="ignore"):
            weight = np.exp(block)
            total = weight.sum(axis=1)
            # A class of weight 0 adds 0, however negative its logit is.
            spread = np.where(weight > 0, weight * np.maximum(block, -1e3), 0).sum(axis=1)
        result[rows] = np.maximum(np.log(total) - spread / total, 0)
    return result


@in_one_order("logits", "labels")
def loss(
    logits: ArrayLike, labels: ArrayLike, activation: Activation = "softmax"
) -> NDArray[np.float32]:
    """Cross-entropy of each row, in nats: −log of the probability of the label.

    For "sigmoid" it is the sum of the binary cross-entropies of the classes.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier, before the activation. May be a memory map.
    labels : (n,) array of int
        0 … c − 1, −1 if unknown.
    activation : {"softmax", "sigmoid"}
        "sigmoid" if each class has its own independent probability.

    Returns
    -------
    (n,) float32 array
        0 or more; NaN if the label is unknown. Time O(n c), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape or dtype is wrong, a logit is not finite, or a label is out of range.

    Examples
    --------
    >>> loss([[0.0, 0.0], [1000.0, 0.0], [0.0, 0.0]], [1, 1, -1])
    array([6.931472e-01, 1.000000e+03,          nan], dtype=float32)
    """
    matrix = _as_logits(logits)
    codes = as_codes("labels", labels, len(matrix), matrix.shape[1])
    result = np.full(len(matrix), np.nan, dtype=np.float32)
    for rows, block in _float64_blocks(matrix):
        known = np.flatnonzero(codes[rows] >= 0)
        block = block[known]
        own = (np.arange(len(block)), codes[rows][known])
        if activation == "sigmoid":
            block[own] *= -1
            result[rows][known] = _softplus(block).sum(axis=1)
            continue
        block -= block[own][:, np.newaxis]
        block[own] = -np.inf
        # log(1 + Σ exp(others − own)) is also exact if the probability is 1 up to its last bits.
        largest = block.max(axis=1, initial=-np.inf)
        shift = np.where(np.isfinite(largest), largest, 0)
        with np.errstate(under="ignore", over="ignore", divide="ignore"):
            others = shift + np.log(np.exp(block - shift[:, np.newaxis]).sum(axis=1))
            result[rows][known] = np.logaddexp(0, others)
    return result


@in_one_order("logits", "labels")
def label_rank(logits: ArrayLike, labels: ArrayLike) -> NDArray[np.float32]:
    """Place of the label among the classes, most probable first: 1 if the label is predicted.

    The share of rows of rank k or less is the top-k accuracy, see :func:`top_k_accuracy`.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier. May be a memory map.
    labels : (n,) array of int
        0 … c − 1, −1 if unknown.

    Returns
    -------
    (n,) float32 array
        1 … c; NaN if the label is unknown. Of equal logits, the smaller code comes first, as in
        :func:`numpy.argmax`. Time O(n c), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape or dtype is wrong, a logit is not finite, or a label is out of range.

    Examples
    --------
    >>> label_rank([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]], [0, 1])
    array([1., 3.], dtype=float32)
    """
    matrix = _as_logits(logits)
    c = matrix.shape[1]
    codes = as_codes("labels", labels, len(matrix), c)
    result = np.full(len(matrix), np.nan, dtype=np.float32)
    for rows, block in _float64_blocks(matrix):
        known = np.flatnonzero(codes[rows] >= 0)
        block, code = block[known], codes[rows][known][:, np.newaxis]
        own = np.take_along_axis(block, code, axis=1)
        before = (block > own) | ((block == own) & (np.arange(c) < code))
        result[rows][known] = 1 + np.count_nonzero(before, axis=1)
    return result


def top_k_accuracy(logits: ArrayLike, labels: ArrayLike, k: int) -> float:
    """Share of samples whose label is among the k most probable classes, 0 … 1.

    Samples with an unknown label are ignored; NaN if no label is known. Errors are those of
    :func:`label_rank`. Time O(n c), memory O(n).

    Parameters
    ----------
    logits : (n, c) array of finite numbers
    labels : (n,) array of int
        0 … c − 1, −1 if unknown.
    k : int
        At least 1.

    Examples
    --------
    >>> top_k_accuracy([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]], [2, 1], 2)
    0.5
    """
    if k < 1:
        raise InvalidInputError(f"k={k} must be at least 1, the number of most probable classes")
    rank = label_rank(logits, labels)
    known = rank[np.isfinite(rank)]
    return float((known <= k).mean()) if len(known) else float("nan")


def _sigmoid(values: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(under="ignore", over="ignore"):
        return np.asarray(1 / (1 + np.exp(-values)))


def _softplus(values: NDArray[Any]) -> NDArray[np.float64]:
    """log(1 + exp(values)) without overflow."""
    with np.errstate(under="ignore"):
        return np.asarray(np.logaddexp(0, values))


def _of_two_largest(
    logits: ArrayLike,
    measure: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[Any]],
) -> NDArray[np.float32]:
    """A function of the two largest logits of each row and of the sum of exp(logit − largest)."""
    matrix = _as_logits(logits)
    result = np.empty(len(matrix), dtype=np.float32)
    for chosen, block in _float64_blocks(matrix):
        rows, best = np.arange(len(block)), block.argmax(axis=1)
        first = block[rows, best]
        with np.errstate(under="ignore", over="ignore"):
            total = np.exp(block - first[:, np.newaxis]).sum(axis=1)
            block[rows, best] = -np.inf  # the maximum is now the runner-up, or −∞ if c = 1
            result[chosen] = measure(first, block.max(axis=1), total)
    return result


def _as_logits(logits: ArrayLike) -> NDArray[Any]:
    matrix = np.asarray(logits)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or matrix.shape[1] == 0:
        raise InvalidInputError(
            "logits must be an (n, c) array of numbers with c of at least 1, "
            f"got shape {matrix.shape} and dtype {matrix.dtype}"
        )
    return matrix


def _float64_blocks(matrix: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Slices of rows, each with a float64 copy of the rows."""
    for rows in row_blocks(len(matrix), _BLOCK_BYTES // (8 * matrix.shape[1])):
        block = matrix[rows].astype(np.float64)
        if not np.isfinite(block).all():
            row = rows.start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise InvalidInputError(f"logits must be finite, but row {row} is not")
        yield rows, block
