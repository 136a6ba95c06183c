"""Densities: the derivatives of the error, gamma and beta functions' integrals, right in their tails.

Written out, x^(a-1) e^(-x) / Γ(a) overflows, or cancels in its exponent, where it is an ordinary number. For large
a it is computed from its peak, after Loader 2000, "Fast and accurate computation of binomial probabilities".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.core.types import dtype_of
from wengert.ops.special_record import numeric

__all__ = [
    "bell",
    "beta_density",
    "fisher_density",
    "gamma_density",
    "gauss",
    "log1pmx",
    "mills",
    "stirling",
    "student_density",
]

ROOT_2, ROOT_PI = math.sqrt(2.0), math.sqrt(math.pi)
ROOT_HALF_PI, ROOT_2_PI = math.sqrt(math.pi / 2), math.sqrt(2 * math.pi)
_LARGE = 10.0  # where a series in 1/a takes over

# ---- e^(-x²)


def _exp_of_square(x: Any, c: float) -> Any:
    # x² in two parts, the first of them exact, for its rounding error is magnified by x²
    with np.errstate(all="ignore"):
        x = np.clip(x, -60, 60)
        head = np.rint(x * 16) / 16
        return np.exp(head * head * c) * np.exp((x - head) * (x + head) * c)


_gaussian = numeric(
    "gaussian", lambda x: _exp_of_square(x, -1.0), lambda t, z, x: t * (-2 * x * z), tex="e^{{-{0}^2}}"
)  # fmt: skip
_bell = numeric("bell", lambda x: _exp_of_square(x, -0.5), lambda t, z, x: t * (-x * z), tex="e^{{-{0}^2/2}}")


def gauss(x: Any) -> Any:
    """e^(−x²), to a few units in the last place also where it is tiny."""
    return np.exp(-x * x) if dtype_of(x).kind == "c" else _gaussian(x)


def bell(x: Any) -> Any:
    """e^(−x²/2), as right as :func:`gauss`."""
    return np.exp(-x * x / 2) if dtype_of(x).kind == "c" else _bell(x)


def mills(x: Any) -> Any:
    """Φ(x)/φ(x) of the normal distribution, by a function that below x = 0 neither underflows nor cancels."""
    below = np.real(x) < 0
    u, v = np.where(below, x, 0.0), np.where(below, 0.0, x)
    return np.where(below, ROOT_HALF_PI * sc.erfcx(-u / ROOT_2), ROOT_2_PI * sc.ndtr(v) / bell(v))


# ---- logarithms and Γ, to first order and beyond


def log1pmx(u: Any) -> Any:
    """The logarithm of 1 + u less u, without cancellation near 0."""
    near = np.abs(u) < 0.3
    s = np.where(near, u, 0.0)
    v = s / (2 + s)
    w = v * v
    total: Any = 0.0
    for k in range(23, 1, -2):  # 2 artanh v = log(1 + u)
        total = total * w + 1 / k
    return np.where(near, v * (2 * w * total - s), np.log1p(np.where(near, 0.0, u)) - np.where(near, 0.0, u))


# B(2k) / (2k (2k - 1)), DLMF 5.11.1
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188)


def stirling(a: Any) -> Any:
    """Log Γ(a) − ((a − ½) log a − a + ½ log 2π): the error of Stirling's formula."""
    far = np.real(a) > _LARGE
    b, c = np.where(far, a, _LARGE), np.where(far, 1.0, a)
    total: Any = 0.0
    for s in reversed(_STIRLING):
        total = total / (b * b) + s
    return np.where(far, total / b, sc.gammaln(c) - (c - 0.5) * np.log(c) + c - 0.5 * math.log(2 * math.pi))


# ---- the densities


