"""Products by dot products: lanes along k, contiguous in both operands; for matrices of few rows or columns."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.compile.emit import BOOL, I64, Emitter, Type, Value
from wengert.compile.products.job import Job, Space, conclude, multiply_add
from wengert.compile.products.matrix import Matrix, address, locate, plus
from wengert.compile.products.pack import copy
from wengert.compile.products.plan import dot_block

__all__ = ["dots_product"]

ACCUMULATORS = 8


def dots_product(e: Emitter, job: Job, space: Space, rows: tuple[Value, Value] | None = None) -> None:
    """Blocks of rows times groups of columns; what is not contiguous along k is copied first."""
    a, b, t = job.a, job.b.transposed, job.t
    if a.column != 1:
        a = Matrix(space.take(job.m * job.k, t), job.k, 1)
        copy(e, job.m, job.k, job.a, a, t, span=rows)
    if b.column != 1:
        b = Matrix(space.take(job.n * job.k, t), job.k, 1)
        copy(e, job.n, job.k, job.b.transposed, b, t)
    height, group = dot_block(job.m, job.n, e.target.lanes(t.size), e.target.registers)
    low, high = rows or (0, job.m)

    def across(i: Value, height: int) -> None:
        full = job.n - job.n % group
        e.loop(full, lambda j: _block(e, job, a, b, i, j, height, group), step=group)
        if full < job.n:
            _block(e, job, a, b, i, e.const(I64, full), height, job.n - full)

    if rows:
        whole = rows[1] - e.value(I64, f"srem {rows[1] - rows[0]}, {height}")
    else:
        whole = job.m - job.m % height
    e.loop(whole, lambda i: across(i, height), start=low, step=height)
    if height > 1:
        e.loop(high, lambda i: across(i, 1), start=whole)


def _block(e: Emitter, job: Job, a: Matrix, b: Matrix, i: Value, j: Value, height: int, group: int) -> None:
    """C[i : i + height, j : j + group]: a vector of partial sums for each element, then the sums of the lanes."""
    t, wide = job.t, e.target.lanes(job.t.size)
    size = height * group
    rows, columns = locate(e, a, i, 0, t), locate(e, b, j, 0, t)
    sets = 1
    while sets * 2 * size <= ACCUMULATORS and sets * 2 * wide <= job.k:
        sets *= 2

    def step(at: Value, totals: Sequence[Value], live: int = 0) -> list[Value]:
        xs = [_part(e, address(e, rows, t, (at, 1), (r, a.row)), t, wide, live) for r in range(height)]
        ys = [_part(e, address(e, columns, t, (at, 1), (g, b.row)), t, wide, live) for g in range(group)]
        pairs = ((x, y) for x in xs for y in ys)
        return [multiply_add(e, x, y, s) for (x, y), s in zip(pairs, totals, strict=True)]

    def steps(at: Value, *totals: Value) -> list[Value]:
        return [v for s in range(sets) for v in step(plus(e, at, s * wide), totals[s * size : (s + 1) * size])]

    full = job.k - job.k % (wide * sets)
    totals = list(e.loop(full, steps, [e.const(t.wide(wide), 0)] * (size * sets), step=wide * sets))
    for at in range(full, job.k, wide):
        part = (at - full) // wide * size
        totals[part : part + size] = step(e.const(I64, at), totals[part : part + size], min(wide, job.k - at))
    while len(totals) > size:
        half = len(totals) // 2
        totals = [x + y for x, y in zip(totals[:half], totals[half:], strict=True)]
    for r in range(height):
        _row(e, job, totals[r * group : (r + 1) * group], plus(e, i, r), j)


def _part(e: Emitter, at: Value, t: Type, wide: int, live: int) -> Value:
    """A vector from memory of which ``live`` lanes may be read (0: all); the others are zero."""
    if live in (0, wide):
        return e.load(at, t.wide(wide))
    if e.target.masks:
        return e.load(at, t.wide(wide), mask=e.constants(BOOL, [lane < live for lane in range(wide)]))
    whole = e.const(t.wide(wide), 0)
    for lane in range(live):
        whole = e.insert(whole, e.load(at, t, lane), lane)
    return whole


def _row(e: Emitter, job: Job, totals: list[Value], i: Value, j: Value) -> None:
    """The sums of a row's accumulators are its elements, side by side in a vector."""
    live = len(totals)
    while len(totals) & (len(totals) - 1):
        totals = [*totals, e.const(totals[0].type, 0)]
    sums = lane_sums(e, totals)
    lanes = sums.type.lanes
    if not lanes or live == lanes or e.target.masks:
        conclude(e, job, sums, i, j, sums.type, live)
        return
    for lane in range(live):
        conclude(e, job, e.extract(sums, lane), i, plus(e, j, lane), job.t, 1)


def lane_sums(e: Emitter, vectors: list[Value]) -> Value:
    """The sum of each vector's lanes, side by side; they are a power of two, and not more than lanes.

    Two vectors become one of half sums, until one is left; then its blocks are halved.
    """
    wide, block = vectors[0].type.lanes, vectors[0].type.lanes
    while len(vectors) > 1:
        firsts = [lane for lane in range(2 * wide) if lane % block < block // 2]
        seconds = [lane + block // 2 for lane in firsts]
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [e.shuffle(x, y, firsts) + e.shuffle(x, y, seconds) for x, y in pairs]
        block //= 2
    total = vectors[0]
    while block > 1:
        lanes = total.type.lanes
        firsts = [lane for lane in range(lanes) if lane % block < block // 2]
        nothing = e.undefined(total.type)
        halves = [e.shuffle(total, nothing, [lane + s for lane in firsts]) for s in (0, block // 2)]
        total, block = halves[0] + halves[1], block // 2
    return e.extract(total, 0) if total.type.lanes == 1 else total
