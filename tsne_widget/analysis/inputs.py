"""Arrays that a caller hands to functions of this folder: checked, or an error saying why."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError

_BLOCK_BYTES = 8 * 2**20  # of float64 rows at a time


def as_codes(name: str, values: ArrayLike, n: int | None, c: int | None) -> NDArray[np.int64]:
    """(n,) int64 classes, −1 where unknown."""
    codes = np.asarray(values)
    if codes.ndim != 1 or (codes.size and codes.dtype.kind not in "iu"):
        raise InvalidInputError(
            f"{name} must be an (n,) array of integers, −1 where unknown, "
            f"got shape {codes.shape} and dtype {codes.dtype}"
        )
    if n is not None and len(codes) != n:
        raise InvalidInputError(
            f"{name} has {len(codes)} entries, but there are {n} rows; "
            "row i must be the same sample in every array"
        )
    low, high = (int(codes.min()), int(codes.max())) if codes.size else (0, -1)
    if low < -1 or (c is not None and high >= c):
        raise InvalidInputError(
            f"{name} must be {'0 or more' if c is None else f'0 … {c - 1}'}, or −1 for unknown, "
            f"got {low} … {high}; mark samples of other classes as −1"
        )
    return codes.astype(np.int64)


def as_matrix(name: str, values: ArrayLike, n: int | None = None) -> NDArray[Any]:
    """(n, d) numbers with n, d ≥ 1 as they are, not copied and not yet looked at."""
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or 0 in matrix.shape:
        raise InvalidInputError(
            f"{name} must be an (n, d) array of numbers with n and d of at least 1, "
            f"got shape {matrix.shape} and dtype {matrix.dtype}"
        )
    if n is not None and len(matrix) != n:
        raise InvalidInputError(
            f"{name} has {len(matrix)} rows, but there should be {n}; "
            "row i must be the same sample in every array"
        )
    return matrix


def as_neighbors(name: str, values: ArrayLike, n: int | None = None) -> NDArray[Any]:
    """(n, k) rows 0 … n − 1, nearest first, as they are."""
    indices = np.asarray(values)
    if indices.ndim != 2 or indices.dtype.kind not in "iu" or indices.shape[1] == 0:
        raise InvalidInputError(
            f"{name} must be an (n, k) array of rows with k of at least 1, as kneighbors returns "
            f"them, got shape {indices.shape} and dtype {indices.dtype}"
        )
    if n is not None and len(indices) != n:
        raise InvalidInputError(f"{name} has {len(indices)} rows, but there should be {n}")
    if indices.size and (indices.min() < 0 or indices.max() >= len(indices)):
        raise InvalidInputError(
            f"{name} must hold rows 0 … {len(indices) - 1}, got {indices.min()} … {indices.max()}"
        )
    return indices


class Centring(NamedTuple):
    """What brings features about 0, to magnitudes up to about 1."""

    centre: NDArray[np.float64]
    """(d,) their mean, of values times 2 ** -exponent."""
    exponent: int
    closer: int
    """Binary exponent of the largest difference from the mean."""

    @property
    def unit(self) -> float:
        """Distances between centred rows times this are those of the features."""
        return float(np.ldexp(1.0, self.exponent + self.closer))

    def of(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """(m, d) float32: these rows centred. Nothing overflows on the way."""
        scaled = np.ldexp(block.astype(np.float64), -self.exponent) - self.centre
        return np.ldexp(scaled, -self.closer).astype(np.float32)


def centring(features: NDArray[Any]) -> Centring:
    """What centres these (n, d) features, read three times in blocks.

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite.
    """
    n, d = features.shape
    blocks = row_blocks(n, d)
    lowest = np.min([features[block].min(axis=0) for block in blocks], axis=0).astype(np.float64)
    highest = np.max([features[block].max(axis=0) for block in blocks], axis=0).astype(np.float64)
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        finite = np.concatenate([np.isfinite(features[block]).all(axis=1) for block in blocks])
        bad = np.flatnonzero(~finite)
        raise InvalidInputError(
            f"features have NaN or inf in {len(bad)} of {n} rows "
            f"(rows {', '.join(map(str, bad[:5]))}); drop these rows"
        )
    exponent = int(np.frexp(max(np.abs(lowest).max(), np.abs(highest).max()))[1])
    lowest, highest = np.ldexp(lowest, -exponent), np.ldexp(highest, -exponent)
    centre = np.zeros(d)
    for block in blocks:
        centre += np.ldexp(features[block].astype(np.float64), -exponent).sum(axis=0)
    # A mean lies within its range; rounding must not push a constant column off zero.
    centre = np.clip(centre / n, lowest, highest)
    closer = int(np.frexp(max((highest - centre).max(), (centre - lowest).max()))[1])
    return Centring(centre, exponent, closer)


def centred(features: NDArray[Any]) -> tuple[NDArray[np.float32], float]:
    """(n, d) float32 about 0, of magnitudes up to about 1, and the unit they are measured in.

    Distances between its rows times the unit are those of the features: nothing overflows on the
    way, and little is lost where values are large and differences small.
    """
    how = centring(features)
    out = np.empty(features.shape, dtype=np.float32)
    for block in row_blocks(*features.shape):
        out[block] = how.of(features[block])
    return out, how.unit


def row_blocks(n: int, d: int) -> list[slice]:
    """Rows of an (n, d) array in blocks, so that a memory map is never loaded whole."""
    step = max(1, _BLOCK_BYTES // (8 * d))
    return [slice(start, start + step) for start in range(0, n, step)]
