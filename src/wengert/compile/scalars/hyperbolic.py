"""Hyperbolic functions by exponentials, their inverses by logarithms of sums that carry their errors."""

from __future__ import annotations

import math

from wengert.compile.emit import Value
from wengert.compile.scalars import coefficients
from wengert.compile.scalars.arithmetic import root_of_sum
from wengert.compile.scalars.bits import (
    absolute,
    chosen,
    constant,
    copysign,
    fma,
    form,
    horner,
    power_of_two,
    product,
    smaller,
    total,
)  # fmt: skip
from wengert.compile.scalars.exponentials import (
    LN2,
    LOG2_E,
    clamped,
    exp_quarter,
    log_of_sum,
    quarter_expm1,
    small_itself,
)
from wengert.compile.scalars.table import in_double, lowering

__all__: list[str] = []


@lowering("sinh", f32=2.4, f64=2.4)
def sinh(x: Value) -> Value:
    """½ (t + t/(t + 1)) of t = e^|x| − 1."""
    half = quarter_expm1(absolute(x)) * 2.0
    t = half + half
    below = smaller(2.0**100, t + 1.0)  # of two infinities there is no quotient
    return small_itself(x, copysign(half + half / below, x))


@lowering("cosh", f32=2.0, f64=2.0)
def cosh(x: Value) -> Value:
    """½ (eˣ + e⁻ˣ)."""
    quarter = exp_quarter(absolute(x))
    return quarter * 2.0 + 0.125 / quarter


@lowering("tanh", f32=2.6, f64=2.6)
def tanh(x: Value) -> Value:
    """(e²ˣ − 1)/(e²ˣ + 1), by x = ½ k ln 2 + u and e²ᵘ − 1 = 2u + u² q(u); of ∞ exactly 1."""
    element, f = x.type.element, form(x)
    near = clamped(x, -20.0, 20.0) if element == "f64" else clamped(x, -10.0, 10.0)
    rounded = fma(near, 2 * LOG2_E[0], f.biased)
    k, u = rounded - f.biased, near
    for part in _ln2(x):
        u = fma(k, -part / 2, u)
    # the exponential's coefficients with powers of two
    q = horner(u, [c * 4.0 * 2.0**j for j, c in enumerate(coefficients.EXP[element])])
    p, s = fma(u * u, q, u + u), power_of_two(rounded)
    t = fma(s, p, s - 1.0)
    return copysign(t / (t + 2.0), x)


def _ln2(x: Value) -> tuple[float, ...]:
    """In single precision ln 2 is by chance so near to its neighbour that one exact product is enough for small k."""
    return (math.log(2),) if x.type.element == "f32" and x.e.target.fused else LN2[x.type.element]


@lowering("arcsinh", f32=0.51, f64=1.6)
@in_double
def arcsinh(x: Value) -> Value:
    """ln(|x| + √(x² + 1)), the root and the sum with their errors."""
    e, a = x.e, absolute(x)
    large = a > 2.0**28
    b = e.select(large, 1.0, a)
    root, low = root_of_sum(*product(b, b), constant(x, 1.0), constant(x, 0.0))
    high, lost = total(root, b, ordered=True)
    high, lost = e.select(large, a, high), e.select(large, 0.0, lost + low)
    return copysign(log_of_sum(high, lost, e.select(large, constant(x, 1.0), 0.0)), x)


@lowering("arccosh", f32=0.51, f64=1.6)
@in_double
def arccosh(x: Value) -> Value:
    """ln(x + √(x² − 1)), likewise."""
    e = x.e
    large = x > 2.0**28
    b = e.select(large, 2.0, x)
    root, low = root_of_sum(*product(b, b), constant(x, -1.0), constant(x, 0.0))
    high, lost = total(b, root, ordered=True)
    high, lost = e.select(large, x, high), e.select(large, 0.0, lost + low)
    y = log_of_sum(high, lost, e.select(large, constant(x, 1.0), 0.0))
    return chosen(x, (x.equals(1.0), 0.0), (x < 1.0, math.nan), otherwise=y)


@lowering("arctanh", f32=0.51, f64=1.6)
@in_double
def arctanh(x: Value) -> Value:
    """½ ln(1 + 2x/(1 − x)), the quotient with its error."""
    e, a = x.e, absolute(x)
    d, d_low = total(constant(x, 1.0), -a, ordered=True)
    twice = a + a
    q = twice / d
    p, p_low = product(q, d)
    q_low = ((twice - p) - p_low - q * d_low) / d
    high, lost = total(constant(x, 1.0), q)
    y = log_of_sum(high, e.select(q < math.inf, lost + q_low, 0.0)) * 0.5
    return chosen(x, (a > 1.0, math.nan), otherwise=copysign(y, x))
