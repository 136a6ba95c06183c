"""Reading elements in machine code: values computed once, as far out of the loops as they can be.

Loops open *scopes*. A value that changes only with outer loops is computed in front of the inner ones (in a gap of
the text that stays open), and what was computed once in a scope is found there again. So broadcast operands,
addresses and subexpressions cost what they should without any pass of LLVM's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, final

import numpy as np

from wengert.compile.affine import Affine, Index, Symbol, of
from wengert.compile.emit import I8, I32, I64, Emitter, Gap, Type, Value, type_of
from wengert.compile.loop_types import loop_types
from wengert.compile.reading import REDUCTIONS, Reader, position_of
from wengert.compile.scalars import LOWER, convert
from wengert.core.program import Atom, Equation, Literal, Var
from wengert.core.types import Aval, aval_of

__all__ = ["Emission", "Held"]

REACH = 1 << 31


class Held(NamedTuple):
    """A value, the depth of the scope that holds it, and the position it is a number of, if it is one."""

    value: Value
    depth: int
    position: Affine | None = None


@final
class _Scope:
    __slots__ = ("found", "gap")

    def __init__(self) -> None:
        self.found: dict[Any, Any] = {}
        self.gap: Gap | None = None  # where code goes while a scope further in is open


@final
class Emission(Reader):
    """Reads values of a kernel while its code is written.

    ``pointers`` are the addresses of what lies in memory; ``own`` are values that this kernel makes, by their
    equations; ``place(var)`` gives the index at which the current round makes one.
    """

    def __init__(
        self,
        e: Emitter,
        made: dict[Var, Equation],
        pointers: dict[Var, Value],
        flags: Value,
        own: dict[Var, Equation],
        place: Callable[[Var], Index],
    ) -> None:
        self.e, self.made, self.pointers, self.flags, self.own, self.place = e, made, pointers, flags, own, place
        self.scopes = [_Scope()]
        self.mask: Held | None = None
        self.written: set[Var] = set()  # own values that lie in memory by now

    # ---- scopes

    @property
    def depth(self) -> int:
        """The depth of the innermost scope."""
        return len(self.scopes) - 1

    @contextmanager
    def scope(self) -> Generator[None]:
        """A loop, or whatever else is entered here and left again."""
        outer = self.scopes[-1]
        saved, outer.gap = outer.gap, self.e.gap()
        self.scopes.append(_Scope())
        yield
        self.scopes.pop()
        outer.gap = saved

    @contextmanager
    def inline(self) -> Generator[None]:
        """A place that is written out somewhere in a loop of others: what it computes, it computes there."""
        self.scopes.append(_Scope())
        yield
        self.scopes.pop()

    @contextmanager
    def at(self, depth: int) -> Generator[None]:
        """Emit in a scope further out, in front of what is open there."""
        if depth >= self.depth:
            yield
            return
        gap = self.scopes[depth].gap
        assert gap is not None
        with self.e.writing(gap):
            yield

    @contextmanager
    def under(self, mask: Held | None) -> Generator[None]:
        """Only these lanes exist."""
        saved, self.mask = self.mask, mask
        yield
        self.mask = saved

    def find(self, key: Any) -> Any:
        """What is known under a key in any open scope."""
        for scope in reversed(self.scopes):
            found = scope.found.get(key)
            if found is not None:
                return found
        return None

    def once(self, key: Any, depth: int, make: Callable[[], Value]) -> Value:
        """A value computed once in the scope of a depth."""
        found = self.find(key)
        if found is None:
            with self.at(depth):
                found = make()
            self.scopes[min(depth, self.depth)].found[key] = found
        return found

    # ---- positions

    def scalar(self, position: Affine) -> Value:
        """A position as an integer; of lanes that follow one another the first."""
        terms = sorted(position.terms.items(), key=lambda item: (item[0].depth, item[0].id))
        total: Value | None = None
        key: list[Any] = []
        for s, c in terms:
            if s.lanes and not s.consecutive:
                continue
            key.append((s.id, c))
            before = total
            total = self.once(("sum", *key), s.depth, lambda s=s, c=c, before=before: self._term(before, s.value, c))
        if total is None:
            return self.e.const(I64, position.constant)
        if not position.constant:
            return total
        depth = position.depth
        return self.once(("sum", *key, position.constant), depth, lambda: total + self.e.const(I64, position.constant))

    def _term(self, before: Value | None, value: Value, c: int) -> Value:
        term = value if c == 1 else value * self.e.const(I64, c)
        return term if before is None else before + term

    def vector(self, position: Affine, t: Type = I64) -> Value:
        """A position for each lane."""
        e, lanes = self.e, position.lanes

        def make() -> Value:
            first = e.convert(self.scalar(position), t)
            total = e.splat(first, lanes) if first.name != "0" else None
            for s, c in position.terms.items():
                if not s.lanes:
                    continue
                if s.consecutive:
                    term = e.constants(t, [c * k for k in range(lanes)])
                else:
                    term = e.convert(s.value, t)
                    term = term if c == 1 else term * e.const(t.wide(lanes), c)
                total = term if total is None else total + term
            assert total is not None
            return total

        return self.once(("lanes", t, position.key), position.depth, make)

    def places(self, position: Affine) -> Value:
        """What :meth:`vector` gives, for addresses: in 32 bits where they do, for then one vector holds it."""
        low, high = position.bounds
        return self.vector(position, I32 if low >= -REACH and high < REACH else I64)

    def address(self, base: Value, t: Type, position: Affine) -> tuple[Value, int]:
        """Where an element lies, and how many elements behind: neighbours have an address in common."""
        moving = Affine(position.terms)
        if not moving.terms:
            return base, position.constant
        key = ("at", base.name, t.element, moving.key)
        return self.once(key, moving.depth, lambda: self.e.offset(base, self.scalar(moving), t)), position.constant

    # ---- what a reader is asked for

    def stored(self, var: Var) -> bool:
        return var in self.pointers or var in self.own

    def read(self, atom: Atom, index: Index) -> Held:
        if isinstance(atom, Literal) or self.stored(atom):
            return super().read(atom, index)
        key = (atom, tuple(a.key for a in index), self._mask_key(index))
        found = self.find(key)
        if found is None:
            found = super().read(atom, index)
            self.scopes[min(found.depth, self.depth)].found[key] = found
        return found

    def _mask_key(self, index: Sequence[Affine]) -> Any:
        return self.mask.value.name if self.mask is not None and any(a.lanes for a in index) else None

    def register(self, var: Var, position: Affine, held: Held) -> None:
        """Remember a value that this kernel has made."""
        self.scopes[min(held.depth, self.depth)].found[("own", var, position.key)] = held

    def load(self, var: Var, position: Affine) -> Held:
        found = self.find(("own", var, position.key))
        if found is not None:
            return found
        if var in self.own and var not in self.written:
            index = self.place(var)
            held = self.virtual(self.own[var], index)
            t = type_of(var.aval.dtype)
            held = Held(held.value, held.depth) if held.value.type.scalar == t else held
            self.register(var, position_of(index, var.aval.shape), held)
            return held
        depth = position.depth
        mask = self.mask if position.lanes else None
        if mask is not None:
            depth = max(depth, mask.depth)
        if var in self.own:
            depth = self.depth
        key = ("load", var, position.key, mask and mask.value.name)
        value = self.once(key, depth, lambda: self.fetch(self.pointers[var], type_of(var.aval.dtype), position, mask))
        return Held(value, depth)

    def fetch(self, base: Value, t: Type, position: Affine, mask: Held | None) -> Value:
        """An element in memory, or one for each lane."""
        lanes = position.lanes
        if not lanes:
            at, more = self.address(base, t, position)
            return self.e.load(at, t, more)
        moving = [(s, c) for s, c in position.terms.items() if s.lanes]
        if len(moving) == 1 and moving[0][1] == 1 and moving[0][0].consecutive:
            at, more = self.address(base, t, position)
            return self.e.load(at, t.wide(lanes), more, mask.value if mask else None)
        return self.e.gather(base, t.wide(lanes), self.places(position), mask.value if mask else None)

    def put(self, base: Value, position: Affine, value: Value, mask: Held | None) -> None:
        """Write an element, or one for each lane."""
        lanes = position.lanes
        if not lanes:
            self.e.store(value, *self.address(base, value.type, position))
            return
        value = self.e.splat(value, lanes)
        moving = [(s, c) for s, c in position.terms.items() if s.lanes]
        if len(moving) == 1 and moving[0][1] == 1 and moving[0][0].consecutive:
            self.e.store(value, *self.address(base, value.type, position), mask.value if mask else None)
        else:
            self.e.scatter(value, base, self.places(position), mask.value if mask else None)

    def literal(self, value: Any) -> Held:
        dtype = aval_of(value).dtype
        return Held(self.e.const(type_of(dtype), value), 0)

    def converted(self, held: Held, source: np.dtype[Any], wanted: np.dtype[Any]) -> Held:
        """As another dtype."""
        if source == wanted:
            return held
        key = ("as", held.value.name, str(held.value.type), wanted.char)
        return Held(self.once(key, held.depth, lambda: convert(self.e, held.value, source, wanted)), held.depth)

    def spread(self, held: Held, lanes: int) -> Held:
        """The same in all lanes."""
        if not lanes or held.value.type.lanes:
            return held
        key = ("splat", held.value.name, str(held.value.type), lanes)
        return Held(self.once(key, held.depth, lambda: self.e.splat(held.value, lanes)), held.depth)

    def apply(self, equation: Equation, operands: Sequence[Held]) -> Held:
        name = equation.primitive.name
        if name in ("any", "all"):
            truth = self.converted(operands[0], equation.inputs[0].aval.dtype, np.dtype(bool))
            return self.converted(truth, np.dtype(bool), equation.outputs[0].aval.dtype)
        if name in ("cast", "cast_to_integer") or name in REDUCTIONS:
            types = (equation.inputs[0].aval.dtype, equation.outputs[0].aval.dtype)
            return self.converted(operands[0], *types)
        types = loop_types(equation)
        held: list[Held] = []
        for x, atom, t in zip(operands, equation.inputs, types, strict=False):
            if isinstance(atom, Literal):
                held.append(Held(self.e.const(type_of(t), np.asarray(atom.value).astype(t)), 0))
            else:
                held.append(self.converted(x, atom.aval.dtype, t))
        lanes = max((h.value.type.lanes for h in held), default=0)
        held = [self.spread(h, lanes) for h in held]
        depth = max((h.depth for h in held), default=0)
        with self.at(depth):
            value = LOWER[name](
                self.e, [h.value for h in held], types[1] if name == "where" else types[0], equation.params
            )
        out = equation.outputs[0].aval.dtype
        result = Held(value, depth)
        return self.converted(result, types[-1], out) if types[-1] != out else result

    def number(self, position: Affine, dtype: np.dtype[Any]) -> Held:
        value = self.vector(position) if position.lanes else self.scalar(position)
        held = self.converted(Held(value, position.depth), np.dtype(np.int64), dtype)
        return Held(held.value, held.depth, position)

    def gathered(self, index: Held, aval: Aval, extent: int) -> Affine:
        if index.position is not None:
            return index.position
        e, depth = self.e, index.depth
        mask = self.mask if index.value.type.lanes else None
        key = ("index", index.value.name, extent, mask and mask.value.name)
        if mask is not None:
            depth = max(depth, mask.depth)
        symbol = self.find(key)
        if symbol is None:
            wide = self.converted(index, aval.dtype, np.dtype(np.int64)).value
            with self.at(depth):
                at = e.select(wide < 0, wide + extent, wide)
                bad = e.compare("ge", at, extent, unsigned=True)
                if mask is not None:
                    bad = bad & mask.value
                self.flag(bad)
                at = e.select(bad, e.const(at.type, 0), at)
            symbol = Symbol(max(extent, 2), depth, at, at.type.lanes, consecutive=False)
            self.scopes[min(depth, self.depth)].found[key] = symbol
        return of(symbol)

    def flag(self, bad: Value) -> None:
        """Remember that an index was out of bounds."""
        e = self.e
        if bad.type.lanes:
            bad = e.any_lane(bad)
        byte = e.value(I8, f"zext {bad} to i8")
        e.store(e.load(self.flags, I8) | byte, self.flags)

    def inside(self, tests: Sequence[tuple[Affine, int, int]], then: Any, aval: Aval) -> Held:
        e = self.e
        positions: list[Affine] = []
        chosen: list[Held] = []
        mask = self.mask
        for at, low, count in tests:
            least, most = at.bounds
            moved = at + -low if low else at
            if low <= least and most < low + count:
                positions.append(moved)
                continue
            if most < low or least >= low + count:
                return Held(e.const(type_of(aval.dtype), 0), 0)
            held = self._is_inside(moved, count)
            chosen.append(held)
            if at.lanes:
                mask = held if mask is None else self._both(mask, held)
                positions.append(moved)
            else:
                with self.at(held.depth):
                    safe = e.select(held.value, self.scalar(moved), e.const(I64, 0))
                positions.append(of(Symbol(max(count, 2), held.depth, safe)))
        with self.under(mask):
            inner = then(positions)
        if not chosen:
            return inner
        return self._or_zero(inner, chosen)

    def where_equal(self, a: Affine, b: Affine, then: Callable[[], Held], aval: Aval) -> Held:
        inner = then()
        lanes, depth = max(a.lanes, b.lanes), max(a.depth, b.depth)
        first, second = (self.vector(p) if p.lanes else self.scalar(p) for p in (a, b))
        value = self.once(
            ("equal", a.key, b.key), depth,
            lambda: self.e.compare("eq", self.e.splat(first, lanes), self.e.splat(second, lanes)),
        )  # fmt: skip
        return self._or_zero(inner, [Held(value, depth)])

    def _is_inside(self, moved: Affine, count: int) -> Held:
        at = self.vector(moved) if moved.lanes else self.scalar(moved)
        value = self.once(
            ("inside", moved.key, count), moved.depth, lambda: self.e.compare("lt", at, count, unsigned=True)
        )
        return Held(value, moved.depth)

    def _both(self, a: Held, b: Held) -> Held:
        depth = max(a.depth, b.depth)
        return Held(self.once(("both", a.value.name, b.value.name), depth, lambda: a.value & b.value), depth)

    def _or_zero(self, inner: Held, chosen: Sequence[Held]) -> Held:
        condition = chosen[0]
        for other in chosen[1:]:
            lanes = max(condition.value.type.lanes, other.value.type.lanes)
            condition = self._both(self.spread(condition, lanes), self.spread(other, lanes))
        lanes = max(condition.value.type.lanes, inner.value.type.lanes)
        depth = max(condition.depth, inner.depth)
        condition, inner = self.spread(condition, lanes), self.spread(inner, lanes)
        with self.at(depth):
            value = self.e.select(condition.value, inner.value, self.e.const(inner.value.type, 0))
        return Held(value, depth)
