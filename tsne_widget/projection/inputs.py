"""Whatever is passed as features → centred, scaled, finite float32, or an error that says why."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Below this a map of neighbourhoods has no meaning: three points are a triangle, whatever the data.
MIN_SAMPLES = 4
# Features are read in blocks of this size, so that a memory map is never loaded twice.
BLOCK_BYTES = 8 * 2**20


def as_array(X: Any) -> Any:
    """``X`` itself, or a numpy array where ``X`` is a torch tensor of any dtype on any device.

    Raises
    ------
    InvalidInputError
        For a FeatureSet, a path, sparse matrices and sparse tensors, with the remedy.
    """
    if isinstance(X, FeatureSet):
        raise InvalidInputError("X must be an (n, d) array, got a FeatureSet; pass its .features")
    if isinstance(X, (str, os.PathLike)):
        raise InvalidInputError(
            f"X must be an (n, d) array, got the path {os.fspath(X)!r}; pass numpy.load of it"
        )
    if sparse.issparse(X):
        raise InvalidInputError(
            f"X is a sparse matrix ({X.format}, shape {X.shape}); t-SNE needs dense features: pass "
            "X.toarray(), or sklearn.decomposition.TruncatedSVD(50).fit_transform(X)"
        )
    if isinstance(X, torch.Tensor):
        if X.layout != torch.strided:
            raise InvalidInputError("X is a sparse tensor; pass X.to_dense()")
        X = X.detach()
        if X.dtype in (torch.float16, torch.bfloat16):  # bfloat16 has no numpy counterpart
            X = X.float()
        return X.cpu().numpy()
    return X


def check_samples(n: int) -> None:
    """Raise InvalidInputError where ``n`` samples are too few for a map of neighbourhoods."""
    if n < MIN_SAMPLES:
        raise InvalidInputError(
            f"t-SNE needs at least {MIN_SAMPLES} samples, got n_samples={n}; pass embedding= with "
            "your own coordinates or use another projector, such as sklearn.decomposition.PCA"
        )


class Standard:
    """Centring and scaling of features, learnt from one array and applicable to others.

    Every step but the subtraction of the centre is exact, so features times any power of two give
    the same bits.

    Parameters
    ----------
    X : (n, d) array of real numbers, n, d ≥ 1
        May be a memory map; it is read in blocks.

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, or if all rows are equal.
    """

    def __init__(self, X: NDArray[Any]) -> None:
        n, d = X.shape
        ranges = [(X[block].min(axis=0), X[block].max(axis=0)) for block in _row_blocks(X)]
        lowest = np.min([low for low, _ in ranges], axis=0)
        highest = np.max([high for _, high in ranges], axis=0)
        if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
            raise_not_finite(X)
        if np.array_equal(lowest, highest):
            raise InvalidInputError(
                f"features are constant over {n} samples (dead layer?); check the layer's input "
                "and weights, or choose another layer"
            )
        lowest, highest = lowest.astype(np.float64), highest.astype(np.float64)
        magnitude = max(np.abs(lowest).max(), np.abs(highest).max())
        self._exponent = int(np.frexp(magnitude)[1])
        centre = np.zeros(d)
        for block in _row_blocks(X):
            centre += self._rescaled(X[block]).sum(axis=0, dtype=np.float64)
        # A mean lies within its range; rounding must not push a constant column off zero.
        lowest, highest = (np.ldexp(bound, -self._exponent) for bound in (lowest, highest))
        self._centre = np.clip(centre / n, lowest, highest)
        spread = max((highest - self._centre).max(), (self._centre - lowest).max())
        self._spread_exponent = int(np.frexp(spread)[1])

    def __call__(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """``X`` centred and scaled, (n, d) float32 in a new array; magnitudes about 1 at most."""
        out = np.empty(X.shape, dtype=np.float32)
        for block in _row_blocks(X):
            difference = self._rescaled(X[block])
            difference -= self._centre.astype(difference.dtype)
            if abs(self._spread_exponent) < 60:
                difference *= 2.0**-self._spread_exponent
            else:  # the factor itself may overflow float32
                difference = np.ldexp(difference, -self._spread_exponent)
            out[block] = difference
        return out

    def _rescaled(self, block: NDArray[Any]) -> NDArray[Any]:
        """The block times a power of two, so that sums can neither overflow nor underflow."""
        if block.dtype == np.float32 and abs(self._exponent) < 60:
            return np.asarray(block * np.float32(2.0**-self._exponent))
        rescaled = np.ldexp(block.astype(np.float64), -self._exponent)
        return np.asarray(rescaled, np.float32 if block.dtype == np.float32 else np.float64)


def unit_rows(X: NDArray[Any]) -> NDArray[np.float32]:
    """``X`` with every row divided by its length, (n, d) float32, for cosine distances.

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, a row is 0 and has no direction, or all have the same.
    """
    out = directions(X)
    if np.ptp(out, axis=0).max() < 1e-6:  # equal up to the rounding of float32
        raise InvalidInputError(
            f"features are constant over {len(X)} samples up to their length (dead layer?); "
            "check the layer's input and weights, or choose another layer"
        )
    return out


def directions(X: NDArray[Any]) -> NDArray[np.float32]:
    """The same, also of rows that have all the same direction."""
    out = np.empty(X.shape, dtype=np.float32)
    for block in _row_blocks(X):
        rows = X[block].astype(np.float64)
        largest = np.abs(rows).max(axis=1, keepdims=True)
        if not np.isfinite(largest).all():
            raise_not_finite(X)
        _check_directed(largest[:, 0], block.start)
        rows /= largest
        out[block] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def check_directed(X: NDArray[Any]) -> None:
    """Raise InvalidInputError where a row of ``X`` is 0, block by block."""
    for block in _row_blocks(X):
        _check_directed(np.abs(X[block]).max(axis=1), block.start)


def _check_directed(largest: NDArray[Any], first: int) -> None:
    if not largest.all():
        raise InvalidInputError(
            f"row {first + int(np.argmin(largest))} is 0 in every column, which has no direction: "
            "metric='cosine' cannot place it; drop such rows or pass metric='euclidean'"
        )


def _row_blocks(X: NDArray[Any]) -> list[slice]:
    n, d = X.shape
    rows = max(1, BLOCK_BYTES // (8 * d))
    return [slice(start, min(start + rows, n)) for start in range(0, n, rows)]


def check_finite(X: NDArray[Any]) -> None:
    """Raise InvalidInputError where a value of ``X`` is NaN or infinite, block by block."""
    if not all(np.isfinite(X[block]).all() for block in _row_blocks(X)):
        raise_not_finite(X)


def raise_not_finite(X: NDArray[Any]) -> None:
    """Raise the InvalidInputError that counts and names the rows of ``X`` with NaN or inf."""
    bad = np.concatenate(
        [block.start + np.flatnonzero(~np.isfinite(X[block]).all(1)) for block in _row_blocks(X)]
    )
    shown = ", ".join(map(str, bad[:5])) + (" …" if len(bad) > 5 else "")
    raise InvalidInputError(
        f"features have NaN or inf in {len(bad)} of {len(X)} rows (rows {shown}); look for "
        "float16 overflow or a wrong normalisation, or drop these rows"
    )
