"""The kernels of an iteration, in Triton.

Points are (n, 2) float32 arrays in one piece, so both coordinates are loaded as one 64-bit number.
Sizes are plain integers on which Triton does not specialise, so one compilation serves maps and
meshes of any size. Indices of pairs are int64, because there may be more than 2³¹.
"""

import triton
import triton.language as tl

# Fixed-point units per unit mass.
UNITS = tl.constexpr(1073741824.0)  # 2³⁰
TURN = tl.constexpr(6.283185307179586)


@triton.jit
def _point(y, i, inside):
    """Both coordinates of points ``i``."""
    both = tl.load(y.to(tl.pointer_type(tl.int64)) + i, mask=inside, other=0)
    first = (both & 0xFFFFFFFF).to(tl.int32).to(tl.float32, bitcast=True)
    return first, (both >> 32).to(tl.int32).to(tl.float32, bitcast=True)


@triton.jit
def attract(y, starts, others, values, out, BLOCK: tl.constexpr):
    """Write Σⱼ Pᵢⱼ (yᵢ − yⱼ) / (1 + |yᵢ − yⱼ|²) to ``out``; one program for each row i."""
    i = tl.program_id(0)
    start = tl.load(starts + i)
    end = tl.load(starts + i + 1)
    own0, own1 = _point(y, i, True)
    sum0 = tl.zeros((BLOCK,), tl.float32)
    sum1 = tl.zeros((BLOCK,), tl.float32)
    for first in range(start, end, BLOCK):
        pair = first + tl.arange(0, BLOCK)
        inside = pair < end
        j = tl.load(others + pair, mask=inside, other=0)
        p = tl.load(values + pair, mask=inside, other=0.0)
        y0, y1 = _point(y, j, inside)
        d0 = own0 - y0
        d1 = own1 - y1
        weight = p / (1.0 + d0 * d0 + d1 * d1)
        sum0 += weight * d0
        sum1 += weight * d1
    tl.store(out + 2 * i, tl.sum(sum0))
    tl.store(out + 2 * i + 1, tl.sum(sum1))


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
def _cell(coordinate, low, scale, cells):
    """Number of the first node along one axis, and the place in the cell minus one half.

    The lowest point lies 0.01 cells from the edge.
    """
    scaled = (coordinate - low) * scale + 0.01
    scaled = tl.minimum(tl.maximum(scaled, 0.0), cells - 5.5)
    node = tl.floor(scaled)
    return node.to(tl.int32), scaled - node - 0.5


@triton.jit(do_not_specialize=["n", "cells", "copies"])
def spread(y, edges, masses, n, scale, cells, copies, BLOCK: tl.constexpr):
    """Add a unit mass at each point to ``masses``, (copies, cells, cells) int64."""
    points = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = points < n
    y0, y1 = _point(y, points, inside)
    row, s = _cell(y0, tl.load(edges), scale, cells)
    column, t = _cell(y1, tl.load(edges + 1), scale, cells)
    copy = (tl.program_id(0) % copies).to(tl.int64)
    first = masses + copy * cells * cells + row.to(tl.int64) * cells + column
    for a in tl.static_range(5):
        share = _weight(s, a) * UNITS
        for b in tl.static_range(5):
            mass = (share * _weight(t, b) + 0.5).to(tl.int64)
            tl.atomic_add(first + (a * cells + b), mass, mask=inside, sem="relaxed")


