"""Rounding to integers, neighbours, exponents: exact."""

from __future__ import annotations

import math

from wengert.compile.emit import I32, Value
from wengert.compile.scalars.bits import absolute, bits, chosen, constant, floats, form, is_negative
from wengert.compile.scalars.table import lowering

__all__: list[str] = []


def _rounded(how: str, x: Value) -> Value:
    return x.e.intrinsic(how, x) if x.type.is_float else x


for _name in ("floor", "ceil", "trunc"):
    lowering(_name, kinds="biuf")(lambda x, how=_name: _rounded(how, x))


@lowering("rint", "round")
def rint(x: Value) -> Value:
    """Half to even."""
    return x.e.rint(x)


def _beyond(x: Value, up: Value) -> Value:
    """The neighbour of a number that is not zero: its bits one more or less, where it goes away from zero or to it."""
    e, i = x.e, bits(x)
    away = up ^ is_negative(x)
    return floats(i + e.select(away, constant(i, 1), constant(i, -1)))


@lowering("nextafter")
def nextafter(x: Value, y: Value) -> Value:
    """Of x towards y; y itself where they are equal."""
    e, least = x.e, floats(constant(bits(x), 1))
    from_zero = e.intrinsic("copysign", e.splat(least, x.type.lanes), y)
    nan = e.is_nan(x) | e.is_nan(y)
    return chosen(x, (nan, x + y), (x.equals(y), y), (x.equals(0.0), from_zero), otherwise=_beyond(x, x < y))


@lowering("spacing")
def spacing(x: Value) -> Value:
    """The distance to the next number away from zero, with the sign of x; of ∞ NaN."""
    e = x.e
    ahead = _beyond(x, e.invert(is_negative(x)))
    least = floats(constant(bits(x), 1))
    plain = chosen(x, (x.equals(0.0), least), otherwise=ahead - x)
    return chosen(x, (absolute(x).equals(math.inf), math.nan), otherwise=plain)


@lowering("ldexp")
def ldexp(x: Value, k: Value) -> Value:
    """X 2ᵏ, rounded once; the exponent may be an int32 or an int64."""
    e, f = x.e, form(x)
    k = e.convert(_within(k, -4 * f.bias, 4 * f.bias), x.type.integer.scalar)
    # downwards in steps that leave the last one more bits to drop than a number has: nothing is rounded twice
    above, below = f.bias, f.mantissa + 2 - f.bias
    for _ in range(2):
        up, down = k > f.bias, k < 1 - f.bias
        x = x * chosen(x, (up, 2.0**above), (down, 2.0**below), otherwise=1.0)
        k = k - chosen(k, (up, above), (down, below), otherwise=0)
    return x * floats((_within(k, 1 - f.bias, f.bias) + f.bias) << f.mantissa)


def _within(k: Value, low: int, high: int) -> Value:
    return k.e.select(k > high, high, k.e.select(k < low, low, k))


@lowering("frexp_exponent")
def frexp_exponent(x: Value) -> Value:
    """The exponent e of x = m 2ᵉ with ½ ≤ |m| < 1; 0 for zeros, infinities and NaN."""
    e, f = x.e, form(x)
    low = absolute(x) < f.tiny
    normal = e.select(low, x * 2.0 ** (f.mantissa + 2), x)
    biased = e.shr(bits(normal), f.mantissa) & (2 * f.bias + 1)
    offset = e.select(low, constant(biased, f.bias - 1 + f.mantissa + 2), constant(biased, f.bias - 1))
    strange = x.equals(0.0) | e.invert(absolute(x) < math.inf)
    return e.convert(e.select(strange, 0, biased - offset), I32)
