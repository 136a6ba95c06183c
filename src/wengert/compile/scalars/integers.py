"""Bits, shifts, powers and divisors of integers: NumPy's results bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.compile.emit import I8, Value
from wengert.compile.scalars.bits import any_lane, constant
from wengert.compile.scalars.division import whole_quotient
from wengert.compile.scalars.table import lowering

__all__ = ["power"]


@lowering("bitwise_and", kinds="biu")
def bitwise_and(x: Value, y: Value) -> Value:
    return x & y


@lowering("bitwise_or", kinds="biu")
def bitwise_or(x: Value, y: Value) -> Value:
    return x | y


@lowering("bitwise_xor", kinds="biu")
def bitwise_xor(x: Value, y: Value) -> Value:
    return x ^ y


@lowering("invert", kinds="biu")
def invert(x: Value) -> Value:
    return x.e.invert(x)


def _shifts(x: Value, n: Value) -> tuple[Value, Value]:
    """Whether so many bits can be shifted, and a number of bits that can; negative numbers cannot."""
    inside = x.e.compare("lt", n, x.type.bits, unsigned=True)
    return inside, x.e.select(inside, n, 0)


@lowering("left_shift", kinds="iu")
def left_shift(x: Value, n: Value) -> Value:
    """Zero from the width on."""
    inside, n = _shifts(x, n)
    return x.e.select(inside, x << n, 0)


@lowering("right_shift", kinds="iu", typed=True)
def right_shift(dtype: np.dtype[Any], x: Value, n: Value) -> Value:
    """From the width on nothing but signs."""
    e, signed = x.e, dtype.kind == "i"
    inside, n = _shifts(x, n)
    return e.select(inside, e.shr(x, n, signed=signed), e.shr(x, x.type.bits - 1, signed=True) if signed else 0)


@lowering("bitwise_count", kinds="iu", typed=True)
def bitwise_count(dtype: np.dtype[Any], x: Value) -> Value:
    """Bits that are set in |x|, as uint8."""
    size = x.e.select(x < 0, -x, x) if dtype.kind == "i" else x
    return x.e.convert(x.e.intrinsic("ctpop", size), I8)


def power(dtype: np.dtype[Any], x: Value, n: Value) -> Value:
    """By squaring, modulo 2 to the width. NumPy refuses negative exponents; here they give the whole part, 0 or ±1."""
    e = x.e
    one, zero = constant(x, 1), constant(x, 0)

    def step(y: Value, base: Value, left: Value) -> list[Value]:
        odd = (left & 1).differs(0)
        return [e.select(odd, y * base, y), base * base, e.shr(left, 1)]

    left = e.select(n < 0, zero, n) if dtype.kind == "i" else n
    y = e.while_(lambda _y, _b, rest: any_lane(rest.differs(0)), step, [one, x, left])[0]
    if dtype.kind == "i":
        unit = e.select(x.equals(1), one, e.select(x.equals(-1), e.select((n & 1).differs(0), -1, one), zero))
        y = e.select(n < 0, unit, y)
    return y


def _divisor(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    """Euclid's algorithm, in all lanes until the last one is done."""
    e = x.e
    if dtype.kind == "i":
        x, y = e.select(x < 0, -x, x), e.select(y < 0, -y, y)

    def step(a: Value, b: Value) -> list[Value]:
        done = b.equals(0)
        b1 = e.select(done, 1, b)
        return [e.select(done, a, b), e.select(done, 0, a - whole_quotient(a, b1, True) * b1)]

    return e.while_(lambda _a, b: any_lane(b.differs(0)), step, [x, y])[0]


@lowering("gcd", kinds="iu", typed=True)
def gcd(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return _divisor(dtype, x, y)


@lowering("lcm", kinds="iu", typed=True)
def lcm(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    """|x| / gcd · |y|; 0 beside 0."""
    e, common = x.e, _divisor(dtype, x, y)
    if dtype.kind == "i":
        x, y = e.select(x < 0, -x, x), e.select(y < 0, -y, y)
    return whole_quotient(x, e.select(common.equals(0), 1, common), True) * y
