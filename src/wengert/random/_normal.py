"""The quantile of the normal distribution, in operations that IEEE 754 rounds alike everywhere.

M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics
37 (1988), 477–484: rational functions, relative error about 1e-16. The library's logarithm differs in its
last bit from machine to machine; the one here uses + − × ÷ only, so that the same key gives the same
numbers on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.core.trace import Tracer

__all__ = ["normal_quantile"]

Array = NDArray[np.float64]

CENTRE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
SHOULDER = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
TAIL = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)

SQRT_HALF = 0.7071067811865476
# ln 2 in two parts: the first has trailing zeros, so that its product with an exponent is exact
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
# 2 artanh(s) / s = 2 + 2/3 s² + 2/5 s⁴ + …, for |s| ≤ 0.172 exact to the last bits with eleven terms
ARTANH = tuple(2.0 / (2 * k + 1) for k in range(11))


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _rational(parts: tuple[Sequence[float], Sequence[float]], x: Any) -> Any:
    return _polynomial(parts[0], x) / _polynomial(parts[1], x)


def _log(x: Array) -> Array:
    """Natural logarithm of x > 0: x = 2^e m with m around 1, ln m = 2 artanh((m − 1)/(m + 1))."""
    m, e = np.frexp(x)
    small = m < SQRT_HALF
    m, e = np.where(small, 2.0 * m, m), np.where(small, e - 1, e)
    s = (m - 1.0) / (m + 1.0)
    return e * LN2_HIGH + (s * _polynomial(ARTANH, s * s) + e * LN2_LOW)


def _outside(q: Any, u: Any) -> Any:
    """The quantile for |u − 1/2| > 0.425, where q = u − 1/2; finite, but wrong, elsewhere."""
    r = np.sqrt(-_log(np.where(q < 0.0, u, 0.5 - q)))
    far = np.where(r <= 5.0, _rational(SHOULDER, r - 1.6), _rational(TAIL, r - 5.0))
    return np.where(q < 0.0, -far, far)


def normal_quantile(u: Array) -> Array:
    """The z with P(Z ≤ z) = u of a standard normal Z, for 0 < u < 1; float64.

    Example:
        >>> import numpy as np
        >>> from wengert.random._normal import normal_quantile
        >>> [round(float(z), 6) for z in normal_quantile(np.array([0.5, 0.975]))]
        [0.0, 1.959964]
    """
    q = u - 0.5
    z = q * _rational(CENTRE, 0.180625 - q * q)
    outer = np.abs(q) > 0.425
    if isinstance(u, Tracer):
        # which elements lie outside is not known: all are computed both ways, in the same operations
        return np.where(outer, _outside(q, u), z)
    if outer.any():
        z[outer] = _outside(q[outer], u[outer])
    return z
