"""The kernels of the searches for neighbours and for probabilities, in Triton.

One program serves one row. Sizes are plain integers on which Triton does not specialise.
"""

import triton
import triton.language as tl


@triton.jit
def _ordered(values):
    """int32 numbers in the order of float32 values."""
    bits = values.to(tl.int32, bitcast=True)
    return tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


@triton.jit(do_not_specialize=["columns", "k", "own"])
def select(values, found, counts, columns, k, own, GROUPS: tl.constexpr, ROOM: tl.constexpr):
    """Write the columns of the k smallest of a row's values, and few others, to ``found``.

    Columns are divided into groups by their remainder. At least k values are not above the k-th
    smallest of the groups' minima. ``counts`` is their number, which may exceed the room. Row r
    leaves out the column ``own + r``; a negative ``own`` leaves out none.
    """
    row = tl.program_id(0)
    first = values + row.to(tl.int64) * columns
    omitted = tl.where(own < 0, -1, own + row)
    group = tl.arange(0, GROUPS)
    lowest = tl.full((GROUPS,), float("inf"), tl.float32)
    for start in range(0, columns, GROUPS):
        column = start + group
        is_there = (column < columns) & (column != omitted)
        lowest = tl.minimum(lowest, tl.load(first + column, mask=is_there, other=float("inf")))
    keys = _ordered(lowest)
    # Fewer than k minima are at most `low`, and at least k are at most `high`.
    low = tl.min(keys) - 1
    high = tl.max(keys)
    enough = GROUPS
    while (enough > k + 4) & (low + 1 < high):
        middle = (low & high) + ((low ^ high) >> 1)
        count = tl.sum((keys <= middle).to(tl.int32))
        is_enough = count >= k
        high = tl.where(is_enough, middle, high)
        low = tl.where(is_enough, low, middle)
        enough = tl.where(is_enough, count, enough)
    total = 0
    out = found + row.to(tl.int64) * ROOM
    for start in range(0, columns, GROUPS):
        column = start + group
        is_there = (column < columns) & (column != omitted)
        value = tl.load(first + column, mask=is_there, other=float("inf"))
        hit = (is_there & (_ordered(value) <= high)).to(tl.int32)
        number = tl.sum(hit)
        if number > 0:
            place = total + tl.cumsum(hit) - hit
            tl.store(out + place, column, mask=(hit > 0) & (place < ROOM))
            total += number
    tl.store(counts + row, total)


@triton.jit(do_not_specialize=["start", "first", "d"])
def measure(
    X,
    targets,
    found,
    counts,
    squared,
    rows,
    start,
    first,
    d,
    ROOM: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write the squared distances between target ``first`` + r and the rows found for it.

    ``rows`` holds the row numbers of the columns from ``start`` on. Distances are computed from
    differences, and infinite in the places beyond those found.
    """
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, ROOM)
    inside = place < tl.load(counts + row)
    column = tl.load(found + row * ROOM + place, mask=inside, other=0)
    near = X + tl.load(rows + start + column, mask=inside, other=0)[:, None] * d
    target = targets + (first + row) * d
    total = tl.zeros((ROOM,), tl.float32)
    for begin in range(0, d, BLOCK):
        axis = begin + tl.arange(0, BLOCK)
        there = tl.load(near + axis[None, :], mask=inside[:, None] & (axis < d)[None, :], other=0.0)
        difference = there - tl.load(target + axis, mask=axis < d, other=0.0)[None, :]
        total += tl.sum(difference * difference, 1)
    tl.store(squared + row * ROOM + place, tl.where(inside, total, float("inf")))


@triton.jit(do_not_specialize=["start", "first", "k"])
def rank(
    found,
    counts,
    distances,
    indices,
    squared,
    rows,
    start,
    first,
    k,
    ROOM: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write the k nearest of the rows found for target ``first`` + r, nearest first.

    NaN marks a target for which more rows were found than there is room for.
    """
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, ROOM)
    count = tl.load(counts + row)
    near = tl.load(distances + row * ROOM + place)
    position = tl.zeros((ROOM,), tl.int32)
    for begin in range(0, ROOM, BLOCK):
        other = begin + tl.arange(0, BLOCK)
        others = tl.load(distances + row * ROOM + other)[None, :]
        # Columns ascend, so the place decides between equal distances.
        is_earlier = (others == near[:, None]) & (other[None, :] < place[:, None])
        position += tl.sum(((others < near[:, None]) | is_earlier).to(tl.int32), 1)
    out = (first + row) * k + position
    column = tl.load(found + row * ROOM + place, mask=place < count, other=0)
    name = tl.load(rows + start + column, mask=position < k, other=0)
    tl.store(indices + out, name.to(tl.int32), mask=position < k)
    tl.store(squared + out, tl.where(count > ROOM, float("nan"), near), mask=position < k)


@triton.jit(do_not_specialize=["k", "steps"])
def conditional(squared, out, k, entropy, steps, BLOCK: tl.constexpr):
    """Write the probabilities of a row's neighbours that have this entropy."""
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, BLOCK)
    inside = place < k
    d = tl.load(squared + row * k + place, mask=inside, other=float("inf"))
    d = tl.where(inside, d - tl.min(d), 0.0)
    scale = tl.sum(d) / k
    d = d / tl.where(scale > 0, scale, 1.0)
    position = 0.0  # log β
    low = -40.0
    high = 60.0
    weights = d
    for _ in range(steps):
        beta = tl.exp(position)
        weights = tl.where(inside, tl.exp(-beta * d), 0.0)
        weights = weights / tl.sum(weights)
        mean = tl.sum(weights * d)
        away = d - mean
        variance = tl.sum(weights * away * away)
        excess = -tl.sum(weights * tl.log(tl.maximum(weights, 1e-37))) - entropy
        high = tl.where(excess < 0, position, high)
        low = tl.where(excess >= 0, position, low)
        step = position + excess / tl.maximum(beta * (beta * variance), 1e-12)
        position = tl.where((step > low) & (step < high), step, (low + high) / 2)
    tl.store(out + row * k + place, weights, mask=inside)
