"""Circular functions. Arguments are reduced by π/2 in several parts (Cody and Waite), with what is lost kept.

Lanes beyond the reach of that, 2¹² in single and 2¹⁹ in double precision, go to the C library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from wengert.compile.emit import Value
from wengert.compile.scalars import coefficients
from wengert.compile.scalars.bits import (
    absolute,
    bits,
    chosen,
    constant,
    copysign,
    floats,
    fma,
    form,
    horner,
    is_negative,
    product,
    rarely,
    total,
)  # fmt: skip
from wengert.compile.scalars.library import libm
from wengert.compile.scalars.table import lowering

__all__: list[str] = []

REACH = {"f32": 2.0**12, "f64": 2.0**19}


@final
@dataclass(frozen=True)
class Angle:
    """x = n π/2 + r + tail, with |r| ≤ π/4; ``quadrant``: n in the lowest bits."""

    r: Value
    tail: Value
    quadrant: Value


def _angle(x: Value) -> Angle:
    f = form(x)
    # without fused products the first ones have to be exact by themselves
    table = coefficients.HALF_PI if x.e.target.fused else coefficients.HALF_PI_UNFUSED
    a, b, *more = table[x.type.element]
    rounded = fma(x, 2 / math.pi, f.magic)
    n = rounded - f.magic
    first = fma(n, -a, x)
    r = fma(n, -b, first)
    # Where n b is not smaller than what it is taken from, b is so short that nothing is lost
    tail = fma(n, -b, first - r)
    for c in more:
        tail = fma(n, -c, tail)
    if not x.e.target.fused:  # shorter parts leave more behind
        r, tail = total(r, tail)
    return Angle(r, tail, bits(rounded))


def _sine(a: Angle, z: Value) -> Value:
    return a.r + fma(z * a.r, horner(z, coefficients.SIN[z.type.element]), a.tail)


def _cosine(a: Angle, z: Value) -> Value:
    half = z * 0.5
    w = 1.0 - half
    rest = fma(z * z, horner(z, coefficients.COS[z.type.element]), -(a.r * a.tail))
    return w + (((1.0 - w) - half) + rest)


def _circular(x: Value, turn: int) -> Value:
    """sin(x + turn π/2)."""
    e, a = x.e, _angle(x)
    z = a.r * a.r
    quadrant = a.quadrant + turn if turn else a.quadrant
    odd = (quadrant & 1).differs(0)
    y = e.select(odd, _cosine(a, z), _sine(a, z))
    return floats(bits(y) ^ ((quadrant & 2) << (x.type.bits - 2)))


def _far(x: Value) -> Value:
    return absolute(x) > REACH[x.type.element]


@lowering("sin", f32=1.0, f64=1.0)
def sin(x: Value) -> Value:
    y = x.e.select(x.equals(0.0), x, _circular(x, 0))
    return rarely(_far(x), y, lambda: libm("sin", x))


@lowering("cos", f32=1.0, f64=1.0)
def cos(x: Value) -> Value:
    return rarely(_far(x), _circular(x, 1), lambda: libm("cos", x))


@lowering("tan", f32=2.5, f64=2.5)
def tan(x: Value) -> Value:
    """Sine by cosine, and in odd quadrants minus cosine by sine."""
    e, a = x.e, _angle(x)
    z = a.r * a.r
    s, c = _sine(a, z), _cosine(a, z)
    odd = (a.quadrant & 1).differs(0)
    y = e.select(odd, -c, s) / e.select(odd, s, c)
    return rarely(_far(x), e.select(x.equals(0.0), x, y), lambda: libm("tan", x))


# ---- inverses


def _parts(x: Value, number: float, rest: float) -> tuple[float, float]:
    """A number in two parts of the format."""
    if x.type.element == "f64":
        return number, rest
    high = float(np.float32(number))
    return high, number - high


def _arcsine(x: Value) -> tuple[Value, Value, Value]:
    """Whether |x| ≤ ½; then |x|, else √((1 − |x|)/2); and what the arc sine of that is longer."""
    e, a = x.e, absolute(x)
    near = a <= 0.5
    z = e.select(near, a * a, fma(a, -0.5, 0.5))
    s = e.select(near, a, e.sqrt(z))
    more = s * (z * horner(z, coefficients.ASIN[x.type.element]))
    square, low = product(s, s)
    lost = ((z - square) - low) / (s + s)
    return near, s, e.select(near | z.equals(0.0), more, more + lost)


@lowering("arcsin", f32=1.5, f64=1.5)
def arcsin(x: Value) -> Value:
    """Of |x| > ½ by π/2 − 2 arcsin √((1 − |x|)/2)."""
    near, s, more = _arcsine(x)
    high, low = _parts(x, math.pi / 2, 6.123233995736766e-17)
    t = fma(s, -2.0, high)
    far = t + (fma(s, -2.0, high - t) + fma(more, -2.0, low))
    return copysign(x.e.select(near, s + more, far), x)


@lowering("arccos", f32=1.5, f64=1.5)
def arccos(x: Value) -> Value:
    """π/2 − arcsin x for |x| ≤ ½; 2 arcsin √((1 − x)/2) above; π less that of −x below."""
    e = x.e
    near, s, more = _arcsine(x)
    high, low = _parts(x, math.pi / 2, 6.123233995736766e-17)
    negative = is_negative(x)
    signed, signed_more = copysign(s, x), copysign(more, x)
    t = high - signed
    middle = t + (((high - t) - signed) + (low - signed_more))
    # copysign has made s + more negative for x < 0: there π + 2 (s + more)
    base, base_low = e.select(negative, constant(x, 2 * high), 0.0), e.select(negative, constant(x, 2 * low), 0.0)
    t = fma(2.0, signed, base)
    far = t + (fma(2.0, signed, base - t) + fma(2.0, signed_more, base_low))
    return e.select(near, middle, e.select(absolute(x) <= 1.0, far, math.nan))


def _arctangent(above: Value, below: Value) -> tuple[Value, Value, Value]:
    """The arc tangent of above/below, 0 ≤ above ≤ below: a base and what is added to it, with the base's error."""
    e = above.e
    high, low = _parts(above, math.pi / 4, 3.061616997868383e-17)
    turned = above > below * math.tan(math.pi / 8)
    r = e.select(turned, above - below, above) / e.select(turned, above + below, below)
    z = r * r
    more = (r * z) * horner(z, coefficients.ATAN[r.type.element])
    base = e.select(turned, constant(r, high), 0.0)
    return base, r, e.select(turned, more + low, more)


