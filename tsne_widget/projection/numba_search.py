"""Selection of the nearest rows from tiles of products, compiled by numba for the CPU."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

# No fastmath: bounds are infinite until a row has enough candidates.
_compiled = numba.njit(cache=True, nogil=True)
# Marks that are read at once.
_WORD = 8
_f = np.float32


@_compiled
def offer(
    products: Any,
    first: int,
    second: int,
    lengths: Any,
    keep: int,
    values: Any,
    columns: Any,
    counts: Any,
    bounds: Any,
) -> None:
    """Offer the rows ``first …`` and ``second …`` to each other as neighbours.

    Parameters
    ----------
    products : (a, b) float32 array
        xᵢ·xⱼ of row ``first + i`` and row ``second + j``.
    first, second : int
        Equal for the tile on the diagonal.
    lengths : (n,) float32 array
        Lower bounds of |x|².
    keep : int
        Number of candidates that a row needs.
    values, columns : (n, width) float32 and int32 arrays
        Lower bounds of the squared distances of the candidates, and their rows; changed.
    counts : (n,) int64 array
        Number of candidates of each row; changed.
    bounds : (n,) float32 array
        Distance that a new candidate must stay below; changed.
    """
    rows, across = products.shape
    theirs, limits = lengths[second : second + across], bounds[second : second + across]
    near = np.zeros((across + _WORD - 1) // _WORD * _WORD, np.uint8)
    words = near.view(np.uint64)
    for i in range(rows):
        me, line = first + i, products[i]
        _mark(lengths[me], bounds[me], line, theirs, limits, near)
        for word in range(len(words)):
            if words[word] == 0:
                continue
            for j in range(_WORD * word, _WORD * (word + 1)):
                if near[j] == 0:  # also beyond the last column
                    continue
                value = lengths[me] + (theirs[j] - _f(2) * line[j])
                other = second + j
                if value < bounds[me] and other != me:
                    _append(me, value, other, keep, values, columns, counts, bounds)
                if first != second and value < bounds[other]:
                    _append(other, value, me, keep, values, columns, counts, bounds)


@_compiled
def _mark(own: Any, limit: Any, line: Any, theirs: Any, limits: Any, near: Any) -> None:
    """Set ``near`` to 1 where a distance is below the limit of its row or of its column."""
    for j in range(len(line)):
        value = own + (theirs[j] - _f(2) * line[j])
        near[j] = (value < limit) | (value < limits[j])


@_compiled
def finish(
    first: int, last: int, keep: int, values: Any, columns: Any, counts: Any, bounds: Any
) -> None:
    """Move the ``keep`` best candidates of the rows ``first:last`` to the front."""
    for row in range(first, last):
        _trim(row, keep, values, columns, counts, bounds)


@_compiled
def _append(
    row: int,
    value: Any,
    column: int,
    keep: int,
    values: Any,
    columns: Any,
    counts: Any,
    bounds: Any,
) -> None:
    """Add a candidate to a row; if there is no room left, drop the worst ones."""
    place = counts[row]
    values[row, place] = value
    columns[row, place] = column
    counts[row] = place + 1
    if place + 1 == values.shape[1]:
        _trim(row, keep, values, columns, counts, bounds)


@_compiled
def _trim(row: int, keep: int, values: Any, columns: Any, counts: Any, bounds: Any) -> None:
    """Drop all but the ``keep`` smallest values of a row, the largest of them last.

    Hoare's selection.
    """
    value, column = values[row], columns[row]
    low, high = 0, counts[row] - 1
    while low < high:
        pivot = value[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while value[i] < pivot:
                i += 1
            while value[j] > pivot:
                j -= 1
            if i <= j:
                value[i], value[j] = value[j], value[i]
                column[i], column[j] = column[j], column[i]
                i += 1
                j -= 1
        if keep - 1 <= j:
            high = j
        elif keep - 1 >= i:
            low = i
        else:
            break
    counts[row] = keep
    bounds[row] = value[keep - 1]
