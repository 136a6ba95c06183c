"""Sorted orders, and places in sorted arrays.

Orders are found by merging sorted runs (the merge takes no branch that depends on elements), of keys that are made
unsigned integers first: then all dtypes sort alike, NaNs come last, and zeros of either sign are the same.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.compile.emit import I64, PTR, Emitter, Value, type_of
from wengert.compile.routine import Routine, routine
from wengert.compile.scalars import convert
from wengert.core.program import Equation
from wengert.core.types import Aval

__all__ = ["MANY", "ORDERING", "plain"]

MANY = 1 << 10  # elements from which threads share the work


def plain(*avals: Aval) -> bool:
    """Whether elements are numbers of the machine."""
    return all(a.dtype.kind in "iub" or a.dtype.char in "fd" for a in avals)


# ---- sorted order


def sorting_key(e: Emitter, x: Value, dtype: np.dtype[Any]) -> Value:
    """An unsigned integer, in 64 bits but no longer than an element, that orders as elements do, NaNs last."""
    if dtype.kind in "ub":
        return e.convert(x, I64, unsigned=True)
    if dtype.kind == "i":
        return e.convert(x ^ e.const(x.type, 1 << (x.type.bits - 1)), I64, unsigned=True)
    whole = x.type.integer
    bits = e.bitcast(x + 0.0, whole)  # the sum turns −0 into 0
    turned = e.bitxor(bits, e.bitor(e.shr(bits, whole.bits - 1, signed=True), 1 << (whole.bits - 1)))
    key = e.convert(turned, I64, unsigned=True)
    return e.select(e.is_nan(x), e.const(I64, (1 << whole.bits) - 1), key)


def _argsort(frame: Any, equation: Equation) -> bool:
    x, axis = equation.inputs[0].aval, equation.params["axis"]
    if not plain(x):
        return False
    if not x.size:
        return True
    outer, n, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    packed = x.dtype.itemsize <= 4 and n < 1 << 32  # an element and its number fit into one word

    def write(r: Routine) -> None:
        e, t = r.e, type_of(x.dtype)
        words, numbers, spare = (e.offset(r.space, k * n, I64) for k in (0, 1, 1 if packed else 2))
        sort = _sorter(e, packed)

        def line(i: Value) -> None:
            start = i * n if inner == 1 else e.div(i, inner) * (n * inner - inner) + i

            def fill(k: Value) -> None:
                key = sorting_key(e, e.load(r.operands[0], t, start + k * inner), x.dtype)
                if packed:
                    e.store((key << 32) | k, words, k)
                else:
                    e.store(key, words, k)
                    e.store(k, numbers, k)

            e.loop(n, fill)
            found = e.call(sort, PTR, words, spare, e.const(I64, n))

            def give(k: Value) -> None:
                number = e.load(found, I64, k if packed else k + n)
                e.store(number & 0xFFFFFFFF if packed else number, r.results[0], start + k * inner)

            e.loop(n, give)

        r.each(line)

    scratch = (2 if packed else 4) * n * 8
    return routine(frame, equation, write, rounds=outer * inner, shared=x.size >= MANY, scratch=scratch)


def _sorter(e: Emitter, packed: bool) -> str:
    """``ptr sort(ptr words, ptr spare, i64 n)``: n words sorted, or n keys with n numbers behind them, by keys, stably.

    What is returned is which of the two holds the result.
    """
    name = "sort_words" if packed else "sort_by_keys"
    if name in e.defined:
        return name
    with e.function(name, [PTR, PTR, I64], PTR, export=False) as (words, spare, n):

        def double(source: Value, dest: Value, width: Value) -> list[Value]:
            _Merge(e, source, dest, n, packed).all(width)
            return [dest, source, width * 2]

        done, _, _ = e.while_(lambda _s, _d, width: width < n, double, [words, spare, e.const(I64, 1)])
        e.ret(done)
    return name


class _Merge:
    """Pairs of neighbouring sorted runs become one each."""

    def __init__(self, e: Emitter, source: Value, dest: Value, n: Value, packed: bool) -> None:
        self.e, self.source, self.dest, self.n = e, source, dest, n
        self.numbers = None if packed else (e.offset(source, n, I64), e.offset(dest, n, I64))

    def all(self, width: Value) -> None:
        """All runs, of this length, but the last one."""
        e, n = self.e, self.n

        def pair(low: Value) -> list[Value]:
            middle = e.intrinsic("smin", low + width, n)
            high = e.intrinsic("smin", middle + width, n)
            self._pair(low, middle, high)
            return [high]

        e.while_(lambda low: low < n, pair, [e.const(I64, 0)])

    def _pair(self, low: Value, middle: Value, high: Value) -> None:
        e = self.e

        def step(a: Value, b: Value, at: Value) -> list[Value]:
            first, second = e.load(self.source, I64, a), e.load(self.source, I64, b)
            later = e.compare("lt", second, first, unsigned=True)
            e.store(e.select(later, second, first), self.dest, at)
            if self.numbers:
                e.store(e.load(self.numbers[0], I64, e.select(later, b, a)), self.numbers[1], at)
            return [e.select(later, a, a + 1), e.select(later, b + 1, b), at + 1]

        a, b, at = e.while_(lambda a, b, _at: (a < middle) & (b < high), step, [low, middle, low])
        at = self._rest(a, middle, at)
        self._rest(b, high, at)

    def _rest(self, begin: Value, end: Value, at: Value) -> Value:
        e = self.e

        def move(k: Value, to: Value) -> list[Value]:
            e.store(e.load(self.source, I64, k), self.dest, to)
            if self.numbers:
                e.store(e.load(self.numbers[0], I64, k), self.numbers[1], to)
            return [to + 1]

        return e.loop(end, move, [at], start=begin)[0]


# ---- places in a sorted array


def _searchsorted(frame: Any, equation: Equation) -> bool:
    if len(equation.inputs) != 2:
        return False
    a, v = (x.aval for x in equation.inputs)
    common = np.result_type(a.dtype, v.dtype)
    if not plain(a, v) or not (common.kind in "iub" or common.char in "fd"):
        return False
    left = equation.params["side"] == "left"

    def write(r: Routine) -> None:
        _Search(r.e, (r.operands[0], a), (r.operands[1], v), r.results[0], common, left=left).all(r.low, r.high)

    return routine(frame, equation, write, rounds=v.size, shared=v.size >= MANY) if v.size else True


class _Search:
    """How many elements of a sorted array come before others: halved, without a branch that depends on elements."""

    def __init__(
        self, e: Emitter, array: tuple[Value, Aval], values: tuple[Value, Aval], dest: Value, common: np.dtype[Any],
        *, left: bool,
    ) -> None:  # fmt: skip
        self.e, self.array, self.values, self.dest, self.common, self.left = e, array, values, dest, common, left

    def all(self, low: Value | int, high: Value | int) -> None:
        """Look up all, a vector of them at a time."""
        e, lanes = self.e, self.e.target.lanes(8)
        if isinstance(low, int) and isinstance(high, int):
            full: Value | int = low + (high - low) // lanes * lanes
        else:
            assert isinstance(low, Value)
            full = low + e.div(high - low, lanes) * lanes
        e.loop(full, lambda i: e.store(self.places(i, lanes), self.dest, i), start=low, step=lanes)
        e.loop(high, lambda i: e.store(self.places(i, 0), self.dest, i), start=full)

    def places(self, i: Value, lanes: int) -> Value:
        """Of values from number ``i`` on."""
        e, (base, aval), size = self.e, self.values, self.array[1].shape[0]
        key = self._key(e.load(base, type_of(aval.dtype).wide(lanes), i), aval)
        low = e.const(I64.wide(lanes), 0)
        while size > 0:
            half = (size + 1) // 2
            low = e.select(self._before(low + (half - 1), key), low + half, low)
            size -= half
        return low

    def _key(self, x: Value, aval: Aval) -> Value:
        return sorting_key(self.e, convert(self.e, x, aval.dtype, self.common), self.common)

    def _before(self, at: Value, key: Value) -> Value:
        e, (base, aval) = self.e, self.array
        at = e.intrinsic("smin", at, e.const(at.type, aval.shape[0] - 1))
        t = type_of(aval.dtype)
        own = e.gather(base, t.wide(at.type.lanes), at) if at.type.lanes else e.load(base, t, at)
        return e.compare("lt" if self.left else "le", self._key(own, aval), key, unsigned=True)


def _digitize(frame: Any, equation: Equation) -> bool:
    x, bins = (x.aval for x in equation.inputs)
    common = np.result_type(x.dtype, bins.dtype)
    if not plain(x, bins) or not (common.kind in "iub" or common.char in "fd") or not bins.size or not x.size:
        return False

    def write(r: Routine) -> Value:
        e, n = r.e, bins.shape[0]
        t = type_of(bins.dtype)

        def falls(k: Value, found: Value) -> list[Value]:
            a, b = (sorting_key(e, e.load(r.operands[1], t, k + d), bins.dtype) for d in (0, 1))
            return [found | e.convert(e.compare("gt", a, b, unsigned=True), I64, unsigned=True)]

        (report,) = e.loop(n - 1, falls, [e.const(I64, 0)])
        search = _Search(
            e, (r.operands[1], bins), (r.operands[0], x), r.results[0], common, left=bool(equation.params["right"])
        )
        e.if_(report.equals(0), lambda: search.all(r.low, r.high))
        return report

    return routine(frame, equation, write, reports=True, rounds=x.size)  # falling bins are NumPy's affair


ORDERING = {"argsort": _argsort, "digitize": _digitize, "searchsorted": _searchsorted}