def _gamma_density(a: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        far = (a > _LARGE) & (x > 0) & np.isfinite(x)
        b, y = np.where(far, a, _LARGE), np.where(far, x, 1.0)
        peak = np.exp(b * _log_ratio(y, b) - stirling(b)) / (y * ROOT_2_PI / np.sqrt(b))
        c, x = np.where(far, 1.0, a), np.where(far, 1.0, x)
        half = np.exp(-x / 2)  # twice, for e^-x underflows first
        per_gamma = sc.rgamma(c)
        near = np.where(per_gamma == 0, 0.0, np.power(x, c - 1) * half * per_gamma * half)
        out = np.where(far, peak, np.where(np.isinf(x), 0.0, np.where(x < 0, 0.0 * x, near)))
        return out.astype(np.result_type(a, x), copy=False)[()]


def _log_ratio(x: Any, m: Any) -> Any:
    """log(x/m) + 1 − x/m."""
    u = (x - m) / m
    return np.where(np.abs(u) < 0.3, log1pmx(u), np.log(x / m) - u)


def _gamma_in_x(t: Any, z: Any, a: Any, x: Any) -> Any:
    # z ((a-1)/x - 1); at x = 0 through the density of a - 1
    at_0 = x == 0
    return t * np.where(at_0, _at_origin(a, x) - z, z * ((a - 1 - x) / np.where(at_0, 1.0, x)))


def _at_origin(a: Any, x: Any) -> Any:
    return gamma_density(np.where(x == 0, a - 1, 1.0), np.where(x == 0, x, 1.0))


gamma_density = numeric(
    "gamma_density", _gamma_density,
    lambda t, z, a, x: t * (sc.xlogy(z, x) - z * sc.psi(a)), _gamma_in_x,
    tex=r"\frac{{{1}^{{{0} - 1}} e^{{-{1}}}}}{{\Gamma({0})}}",
)  # fmt: skip


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        y = 1 - x
        inside = (x > 0) & (y > 0)
        far = (np.minimum(a, b) > _LARGE) & inside
        c, d, u = np.where(far, a, _LARGE), np.where(far, b, _LARGE), np.where(far, x, 0.5)
        n, v = c + d, 1 - u
        log = c * _log_ratio(n * u, c) + d * _log_ratio(n * v, d) + stirling(n) - stirling(c) - stirling(d)
        peak = np.exp(log) * np.sqrt(c * (d / n)) / (ROOT_2_PI * u * v)
        small, large = np.where(far, 1.0, np.minimum(a, b)), np.where(far, 1.0, np.maximum(a, b))
        near = _powers(np.where(far, 1.0, a), np.where(far, 1.0, b), x, y) * _inverse_beta(small, large)
        out = np.where(far, peak, np.where((x < 0) | (y < 0), 0.0 * x, near))
        return out.astype(np.result_type(a, b, x), copy=False)[()]


def _powers(a: Any, b: Any, x: Any, y: Any) -> Any:
    # log1p, for the rounding of 1 - x is magnified by b
    first = np.where(x < 0.5, np.power(x, a - 1), np.exp(sc.xlog1py(a - 1, -y)))
    return first * np.where(x < 0.5, np.exp(sc.xlog1py(b - 1, -x)), np.power(y, b - 1))


def _inverse_beta(small: Any, large: Any) -> Any:
    """1/B(small, large) for small up to 10: Γ(large + small)/Γ(large) by Stirling's formula."""
    far = large > _LARGE
    m = np.where(far, large, _LARGE)
    log = (m - 0.5) * np.log1p(small / m) - small + stirling(m + small) - stirling(m)
    rising = np.exp(log) * np.power(m + small, small)
    l = np.where(far, 1.0, large)
    return sc.rgamma(small) * np.where(far, rising, sc.gamma(l + small) * sc.rgamma(l))


def _beta_in_x(t: Any, z: Any, a: Any, b: Any, x: Any) -> Any:
    # z ((a-1)/x - (b-1)/(1-x)), over one denominator: the numerator's zero is the peak
    return t * (z * ((a - 1) * (1 - x) - (b - 1) * x) / (x * (1 - x)))


beta_density = numeric(
    "beta_density", _beta_density,
    lambda t, z, a, b, x: t * (sc.xlogy(z, x) + z * (sc.psi(a + b) - sc.psi(a))),
    lambda t, z, a, b, x: t * (sc.xlog1py(z, -x) + z * (sc.psi(a + b) - sc.psi(b))),
    _beta_in_x,
    tex=r"\frac{{{2}^{{{0} - 1}} (1 - {2})^{{{1} - 1}}}}{{B({0}, {1})}}",
)  # fmt: skip


def student_density(df: Any, x: Any) -> Any:
    """Γ((ν+1)/2) / (√(νπ) Γ(ν/2)) · (1 + x²/ν)^(−(ν+1)/2)."""
    far = df > 2 * _LARGE
    m, n = np.where(far, df, 2 * _LARGE) / 2, np.where(far, 1.0, df) / 2
    log = m * log1pmx(0.5 / m) + stirling(m + 0.5) - stirling(m)
    # Γ(m + ½)/(Γ(m) √m)
    ratio = np.where(far, np.exp(log), sc.gamma(n + 0.5) * sc.rgamma(n) / np.sqrt(n))
    square = x * x / df
    wide = square > 1  # a power is right where its logarithm is large
    power = np.power(1 + np.where(wide, square, 0.0), -(df + 1) / 2)
    return ratio / ROOT_2_PI * power * np.exp(-(df + 1) / 2 * np.log1p(np.where(wide, 0.0, square)))


def fisher_density(m: Any, n: Any, x: Any) -> Any:
    """The F distribution's density, by the beta density at the smaller of mx/(mx+n) and n/(mx+n)."""
    total = m * x + n
    low = m * x < n
    a, b = np.where(low, m, n) / 2, np.where(low, n, m) / 2
    return beta_density(a, b, np.where(low, m * x, n) / total) * (m / total) * (n / total)
