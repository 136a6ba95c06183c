"""Powers. Single precision goes through double; double carries the logarithm in two parts, about 66 bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compile.emit import Value
from wengert.compile.scalars import coefficients, integers
from wengert.compile.scalars.bits import (
    absolute,
    bits,
    chosen,
    constant,
    floats,
    fma,
    form,
    horner,
    is_negative,
    power_of_two,
    product,
    total,
)  # fmt: skip
from wengert.compile.scalars.exponentials import LN2, LOG2_E, RANGE, clamped, exp_of_sum, split
from wengert.compile.scalars.table import in_double, lowering

__all__: list[str] = []

TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def _log_in_parts(x: Value) -> tuple[Value, Value]:
    """Ln x of a positive finite number, as a sum: k ln 2 + 2s + s³ (⅔ + z P(z)), with s and z = s² in two parts."""
    a = split(x)
    d, d_low = total(constant(x, 2.0), a.f, ordered=True)
    inverse = 1.0 / d
    s = a.f * inverse
    p, p_low = product(s, d)
    s_low = ((a.f - p) - p_low - s * d_low) * inverse
    z, z_low = product(s, s)
    z_low = fma(s + s, s_low, z_low)
    # the leading coefficient in two parts, the rest is small
    rest = z * horner(z, coefficients.LOG_REST["f64"])
    c, c_low = total(constant(x, TWO_THIRDS[0]), rest, ordered=True)
    c_low = c_low + TWO_THIRDS[1]
    w, w_low = product(z, c)
    w_low = w_low + fma(z, c_low, z_low * c)
    v, v_low = product(s, w)
    v_low = v_low + fma(s, w_low, s_low * w)
    high, lost = total(a.k * LN2["f64"][0], s + s, ordered=True)
    high, lost_too = total(high, v, ordered=True)
    low = (lost + lost_too) + fma(a.k, LN2["f64"][1], fma(2.0, s_low, v_low))
    return total(high, low, ordered=True)


@in_double
def _magnitude_single(a: Value, y: Value) -> Value:
    """In double precision by shorter polynomials, for a result of single precision."""
    parts = split(a)
    s = parts.f / (parts.f + 2.0)
    z = s * s
    log = fma(parts.k, math.log(2), s * fma(z, horner(z, coefficients.LOG_SHORT["f64"]), 2.0))
    if parts.exponent is not None:
        log = chosen(a, (a.equals(0.0), -math.inf), (a.equals(math.inf), math.inf), otherwise=log)
    t = clamped(y * log, *RANGE["f32"])
    rounded = fma(t, LOG2_E[0], form(t).biased)
    r = fma(rounded - form(t).biased, -math.log(2), t)
    q = horner(r, coefficients.EXP_SHORT["f64"])
    return fma(fma(q, r, 1.0), r, 1.0) * power_of_two(rounded)


def _magnitude(x: Value, y: Value) -> Value:
    """|x| to the power of y, also for 0 and ∞; beside exceptions anything."""
    a = absolute(x)
    if x.type.element == "f32":
        return _magnitude_single(a, y)
    high, low = _log_in_parts(a)
    high = chosen(x, (a.equals(0.0), -math.inf), (a.equals(math.inf), math.inf), otherwise=high)
    p, lost = product(y, high)
    return exp_of_sum(p, fma(y, low, lost))


def _float_power(x: Value, y: Value) -> Value:
    """As C's pow has it, Annex F."""
    e = x.e
    whole = e.rint(y).equals(y)
    half = y * 0.5
    odd = whole & e.rint(half).differs(half)
    size = _magnitude(x, y)
    signed = floats(bits(size) ^ e.select(odd & is_negative(x), constant(bits(x), 1 << (x.type.bits - 1)), 0))
    no_power = (x < 0.0) & e.invert(whole) & (x > -math.inf)
    nan = e.is_nan(x) | e.is_nan(y)
    one = y.equals(0.0) | x.equals(1.0) | (x.equals(-1.0) & absolute(y).equals(math.inf))
    minus_one = e.select(odd, constant(x, -1.0), 1.0)
    return chosen(
        x, (one, 1.0), (nan, x + y), (x.equals(-1.0) & whole, minus_one), (no_power, math.nan), otherwise=signed
    )  # fmt: skip


def _number(y: Value) -> float | None:
    """The number that is written in place of a value, the same in all lanes."""
    text = y.name.removeprefix("splat (").rstrip(")").split(" ")[-1]
    if text == "zeroinitializer":
        return 0.0
    if not text.startswith("0x"):
        return None
    return float(np.uint64(int(text, 16)).view(np.float64))


# exponents that take a product or two, within 2 units of the last place; ½ is a root, as NumPy has it (of −∞ NaN)
SHORT: dict[float, Any] = {
    0.0: lambda x: constant(x, 1.0),
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
    -1.0: lambda x: 1.0 / x,
    0.5: lambda x: x.e.sqrt(x),
}


@lowering("power", kinds="iuf", typed=True, f32=0.51, f64=1.0)
def power(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    """X to the power of y; short where y is a small constant (then within 2 units of the last place)."""
    if dtype.kind != "f":
        return integers.power(dtype, x, y)
    number = _number(y)
    return SHORT[number](x) if number in SHORT else _float_power(x, y)


lowering("float_power", typed=True, f32=0.51, f64=1.0)(power)
