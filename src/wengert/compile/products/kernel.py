"""Register tiles: lanes along the rows of C, elements of A spread over them, one pass along k for each tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from wengert.compile.emit import BOOL, I64, Emitter, Type, Value
from wengert.compile.products.matrix import Finish, Matrix, Start, address, literal, locate
from wengert.compile.products.pack import pack
from wengert.compile.products.plan import Panel, Plan

__all__ = ["Job", "deliver", "live_mask", "rows_product"]

ACCUMULATORS = 8  # sums in flight that hide the latency of a multiplication


@final
@dataclass(frozen=True)
class Job:
    """A product and what is done with it."""

    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    c: Matrix | None
    t: Type
    start: Start | None
    finish: Finish | None
    alpha: float


def multiply_add(e: Emitter, a: Value, b: Value, c: Value) -> Value:
    """A b + c, rounded once where numbers are rounded."""
    return e.fma(a, b, c) if a.type.is_float else a * b + c


def live_mask(e: Emitter, lanes: int, live: int) -> Value | None:
    """The mask of a vector of which only the first lanes are meant; None where all are."""
    return None if live >= max(lanes, 1) else e.constants(BOOL, [lane < live for lane in range(lanes)])


def deliver(e: Emitter, job: Job, total: Value, i: Value, j: Value, live: int) -> None:
    """Finish a vector of sums, and store it."""
    lanes = total.type.lanes
    mask = live_mask(e, lanes, live)
    if job.finish is not None:
        finished = job.finish(total, i, j, lanes, mask)
        if finished is None:
            return
        total = finished
    if job.c is None:
        raise ValueError("a product without a matrix to go to needs a finish that returns None")
    at = locate(e, job.c, i, j, total.type)
    if job.c.column == 1 or not lanes:
        e.store(total, at, mask=mask)
        return
    for lane in range(live):
        e.store(e.extract(total, lane), at, lane * job.c.column)


def begin(e: Emitter, job: Job, i: Value, j: Value, lanes: int, live: int) -> Value | None:
    """What a vector of sums begins with."""
    return None if job.start is None else job.start(i, j, lanes, live_mask(e, lanes, live))


def rows_product(
    e: Emitter, job: Job, plan: Plan, workspace: Value | None, rows: tuple[Value, Value] | None = None
) -> None:
    """All panels of columns; each is packed if the plan says so, and then meets all rows."""
    for panel in plan.panels:

        def one(number: Value, panel: Panel = panel) -> None:
            j = _plus(e, number, panel.first)
            source = locate(e, job.b, 0, j, job.t)
            stride = job.b.row
            if plan.pack:
                assert workspace is not None
                pack(e, job.k, panel.live, Matrix(source, *job.b.strides), workspace, panel.width, job.t)
                source, stride = workspace, panel.width
            _all_rows(e, job, panel, plan.height, j, Matrix(source, stride, 1), rows)

        e.loop(panel.count * panel.width, one, step=panel.width)


def _plus(e: Emitter, index: Value, number: int) -> Value:
    known = literal(index)
    if known is not None:
        return e.const(I64, known + number)
    return index + number if number else index


def _all_rows(
    e: Emitter, job: Job, panel: Panel, height: int, j: Value, b: Matrix, rows: tuple[Value, Value] | None
) -> None:
    full = job.m - job.m % height
    rest = job.m - full

    def end() -> None:
        _tile(e, job, panel, rest, e.const(I64, full), j, b)

    if rows is None:
        e.loop(full, lambda i: _tile(e, job, panel, height, i, j, b), step=height)
        if rest:
            end()
        return
    low, high = rows
    limit = e.select(high < full, high, e.const(I64, full)) if rest else high
    e.loop(limit, lambda i: _tile(e, job, panel, height, i, j, b), start=low, step=height)
    if rest:
        e.if_(high > full, end)


def _tile(e: Emitter, job: Job, panel: Panel, height: int, i: Value, j: Value, b: Matrix) -> None:
    """C[i : i + height, j : j + width]: accumulators stay in registers along k."""
    t, width = job.t.wide(panel.lanes), max(panel.lanes, 1)
    places = [(_plus(e, i, r), v, _plus(e, j, v * width)) for r in range(height) for v in range(panel.vectors)]
    lives = [width] * (panel.vectors - 1) + [panel.last]
    zero = e.const(t, 0)
    early = job.alpha == 1
    first = [begin(e, job, r, c, panel.lanes, lives[v]) if early else None for r, v, c in places]
    totals = _sums(e, job, panel, height, locate(e, job.a, i, 0, job.t), b, [zero if f is None else f for f in first])
    for (r, v, c), total in zip(places, totals, strict=True):
        if not early:
            origin = begin(e, job, r, c, panel.lanes, lives[v])
            total = total * job.alpha if origin is None else multiply_add(e, total, e.const(t, job.alpha), origin)
        deliver(e, job, total, r, c, lives[v])


def _sums(
    e: Emitter, job: Job, panel: Panel, height: int, a: Value, b: Matrix, first: list[Value]
) -> list[Value]:  # fmt: skip
    """The sums over k. Where a tile has few accumulators, several sets of them take turns."""
    size = height * panel.vectors
    sets = 1
    while sets * 2 * size <= ACCUMULATORS and sets * 2 <= job.k:
        sets *= 2
    unroll = sets if sets > 1 or job.k % 2 else 2
    zero = e.const(job.t.wide(panel.lanes), 0)
    carry = first + [zero] * (size * (sets - 1))
    full = job.k - job.k % unroll

    def steps(at: Value, totals: list[Value], count: int) -> list[Value]:
        for u in range(count):
            part = u % sets * size
            made = _step(e, job, panel, height, a, b, _plus(e, at, u), totals[part : part + size])
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
