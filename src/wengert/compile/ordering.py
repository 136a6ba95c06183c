"""Where elements stand: extremes, sorted orders, and places in sorted arrays.

Orders are found by merging sorted runs (the merge takes no branch that depends on elements), of keys that are made
unsigned integers first: then all dtypes sort alike, NaNs come last, and zeros of either sign are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from wengert.compile.emit import I64, PTR, Emitter, Type, Value, type_of
from wengert.compile.routine import Routine, routine
from wengert.compile.scalars import convert
from wengert.core.program import Equation
from wengert.core.types import Aval

__all__ = ["ORDERING"]

MANY = 1 << 10  # elements from which threads share the work


def _plain(*avals: Aval) -> bool:
    """Whether elements are numbers of the machine."""
    return all(a.dtype.kind in "iub" or a.dtype.char in "fd" for a in avals)


# ---- the first of the largest, or of the smallest


def _extreme(largest: bool) -> Callable[[Any, Equation], bool]:
    def rule(frame: Any, equation: Equation) -> bool:
        x, axes = equation.inputs[0].aval, equation.params["axes"]
        if not _plain(x) or not x.size:
            return False
        kept = [k for k in range(x.ndim) if k not in axes]
        t, signed = type_of(x.dtype), x.dtype.kind != "u"
        steps = [prod(x.shape[k + 1 :]) for k in range(x.ndim)]

        def better(e: Emitter, new: Value, best: Value) -> Value:
            """Whether the new one is the extreme; the first NaN is."""
            if not t.is_float:
                return e.compare("gt" if largest else "lt", new, best, unsigned=not signed or t.element == "i1")
            worse = new <= best if largest else new >= best
            return e.invert(worse | e.is_nan(best))

        def search(r: Routine, start: Value) -> Value:
            e = r.e

            def over(left: Sequence[int], at: Value, state: Sequence[Value]) -> list[Value]:
                if not left:
                    best, place, number = state
                    new = e.load(r.operands[0], t, at)
                    yes = better(e, new, best)
                    return [e.select(yes, new, best), e.select(yes, number, place), number + 1]
                k, *rest = left
                return e.loop(x.shape[k], lambda i, *s: over(rest, at + i * steps[k], s), list(state))

            zero = e.const(I64, 0)
            return over(list(axes), start, [e.load(r.operands[0], t, start), zero, zero])[1]

        def write(r: Routine) -> None:
            def one(i: Value) -> None:
                r.e.store(search(r, _unravel(r.e, i, kept, x.shape, steps)), r.results[0], i)

            r.each(one)

        rows = prod(x.shape[k] for k in kept)
        return routine(frame, equation, write, rounds=rows, shared=x.size >= MANY)

    return rule


def _unravel(e: Emitter, number: Value, axes: Sequence[int], shape: Sequence[int], steps: Sequence[int]) -> Value:
    """Where in memory the element begins that has this number among those of ``axes``."""
    at, left = e.const(I64, 0), number
    sizes = [shape[k] for k in axes]
    for j, k in enumerate(axes):
        inner = prod(sizes[j + 1 :])
        if sizes[j] == 1:
            continue
        quotient = e.div(left, inner) if inner != 1 else left
        left = left - quotient * inner if inner != 1 else left
        at = at + quotient * steps[k]
    return at


# ---- sorted order


def _key(e: Emitter, x: Value, dtype: np.dtype[Any]) -> Value:
    """An unsigned integer of 64 bits that orders as elements do, NaNs last."""
    if dtype.kind in "ub":
        return e.convert(x, I64, unsigned=True)
    if dtype.kind == "i":
        return e.convert(x, I64) ^ e.const(I64, 1 << 63)
    whole = x.type.integer
    bits = e.bitcast(x + 0.0, whole)  # the sum turns −0 into 0
    turned = e.bitxor(bits, e.bitor(e.shr(bits, whole.bits - 1, signed=True), 1 << (whole.bits - 1)))
    key = e.convert(turned, I64, unsigned=True)
    return e.select(e.is_nan(x), e.const(I64, -1), key)


def _argsort(frame: Any, equation: Equation) -> bool:
    x, axis = equation.inputs[0].aval, equation.params["axis"]
    if not _plain(x):
        return False
    if not x.size:
        return True
    outer, n, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])

    def write(r: Routine) -> None:
        e, t = r.e, type_of(x.dtype)
        keys, numbers = r.space, e.offset(r.space, n, I64)
        spare = e.offset(r.space, 2 * n, I64)
        sort = _sorter(e)

        def line(i: Value) -> None:
            start = i * n if inner == 1 else e.div(i, inner) * (n * inner - inner) + i

            def fill(k: Value) -> None:
                at = start + k * inner
                e.store(_key(e, e.load(r.operands[0], t, at), x.dtype), keys, k)
                e.store(k, numbers, k)

            e.loop(n, fill)
            found = e.call(sort, PTR, keys, spare, e.const(I64, n))
            e.loop(n, lambda k: e.store(e.load(found, I64, k), r.results[0], start + k * inner))

        r.each(line)

    rounds = outer * inner
    return routine(frame, equation, write, rounds=rounds, shared=x.size >= MANY, scratch=4 * n * 8)


def _sorter(e: Emitter) -> str:
    """``ptr sort(ptr runs, ptr spare, i64 n)``: n keys with the n numbers behind them, sorted by keys, stably.

    Either block of memory holds the result; what is returned is where its numbers begin.
    """
    name = "sort_by_keys"
    if name in e.defined:
        return name
    with e.function(name, [PTR, PTR, I64], PTR, export=False) as (runs, spare, n):

        def double(source: Value, dest: Value, width: Value) -> list[Value]:
            _merge_all(e, source, dest, n, width)
            return [dest, source, width * 2]

        start = [runs, spare, e.const(I64, 1)]
        done, _, _ = e.while_(lambda _s, _d, width: width < n, double, start)
        e.ret(e.offset(done, n, I64))
    return name


def _merge_all(e: Emitter, source: Value, dest: Value, n: Value, width: Value) -> None:
    """Pairs of neighbouring sorted runs become one each."""
    numbers, numbers_too = e.offset(source, n, I64), e.offset(dest, n, I64)

    def pair(low: Value) -> list[Value]:
        middle = e.intrinsic("smin", low + width, n)
        high = e.intrinsic("smin", middle + width, n)

        def both(a: Value, b: Value, _at: Value) -> Value:
            return (a < middle) & (b < high)

        def step(a: Value, b: Value, at: Value) -> list[Value]:
            first, second = e.load(source, I64, a), e.load(source, I64, b)
            later = e.compare("lt", second, first, unsigned=True)
            e.store(e.select(later, second, first), dest, at)
            e.store(e.load(numbers, I64, e.select(later, b, a)), numbers_too, at)
            return [e.select(later, a, a + 1), e.select(later, b + 1, b), at + 1]

        a, b, at = e.while_(both, step, [low, middle, low])
        for begin, end in ((a, middle), (b, high)):

            def rest(k: Value, to: Value) -> list[Value]:
                e.store(e.load(source, I64, k), dest, to)
                e.store(e.load(numbers, I64, k), numbers_too, to)
                return [to + 1]

            (at,) = e.loop(end, rest, [at], start=begin)
        return [high]

    e.while_(lambda low: low < n, pair, [e.const(I64, 0)])


# ---- places in a sorted array


def _searchsorted(frame: Any, equation: Equation) -> bool:
    if len(equation.inputs) != 2:
        return False
    a, v = (x.aval for x in equation.inputs)
    common = np.result_type(a.dtype, v.dtype)
    if not _plain(a, v) or not (common.kind in "iub" or common.char in "fd"):
        return False
    left = equation.params["side"] == "left"

    def write(r: Routine) -> None:
        search = _Search(r.e, r.operands[0], a, common, left=left)
        r.each(lambda i: r.e.store(search(r.operands[1], v, i), r.results[0], i))

    return routine(frame, equation, write, rounds=v.size, shared=v.size >= MANY) if v.size else True


class _Search:
    """How many elements of a sorted array come before one: halved, without a branch that depends on elements."""

    def __init__(self, e: Emitter, base: Value, a: Aval, common: np.dtype[Any], *, left: bool) -> None:
        self.e, self.base, self.a, self.common, self.left = e, base, a, common, left

    def __call__(self, base: Value, v: Aval, i: Value) -> Value:
        e, common = self.e, self.common
        key = _key(e, convert(e, e.load(base, type_of(v.dtype), i), v.dtype, common), common)
        low, size = e.const(I64, 0), self.a.shape[0]
        while size > 0:
            half = (size + 1) // 2
            low = e.select(self._before(low + (half - 1), key), low + half, low)
            size -= half
        return low

    def _before(self, at: Value, key: Value) -> Value:
        e, size = self.e, self.a.shape[0]
        at = e.intrinsic("smin", at, e.const(I64, size - 1))
        own = _key(e, convert(e, e.load(self.base, type_of(self.a.dtype), at), self.a.dtype, self.common), self.common)
        return e.compare("lt" if self.left else "le", own, key, unsigned=True)


def _digitize(frame: Any, equation: Equation) -> bool:
    x, bins = (x.aval for x in equation.inputs)
    common = np.result_type(x.dtype, bins.dtype)
    if not _plain(x, bins) or not (common.kind in "iub" or common.char in "fd") or not bins.size or not x.size:
        return False

    def write(r: Routine) -> Value:
        e, n = r.e, bins.shape[0]
        t = type_of(bins.dtype)

        def falls(k: Value, found: Value) -> list[Value]:
            a, b = (_key(e, e.load(r.operands[1], t, k + d), bins.dtype) for d in (0, 1))
            return [found | e.convert(e.compare("gt", a, b, unsigned=True), I64, unsigned=True)]

        (report,) = e.loop(n - 1, falls, [e.const(I64, 0)])
        search = _Search(e, r.operands[1], bins, common, left=bool(equation.params["right"]))
        e.if_(report.equals(0), lambda: r.each(lambda i: e.store(search(r.operands[0], x, i), r.results[0], i)))
        return report

    return routine(frame, equation, write, reports=True, rounds=x.size)  # falling bins are NumPy's affair


ORDERING = {
    "argmax": _extreme(largest=True),
    "argmin": _extreme(largest=False),
    "argsort": _argsort,
    "digitize": _digitize,
    "searchsorted": _searchsorted,
}
_ = Type
