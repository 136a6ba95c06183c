"""Exponentials and logarithms, by reduction to a short interval and a polynomial there.

eˣ = 2ᵏ eʳ with |r| ≤ ½ ln 2; ln x = k ln 2 + ln m with ½√2 ≤ m ≤ √2, where ln m = 2 artanh((m − 1)/(m + 1)) as in
W. Cody and W. Waite, "Software Manual for the Elementary Functions" (1980), and FreeBSD's e_log.c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert.compile.emit import I32, Value
from wengert.compile.scalars import coefficients
from wengert.compile.scalars.bits import (
    absolute,
    avx512,
    bits,
    chosen,
    constant,
    copysign,
    floats,
    fma,
    form,
    has_avx512,
    horner,
    larger,
    power_of_two,
    product,
    scaled,
    smaller,
    total,
)  # fmt: skip
from wengert.compile.scalars.table import in_double, lowering

__all__ = [
    "LN2", "LOG2_E", "RANGE", "Reduced", "clamped", "exp", "exp2", "exp_of_reduced", "exp_of_sum", "exp_quarter",
    "expm1", "log", "log1p", "log_of_sum", "quarter_expm1", "reduced",
    "small_itself",
    "split",
]  # fmt: skip

# ln 2 in two parts, of which the first one is so short that its products with exponents are exact
LN2 = {"f32": (0.693359375, -0.00021219444170128554), "f64": (0.6931471803691238, 1.9082149292705877e-10)}
LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)  # 1/ln 2 in two parts
LOG10_E = (0.4342944819032518, 1.098319650216765e-17)
LOG10_2 = {"f32": (0.301025390625, 4.6050389811952106e-06), "f64": (0.30102999566361177, 3.694239077158931e-13)}
# beyond these an exponential has overflowed or vanished
RANGE = {"f32": (-104.0, 89.0), "f64": (-746.0, 710.0)}


@final
@dataclass(frozen=True)
class Reduced:
    """x = k ln 2 + r, where r is ``first`` less a short product; ``rounded`` has k in its lowest bits."""

    k: Value
    r: Value
    first: Value
    rounded: Value


def clamped(x: Value, low: float, high: float) -> Value:
    """Between two numbers; NaN stays."""
    return larger(low, smaller(high, x))


def reduced(x: Value, shift: int = 0) -> Reduced:
    """The nearest k to x / ln 2; ``rounded`` stands for 2 to the power of k + shift."""
    f, (long, short) = form(x), LN2[x.type.element]
    rounded = fma(x, LOG2_E[0], f.biased + shift)
    k = rounded - (f.biased + shift)
    first = fma(k, -long, x)
    r = fma(k, -short, first)
    return Reduced(k, r, first, rounded)


def exp_of_reduced(a: Reduced) -> Value:
    """E to the power of what was reduced."""
    q = horner(a.r, coefficients.EXP[a.r.type.element])
    return scaled(fma(fma(q, a.r, 1.0), a.r, 1.0), a.k, a.rounded)


@lowering("exp", f32=1.1, f64=1.1)
def exp(x: Value) -> Value:
    """E to the power of x."""
    return exp_of_reduced(reduced(clamped(x, *RANGE[x.type.element])))


def exp_of_sum(high: Value, low: Value) -> Value:
    """E to the power of high + low, where low is small beside high; within 0.6 units of the last place.

    Infinities are allowed in ``high``; what is in ``low`` does not matter there.
    """
    e = high.e
    least, most = RANGE[high.type.element]
    near = clamped(high, least, most)
    low = e.select(near.equals(high), low, 0.0)
    (short, rest), f = LN2[high.type.element], form(high)
    rounded = fma(near, LOG2_E[0], f.biased)
    k = rounded - f.biased
    r = fma(k, -short, near)
    low = fma(k, -rest, low)
    # 1 + r is rounded, and all that is small is added to what was lost
    s, lost = total(constant(r, 1.0), r, ordered=True)
    small = r + low
    tail = fma(small * small, horner(small, coefficients.EXP[high.type.element]), low) + lost
    return scaled(s + tail, k, rounded)


@lowering("exp2", "special_exp2", f32=1.0, f64=1.0)
def exp2(x: Value) -> Value:
    """2 to the power of x; exact where x is an integer."""
    f = form(x)
    x = clamped(x, -(f.bias + f.mantissa + 5.0), f.bias + 2.0)
    rounded = x + f.biased
    k = rounded - f.biased
    r = x - k
    return scaled(fma(r, horner(r, coefficients.EXP2[x.type.element]), 1.0), k, rounded)


@lowering("exp10", f32=0.6, f64=1.1)
@in_double
def exp10(x: Value) -> Value:
    """10 to the power of x."""
    p, lost = product(x, constant(x, math.log(10)))
    return exp_of_sum(p, fma(x, -2.1707562233822494e-16, lost))


def exp_quarter(x: Value) -> Value:
    """eˣ/4, which does not overflow before cosh x does."""
    low, high = RANGE[x.type.element]
    a = reduced(clamped(x, low / 2, high + 0.5), -2)
    q = horner(a.r, coefficients.EXP[x.type.element])
    return fma(fma(q, a.r, 1.0), a.r, 1.0) * power_of_two(a.rounded)


def quarter_expm1(x: Value) -> Value:
    """(eˣ − 1)/4, which does not overflow before sinh x does; NaN stays."""
    low, high = RANGE[x.type.element]
    a = reduced(clamped(x, low / 2, high + 0.5), -2)
    # what is lost by the reduction counts here: eʳ − 1 is small where 1 is not taken from it any more
    lost = fma(a.k, -LN2[x.type.element][1], a.first - a.r)
    p = a.r + fma(a.r * a.r, horner(a.r, coefficients.EXP[x.type.element]), lost)
    s = power_of_two(a.rounded)
    return fma(s, p, s - 0.25)


def small_itself(x: Value, y: Value) -> Value:
    """``y``, but for numbers so small that their squares are nothing beside them x itself."""
    return x.e.select(absolute(x) < 2.0 ** -(form(x).mantissa + 4), x, y)


@lowering("expm1", "special_expm1", f32=1.9, f64=1.9)
def expm1(x: Value) -> Value:
    """Eˣ − 1."""
    return small_itself(x, 4.0 * quarter_expm1(x))


# ---- logarithms


@final
@dataclass(frozen=True)
class Split:
    """x = 2ᵏ (1 + f), with ½√2 ≤ 1 + f ≤ √2, or ¾ ≤ 1 + f < 1½ where an instruction does it.

    ``exponent`` is k as an integer, with the bias; None with that instruction.
    """

    k: Value
    f: Value
    exponent: Value | None


ROOT_HALF = {"f32": 0x3F3504F3, "f64": 0x3FE6A09E667F3BCD}


def split(x: Value) -> Split:
    """Of a positive number, normal or not."""
    e, f, half = x.e, form(x), ROOT_HALF[x.type.element]
    if has_avx512(x):
        m = avx512("getmant", x, e.const(I32, 0b1011))  # between ¾ and 1½; of negative numbers NaN
        k = avx512("getexp", x)
        return Split(e.select(m < 1.0, k + 1.0, k), m - 1.0, None)
    small = x < f.tiny
    up = f.mantissa + 2
    shifted = bits(e.select(small, x * 2.0**up, x)) + (f.one - half)
    exponent = e.shr(shifted, f.mantissa)
    m = floats((shifted & ((1 << f.mantissa) - 1)) + half)
    k = floats(exponent | f.magic_bits) - e.select(small, constant(x, f.magic + f.bias + up), f.magic + f.bias)
    return Split(k, m - 1.0, exponent)


def _with_error(a: Split, low: Value) -> Value:
    """What f becomes when ``low`` is added to x."""
    if a.exponent is None:
        return a.f + avx512("scalef", low, -a.k)
    # 2⁻ᵏ by its bits; where it has none, the error is nothing beside x
    f = form(low)
    inverse = floats(constant(a.exponent, (2 * f.bias) << f.mantissa) - (a.exponent << f.mantissa))
    return low.e.select(absolute(a.k) < f.bias - 1.0, fma(low, inverse, a.f), a.f)


def _log_parts(f: Value) -> tuple[Value, Value]:
    """½f² and the rest of ln(1 + f) = f − ½f² + rest."""
    s = f / (f + 2.0)
    z = s * s
    half = f * f * 0.5
    return half, s * fma(z, horner(z, coefficients.LOG[f.type.element]), half)


def _log_of(a: Split) -> Value:
    """K ln 2 + ln(1 + f)."""
    long, short = LN2[a.f.type.element]
    half, rest = _log_parts(a.f)
    return fma(a.k, long, a.f - (half - fma(a.k, short, rest)))


def _log_domain(x: Value, y: Value) -> Value:
    """The logarithm's values outside (0, ∞)."""
    e = x.e
    y = e.select(absolute(x) < math.inf, y, x)
    return chosen(x, (x.equals(0.0), -math.inf), (x < 0.0, math.nan), otherwise=y)


