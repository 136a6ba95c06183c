"""Register tiles: lanes along the rows of C, elements of A spread over them, one pass along k for each tile."""

from __future__ import annotations

from dataclasses import replace

from wengert.compile.emit import I64, Emitter, Value
from wengert.compile.products.job import Job, Space, begin, finished, live_mask, multiply_add, store, total_of
from wengert.compile.products.matrix import Matrix, address, locate, plus
from wengert.compile.products.pack import copy
from wengert.compile.products.plan import Panel, Plan, turned_stride

__all__ = ["rows_product"]

ACCUMULATORS = 8  # sums in flight that hide the latency of a multiplication
DEEP = 256  # terms of a sum beside which its way through the stack takes no time


def rows_product(e: Emitter, job: Job, plan: Plan, space: Space, rows: tuple[Value, Value] | None = None) -> None:
    """All panels of columns; each is packed if the plan says so, and then meets all rows."""
    if plan.turn:
        by_rows = Matrix(space.take(job.m * turned_stride(job.k, job.t), job.t), turned_stride(job.k, job.t), 1)
        copy(e, job.m, job.k, job.a, by_rows, job.t, span=rows)
        job = replace(job, a=by_rows)
    widest = max(panel.width for panel in plan.panels)
    if job.heavy or (job.finish and job.k >= DEEP):
        job = replace(job, tile=e.alloca(job.t, plan.height * widest))
    packed = space.take(job.k * widest, job.t) if plan.pack else None
    for panel in plan.panels:

        def one(number: Value, panel: Panel = panel) -> None:
            j = plus(e, number, panel.first)
            source = locate(e, job.b, 0, j, job.t)
            stride = job.b.row
            if packed is not None:
                copy(e, job.k, panel.live, Matrix(source, *job.b.strides), Matrix(packed, panel.width, 1), job.t)
                source, stride = packed, panel.width
            _all_rows(e, job, panel, plan.height, j, Matrix(source, stride, 1), rows)

        e.loop(panel.count * panel.width, one, step=panel.width)


def _all_rows(
    e: Emitter, job: Job, panel: Panel, height: int, j: Value, b: Matrix, rows: tuple[Value, Value] | None
) -> None:
    full = job.m - job.m % height
    rest = job.m - full

    def end() -> None:
        _tile(e, job, panel, rest, e.const(I64, full), j, b)

    low, high = rows or (0, full)
    if rows and rest:
        high = e.select(rows[1] < full, rows[1], e.const(I64, full))
    e.loop(high, lambda i: _tile(e, job, panel, height, i, j, b), start=low, step=height)
    if rows and rest:
        e.if_((rows[0] <= full) & (rows[1] > full), end)
    elif rest:
        end()


def _tile(e: Emitter, job: Job, panel: Panel, height: int, i: Value, j: Value, b: Matrix) -> None:
    """C[i : i + height, j : j + width]: accumulators stay in registers along k."""
    t, width = job.t.wide(panel.lanes), max(panel.lanes, 1)
    places = [(r, v * width, width) for r in range(height) for v in range(panel.vectors)]
    places = [(r, v, panel.last if v == panel.width - width else live) for r, v, live in places]
    columns = {v: plus(e, j, v) if job.fused else j for _, v, _ in places}
    early = job.alpha == 1
    first = [
        begin(e, job, plus(e, i, r), columns[v], panel.lanes, live) if early and job.start else None
        for r, v, live in places
    ]
    zero = e.const(t, 0)
    totals = _sums(e, job, panel, height, locate(e, job.a, i, 0, job.t), b, [zero if f is None else f for f in first])
    if job.tile is not None:
        _finish_in_a_loop(e, job, panel, height, i, j, totals)
        return
    # all are finished before any is stored: what lies beside a row just stored is slow to load
    ends = zip(places, totals, strict=True)
    with job.rows(e, i, height) as rows:
        finals = [_finished(e, job, total, rows[r], columns[v], live) for (r, v, live), total in ends]
    corner = job.c and locate(e, job.c, i, j, job.t)
    for (r, v, live), final in zip(places, finals, strict=True):
        at = corner and job.c and final and e.offset(corner, r * job.c.row + v * job.c.column, final.type)
        store(e, job, final, i, j, live, at)


