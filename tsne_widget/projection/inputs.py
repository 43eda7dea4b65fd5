"""Validation and scaling of features."""

from __future__ import annotations

import math
import os
import zlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import ROWS_LISTED, row_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.projection.rows import Rows

# Three points form a triangle whatever the data are, so a map needs at least four.
MIN_SAMPLES = 4
# Size of a block of features as float64, in bytes. Memory maps are read block by block.
BLOCK_BYTES = 8 * 2**20
# Sparse matrices of up to this many values are made dense: 512 MB in float32.
DENSE_VALUES = 2**27
# Rows of a block whose bytes enter a checksum.
CHECKSUM_ROWS = 4096


def as_array(X: Any) -> Any:
    """``X`` unchanged, or as a numpy array if it is a torch tensor or a small sparse matrix.

    Raises
    ------
    InvalidInputError
        If X is a FeatureSet, a path, a large sparse matrix or a sparse tensor.
    """
    from scipy import sparse

    if isinstance(X, FeatureSet):
        raise InvalidInputError("X must be an (n, d) array, got a FeatureSet; pass its .features")
    if isinstance(X, (str, os.PathLike)):
        raise InvalidInputError(
            f"X must be an (n, d) array, got a path; pass numpy.load({os.fspath(X)!r})"
        )
    if sparse.issparse(X):
        if math.prod(X.shape) <= DENSE_VALUES:
            return X.toarray()
        raise InvalidInputError(
            f"X is a sparse matrix ({X.format}, shape {X.shape}) that is too large to be made "
            "dense; pass sklearn.decomposition.TruncatedSVD(50).fit_transform(X), or X.toarray()"
        )
    if isinstance(X, torch.Tensor):
        if X.layout != torch.strided:
            raise InvalidInputError("X is a sparse tensor; pass X.to_dense()")
        X = X.detach()
        if X.dtype in (torch.float16, torch.bfloat16):  # numpy has no bfloat16
            X = X.float()
        return X.cpu().numpy()
    return X


def as_numeric(estimator: Any, X: Any, *, reset: bool) -> NDArray[Any]:
    """``X`` as an (n, d) array of numbers, by scikit-learn's rules.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets or has the attribute ``n_features_in_``.
    X : array-like
    reset : bool
        Set ``n_features_in_`` instead of checking it.

    Raises
    ------
    InvalidInputError
        In place of scikit-learn's ValueError.
    """
    from sklearn.utils.validation import validate_data

    try:
        array: NDArray[Any] = validate_data(
            estimator, as_array(X), reset=reset, dtype="numeric", ensure_all_finite=False
        )
    except InvalidInputError:
        raise
    except ValueError as error:
        raise InvalidInputError(str(error)) from error
    return array


def check_samples(n: int) -> None:
    """Raise InvalidInputError if ``n`` samples are too few for a map."""
    if n < MIN_SAMPLES:
        raise InvalidInputError(
            f"t-SNE needs at least {MIN_SAMPLES} samples, got n_samples={n}; pass your own "
            "coordinates as embedding=, or another projector such as sklearn.decomposition.PCA"
        )


class Scaler:
    """Centring and scaling, learnt from one array and applied to others.

    Only the subtraction of the centre rounds. Features multiplied by a power of two therefore give
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
        lowest, highest = _bounds(X)
        self._exponent = exponent_of(lowest, highest)
        centre = np.zeros(d)
        for block in _blocks(X):
            centre += self._scaled_by_power_of_two(X[block]).sum(axis=0, dtype=np.float64)
        self._centre_at(centre / n, lowest, highest)

    def _centre_at(
        self, mean: NDArray[np.float64], lowest: NDArray[np.float64], highest: NDArray[np.float64]
    ) -> None:
        """Set centre and spread from the mean of the scaled columns and the bounds of the columns.

        Clip, because rounding must not move the mean of a constant column off its value.
        """
        lowest, highest = (np.ldexp(bound, -self._exponent) for bound in (lowest, highest))
        self._centre = np.clip(mean, lowest, highest)
        spread = max((highest - self._centre).max(), (self._centre - lowest).max())
        self._spread_exponent = int(np.frexp(spread)[1])

    def __call__(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Centred and scaled copy of ``X``, (n, d) float32; absolute values are at most about 1."""
        out = np.empty(X.shape, dtype=np.float32)
        for block in _blocks(X):
            difference = self._scaled_by_power_of_two(X[block])
            difference -= self._centre.astype(difference.dtype)
            if abs(self._spread_exponent) < 60:
                difference *= 2.0**-self._spread_exponent
            else:  # the factor itself may overflow float32
                difference = np.ldexp(difference, -self._spread_exponent)
            out[block] = difference
        return out

    def rows(self, X: NDArray[Any]) -> Rows:
        """``X`` centred and scaled, with its digits at hand; ``X`` is kept."""
        return Rows(self(X), X, self.digits)

    def digits(self, block: NDArray[Any]) -> NDArray[np.float64]:
        """Rows scaled by the same power of two in float64, not centred: no digit is lost."""
        return scaled_exactly(block, -self._exponent - self._spread_exponent)

    def _scaled_by_power_of_two(self, block: NDArray[Any]) -> NDArray[Any]:
        """Copy of the block whose sums neither overflow nor underflow."""
        if block.dtype == np.float32 and abs(self._exponent) < 60:
            return np.asarray(block * np.float32(2.0**-self._exponent))
        rescaled = np.ldexp(block.astype(np.float64), -self._exponent)
        return np.asarray(rescaled, np.float32 if block.dtype == np.float32 else np.float64)


