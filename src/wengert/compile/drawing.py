"""Random bits: Philox blocks, as many side by side as a vector has lanes."""

from __future__ import annotations

from math import prod
from typing import Any

from wengert.compile.emit import I64, Emitter, Value
from wengert.compile.routine import Routine, routine
from wengert.compile.scalars import philox
from wengert.core.program import Equation

__all__ = ["DRAWING"]

WORDS = 4  # of a block
MANY = 1 << 10  # words from which threads share the work


def _random_bits(frame: Any, equation: Equation) -> bool:
    (key, data), out = (x.aval for x in equation.inputs), equation.outputs[0].aval
    n = prod(equation.params["shape"])
    keys = out.size // n if n else 0
    if key.dtype != "uint64" or data.dtype.kind not in "iu" or data.dtype.itemsize != 8:
        return False
    if key.size not in (2, 2 * keys) or data.size not in (1, keys):
        return False  # keys and data that stretch each other
    if not n or not keys:
        return True
    purpose = equation.params["purpose"]
    full = n // (WORDS * _lanes(frame.e))

    def stream(r: Routine, i: Value) -> _Stream:
        e = r.e
        at = i * 2 if key.size > 2 else e.const(I64, 0)
        own = [e.load(r.operands[0], I64, at + k) for k in (0, 1)]
        word = e.load(r.operands[1], I64, i if data.size > 1 else 0)
        return _Stream(e, (own[0], own[1]), word, purpose, e.offset(r.results[0], i * n, I64))

    def write(r: Routine) -> None:
        if keys > 1:
            r.each(lambda i: stream(r, i).all(n))
            return
        only = stream(r, r.e.const(I64, 0))
        if full:
            only.vectors(r.low, r.high)
        only.rest(full, n)

    # one stream is cut into vectors of blocks, several are whole
    return routine(frame, equation, write, rounds=keys if keys > 1 else max(full, 1), shared=out.size >= MANY)


def _lanes(e: Emitter) -> int:
    """Blocks that are made side by side: two vectors of them, for one alone would wait for itself."""
    return 2 * e.target.lanes(8)


class _Stream:
    """The words that belong to a key, data and a purpose."""

    def __init__(self, e: Emitter, key: tuple[Value, Value], data: Value, purpose: int, dest: Value) -> None:
        self.e, self.key, self.dest, self.lanes = e, key, dest, _lanes(e)
        self.tail = (e.const(I64, 0), data, e.const(I64, purpose))

    def all(self, n: int) -> None:
        """The first n words."""
        full = n // (WORDS * self.lanes)
        self.vectors(0, full)
        self.rest(full, n)

    def vectors(self, low: Value | int, high: Value | int) -> None:
        """Vectors of blocks."""
        e = self.e
        k, l, zero, data, purpose = (e.splat(x, self.lanes) for x in (*self.key, *self.tail))
        first = e.constants(I64, range(1, self.lanes + 1))

        def vector(i: Value) -> None:
            at = e.splat(i * self.lanes, self.lanes) + first
            self._store(philox(e, k, l, at, zero, data, purpose), i * (WORDS * self.lanes))

        e.loop(high, vector, start=low)

    def _store(self, words: tuple[Value, ...], at: Value) -> None:
        """Words of neighbouring blocks, block by block."""
        e, lanes, n = self.e, self.lanes, self.lanes // 2
        a, b, c, d = words
        for half in (0, 1):
            pick = [x for k in range(half * n, half * n + n) for x in (k, lanes + k)]
            left, right = e.shuffle(a, b, pick), e.shuffle(c, d, pick)
            for quarter in (0, 1):
                place = [
                    x for k in range(quarter * n, quarter * n + n, 2) for x in (k, k + 1, lanes + k, lanes + k + 1)
                ]
                e.store(e.shuffle(left, right, place), self.dest, at + (2 * half + quarter) * lanes)

    def rest(self, full: int, n: int) -> None:
        """Blocks that are not enough for a vector."""
        e = self.e
        begin = full * self.lanes * WORDS
        blocks, left = (n - begin) // WORDS, (n - begin) % WORDS

        def block(i: Value) -> tuple[Value, ...]:
            return philox(e, *self.key, i + 1, *self.tail)

        def whole(i: Value) -> None:
            for k, word in enumerate(block(i)):
                e.store(word, self.dest, i * WORDS + k)

        e.loop(full * self.lanes + blocks, whole, start=full * self.lanes)
        if left:
            for k, word in enumerate(block(e.const(I64, full * self.lanes + blocks))[:left]):
                e.store(word, self.dest, n - left + k)


DRAWING = {"random_bits": _random_bits}