def _folded(base: Value, r: Value, more: Value, swapped: Value, behind: Value | None) -> Value:
    """Base + r + more; π/2 less it where swapped; π less that where behind."""
    e = base.e
    high, low = _parts(base, math.pi / 2, 6.123233995736766e-17)

    def less(there: Value, number: float, rest: float) -> None:
        nonlocal base, r, more
        base = e.select(there, number - base, base)
        r, more = e.select(there, -r, r), e.select(there, rest - more, more)

    less(swapped, high, low)
    if behind is not None:
        less(behind, 2 * high, 2 * low)
    return base + (r + more)


@lowering("arctan", f32=2.0, f64=2.0)
def arctan(x: Value) -> Value:
    """Beyond 1 by π/2 less that of 1/|x|; beyond tan π/8 by π/4 and that of (x − 1)/(x + 1)."""
    e, a = x.e, absolute(x)
    large = a > 1.0
    one = constant(x, 1.0)
    endless = a.equals(math.inf)
    above = e.select(large, e.select(endless, 0.0, one), a)
    below = e.select(large, e.select(endless, one, a), one)
    return copysign(_folded(*_arctangent(above, below), large, None), x)


@lowering("arctan2", f32=2.0, f64=2.0)
def arctan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), by the quotient of the smaller by the larger."""
    e, ax, ay, f = x.e, absolute(x), absolute(y), form(x)
    swapped = ay > ax
    larger, less = e.select(swapped, ay, ax), e.select(swapped, ax, ay)
    scale = e.select(larger > 2.0 ** (f.bias - 1), constant(x, 0.25), 1.0)
    endless, origin = larger.equals(math.inf), larger.equals(0.0)
    both = e.select(less.equals(math.inf), constant(x, 1.0), 0.0)
    above = chosen(x, (endless, both), otherwise=less * scale)
    below = chosen(x, (endless | origin, 1.0), otherwise=larger * scale)
    angle = _folded(*_arctangent(above, below), swapped, is_negative(x))
    return e.select(e.is_nan(x) | e.is_nan(y), x + y, copysign(angle, y))
