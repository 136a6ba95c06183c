"""Derivatives of Tricomi's and of Struve's functions in their parameters, by the integrals that define them.

Their integrands depend on the parameters through powers: derivatives bring logarithms, and the members of each
family count them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_parameters import family, half_line, unit_nodes
from wengert.ops.special_parameters_bessel import yv_dv
from wengert.ops.special_parameters_contours import falls
from wengert.ops.special_parameters_series import series_1f2

__all__ = ["hyperu_da", "hyperu_db", "modstruve_dv", "struve_dv"]

_U, _V = unit_nodes(64)
_Y, _W = half_line(160, -3.7, 5.2)

# ---- U(a, b, x), the integral of e^(−xt) t^(a−1) (1+t)^(b−a−1) / Γ(a) (DLMF 13.4.4)


def _tricomi(a: Any, b: Any, x: Any, *, i: int, j: int, k: int) -> Any:
    """The integral over s = ln t, with powers of its logarithms' derivatives in a and b, and of t."""
    valid = (a > 0) & (x > 0) & np.isfinite(a + b + x)
    a, b, x = (np.where(valid, p, 1.0) for p in (a, b, x))
    c = b - a - 1
    root = np.hypot(b - 1 - x, 2 * np.sqrt(a * x))
    # the mode: the root of x t² − (b − 1 − x) t − a
    mode = np.log(np.where(b - 1 > x, (b - 1 - x + root) / (2 * x), 2 * a / (root + 1 + x - b)))

    def log(s: Any, a: Any, c: Any, x: Any) -> Any:
        return a * s - x * np.exp(np.minimum(s, 700.0)) + c * np.logaddexp(0.0, s)

    def member(s: Any) -> Any:
        p, q, y = a[:, None], c[:, None], x[:, None]
        rise = np.logaddexp(0.0, s)
        return np.exp(log(s, p, q, y) - sc.gammaln(p) + k * s) * (s - rise - sc.psi(p)) ** i * rise**j

    # towards 0 it falls at last as t^a, which may be slowly; from where t = 1 or from the mode
    start, scale = np.minimum(mode, 0.0), 1 / np.minimum(a, np.sqrt(a))
    total = member(start[:, None] - scale[:, None] * _Y) @ _W * scale
    high = falls(lambda s: log(s, a, c, x), mode, scale)
    for begin, end in ((start, mode), (mode, high)):
        total = total + member(begin[:, None] + (end - begin)[:, None] * _U) @ _V * (end - begin)
    return np.where(valid, total, np.nan)


def _in_a(t: Any, a: Any, b: Any, x: Any, i: int, j: int, k: int) -> Any:
    out = tricomi(a, b, x, i=i + 1, j=j, k=k)
    return t * (out - i * sc.zeta(2.0, a) * tricomi(a, b, x, i=i - 1, j=j, k=k) if i else out)


tricomi = family(
    "tricomi", _tricomi,
    (
        _in_a, lambda t, a, b, x, i, j, k: t * tricomi(a, b, x, i=i, j=j + 1, k=k),
        lambda t, a, b, x, i, j, k: -t * tricomi(a, b, x, i=i, j=j, k=k + 1),
    ),
    r"\partial^{{i, j, k}} U({0}, {1}, {2})",
)  # fmt: skip


def _reflected(a: Any, b: Any, x: Any) -> tuple[Any, ...]:
    """For a ≤ 0 the other side of U(a, b, x) = x^(1−b) U(a − b + 1, 2 − b, x) (DLMF 13.2.40), and its factor."""
    turned = a <= 0
    return turned, np.where(turned, a - b + 1, a), np.where(turned, 2 - b, b), np.where(turned, np.power(x, 1 - b), 1.0)


def hyperu_da(a: Any, b: Any, x: Any) -> Any:
    """∂U(a, b, x)/∂a for x > 0 and the larger of a and a − b + 1 positive; NaN elsewhere.

    The relative error is below 1e-11 for 1e-3 ≤ a ≤ 40, |b| ≤ 12 and 1e-2 ≤ x ≤ 60.

    Example:
        >>> from wengert.ops.special_parameters_integrals import hyperu_da
        >>> print(round(float(hyperu_da(1.0, 2.0, 0.5)), 12))
        -0.459526903848
    """
    _, p, q, factor = _reflected(a, b, x)
    return factor * tricomi(p, q, x, i=1, j=0, k=0)


def hyperu_db(a: Any, b: Any, x: Any) -> Any:
    """∂U(a, b, x)/∂b, as ``hyperu_da``."""
    turned, p, q, factor = _reflected(a, b, x)
    slope = tricomi(p, q, x, i=0, j=1, k=0)
    other = slope + tricomi(p, q, x, i=1, j=0, k=0) + np.log(x) * tricomi(p, q, x, i=0, j=0, k=0)
    return np.where(turned, -factor * other, slope)


# ---- H_ν and L_ν


def _struve_integral(v: Any, x: Any, *, order: int, power: int) -> Any:
    """The integral of e^(−xt) (1 + t²)^(ν−½) ln^n(1 + t²) (−t)^m over (0, ∞)."""
    t = _Y / x[:, None]
    logs = np.log1p(t * t)
    return (np.exp((v[:, None] - 0.5) * logs - _Y) * logs**order * (-t) ** power) @ _W / x


struve_integral = family(
    "struve_integral", _struve_integral,
    (
        lambda t, v, x, order, power: t * struve_integral(v, x, order=order + 1, power=power),
        lambda t, v, x, order, power: t * struve_integral(v, x, order=order, power=power + 1),
    ),
    r"\int_0^\infty e^{{-{1} t}} (1 + t^2)^{{{0} - 1/2}} \ln^n(1 + t^2) (-t)^m dt",
)  # fmt: skip


def _by_series(z: Any, v: Any, x: Any, argument: Any) -> Any:
    """Of z = (x/2)^(ν+1) ₁F₂(1; 3/2, ν + 3/2; ∓x²/4) / (Γ(3/2) Γ(ν + 3/2)) (DLMF 11.2.1)."""
    factor = np.power(x / 2, v + 1) * sc.rgamma(v + 1.5) * (2 / math.sqrt(math.pi))
    return z * (np.log(x / 2) - sc.psi(v + 1.5)) + factor * series_1f2(1.0, 1.5, v + 1.5, argument, orders=(0, 0, 1))


def modstruve_dv(v: Any, x: Any, z: Any) -> Any:
    """∂L_ν(x)/∂ν for x > 0, where z = L_ν(x)."""
    return _by_series(z, v, x, x * x / 4)


def struve_dv(v: Any, x: Any, z: Any) -> Any:
    """∂H_ν(x)/∂ν for x > 0, where z = H_ν(x): for x > 8 and x > |ν| through H_ν − Y_ν (DLMF 11.5.2)."""
    far = (x > 8) & (x > np.abs(v))
    near_x, far_x, far_v = np.where(far, 1.0, x), np.where(far, x, 30.0), np.where(far, v, 0.0)
    series = _by_series(np.where(far, 0.0, z), np.where(far, 0.0, v), near_x, near_x * near_x / -4)
    factor = np.power(far_x / 2, far_v) * (2 / math.sqrt(math.pi))
    inverse = sc.rgamma(far_v + 0.5)
    logs = (np.log(far_x / 2) - sc.psi(far_v + 0.5)) * inverse
    rest = factor * (
        logs * struve_integral(far_v, far_x, order=0, power=0)
        + inverse * struve_integral(far_v, far_x, order=1, power=0)
    )
    return np.where(far, yv_dv(far_v, far_x) + rest, series)
