"""Reductions while their loops run: accumulators in registers or in memory, and sums that lose no digits.

A reduction takes away axes of the rows, axes over which the rows run, or both. Sums keep several accumulators; long
ones compensate what rounding loses (T. Ogita, S. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput.
26, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wengert.compile.affine import ZERO, Affine, Symbol, row_major
from wengert.compile.emission import Held
from wengert.compile.emit import Type, Value, type_of
from wengert.compile.scalars import LOWER
from wengert.core.program import Var

if TYPE_CHECKING:
    from wengert.compile.nests import Loops
    from wengert.compile.plan import Unit

__all__ = ["LONG", "Sum", "Sums"]

LONG = 128  # additions after which a sum is compensated
SLOTS = 4  # accumulators side by side: an addition takes that many times longer than one begins
COMBINE = {
    "sum": "add",
    "max": "maximum",
    "min": "minimum",
    "prod": "multiply",
    "any": "logical_or",
    "all": "logical_and",
}


@final
@dataclass(frozen=True, eq=False)
class Sum:
    """A reduction under way.

    ``rows``: it takes away the row; ``per_row``: it begins anew with each row, ``per_group``: with each loop over the
    last axis of rows; ``memory``: it is kept where its result lies; ``compensated``: what rounding loses is added at
    last. ``keys`` name its accumulators: some side by side, or one for each vector of a row that is kept.
    """

    unit: Unit
    name: str
    dtype: np.dtype[Any]
    rows: bool
    per_row: bool
    per_group: bool
    memory: bool
    compensated: bool
    lanes: int
    keys: tuple[Any, ...]

    @property
    def type(self) -> Type:
        """Of one element."""
        return type_of(self.dtype)

    @property
    def identity(self) -> Any:
        """What changes nothing when it is combined."""
        if self.name in ("sum", "any"):
            return 0
        if self.name in ("prod", "all"):
            return 1
        if self.dtype.kind == "f":
            return -np.inf if self.name == "max" else np.inf
        if self.dtype.kind == "b":
            return self.name == "min"
        limits = np.iinfo(self.dtype)
        return limits.min if self.name == "max" else limits.max


@final
class Sums:
    """The reductions of a nest. ``live`` are the accumulators, which the loops carry."""

    def __init__(self, loops: Loops) -> None:
        self.loops, self.e, self.reader = loops, loops.e, loops.reader
        self.live: dict[Any, Value] = {}
        self.all: dict[Var, Sum] = {}

    # ---- before, between and after the rows

    def open(self) -> None:
        """Before the loops: how each reduction is kept, and what those over rows begin with."""
        for unit in self.loops.nest.units:
            if unit.kind == "reduce":
                found = self.all[unit.var] = self._described(unit)
                if found.memory:
                    self._fill(found)
                elif not found.per_row and not found.per_group:
                    self._start(found)

    def begin_group(self) -> None:
        """The loop over the last axis of rows is about to be entered."""
        for found in self.all.values():
            if found.per_group:
                self._start(found)

    def end_group(self) -> None:
        """It has been left."""
        for found in self.all.values():
            if found.per_group:
                index = zip(found.unit.shape, self.loops.symbols(found.unit), strict=True)
                kept = [
                    (n, self.loops.index.get(s, ZERO) if s in self.loops.outer else ZERO)
                    for k, (n, s) in enumerate(index)
                    if k not in found.unit.axes
                ]
                at = self.reader.scalar(row_major([i for _, i in kept], [n for n, _ in kept]))
                self._write_lines(found, self.e.offset(self.loops.pointers[found.unit.var], at, found.type))
                for key in found.keys:
                    del self.live[key]

    def begin_row(self) -> None:
        """Reductions of a row begin."""
        for found in self.all.values():
            if found.per_row:
                self._start(found)

    def end_row(self) -> None:
        """Long sums over rows are settled after each of them."""
        for found in self.all.values():
            if not found.per_row and found.compensated:
                self.settle(found)

    def close(self) -> None:
        """After the loops: reductions over rows are written to memory."""
        for found in self.all.values():
            if not found.per_row and not found.per_group and not found.memory:
                self._write(found)

    # ---- how a reduction is kept

    def _described(self, unit: Unit) -> Sum:
        loops = self.loops
        name, dtype = unit.equation.primitive.name, unit.var.aval.dtype
        taken = self._taken(unit)
        rows = loops.flat or all(s in taken for s in loops.rows)
        per_row = not any(s in taken for s in loops.outer)
        whole = all(s in taken for s in loops.outer)
        last = not loops.turned and bool(loops.outer) and [s for s in loops.outer if s in taken] == loops.outer[-1:]
        per_group = not per_row and not whole and last and not rows and loops.written_out
        memory = not per_row and not per_group and not (whole and (rows or loops.written_out))
        long = loops.lanes * 4 * LONG
        size = prod([s.extent for s in loops.rows]) if per_row else prod(loops.nest.shape)
        compensated = name == "sum" and dtype.kind == "f" and rows and not memory and size > long
        if rows:
            count = 1 if loops.written_out else SLOTS
        else:
            count = prod([s.extent for s in loops.rows]) if loops.turned else loops.blocks
        wide = loops.turned or (bool(loops.rows) and loops.rows[-1].extent != 1)
        return Sum(
            unit, name, dtype, rows, per_row, per_group, memory, compensated, loops.lanes if wide else 0,
            tuple((unit.var, k) for k in range(count)),
        )  # fmt: skip

    def _taken(self, unit: Unit) -> set[Symbol]:
        symbols = self.loops.symbols(unit)
        return {symbols[k] for k in unit.axes}

    def _start(self, s: Sum) -> None:
        t = s.type.wide(s.lanes)
        for key in s.keys:
            self.live[key] = self.e.const(t, s.identity)
            if s.compensated:
                self.live[(*key, "lost")] = self.live[(*key, "done")] = self.e.const(t, 0)

    def _fill(self, s: Sum) -> None:
        """Write the identity where a result lies."""
        e, loops = self.e, self.loops
        size = s.unit.var.aval.size
        n = size if loops.base is None else size // loops.cut.threads if loops.cut.cut == "rows" else loops.cut.count
        base, lanes, t = self.own_part(s.unit), loops.lanes, s.type
        full = n // lanes * lanes
        e.loop(full, lambda i: e.store(e.const(t.wide(lanes), s.identity), base, i), step=lanes)
        e.loop(n, lambda i: e.store(e.const(t, s.identity), base, i), start=full)

    def own_part(self, unit: Unit) -> Value:
        """Where this thread's part of a reduction over rows begins."""
        base, start = self.loops.pointers[unit.var], self.loops.base
        if start is not None and self.loops.cut.cut == "rows":
            start = self.loops.thread * (unit.var.aval.size // self.loops.cut.threads)
        return base if start is None else self.e.offset(base, start, type_of(unit.var.aval.dtype))

    # ---- one element, or a vector of them

    def add(self, unit: Unit, slot: int) -> None:
        """Take in what is read at the present place."""
        x = unit.equation.inputs[0]
        held = self.reader.read(x, self.loops.position_index(unit))
        s = self.all[unit.var]
        held = self.reader.converted(held, x.aval.dtype, np.dtype(bool) if s.name in ("any", "all") else s.dtype)
        if s.memory:
            self._add_in_memory(s, held)
            return
        key = s.keys[slot % len(s.keys)] if s.rows else s.keys[self.loops.place_in_row()]
        value, before = self._masked(s, self.reader.spread(held, s.lanes).value), self.live[key]
        first = before.name == self.e.const(before.type, s.identity).name
        self.live[key] = value if first else self.combine(s, before, value)

    def _masked(self, s: Sum, value: Value) -> Value:
        """Lanes that do not exist count for nothing."""
        mask = self.reader.mask
        if mask is None or not value.type.lanes:
            return value
        return self.e.select(mask.value, value, self.e.const(value.type, s.identity))

    def _add_in_memory(self, s: Sum, held: Held) -> None:
        reader, base = self.reader, self.loops.pointers[s.unit.var]
        position: Affine = self.loops.place(s.unit)[0]
        # what is the same in all lanes is taken as often as there are lanes
        lanes = max((at.lanes for at in self.loops.position_index(s.unit)), default=0)
        value = reader.spread(held, lanes).value
        if value.type.lanes and not position.lanes:
            value = self.e.fold(self._masked(s, value), lambda a, b: self.combine(s, a, b))
        mask = reader.mask if position.lanes else None
        before = reader.fetch(base, s.type, position, mask)
        value = reader.spread(Held(value, held.depth), before.type.lanes).value
        reader.put(base, position, self.combine(s, before, value), mask)

    def combine(self, s: Sum, a: Value, b: Value) -> Value:
        """Two partial results as one."""
        return LOWER[COMBINE[s.name]](self.e, [a, b], s.dtype, {})

    # ---- totals

    def settle(self, s: Sum) -> None:
        """Add accumulators to the compensated total, and begin them anew."""
        e, live = self.e, self.live
        for key in s.keys:
            a, total = live[key], live[(*key, "done")]
            new = total + a
            other = new - total
            lost = (total - (new - other)) + (a - other)
            finite = e.compare("eq", lost, lost)  # ∞ − ∞ says nothing about what was lost
            live[(*key, "lost")] = live[(*key, "lost")] + e.select(finite, lost, e.const(lost.type, 0))
            live[(*key, "done")] = new
            live[key] = e.const(a.type, 0)

    def _total(self, s: Sum) -> Value:
        """What accumulators side by side came to; lanes are folded unless each stands for a row of its own."""
        if not s.compensated:
            return self._joined(s, [self.live[k] for k in s.keys])
        self.settle(s)
        done, lost = ([self.live[(*k, part)] for k in s.keys] for part in ("done", "lost"))
        return self._joined(s, done) + self._joined(s, lost)

    def _joined(self, s: Sum, values: list[Value]) -> Value:
        while len(values) > 1:
            values = [
                self.combine(s, *values[k : k + 2]) if k + 1 < len(values) else values[k]
                for k in range(0, len(values), 2)
            ]
        apart = self.loops.turned and s.per_row
        return values[0] if apart or not values[0].type.lanes else self._folded(s, values[0])

    def _folded(self, s: Sum, value: Value) -> Value:
        return self.e.fold(value, lambda a, b: self.combine(s, a, b))

    def finish_row(self, unit: Unit) -> None:
        """The reduction of one row: at hand for the rest of the row, and stored where others want it."""
        s = self.all.get(unit.var)
        if s is None or not s.per_row:
            return
        value = self._total(s)
        for key in [k for k in self.live if k[0] is unit.var]:
            del self.live[key]
        self.loops.deliver(unit, Held(value, self.reader.depth))

    def _write(self, s: Sum) -> None:
        e, base, loops = self.e, self.own_part(s.unit), self.loops
        if s.rows:
            e.store(self._total(s), base)
            return
        if loops.turned:
            for k, key in enumerate(s.keys):
                e.store(self._folded(s, self.live[key]), base, k)
            return
        self._write_lines(s, base)

    def _write_lines(self, s: Sum, base: Value) -> None:
        e, loops = self.e, self.loops
        last = loops.count(loops.rows[-1])
        per_line = -(-last // loops.lanes)
        for k, key in enumerate(s.keys):
            line, block = divmod(k, per_line)
            left = last - block * loops.lanes
            mask = e.tail_mask(loops.lanes, left) if s.lanes and left < loops.lanes else None
            e.store(self.live[key], base, line * last + block * loops.lanes, mask)
