"""Loops over pairs and points, compiled by numba for the CPU.

Each loop does in one pass what the torch operations of ``attraction``, ``repulsion`` and ``forces``
do in many, and needs no temporary arrays: an iteration takes a half to a third of the time. The
loops release the GIL and run on ranges in ``Workers``. numba's own threads are not used, because
its default threading layer aborts the process when two Python threads enter it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from tsne_widget.projection.mesh import ORDER

_compiled = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
_f = np.float32
_TURN = np.float32(2 * np.pi)


@_compiled
def attract(
    first: int, last: int, y: Any, starts: Any, others: Any, values: Any, force: Any
) -> None:
    """Add the attraction of the pairs of rows ``first:last`` to ``force``, (n, 2)."""
    for i in range(first, last):
        x0, x1 = y[i, 0], y[i, 1]
        own0, own1 = _f(0), _f(0)
        for e in range(starts[i], starts[i + 1]):
            j = others[e]
            d0, d1 = x0 - y[j, 0], x1 - y[j, 1]
            weight = values[e] / (_f(1) + d0 * d0 + d1 * d1)
            d0 *= weight
            d1 *= weight
            own0 += d0
            own1 += d1
            force[j, 0] -= d0
            force[j, 1] -= d1
        force[i, 0] += own0
        force[i, 1] += own1


@_compiled
def _spline(place: Any, weights: Any, slopes: Any) -> None:
    """``mesh.spline`` for one point; ``weights`` and ``slopes`` are (ORDER,) outputs."""
    weights[0] = _f(1) - place
    weights[1] = place
    for k in range(3, ORDER + 1):
        if k == ORDER:
            slopes[0] = -weights[0]
            for j in range(1, ORDER - 1):
                slopes[j] = weights[j - 1] - weights[j]
            slopes[ORDER - 1] = weights[ORDER - 2]
        share = _f(1.0 / (k - 1))
        weights[k - 1] = share * place * weights[k - 2]
        for j in range(k - 2, 0, -1):
            weights[j] = share * (
                (place + _f(k - 1 - j)) * weights[j - 1] + (_f(1 + j) - place) * weights[j]
            )
        weights[0] = share * (_f(1) - place) * weights[0]


@_compiled
def spread(
    first: int, last: int, y: Any, origin0: Any, origin1: Any, scale: Any, density: Any
) -> None:
    """Add a unit mass at each of the points ``y[first:last]`` to ``density``, (cells, cells)."""
    weights0, weights1 = np.empty(ORDER, _f), np.empty(ORDER, _f)
    slopes = np.empty(ORDER, _f)
    for i in range(first, last):
        s, t = (y[i, 0] - origin0) * scale, (y[i, 1] - origin1) * scale
        row, column = np.int64(s), np.int64(t)
        _spline(s - _f(row), weights0, slopes)
        _spline(t - _f(column), weights1, slopes)
        for a in range(ORDER):
            for b in range(ORDER):
                density[row + a, column + b] += weights0[a] * weights1[b]


@_compiled
def interpolate(
    first: int,
    last: int,
    y: Any,
    origin0: Any,
    origin1: Any,
    scale: Any,
    field: Any,
    self0: Any,
    self1: Any,
    force: Any,
) -> float:
    """Write −½∇Φ at the points ``first:last`` to ``force``, (n, 2), and return their Σ Φ."""
    weights0, weights1 = np.empty(ORDER, _f), np.empty(ORDER, _f)
    slopes0, slopes1 = np.empty(ORDER, _f), np.empty(ORDER, _f)
    factor = _f(-0.5) * scale
    total = 0.0
    for i in range(first, last):
        s, t = (y[i, 0] - origin0) * scale, (y[i, 1] - origin1) * scale
        row, column = np.int64(s), np.int64(t)
        s -= _f(row)
        t -= _f(column)
        _spline(s, weights0, slopes0)
        _spline(t, weights1, slopes1)
        value, force0, force1 = _f(0), _f(0), _f(0)
        for a in range(ORDER):
            line, slope = _f(0), _f(0)
            for b in range(ORDER):
                node = field[row + a, column + b]
                line += node * weights1[b]
                slope += node * slopes1[b]
            value += line * weights0[a]
            force0 += line * slopes0[a]
            force1 += slope * weights0[a]
        total += float(value)
        angle0, angle1 = s * _TURN, t * _TURN
        force[i, 0] = factor * force0 - np.sin(angle0) * (self0 + self1 * np.cos(angle1))
        force[i, 1] = factor * force1 - np.sin(angle1) * (self0 + self1 * np.cos(angle0))
    return total


@_compiled
def repel(across: Any, along: Any, force: Any) -> float:
    """Write the repulsion of every pair of points to ``force``, (n, 2), and return Z.

    ``across`` and ``along`` are the (n,) coordinates: in arrays of their own, a processor reads
    several at once.
    """
    total = 0.0
    for i in range(len(across)):
        x0, x1 = across[i], along[i]
        force0, force1, field = _f(0), _f(0), _f(0)
        for j in range(len(across)):
            d0, d1 = x0 - across[j], x1 - along[j]
            weight = _f(1) / (_f(1) + d0 * d0 + d1 * d1)
            field += weight
            weight *= weight
            force0 += weight * d0
            force1 += weight * d1
        force[i, 0], force[i, 1] = force0, force1
        total += float(field)
    return total - len(across)


@_compiled
def move(
    first: int,
    last: int,
    attraction: Any,
    repulsion: Any,
    exaggeration: Any,
    inverse_z: Any,
    rate: Any,
    momentum: Any,
    min_gain: Any,
    max_step: Any,
    stable_rates: Any,
    y: Any,
    velocity: Any,
    gains: Any,
) -> None:
    """``TorchForces.move`` for the points ``first:last``; ``attraction`` is (parts, n, 2)."""
    for i in range(first, last):
        own_rate = min(rate, stable_rates[i] / exaggeration)
        for axis in range(2):
            pull = _f(0)
            for part in range(len(attraction)):
                pull += attraction[part, i, axis]
            gradient = exaggeration * pull - inverse_z * repulsion[i, axis]
            gain = gains[i, axis]
            gain = gain * _f(0.8) if gradient * velocity[i, axis] > 0 else gain + _f(0.2)
            gain = max(gain, min_gain)
            gains[i, axis] = gain
            step = momentum * velocity[i, axis] - own_rate * gain * gradient
            step = min(max(step, -max_step), max_step)
            velocity[i, axis] = step
            y[i, axis] += step
