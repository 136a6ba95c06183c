"""The error function and its kin: normal distribution, Dawson, Faddeeva, Fresnel and Voigt functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_densities import ROOT_2, ROOT_2_PI, ROOT_PI, bell, gauss, mills
from wengert.ops.special_record import several, special

PER_ROOT_PI = 2 / ROOT_PI

# ---- slopes that cancel far from 0, by their asymptotic series there (DLMF 7.12.1)

_FAR = 6.5  # the series' smallest term is e^(-42)
_TERMS = 26


def _tail(w: Any) -> Any:
    """Σ (2k − 1)!! w^k from k = 1, for w = 1/(2x²)."""
    total: Any = 0.0
    for k in range(_TERMS, 0, -1):
        total = (2 * k - 1) * w * (1 + total)
    return total


def dawson_slope(x: Any, z: Any) -> Any:
    """1 − 2xF(x), for F Dawson's integral."""
    far = np.real(x) ** 2 - np.imag(x) ** 2 > _FAR**2  # complex F has a part e^(-x²)
    near, away = np.where(far, 0.0, x), np.where(far, x, _FAR)
    return np.where(far, -_tail(0.5 / (away * away)), 1 - 2 * near * z)


def erfcx_slope(x: Any, z: Any) -> Any:
    """2x erfcx(x) − 2/√π; where x < 0 nothing cancels."""
    far = np.real(x) > _FAR
    near, away = np.where(far, 0.0, x), np.where(far, x, _FAR)
    series = PER_ROOT_PI * _tail(-0.5 / (away * away))
    return np.where(far, series, 2 * near * z - PER_ROOT_PI)


def wofz_slope(x: Any, z: Any) -> Any:
    """2i/√π − 2x w(x), for w Faddeeva's function."""
    far = (np.abs(x) > _FAR) & (np.imag(x) >= 0)  # below the real axis w grows, and nothing cancels
    near, away = np.where(far, 0.0, x), np.where(far, x, _FAR)
    return np.where(far, (-1j * PER_ROOT_PI) * _tail(0.5 / (away * away)), 1j * PER_ROOT_PI - 2 * near * z)


# ---- error functions

erf = special("erf", lambda t, _z, x: t * (PER_ROOT_PI * gauss(x)), tex=r"\operatorname{{erf}} {0}")
erfc = special("erfc", lambda t, _z, x: t * (-PER_ROOT_PI * gauss(x)), tex=r"\operatorname{{erfc}} {0}")
erfcx = special("erfcx", lambda t, z, x: t * erfcx_slope(x, z), tex=r"e^{{{0}^2}} \operatorname{{erfc}} {0}")
erfi = special("erfi", lambda t, _z, x: t * (PER_ROOT_PI / gauss(x)), tex=r"\operatorname{{erfi}} {0}")
dawsn = special("dawsn", lambda t, z, x: t * dawson_slope(x, z), tex=r"F({0})")
wofz = special("wofz", lambda t, z, x: t * wofz_slope(x, z), tex=r"w({0})")


def _side(z: Any) -> Any:
    return np.where(z < 0, -1.0, 1.0)


def _erfinv(t: Any, z: Any, x: Any) -> Any:
    # e^(z²) = erfcx(z)/erfc(z), and erfc(|z|) = 1 - |x| is known exactly
    s = _side(z)
    return t * (ROOT_PI / 2 * sc.erfcx(s * z) / (1 - s * x))


def _erfcinv(t: Any, z: Any, x: Any) -> Any:
    s = _side(z)
    return t * (-ROOT_PI / 2 * sc.erfcx(s * z) / np.where(s > 0, x, 2 - x))


erfinv = special("erfinv", _erfinv, tex=r"\operatorname{{erf}}^{{-1}} {0}")
erfcinv = special("erfcinv", _erfcinv, tex=r"\operatorname{{erfc}}^{{-1}} {0}")

# ---- the normal distribution


