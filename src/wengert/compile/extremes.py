"""Where the largest or the smallest elements stand: the first of those that tie, or the first NaN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from wengert.compile.cumulative import widths
from wengert.compile.emit import I64, Emitter, Type, Value, type_of
from wengert.compile.ordering import MANY, plain
from wengert.compile.routine import Routine, routine
from wengert.compile.scalars import LOWER
from wengert.core.program import Equation

__all__ = ["EXTREMES"]


def _rule(largest: bool) -> Callable[[Any, Equation], bool]:
    def rule(frame: Any, equation: Equation) -> bool:
        x, axes = equation.inputs[0].aval, tuple(equation.params["axes"])
        if not plain(x) or not x.size:
            return False
        search = _Search(frame.e, x.shape, x.dtype, axes, largest)

        def write(r: Routine) -> None:
            search.base, search.dest = r.operands[0], r.results[0]
            r.each(search.line if search.in_lines else search.columns)

        return routine(frame, equation, write, rounds=search.rounds, shared=x.size >= MANY)

    return rule


class _Search:
    """The search along ``axes``: line by line where these are the last ones and long, else columns side by side."""

    base: Value
    dest: Value

    def __init__(
        self, e: Emitter, shape: tuple[int, ...], dtype: np.dtype[Any], axes: tuple[int, ...], largest: bool
    ) -> None:
        self.e, self.shape, self.dtype, self.axes, self.largest = e, shape, dtype, axes, largest
        self.t = type_of(dtype)
        self.lanes = e.target.lanes(max(dtype.itemsize, 2))
        self.steps = [prod(shape[k + 1 :]) for k in range(len(shape))]
        self.kept = [k for k in range(len(shape)) if k not in axes]
        self.n = prod(shape[k] for k in axes)
        trailing = axes == tuple(range(len(shape) - len(axes), len(shape)))
        self.in_lines = trailing and self.n >= 2 * self.lanes
        # columns: the last axis, if it is kept, is done by vectors
        self.beside = shape[-1] if self.kept and self.kept[-1] == len(shape) - 1 else 1
        rows = prod(shape[k] for k in self.kept)
        self.rounds = rows if self.in_lines else rows // self.beside

    def better(self, new: Value, best: Value) -> Value:
        """Whether the new one is the extreme; after a NaN nothing is."""
        e, unsigned = self.e, self.dtype.kind in "ub"
        if not self.t.is_float:
            return e.compare("gt" if self.largest else "lt", new, best, unsigned=unsigned)
        worse = new <= best if self.largest else new >= best
        return e.invert(worse | e.is_nan(best))

    # ---- columns

    def columns(self, i: Value) -> None:
        """One round: all columns beside each other, or the one there is."""
        e = self.e
        outer = self.kept[:-1] if self.beside > 1 else self.kept
        start = self._place(i, outer)
        for wide, low, high in widths(self.beside, self.lanes):

            def some(j: Value, wide: int = wide) -> None:
                e.store(self._along(start + j, wide), self.dest, i * self.beside + j)

            e.loop(high, some, start=low, step=max(wide, 1))

    def _along(self, start: Value, wide: int) -> Value:
        """Where the extremes of so many columns stand."""
        e, t = self.e, self.t.wide(wide)

        def over(left: Sequence[int], at: Value, state: Sequence[Value]) -> list[Value]:
            if not left:
                best, place, number = state
                new = e.load(self.base, t, at)
                yes = self.better(new, best)
                return [e.select(yes, new, best), e.select(yes, e.splat(number, wide), place), number + 1]
            k, *rest = left
            return e.loop(self.shape[k], lambda i, *s: over(rest, at + i * self.steps[k], s), list(state))

        state = [e.load(self.base, t, start), e.const(I64.wide(wide), 0), e.const(I64, 0)]
        return over(self.axes, start, state)[1]

    def _place(self, number: Value, axes: Sequence[int]) -> Value:
        """Where in memory the element begins that has this number among those of ``axes``."""
        e, at, left = self.e, self.e.const(I64, 0), number
        sizes = [self.shape[k] for k in axes]
        for j, k in enumerate(axes):
            inner = prod(sizes[j + 1 :])
            if sizes[j] == 1:
                continue
            quotient = e.div(left, inner) if inner != 1 else left
            left = left - quotient * inner if inner != 1 else left
            at = at + quotient * self.steps[k]
        return at

    # ---- lines

    def line(self, i: Value) -> None:
        """One line: its extreme, and then the first element that equals it or, like it, is NaN."""
        e, n, lanes = self.e, self.n, self.lanes
        base = e.offset(self.base, i * n, self.t)
        wide = self.t.wide(lanes)
        last = e.const(I64, n - lanes)  # the last vector goes back to fit
        extreme = self._extreme(base, wide, last)

        def hits(at: Value) -> Value:
            x = e.load(base, wide, e.intrinsic("smin", at, last))
            same = x.equals(extreme)
            return e.bitcast(same | e.is_nan(x) if self.t.is_float else same, Type(f"i{lanes}"))

        (at,) = e.while_(lambda at: hits(at).equals(0), lambda at: [at + lanes], [e.const(I64, 0)])
        found = e.intrinsic("cttz", hits(at), extra=", i1 false")
        e.store(e.intrinsic("smin", at, last) + e.convert(found, I64, unsigned=True), self.dest, i)

    def _extreme(self, base: Value, wide: Type, last: Value) -> Value:
        e, lanes = self.e, self.lanes
        name = "maximum" if self.largest else "minimum"

        def combine(a: Value, b: Value) -> Value:
            return LOWER[name](e, [a, b], self.dtype, {})

        def step(at: Value, *best: Value) -> list[Value]:
            places = [e.intrinsic("smin", at + k * lanes, last) for k in range(len(best))]
            return [combine(b, e.load(base, wide, p)) for b, p in zip(best, places, strict=True)]

        first = e.load(base, wide)
        a, b = e.loop(self.n, step, [first, first], step=2 * lanes)
        return e.fold(combine(a, b), combine)


EXTREMES = {"argmax": _rule(largest=True), "argmin": _rule(largest=False)}
