"""How certain a classifier was, from its logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError

# Rows are taken in blocks, so that float64 copies stay in the processor's cache.
_BLOCK_BYTES = 4 * 2**20


def confidence(logits: ArrayLike) -> NDArray[np.float32]:
    """Probability of the predicted class of each row: the largest softmax.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier, before softmax.

    Returns
    -------
    (n,) float32 array
        1/c … 1; all 1 where c = 1.

    Raises
    ------
    InvalidInputError
        If logits are not such an array.

    Examples
    --------
    >>> confidence([[0.0, 0.0], [1000.0, 0.0]])
    array([0.5, 1. ], dtype=float32)
    """
    return _by_blocks(logits, lambda first, second, total: 1 / total)


def margin(logits: ArrayLike) -> NDArray[np.float32]:
    """Probability of the predicted class less that of the next one, for each row.

    Parameters
    ----------
    logits : (n, c) array of finite numbers
        Raw outputs of the classifier, before softmax.

    Returns
    -------
    (n,) float32 array
        0 (a tie) … 1; all 1 where c = 1.

    Raises
    ------
    InvalidInputError
        If logits are not such an array.

    Examples
    --------
    >>> margin([[5.0, 5.0], [1000.0, 0.0]])
    array([0., 1.], dtype=float32)
    """
    return _by_blocks(logits, lambda first, second, total: np.abs(np.expm1(second - first)) / total)


def _by_blocks(
    logits: ArrayLike,
    of: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[Any]],
) -> NDArray[np.float32]:
    """``of`` the two largest logits and the sum of exp(logit − largest), all (rows,) float64."""
    matrix = np.asarray(logits)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or matrix.shape[1] == 0:
        raise InvalidInputError(
            "logits must be an (n, c) array of numbers with c of at least 1, "
            f"got shape {matrix.shape} and dtype {matrix.dtype}"
        )
    result = np.empty(len(matrix), dtype=np.float32)
    step = max(1, _BLOCK_BYTES // (8 * matrix.shape[1]))
    for start in range(0, len(matrix), step):
        block = matrix[start : start + step].astype(np.float64)
        if not np.isfinite(block).all():
            row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise InvalidInputError(f"logits must be finite, but row {row} is not")
        rows, best = np.arange(len(block)), block.argmax(axis=1)
        first = block[rows, best]
        with np.errstate(under="ignore", over="ignore"):
            total = np.exp(block - first[:, np.newaxis]).sum(axis=1)
            block[rows, best] = -np.inf  # what is left: the next one, or nothing where c = 1
            result[start : start + step] = of(first, block.max(axis=1), total)
    return result
