"""Checks and centring of the arrays that several analysis functions take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import ROWS_LISTED, check_rows, row_blocks
from tsne_widget.errors import InvalidInputError

_BLOCK_BYTES = 8 * 2**20  # of the float64 copy of a block of rows


def as_matrix(name: str, values: ArrayLike, n: int | None = None) -> NDArray[Any]:
    """An (n, d) array of numbers with n, d ≥ 1, neither copied nor searched for NaN."""
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or 0 in matrix.shape:
        raise InvalidInputError(
            f"{name} must be an (n, d) array of numbers with n and d of at least 1, "
            f"got shape {matrix.shape} and dtype {matrix.dtype}"
        )
    check_rows(name, len(matrix), n)
    return matrix


def as_neighbors(name: str, values: ArrayLike, n: int | None = None) -> NDArray[Any]:
    """An (n, k) array of rows 0 … n − 1, k ≥ 1, not copied."""
    indices = np.asarray(values)
    if indices.ndim != 2 or indices.dtype.kind not in "iu" or indices.shape[1] == 0:
        raise InvalidInputError(
            f"{name} must be an (n, k) array of rows with k of at least 1, as kneighbors returns "
            f"them, got shape {indices.shape} and dtype {indices.dtype}"
        )
    check_rows(name, len(indices), n)
    if indices.size and (indices.min() < 0 or indices.max() >= len(indices)):
        raise InvalidInputError(
            f"{name} must hold rows 0 … {len(indices) - 1}, got {indices.min()} … {indices.max()}"
        )
    return indices


class Centring(NamedTuple):
    """A shift and a scale that bring features to mean 0 and magnitudes up to about 1."""

    mean: NDArray[np.float64]
    """(d,) mean of the features times 2 ** −exponent."""
    exponent: int
    """Binary exponent of the largest magnitude."""
    spread_exponent: int
    """Binary exponent of the largest difference from the mean."""

    @property
    def unit(self) -> float:
        """Distance in the units of the features that is 1 between centred rows."""
        return float(np.ldexp(1.0, self.exponent + self.spread_exponent))

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """(m, d) rows of features, centred and scaled, as float32; no step overflows."""
        scaled = np.ldexp(block.astype(np.float64), -self.exponent) - self.mean
        return np.ldexp(scaled, -self.spread_exponent).astype(np.float32)

    def points(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """(n, d) features, which may be a memory map, centred and scaled."""
        points = np.empty(features.shape, dtype=np.float32)
        for block in feature_blocks(*features.shape):
            points[block] = self.apply(features[block])
        return points

    def digits(self, block: NDArray[Any]) -> NDArray[np.float64]:
        """(m, d) rows of features, only scaled, as float64: no digit is lost."""
        exponent = -self.exponent - self.spread_exponent
        return np.asarray(np.ldexp(block.astype(np.float64), exponent))


def feature_blocks(n: int, d: int) -> list[slice]:
    """Blocks of rows of an (n, d) array, so that a memory map is never loaded whole."""
    return row_blocks(n, _BLOCK_BYTES // (8 * d))


def centring(features: NDArray[Any]) -> Centring:
    """The centring of (n, d) features, which are read three times in blocks.

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite.
    """
    n, d = features.shape
    blocks = feature_blocks(n, d)
    lowest = np.min([features[block].min(axis=0) for block in blocks], axis=0).astype(np.float64)
    highest = np.max([features[block].max(axis=0) for block in blocks], axis=0).astype(np.float64)
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        finite = np.concatenate([np.isfinite(features[block]).all(axis=1) for block in blocks])
        bad = np.flatnonzero(~finite)
        raise InvalidInputError(
            f"features have NaN or inf in {len(bad)} of {n} rows "
            f"(first rows: {', '.join(map(str, bad[:ROWS_LISTED]))}); drop these rows"
        )
    exponent = int(np.frexp(max(np.abs(lowest).max(), np.abs(highest).max()))[1])
    lowest, highest = np.ldexp(lowest, -exponent), np.ldexp(highest, -exponent)
    total = np.zeros(d)
    for block in blocks:
        total += np.ldexp(features[block].astype(np.float64), -exponent).sum(axis=0)
    # A mean lies within the range; rounding must not push a constant column off zero.
    mean = np.clip(total / n, lowest, highest)
    spread_exponent = int(np.frexp(max((highest - mean).max(), (mean - lowest).max()))[1])
    return Centring(mean, exponent, spread_exponent)


def centred(features: NDArray[Any]) -> tuple[NDArray[np.float32], float]:
    """Features with mean 0 and magnitudes up to about 1, and the unit of their distances.

    No step overflows, and float32 loses little where values are large and differences small.

    Returns
    -------
    points : (n, d) float32 array
    unit : float
        Distances between the points times ``unit`` are distances between the features.
    """
    transform = centring(features)
    return transform.points(features), transform.unit
