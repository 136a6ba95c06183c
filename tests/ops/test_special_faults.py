"""Derivatives of special functions on every branch: seams, poles, ends and both tails, to first and second order.

The oracle is mpmath at 40 digits, differentiated numerically, unless a closed form stands beside a row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sc

import wengert
from wengert.errors import UnsupportedError
from wengert.ops import special_bessel as spherical  # SciPy's are plain functions, which no dispatch reaches
from wengert.ops.special_parameters_gamma import psi_error

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

Row = tuple[str, tuple[float, ...], tuple[int, ...], float]


def derivative(f: Callable[..., Any], along: tuple[int, ...]) -> Callable[..., Any]:
    """The derivative in one operand after another."""
    for k in along:
        f = wengert.grad(f, k)
    return f


def differences(f: Callable[..., Any], at: tuple[float, ...], along: tuple[int, ...]) -> float:
    with mp.workdps(40):
        counts = tuple(along.count(k) for k in range(len(at)))
        varied = [k for k, n in enumerate(counts) if n]
        xs: list[Any] = [mp.mpf(x) for x in at]

        def moved(*values: Any) -> Any:
            for k, x in zip(varied, values, strict=True):
                xs[k] = x
            return mp.re(f(*xs))

        point = tuple(mp.mpf(at[k]) for k in varied)
        order = tuple(counts[k] for k in varied)
        return float(mp.diff(moved, point[0], order[0]) if len(varied) == 1 else mp.diff(moved, point, order))


def agree(got: Any, want: float, bound: float) -> None:
    assert abs(got - want) <= bound * max(abs(want), 1e-290), f"{got!r}, oracle {want!r}"


# ---- the functions in mpmath


def voigt(x: Any, s: Any, g: Any) -> Any:
    z = (x + 1j * g) / (s * mp.sqrt(2))
    return mp.re(mp.exp(-z * z) * mp.erfc(-1j * z)) / (s * mp.sqrt(2 * mp.pi))


def wright(a: Any, b: Any, x: Any) -> Any:
    return mp.fsum(x**k / mp.factorial(k) * mp.rgamma(a * k + b) for k in range(80))


def zeta(s: Any, q: Any) -> Any:
    return mp.zeta(s, q)


def lower_gamma(a: Any, x: Any) -> Any:
    # Kummer's series; from x on where the upper tail is the smaller, mpmath's own
    return x**a * mp.exp(-x) * mp.hyp1f1(1, a + 1, x) * mp.rgamma(a + 1)


def upper_gamma(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def lower_beta(a: Any, b: Any, x: Any) -> Any:
    return x**a * (1 - x) ** b / (a * mp.beta(a, b)) * mp.hyp2f1(a + b, 1, a + 1, x)


def upper_beta(a: Any, b: Any, x: Any) -> Any:
    return lower_beta(b, a, 1 - x)


def student(df: Any, x: Any) -> Any:
    tail = mp.betainc(df / 2, 0.5, 0, df / (df + x * x), regularized=True) / 2
    return 1 - tail if x > 0 else tail


def fisher(m: Any, n: Any, x: Any) -> Any:
    return lower_beta(m / 2, n / 2, m * x / (m * x + n))


def chi2(v: Any, x: Any) -> Any:
    return lower_gamma(v / 2, x / 2)


def gamma_cdf(a: Any, b: Any, x: Any) -> Any:
    return lower_gamma(b, a * x)


def log_ndtr(x: Any) -> Any:
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def noncentral(x: Any, k: Any, nc: Any) -> Any:
    return mp.fsum(mp.exp(-nc / 2) * (nc / 2) ** j / mp.factorial(j) * chi2(k + 2 * j, x) for j in range(60))


def tukey_huber(d: Any, r: Any) -> Any:
    return d * d * (mp.sqrt(1 + (r / d) ** 2) - 1)


def kolmogorov(x: Any) -> Any:
    return 2 * mp.fsum((-1) ** (k - 1) * mp.exp(-2 * k * k * x * x) for k in range(1, 60))


ORACLES: dict[str, Callable[..., Any]] = {
    "agm": mp.agm,
    "bei": lambda x: mp.bei(0, x),
    "ber": lambda x: mp.ber(0, x),
    "bdtr": lambda k, n, p: upper_beta(k + 1, n - k, p),
    "beta": mp.beta,
    "betainc": lower_beta,
    "betaincc": upper_beta,
    "betaln": lambda a, b: mp.log(mp.beta(a, b)),
    "binom": mp.binomial,
    "boxcox": lambda x, e: (x**e - 1) / e,
    "boxcox1p": lambda x, e: ((1 + x) ** e - 1) / e,
    "chdtr": chi2,
    "chndtr": noncentral,
    "dawsn": dawson,
    "ellipe": mp.ellipe,
    "ellipeinc": mp.ellipe,
    "ellipk": mp.ellipk,
    "ellipkinc": mp.ellipf,
    "ellipkm1": lambda p: mp.ellipk(1 - p),
    "elliprc": mp.elliprc,
    "elliprd": mp.elliprd,
    "elliprf": mp.elliprf,
    "elliprg": mp.elliprg,
    "elliprj": mp.elliprj,
    "entr": lambda x: -x * mp.log(x),
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "erfi": mp.erfi,
    "expn": mp.expint,
    "eval_gegenbauer": lambda n, a, x: mp.gegenbauer(int(n), a, x),
    "eval_genlaguerre": lambda n, a, x: mp.laguerre(int(n), a, x),
    "eval_hermite": lambda n, x: mp.hermite(int(n), x),
    "eval_jacobi": lambda n, a, b, x: mp.jacobi(int(n), a, b, x),
    "eval_legendre": lambda n, x: mp.legendre(int(n), x),
    "eval_chebyt": lambda n, x: mp.chebyt(int(n), x),
    "eval_chebyu": lambda n, x: mp.chebyu(int(n), x),
    "eval_sh_legendre": lambda n, x: mp.legendre(int(n), 2 * x - 1),
    "exprel": lambda x: mp.expm1(x) / x,
    "fdtr": fisher,
    "gamma": mp.gamma,
    "gammainc": lower_gamma,
    "gammaincc": upper_gamma,
    "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
    "gdtr": gamma_cdf,
    "hyp0f1": mp.hyp0f1,
    "hyp1f1": mp.hyp1f1,
    "hyp2f1": mp.hyp2f1,
    "hyperu": mp.hyperu,
    "inv_boxcox": lambda y, e: (1 + e * y) ** (1 / e),
    "inv_boxcox1p": lambda y, e: (1 + e * y) ** (1 / e) - 1,
    "iv": mp.besseli,
    "ive": lambda v, x: mp.exp(-abs(x)) * mp.besseli(v, x),
    "jv": mp.besselj,
    "kei": lambda x: mp.kei(0, x),
    "ker": lambda x: mp.ker(0, x),
    "kl_div": lambda x, y: x * mp.log(x / y) - x + y,
    "kolmogorov": kolmogorov,
    "kv": mp.besselk,
    "kve": lambda v, x: mp.exp(x) * mp.besselk(v, x),
    "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
    "log_ndtr": log_ndtr,
    "log_wright_bessel": lambda a, b, x: mp.log(wright(a, b, x)),
    "modstruve": mp.struvel,
    "nbdtr": lambda k, n, p: lower_beta(n, k + 1, p),
    "owens_t": lambda h, a: mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi),
    "pdtr": lambda k, m: upper_gamma(k + 1, m),
    "poch": mp.rf,
    "powm1": lambda x, y: x**y - 1,
    "pseudo_huber": tukey_huber,
    "psi": mp.digamma,
    "rel_entr": lambda x, y: x * mp.log(x / y),
    "rgamma": mp.rgamma,
    "spherical_in": lambda n, x: mp.sqrt(mp.pi / (2 * x)) * mp.besseli(n + 0.5, x),
    "spherical_jn": lambda n, x: mp.sqrt(mp.pi / (2 * x)) * mp.besselj(n + 0.5, x),
    "spherical_kn": lambda n, x: mp.sqrt(mp.pi / (2 * x)) * mp.besselk(n + 0.5, x),
    "spherical_yn": lambda n, x: mp.sqrt(mp.pi / (2 * x)) * mp.bessely(n + 0.5, x),
    "spence": lambda x: mp.polylog(2, 1 - x),
    "stdtr": student,
    "struve": mp.struveh,
    "voigt_profile": voigt,
    "wright_bessel": wright,
    "yv": mp.bessely,
    "zeta": zeta,
    "zetac": lambda x: mp.zeta(x) - 1,
}

ROWS: list[Row] = [
    # Γ and ψ: poles, the reflection's seam, both signs
    *(("rgamma", (x,), (0,), 1e-13) for x in (-3.0, -2.0, -1.0, 0.0, -2.0 + 1e-9, -1.5, 0.25, 0.499, 0.501, 4.2)),
    *(("rgamma", (x,), (0, 0), 1e-12) for x in (-2.5, -0.3, 0.25, 0.75, 6.5)),
    *(("psi", (x,), (0, 0), 1e-12) for x in (0.3, 2.0, 30.0)),
    *(("gamma", (x,), (0, 0), 1e-12) for x in (0.3, 4.5)),
    *(("gammaln", (x,), (0,), 1e-13) for x in (-2.7, -0.4, 0.2, 50.0)),
    # B: ψ(a + b) − ψ(a) by its series from a = 12 on
    *(("betaln", (a, b), (0,), 3e-14) for a in (12.1, 40.0, 1e6) for b in (1e-5, 0.7, 25.0)),
    *(("betaln", (a, b), (0,), 1e-13) for a in (0.2, 11.9) for b in (0.7, 25.0)),
    *(("betaln", (a, 0.7), (0, 0), 1e-10) for a in (11.9, 12.1, 300.0)),  # two functions cancel to their 1e-3rd
    *(("beta", (a, 2.5), (0, 1), 1e-12) for a in (0.4, 3.0, 15.0)),
    # binomial coefficients: zeros at both ends, and whole numbers between
    *(("binom", (5.0, k), (1,), 1e-12) for k in (-2.0, -1.0, 0.0, 2.0, 5.0, 6.0, 8.0)),
    *(("binom", (n, k), (0,), 1e-12) for n, k in ((5.0, 6.0), (5.0, 8.0), (5.0, 2.0), (0.5, 3.0), (40.0, 2.5))),
    *(("binom", (-2.5, k), (1,), 1e-12) for k in (0.4, 2.0)),
    *(("poch", (a, 3.0), (0,), 1e-12) for a in (-5.0, -2.0, -1.0, -0.3, 0.7, 14.0)),
    ("poch", (-3.0, 4.5), (0,), 1e-12), ("poch", (-2.0, 6.5), (0,), 1e-12),
    *(("poch", (a, m), (1,), 1e-12) for a, m in ((0.7, 3.0), (2.0, -0.5), (14.0, 1.25))),
    # ζ: left of 0 and at it, near its pole, and both variables
    *(("zetac", (x,), (0,), 1e-12) for x in (-7.5, -4.0, -2.0, -0.5, 0.0, 0.5, 0.999, 1.001, 2.0, 12.0, 40.0)),
    *(("zeta", (x, q), (0,), 1e-12) for x in (1.01, 2.0, 9.0, 30.0) for q in (0.2, 1.0, 7.5)),
    *(("zeta", (x, 1.7), along, 1e-11) for x in (1.5, 6.0) for along in ((0, 0), (0, 1), (1, 1))),
    # incomplete Γ: small and large a, both tails, first and second order
    *(("gammainc", (a, x), (0,), 1e-12) for a, x in ((1e-3, 0.2), (0.4, 1e-6), (2.0, 1.5), (16.0, 5.0), (200.0, 180.0))),
    *(("gammaincc", (a, x), (0,), 1e-12) for a, x in ((5e-4, 0.2), (0.4, 3.0), (2.0, 9.0), (16.0, 30.0), (14.9, 15.0))),
    *(("gammainc", (a, x), along, 1e-11) for a, x in ((0.6, 0.3), (3.0, 2.2), (16.0, 12.0))
      for along in ((0, 0), (0, 1), (1, 1))),
    *(("gammaincc", (3.0, 7.0), along, 1e-11) for along in ((0, 0), (0, 1), (1, 1))),
    # incomplete B: near both ends, a small and a large parameter
    *(("betainc", (a, b, x), (k,), 1e-11) for k in (0, 1)
      for a, b, x in ((2.0, 3.0, 1e-8), (0.3, 4.0, 0.01), (2.0, 3.0, 0.4), (60.0, 40.0, 0.5), (0.05, 0.4, 0.2))),
    *(("betaincc", (a, b, x), (k,), 1e-11) for k in (0, 1) for a, b, x in ((2.0, 3.0, 0.99), (60.0, 40.0, 0.75))),
    *(("betainc", (1.5, 2.5, 0.3), along, 1e-10) for along in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2))),
    # distributions
    *(("stdtr", (df, x), (0,), 1e-11) for df in (0.7, 5.0, 45.0) for x in (-6.0, -0.3, 0.3, 2.0)),
    *(("stdtr", (5.0, x), (1, 1), 1e-12) for x in (-6.0, 0.3, 2.5)),
    *(("fdtr", (m, n, x), (k,), 1e-11) for m, n, x in ((3.0, 5.0, 0.2), (3.0, 5.0, 4.0), (40.0, 30.0, 1.1))
      for k in (0, 1, 2)),
    *(("chdtr", (3.5, 2.0), along, 1e-11) for along in ((0,), (1,), (0, 0), (0, 1), (1, 1))),
    *(("gdtr", (1.3, 2.5, 0.8), along, 1e-11) for along in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 0))),
    ("pdtr", (3.0, 2.5), (1,), 1e-13), ("bdtr", (3.0, 8, 0.3), (2,), 1e-13), ("nbdtr", (3, 4, 0.3), (2,), 1e-13),
    *(("chndtr", (x, 3.0, 1.7), (k,), 1e-12) for x in (0.4, 9.0) for k in (0, 2)),
    *(("kolmogorov", (x,), (0,), 1e-12) for x in (0.3, 0.8, 0.999, 1.001, 2.5)),
    # error functions: both sides of the asymptotic series' seam
    *((name, (x,), (0,), 1e-11) for name in ("erfcx", "dawsn") for x in (-2.0, 0.4, 6.4, 6.6, 30.0)),
    *((name, (x,), (0, 0), 1e-10) for name in ("erfcx", "dawsn") for x in (0.4, 4.0, 6.6, 30.0)),
    *(("log_ndtr", (x,), (0, 0), 1e-11) for x in (-30.0, -1.0, 0.5, 6.0)),
    *(("voigt_profile", at, (k,), 1e-11) for k in (0, 1, 2)
      for at in ((0.7, 1.3, 0.4), (-2.0, 0.2, 0.3), (9.0, 1.0, 0.5), (0.3, 0.05, 2.0))),
    *(("voigt_profile", (0.7, 1.3, 0.4), along, 1e-11) for along in ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2))),
    # Bessel functions: in order and argument, on each method's ground
    *(("jv", at, (0,), 1e-11) for at in ((0.0, 1.0), (2.0, 7.0), (-1.5, 3.0), (12.0, 3.0), (0.4, 30.0), (7.0, 24.9))),
    *(("yv", at, (0,), 1e-11) for at in ((0.0, 1.0), (2.0, 7.0), (-1.5, 3.0), (0.4, 30.0), (3.0, 0.5))),
    *(("iv", at, (0,), 1e-11) for at in ((0.3, 1.0), (4.0, 0.5), (-1.5, 3.0), (2.0, 30.0))),
    *(("kv", at, (0,), 1e-11) for at in ((0.3, 1.0), (4.0, 0.5), (-1.5, 3.0), (2.0, 30.0))),
    *((name, (1.3, 2.0), along, 1e-11) for name in ("jv", "yv", "iv", "kv", "ive", "kve")
      for along in ((0, 1), (0, 0), (1, 1))),
    *((name, (v, x), (1,), 1e-11) for name in ("ive", "kve") for v in (0.0, 2.5) for x in (0.5, 24.0, 26.0, 300.0)),
    *((name, (0.7, x), (1, 1), 1e-10) for name in ("ive", "kve") for x in (5.0, 26.0, 300.0)),
    ("ive", (2.0, -3.0), (1,), 1e-12),
    *(("struve", (v, x), (k,), 1e-11) for v, x in ((0.4, 2.0), (1.5, 7.9), (0.6, 9.0), (2.0, 40.0)) for k in (0, 1)),
    *(("modstruve", (v, x), (k,), 1e-11) for v, x in ((0.4, 2.0), (1.5, 9.0)) for k in (0, 1)),
    *((name, (0.6, 3.0), along, 1e-10) for name in ("struve", "modstruve") for along in ((0, 1), (1, 1))),
    # hypergeometric functions
    *(("hyp0f1", (1.5, x), (0,), 1e-11) for x in (-80.0, -50.0, -1.0, 0.7, 30.0)),
    *(("hyp1f1", (0.7, 1.9, x), (k,), 1e-11) for x in (-12.0, 0.8, 9.0) for k in (0, 1, 2)),
    *(("hyp1f1", (0.7, 1.9, 0.8), along, 1e-11) for along in ((0, 1), (0, 2), (1, 1), (1, 2))),
    *(("hyp2f1", (0.7, 1.2, 1.9, x), (k,), 1e-11) for x in (-5.0, -0.4, 0.6) for k in range(4)),
    *(("hyp2f1", (0.7, 1.2, 1.9, -2.0), along, 1e-10) for along in ((0, 1), (0, 2), (2, 2), (0, 3), (2, 3))),
    *(("hyperu", (a, b, x), (k,), 1e-10) for k in (0, 1, 2)
      for a, b, x in ((1.3, 0.4, 2.0), (0.02, 2.6, 0.3), (9.0, 3.5, 20.0), (-0.4, -1.7, 0.8))),
    *(("hyperu", (1.3, 0.4, 2.0), along, 1e-10) for along in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2))),
    *(("wright_bessel", (a, b, x), (k,), 1e-11) for k in (0, 1, 2)
      for a, b, x in ((0.5, 1.2, 0.7), (0.0, 1.5, 2.0), (1.3, 0.0, 3.0))),
    *(("wright_bessel", (0.5, 1.2, 0.7), along, 1e-11) for along in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2))),
    # elliptic integrals: m near 0 and 1 and below 0, ties and operands far apart
    *((name, (m,), (0,), 1e-12) for name in ("ellipk", "ellipe") for m in (-30.0, -1e-9, 0.0, 1e-9, 0.5, 1 - 1e-9)),
    *((name, (m,), (0, 0), 1e-11) for name in ("ellipk", "ellipe") for m in (-3.0, 0.02, 0.5, 0.97)),
    *(("ellipkm1", (p,), (0,), 1e-13) for p in (1e-30, 1e-5, 0.3)),
    *((name, (phi, m), (k,), 1e-12) for name in ("ellipkinc", "ellipeinc") for k in (0, 1)
      for phi, m in ((0.3, 1e-8), (1.5, 0.99), (0.7, -4.0), (5.0, 0.6), (-2.0, 0.6))),
    *((name, (0.9, 0.4), along, 1e-11) for name in ("ellipkinc", "ellipeinc") for along in ((0, 0), (0, 1), (1, 1))),
    *(("elliprf", (0.4, 1.3, 2.0), along, 1e-11) for along in ((0,), (2,), (0, 0), (0, 1))),
    *(("elliprg", (0.4, 1.3, 2.0), along, 1e-11) for along in ((0,), (2,), (0, 0), (0, 1))),
    *(("elliprc", at, (k,), 1e-12) for at in ((0.4, 1.3), (1.3, 0.4), (0.7, -0.8)) for k in (0, 1)),
    *(("elliprd", at, (k,), 1e-12) for k in (0, 1, 2)
      for at in ((0.4, 1.3, 2.0), (1.0, 3.0, 1.04), (0.2, 0.5, 30.0), (25.0, 0.3, 0.1), (1.0, 2.0, 1.2))),
    *(("elliprd", (0.4, 1.3, 2.0), along, 1e-11) for along in ((0, 0), (0, 1), (0, 2))),
    *(("elliprj", (0.4, 1.3, 2.0, 0.9), (k,), 1e-11) for k in range(4)),
    *(("agm", (1.2, b), (k,), 1e-12) for b in (1e-6, 0.7, 9.0) for k in (0, 1)),
    # elementary: seams of their series
    *(("exprel", (x,), (0,), 1e-13) for x in (-30.0, -1.01, -0.99, 1e-7, 0.99, 1.01, 20.0)),
    *((name, (x, e), (1,), 1e-12) for name in ("boxcox", "boxcox1p") for x in (0.3, 4.0) for e in (1e-9, 0.3, -2.0)),
    *((name, (0.8, e), (1,), 1e-11) for name in ("inv_boxcox", "inv_boxcox1p") for e in (1e-9, 0.3, 2.0, -0.6)),
    *(("pseudo_huber", (0.7, r), (k,), 1e-12) for r in (1e-6, -3.0) for k in (0, 1)),
    *((name, (x, y), (k,), 1e-13) for name in ("kl_div", "rel_entr") for k in (0, 1)
      for x, y in ((0.3, 2.0), (2.0, 2.0 + 1e-9), (4.0, 0.1))),
    *(("powm1", (1.3, 0.4), along, 1e-13) for along in ((0,), (1,), (0, 1))),
    *(("spence", (x,), (0,), 1e-13) for x in (0.1, 0.49, 0.51, 1 + 1e-9, 1.49, 1.51, 20.0)),
    *((name, (n, x), (1,) * order, 1e-11) for name in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn")
      for n in (0, 1, 4) for x in (0.7, 9.0) for order in (1, 2)),
    *((name, (x,), (0,) * order, 1e-11) for name in ("ber", "bei") for x in (0.6, 4.0) for order in (1, 2, 3)),
    *((name, (0.6,), (0,) * order, 1e-11) for name in ("ker", "kei") for order in (1, 2)),
    *((name, (n, x), (1,) * order, 1e-11) for n, x in ((2, 0.3), (5, -0.7), (6, 1.0))
      for name in ("eval_legendre", "eval_chebyt", "eval_chebyu", "eval_sh_legendre", "eval_hermite")
      for order in (1, 2)),
    *(("eval_gegenbauer", (n, 0.7, x), along, 1e-11) for n in (1, 2, 5) for x in (0.4, -1.0)
      for along in ((1,), (2,), (1, 2), (1, 1))[: 2 + n]),
    *(("eval_genlaguerre", (n, 0.7, x), along, 1e-11) for n in (2, 5) for x in (0.4, 9.0)
      for along in ((1,), (2,), (1, 2), (1, 1))),
    *(("eval_jacobi", (4, 0.7, -0.3, x), along, 1e-11) for x in (0.4, -0.9)
      for along in ((1,), (2,), (3,), (1, 1), (1, 2), (2, 3), (3, 3))),
    # where a + b is 0 or −1 the recurrence begins with 0/0
    *(("eval_jacobi", (3, a, b, 0.4), along, 1e-11) for a, b in ((0.25, -0.25), (-0.25, -0.75), (0.0, 0.0))
      for along in ((1,), (2,), (1, 2), (2, 2))),
    # degrees 0 and 1
    *((name, (n, 0.7, 0.4), (1,), 1e-12) for name in ("eval_gegenbauer", "eval_genlaguerre") for n in (0, 1)),
    *(("eval_jacobi", (n, 0.7, -0.3, 0.4), (k,), 1e-12) for n in (0, 1) for k in (1, 2, 3)),
    *(("owens_t", (h, a), along, 1e-11) for h, a in ((0.4, 1.7),) for along in ((0,), (1,))),
    *(("log_wright_bessel", (0.5, 1.2, 0.7), along, 1e-11) for along in ((0,), (1,), (2,), (2, 2), (0, 2))),
    *(("log_expit", (x,), (0,) * order, 1e-13) for x in (-40.0, 0.3, 40.0) for order in (1, 2)),
    *(("entr", (x,), (0,) * order, 1e-13) for x in (1e-9, 3.0) for order in (1, 2)),
    *(("expn", (float(n), 0.8), (1,), 1e-13) for n in (0, 1, 4)),
]  # fmt: skip


@pytest.mark.parametrize("name", sorted({row[0] for row in ROWS}))
def test_derivatives(name: str) -> None:
    function: Any = getattr(spherical, name, None) if name.startswith("spherical") else getattr(sc, name, None)
    if function is None:
        pytest.skip(f"this SciPy has no {name}")
    faults: list[str] = []
    for _, at, along, bound in (row for row in ROWS if row[0] == name):
        # whole orders and degrees are Python's, for SciPy warns of others
        got, want = float(derivative(function, along)(*at)), differences(ORACLES[name], at, along)
        if not abs(got - want) <= bound * max(abs(want), 1e-290):
            faults.append(f"{at} in {along}: {got!r}, mpmath {want!r}, error {abs(got / want - 1):.1e}")
    assert not faults, "\n".join(faults)


# ---- several outputs


def grown(x: Any) -> Any:
    return mp.exp(mp.mpf(2) / 3 * x * mp.sqrt(x))


OUTPUTS: dict[str, tuple[tuple[Callable[..., Any], ...], tuple[tuple[float, ...], ...], float]] = {
    "airy": (
        (mp.airyai, lambda x: mp.airyai(x, derivative=1), mp.airybi, lambda x: mp.airybi(x, derivative=1)),
        ((-6.0,), (0.4,), (5.0,)),
        1e-12,
    ),
    "airye": (
        (
            lambda x: mp.airyai(x) * grown(x),
            lambda x: mp.airyai(x, derivative=1) * grown(x),
            lambda x: mp.airybi(x) / grown(x),
            lambda x: mp.airybi(x, derivative=1) / grown(x),
        ),
        ((0.4,), (3.0,), (8.5,), (60.0,)),
        1e-9,  # the slopes of e^-x I and e^x K cancel before their series begin
    ),
    "fresnel": ((mp.fresnels, mp.fresnelc), ((-1.3,), (0.2,), (3.1,)), 1e-12),
    "sici": ((mp.si, lambda x: mp.ci(abs(x))), ((0.3,), (4.0,), (30.0,)), 1e-12),
    "shichi": ((mp.shi, mp.chi), ((0.3,), (4.0,)), 1e-12),
    "ellipj": (
        tuple(lambda u, m, kind=kind: mp.ellipfun(kind, u, m=m) for kind in ("sn", "cn", "dn")),
        ((0.7, 0.3), (2.9, 0.6), (5.0, 0.02), (1.1, 0.97)),
        1e-11,
    ),
    "itj0y0": ((lambda x: mp.quad(mp.j0, [0, x]),), ((1.3,),), 1e-12),
}


# ---- inverses: where F(z, …) = p, the slope is −F_y/F_z at SciPy's own z

INVERSES: list[tuple[str, str, int, int, tuple[float, ...]]] = [
    # inverse, function, the operand sought, where p stands, operands
    ("gammaincinv", "gammainc", 1, 1, (2.5, 0.3)),
    ("betaincinv", "betainc", 2, 2, (1.5, 2.5, 0.3)),
    ("stdtrit", "stdtr", 1, 1, (4.0, 0.8)),
    ("stdtridf", "stdtr", 0, 0, (0.8, 0.95)),
    ("btdtria", "betainc", 0, 0, (0.4, 2.5, 0.3)),
    ("btdtrib", "betainc", 1, 1, (1.5, 0.4, 0.3)),
    ("chdtriv", "chdtr", 0, 0, (0.4, 2.0)),
    ("gdtria", "gdtr", 0, 0, (0.4, 2.5, 0.8)),
    ("gdtrib", "gdtr", 1, 1, (1.3, 0.4, 0.8)),
    ("gdtrix", "gdtr", 2, 2, (1.3, 2.5, 0.4)),
    ("fdtri", "fdtr", 2, 2, (3.0, 5.0, 0.4)),
    ("fdtridfd", "fdtr", 1, 1, (3.0, 0.8, 2.0)),
    ("pdtrik", "pdtr", 0, 0, (0.4, 2.5)),
    ("bdtrik", "bdtr", 0, 0, (0.4, 8.0, 0.3)),
    ("bdtrin", "bdtr", 1, 1, (3.0, 0.4, 0.3)),
    ("nbdtrik", "nbdtr", 0, 0, (0.4, 3.0, 0.3)),
    ("nbdtrin", "nbdtr", 1, 1, (3.0, 0.4, 0.3)),
    ("chndtrix", "chndtr", 0, 0, (0.4, 3.0, 1.7)),
]


@pytest.mark.parametrize("row", INVERSES, ids=lambda row: row[0])
def test_inverses(row: tuple[str, str, int, int, tuple[float, ...]]) -> None:
    name, forward, sought, place, args = row
    function: Any = getattr(sc, name, None)
    if function is None:
        pytest.skip(f"this SciPy has no {name}")
    z = float(function(*args))
    rest = [x for k, x in enumerate(args) if k != place]
    operands = (*rest[:sought], z, *rest[sought:])
    steepness = differences(ORACLES[forward], operands, (sought,))
    others = [k for k in range(len(args)) if k != place]
    positions = [k for k in range(len(args)) if k != sought]
    agree(wengert.grad(function, place)(*args), 1 / steepness, 1e-11)
    for k, position in zip(others, positions, strict=True):
        if (name, k) == ("chndtrix", 1):
            continue  # refused
        want = -differences(ORACLES[forward], operands, (position,)) / steepness
        agree(wengert.grad(function, k)(*args), want, 1e-10)


# ---- points that no difference reaches, by closed forms

EDGES: list[tuple[str, tuple[float, ...], tuple[int, ...], float]] = [
    ("gammainc", (np.inf, 2.0), (0,), np.nan),
    ("gammainc", (-1.0, 0.0), (0,), np.nan),
    ("kl_div", (0.0, 2.0), (1,), 1.0),
    ("rel_entr", (0.0, 2.0), (1,), 0.0),
    ("xlogy", (0.0, 0.0), (1,), 0.0),
    ("xlogy", (0.0, 3.0), (0,), float(np.log(3.0))),
    ("xlog1py", (0.0, -1.0), (1,), 0.0),
    ("betainc", (2.0, 3.0, 0.0), (0,), 0.0),
    ("betainc", (2.0, 3.0, 0.0), (1,), 0.0),
    ("betainc", (2.0, 3.0, 1.0), (0,), 0.0),
    ("betainc", (2.0, 3.0, 1.0), (1,), 0.0),
    ("betainc", (0.0, 3.0, 0.4), (0,), np.nan),
    ("betainc", (2.0, 0.0, 0.4), (1,), np.nan),
    ("gammainc", (2.0, 0.0), (0,), 0.0),
    ("gammainc", (2.0, np.inf), (0,), 0.0),
    ("gammainc", (-1.0, 2.0), (0,), np.nan),
    # the sign of zero tells the side of a pole
    ("betaln", (0.0, 2.0), (0,), -np.inf),
    ("betaln", (-0.0, 2.0), (0,), np.inf),
    # densities at the ends of their ranges, by powers and from their peaks
    *(
        ("betainc", (a, b, x), (2,), want)
        for a, b, x, want in (
            (2.0, 3.0, 0.0, 0.0),
            (2.0, 3.0, 1.0, 0.0),
            (1.0, 3.0, 0.0, 3.0),
            (3.0, 1.0, 1.0, 3.0),
            (1.0, 1.0, 0.0, 1.0),
            (20.0, 30.0, 0.0, 0.0),
            (20.0, 30.0, 1.0, 0.0),
            (0.5, 30.0, 0.0, np.inf),
            (30.0, 0.5, 1.0, np.inf),
            (30.0, 1.0, 1.0, 30.0),
            (1.0, 30.0, 0.0, 30.0),
            (20.0, 2.0, 0.0, 0.0),
        )
    ),
    *(
        ("gammainc", (a, x), (1,), want)
        for a, x, want in (
            (2.0, 0.0, 0.0),
            (20.0, 0.0, 0.0),
            (2.0, np.inf, 0.0),
            (20.0, np.inf, 0.0),
            (0.5, 0.0, np.inf),
        )
    ),
    *(
        (name, (df, x), (1,), 0.0)
        for name, df, x in (
            ("stdtr", 5.0, np.inf),
            ("stdtr", 50.0, -np.inf),
            ("chdtr", 3.0, np.inf),
            ("chdtr", 50.0, np.inf),
        )
    ),
    ("gammainc", (1.0, 0.0), (1,), 1.0),
    ("gammainc", (2.0, 0.0), (1, 1), 1.0),
    ("jv", (2.0, 0.0), (0,), 0.0),
    ("wright_bessel", (-0.5, 1.0, 1.0), (0,), np.nan),
    ("zetac", (0.0,), (0,), -0.5 * float(np.log(2 * np.pi))),
    ("erfinv", (0.0,), (0,), float(np.sqrt(np.pi) / 2)),
    ("spence", (1.0,), (0,), -1.0),
    ("exprel", (0.0,), (0,), 0.5),
    ("boxcox", (3.0, 0.0), (1,), float(np.log(3.0) ** 2 / 2)),
    ("inv_boxcox", (2.0, 0.0), (1,), float(-2 * np.exp(2.0))),
    ("huber", (1.0, 1.0), (1,), 1.0),
    ("entr", (1.0,), (0,), -1.0),
]


@pytest.mark.parametrize(("name", "at", "along", "want"), EDGES)
def test_edges(name: str, at: tuple[float, ...], along: tuple[int, ...], want: float) -> None:
    np.testing.assert_allclose(derivative(getattr(sc, name), along)(*at), want, rtol=4e-15, atol=0)


@pytest.mark.parametrize("x", [-2.0, 0.3, 5.0])
@pytest.mark.parametrize("g", [0.3, 2.0])
def test_voigt_without_gaussian_part(x: float, g: float) -> None:
    """A Lorentz profile: γ/(π (x² + γ²)). It is even in σ, so flat there."""
    r = x * x + g * g
    got = [wengert.grad(sc.voigt_profile, k)(x, 0.0, g) for k in range(3)]
    want = [-2 * x * g / (np.pi * r * r), 0.0, (x * x - g * g) / (np.pi * r * r)]
    np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("z", [0.3 + 0.4j, 5 + 4.5j, 6 + 4j, -3 - 1j, 2 - 7j])
def test_complex_faddeeva(z: complex) -> None:
    with mp.workdps(40):
        want = complex(mp.diff(lambda u: mp.exp(-u * u) * mp.erfc(-1j * u), mp.mpmathify(z)))
    got = wengert.grad(sc.wofz, holomorphic=True)(np.complex128(z))
    assert abs(got - want) <= 1e-11 * abs(want)


@pytest.mark.parametrize("a", [0.3, 14.9, 15.0, 16.0, 22.0, 300.0])
def test_error_of_the_logarithm_for_digamma(a: float) -> None:
    with mp.workdps(40):
        want = float(mp.digamma(a) - mp.log(a))
    # below the seam two numbers of size 2.7 are subtracted, to leave 0.03
    agree(psi_error(a), want, 3e-15 if a >= 15 else 3e-14)


def test_a_shape_whose_derivative_is_not_known_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no derivative in its second argument"):
        wengert.grad(sc.chndtr, 1)(0.4, 3.0, 1.7)


def test_a_count_is_flat() -> None:
    in_count, in_mean = wengert.grad(lambda k, m: sc.pdtr(k, m) + 0 * k, (0, 1))(3.0, 2.5)
    assert in_count == 0.0
    agree(in_mean, -float(np.exp(-2.5) * 2.5**3 / 6), 1e-14)


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_several_outputs(name: str) -> None:
    """Each output in the last operand, to first and second order."""
    oracles, rows, bound = OUTPUTS[name]
    for at in rows:
        for k, oracle in enumerate(oracles):
            for order in (1, 2):
                *fixed, x = at
                f: Any = lambda x, k=k, fixed=fixed: getattr(sc, name)(*fixed, x)[k]
                with mp.workdps(40):
                    want = float(mp.re(mp.diff(lambda u, o=oracle, c=fixed: mp.re(o(*c, u)), mp.mpf(x), order)))
                agree(derivative(f, (0,) * order)(x), want, bound)


@pytest.mark.parametrize("a", [0.2, 2.5, 11.9, 12.1])
@pytest.mark.parametrize("b", [1e-12, 1e-5])
def test_a_small_rise_of_digamma(a: float, b: float) -> None:
    """∂ ln B/∂a = ψ(a) − ψ(a + b), where the two are near equals."""
    with mp.workdps(40):
        want = mp.digamma(mp.mpf(a)) - mp.digamma(mp.mpf(a) + mp.mpf(b))
        assert abs(mp.mpf(float(wengert.grad(lambda a: sc.betaln(a, b))(a))) / want - 1) < 2e-15


def test_zeta_far_to_the_left() -> None:
    """Γ(1 − x) overflows there, ζ′ does not."""
    with mp.workdps(30):
        want = mp.zeta(mp.mpf(-200.5), 1, 1)
        assert abs(mp.mpf(float(wengert.grad(sc.zetac)(-200.5))) / want - 1) < 2e-14
