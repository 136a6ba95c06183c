"""Functions of ``scipy.special``: the logistic ones, the error functions and what is made of logarithms.

erfc x = e^(−x²) g(x) with g(x) (1 + 2x) a polynomial in (x − 4)/(x + 4), which has values on all of [0, ∞]: M. Shepherd
and J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", Mathematics of Computation 36
(1981). The square in the exponent is carried with its error.
"""

from __future__ import annotations

import math

from wengert.compile.emit import Value
from wengert.compile.scalars import coefficients
from wengert.compile.scalars.bits import (
    absolute,
    chosen,
    constant,
    copysign,
    fma,
    horner,
    infinite,
    power_of_two,
    product,
    rarely,
    smaller,
    total,
)  # fmt: skip
from wengert.compile.scalars.exponentials import (
    RANGE,
    clamped,
    exp,
    exp_of_reduced,
    exp_of_sum,
    log,
    log1p,
    log_of_sum,
    reduced,
)  # fmt: skip
from wengert.compile.scalars.table import in_double, lowering

__all__: list[str] = []

# ---- logistic


@lowering("expit", f32=2.5, f64=2.5)
def expit(x: Value) -> Value:
    """1/(1 + e⁻ˣ) = eˣ/(1 + eˣ), where from x = 40 on it is 1."""
    t = exp_of_reduced(reduced(clamped(x, RANGE[x.type.element][0], 40.0)))
    return t / (t + 1.0)


@lowering("log_expit", f32=2.0, f64=2.0)
def log_expit(x: Value) -> Value:
    """min(x, 0) − ln(1 + e^−|x|)."""
    return smaller(-0.0, x) - log1p(exp(-absolute(x)))


@lowering("logit", f32=0.51, f64=1.6)
@in_double
def logit(p: Value) -> Value:
    """Ln p/(1 − p), the quotient with its error."""
    d, d_low = total(constant(p, 1.0), -p)
    q = p / d
    r, r_low = product(q, d)
    q_low = ((p - r) - r_low - q * d_low) / d
    return log_of_sum(q, p.e.select((q > 0.0) & (q < math.inf), q_low, 0.0))


# ---- products with logarithms


@lowering("xlogy", f32=1.6, f64=1.6)
def xlogy(x: Value, y: Value) -> Value:
    """X ln y, and 0 for x = 0 beside every number."""
    return x.e.select(x.equals(0.0) & y.equals(y), 0.0, x * log(y))


@lowering("xlog1py", f32=2.0, f64=2.0)
def xlog1py(x: Value, y: Value) -> Value:
    """X ln(1 + y), likewise."""
    return x.e.select(x.equals(0.0) & y.equals(y), 0.0, x * log1p(y))


@lowering("entr", f32=1.6, f64=1.6)
def entr(x: Value) -> Value:
    """−x ln x; 0 at 0, −∞ below."""
    return chosen(x, (x.equals(0.0), 0.0), (x < 0.0, -math.inf), otherwise=-x * log(x))


# ---- e^(−x²) and the error functions


def _bell(high: Value, low: Value) -> Value:
    """exp(−(high + low))."""
    return exp_of_sum(-high, -low)


def _square(x: Value) -> tuple[Value, Value]:
    """x² with its error; what would overflow stays finite."""
    a = clamped(x, -1e100, 1e100)
    return product(a, a)


@lowering("gaussian", f32=0.51, f64=0.7)
@in_double
def gaussian(x: Value) -> Value:
    """Exp(−x²)."""
    return _bell(*_square(x))


@lowering("bell", f32=0.51, f64=0.7)
@in_double
def bell(x: Value) -> Value:
    """Exp(−x²/2)."""
    square, low = _square(x)
    return _bell(square * 0.5, low * 0.5)


def _scaled_tail(a: Value) -> Value:
    """Exp(a²) erfc(a) for a ≥ 0; of ∞ it is 0."""
    t = (a - 4.0) / (a + 4.0)
    t = a.e.select(infinite(a), 1.0, t)
    return horner(t, coefficients.ERFCX["f64"]) / fma(a, 2.0, 1.0)


def _erfc(x: Value) -> Value:
    a = absolute(x)
    tail = _scaled_tail(a) * _bell(*_square(a))
    return x.e.select(x < 0.0, 2.0 - tail, tail)


def _erf_near(x: Value) -> Value:
    """For |x| ≤ 1."""
    return fma(x, horner(x * x, coefficients.ERF[x.type.element]), x)


@lowering("erfc", f32=0.51, f64=3.0)
@in_double
def erfc(x: Value) -> Value:
    """1 − erf x, without cancellation."""
    e, near = x.e, (x > -0.5) & (x < 0.25)
    return e.select(near, 1.0 - _erf_near(x), _erfc(x))


@lowering("erf", f32=1.5, f64=1.2)
def erf(x: Value) -> Value:
    """A polynomial up to 1, and 1 − erfc |x| beyond."""
    far = absolute(x) > 1.0
    if x.type.element == "f32":
        return x.e.select(far, copysign(_erf_far_single(absolute(x)), x), _erf_near(x))
    return rarely(far, _erf_near(x), lambda: copysign(1.0 - _erfc(absolute(x)), x))


def _erf_far_single(a: Value) -> Value:
    """1 − e^(−p(a)) for 1 ≤ a: in single precision the complement need not be exact."""
    p = horner(smaller(4.0, a), coefficients.LOG_ERFC["f32"])
    r = reduced(-p)
    q = horner(r.r, coefficients.EXP["f32"])
    return 1.0 - fma(fma(q, r.r, 1.0), r.r, 1.0) * power_of_two(r.rounded)


def _normal_tail(a: Value) -> tuple[Value, Value, Value]:
    """Exp(a²/2) Φ(−a) for a ≥ 0, and a²/2 with its error: the root of ½ is not rounded into the exponent."""
    square, low = _square(a)
    return _scaled_tail(a * math.sqrt(0.5)) * 0.5, square * 0.5, low * 0.5


@lowering("ndtr", f32=0.51, f64=3.0)
@in_double
def ndtr(x: Value) -> Value:
    """Φ(x) = ½ erfc(−x/√2)."""
    scaled, half, low = _normal_tail(absolute(x))
    tail = scaled * _bell(half, low)
    e = x.e
    return e.select(absolute(x) < 0.5, _normal_near(x), e.select(x > 0.0, 1.0 - tail, tail))


def _normal_near(x: Value) -> Value:
    """Φ(x) for |x| < ¾."""
    return fma(_erf_near(x * math.sqrt(0.5)), 0.5, 0.5)


@lowering("log_ndtr", f32=0.6, f64=4.0)
@in_double
def log_ndtr(x: Value) -> Value:
    """Ln Φ(x): to the left by the scaled tail's logarithm, to the right by that of 1 less the tail."""
    scaled, half, low = _normal_tail(absolute(x))
    left = log(scaled) - half - low
    right = log1p(-scaled * _bell(half, low))
    near = log(_normal_near(x))
    return chosen(x, (x.equals(-math.inf), -math.inf), (absolute(x) < 0.75, near), (x < 0.0, left), otherwise=right)


@lowering("erfcx", f32=0.6, f64=4.5)
@in_double
def erfcx(x: Value) -> Value:
    """Exp(x²) erfc x; below 0 it is 2 exp(x²) less that of |x|."""
    tail = _scaled_tail(absolute(x))
    return x.e.select(x < 0.0, 2.0 * exp_of_sum(*_square(x)) - tail, tail)
