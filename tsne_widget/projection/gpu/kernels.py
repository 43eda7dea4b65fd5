"""The four kernels of an iteration, in Triton.

Points are (2, n) float32 arrays in one piece: the second coordinate follows the first after n
values. Sizes are plain integers on which Triton does not specialise, so one compilation serves
maps and meshes of any size. Indices of pairs are int64, because there may be more than 2³¹.
"""

import triton
import triton.language as tl

# Fixed-point units per unit mass.
UNITS = tl.constexpr(1073741824.0)  # 2³⁰
TURN = tl.constexpr(6.283185307179586)


@triton.jit(do_not_specialize=["n"])
def attract(y, starts, others, values, out, n, BLOCK: tl.constexpr):
    """Write Σⱼ Pᵢⱼ (yᵢ − yⱼ) / (1 + |yᵢ − yⱼ|²) to ``out``; one program for each row i."""
    i = tl.program_id(0)
    start = tl.load(starts + i)
    end = tl.load(starts + i + 1)
    own0 = tl.load(y + i)
    own1 = tl.load(y + n + i)
    sum0 = tl.zeros((BLOCK,), tl.float32)
    sum1 = tl.zeros((BLOCK,), tl.float32)
    for first in range(start, end, BLOCK):
        pair = first + tl.arange(0, BLOCK)
        inside = pair < end
        j = tl.load(others + pair, mask=inside, other=0)
        p = tl.load(values + pair, mask=inside, other=0.0)
        d0 = own0 - tl.load(y + j, mask=inside, other=0.0)
        d1 = own1 - tl.load(y + n + j, mask=inside, other=0.0)
        weight = p / (1.0 + d0 * d0 + d1 * d1)
        sum0 += weight * d0
        sum1 += weight * d1
    tl.store(out + i, tl.sum(sum0))
    tl.store(out + n + i, tl.sum(sum1))


@triton.jit
def _weight(place, node: tl.constexpr):
    """Quartic B-spline at one of its five nodes; ``place``: position in the cell minus one half."""
    if node == 2:
        square = place * place
        value = 0.5989583333333334 + square * (square * 0.25 - 0.625)
    elif node == 0:
        end = 0.5 - place
        value = end * end * end * end / 24.0
    elif node == 4:
        end = 0.5 + place
        value = end * end * end * end / 24.0
    else:
        side = place if node == 3 else -place
        cubic = 0.25 - side * (0.16666666666666666 + side * 0.16666666666666666)
        value = 0.19791666666666666 + side * (0.4583333333333333 + side * cubic)
    return value


@triton.jit
def _slope(place, node: tl.constexpr):
    """Derivative of ``_weight``."""
    if node == 2:
        value = place * (place * place - 1.25)
    elif node == 0:
        end = 0.5 - place
        value = end * end * end / -6.0
    elif node == 4:
        end = 0.5 + place
        value = end * end * end / 6.0
    else:
        side = place if node == 3 else -place
        rise = 0.4583333333333333 + side * (0.5 - side * (0.5 + side * 0.6666666666666666))
        value = rise if node == 3 else -rise
    return value


@triton.jit
def _position(y, origin, inside, points, scale, cells):
    """Number of the first node along one axis, and the place in the cell minus one half."""
    scaled = (tl.load(y + points, mask=inside, other=0.0) - tl.load(origin)) * scale
    scaled = tl.minimum(tl.maximum(scaled, 0.0), cells - 5.5)
    node = tl.floor(scaled)
    return node.to(tl.int32), scaled - node - 0.5


@triton.jit(do_not_specialize=["n", "cells", "copies"])
def spread(y, origin, masses, n, scale, cells, copies, BLOCK: tl.constexpr):
    """Add a unit mass at each point to ``masses``, (copies, cells, cells) int64."""
    points = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = points < n
    row, s = _position(y, origin, inside, points, scale, cells)
    column, t = _position(y + n, origin + 1, inside, points, scale, cells)
    copy = (tl.program_id(0) % copies).to(tl.int64)
    first = masses + copy * cells * cells + row.to(tl.int64) * cells + column
    for a in tl.static_range(5):
        share = _weight(s, a) * UNITS
        for b in tl.static_range(5):
            mass = (share * _weight(t, b) + 0.5).to(tl.int64)
            tl.atomic_add(first + (a * cells + b), mass, mask=inside, sem="relaxed")


@triton.jit(do_not_specialize=["n", "cells", "stride"])
def read(y, origin, field, push, phi, n, scale, self0, self1, cells, stride, BLOCK: tl.constexpr):
    """Write −½∇Φ without the point's own share to ``push``, and Φ to ``phi``."""
    points = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = points < n
    row, s = _position(y, origin, inside, points, scale, cells)
    column, t = _position(y + n, origin + 1, inside, points, scale, cells)
    first = field + row.to(tl.int64) * stride + column
    total = tl.zeros((BLOCK,), tl.float32)
    force0 = tl.zeros((BLOCK,), tl.float32)
    force1 = tl.zeros((BLOCK,), tl.float32)
    for a in tl.static_range(5):
        line = tl.zeros((BLOCK,), tl.float32)
        slope = tl.zeros((BLOCK,), tl.float32)
        for b in tl.static_range(5):
            node = tl.load(first + (a * stride + b), mask=inside, other=0.0)
            line += node * _weight(t, b)
            slope += node * _slope(t, b)
        total += line * _weight(s, a)
        force0 += line * _slope(s, a)
        force1 += slope * _weight(s, a)
    angle0 = (s + 0.5) * TURN
    angle1 = (t + 0.5) * TURN
    own0 = tl.sin(angle0) * (self0 + self1 * tl.cos(angle1))
    own1 = tl.sin(angle1) * (self0 + self1 * tl.cos(angle0))
    tl.store(phi + points, total, mask=inside)
    tl.store(push + points, force0 * scale * -0.5 - own0, mask=inside)
    tl.store(push + n + points, force1 * scale * -0.5 - own1, mask=inside)


@triton.jit(do_not_specialize=["count"])
def move(
    y,
    velocity,
    gains,
    pull,
    push,
    z,
    count,
    exaggeration,
    rate,
    momentum,
    min_gain,
    max_step,
    BLOCK: tl.constexpr,
):
    """One step of gradient descent for each of the ``count`` coordinates."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < count
    share = (1.0 / tl.load(z)).to(tl.float32)
    gradient = exaggeration * tl.load(pull + i, mask=inside, other=0.0)
    gradient -= tl.load(push + i, mask=inside, other=0.0) * share
    last = tl.load(velocity + i, mask=inside, other=0.0)
    gain = tl.load(gains + i, mask=inside, other=1.0)
    gain = tl.maximum(tl.where(gradient * last > 0.0, gain * 0.8, gain + 0.2), min_gain)
    step = momentum * last - rate * gain * gradient
    step = tl.minimum(tl.maximum(step, -max_step), max_step)
    tl.store(gains + i, gain, mask=inside)
    tl.store(velocity + i, step, mask=inside)
    tl.store(y + i, tl.load(y + i, mask=inside, other=0.0) + step, mask=inside)
