"""How threads share a kernel, and when they have to wait for one another.

All threads of a team run the same core. A kernel is cut along its first axis, so that what a thread wrote is often
just what it reads next: then nobody waits. A barrier stands where somebody needs what others have written, or is about
to write what others may still read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias, final

from wengert.compile.affine import Affine, Symbol, of
from wengert.compile.finding import Finder
from wengert.compile.plan import Kernel, Nest, Plan, Product, symbols_for
from wengert.compile.views import form
from wengert.core.program import Var

__all__ = ["Access", "By", "Share", "Traffic", "share", "shares"]

LEAST = 8  # elements for each thread
SMALL = 512  # elements that each thread computes for itself rather than wait for
Cut = Literal["rows", "columns", "each", "one"]
By: TypeAlias = str  # who touches a value: one thread ("one"), each its own stretch of so many bytes ("own 64"), all


@final
@dataclass(frozen=True)
class Share:
    """How a kernel is cut: along ``symbol``, of which each of ``threads`` has ``count`` values; and what it touches.

    ``own`` are the values of which every thread touches its own part of memory only: of each so many elements that
    follow one another its stretch. They are all there are where rows are cut, and one row where columns are. Where
    ``each`` thread computes all, it has memory of its own for what comes of it.
    """

    cut: Cut
    symbol: Symbol | None
    threads: int
    count: int
    own: Mapping[Var, int]

    def by(self, var: Var) -> By:
        """Who touches a value."""
        if self.cut == "one":
            return "one"
        return f"own {self.own[var] * var.aval.dtype.itemsize}" if var in self.own else "all"


def shares(kernel: Kernel, plan: Plan, threads: int) -> list[Share]:
    """The ways to cut a kernel into ``threads`` equal parts, the usual one first."""
    found: list[Share | None] = []
    if threads > 1 and isinstance(kernel, Product):
        found = [_product(kernel, plan, threads)]
    elif threads > 1 and isinstance(kernel, Nest):
        found = [_each(kernel, plan), _nest(kernel, plan, threads), _columns(kernel, plan, threads)]
    return [s for s in found if s is not None] or [Share("one", None, 1, 0, {})]


def share(kernel: Kernel, plan: Plan, threads: int) -> Share:
    """How a kernel is cut."""
    return plan.cuts.get(id(kernel)) or shares(kernel, plan, threads)[0]


def _product(kernel: Product, plan: Plan, threads: int) -> Share | None:
    found = form(kernel.unit.equation, plan.made, plan.stored)
    assert found is not None
    long = [s for s in kernel.symbols if s.extent != 1]
    if found.batch and prod(found.batch) != 1:
        if found.batch[0] % threads:
            return None
        return Share("rows", kernel.symbols[0], threads, found.batch[0] // threads, {})
    if found.m % threads or found.m == 1:
        return None
    rows = [s for s in long if s in kernel.symbols[len(found.batch) : len(found.batch) + found.rows]]
    if len(rows) != 1:
        return None
    reads, others = _reads(kernel, plan, rows[0])
    own = {v: v.aval.size for v in kernel.kept} | reads
    a, size = found.a, found.a.base.aval.size
    by_rows = found.strides_a[0] * found.m == size and not a.offset
    if by_rows and a.base not in others and reads.get(a.base, size) == size:
        own[a.base] = size
    else:
        own.pop(a.base, None)
    own.pop(found.b.base, None)
    return Share("rows", rows[0], threads, found.m // threads, own)


def _each(kernel: Nest, plan: Plan) -> Share | None:
    """A few numbers that no result is one of."""
    few = prod(kernel.shape) <= SMALL and sum(n != 1 for n in kernel.shape) == 1
    if not few or any(u.axes for u in kernel.units) or not kernel.kept.isdisjoint(plan.results):
        return None
    return Share("each", None, 1, 0, {})


def _nest(kernel: Nest, plan: Plan, threads: int) -> Share | None:
    """By rows, where it sums over none."""
    long = [k for k, n in enumerate(kernel.shape) if n != 1]
    if not long or kernel.inner is None or any(long[0] in u.axes for u in kernel.units):
        return None
    reduces = any(u.kind == "reduce" for u in kernel.units)
    first = kernel.symbols[long[0]]
    if first.extent % threads or prod(kernel.shape) < LEAST * threads:
        return None
    if long[0] >= kernel.inner and (reduces or len(long) > 1):
        return None
    own = {v: v.aval.size for v in kernel.kept} | _reads(kernel, plan, first)[0]
    return Share("rows", first, threads, first.extent // threads, own)


def _columns(kernel: Nest, plan: Plan, threads: int) -> Share | None:
    """Along the rows' length: sums over rows, and what is done with each element."""
    last = kernel.symbols[-1] if kernel.symbols else None
    if last is None or kernel.inner is None or last.extent % threads or last.extent < LEAST * threads:
        return None
    axis = len(kernel.shape) - 1
    for u in kernel.units:
        if u.shape != kernel.shape or axis in u.axes or (u.axes and u.var.aval.size != last.extent):
            return None
    if len({bool(u.axes) for u in kernel.units}) > 1 or sum(n != 1 for n in kernel.shape) < 2:
        return None
    own = dict.fromkeys(kernel.kept, last.extent) | _reads(kernel, plan, last)[0]
    return Share("columns", last, threads, last.extent // threads, own)


def _reads(kernel: Nest | Product, plan: Plan, cut: Symbol) -> tuple[dict[Var, int], set[Var]]:
    """What units read only in the stretches that belong to the thread's part of the axis that is cut; and the rest."""
    places: dict[Var, set[int]] = {}
    for unit in kernel.units:
        symbols = symbols_for(unit, kernel) if isinstance(kernel, Nest) else kernel.symbols
        assert symbols is not None
        finder = Finder(plan.made, plan.stored)
        index = tuple(map(of, symbols))
        if unit.kind == "reduce":
            finder.read(unit.equation.inputs[0], index)
        else:
            finder.virtual(unit.equation, index)
        for var, position in finder.found:
            places.setdefault(var, set()).add(_period(var, position, cut))
    own = {var: min(found) for var, found in places.items() if len(found) == 1 and min(found)}
    return own, places.keys() - own.keys()


def _period(var: Var, position: Affine, cut: Symbol) -> int:
    """Of how many elements that follow one another a thread has a stretch; 0 where it reads others as well."""
    step = position.terms.get(cut, 0)
    period = step * cut.extent
    if step <= 0 or not period or var.aval.size % period:
        return 0
    near = {s: c for s, c in position.terms.items() if s is not cut and c % period}
    low, high = Affine(near, position.constant % period).bounds
    return period if low >= 0 and high < step else 0


# ---- who has to wait


@final
@dataclass(frozen=True)
class Access:
    """A stretch of memory that a kernel touches."""

    place: str  # what the memory belongs to
    start: int
    stop: int
    by: By
    write: bool

    def collides(self, other: Access) -> bool:
        """Whether one has to be over before the other begins."""
        if not (self.write or other.write) or self.place != other.place:
            return False
        if self.start >= other.stop or other.start >= self.stop:
            return False
        if self.by != other.by or self.by == "all":
            return True
        return self.by != "one" and (self.start, self.stop) != (other.start, other.stop)


@final
class Traffic:
    """What has been touched since the last barrier."""

    def __init__(self) -> None:
        self.since: list[Access] = []

    def enter(self, accesses: Iterable[Access]) -> bool:
        """Note what a kernel touches; gives whether a barrier has to stand before it."""
        found = list(accesses)
        wait = any(a.collides(b) for a in found for b in self.since)
        if wait:
            self.since.clear()
        self.since += found
        return wait

    def flush(self) -> bool:
        """Forget all; gives whether there was anything to wait for."""
        any_ = bool(self.since)
        self.since.clear()
        return any_
