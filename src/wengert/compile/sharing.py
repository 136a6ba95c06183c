"""How threads share a kernel, and when they have to wait for one another.

All threads of a team run the same core. A kernel is cut along its first axis, so that what a thread wrote is often
just what it reads next: then nobody waits. A barrier stands where somebody needs what others have written, or is about
to write what others may still read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal, final

from wengert.compile.affine import Affine, Symbol, of
from wengert.compile.finding import Finder
from wengert.compile.plan import Kernel, Nest, Plan, Product, symbols_for
from wengert.compile.views import form
from wengert.core.program import Var

__all__ = ["Access", "Share", "Traffic", "share"]

Cut = Literal["rows", "columns", "one"]


@final
@dataclass(frozen=True)
class Share:
    """How a kernel is cut: along ``symbol``, of which each of ``threads`` has ``count`` values; and what it touches.

    ``own`` are the values of which every thread touches its own stretch of memory only.
    """

    cut: Cut
    symbol: Symbol | None
    threads: int
    count: int
    own: frozenset[Var]


def share(kernel: Kernel, plan: Plan, threads: int) -> Share:
    """Cut a kernel into ``threads`` equal parts, where that can be done."""
    alone = Share("one", None, 1, 0, frozenset())
    if threads == 1:
        return alone
    if isinstance(kernel, Product):
        return _product(kernel, plan, threads) or alone
    return (_nest(kernel, plan, threads) or alone) if isinstance(kernel, Nest) else alone


def _product(kernel: Product, plan: Plan, threads: int) -> Share | None:
    found = form(kernel.unit.equation, plan.made, plan.stored)
    assert found is not None
    long = [s for s in kernel.symbols if s.extent != 1]
    if found.batch and prod(found.batch) != 1:
        if found.batch[0] % threads:
            return None
        return Share("rows", kernel.symbols[0], threads, found.batch[0] // threads, frozenset())
    if found.m % threads or found.m == 1:
        return None
    rows = [s for s in long[: len(long)] if s in kernel.symbols[len(found.batch) : len(found.batch) + found.rows]]
    if len(rows) != 1:
        return None
    own = {v for v in kernel.vars if v in kernel.kept} | _own_reads(kernel, plan, rows[0])
    if (
        found.strides_a[0] * found.m == found.a.base.aval.size
        and not found.a.offset
        and found.a.base is not found.b.base
    ):
        own.add(found.a.base)
    else:
        own.discard(found.a.base)
    own.discard(found.b.base)
    return Share("rows", rows[0], threads, found.m // threads, frozenset(own))


def _nest(kernel: Nest, plan: Plan, threads: int) -> Share | None:
    long = [k for k, n in enumerate(kernel.shape) if n != 1]
    if not long or kernel.inner is None:
        return None
    reduces = [u for u in kernel.units if u.kind == "reduce"]
    outer = [u for u in reduces if any(k < kernel.inner and kernel.shape[k] != 1 for k in u.axes)]
    if outer:
        return _columns(kernel, threads) if len(outer) == len(kernel.units) else None
    first = kernel.symbols[long[0]]
    if first.extent % threads or (long[0] >= kernel.inner and (reduces or len(long) > 1)):
        return None
    kept = {v for v in kernel.vars if v in kernel.kept}
    return Share("rows", first, threads, first.extent // threads, frozenset(kept | _own_reads(kernel, plan, first)))


def _columns(kernel: Nest, threads: int) -> Share | None:
    """Sums over rows are cut along the rows' length."""
    last = kernel.symbols[-1]
    kept = all(u.var.aval.size == last.extent and len(kernel.shape) - 1 not in u.axes for u in kernel.units)
    if not kept or last.extent % threads or last.extent < 8 * threads:
        return None
    return Share("columns", last, threads, last.extent // threads, frozenset(kernel.kept))


def _own_reads(kernel: Nest | Product, plan: Plan, cut: Symbol) -> set[Var]:
    """What is read only in the stretch that belongs to the thread's part of the axis that is cut."""
    places: dict[Var, list[Affine]] = {}
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
            places.setdefault(var, []).append(position)
    return {var for var, found in places.items() if all(_is_own(var, p, cut) for p in found)}


def _is_own(var: Var, position: Affine, cut: Symbol) -> bool:
    step = position.terms.get(cut, 0)
    if step <= 0 or step * cut.extent != var.aval.size:
        return False
    rest = Affine({s: c for s, c in position.terms.items() if s is not cut}, position.constant)
    low, high = rest.bounds
    return low >= 0 and high < step


# ---- who has to wait


@final
@dataclass(frozen=True)
class Access:
    """A stretch of memory that a kernel touches; ``own``: each thread its own part of it."""

    place: str  # what the memory belongs to
    start: int
    stop: int
    own: bool
    write: bool

    def collides(self, other: Access) -> bool:
        """Whether one has to be over before the other begins."""
        if not (self.write or other.write) or self.place != other.place:
            return False
        if self.start >= other.stop or other.start >= self.stop:
            return False
        return not (self.own and other.own and (self.start, self.stop) == (other.start, other.stop))


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
