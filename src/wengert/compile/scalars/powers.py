"""Powers. Single precision goes through double; double carries the logarithm in two parts, about 66 bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compile.emit import F64, Value
from wengert.compile.scalars import coefficients, integers
from wengert.compile.scalars.bits import (
    absolute,
    bits,
    chosen,
    constant,
    floats,
    fma,
    horner,
    is_negative,
    product,
    total,
)  # fmt: skip
from wengert.compile.scalars.exponentials import LN2, exp2, exp_of_sum, log2, split
from wengert.compile.scalars.table import lowering

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


def _magnitude(x: Value, y: Value) -> Value:
    """|x| to the power of y, also for 0 and ∞; beside exceptions anything."""
    e, a = x.e, absolute(x)
    if x.type.element == "f32":
        wide = exp2(e.convert(y, F64) * log2(e.convert(a, F64)))
        return e.convert(wide, x.type.scalar)
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


# exponents that take a product or two, within 1.6 units of the last place
SHORT: dict[float, Any] = {
    0.0: lambda x: constant(x, 1.0),
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
    -1.0: lambda x: 1.0 / x,
}


@lowering("power", kinds="iuf", typed=True, f32=0.51, f64=0.8)
def power(dtype: np.dtype[Any], x: Value, y: Value) -> Value:
    """X to the power of y; short where y is a small whole constant (then within 1.6 units of the last place)."""
    if dtype.kind != "f":
        return integers.power(dtype, x, y)
    number = _number(y)
    return SHORT[number](x) if number in SHORT else _float_power(x, y)


lowering("float_power", typed=True, f32=0.51, f64=0.8)(power)
