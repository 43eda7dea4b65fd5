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


@_compiled
def attract(
    first: int, last: int, y: Any, starts: Any, others: Any, values: Any, force: Any
) -> None:
    """Add the attraction of the pairs of rows ``first:last`` to ``force``, (n, 2)."""
    for i in range(first, last):
        x0, x1 = y[i, 0], y[i, 1]
        own0, own1 = _f(0), _f(0)
        columns, shares = others[starts[i] : starts[i + 1]], values[starts[i] : starts[i + 1]]
        for e in range(len(columns)):
            j = np.uint32(columns[e])  # unsigned, because numba would check for negative ones
            d0, d1 = x0 - y[j, 0], x1 - y[j, 1]
            weight = shares[e] / (_f(1) + d0 * d0 + d1 * d1)
            d0 *= weight
            d1 *= weight
            own0 += d0
            own1 += d1
            force[j, 0] -= d0
            force[j, 1] -= d1
        force[i, 0] += own0
        force[i, 1] += own1


@_compiled
def _weights(place: Any) -> Any:
    """Quartic B-spline at its five nodes; ``place``: position in the cell minus one half."""
    square, low, high = place * place, _f(0.5) - place, _f(0.5) + place
    low, high = low * low, high * high
    even = _f(19 / 96) + square * (_f(1 / 4) - square * _f(1 / 6))
    odd = place * (_f(11 / 24) - square * _f(1 / 6))
    return (
        low * low * _f(1 / 24),
        even - odd,
        _f(115 / 192) + square * (square * _f(1 / 4) - _f(5 / 8)),
        even + odd,
        high * high * _f(1 / 24),
    )


@_compiled
def _slopes(place: Any) -> Any:
    """Derivatives of :func:`_weights`."""
    square, low, high = place * place, _f(0.5) - place, _f(0.5) + place
    odd = place * (_f(1 / 2) - square * _f(2 / 3))
    even = _f(11 / 24) - square * _f(1 / 2)
    return (
        low * low * low * _f(-1 / 6),
        odd - even,
        place * (square - _f(5 / 4)),
        odd + even,
        high * high * high * _f(1 / 6),
    )


@_compiled
def _turn(place: Any) -> Any:
    """sin(2πx) and cos(2πx) for −½ ≤ x ≤ ½, up to 10⁻⁶."""
    sine, cosine = _half_turn(place), _half_turn(_f(0.5) - abs(place))
    return _f(2) * sine * cosine, _f(1) - _f(2) * sine * sine


@_compiled
def _half_turn(place: Any) -> Any:
    """sin(πx) for −½ ≤ x ≤ ½, up to 6 · 10⁻⁷: a polynomial fitted by least squares."""
    square = place * place
    high = _f(2.541887067) - square * _f(0.554608852)
    return place * (_f(3.141581975) + square * (square * high - _f(5.167141302)))


@_compiled
def spread(
    first: int, last: int, y: Any, origin0: Any, origin1: Any, scale: Any, density: Any
) -> None:
    """Add a unit mass at each of the points ``y[first:last]`` to ``density``, (cells, cells)."""
    for i in range(first, last):
        s, t = (y[i, 0] - origin0) * scale, (y[i, 1] - origin1) * scale
        row, column = np.uint32(s), np.uint32(t)
        down = _weights(s - _f(row) - _f(0.5))
        w0, w1, w2, w3, w4 = _weights(t - _f(column) - _f(0.5))
        for a in range(ORDER):
            share = down[a]
            line = density[row + a, column : column + ORDER]
            line[0] += share * w0
            line[1] += share * w1
            line[2] += share * w2
            line[3] += share * w3
            line[4] += share * w4


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
    """Write −½∇Φ at the points ``first:last`` to ``force``, (2, n), and return their Σ Φ."""
    factor = _f(-0.5) * scale
    total = 0.0
    for i in range(first, last):
        s, t = (y[i, 0] - origin0) * scale, (y[i, 1] - origin1) * scale
        row, column = np.uint32(s), np.uint32(t)
        s -= _f(row) + _f(0.5)
        t -= _f(column) + _f(0.5)
        down, fall = _weights(s), _slopes(s)
        v0, v1, v2, v3, v4 = _f(0), _f(0), _f(0), _f(0), _f(0)
        d0, d1, d2, d3, d4 = _f(0), _f(0), _f(0), _f(0), _f(0)
        for a in range(ORDER):
            line = field[row + a, column : column + ORDER]
            n0, n1, n2, n3, n4 = line[0], line[1], line[2], line[3], line[4]
            share, slope = down[a], fall[a]
            v0 += share * n0
            v1 += share * n1
            v2 += share * n2
            v3 += share * n3
            v4 += share * n4
            d0 += slope * n0
            d1 += slope * n1
            d2 += slope * n2
            d3 += slope * n3
            d4 += slope * n4
        w0, w1, w2, w3, w4 = _weights(t)
        total += float(v0 * w0 + v1 * w1 + v2 * w2 + v3 * w3 + v4 * w4)
        force0 = d0 * w0 + d1 * w1 + d2 * w2 + d3 * w3 + d4 * w4
        w0, w1, w2, w3, w4 = _slopes(t)
        force1 = v0 * w0 + v1 * w1 + v2 * w2 + v3 * w3 + v4 * w4
        (sine0, cosine0), (sine1, cosine1) = _turn(s), _turn(t)
        force[0, i] = factor * force0 + sine0 * (self0 - self1 * cosine1)
        force[1, i] = factor * force1 + sine1 * (self0 - self1 * cosine0)
    return total