def _finished(e: Emitter, job: Job, total: Value, i: Value, j: Value, live: int) -> Value | None:
    if job.alpha != 1:  # else the sum began with the start
        total, _ = total_of(e, job, total, i, j, total.type, live)
    return finished(e, job, total, i, j, live)


def _finish_in_a_loop(
    e: Emitter, job: Job, panel: Panel, height: int, i: Value, j: Value, totals: list[Value]
) -> None:  # fmt: skip
    """The tile's sums go through the stack, so that the finish is written once, and a long one finds free registers."""
    t, width, tile = totals[0].type, max(panel.lanes, 1), job.tile
    assert tile is not None
    for at, total in enumerate(totals):
        e.store(total, tile, at * width)
    whole = panel.vectors - (panel.last < width)

    def vector(r: Value, v: Value, live: int) -> None:
        at = address(e, tile, job.t, (r, panel.width), (v, 1))
        x, y = i + r, j + v
        store(e, job, _finished(e, job, e.load(at, t), x, y, live), x, y, live)

    def full(at: Value) -> None:  # one loop: with a loop in a loop, branches are guessed wrongly
        r = at / whole if whole > 1 else at
        vector(r, (at - r * whole) * width if whole > 1 else e.const(I64, 0), width)

    e.loop(height * whole, full)
    if whole < panel.vectors:
        e.loop(height, lambda r: vector(r, e.const(I64, whole * width), panel.last))


def _sums(
    e: Emitter, job: Job, panel: Panel, height: int, a: Value, b: Matrix, first: list[Value]
) -> list[Value]:  # fmt: skip
    """The sums over k. Where a tile has few accumulators, several sets of them take turns."""
    size = height * panel.vectors
    sets = 1
    while sets * 2 * size <= ACCUMULATORS and sets * 2 <= job.k:
        sets *= 2
    unroll = sets if sets > 1 or size > ACCUMULATORS or job.k % 2 else 2
    zero = e.const(job.t.wide(panel.lanes), 0)
    carry = first + [zero] * (size * (sets - 1))
    full = job.k - job.k % unroll

    def steps(at: Value, totals: list[Value], count: int) -> list[Value]:
        for u in range(count):
            part = u % sets * size
            made = _step(e, job, panel, height, a, b, plus(e, at, u), totals[part : part + size])
            totals[part : part + size] = made
        return totals

    carry = e.loop(full, lambda at, *totals: steps(at, list(totals), unroll), carry, step=unroll)
    carry = steps(e.const(I64, full), list(carry), job.k - full)
    while len(carry) > size:
        half = len(carry) // 2
        carry = [x + y for x, y in zip(carry[:half], carry[half:], strict=True)]
    return carry


def _step(
    e: Emitter, job: Job, panel: Panel, height: int, a: Value, b: Matrix, k: Value, totals: list[Value]
) -> list[Value]:  # fmt: skip
    """One step of k: a row of B's panel times a column of A."""
    t, width = job.t.wide(panel.lanes), max(panel.lanes, 1)
    row = address(e, b.base, job.t, (k, b.row))
    # a packed panel is full to its end; B itself must not be read beyond it
    vectors = [e.load(row, t, v * width) for v in range(panel.vectors - 1)]
    vectors.append(e.load(row, t, (panel.vectors - 1) * width, mask=live_mask(e, panel.lanes, panel.last)))
    column = address(e, a, job.t, (k, job.a.column))
    for r in range(height):
        spread = e.splat(e.load(column, job.t, r * job.a.row), panel.lanes)
        for v, vector in enumerate(vectors):
            at = r * panel.vectors + v
            totals[at] = multiply_add(e, spread, vector, totals[at])
    return totals
