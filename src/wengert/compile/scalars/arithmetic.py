"""Arithmetic, choices and signs: exact, or rounded once as IEEE 754 says, hence NumPy's results bit for bit.

Of two equal zeros, ``maximum`` and its like give the second, as NumPy does on x86.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compile.emit import F64, Value
from wengert.compile.scalars.bits import absolute as magnitude
from wengert.compile.scalars.bits import chosen, constant, is_negative, product, total
from wengert.compile.scalars.bits import copysign as signed_as
from wengert.compile.scalars.casts import convert
from wengert.compile.scalars.table import in_double, lowering

__all__ = ["hypot", "square"]


def _is_bool(x: Value) -> bool:
    return x.type.element == "i1"


@lowering("add", kinds="biuf")
def add(x: Value, y: Value) -> Value:
    return x | y if _is_bool(x) else x + y


@lowering("subtract", kinds="iuf")
def subtract(x: Value, y: Value) -> Value:
    return x - y


@lowering("multiply", kinds="biuf")
def multiply(x: Value, y: Value) -> Value:
    return x & y if _is_bool(x) else x * y


@lowering("divide", kinds="biuf", typed=True)
def divide(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    """Of integers in double precision."""
    if x.type.is_float:
        return x / y
    double = np.dtype(np.float64)
    return convert(x.e, x, dtype, double) / convert(y.e, y, dtype, double)


@lowering("negative", kinds="iuf")
def negative(x: Value) -> Value:
    return -x


@lowering("positive", "conjugate", "real", "stop_gradient", kinds="biuf")
def positive(x: Value) -> Value:
    return x


@lowering("imag", kinds="biuf")
def imag(x: Value) -> Value:
    return constant(x, 0)


@lowering("absolute", kinds="biuf", typed=True)
def absolute(dtype: np.dtype[Any], x: Value) -> Value:
    """The most negative integer stays itself."""
    if x.type.is_float:
        return magnitude(x)
    return x.e.select(x < 0, -x, x) if dtype.kind == "i" else x


@lowering("square", kinds="iuf")
def square(x: Value) -> Value:
    """x²."""
    return x * x


@lowering("reciprocal", kinds="iuf", typed=True)
def reciprocal(dtype: np.dtype[Any], x: Value) -> Value:
    """1/x; of integers its whole part, and of the integer 0 what NumPy's cast makes of ∞."""
    if x.type.is_float:
        return 1.0 / x
    e, one = x.e, x.e.select(x.equals(1), constant(x, 1), constant(x, 0))
    if dtype.kind == "i":
        one = e.select(x.equals(-1), -1, one)
    endless = convert(e, e.const(F64.wide(x.type.lanes), math.inf), np.dtype(np.float64), dtype)
    return e.select(x.equals(0), endless, one)


@lowering("sqrt")
def sqrt(x: Value) -> Value:
    return x.e.sqrt(x)


def _ratio(x: Value, above: float, below: float) -> float:
    """A quotient in the precision of ``x``, where NumPy takes it too."""
    kind = np.float32 if x.type.element == "f32" else np.float64
    return float(kind(above) / kind(below))


@lowering("deg2rad")
def deg2rad(x: Value) -> Value:
    return x * _ratio(x, math.pi, 180.0)


@lowering("rad2deg")
def rad2deg(x: Value) -> Value:
    return x * _ratio(x, 180.0, math.pi)


# ---- choices


def _first(dtype: np.dtype[Any], how: str, x: Value, y: Value) -> Value:
    """Whether x is strictly the one that is looked for."""
    return x.e.compare(how, x, y, unsigned=dtype.kind in "bu")


def _extreme(dtype: np.dtype[Any], how: str, x: Value, y: Value) -> Value:
    best = x.e.select(_first(dtype, how, x, y), x, y)
    return x.e.select(x.e.is_nan(x), x, best) if x.type.is_float else best


def _extreme_number(dtype: np.dtype[Any], how: str, x: Value, y: Value) -> Value:
    best = x.e.select(_first(dtype, how, x, y), x, y)
    return x.e.select(x.e.is_nan(y), x, best) if x.type.is_float else best


@lowering("maximum", kinds="biuf", typed=True)
def maximum(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return x | y if _is_bool(x) else _extreme(dtype, "gt", x, y)


@lowering("minimum", kinds="biuf", typed=True)
def minimum(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return x & y if _is_bool(x) else _extreme(dtype, "lt", x, y)


@lowering("fmax", kinds="biuf", typed=True)
def fmax(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return x | y if _is_bool(x) else _extreme_number(dtype, "gt", x, y)


@lowering("fmin", kinds="biuf", typed=True)
def fmin(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    return x & y if _is_bool(x) else _extreme_number(dtype, "lt", x, y)


@lowering("where", kinds="biuf")
def where(condition: Value, x: Value, y: Value) -> Value:
    """The loop's dtype is that of the choices; a condition of numbers holds where it is not zero."""
    return x.e.select(condition if _is_bool(condition) else condition.differs(0), x, y)


# ---- signs


@lowering("sign", kinds="iuf", typed=True)
def sign(dtype: np.dtype[Any], x: Value) -> Value:
    """Of either zero +0, of NaN NaN."""
    one, zero = constant(x, 1), constant(x, 0)
    if dtype.kind == "u":
        return x.e.select(x.equals(0), zero, one)
    rest = x.e.select(x.equals(0), zero, x) if x.type.is_float else zero
    return chosen(x, (x > 0, one), (x < 0, constant(x, -1)), otherwise=rest)


@lowering("copysign")
def copysign(x: Value, y: Value) -> Value:
    return signed_as(x, y)


@lowering("signbit")
def signbit(x: Value) -> Value:
    return is_negative(x)


@lowering("heaviside")
def heaviside(x: Value, y: Value) -> Value:
    return chosen(x, (x.equals(0.0), y), (x < 0.0, 0.0), (x > 0.0, 1.0), otherwise=x)


# ---- √(x² + y²)


@lowering("hypot", f32=0.51, f64=0.52)
@in_double
def hypot(x: Value, y: Value) -> Value:
    """By squares with their errors; scaled where they would overflow or vanish, ∞ beside anything."""
    e, ax, ay = x.e, magnitude(x), magnitude(y)
    larger = e.select(ax > ay, ax, ay)
    down, up = larger > 2.0**500, larger < 2.0**-450
    scale = chosen(x, (down, 2.0**-550), (up, 2.0**600), otherwise=1.0)
    back = chosen(x, (down, 2.0**550), (up, 2.0**-600), otherwise=1.0)
    h = root_of_sum(*product(ax * scale, ax * scale), *product(ay * scale, ay * scale))[0] * back
    endless = ax.equals(math.inf) | ay.equals(math.inf)
    return chosen(x, (endless, math.inf), (larger.equals(0.0) & ax.equals(ay), 0.0), otherwise=h)


def root_of_sum(a: Value, a_error: Value, b: Value, b_error: Value) -> tuple[Value, Value]:
    """The root of the sum of two numbers with their errors, and its error; of 0 it is NaN."""
    s, lost = total(a, b)
    h = s.e.sqrt(s)
    square, low = product(h, h)
    correction = ((s - square) - low + (lost + (a_error + b_error))) / (h + h)
    return total(h, correction, ordered=True)
