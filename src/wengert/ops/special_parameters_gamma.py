"""Derivatives of the incomplete gamma functions in their parameter.

∂P(a, x)/∂a is the integral over (0, x) of the density times its score ln t − ψ(a), and each further derivative
brings a further factor: the moments T_j of the score, integrated over the shorter tail, are a family that is closed
under differentiation,

    ∂T_j/∂a = T_{j+1} − j ψ'(a) T_{j−1},    ∂T_j/∂x = density · (ln x − ψ(a))^j,

and no digits cancel in either tail. The integral is taken over ln t, of which the density is log-concave.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_densities import gamma_density, stirling
from wengert.ops.special_parameters import family, half_line, unit_nodes

__all__ = ["gamma_tail", "gammainc_da", "gammaincinv_da", "psi_error"]

_Y, _W = half_line(136, -3.7, 4.9)
_U, _V = unit_nodes(32)
_SMALL = 1e-3
_LARGE = 15.0  # from here on Stirling's series have all digits


def psi_error(a: Any) -> Any:
    """ψ(a) − ln a (DLMF 5.11.2)."""
    m = np.maximum(a, _LARGE)
    q = 1 / (m * m)
    series = 1 / 252 - q * (1 / 240 - q * (1 / 132 - q * (691 / 32760)))
    series = -0.5 / m - q * (1 / 12 - q * (1 / 120 - q * series))
    return np.where(a >= _LARGE, series, sc.psi(a) - np.log(a))


def _expm1_error(r: Any) -> Any:
    """exp(r) − 1 − r."""
    s = np.where(np.abs(r) < 0.3, r, 0.0)
    series: Any = 1.0
    for k in range(13, 2, -1):
        series = 1 + s / k * series
    return np.where(np.abs(r) < 0.3, s * s / 2 * series, np.expm1(r) - r)


def _log_ratio(x: Any, y: Any) -> Any:
    """ln(x / y), to all digits where the two are close."""
    return np.where(np.abs(x - y) < 0.5 * y, np.log1p((x - y) / y), np.log(x / y))


# ---- gamma


def _gamma_member(r: Any, a: Any, j: int) -> Any:
    """The density of r = ln(t / a) times the j-th power of its score."""
    c = 0.5 * np.log(a / (2 * np.pi)) - stirling(a)
    return np.exp(c - a * _expm1_error(r)) * (r - psi_error(a)) ** j


def _gamma_tail(a: Any, x: Any, *, order: int) -> Any:
    valid, ended = (a > 0) & (x >= 0) & np.isfinite(a), (x == 0) | (x == np.inf)
    a, x = np.where(valid, a, 1.0)[:, None], np.where(valid & ~ended, x, 1.0)[:, None]
    # below 1e-3 the lower tail holds nearly everything, and the score's two terms cancel there: the upper one serves
    lower = (x < a) & (a >= _SMALL)
    begin = _log_ratio(x, a)
    # where a < 1 the density is level up to t = 1, and falls steeply then: the level stretch is a panel
    start = np.where(lower, begin, np.maximum(begin, -np.log(a)))
    far = np.maximum(x, 1.0)
    scale = np.where(lower, a - x + np.minimum(x, np.sqrt(x)), np.maximum(far - a, 0.0) + np.sqrt(far))
    r = start + np.where(lower, -1.0, 1.0) / scale * _Y
    tail = _gamma_member(r, a, order) @ _W / scale[:, 0]
    middle = np.maximum(begin, start - 20.0)  # before it e^(−t) is 1, and the integrand almost a polynomial
    panels = sum(
        _gamma_member(p + (q - p) * _U, a, order) @ _V * (q - p)[:, 0] for p, q in ((begin, middle), (middle, start))
    )
    out = np.where(lower[:, 0], tail, -(tail + panels))
    return np.where(valid, np.where(ended, 0.0, out), np.nan)


def _tail_in_a(t: Any, a: Any, x: Any, order: int) -> Any:
    up = t * gamma_tail(a, x, order=order + 1)
    return up if order == 0 else up - t * (order * sc.zeta(2.0, a) * gamma_tail(a, x, order=order - 1))


def _tail_in_x(t: Any, a: Any, x: Any, order: int) -> Any:
    slope = gamma_density(a, x)
    return t * (slope if order == 0 else slope * (np.log(np.where(x == 0, 1.0, x)) - sc.psi(a)) ** order)


gamma_tail = family(
    "gamma_tail", _gamma_tail,
    (_tail_in_a, _tail_in_x),
    r"\int_0^{{{1}}} \frac{{t^{{{0} - 1}} e^{{-t}}}}{{\Gamma({0})}} (\ln t - \psi({0}))^n dt",
)  # fmt: skip


def gammainc_da(a: Any, x: Any) -> Any:
    """∂P(a, x)/∂a of the regularized lower incomplete gamma function; that of Q is its negative.

    The integral of t^(a−1) e^(−t) (ln t − ψ(a)) / Γ(a) over (0, x) (from DLMF 8.2.4), or minus that over (x, ∞). The
    relative error is below 2e-13 for a ≤ 1e4 and all x, in both tails too. NaN for a ≤ 0 and for x < 0.

    Example:
        >>> from wengert.ops.special_parameters_gamma import gammainc_da
        >>> print(round(float(gammainc_da(2.0, 1.5)), 12))
        -0.313488637825
    """
    return gamma_tail(a, x, order=1)


def gammaincinv_da(a: Any, x: Any) -> Any:
    """∂x/∂a where x = P⁻¹(a, p), or Q⁻¹(a, q): −(∂P/∂a) / (∂P/∂x) at x."""
    return -gammainc_da(a, x) / gamma_density(a, x)
