"""Derivatives of special functions against mpmath to 50 digits, over wide ranges and in the tails.

Each row states its bound on the relative error, in units of 2^-52. Where it is large, the reason stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sc

from wengert import elementwise_grad

EPS = 2.0**-52
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

WIDE = (-40.0, -20.0, -5.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 5.0, 20.0, 40.0)
POSITIVE = (1e-8, 1e-3, 0.3, 1.0, 4.7, 20.3, 1e3, 1e5)
UNIT = (1e-300, 1e-20, 1e-3, 0.3, 0.5, 0.7, 0.999, 1 - 2.0**-40, 1 - 2.0**-53)
with mp.workdps(50):
    ROOT_PI, TWO_PI = mp.sqrt(mp.pi), 2 * mp.pi


def phi(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(TWO_PI)


def normal_quantile(p: Any) -> Any:
    """Φ⁻¹, from SciPy's value by Newton's method."""
    x = mp.mpf(float(sc.ndtri(float(p))))
    for _ in range(5):
        x -= (mp.erfc(-x / mp.sqrt(2)) / 2 - p) / phi(x)
    return x


def curvature_of_log_ndtr(x: Any) -> Any:
    slope = phi(x) / (mp.erfc(-x / mp.sqrt(2)) / 2)
    return -slope * (x + slope)


def erf_inverse(x: Any) -> Any:
    z = mp.mpf(float(sc.erfinv(float(x))))
    for _ in range(6):
        z -= (mp.erf(z) - x) * ROOT_PI / 2 * mp.exp(z * z)
    return z


def gamma_density(a: Any, x: Any) -> Any:
    return mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    log_beta = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return mp.exp((a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - log_beta)


def scaled(f: Any, g: Any) -> Any:
    """The derivative of f(x) times the exponential g(x)."""
    return lambda x: mp.diff(lambda u: f(u) * g(u), x)


def fixed(f: Any, *before: Any) -> Any:
    return lambda x: f(*before, x)


def mp_fixed(f: Any, *before: float) -> Any:
    return lambda x: f(*map(mp.mpf, before), x)


# name, function of one number, its derivative in mpmath, points, bound in 2^-52
Row = tuple[str, Callable[..., Any], Callable[..., Any], Sequence[float], float]
ROWS: list[Row] = [
    ("erf", sc.erf, lambda x: 2 / ROOT_PI * mp.exp(-x * x), (-26.0, -5.1, -0.3, 0.0, 1.7, 13.3, 26.4), 2),
    ("erfc", sc.erfc, lambda x: -2 / ROOT_PI * mp.exp(-x * x), (-26.0, -5.1, -0.3, 0.0, 1.7, 13.3, 26.4), 2),
    # 2x erfcx(x) − 2/√π cancels up to x = 6.5, by a factor of 2x²
    ("erfcx", sc.erfcx, lambda x: mp.diff(lambda u: mp.exp(u * u) * mp.erfc(u), x), (-20.0, -3.0, 0.0, 0.5, 2.0), 32),
    ("erfcx far", sc.erfcx, lambda x: 2 * x * mp.exp(x * x) * mp.erfc(x) - 2 / ROOT_PI, (5.0, 6.4, 6.6, 9.0, 30.0), 16),
    ("erfi", sc.erfi, lambda x: 2 / ROOT_PI * mp.exp(x * x), (-20.0, -1.0, 0.0, 3.3, 26.0), 2),
    ("dawsn", sc.dawsn, lambda x: 1 - x * ROOT_PI * mp.exp(-x * x) * mp.erfi(x), (0.0, 0.5, -2.0, 6.4, 6.6, 50.0), 128),
    ("erfinv", sc.erfinv, lambda x: ROOT_PI / 2 * mp.exp(erf_inverse(x) ** 2), (-0.999, -0.1, 0.0, 0.7, 1 - 2.0**-50), 4),
    ("ndtr", sc.ndtr, phi, (-37.0, -8.3, -1.0, 0.0, 2.2, 30.1), 2),
    ("log_ndtr", sc.log_ndtr, lambda x: phi(x) / (mp.erfc(-x / mp.sqrt(2)) / 2), (-1e5, -40.0, -8.0, -1.0, 0.0, 3.0, 30.0), 2),
    ("ndtri", sc.ndtri, lambda p: 1 / phi(normal_quantile(p)), UNIT, 4),
    ("owens_t in h", lambda h: sc.owens_t(h, 0.7),
     lambda h: -phi(h) * mp.erf(mp.mpf(0.7) * h / mp.sqrt(2)) / 2, (-30.0, -2.0, 1e-9, 0.5, 10.0, 37.0), 2),
    ("owens_t in a", lambda a: sc.owens_t(3.0, a),
     lambda a: mp.exp(-mp.mpf(9) / 2 * (1 + a * a)) / (TWO_PI * (1 + a * a)), (-9.0, 0.0, 0.3, 4.0), 2),
    ("expit", sc.expit, lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2, (-700.0, *WIDE, 700.0), 2),
    ("log_expit", sc.log_expit, lambda x: 1 / (1 + mp.exp(x)), (-800.0, *WIDE, 700.0), 2),
    ("logit", sc.logit, lambda p: 1 / (p * (1 - p)), UNIT, 2),
    ("exprel", sc.exprel, lambda x: (x * mp.exp(x) - mp.expm1(x)) / x**2, (-700.0, -1.0, -1e-9, 1e-5, 0.3, 20.0), 4),
    ("cosm1", sc.cosm1, lambda x: -mp.sin(x), (1e-200, 1e-3, 3.0, 22.0), 2),
    ("boxcox in λ", lambda e: sc.boxcox(3.0, e), lambda e: mp.diff(lambda u: (mp.mpf(3) ** u - 1) / u, e),
     (-30.0, -1.0, -1e-5, 1e-10, 0.4, 0.6, 20.0), 2),
    ("inv_boxcox in λ", lambda e: sc.inv_boxcox(3.0, e), lambda e: mp.diff(lambda u: (1 + 3 * u) ** (1 / u), e),
     (1e-10, 0.1, 0.2, 3.0, 50.0), 4),
    ("xlogy", lambda y: sc.xlogy(2.0, y), lambda y: 2 / y, (1e-300, 0.5, 1e300), 2),
    ("entr", sc.entr, lambda x: -mp.log(x) - 1, (1e-300, 1e-3, 0.5, 2.0, 1e10), 2),
    ("kl_div near equality", lambda x: sc.kl_div(x, 1.0), mp.log, (1 - 1e-9, 1 + 1e-12, 1.5, 0.2, 1e200), 2),
    ("kl_div in y", lambda y: sc.kl_div(1.0, y), lambda y: (y - 1) / y, (1 - 1e-9, 1 + 1e-12, 1.5, 0.2, 1e200), 2),
    ("pseudo_huber in δ", lambda d: sc.pseudo_huber(d, 1e-3),
     lambda d: mp.diff(lambda u: u * u * (mp.sqrt(1 + (mp.mpf(1e-3) / u) ** 2) - 1), d), (1e-5, 1e-3, 1.0, 1e3), 4),
    ("gamma", sc.gamma, lambda x: mp.gamma(x) * mp.psi(0, x), (-4.5, -0.3, 1e-5, 0.7, 3.0, 50.0, 170.0), 4),
    ("gammaln", sc.gammaln, lambda x: mp.psi(0, x), POSITIVE, 2),
    ("rgamma", sc.rgamma, lambda x: mp.diff(mp.rgamma, x), (-3.0, -1.0, -0.4, 0.0, 0.6, 3.3, 20.0), 2),
    ("psi", sc.psi, lambda x: mp.psi(1, x), POSITIVE, 2),
    ("zeta in x", lambda x: sc.zeta(x, 0.7), lambda x: mp.zeta(x, mp.mpf(0.7), 1), (1.01, 1.5, 3.0, 12.0), 4),
    ("zeta in q", lambda q: sc.zeta(2.5, q), lambda q: -mp.mpf(2.5) * mp.zeta(3.5, q), (0.01, 0.7, 3.0, 1e4), 4),
    ("betaln", lambda a: sc.betaln(a, 2.5), lambda a: mp.psi(0, a) - mp.psi(0, a + mp.mpf(2.5)), (0.01, 1.0, 11.9, 12.1, 1e6), 16),
    ("gammaincc, a = 0.5", fixed(sc.gammaincc, 0.5), lambda x: -gamma_density(mp.mpf(0.5), x), (1e-100, 0.1, 3.0, 600.0), 2),
    ("gammainc, a = 1000", fixed(sc.gammainc, 1e3), mp_fixed(gamma_density, 1e3), (900.0, 999.0, 1000.0, 1100.0), 4),
    # the exponent of a tail is as large as its logarithm, which magnifies its rounding
    ("gammainc's tails", fixed(sc.gammainc, 1e3), mp_fixed(gamma_density, 1e3), (500.0, 2000.0), 256),
    ("betainc", fixed(sc.betainc, 2.5, 0.7), mp_fixed(beta_density, 2.5, 0.7), (1e-100, 1e-5, 0.3, 0.9, 1 - 2.0**-50), 4),
    ("betainc, large", fixed(sc.betainc, 1e4, 3e4), mp_fixed(beta_density, 1e4, 3e4), (0.2499, 0.25, 0.2501), 2),
    # the rounding of (a + b) x is magnified by a + b and by the distance from the peak
    ("betainc's tails", fixed(sc.betainc, 1e4, 3e4), mp_fixed(beta_density, 1e4, 3e4), (0.22, 0.24, 0.26, 0.29), 2048),
    ("stdtr", fixed(sc.stdtr, 5.0),
     lambda t: mp.gamma(3) / mp.gamma(2.5) / mp.sqrt(5 * mp.pi) * (1 + t * t / 5) ** -3, (-1e20, -30.0, 0.0, 2.0, 1e3), 2),
    ("fdtr", fixed(sc.fdtr, 4.0, 9.0), lambda x: beta_density(2, mp.mpf(4.5), 4 * x / (4 * x + 9)) * 36 / (4 * x + 9) ** 2,
     (1e-20, 0.1, 1.0, 30.0, 1e10), 4),
    ("chdtrc", fixed(sc.chdtrc, 3.0), lambda x: -gamma_density(mp.mpf(1.5), x / 2) / 2, (1e-20, 1.0, 30.0, 1200.0), 2),
    # SciPy's own Bessel functions are right to some ten units; scaled ones cancel up to x = 25, by a factor of 2x
    ("jv", fixed(sc.jv, 0.5), lambda x: mp.diff(lambda u: mp.besselj(0.5, u), x), (0.1, 1.0, 5.0, 20.0), 64),
    ("iv", fixed(sc.iv, 1.5), lambda x: mp.diff(lambda u: mp.besseli(1.5, u), x), (0.1, 1.0, 30.0, 600.0), 4),
    ("kv", fixed(sc.kv, 1.5), lambda x: mp.diff(lambda u: mp.besselk(1.5, u), x), (0.1, 1.0, 30.0, 600.0), 4),
    ("ive", fixed(sc.ive, 1.0), scaled(lambda u: mp.besseli(1, u), lambda u: mp.exp(-u)), (0.1, 1.0, 24.0), 128),
    ("ive far", fixed(sc.ive, 1.0), scaled(lambda u: mp.besseli(1, u), lambda u: mp.exp(-u)), (26.0, 300.0, 1e5), 2),
    ("kve", fixed(sc.kve, 1.0), scaled(lambda u: mp.besselk(1, u), mp.exp), (0.1, 1.0, 24.0), 16),
    ("kve far", fixed(sc.kve, 1.0), scaled(lambda u: mp.besselk(1, u), mp.exp), (26.0, 300.0, 1e5), 2),
    ("i0e", sc.i0e, scaled(lambda u: mp.besseli(0, u), lambda u: mp.exp(-u)), (0.1, 3.0, 24.0, 26.0, 1e5), 128),
    ("k0e", sc.k0e, scaled(lambda u: mp.besselk(0, u), mp.exp), (0.1, 3.0, 24.0, 26.0, 1e5), 128),
    ("ellipk", sc.ellipk, lambda m: mp.diff(mp.ellipk, m), (-1e3, -1.0, 0.0, 1e-9, 0.5, 0.99), 2),
    ("ellipe", sc.ellipe, lambda m: mp.diff(mp.ellipe, m), (-1e3, -1.0, 0.0, 1e-9, 0.5, 0.99), 2),
    ("ellipkinc in m", fixed(sc.ellipkinc, 1.2), lambda m: mp.diff(lambda u: mp.ellipf(mp.mpf(1.2), u), m), (-5.0, 0.0, 1e-9, 0.9), 2),
    ("agm", lambda a: sc.agm(a, 1.0), lambda a: mp.diff(lambda u: mp.agm(u, 1), a), (0.1, 1.0, 1.0 + 1e-9, 30.0), 4),
    ("spence", sc.spence, lambda x: mp.log(x) / (1 - x), (1e-5, 0.6, 1 - 1e-9, 1 + 1e-12, 1.4, 30.0), 2),
    ("expn", fixed(sc.expn, 2), lambda x: -mp.expint(1, x), (1e-5, 0.3, 3.0, 50.0), 2),
    ("kolmogorov", sc.kolmogorov, lambda x: mp.nsum(lambda k: 8 * x * (-1) ** int(k) * k * k * mp.exp(-2 * (k * x) ** 2), [1, 80]),
     (0.2, 0.9, 1.1, 3.0), 16),
    # of second order: the rules differentiated again; below their series erfcx and ive cancel twice
    ("log_ndtr, second order", elementwise_grad(sc.log_ndtr), curvature_of_log_ndtr, (-1e3, -40.0, -3.0, 0.0, 3.0), 16),
    ("erfcx, second order", elementwise_grad(sc.erfcx),
     lambda x: (2 + 4 * x * x) * mp.exp(x * x) * mp.erfc(x) - 4 * x / ROOT_PI, (-5.0, 0.0, 1.0, 4.0, 6.0, 7.0, 100.0), 4096),
    ("ndtri, second order", elementwise_grad(sc.ndtri),
     lambda p: normal_quantile(p) / phi(normal_quantile(p)) ** 2, (1e-100, 1e-3, 0.3, 0.7, 1 - 2.0**-40), 8),
    ("gammainc, second order", elementwise_grad(fixed(sc.gammainc, 50.5)),
     lambda x: gamma_density(mp.mpf(50.5), x) * (mp.mpf(49.5) / x - 1), (10.0, 49.0, 50.0, 90.0), 64),
    ("betainc, second order", elementwise_grad(fixed(sc.betainc, 20.5, 30.5)),
     lambda x: beta_density(mp.mpf(20.5), mp.mpf(30.5), x) * (mp.mpf(19.5) / x - mp.mpf(29.5) / (1 - x)), (0.1, 0.4, 0.6, 0.95), 64),
    ("gammaln, third order", elementwise_grad(elementwise_grad(sc.gammaln)), lambda x: mp.psi(2, x), POSITIVE, 4),
    ("ellipk, second order", elementwise_grad(sc.ellipk), lambda m: mp.diff(mp.ellipk, m, 2), (-1e3, -1.0, 0.0, 1e-3, 0.5, 0.99), 4),
    ("ive, second order", elementwise_grad(fixed(sc.ive, 1.0)),
     lambda x: mp.diff(lambda u: mp.besseli(1, u) * mp.exp(-u), x, 2), (0.1, 1.0, 24.0, 26.0, 300.0), 4096),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "slope", "points", "bound"), ROWS, ids=[row[0] for row in ROWS])
def test_derivative(name: str, f: Any, slope: Any, points: Any, bound: float) -> None:
    with mp.workdps(50):
        want = [slope(mp.mpf(x)) for x in points]
        got = elementwise_grad(f)(np.array(points))
        for x, d, w in zip(points, got, want, strict=True):
            error = abs(mp.mpf(float(d)) - w) / abs(w) if w else abs(mp.mpf(float(d)))
            assert error <= bound * EPS, (
                f"{name} at {x}: {d}, expected {mp.nstr(w, 20)}: off by {float(error / EPS):.3g} units"
            )
