"""What goes on along an axis: running sums, products and maxima, and linear recurrences.

One element follows from the one before, in NumPy's order, so that sums are equal to NumPy's to the bit. What lies
beside the axis is done by vectors; where the axis is the last one, a few rows go side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from wengert.compile.emit import Emitter, Value, type_of
from wengert.compile.routine import Routine, routine
from wengert.compile.scalars import LOWER, convert
from wengert.core.program import Equation

__all__ = ["CUMULATIVE", "widths"]

MANY = 1 << 12  # elements from which threads share the work
SIDE = 4  # rows, or vectors of a row, that are done at the same time: one alone would wait for itself

# what follows from the value so far and the operands' next elements
Step = Callable[[Emitter, Value, Sequence[Value], "np.dtype[Any]"], Value]


def _ufunc(name: str) -> Step:
    return lambda e, total, xs, dtype: LOWER[name](e, [total, *xs], dtype, {})


def _recur(e: Emitter, total: Value, xs: Sequence[Value], dtype: np.dtype[Any]) -> Value:
    return LOWER["add"](e, [LOWER["multiply"](e, [xs[0], total], dtype, {}), xs[1]], dtype, {})


def _rule(step: Step) -> Callable[[Any, Equation], bool]:
    def rule(frame: Any, equation: Equation) -> bool:
        out, axis = equation.outputs[0].aval, equation.params["axis"]
        given = [x.aval.dtype for x in equation.inputs]
        if any(t.kind not in "iubf" or t.itemsize > 8 or t.char == "e" for t in (*given, out.dtype)):
            return False
        if any(x.aval.shape != out.shape for x in equation.inputs):
            return False
        if not out.size:
            return True
        outer, n, inner = prod(out.shape[:axis]), out.shape[axis], prod(out.shape[axis + 1 :])
        return _emit(frame, equation, step, outer, n, inner)

    return rule


def _emit(frame: Any, equation: Equation, step: Step, outer: int, n: int, inner: int) -> bool:
    dtype = equation.outputs[0].aval.dtype
    given = [x.aval.dtype for x in equation.inputs]
    lanes = frame.e.target.lanes(max(t.itemsize for t in (*given, dtype)))

    def write(r: Routine) -> None:
        e = r.e

        def read(k: int, at: Value, wide: int) -> Value:
            return convert(e, e.load(r.operands[k], type_of(given[k]).wide(wide), at), given[k], dtype)

        def along(places: Sequence[Value], wide: int) -> None:
            """The whole axis from each of these places, side by side."""
            first = [read(len(given) - 1, at, wide) for at in places]
            for at, total in zip(places, first, strict=True):
                e.store(total, r.results[0], at)

            def following(i: Value, *totals: Value) -> list[Value]:
                moved = [at + i * inner for at in places]
                out = [
                    step(e, total, [read(k, at, wide) for k in range(len(given))], dtype)
                    for at, total in zip(moved, totals, strict=True)
                ]
                for at, total in zip(moved, out, strict=True):
                    e.store(total, r.results[0], at)
                return out

            e.loop(n, following, first, start=1)

        if inner == 1:
            _side_by_side(r, outer, lambda rows: along([i * n for i in rows], 0))
            return

        def slab(i: Value) -> None:
            for wide, start, stop in widths(inner, lanes):
                width = max(wide, 1)
                e.loop(
                    stop, lambda j, wide=wide: along([i * (n * inner) + j], wide), start=start, step=width
                )  # fmt: skip

        r.each(slab)

    return routine(frame, equation, write, rounds=outer, shared=outer * n * inner >= MANY)


def _side_by_side(r: Routine, rows: int, body: Callable[[list[Value]], None]) -> None:
    """All rounds, a few at a time."""
    e = r.e
    if isinstance(r.high, int):
        full = rows // SIDE * SIDE
        e.loop(full, lambda i: body([i + k if k else i for k in range(SIDE)]), step=SIDE)
        e.loop(rows, lambda i: body([i]), start=full)
        return
    low, high = r.low, r.high
    assert isinstance(low, Value)
    full = low + e.div(high - low, SIDE) * SIDE
    e.loop(full, lambda i: body([i + k if k else i for k in range(SIDE)]), start=low, step=SIDE)
    e.loop(high, lambda i: body([i]), start=full)


def widths(n: int, lanes: int) -> list[tuple[int, int, int]]:
    """Vectors as wide as possible, narrower ones for what is left: (lanes, from, to)."""
    out: list[tuple[int, int, int]] = []
    at, wide = 0, lanes
    while at < n:
        stop = at + (n - at) // wide * wide
        if stop > at:
            out.append((wide if wide > 1 else 0, at, stop))
        at, wide = stop, wide // 2
    return out


CUMULATIVE = {
    "cumprod": _rule(_ufunc("multiply")),
    "cumsum": _rule(_ufunc("add")),
    "recurrence": _rule(_recur),
    "running_max": _rule(_ufunc("maximum")),
}
