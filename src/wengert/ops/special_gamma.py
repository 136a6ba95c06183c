"""The gamma function and its kin: digamma, zeta, beta, binomial coefficients, incomplete integrals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.core.types import dtype_of
from wengert.errors import UnsupportedError, at_line
from wengert.ops.special_densities import beta_density, gamma_density
from wengert.ops.special_parameters_beta import betainc_da, betainc_db, betaincinv_da, betaincinv_db
from wengert.ops.special_parameters_gamma import gammainc_da, gammaincinv_da
from wengert.ops.special_record import flat_ufunc, special
from wengert.ops.special_zeta import riemann_slope, zeta_slope

# ---- Γ and ψ


def rgamma_slope(x: Any, z: Any) -> Any:
    """The derivative of 1/Γ, by reflection on the left, where ψ has its poles."""
    left = np.real(x) < 0.5
    u, v = np.where(left, x, 0.0), np.where(left, 1.0, x)
    turned = sc.gamma(1 - u) * (np.cos(math.pi * u) - sc.psi(1 - u) * np.sin(math.pi * u) / math.pi)
    return np.where(left, turned, -sc.psi(v) * z)


def _trigamma(t: Any, _z: Any, x: Any) -> Any:
    if dtype_of(x).kind == "c":
        raise UnsupportedError(
            f"scipy.special.psi of a complex number has no derivative: SciPy has no complex trigamma{at_line()}\n"
            "  write: psi of real numbers"
        )
    return t * sc.zeta(2.0, x)


gamma = special("gamma", lambda t, z, x: t * (z * sc.psi(x)), tex=r"\Gamma({0})")
gammaln = special("gammaln", lambda t, _z, x: t * sc.psi(x), tex=r"\ln \Gamma({0})")
loggamma = special("loggamma", lambda t, _z, x: t * sc.psi(x), tex=r"\ln \Gamma({0})")
rgamma = special("rgamma", lambda t, z, x: t * rgamma_slope(x, z), tex=r"\frac{{1}}{{\Gamma({0})}}")
psi = special("psi", _trigamma, tex=r"\psi({0})")
flat_ufunc("gammasgn")

# ---- ζ

zeta = special(
    "_zeta", lambda t, _z, x, q: t * zeta_slope(x, q), lambda t, _z, x, q: -t * (x * sc.zeta(x + 1, q)),
    tex=r"\zeta({0}, {1})",
)  # fmt: skip
riemann_zeta = special("_riemann_zeta", lambda t, _z, x: t * riemann_slope(x), tex=r"\zeta({0})")
zetac = special("zetac", lambda t, _z, x: t * riemann_slope(x), tex=r"\zeta({0}) - 1")

# ---- B, binomial coefficients, rising factorials: ψ at two places, which are near one another relative to their size

_BERNOULLI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


def psi_rise(a: Any, b: Any) -> Any:
    """ψ(a + b) − ψ(a) for a > 0, by their asymptotic series' difference, to which ψ(a + 1) = ψ(a) + 1/a leads."""
    far = (a > 0) & (b > -a / 2)
    m, s = np.where(far, a, 12.0), np.where(far, b, 0.0)
    low, lifted = m <= 12, 0.0
    for k in range(12):
        lifted = lifted + s / ((m + k) * (m + k + s))
    lifted, m = np.where(low, lifted, 0.0), np.where(low, m + 12, m)
    n = m + s
    u, v = 1 / (m * m), 1 / (n * n)
    both = s * (m + n) * u * v  # 1/m² - 1/n²
    series, geometric, power = 0.0, 1.0, 1.0
    for c in _BERNOULLI:
        # 1/m^2k - 1/n^2k = (1/m² - 1/n²) Σ m^-2i n^-2(k-1-i)
        series = series + c * both * geometric
        power = power * v
        geometric = geometric * u + power
    rise = np.log1p(s / m) + 0.5 * s / (m * n) + series + lifted
    return np.where(far, rise, sc.psi(np.where(far, 1.0, a + b)) - sc.psi(np.where(far, 1.0, a)))


beta = special(
    "beta", lambda t, z, a, b: -t * (z * psi_rise(a, b)), lambda t, z, a, b: -t * (z * psi_rise(b, a)),
    tex=r"B({0}, {1})",
)  # fmt: skip
betaln = special(
    "betaln", lambda t, _z, a, b: -t * psi_rise(a, b), lambda t, _z, a, b: -t * psi_rise(b, a), tex=r"\ln B({0}, {1})"
)  # fmt: skip


