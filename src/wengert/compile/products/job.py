"""A product and what is done with its results: begun, finished, stored, a vector at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import final

from wengert.compile.emit import BOOL, I64, Emitter, Type, Value
from wengert.compile.products.matrix import Finish, Matrix, Numbered, Start, locate, plus
from wengert.compile.products.plan import Panel, panels, room

__all__ = [
    "Job",
    "Space",
    "begin",
    "conclude",
    "finished",
    "is_heavy",
    "live_mask",
    "multiply_add",
    "store",
    "sweep",
    "total_of",
]


LIGHT = 10  # lines of a finish that is written for each vector of a tile


@final
@dataclass(frozen=True)
class Job:
    """``C = finish(start + alpha A B)``."""

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
    numbered: Numbered | None = None
    heavy: bool = False  # finish is long: it is written once, in a loop over vectors, not for each of them
    tile: Value | None = None  # the stack memory that a tile goes through to it

    def rows(self, e: Emitter, i: Value, height: int) -> AbstractContextManager[Sequence[Value]]:
        """The numbers of a tile's rows, which are finished one after another."""
        if self.numbered is not None:
            return self.numbered(i, height)
        return nullcontext([plus(e, i, r) if self.fused else i for r in range(height)])

    @property
    def fused(self) -> bool:
        """Whether more is done than the product."""
        return self.start is not None or self.finish is not None


def is_heavy(e: Emitter, finish: Finish | None, t: Type) -> bool:
    """Whether a finish takes many instructions, such as a transcendental function."""
    if finish is None:
        return False
    given, index = Value(e, "%given", t.wide(e.target.lanes(t.size))), Value(e, "%index", I64)
    return e.size_of(lambda: finish(given, index, index, given.type.lanes, None)) > LIGHT


@final
class Space:
    """Workspace, handed out from its beginning in pieces aligned to 64 bytes."""

    def __init__(self, e: Emitter, base: Value | None) -> None:
        self.e, self.base, self.taken = e, base, 0

    def take(self, elements: int, t: Type) -> Value:
        """Memory for so many elements."""
        assert self.base is not None
        at, self.taken = self.taken, self.taken + room(elements, t)
        return self.e.offset(self.base, at, Type("i8"))


def multiply_add(e: Emitter, a: Value, b: Value, c: Value) -> Value:
    """A b + c, rounded once where the machine can."""
    fused = a.type.is_float and not ("x86" in e.target.triple and e.target.bytes == 16)
    return e.fma(a, b, c) if fused else a * b + c


def live_mask(e: Emitter, lanes: int, live: int) -> Value | None:
    """The mask of a vector of which only the first lanes are meant; None where all are."""
    return None if live >= max(lanes, 1) else e.constants(BOOL, [lane < live for lane in range(lanes)])


def begin(e: Emitter, job: Job, i: Value, j: Value, lanes: int, live: int) -> Value | None:
    """What a vector of sums begins with."""
    return None if job.start is None else job.start(i, j, lanes, live_mask(e, lanes, live))


def total_of(e: Emitter, job: Job, product: Value | None, i: Value, j: Value, t: Type, live: int) -> tuple[Value, bool]:
    """``start + alpha product``, of nothing where ``product`` is None; and whether there was a start."""
    origin = begin(e, job, i, j, t.lanes, live)
    if product is None:
        total = origin or e.const(t, 0)
    elif job.alpha == 1:
        total = product if origin is None else origin + product
    elif origin is None:
        total = product * job.alpha
    else:
        total = multiply_add(e, product, e.const(t, job.alpha), origin)
    return total, origin is not None


def finished(e: Emitter, job: Job, total: Value, i: Value, j: Value, live: int) -> Value | None:
    """What is to be stored; None where the finish has seen to it."""
    if job.finish is None:
        return total
    return job.finish(total, i, j, total.type.lanes, live_mask(e, total.type.lanes, live))


def store(e: Emitter, job: Job, value: Value | None, i: Value, j: Value, live: int, at: Value | None = None) -> None:
    """Write a vector of C, at an address that is known already, perhaps."""
    if value is None:
        return
    if job.c is None:
        raise ValueError("a product without a matrix to go to needs a finish that returns None")
    lanes = value.type.lanes
    at = at or locate(e, job.c, i, j, value.type)
    if job.c.column == 1 or not lanes:
        e.store(value, at, mask=live_mask(e, lanes, live))
        return
    for lane in range(live):
        e.store(e.extract(value, lane), at, lane * job.c.column)


def conclude(e: Emitter, job: Job, product: Value | None, i: Value, j: Value, t: Type, live: int) -> bool:
    """A vector of C from its sums of products; whether it began with anything."""
    total, begun = total_of(e, job, product, i, j, t, live)
    store(e, job, finished(e, job, total, i, j, live), i, j, live)
    return begun


def sweep(
    e: Emitter, job: Job, value: Callable[[Value, Value, int, Value | None], Value] | None,
    rows: tuple[Value, Value] | None = None,
) -> bool:  # fmt: skip
    """Every vector of C concluded from ``value`` (None: without a product), row by row; whether any had a start."""
    low, high = rows or (0, job.m)
    wide = e.target.lanes(job.t.size)
    # short rows in pieces that fit: a masked vector reaches into the row before, which was just stored
    masks = e.target.masks and (job.heavy or job.n > wide)
    begun: list[bool] = []

    def row(i: Value) -> None:
        for panel in panels(job.n, 1, wide, masks):

            def vector(at: Value, panel: Panel = panel) -> None:
                j = plus(e, at, panel.first)
                given = value and value(i, j, panel.lanes, live_mask(e, panel.lanes, panel.last))
                begun.append(conclude(e, job, given, i, j, job.t.wide(panel.lanes), panel.last))

            e.loop(panel.count * panel.width, vector, step=panel.width)

    e.loop(high, row, start=low)
    return any(begun)