@triton.jit(do_not_specialize=["cells", "copies", "stride"])
def collect(masses, density, cells, copies, stride, COPIES: tl.constexpr, NODES: tl.constexpr):
    """Write the sums of all copies of the masses to ``density``, and set the masses to 0."""
    node = tl.program_id(0) * NODES + tl.arange(0, NODES)
    inside = node < cells * cells
    total = tl.zeros((NODES,), tl.int64)
    for first in range(0, copies, COPIES):
        copy = first + tl.arange(0, COPIES)
        there = masses + copy.to(tl.int64)[:, None] * cells * cells + node[None, :]
        is_mass = (copy < copies)[:, None] & inside[None, :]
        total += tl.sum(tl.load(there, mask=is_mass, other=0), 0)
        tl.store(there, tl.zeros((COPIES, NODES), tl.int64), mask=is_mass)
    place = (node // cells).to(tl.int64) * stride + node % cells
    tl.store(density + place, total.to(tl.float32) * (1.0 / UNITS), mask=inside)


@triton.jit(do_not_specialize=["n", "cells", "stride"])
def read(y, edges, field, push, sums, n, scale, self0, self1, cells, stride, BLOCK: tl.constexpr):
    """Write −½∇Φ without the point's own share to ``push``, and each program's Σ Φ to ``sums``."""
    points = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = points < n
    y0, y1 = _point(y, points, inside)
    row, s = _cell(y0, tl.load(edges), scale, cells)
    column, t = _cell(y1, tl.load(edges + 1), scale, cells)
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
    tl.store(push + 2 * points, force0 * scale * -0.5 - own0, mask=inside)
    tl.store(push + 2 * points + 1, force1 * scale * -0.5 - own1, mask=inside)
    tl.store(sums + tl.program_id(0), tl.sum(tl.where(inside, total, 0.0)))


@triton.jit(do_not_specialize=["count", "n"])
def normalise(sums, z, count, n, self_field, BLOCK: tl.constexpr):
    """Write Z, the sum of ``count`` sums without the points' own shares; one program."""
    place = tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float64)
    for first in range(0, count, BLOCK):
        total += tl.load(sums + first + place, mask=first + place < count, other=0.0).to(tl.float64)
    points = tl.sum(tl.full((1,), n, tl.float64))
    tl.store(z, tl.sum(total) - points * self_field)


@triton.jit(do_not_specialize=["count"])
def move(
    y,
    velocity,
    gains,
    pull,
    push,
    z,
    constants,
    rates,
    boxes,
    count,
    min_gain,
    max_step,
    BLOCK: tl.constexpr,
):
    """One step of gradient descent for ``count`` coordinates, and each program's box of points.

    Boxes are (4, programs): the lowest of each coordinate, and the highest times −1.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < count
    share = (1.0 / tl.load(z)).to(tl.float32)
    exaggeration = tl.load(constants)
    rate = tl.load(constants + 1)
    momentum = tl.load(constants + 2)
    gradient = exaggeration * tl.load(pull + i, mask=inside, other=0.0)
    gradient -= tl.load(push + i, mask=inside, other=0.0) * share
    last = tl.load(velocity + i, mask=inside, other=0.0)
    gain = tl.load(gains + i, mask=inside, other=1.0)
    gain = tl.maximum(tl.where(gradient * last > 0.0, gain * 0.8, gain + 0.2), min_gain)
    own_rate = tl.minimum(tl.load(rates + i // 2, mask=inside, other=0.0) / exaggeration, rate)
    step = momentum * last - own_rate * gain * gradient
    step = tl.minimum(tl.maximum(step, -max_step), max_step)
    moved = tl.load(y + i, mask=inside, other=0.0) + step
    tl.store(gains + i, gain, mask=inside)
    tl.store(velocity + i, step, mask=inside)
    tl.store(y + i, moved, mask=inside)
    out = boxes + tl.program_id(0)
    programs = tl.num_programs(0)
    for axis in tl.static_range(2):
        mine = inside & (i % 2 == axis)
        tl.store(out + axis * programs, tl.min(tl.where(mine, moved, float("inf"))))
        tl.store(out + (axis + 2) * programs, tl.min(tl.where(mine, -moved, float("inf"))))


@triton.jit(do_not_specialize=["count"])
def note(boxes, edges, extremes, count, BLOCK: tl.constexpr):
    """Write the box of all boxes to ``edges``, and update the extremes; one program."""
    place = tl.arange(0, BLOCK)
    extent = 0.0
    for axis in tl.static_range(2):
        low = tl.full((BLOCK,), float("inf"), tl.float32)
        high = tl.full((BLOCK,), float("inf"), tl.float32)
        for first in range(0, count, BLOCK):
            inside = first + place < count
            here = boxes + axis * count + first + place
            low = tl.minimum(low, tl.load(here, mask=inside, other=float("inf")))
            high = tl.minimum(high, tl.load(here + 2 * count, mask=inside, other=float("inf")))
        lowest = tl.min(low)
        highest = tl.min(high)
        tl.store(edges + axis, lowest)
        tl.store(edges + axis + 2, highest)
        extent = tl.maximum(extent, -highest - lowest)
    tl.store(extremes, tl.maximum(tl.load(extremes), extent))
    tl.store(extremes + 1, tl.maximum(tl.load(extremes + 1), -extent))
