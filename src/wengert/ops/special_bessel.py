"""Bessel functions in their argument, by their recurrences (DLMF 10.6, 10.29, 10.51)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.core.primitive import Primitive
from wengert.ops.special_parameters_bessel import hankel_dv, iv_dv, ive_dv, jv_dv, kv_dv, kve_dv, yv_dv
from wengert.ops.special_parameters_integrals import modstruve_dv, struve_dv
from wengert.ops.special_record import numeric, real_only, special

WHOLE = "the order is a whole number"

# ---- slopes of functions scaled by an exponential, which cancel where the argument is large

_TERMS = 24


def _large(v: Any, x: Any) -> Any:
    return (np.abs(x) > 25) & (np.abs(x) > v * v)


def _asymptotic_slope(v: Any, x: Any, sign: int) -> Any:
    """The derivative of x^(−½) Σ (±1)^k a_k(v)/x^k (DLMF 10.40.1, 10.40.2)."""
    total: Any = 0.0
    for k in range(_TERMS, 0, -1):
        total = sign * (4 * v * v - (2 * k - 1) ** 2) / (8 * k * x) * (k + 0.5 + total)
    return -(0.5 + total) / (x * np.sqrt(x))


def ive_slope(v: Any, x: Any, z: Any) -> Any:
    """The derivative of e^(−|x|) I_v(x)."""
    real_only(x, "ive")
    far = _large(v, x) & (x > 0)
    near, away = np.where(far, 1.0, x), np.where(far, x, 30.0)
    order = np.where(far, 0.0, v)
    side = np.where(near < 0, -1.0, 1.0)
    direct = (sc.ive(order - 1, near) + sc.ive(order + 1, near)) / 2 - side * np.where(far, 0.0, z)
    return np.where(far, _asymptotic_slope(np.where(far, v, 0.0), away, -1) / math.sqrt(2 * math.pi), direct)


def kve_slope(v: Any, x: Any, z: Any) -> Any:
    """The derivative of e^x K_v(x)."""
    far = _large(v, x) & (np.real(x) > 0)
    near, away = np.where(far, 1.0, x), np.where(far, x, 30.0)
    order = np.where(far, 0.0, v)
    direct = np.where(far, 0.0, z) - (sc.kve(order - 1, near) + sc.kve(order + 1, near)) / 2
    return np.where(far, _asymptotic_slope(np.where(far, v, 0.0), away, 1) * math.sqrt(math.pi / 2), direct)


# ---- of any order


def _turning(f: Any) -> Any:
    return lambda t, _z, v, x: t * ((f(v - 1, x) - f(v + 1, x)) / 2)


def _growing(t: Any, _z: Any, v: Any, x: Any) -> Any:
    return t * ((sc.iv(v - 1, x) + sc.iv(v + 1, x)) / 2)


def _falling(t: Any, _z: Any, v: Any, x: Any) -> Any:
    return t * ((sc.kv(v - 1, x) + sc.kv(v + 1, x)) / -2)


jv = special("jv", lambda t, _z, v, x: t * jv_dv(v, x), _turning(sc.jv), tex="J_{{{0}}}({1})")
yv = special("yv", lambda t, _z, v, x: t * yv_dv(v, x), _turning(sc.yv), tex="Y_{{{0}}}({1})")
iv = special("iv", lambda t, _z, v, x: t * iv_dv(v, x), _growing, tex="I_{{{0}}}({1})")
kv = special("kv", lambda t, _z, v, x: t * kv_dv(v, x), _falling, tex="K_{{{0}}}({1})")
hankel1 = special(
    "hankel1", lambda t, _z, v, x: t * hankel_dv(v, x, 1), _turning(sc.hankel1), tex="H^{{(1)}}_{{{0}}}({1})"
)  # fmt: skip
hankel2 = special(
    "hankel2", lambda t, _z, v, x: t * hankel_dv(v, x, -1), _turning(sc.hankel2), tex="H^{{(2)}}_{{{0}}}({1})"
)  # fmt: skip
jve = special(
    "jve", lambda t, _z, v, x: t * jv_dv(v, x), lambda t, _z, v, x: _turning(sc.jve)(t, None, v, real_only(x, "jve"))
)  # fmt: skip
yve = special(
    "yve", lambda t, _z, v, x: t * yv_dv(v, x), lambda t, _z, v, x: _turning(sc.yve)(t, None, v, real_only(x, "yve"))
)  # fmt: skip
ive = special("ive", lambda t, _z, v, x: t * ive_dv(v, x), lambda t, z, v, x: t * ive_slope(v, x, z))
kve = special("kve", lambda t, _z, v, x: t * kve_dv(v, x), lambda t, z, v, x: t * kve_slope(v, x, z))
hankel1e = special(
    "hankel1e", lambda t, _z, v, x: t * (hankel_dv(v, x, 1) * np.exp(-1j * x)),
    lambda t, z, v, x: t * ((sc.hankel1e(v - 1, x) - sc.hankel1e(v + 1, x)) / 2 - 1j * z)
)  # fmt: skip
hankel2e = special(
    "hankel2e", lambda t, _z, v, x: t * (hankel_dv(v, x, -1) * np.exp(1j * x)),
    lambda t, z, v, x: t * ((sc.hankel2e(v - 1, x) - sc.hankel2e(v + 1, x)) / 2 + 1j * z)
)  # fmt: skip

# ---- of whole order

yn = special("yn", WHOLE, lambda t, _z, n, x: t * ((sc.yv(n - 1, x) - sc.yv(n + 1, x)) / 2), tex="Y_{{{0}}}({1})")
kn = special("kn", WHOLE, lambda t, _z, n, x: t * ((sc.kv(n - 1, x) + sc.kv(n + 1, x)) / -2), tex="K_{{{0}}}({1})")
j0 = special("j0", lambda t, _z, x: -t * sc.j1(x), tex="J_0({0})")
y0 = special("y0", lambda t, _z, x: -t * sc.y1(x), tex="Y_0({0})")
i0 = special("i0", lambda t, _z, x: t * sc.i1(x), tex="I_0({0})")
k0 = special("k0", lambda t, _z, x: -t * sc.k1(x), tex="K_0({0})")
j1 = special("j1", lambda t, _z, x: t * ((sc.j0(x) - sc.jv(2.0, x)) / 2), tex="J_1({0})")
y1 = special("y1", lambda t, _z, x: t * ((sc.y0(x) - sc.yv(2.0, x)) / 2), tex="Y_1({0})")
i1 = special("i1", lambda t, _z, x: t * ((sc.i0(x) + sc.iv(2.0, x)) / 2), tex="I_1({0})")
k1 = special("k1", lambda t, _z, x: t * ((sc.k0(x) + sc.kv(2.0, x)) / -2), tex="K_1({0})")
i0e = special("i0e", lambda t, z, x: t * ive_slope(0.0, x, z))
i1e = special("i1e", lambda t, z, x: t * ive_slope(1.0, x, z))
k0e = special("k0e", lambda t, z, x: t * kve_slope(0.0, x, z))
k1e = special("k1e", lambda t, z, x: t * kve_slope(1.0, x, z))

# ---- spherical: (n f_{n-1} ∓ (n+1) f_{n+1})/(2n+1), regular at 0


def spherical(name: str, below: float, above: float) -> Primitive:
    """The record of a spherical Bessel function, which is a Python function in SciPy."""
    function = getattr(sc, name)

    def diff(t: Any, _z: Any, n: Any, x: Any) -> Any:
        lower = np.where(n == 0, 0.0, below * record(np.maximum(n - 1, 0), x))  # may be infinite where n = 0
        return t * ((n * lower + above * (n + 1) * record(n + 1, x)) / (2 * n + 1))

    tex = f"{name[-2]}_{{{{{{0}}}}}}({{1}})"
    record = numeric(name, lambda n, x: function(n, x), None, diff, tex=tex)
    return record


spherical_jn = spherical("spherical_jn", 1.0, -1.0)
spherical_yn = spherical("spherical_yn", 1.0, -1.0)
spherical_in = spherical("spherical_in", 1.0, 1.0)
spherical_kn = spherical("spherical_kn", -1.0, -1.0)

# ---- Struve


def _struve(f: Any, above: float) -> Any:
    def diff(t: Any, _z: Any, v: Any, x: Any) -> Any:
        inhomogeneous = np.power(x / 2, v) * sc.rgamma(v + 1.5) / math.sqrt(math.pi)
        return t * ((f(v - 1, x) + above * f(v + 1, x) + inhomogeneous) / 2)

    return diff


struve = special(
    "struve", lambda t, z, v, x: t * struve_dv(v, x, z), _struve(sc.struve, -1.0), tex=r"\mathbf{{H}}_{{{0}}}({1})"
)  # fmt: skip
modstruve = special(
    "modstruve", lambda t, z, v, x: t * modstruve_dv(v, x, z), _struve(sc.modstruve, 1.0),
    tex=r"\mathbf{{L}}_{{{0}}}({1})",
)  # fmt: skip