def _in_chosen(z: Any, n: Any, k: Any) -> Any:
    # (z ψ(n-k+1) - z ψ(k+1)); where z = 0 one of the two has a pole
    none = z == 0
    l = np.where(none, 0.0, k)
    m = np.where(none, 0.0, n)
    at_0 = sc.gamma(n + 1) * (
        rgamma_slope(k + 1, 0.0) * sc.rgamma(n - k + 1)
        - rgamma_slope(n - k + 1, 0.0) * sc.rgamma(k + 1)  # away from a pole of the one, the other is 0
    )
    return np.where(none, at_0, z * (sc.psi(m - l + 1) - sc.psi(l + 1)))


def _in_number(z: Any, n: Any, k: Any) -> Any:
    none = z == 0
    m, l = np.where(none, 0.0, n), np.where(none, 0.0, k)
    at_0 = sc.gamma(n + 1) * sc.rgamma(k + 1) * rgamma_slope(n - k + 1, 0.0)
    return np.where(none, at_0, z * psi_rise(m - l + 1, l))


binom = special(
    "binom", lambda t, z, n, k: t * _in_number(z, n, k), lambda t, z, n, k: t * _in_chosen(z, n, k),
    tex=r"\binom{{{0}}}{{{1}}}",
)  # fmt: skip


def _is_pole(x: Any) -> Any:
    return (x <= 0) & (x == np.floor(x))


def _in_base(z: Any, a: Any, m: Any) -> Any:
    # Γ(a+m)/Γ(a) where a is a pole of Γ: by the reflection of ψ if a+m is one too, else through 1/Γ
    pole, both = _is_pole(a), _is_pole(a) & _is_pole(a + m)
    b, n = np.where(pole, a, -1.0), np.where(both, a + m, -1.0)
    reflected = z * (sc.psi(1 - n) - sc.psi(1 - b))
    single = sc.gamma(np.where(pole & ~both, a + m, 1.0)) * rgamma_slope(b, 0.0)
    return np.where(both, reflected, np.where(pole, single, z * psi_rise(np.where(pole, 1.0, a), m)))


poch = special(
    "poch", lambda t, z, a, m: t * _in_base(z, a, m), lambda t, z, a, m: t * (z * sc.psi(a + m)), tex="({0})_{{{1}}}"
)  # fmt: skip

# ---- incomplete integrals and their inverses, in their upper limit

gammainc = special(
    "gammainc", lambda t, _z, a, x: t * gammainc_da(a, x), lambda t, _z, a, x: t * gamma_density(a, x),
    tex="P({0}, {1})",
)  # fmt: skip
gammaincc = special(
    "gammaincc", lambda t, _z, a, x: -t * gammainc_da(a, x), lambda t, _z, a, x: -t * gamma_density(a, x),
    tex="Q({0}, {1})",
)  # fmt: skip
gammaincinv = special(
    "gammaincinv", lambda t, z, a, _p: t * gammaincinv_da(a, z), lambda t, z, a, _p: t / gamma_density(a, z),
    tex="P^{{-1}}({0}, {1})",
)  # fmt: skip
gammainccinv = special(
    "gammainccinv", lambda t, z, a, _q: t * gammaincinv_da(a, z), lambda t, z, a, _q: -t / gamma_density(a, z),
    tex="Q^{{-1}}({0}, {1})",
)  # fmt: skip
betainc = special(
    "betainc", lambda t, _z, a, b, x: t * betainc_da(a, b, x), lambda t, _z, a, b, x: t * betainc_db(a, b, x),
    lambda t, _z, a, b, x: t * beta_density(a, b, x), tex="I_{{{2}}}({0}, {1})",
)  # fmt: skip
betaincc = special(
    "betaincc", lambda t, _z, a, b, x: -t * betainc_da(a, b, x), lambda t, _z, a, b, x: -t * betainc_db(a, b, x),
    lambda t, _z, a, b, x: -t * beta_density(a, b, x), tex="1 - I_{{{2}}}({0}, {1})",
)  # fmt: skip
betaincinv = special(
    "betaincinv", lambda t, z, a, b, _y: t * betaincinv_da(a, b, z), lambda t, z, a, b, _y: t * betaincinv_db(a, b, z),
    lambda t, z, a, b, _y: t / beta_density(a, b, z), tex="I^{{-1}}_{{{2}}}({0}, {1})",
)  # fmt: skip
betainccinv = special(
    "betainccinv", lambda t, z, a, b, _y: t * betaincinv_da(a, b, z), lambda t, z, a, b, _y: t * betaincinv_db(a, b, z),
    lambda t, z, a, b, _y: -t / beta_density(a, b, z), tex="I^{{-1}}_{{1 - {2}}}({0}, {1})",
)  # fmt: skip