@lowering("log", f32=1.0, f64=1.0)
def log(x: Value) -> Value:
    """The natural logarithm."""
    return _log_domain(x, _log_of(split(x)))


def _in_base(x: Value, base: tuple[float, float], two: tuple[float, float]) -> Value:
    """Of another base: ln(1 + f) in two parts, times the base's number in two parts."""
    a = split(x)
    half, rest = _log_parts(a.f)
    head = a.f - half
    rest = rest + ((a.f - head) - half)
    c, c_low = _parts(x, base)
    p, lost = product(head, constant(x, c))
    lost = lost + fma(head, c_low, rest * c)
    s, low = total(a.k * two[0], p, ordered=True)
    return _log_domain(x, s + (low + fma(a.k, two[1], lost)))


def _parts(x: Value, number: tuple[float, float]) -> tuple[float, float]:
    """A number in two parts of the format."""
    if x.type.element == "f64":
        return number
    high = float(np.float32(number[0]))
    return high, number[0] - high


@lowering("log2", f32=1.0, f64=1.0)
def log2(x: Value) -> Value:
    """To base 2; exact for powers of 2."""
    return _in_base(x, LOG2_E, (1.0, 0.0))


@lowering("log10", f32=0.8, f64=0.8)
def log10(x: Value) -> Value:
    """To base 10."""
    return _in_base(x, LOG10_E, LOG10_2[x.type.element])


