"""Rows as float32 for fast products, with access to all the digits that the user gave."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks

# Size in bytes of a block of differences.
BLOCK_BYTES = 8 * 2**20


def as_float64(block: NDArray[Any]) -> NDArray[np.float64]:
    """The block itself, in float64."""
    return np.asarray(block, np.float64)


class Rows(NamedTuple):
    """Rows of features in two precisions."""

    points: NDArray[np.float32]
    """(n, d) float32: centred and scaled."""
    source: NDArray[Any]
    """(n, d): the same rows as they were given; may be a memory map."""
    convert: Callable[[NDArray[Any]], NDArray[np.float64]]
    """Rows of ``source`` in float64 in the unit of ``points``. They need not be centred."""

    @classmethod
    def of(cls, rows: NDArray[np.float32] | Rows) -> Rows:
        """``rows``, whose float32 values are all that is known of them if they are an array."""
        return rows if isinstance(rows, Rows) else cls(rows, rows, as_float64)

    @property
    def has_digits(self) -> bool:
        """Whether more is known of the rows than their float32 values."""
        return self.convert is not as_float64

    def exact(self, index: Any) -> NDArray[np.float64]:
        """The rows at ``index`` in float64; differences between them are exact to its rounding."""
        return self.convert(self.source[index])

    def take(self, index: Any) -> Rows:
        """The rows at ``index``."""
        return Rows(self.points[index], self.source[index], self.convert)


def rounding_share(columns: int, dtype: type[np.floating[Any]]) -> float:
    """Bound of the error of |x|² + |y|² − 2xy, as a share of |x|² + |y|².

    The error of a product of d terms is at most d u, and with probability 1 − 10⁻¹³ at most
    8 √d u (Higham & Mary 2019, "A new approach to probabilistic rounding error analysis"). The rest
    covers the lengths, the sum and the rounding of the rows themselves.

    Parameters
    ----------
    columns : int
        Number d of columns.
    dtype : numpy floating type
        Of rows and products; u is half of its machine precision.
    """
    return (min(columns, 8 * math.sqrt(columns)) + 16) * float(np.finfo(dtype).eps) / 2


def pair_distances(
    reference: Rows, targets: Rows | None, i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(e,) squared distances between ``targets[i]`` and ``reference[j]``, from differences.

    Parameters
    ----------
    reference : Rows
    targets : Rows or None
        None means the reference.
    i, j : (e,) int64 arrays
        Row numbers.
    """
    out = np.empty(len(i))
    for part in row_blocks(len(i), BLOCK_BYTES // (8 * reference.source.shape[1])):
        difference = reference.exact(j[part]) - (targets or reference).exact(i[part])
        out[part] = np.einsum("ij,ij->i", difference, difference)
    return out


def distances_from(row: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) squared distances of some rows, (m, d), from one row, (d,)."""
    difference = others - row
    return np.asarray(np.einsum("ij,ij->i", difference, difference))
