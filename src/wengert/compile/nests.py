"""Loop nests: many values computed as their elements come by.

The outer loops run over rows. Within a row the units run in phases: a phase is one inner loop, and what needs a
reduction over the row waits for the next one. Short rows are written out, and then whole chains such as a softmax stay
in registers; rows shorter than half a vector are turned, and lanes run over rows.

Sums keep several accumulators; long ones compensate what rounding loses (T. Ogita, S. Rump, S. Oishi, "Accurate sum and
dot product", SIAM J. Sci. Comput. 26, 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, final

import numpy as np

from wengert.compile.affine import ZERO, Affine, Index, Symbol, of, row_major
from wengert.compile.emission import Emission, Held
from wengert.compile.emit import BOOL, I64, Emitter, Type, Value, type_of
from wengert.compile.plan import Nest, Unit
from wengert.compile.scalars import LOWER
from wengert.compile.sharing import Share
from wengert.core.program import Equation, Var

__all__ = ["emit_nest"]

WRITTEN_OUT = 4  # inner rounds that are written out
TURNED = 16  # the longest row that is turned
LONG = 128  # additions after which a sum is compensated
COMBINE = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply", "any": "logical_or", "all": "logical_and"}


@final
@dataclass(eq=False)
class _Sum:
    """A reduction under way: accumulators by slot, and what rounding has lost of a compensated sum."""

    unit: Unit
    type: Type
    per_row: bool
    values: dict[Any, Value]
    compensated: bool = False


def identity(name: str, dtype: np.dtype[Any]) -> Any:
    """What changes nothing when it is combined."""
    if name in ("sum", "any"):
        return 0
    if name in ("prod", "all"):
        return 1
    if dtype.kind == "f":
        return -np.inf if name == "max" else np.inf
    if dtype.kind == "b":
        return name == "min"
    limits = np.iinfo(dtype)
    return limits.min if name == "max" else limits.max


def emit_nest(
    e: Emitter, nest: Nest, made: dict[Var, Equation], pointers: dict[Var, Value], flags: Value,
    cut: Share, thread: Value,
) -> None:  # fmt: skip
    """Write the loops of a nest; ``pointers`` are the addresses of what it reads and writes."""
    _NestEmitter(e, nest, made, pointers, flags, cut, thread).emit()


@final
class _NestEmitter:
    def __init__(
        self, e: Emitter, nest: Nest, made: dict[Var, Equation], pointers: dict[Var, Value], flags: Value,
        cut: Share, thread: Value,
    ) -> None:  # fmt: skip
        self.cut, self.thread = cut, thread
        # where this thread's part begins along the axis that is cut
        self.base = thread * cut.count if cut.symbol is not None else None
        self.e, self.nest, self.pointers = e, nest, pointers
        own = {u.var: u.equation for u in nest.units}
        self.index: dict[Symbol, Affine] = {}
        self.units = {u.var: u for u in nest.units}
        self.reader = Emission(e, made, pointers, flags, own, lambda var: self.place(self.units[var]))
        self.lanes = e.target.lanes(_itemsize(nest))
        self.sums: dict[Var, _Sum] = {}
        self.live: dict[Any, Value] = {}  # accumulators: what loops carry
        self.first = e.const(I64, 0)  # of the current vector, counted from where this thread's part begins
        self._shape()

    # ---- the form of the loops

    def _shape(self) -> None:
        nest = self.nest
        inner = nest.inner or 0
        self.flat = _is_flat(nest, self.reader)
        self.outer = [] if self.flat else [s for s in nest.symbols[:inner] if s.extent != 1]
        self.rows = [] if self.flat else [s for s in nest.symbols[inner:] if s.extent != 1]
        if self.flat:
            self.line = Symbol(prod(nest.shape))
            self.rows = [self.line]
            if self.cut.symbol is not None:
                self.cut = replace(self.cut, symbol=self.line, count=self.line.extent // self.cut.threads)
                self.base = self.thread * self.cut.count
        size = prod([s.extent for s in self.rows])
        count = self.count(self.outer[-1]) if self.outer else 0
        short = size <= TURNED and (4 if not self._has_row_sums() else 2) * size <= self.lanes
        self.turned = bool(self.outer) and short and 2 * count >= self.lanes
        last = self.count(self.rows[-1]) if self.rows else 1
        if not self.turned and last > 1:
            self.lanes = min(self.lanes, 1 << (last - 1).bit_length())
        self.blocks = prod([s.extent for s in self.rows[:-1]]) * -(-last // self.lanes)
        self.written_out = self.turned or self.blocks <= WRITTEN_OUT

    def _has_row_sums(self) -> bool:
        inner = self.nest.inner or 0
        return any(k >= inner for u in self.nest.units for k in u.axes)

    def count(self, s: Symbol) -> int:
        """How many values of a loop variable this thread has."""
        return self.cut.count if s is self.cut.symbol else s.extent

    def shifted(self, s: Symbol, value: Value) -> Value:
        """A loop variable's value from its number among this thread's own."""
        return value + self.base if s is self.cut.symbol and self.base is not None else value

    def position_index(self, unit: Unit) -> Index:
        """The index of the current round into a unit's loop."""
        if self.flat:
            return (self.index[self.line],) if unit.shape else ()
        symbols = self.symbols(unit)
        return tuple(ZERO if s.extent == 1 else self.index.get(s, ZERO) for s in symbols)

    def symbols(self, unit: Unit) -> tuple[Symbol, ...]:
        """The loop variables of a unit's axes."""
        if unit.shape == self.nest.shape:
            return self.nest.symbols
        outer = iter(s for s in self.nest.symbols[: self.nest.inner] if s.extent != 1)
        return tuple(next(outer) if n != 1 else Symbol(1) for n in unit.shape)

    def place(self, unit: Unit) -> Index:
        """The index of what the current round makes of a unit."""
        index = self.position_index(unit)
        if unit.kind == "reduce":
            kept = [k for k in range(len(unit.shape)) if k not in unit.axes]
            shape = tuple(unit.shape[k] for k in kept)
            return (row_major([index[k] for k in kept], shape),) if len(shape) != 1 else (index[kept[0]],)
        return index

    def position(self, unit: Unit) -> Affine:
        """Where in memory the current round's element of a unit stands."""
        if unit.kind == "reduce":
            return self.place(unit)[0]
        index = self.position_index(unit)
        return index[0] if self.flat and index else row_major(index, unit.shape)

    # ---- loops that carry accumulators

    def loop(self, n: int, body: Callable[[Value], None], *, start: int = 0, step: int = 1) -> None:
        """A loop that carries what is being summed."""
        keys = list(self.live)

        def inside(i: Value, *values: Value) -> list[Value]:
            self.live.update(zip(keys, values, strict=True))
            body(i)
            return [self.live[k] for k in keys]

        with self.reader.scope():
            out = self.e.loop(n, inside, [self.live[k] for k in keys], start=start, step=step)
        self.live.update(zip(keys, out, strict=True))

    def symbol(self, like: Symbol, value: Value, lanes: int = 0) -> None:
        """Let a loop variable of the nest have this value."""
        self.index[like] = of(Symbol(like.extent, self.reader.depth, self.shifted(like, value), lanes))

    def emit(self) -> None:
        """Accumulators, the loops over rows, and what the accumulators came to."""
        for unit in self.nest.units:
            if unit.kind == "reduce":
                self._open(unit)
        self._rows(list(self.outer))
        for sum_ in self.sums.values():
            if not sum_.per_row:
                self._close(sum_)

    def _rows(self, left: list[Symbol]) -> None:
        if not left:
            self._row()
            return
        s, rest = left[0], left[1:]
        if self.turned and not rest:
            n = self.count(s)
            full = n // self.lanes * self.lanes
            self.loop(full, lambda i: self._turned_row(s, i, None), step=self.lanes)
            if full < n:
                with self.reader.scope():
                    self._turned_row(s, self.e.const(I64, full), n - full)
            return

        def body(i: Value) -> None:
            self.symbol(s, i)
            self._rows(rest)

        self.loop(self.count(s), body)

    def _turned_row(self, s: Symbol, i: Value, count: int | None) -> None:
        self.symbol(s, i, self.lanes)
        with self.reader.under(self._tail(count)):
            self._row()

    def _tail(self, count: int | None) -> Held | None:
        return None if count is None else Held(self.e.tail_mask(self.lanes, count), 0)

    # ---- a row

    def _row(self) -> None:
        phases = self._phases()
        for sum_ in self.sums.values():
            if sum_.per_row:
                self._start(sum_)
        self.reader.written.clear()
        for units in phases:
            full = [u for u in units if self._is_full(u)]
            if full:
                self._phase(full)
            for unit in units:
                if not self._is_full(unit):
                    self._compute(unit)
                elif unit.kind == "reduce" and self.sums[unit.var].per_row:
                    self._finish_row(self.sums[unit.var])
            if not self.written_out:
                self.reader.written.update(u.var for u in full if u.kind == "map" and u.var in self.nest.kept)
        for sum_ in self.sums.values():
            if not sum_.per_row and "memory" not in sum_.values and self._compensates(sum_):
                self._settle(sum_)

    def _is_full(self, unit: Unit) -> bool:
        return self.flat or unit.shape == self.nest.shape

    def _phases(self) -> list[list[Unit]]:
        """Units by the phase in which what they read is there."""
        phase: dict[Var, int] = {}
        found: list[list[Unit]] = []
        for unit in self.nest.units:
            at = 0
            for var in _reads(unit.equation, self.reader.made, self.units):
                maker = self.units[var]
                at = max(at, phase[var] + (maker.kind == "reduce" or (not self._is_full(maker))))
            phase[unit.var] = at
            while len(found) <= at:
                found.append([])
            found[at].append(unit)
        return found

    def _phase(self, units: list[Unit]) -> None:
        """One inner loop."""
        if self.turned:
            self._each(self.rows, lambda: self._block(units, None, 0))
            return
        rows = self.rows
        if not rows:
            self._block(units, None, 0)
            return
        self._each(rows[:-1], lambda: self._line(units, rows[-1])) if self.written_out else self._nested(
            rows[:-1], lambda: self._line(units, rows[-1])
        )

    def _each(self, symbols: Sequence[Symbol], body: Callable[[], None]) -> None:
        """All values of these loop variables, written out."""
        if not symbols:
            body()
            return
        s = symbols[0]
        for k in range(s.extent):
            self.index[s] = Affine(constant=k)
            self._each(symbols[1:], body)

    def _nested(self, symbols: Sequence[Symbol], body: Callable[[], None]) -> None:
        if not symbols:
            body()
            return
        s = symbols[0]

        def inside(i: Value) -> None:
            self.symbol(s, i)
            self._nested(symbols[1:], body)

        self.loop(s.extent, inside)

    def _line(self, units: list[Unit], s: Symbol) -> None:
        """The innermost loop: vectors, a few side by side where they are summed, and a masked rest."""
        lanes, n = self.lanes, self.count(s)
        if s.extent == 1:
            self._block(units, None, 0)
            return
        full = n // lanes
        slots = 4 if any(u.kind == "reduce" for u in units) else 1
        if self.written_out:
            slots = 1

        def block(i: Value, count: int | None, slot: int) -> None:
            self.first = i
            self.index[s] = of(Symbol(s.extent, self.reader.depth, self.shifted(s, i), lanes))
            self._block(units, self._tail(count), slot)

        rounds = 0 if self.written_out else full // slots * slots
        if rounds:
            self._long_line(rounds, slots, block, units)
        for k in range(rounds, full):
            block(self.e.const(I64, k * lanes), None, k % slots)
        if n % lanes:
            block(self.e.const(I64, full * lanes), n % lanes, full % slots)

    def _long_line(self, rounds: int, slots: int, block: Any, units: list[Unit]) -> None:
        lanes, e = self.lanes, self.e

        def round_(i: Value) -> None:
            for slot in range(slots):
                at = e.value(I64, f"add {i}, {slot * lanes}") if slot else i
                block(at, None, slot)

        sums = [self.sums[u.var] for u in units if u.kind == "reduce" and self.sums[u.var].compensated]
        if not sums or rounds <= LONG * slots:
            self.loop(rounds * lanes, round_, step=slots * lanes)
            return
        size = LONG * slots * lanes

        def stretch(start: Value) -> None:
            stop = e.intrinsic("smin", start + size, e.const(I64, rounds * lanes))
            keys = list(self.live)

            def inside(i: Value, *values: Value) -> list[Value]:
                self.live.update(zip(keys, values, strict=True))
                round_(i)
                return [self.live[k] for k in keys]

            with self.reader.scope():
                out = e.loop(stop, inside, [self.live[k] for k in keys], start=start, step=slots * lanes)
            self.live.update(zip(keys, out, strict=True))
            for sum_ in sums:
                self._settle(sum_)

        self.loop(rounds * lanes, stretch, step=size)

    def _block(self, units: list[Unit], mask: Held | None, slot: int) -> None:
        """All units of a phase at one place."""
        for s in self.rows:
            if s.extent == 1:
                self.index[s] = ZERO
        under = mask if mask is not None else self.reader.mask
        with self.reader.under(under):
            for unit in units:
                if unit.kind == "map":
                    self._compute(unit)
                else:
                    self._accumulate(unit, slot)

    def _compute(self, unit: Unit) -> None:
        position = self.position(unit)
        held = self.reader.load(unit.var, position)
        if unit.var in self.nest.kept:
            mask = self.reader.mask if position.lanes else None
            self.reader.put(self.pointers[unit.var], type_of(unit.var.aval.dtype), position, held.value, mask)

    # ---- reductions

    def _open(self, unit: Unit) -> None:
        """How a reduction is kept: in registers, or where its result lies."""
        outer = [k for k in unit.axes if self._axis_is_outer(unit, k)]
        inner_reduced = self._reduces_rows(unit)
        dtype = unit.var.aval.dtype
        float_sum = unit.equation.primitive.name == "sum" and dtype.kind == "f"
        sum_ = _Sum(unit, type_of(dtype), per_row=not outer, values={}, compensated=float_sum)
        self.sums[unit.var] = sum_
        all_outer = all(self._axis_reduced(unit, s) for s in self.outer)
        if sum_.per_row:
            return
        sum_.values["memory"] = None  # type: ignore[assignment]
        if all_outer and (inner_reduced or self.written_out):
            del sum_.values["memory"]
            self._start(sum_)
        else:
            self._fill(unit)

    def _axis_is_outer(self, unit: Unit, k: int) -> bool:
        return not self.flat and unit.shape[k] != 1 and self.symbols(unit)[k] in self.outer

    def _axis_reduced(self, unit: Unit, s: Symbol) -> bool:
        symbols = self.symbols(unit)
        return any(symbols[k] is s for k in unit.axes)

    def _reduces_rows(self, unit: Unit) -> bool:
        return self.flat or all(self._axis_reduced(unit, s) for s in self.rows)

    def _keys(self, sum_: _Sum) -> list[Any]:
        """The accumulators of a reduction: one for each place that is kept in a row, or some side by side."""
        unit = sum_.unit
        if self._reduces_rows(unit):
            return [(unit.var, slot) for slot in range(1 if self.written_out else 4)]
        if self.turned:
            return [(unit.var, k) for k in range(prod([s.extent for s in self.rows]))]
        return [(unit.var, k) for k in range(self.blocks)]

    def _start(self, sum_: _Sum) -> None:
        name = sum_.unit.equation.primitive.name
        lanes = self._lanes_of(sum_)
        for key in self._keys(sum_):
            start = identity(name, sum_.unit.var.aval.dtype)
            self.live[key] = self.e.const(sum_.type.wide(lanes), start)
            if self._compensates(sum_):
                self.live[(*key, "lost")] = self.live[(*key, "done")] = self.e.const(sum_.type.wide(lanes), 0)

    def _compensates(self, sum_: _Sum) -> bool:
        """Whether a sum is long enough to lose digits."""
        if not sum_.compensated or not self._reduces_rows(sum_.unit):
            return False
        shape = self.nest.shape if not sum_.per_row else [s.extent for s in self.rows]
        return prod(shape) // self.lanes > 4 * LONG

    def _lanes_of(self, sum_: _Sum) -> int:
        if self.turned:
            return self.lanes
        last = self.rows[-1] if self.rows else None
        return self.lanes if last is not None and last.extent != 1 else 0

    def _accumulate(self, unit: Unit, slot: int) -> None:
        sum_ = self.sums[unit.var]
        e = self.e
        held = self._operand(unit)
        name = unit.equation.primitive.name
        if "memory" in sum_.values:
            self._accumulate_in_memory(unit, held, name)
            return
        keys = self._keys(sum_)
        key = keys[slot % len(keys)] if self._reduces_rows(unit) else keys[self._row_number()]
        lanes = self._lanes_of(sum_)
        value = self.reader.spread(held, lanes).value
        mask = self.reader.mask
        if mask is not None and lanes:
            value = e.select(mask.value, value, e.const(value.type, identity(name, unit.var.aval.dtype)))
        self.live[key] = self._combine(unit, self.live[key], value)

    def _row_number(self) -> int:
        """Which of a written-out row's accumulators the current place has."""
        number, step = 0, 1
        for s in reversed(self.rows):
            if s is self.rows[-1] and not self.turned:
                number += int(self.first.name) // self.lanes if s.extent != 1 else 0
                step = -(-self.count(s) // self.lanes)
            else:
                number += self.index[s].constant * step
                step *= s.extent
        return number

    def _operand(self, unit: Unit) -> Held:
        x = unit.equation.inputs[0]
        held = self.reader.read(x, self.position_index(unit))
        name, dtype = unit.equation.primitive.name, unit.var.aval.dtype
        if name in ("any", "all"):
            dtype = np.dtype(bool)
        return self.reader.converted(held, x.aval.dtype, dtype)

    def _combine(self, unit: Unit, a: Value, b: Value) -> Value:
        name, dtype = COMBINE[unit.equation.primitive.name], unit.var.aval.dtype
        return LOWER[name](self.e, [a, b], dtype, {})

    def _accumulate_in_memory(self, unit: Unit, held: Held, name: str) -> None:
        reader, t = self.reader, type_of(unit.var.aval.dtype)
        position = self.place(unit)[0]
        if self._reduces_rows(unit):  # a row comes to one number: all lanes are folded first
            lanes = held.value.type.lanes
            value = held.value
            if lanes:
                if reader.mask is not None:
                    value = self.e.select(
                        reader.mask.value, value, self.e.const(value.type, identity(name, unit.var.aval.dtype))
                    )
                value = self.e.fold(value, lambda a, b: self._combine(unit, a, b))
            held = Held(value, held.depth)
        mask = reader.mask if position.lanes else None
        if not position.lanes and held.value.type.lanes:
            value = held.value
            if reader.mask is not None:
                value = self.e.select(
                    reader.mask.value, value, self.e.const(value.type, identity(name, unit.var.aval.dtype))
                )
            held = Held(self.e.fold(value, lambda a, b: self._combine(unit, a, b)), held.depth)
        before = reader.fetch(self.pointers[unit.var], t, position, mask)
        value = reader.spread(held, before.type.lanes).value
        reader.put(self.pointers[unit.var], t, position, self._combine(unit, before, value), mask)

    def _fill(self, unit: Unit) -> None:
        """Write the identity where a result lies."""
        t, n = type_of(unit.var.aval.dtype), unit.var.aval.size
        start = identity(unit.equation.primitive.name, unit.var.aval.dtype)
        e, base, lanes = self.e, self.own_part(unit), self.lanes
        if self.base is not None:
            n = self.cut.count
        full = n // lanes * lanes
        e.loop(full, lambda i: e.store(e.const(t.wide(lanes), start), base, i), step=lanes)
        e.loop(n, lambda i: e.store(e.const(t, start), base, i), start=full)

    def own_part(self, unit: Unit) -> Value:
        """Where this thread's part of a sum over rows begins."""
        base = self.pointers[unit.var]
        return base if self.base is None else self.e.offset(base, self.base, type_of(unit.var.aval.dtype))

    def _settle(self, sum_: _Sum) -> None:
        """Add accumulators to the compensated total, and begin them anew."""
        e = self.e
        for key in self._keys(sum_):
            a, total = self.live[key], self.live[(*key, "done")]
            s = total + a
            other = s - total
            lost = (total - (s - other)) + (a - other)
            finite = e.compare("eq", lost, lost)  # ∞ − ∞ says nothing about what was lost
            self.live[(*key, "lost")] = self.live[(*key, "lost")] + e.select(finite, lost, e.const(lost.type, 0))
            self.live[(*key, "done")] = s
            self.live[key] = e.const(a.type, 0)

    def _total(self, sum_: _Sum) -> Value:
        """What the accumulators side by side came to, lanes folded unless each stands for a row of its own."""
        e, unit = self.e, sum_.unit
        keys = self._keys(sum_)
        fold = not (self.turned and sum_.per_row)

        def joined(values: list[Value]) -> Value:
            while len(values) > 1:
                values = [
                    self._combine(unit, *values[k : k + 2]) if k + 1 < len(values) else values[k]
                    for k in range(0, len(values), 2)
                ]
            value = values[0]
            return e.fold(value, lambda a, b: self._combine(unit, a, b)) if fold and value.type.lanes else value

        if self._compensates(sum_):
            self._settle(sum_)
            return joined([self.live[(*k, "done")] for k in keys]) + joined([self.live[(*k, "lost")] for k in keys])
        return joined([self.live[k] for k in keys])

    def _finish_row(self, sum_: _Sum) -> None:
        """The reduction of one row: at hand for the rest of the row, and stored where others want it."""
        unit, reader = sum_.unit, self.reader
        if not self._reduces_rows(unit):  # nothing was reduced but axes of length one
            self._scatter_row(sum_)
            return
        value = self._total(sum_)
        position = self.position(unit)
        reader.register(unit.var, position, Held(value, reader.depth))
        for key in [k for k in self.live if k[0] is unit.var]:
            del self.live[key]
        if unit.var in self.nest.kept:
            mask = reader.mask if position.lanes else None
            reader.put(self.pointers[unit.var], sum_.type, position, value, mask)

    def _scatter_row(self, sum_: _Sum) -> None:
        raise AssertionError("a reduction over nothing is no reduction")

    def _close(self, sum_: _Sum) -> None:
        """Write a reduction over rows to memory."""
        unit, e, reader = sum_.unit, self.e, self.reader
        if "memory" in sum_.values:
            return
        base = self.own_part(unit)
        if self._reduces_rows(unit):
            e.store(self._total(sum_), base)
            return
        keys = self._keys(sum_)
        if self.turned:
            for k, key in enumerate(keys):
                value = e.fold(self.live[key], lambda a, b: self._combine(unit, a, b))
                e.store(value, base, k)
            return
        last = self.count(self.rows[-1])
        per_line = -(-last // self.lanes)
        for k, key in enumerate(keys):
            line, block = divmod(k, per_line)
            left = last - block * self.lanes
            mask = e.tail_mask(self.lanes, left) if left < self.lanes else None
            value = self.live[key]
            if not value.type.lanes:
                e.store(value, base, line * last)
            else:
                e.store(value, base, line * last + block * self.lanes, mask)
        _ = reader


def _itemsize(nest: Nest) -> int:
    sizes = [u.var.aval.dtype.itemsize for u in nest.units if u.var.aval.dtype.kind == "f"]
    sizes += [
        x.aval.dtype.itemsize
        for u in nest.units
        for x in u.equation.inputs
        if x.aval.dtype.kind == "f" and x.aval.kind == "array"
    ]
    return max(sizes, default=8)


def _reads(equation: Equation, made: dict[Var, Equation], own: dict[Var, Unit]) -> set[Var]:
    """Which of a nest's own values an equation reads, through what is virtual."""
    found: set[Var] = set()
    waiting = [x for x in equation.inputs if isinstance(x, Var)]
    seen: set[Var] = set()
    while waiting:
        x = waiting.pop()
        if x in seen:
            continue
        seen.add(x)
        if x in own:
            found.add(x)
        elif x in made:
            waiting.extend(y for y in made[x].inputs if isinstance(y, Var))
    return found


PLAIN = frozenset(("stop_gradient", "cast", "cast_to_integer", "where"))


def _is_flat(nest: Nest, reader: Emission) -> bool:
    """Whether all that a nest reads has its own shape, or none: then it is one line."""
    if len(nest.shape) < 2 or any(u.shape != nest.shape for u in nest.units):
        return len(nest.shape) == 0
    if any(u.kind == "reduce" and len(u.axes) != len(u.shape) for u in nest.units):
        return False

    def same(equation: Equation) -> bool:
        for x in equation.inputs:
            if x.aval.shape not in (nest.shape, ()):
                return False
            if isinstance(x, Var) and not reader.stored(x):
                inner = reader.made[x]
                if inner.primitive.ufunc is None and inner.primitive.name not in PLAIN:
                    return False
                if x.aval.shape == nest.shape and not same(inner):
                    return False
        return True

    for unit in nest.units:
        if unit.kind == "reduce":
            x = unit.equation.inputs[0]
            if isinstance(x, Var) and not reader.stored(x):
                inner = reader.made[x]
                if (inner.primitive.ufunc is None and inner.primitive.name not in PLAIN) or not same(inner):
                    return False
        elif (unit.equation.primitive.ufunc is None and unit.equation.primitive.name not in PLAIN) or not same(
            unit.equation
        ):
            return False
    return True


_ = BOOL
