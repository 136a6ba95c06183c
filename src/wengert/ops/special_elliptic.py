"""Elliptic integrals and functions, by Carlson's symmetric forms (DLMF 19.18, 19.20, 19.25), which do not cancel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_record import numeric, several, special

# ---- R_F, R_G, R_C


def _rg_slope(x: Any, y: Any, z: Any) -> Any:
    apart = np.where(x == 0, 1.0, x)  # x R_D(y, z, x) goes to 0 with x
    return (3 * sc.elliprf(x, y, z) - x * sc.elliprd(y, z, apart)) / 12


def _rc_slope(z: Any, x: Any, y: Any) -> Any:
    # ∂/∂y; of the principal value, for y < 0, by the function itself
    below = np.real(y) < 0
    u = np.where(below, 1.0, y)
    return np.where(
        below, (np.sqrt(x) / y - z) / np.where(below, 2 * (y - x), 1.0), -sc.elliprd(np.where(below, 1.0, x), u, u) / 3
    )


def _rc_in_x(z: Any, x: Any, y: Any) -> Any:
    below = np.real(y) < 0
    u, v = np.where(below, 1.0, y), np.where(below, 1.0, x)
    return np.where(below, (z - 1 / np.sqrt(x)) / np.where(below, 2 * (y - x), 1.0), -sc.elliprd(u, u, v) / 6)


elliprf = special(
    "elliprf",
    lambda t, _z, x, y, z: -t * (sc.elliprd(y, z, x) / 6),
    lambda t, _z, x, y, z: -t * (sc.elliprd(x, z, y) / 6),
    lambda t, _z, x, y, z: -t * (sc.elliprd(x, y, z) / 6),
    tex="R_F({0}, {1}, {2})",
)
elliprg = special(
    "elliprg",
    lambda t, _z, x, y, z: t * _rg_slope(x, y, z),
    lambda t, _z, x, y, z: t * _rg_slope(y, x, z),
    lambda t, _z, x, y, z: t * _rg_slope(z, x, y),
    tex="R_G({0}, {1}, {2})",
)
elliprc = special(
    "elliprc", lambda t, z, x, y: t * _rc_in_x(z, x, y), lambda t, z, x, y: t * _rc_slope(z, x, y),
    tex="R_C({0}, {1})",
)  # fmt: skip

# ---- R_D and R_J: the slopes are divided differences, which near ties are a series

_NEAR, _TERMS = 0.05, 7


def _moment(p: Any, y: Any, m: Any) -> Any:
    r = sc.hyp2f1(0.5, p - 0.5, p + 0.5, 1 - y / m) / (p - 0.5)
    return r * np.power(m, 0.5 - p)


def _moment_in_y(t: Any, z: Any, p: Any, y: Any, m: Any) -> Any:
    # by Euler: it is homogeneous of degree ½ - p
    return t * (((0.5 - p) * z + p * m * moment(p + 1, y, m)) / y)


moment = numeric(
    "moment", _moment, None, _moment_in_y, lambda t, _z, p, y, m: -t * (p * moment(p + 1, y, m)),
    tex=r"\int_0^\infty (t + {1})^{{-1/2}} (t + {2})^{{-{0}}} dt",
)  # fmt: skip


def _rd_slope(x: Any, y: Any, z: Any) -> Any:
    """∂R_D(x, y, z)/∂x = −¾ ∫ (t+y)^(−½) ((t+x)(t+z))^(−3/2) dt."""
    near = np.abs(z - x) < 2 * _NEAR * np.abs(x + z) / 2
    u, v = np.where(near, 1.0, x), np.where(near, 3.0, z)
    apart = (sc.elliprd(u, y, v) - sc.elliprd(y, v, u)) / (2 * (v - u))
    m = np.where(near, (x + z) / 2, 1.0)
    h = np.where(near, (z - x) / 2, 0.0)
    # with (t+x)(t+z) = (t+m)² - h²: binomial coefficients times ∫ (t+y)^(-½) (t+m)^(-3-2k) dt
    total, c = 0.0, 1.0
    for k in range(_TERMS):
        total = total + c * moment(3 + 2 * k, y, m)
        c = c * (h * h) * (1.5 + k) / (k + 1)
    return np.where(near, -0.75 * total, apart)


def _weighted(x: Any, y: Any, z: Any) -> Any:
    # x ∂R_D/∂x, which goes to 0 with x
    return x * _rd_slope(np.where(x == 0, 1.0, x), y, z)


elliprd = special(
    "elliprd",
    lambda t, _z, x, y, z: t * _rd_slope(x, y, z),
    lambda t, _z, x, y, z: t * _rd_slope(y, x, z),
    # by Euler: R_D is homogeneous of degree -3/2
    lambda t, r, x, y, z: -t * ((1.5 * r + _weighted(x, y, z) + _weighted(y, x, z)) / z),
    tex="R_D({0}, {1}, {2})",
)


def _rj_slope(r: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    # not known where p = x: the quotient is NaN there
    return (r - sc.elliprd(y, z, x)) / (2 * (p - x))


def _rj_in_pole(r: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    def weighted(x: Any, y: Any, z: Any) -> Any:
        return x * _rj_slope(r, np.where(x == 0, 1.0, x), y, z, p)

    return -(1.5 * r + weighted(x, y, z) + weighted(y, z, x) + weighted(z, x, y)) / p


elliprj = special(
    "elliprj",
    lambda t, r, x, y, z, p: t * _rj_slope(r, x, y, z, p),
    lambda t, r, x, y, z, p: t * _rj_slope(r, y, z, x, p),
    lambda t, r, x, y, z, p: t * _rj_slope(r, z, x, y, p),
    lambda t, r, x, y, z, p: t * _rj_in_pole(r, x, y, z, p),
    tex="R_J({0}, {1}, {2}, {3})",
)

# ---- Legendre's complete integrals, and the mean they come from


def _k_slope(m: Any) -> Any:
    return sc.elliprd(0.0, 1.0, 1 - m) / 6


def _e_slope(m: Any) -> Any:
    return sc.elliprd(0.0, 1 - m, 1.0) / -6


ellipk = special("ellipk", lambda t, _z, m: t * _k_slope(m), tex="K({0})")
ellipkm1 = special("ellipkm1", lambda t, _z, p: -t * (sc.elliprd(0.0, 1.0, p) / 6), tex="K(1 - {0})")
ellipe = special("ellipe", lambda t, _z, m: t * _e_slope(m), tex="E({0})")


def _agm(z: Any, a: Any, b: Any) -> Any:
    return 2 / (3 * math.pi) * (z / a) ** 2 * sc.elliprd(0.0, (b / a) ** 2, 1.0)


agm = special(
    "agm", lambda t, z, a, b: t * _agm(z, a, b), lambda t, z, a, b: t * _agm(z, b, a), tex=r"M({0}, {1})"
)  # fmt: skip

# ---- incomplete integrals: the amplitude within half a turn, and whole turns


def _turns(phi: Any, m: Any) -> tuple[Any, Any, Any, Any]:
    """Whole half-turns k, sin and cos² of what is left, and 1 − m sin²."""
    k = np.rint(phi / math.pi)
    s, c = np.sin(phi - k * math.pi), np.cos(phi)
    return k, s, c * c, c * c + (1 - m) * (s * s)


def _whole(k: Any, slope: Any, m: Any) -> Any:
    # the complete integral's slope may be infinite where there is no turn
    return np.where(k == 0, 0.0, 2 * k * slope(np.where(k == 0, 0.0, m)))


def _f_in_parameter(phi: Any, m: Any) -> Any:
    k, s, cc, d = _turns(phi, m)
    return s * s * s / 6 * sc.elliprd(cc, 1.0, d) + _whole(k, _k_slope, m)


def _e_in_parameter(phi: Any, m: Any) -> Any:
    k, s, cc, d = _turns(phi, m)
    return s * s * s / -6 * sc.elliprd(cc, d, 1.0) + _whole(k, _e_slope, m)


ellipkinc = special(
    "ellipkinc", lambda t, _z, phi, m: t / np.sqrt(_turns(phi, m)[3]),
    lambda t, _z, phi, m: t * _f_in_parameter(phi, m),
    tex=r"F({0} \mid {1})",
)  # fmt: skip
ellipeinc = special(
    "ellipeinc", lambda t, _z, phi, m: t * np.sqrt(_turns(phi, m)[3]),
    lambda t, _z, phi, m: t * _e_in_parameter(phi, m),
    tex=r"E({0} \mid {1})",
)  # fmt: skip


def _ellipj_in_argument(zs: Any, _u: Any, m: Any) -> Any:
    sn, cn, dn, _ = zs
    return cn * dn, -sn * dn, -m * sn * cn, dn


def _ellipj_in_parameter(zs: Any, _u: Any, m: Any) -> Any:
    # the amplitude stays where F(ph | m) = u
    sn, cn, dn, ph = zs
    slope = -dn * _f_in_parameter(ph, m)
    return cn * slope, -sn * slope, -(sn * sn + 2 * m * sn * cn * slope) / (2 * dn), slope


ellipj = several("ellipj", _ellipj_in_argument, _ellipj_in_parameter)
