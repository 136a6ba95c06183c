"""Quotients rounded down and their remainders, of floats and integers: NumPy's results bit for bit.

An integer divided by zero gives 0. A remainder of floats comes from one fused step where the quotient is below
2 to the power of the format's precision, else from the C library.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.compile.emit import F32, F64, Value
from wengert.compile.scalars.bits import absolute, constant, copysign, fma, form, rarely
from wengert.compile.scalars.library import libm
from wengert.compile.scalars.table import lowering

__all__ = ["whole_quotient"]


# ---- floats


def _fmod(x: Value, y: Value) -> Value:
    """X less a whole multiple of y, with the sign of x; exact."""
    e, f = x.e, form(x)
    if not e.target.fused:
        return libm("fmod", x, y)
    a, b = absolute(x), absolute(y)
    quotient = a / b
    q = e.intrinsic("trunc", quotient)
    r = fma(-q, b, a)
    r = e.select(r < 0.0, r + b, r)  # the quotient had been rounded up to an integer
    r = e.select(a < b, a, r)
    return rarely(e.invert(quotient < 2.0**f.mantissa), copysign(r, x), lambda: libm("fmod", x, y))


def _divmod(x: Value, y: Value) -> tuple[Value, Value]:
    """Python's: the remainder has the divisor's sign."""
    e = x.e
    left = _fmod(x, y)
    quotient = (x - left) / y
    turned = left.differs(0.0) & ((y < 0.0) ^ (left < 0.0))
    remainder = e.select(left.equals(0.0), copysign(constant(x, 0.0), y), e.select(turned, left + y, left))
    quotient = e.select(turned, quotient - 1.0, quotient)
    whole = e.intrinsic("floor", quotient)
    whole = e.select((quotient - whole) > 0.5, whole + 1.0, whole)
    ratio = x / y
    whole = e.select(quotient.equals(0.0), copysign(constant(x, 0.0), ratio), whole)
    by_zero = y.equals(0.0)
    return e.select(by_zero, ratio, whole), e.select(by_zero, left, remainder)


# ---- integers


def whole_quotient(x: Value, y: Value, unsigned: bool) -> Value:
    """Towards zero; the divisor is not zero. Up to 32 bits through floats: vectors have no division of integers."""
    e, bits_ = x.e, x.type.bits
    if bits_ == 64 or not x.type.lanes:
        return e.value(x.type, f"{'udiv' if unsigned else 'sdiv'} {x}, {y.name}")
    t = F64 if bits_ == 32 else F32
    q = e.intrinsic("trunc", e.convert(x, t, unsigned=unsigned) / e.convert(y, t, unsigned=unsigned))
    whole = x.type.of("i64" if bits_ == 32 and unsigned else "i32")
    return e.convert(e.value(whole, f"fptosi {q} to {whole}"), x.type.scalar)


def _safe(dtype: np.dtype[Any], x: Value, y: Value) -> tuple[Value, Value]:
    """A divisor that no machine stops at, and where the given one is zero."""
    e, zero = x.e, y.equals(0)
    odd = zero
    if dtype.kind == "i":  # the most negative number by −1 overflows, and stays what it is when divided by 1
        odd = zero | (x.equals(-(1 << (x.type.bits - 1))) & y.equals(-1))
    return e.select(odd, constant(y, 1), y), zero


def _integer_divmod(dtype: np.dtype[Any], x: Value, y: Value) -> tuple[Value, Value]:
    e = x.e
    divisor, zero = _safe(dtype, x, y)
    q = whole_quotient(x, divisor, dtype.kind == "u")
    r = x - q * divisor
    if dtype.kind == "i":
        down = r.differs(0) & ((r ^ divisor) < 0)
        q, r = e.select(down, q - 1, q), e.select(down, r + divisor, r)
    return e.select(zero, 0, q), e.select(zero, 0, r)


@lowering("floor_divide", kinds="iuf", typed=True)
def floor_divide(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return (_divmod(x, y) if dtype.kind == "f" else _integer_divmod(dtype, x, y))[0]


@lowering("remainder", kinds="iuf", typed=True)
def remainder(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return (_divmod(x, y) if dtype.kind == "f" else _integer_divmod(dtype, x, y))[1]


@lowering("fmod", kinds="iuf", typed=True)
def fmod(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    if dtype.kind == "f":
        return _fmod(x, y)
    divisor, zero = _safe(dtype, x, y)
    return x.e.select(zero, 0, x - whole_quotient(x, divisor, dtype.kind == "u") * divisor)
