"""Loop nests: many values computed as their elements come by.

The outer loops run over rows. Within a row the units run in phases: a phase is one inner loop, and what needs a
reduction over the row waits for the next one. Short rows are written out, and then whole chains such as a softmax stay
in registers; rows shorter than half a vector are turned, and lanes run over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import final

from wengert.compile.affine import ZERO, Affine, Index, Symbol, of, row_major
from wengert.compile.emission import Emission, Held
from wengert.compile.emit import I64, Emitter, Value
from wengert.compile.plan import Nest, Unit
from wengert.compile.sharing import Share
from wengert.compile.sums import LONG, SLOTS, Sums
from wengert.core.program import Equation, Var

__all__ = ["Loops", "emit_nest"]

WRITTEN_OUT = 4  # inner rounds that are written out
TURNED = 16  # the longest row that is turned


def emit_nest(
    e: Emitter, nest: Nest, made: dict[Var, Equation], pointers: dict[Var, Value], flags: Value,
    cut: Share, thread: Value,
) -> None:  # fmt: skip
    """Write the loops of a nest; ``pointers`` are the addresses of what it reads and writes."""
    Loops(e, nest, made, pointers, flags, cut, thread).emit()


@final
class Loops:
    """The loops of a nest while they are written."""

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
        self.like = nest if nest.whole is None else replace(nest, units=nest.whole)
        self.lanes = e.target.lanes(_itemsize(self.like))
        self.first = e.const(I64, 0)  # of the current vector, counted from where this thread's part begins
        self._shape()
        self.sums = Sums(self)

    # ---- the form of the loops

    def _shape(self) -> None:
        nest = self.nest
        inner = nest.inner or 0
        self.flat = nest.flat and self.cut.cut != "columns"
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
        # what is summed stays in registers while a row is written out; for the rest, a loop is shorter code
        sums = any(u.kind == "reduce" for u in self.like.units)
        self.written_out = self.turned or self.blocks <= (WRITTEN_OUT if sums else 1)

    def _has_row_sums(self) -> bool:
        inner = self.nest.inner or 0
        return any(k >= inner for u in self.like.units for k in u.axes)

    def count(self, s: Symbol) -> int:
        """How many values of a loop variable this thread has."""
        return self.cut.count if s is self.cut.symbol else s.extent

    def shifted(self, s: Symbol, value: Value) -> Value:
        """A loop variable's value from its number among this thread's own."""
        return value + self.base if s is self.cut.symbol and self.base is not None else value

    def position_index(self, unit: Unit) -> Index:
        """The index of the current round into a unit's loop."""
        if self.flat:
            return (self.index.get(self.line, ZERO),) if unit.shape else ()
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

    def loop(self, n: int | Value, body: Callable[[Value], None], *, start: int | Value = 0, step: int = 1) -> None:
        """A loop that carries what is being summed."""
        live = self.sums.live
        keys = list(live)

        def inside(i: Value, *values: Value) -> list[Value]:
            live.update(zip(keys, values, strict=True))
            body(i)
            return [live[k] for k in keys]

        with self.reader.scope():
            out = self.e.loop(n, inside, [live[k] for k in keys], start=start, step=step)
        live.update(zip(keys, out, strict=True))

    def symbol(self, like: Symbol, value: Value, lanes: int = 0) -> None:
        """Let a loop variable of the nest have this value."""
        self.index[like] = of(Symbol(like.extent, self.reader.depth, self.shifted(like, value), lanes))

    def emit(self) -> None:
        """Accumulators, the loops over rows, and what the accumulators came to."""
        self.sums.open()
        self._rows(list(self.outer))
        self.sums.close()

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

        if not rest:
            self.sums.begin_group()
        self.loop(self.count(s), body)
        if not rest:
            self.sums.end_group()

    def _turned_row(self, s: Symbol, i: Value, count: int | None) -> None:
        self.symbol(s, i, self.lanes)
        with self.reader.under(self._tail(count)):
            self._row()

    def _tail(self, count: int | None) -> Held | None:
        return None if count is None else Held(self.e.tail_mask(self.lanes, count), 0)

    # ---- a row

    def _row(self) -> None:
        self.sums.begin_row()
        self.blocks_at: dict[tuple[Symbol, int], Affine] = {}
        self.reader.written.clear()
        for units in self._phases():
            full = [u for u in units if self._is_full(u)]
            if full:
                self._phase(full)
            for unit in units:
                if not self._is_full(unit):
                    self._compute(unit)
                elif unit.kind == "reduce":
                    self.sums.finish_row(unit)
            if not self.written_out:
                self.reader.written.update(u.var for u in full if u.kind == "map" and u.var in self.nest.kept)
        self.sums.end_row()

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
        around = self._each if self.written_out else self._nested
        around(rows[:-1], lambda: self._line(units, rows[-1]))

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
        slots = SLOTS if any(u.kind == "reduce" for u in units) and not self.written_out else 1

        def block(i: Value, count: int | None, slot: int) -> None:
            self.first = i
            self.index[s] = self._vector(s, i)
            self._block(units, self._tail(count), slot)

        rounds = 0 if self.written_out else full // slots * slots
        if rounds:
            self._long_line(rounds, slots, block, units)
        for k in range(rounds, full):
            block(self.e.const(I64, k * lanes), None, k % slots)
        if n % lanes:
            block(self.e.const(I64, full * lanes), n % lanes, full % slots)

    def _vector(self, s: Symbol, i: Value) -> Affine:
        """The index of a vector; what is written out knows each from one phase to the next."""

        def fresh() -> Affine:
            return of(Symbol(s.extent, self.reader.depth, self.shifted(s, i), self.lanes))

        if not self.written_out:
            return fresh()
        key = (s, int(i.name))
        if key not in self.blocks_at:
            self.blocks_at[key] = fresh()
        return self.blocks_at[key]

    def _long_line(
        self, rounds: int, slots: int, block: Callable[[Value, int | None, int], None], units: list[Unit]
    ) -> None:
        lanes, e = self.lanes, self.e

        def round_(i: Value) -> None:
            for slot in range(slots):
                at = e.value(I64, f"add {i}, {slot * lanes}") if slot else i
                block(at, None, slot)

        sums = [s for s in (self.sums.all.get(u.var) for u in units) if s is not None and s.compensated]
        if not sums or rounds <= LONG * slots:
            self.loop(rounds * lanes, round_, step=slots * lanes)
            return
        size = LONG * slots * lanes

        def stretch(start: Value) -> None:
            stop = e.intrinsic("smin", start + size, e.const(I64, rounds * lanes))
            self.loop(stop, round_, start=start, step=slots * lanes)
            for s in sums:
                self.sums.settle(s)

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
                    self.sums.add(unit, slot)

    def _compute(self, unit: Unit) -> None:
        self._store(unit, self.reader.load(unit.var, self.position(unit)))

    def deliver(self, unit: Unit, held: Held) -> None:
        """What a reduction came to: at hand from now on, and stored where others want it."""
        self.reader.register(unit.var, self.position(unit), held)
        self._store(unit, held)

    def _store(self, unit: Unit, held: Held) -> None:
        if unit.var in self.nest.kept:
            position = self.position(unit)
            mask = self.reader.mask if position.lanes else None
            self.reader.put(self.pointers[unit.var], position, held.value, mask)

    def place_in_row(self) -> int:
        """The number of the present vector in a row that is written out."""
        number, step = 0, 1
        for s in reversed(self.rows):
            if s is self.rows[-1] and not self.turned:
                number += int(self.first.name) // self.lanes if s.extent != 1 else 0
                step = -(-self.count(s) // self.lanes)
            else:
                number += self.index[s].constant * step
                step *= s.extent
        return number


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