@_compiled
def repel(first: int, last: int, across: Any, along: Any, force0: Any, force1: Any) -> float:
    """Add the repulsion between rows ``first:last`` and all later rows to both rows of each pair.

    All arrays are (n,): coordinates and forces. In arrays of their own, a processor reads several
    at once. Four rows share what they read and write. Returns Σ 1 / (1 + d²) over these pairs.
    """
    total = 0.0
    for i in range(first, last - 3, 4):
        a0, a1, a2, a3 = across[i], across[i + 1], across[i + 2], across[i + 3]
        b0, b1, b2, b3 = along[i], along[i + 1], along[i + 2], along[i + 3]
        p0, p1, p2, p3 = _f(0), _f(0), _f(0), _f(0)
        q0, q1, q2, q3 = _f(0), _f(0), _f(0), _f(0)
        field = _f(0)
        x, y, f, g = across[i + 4 :], along[i + 4 :], force0[i + 4 :], force1[i + 4 :]
        for j in range(len(x)):
            d0, d1, d2, d3 = a0 - x[j], a1 - x[j], a2 - x[j], a3 - x[j]
            e0, e1, e2, e3 = b0 - y[j], b1 - y[j], b2 - y[j], b3 - y[j]
            w0 = _f(1) / (_f(1) + d0 * d0 + e0 * e0)
            w1 = _f(1) / (_f(1) + d1 * d1 + e1 * e1)
            w2 = _f(1) / (_f(1) + d2 * d2 + e2 * e2)
            w3 = _f(1) / (_f(1) + d3 * d3 + e3 * e3)
            field += (w0 + w1) + (w2 + w3)
            w0, w1, w2, w3 = w0 * w0, w1 * w1, w2 * w2, w3 * w3
            d0, d1, d2, d3 = d0 * w0, d1 * w1, d2 * w2, d3 * w3
            e0, e1, e2, e3 = e0 * w0, e1 * w1, e2 * w2, e3 * w3
            f[j] -= (d0 + d1) + (d2 + d3)
            g[j] -= (e0 + e1) + (e2 + e3)
            p0 += d0
            p1 += d1
            p2 += d2
            p3 += d3
            q0 += e0
            q1 += e1
            q2 += e2
            q3 += e3
        force0[i] += p0
        force0[i + 1] += p1
        force0[i + 2] += p2
        force0[i + 3] += p3
        force1[i] += q0
        force1[i + 1] += q1
        force1[i + 2] += q2
        force1[i + 3] += q3
        total += float(field)
        for j in range(i, i + 3):
            total += _repel_row(j, i + 4, across, along, force0, force1)
    for i in range(last - (last - first) % 4, last):
        total += _repel_row(i, len(across), across, along, force0, force1)
    return total


@_compiled
def _repel_row(i: int, end: int, across: Any, along: Any, force0: Any, force1: Any) -> float:
    """:func:`repel` between row i and the later rows before ``end``."""
    total = 0.0
    for j in range(i + 1, end):
        d, e = across[i] - across[j], along[i] - along[j]
        weight = _f(1) / (_f(1) + d * d + e * e)
        total += float(weight)
        weight *= weight
        d *= weight
        e *= weight
        force0[i] += d
        force1[i] += e
        force0[j] -= d
        force1[j] -= e
    return total


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
    """``TorchForces.move`` for the points ``first:last``.

    ``attraction`` is (parts, n, 2), ``repulsion`` is (2, n).
    """
    for i in range(first, last):
        own_rate = min(rate, stable_rates[i] / exaggeration)
        for axis in range(2):
            pull = _f(0)
            for part in range(len(attraction)):
                pull += attraction[part, i, axis]
            gradient = exaggeration * pull - inverse_z * repulsion[axis, i]
            gain = gains[i, axis]
            gain = gain * _f(0.8) if gradient * velocity[i, axis] > 0 else gain + _f(0.2)
            gain = max(gain, min_gain)
            gains[i, axis] = gain
            step = momentum * velocity[i, axis] - own_rate * gain * gradient
            step = min(max(step, -max_step), max_step)
            velocity[i, axis] = step
            y[i, axis] += step