def quantile_slope(z: Any, p: Any) -> Any:
    """1/φ(z) at z = Φ⁻¹(p), by Mills' ratio at −|z| and the smaller of p and 1 − p: no exponential of z²."""
    s = _side(z)
    return mills(-s * z) / np.where(s > 0, 1 - p, p)


ndtr = special("ndtr", lambda t, _z, x: t * (bell(x) / ROOT_2_PI), tex=r"\Phi({0})")
log_ndtr = special("log_ndtr", lambda t, _z, x: t / mills(x), tex=r"\ln \Phi({0})")
ndtri = special("ndtri", lambda t, z, p: t * quantile_slope(z, p), tex=r"\Phi^{{-1}}({0})")
ndtri_exp = special("ndtri_exp", lambda t, z, _y: t * mills(z), tex=r"\Phi^{{-1}}(e^{{{0}}})")
owens_t = special(
    "owens_t",
    lambda t, _z, h, a: t * (bell(h) * sc.erf(a * h / ROOT_2) / (-2 * ROOT_2_PI)),
    lambda t, _z, h, a: t * (bell(h) * bell(a * h) / (2 * math.pi * (1 + a * a))),
    tex="T({0}, {1})",
)

# ---- Fresnel and Voigt


def _half_turns(x: Any) -> tuple[Any, Any]:
    # sin and cos of πx²/2
    return np.sin(math.pi / 2 * (x * x)), np.cos(math.pi / 2 * (x * x))


fresnel = several("fresnel", lambda _zs, x: _half_turns(x))


def _modified(sign: int) -> Any:
    """F = ∫ₓ^∞ e^(±it²) dt and K = F e^(∓i(x² + π/4))/√π."""
    i = 1j * sign

    def partials(zs: Any, x: Any) -> Any:
        return -np.exp(i * x * x), -2 * i * x * zs[1] - np.exp(-i * math.pi / 4) / ROOT_PI

    return partials


modfresnelp = several("modfresnelp", _modified(1))
modfresnelm = several("modfresnelm", _modified(-1))


def _voigt(x: Any, s: Any, g: Any) -> Any:
    """The complex profile's slope: its real part is ∂V/∂x, its imaginary part −∂V/∂γ."""
    sharp = s == 0  # a Lorentz profile: V is the real part of i/(π (x + iγ))
    u = np.where(sharp, 1.0, s)
    line = np.where(sharp, x + 1j * g, 1.0)
    zeta = (x + 1j * g) / (u * ROOT_2)
    return np.where(sharp, -1j / (math.pi * line * line), wofz_slope(zeta, sc.wofz(zeta)) / (2 * ROOT_PI * (u * u)))


def _voigt_in_width(t: Any, _z: Any, x: Any, s: Any, g: Any) -> Any:
    # -(w + ζw')/(√2π σ²); far out by the derivative of the series of ζw
    u = np.where(s == 0, 1.0, s)
    zeta = (x + 1j * g) / (u * ROOT_2)
    far = np.abs(zeta) > _FAR
    near, away = np.where(far, 0.0, zeta), np.where(far, zeta, _FAR)
    w = sc.wofz(near)
    series = (-1j * PER_ROOT_PI) * _tail_weighted(0.5 / (away * away)) / away
    slope = np.where(far, series, w + near * wofz_slope(near, w))
    return t * np.where(s == 0, 0.0, np.real(slope) / (-ROOT_2_PI * (u * u)))


def _tail_weighted(w: Any) -> Any:
    """Σ k (2k − 1)!! w^k from k = 1."""
    total: Any = 0.0
    for k in range(_TERMS, 0, -1):
        total = (2 * k - 1) * w * (k + total)
    return total


voigt_profile = special(
    "voigt_profile",
    lambda t, _z, x, s, g: t * np.real(_voigt(x, s, g)),
    _voigt_in_width,
    lambda t, _z, x, s, g: -t * np.imag(_voigt(x, s, g)),
    tex="V({0}; {1}, {2})",
)