def log_of_sum(high: Value, low: Value, doublings: Value | None = None) -> Value:
    """The logarithm of high + low, a number and its error; plus so many ln 2."""
    a = split(high)
    k = a.k if doublings is None else a.k + doublings
    return _log_domain(high, _log_of(Split(k, _with_error(a, low), a.exponent)))


@lowering("log1p", "special_log1p", f32=1.5, f64=1.5)
def log1p(x: Value) -> Value:
    """ln(1 + x); it has the sign of x."""
    return copysign(log_of_sum(*total(constant(x, 1.0), x)), x)


# ---- of sums of exponentials


@lowering("logaddexp")
def logaddexp(x: Value, y: Value) -> Value:
    """ln(eˣ + eʸ) = max + ln(1 + e^−|x − y|), within 2 units of the last place of the larger of max and result."""
    return _log_add(x, y, lambda d: log1p(exp(d)))


@lowering("logaddexp2")
def logaddexp2(x: Value, y: Value) -> Value:
    """log₂(2ˣ + 2ʸ), likewise."""
    return _log_add(x, y, lambda d: log1p(exp2(d)) * LOG2_E[0])


def _log_add(x: Value, y: Value, small: Any) -> Value:
    e = x.e
    most = e.select(x > y, x, y)
    d = e.select(x.equals(y), 0.0, -absolute(x - y))  # of equal infinities too
    return e.select(e.is_nan(x) | e.is_nan(y), x + y, most + small(d))


@lowering("cbrt", "special_cbrt", f32=0.51, f64=1.0)
@in_double
def cbrt(x: Value) -> Value:
    """A third of the exponent, a polynomial, and one step of Newton's."""
    e, a = x.e, absolute(x)
    small = a < 2.0**-1000
    a = e.select(small, a * 2.0**54, a)
    # bits of a number are nearly its logarithm: a third of them, by multiplication with ⅓ in 32 bits
    third = e.shr(e.shr(bits(a), 32) * 0x55555556, 32) + 715094163
    t = floats(third << 32)
    inverse = 1.0 / a
    d = fma(t * t, t * inverse, -1.0)
    t = t * horner(d, coefficients.CBRT["f64"])
    square, low = product(t, t)
    cube, cube_low = product(square, t)
    left = (a - cube) - fma(low, t, cube_low)
    t = fma(left * inverse, t * (1 / 3), t)
    t = e.select(small, t * 2.0**-18, t)
    strange = x.equals(0.0) | e.invert(a < math.inf)
    return e.select(strange, x, copysign(t, x))