def _bounds(X: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimum and maximum of each column, (d,) each; they must be finite and not all equal."""
    ranges = [(X[block].min(axis=0), X[block].max(axis=0)) for block in _blocks(X)]
    lowest = np.min([low for low, _ in ranges], axis=0)
    highest = np.max([high for _, high in ranges], axis=0)
    check_bounds(X, lowest, highest)
    return lowest.astype(np.float64), highest.astype(np.float64)


def scaled_exactly(block: NDArray[Any], exponent: int) -> NDArray[np.float64]:
    """The block times a power of two, in float64."""
    if abs(exponent) < 1000:
        return np.asarray(np.multiply(block, 2.0**exponent, dtype=np.float64))
    return np.asarray(np.ldexp(block.astype(np.float64), exponent))


def exponent_of(lowest: NDArray[np.float64], highest: NDArray[np.float64]) -> int:
    """The power of two just above all absolute values between these bounds."""
    return int(np.frexp(max(np.abs(lowest).max(), np.abs(highest).max()))[1])


def check_bounds(X: NDArray[Any], lowest: NDArray[Any], highest: NDArray[Any]) -> None:
    """Raise InvalidInputError if the bounds of the columns are not finite, or all equal."""
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        raise_not_finite(X)
    if np.array_equal(lowest, highest):
        raise InvalidInputError(
            f"features are constant over {len(X)} samples (dead layer?); check the layer's input "
            "and weights, or choose another layer"
        )


def unit_rows(X: NDArray[Any]) -> NDArray[np.float32]:
    """``X`` with each row divided by its length, for cosine distances.

    Parameters
    ----------
    X : (n, d) array of real numbers

    Returns
    -------
    (n, d) float32 array

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, a row is 0, or all rows have the same direction.
    """
    out = directions(X)
    if np.ptp(out, axis=0).max() < 1e-6:  # equal up to the rounding of float32
        raise InvalidInputError(
            f"features are constant over {len(X)} samples except for their length (dead layer?); "
            "check the layer's input and weights, or choose another layer"
        )
    return out


def directions(X: NDArray[Any]) -> NDArray[np.float32]:
    """As :func:`unit_rows`, but all rows may have the same direction."""
    out = np.empty(X.shape, dtype=np.float32)
    for block in _blocks(X):
        rows = X[block].astype(np.float64)
        largest = np.abs(rows).max(axis=1)
        if not np.isfinite(largest).all():
            raise_not_finite(X)
        _check_nonzero(largest, block.start)
        out[block] = exact_directions(rows)
    return out


def exact_directions(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Rows that are finite and not 0, each divided by its length, in float64."""
    scaled = rows / np.abs(rows).max(axis=1, keepdims=True).astype(np.float64)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


def check_nonzero_rows(X: NDArray[Any]) -> None:
    """Raise InvalidInputError if a row of ``X`` is 0 in every column."""
    for block in _blocks(X):
        _check_nonzero(np.abs(X[block]).max(axis=1), block.start)


def _check_nonzero(largest: NDArray[Any], first: int) -> None:
    if not largest.all():
        raise InvalidInputError(
            f"row {first + int(np.argmin(largest))} is 0 in every column and has no direction, so "
            "metric='cosine' cannot place it; drop such rows or pass metric='euclidean'"
        )


def check_finite(X: NDArray[Any]) -> None:
    """Raise InvalidInputError if a value of ``X`` is NaN or infinite."""
    if not all(np.isfinite(X[block]).all() for block in _blocks(X)):
        raise_not_finite(X)


def raise_not_finite(X: NDArray[Any]) -> None:
    """Raise the InvalidInputError that counts and lists the rows of ``X`` with NaN or inf."""
    bad = np.concatenate(
        [block.start + np.flatnonzero(~np.isfinite(X[block]).all(1)) for block in _blocks(X)]
    )
    rows = ", ".join(map(str, bad[:ROWS_LISTED])) + (" …" if len(bad) > ROWS_LISTED else "")
    raise InvalidInputError(
        f"features have NaN or inf in {len(bad)} of {len(X)} rows (rows {rows}); look for "
        "float16 overflow or a wrong normalisation, or drop these rows"
    )


def checksum(X: NDArray[Any]) -> int:
    """CRC-32 of the shape and the bytes of ``X``, computed in blocks of rows."""
    value = zlib.crc32(repr(X.shape).encode())
    for block in row_blocks(len(X), CHECKSUM_ROWS):
        value = zlib.crc32(np.ascontiguousarray(X[block]).data, value)
    return value


def _blocks(X: NDArray[Any]) -> list[slice]:
    n, d = X.shape
    return row_blocks(n, BLOCK_BYTES // (8 * d))
