"""Bessel functions and their derivatives in the order ν, by quadrature of their integral representations.

A derivative in ν brings a factor into the integrand. Where a function is exponentially small (J for ν > x, I) the
integral is taken along the path of steepest descent, where nothing cancels; elsewhere Schläfli's integrals serve
(DLMF 10.9.6, 10.9.7, 10.32.9), and for large x Hankel's series (DLMF 10.17).

Here ν and x are vectors of float64, and x > 0.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from scipy import special

from wengert.ops.special_parameters import unit_nodes

__all__ = ["falls", "first_kind", "modified_first", "modified_second", "second_kind"]

_U, _V = unit_nodes(64)
_PANEL, _PANEL_WEIGHTS = unit_nodes(32)
_DROP = 46.0  # an integrand is negligible where it is e^−46 of its peak
_LARGEST = 1e4  # the phases of the oscillating integrals lose digits in proportion to x + |ν|


def circular(v: Any, k: int, phase: int) -> Any:
    """The k-th derivative of cos(πν − phase π/2), which is exact at whole ν."""
    turned = special.cosdg(180.0 * np.fmod(v, 2.0) + 90.0 * (k - phase))
    return np.pi**k * turned


def falls(g: Any, start: Any, step: Any) -> Any:
    """Where a concave function, that falls from ``start`` in the direction of ``step``, has fallen by the drop."""
    top = g(start)
    far = step + 0.0
    for _ in range(60):
        far = np.where(g(start + far) > top - _DROP, 2 * far, far)
    near = np.zeros_like(far)
    for _ in range(30):
        mid = (near + far) / 2
        short = g(start + mid) > top - _DROP
        near, far = np.where(short, mid, near), np.where(short, far, mid)
    return start + far


# ---- modified functions, scaled: e^x K_ν(x) and e^−x I_ν(x)


def modified_second(v: Any, x: Any, order: int) -> Any:
    """e^x ∂ⁿK_ν(x)/∂νⁿ: the integral of t^n cosh(νt) e^(−2x sinh²(t/2)), with sinh for odd n."""
    size = np.abs(v)

    def g(t: Any) -> Any:
        return size * t - 2 * x * np.sinh(np.minimum(t, 1400.0) / 2) ** 2

    peak = np.arcsinh(size / x)
    width = 1 / np.sqrt(np.hypot(size, x))
    high = falls(g, peak, width)
    low = np.maximum(falls(g, peak, -np.minimum(width, 1.0)), 0.0)
    n = 224
    s = np.linspace(0, 1, n)
    t = low[:, None] + (high - low)[:, None] * s
    vt = size[:, None] * t
    twice = np.exp(-2 * vt) + 1 if order % 2 == 0 else -np.expm1(-2 * vt)
    f = t**order * twice * np.exp(vt - 2 * x[:, None] * np.sinh(t / 2) ** 2)
    f[:, 0] *= 0.5
    return np.sum(f, axis=1) * (high - low) / (n - 1) / 2 * np.where(v < 0, (-1.0) ** order, 1.0)


def modified_first(v: Any, x: Any, order: int) -> Any:
    """e^−x ∂ⁿI_ν(x)/∂νⁿ; I_−ν = I_ν + 2/π sin(νπ) K_ν (DLMF 10.27.2)."""
    size = np.abs(v)
    out = _raised(_modified_descent, size, x, order, 1.0)
    if np.any(v < 0):
        far = np.exp(-2 * x)
        extra = sum(
            comb(order, k) * circular(size, order - k, 1) * modified_second(size, x, k) for k in range(order + 1)
        )
        out = np.where(v < 0, (-1.0) ** order * (out + 2 / np.pi * far * extra), out)
    return out


def _raised(f: Any, v: Any, x: Any, order: int, sign: float) -> Any:
    """``f`` for ν ≥ 1, and for 0 ≤ ν < 1 from ν + 1 and ν + 2: f_ν = 2(ν+1)/x f_{ν+1} ± f_{ν+2}."""
    low = v < 1
    out = f(np.where(low, v + 1, v), x, order)
    if np.any(low):
        w, y = v[low], x[low]
        lifted = 2 * (w + 1) / y * out[low] + sign * f(w + 2, y, order)
        if order:
            lifted = lifted + 2 * order / y * f(w + 1, y, order - 1)
        out[low] = lifted
    return out


def _angles(width: Any) -> tuple[Any, Any, Any]:
    """Angles θ = π tanh s in (0, π), up to some widths of the peak at 0, π − θ, and weights."""
    n = 160
    end = np.minimum(3.2, np.arctanh(np.minimum(0.9999, 11 * width / np.pi)))[:, None]
    s = end * np.linspace(0, 1, n)
    weights = np.pi * end / (n - 1) / np.cosh(s) ** 2
    weights[:, 0] *= 0.5
    return np.pi * np.tanh(s), 2 * np.pi / (1 + np.exp(2 * s)), weights


def _descent(theta: Any, u: Any, slope: Any, phi: Any, order: int, weights: Any) -> Any:
    """1/π times the integral of the real part of (−t)^n (1 − i du/dθ) e^φ, where t = u + iθ."""
    factor = 1.0 if order == 0 else np.real((-(u + 1j * theta)) ** order * (1 - 1j * slope))
    return np.sum(weights * factor * np.exp(phi), axis=1) / np.pi


def _modified_descent(v: Any, x: Any, order: int) -> Any:
    """Of exp(x cosh t − νt): the path sinh u = (ν/x) θ / sin θ."""
    theta, rest, weights = _angles(1 / np.sqrt(np.hypot(v, x)))
    v, x = v[:, None], x[:, None]
    sine = np.sin(rest)
    ratio = np.where(theta == 0, 1.0, theta / np.where(theta == 0, 1.0, sine))
    u = np.arcsinh(v / x * ratio)
    slope = v / x * ratio**2 * special.spherical_jn(1, theta) / np.cosh(u)
    phi = 2 * x * (np.sinh(u / 2) ** 2 * np.cos(theta) - np.sin(theta / 2) ** 2) - v * u
    return _descent(theta, u, slope, phi, order, weights)


# ---- functions of the first and second kind


def first_kind(v: Any, x: Any, order: int) -> Any:
    """∂ⁿJ_ν(x)/∂νⁿ."""
    out = np.empty(len(x))
    steep = (v > x + 2 * np.cbrt(x)) & (v > 0)
    for rows, f in _parts(steep, v, x):
        out[rows] = (_raised_descent if f is None else f[0])(v[rows], x[rows], order)
    return out


def second_kind(v: Any, x: Any, order: int) -> Any:
    """∂ⁿY_ν(x)/∂νⁿ."""
    out = np.empty(len(x))
    for rows, f in _parts(np.zeros(len(x), bool), v, x):
        assert f is not None
        out[rows] = f[1](v[rows], x[rows], order)
    return out


def _parts(steep: Any, v: Any, x: Any) -> Any:
    far = ~steep & (x >= 25) & (x >= v * v / 2)
    near = ~steep & ~far
    methods = ((steep, None), (far, (_hankel_first, _hankel_second)), (near, (_schlaefli_first, _schlaefli_second)))
    return [(rows, f) for rows, f in methods if np.any(rows)]


def _raised_descent(v: Any, x: Any, order: int) -> Any:
    return _raised(_first_descent, v, x, order, -1.0)


def _first_descent(v: Any, x: Any, order: int) -> Any:
    """Of exp(x sinh t − νt): the path cosh u = (ν/x) θ / sin θ, for ν > x."""
    theta, rest, weights = _angles(1 / np.sqrt(np.sqrt((v - x) * (v + x))))
    v, x = v[:, None], x[:, None]
    sine = np.sin(rest)
    ratio = np.where(theta == 0, 1.0, theta / np.where(theta == 0, 1.0, sine))
    u = np.arccosh(v / x * ratio)
    slope = v / x * ratio**2 * special.spherical_jn(1, theta) / np.sinh(u)
    return _descent(theta, u, slope, x * np.sinh(u) * np.cos(theta) - v * u, order, weights)


def _schlaefli_first(v: Any, x: Any, order: int) -> Any:
    rest = sum(
        comb(order, k) * circular(v, order - k, 1) * (-1.0) ** k * _exponential(-v, x, k) for k in range(order + 1)
    )
    return _oscillating(v, x, order, 0) - rest / np.pi


def _schlaefli_second(v: Any, x: Any, order: int) -> Any:
    rest = _exponential(v, x, order) + sum(
        comb(order, k) * circular(v, order - k, 0) * (-1.0) ** k * _exponential(-v, x, k) for k in range(order + 1)
    )
    return -_oscillating(v, x, order, 1) - rest / np.pi


def _oscillating(v: Any, x: Any, order: int, phase: int) -> Any:
    """1/π times the integral of θ^n cos(νθ − x sin θ + (n − phase) π/2) over (0, π)."""
    known = x + np.abs(v) <= _LARGEST
    panels = int(np.ceil(np.max((x + np.abs(v))[known], initial=0.0) * np.pi / 72)) + 2
    total = np.zeros(len(x))
    # in the complex plane, so that the derivatives of cos are powers of i
    for k in range(panels):
        theta = (k + _PANEL) * (np.pi / panels)
        angle = v[:, None] * theta - x[:, None] * np.sin(theta)
        turn = (order - phase) % 4
        wave = np.sin(angle) if turn % 2 else np.cos(angle)
        total += (-1 if turn in (1, 2) else 1) * (wave @ (theta**order * _PANEL_WEIGHTS)) / panels
    return np.where(known, total, np.nan)


def _exponential(s: Any, x: Any, order: int) -> Any:
    """The integral of t^n exp(st − x sinh t) over (0, ∞)."""

    def g(t: Any) -> Any:
        return s * t - x * np.sinh(np.minimum(t, 700.0))

    peak = np.arccosh(np.maximum(s / x, 1.0))
    width = 1 / (np.sqrt(np.sqrt(np.abs(s - x) * np.abs(s + x))) + np.abs(np.minimum(s - x, 0.0)) + np.cbrt(x) + 0.1)
    high = falls(g, peak, width)
    low = np.maximum(falls(g, peak, -width), 0.0)
    total: Any = 0.0
    for a, b in ((low, peak), (peak, high)):
        t = a[:, None] + (b - a)[:, None] * _U
        total = total + (t**order * np.exp(s[:, None] * t - x[:, None] * np.sinh(t))) @ _V * (b - a)
    return total


def _hankel_first(v: Any, x: Any, order: int) -> Any:
    return _hankel(v, x, order, 0)


def _hankel_second(v: Any, x: Any, order: int) -> Any:
    return _hankel(v, x, order, 1)


def _hankel(v: Any, x: Any, order: int, phase: int) -> Any:
    """√(2/πx) Σ_k a_k(ν)/x^k cos(x − νπ/2 − π/4 + (k − phase) π/2), with derivatives in ν (DLMF 10.17.3)."""
    term = [np.ones(len(x)), *(np.zeros(len(x)) for _ in range(order))]
    base = special.cosdg  # of degrees: exact in ν
    total = np.zeros(len(x))
    cosine, sine = np.cos(x), np.sin(x)
    for k in range(41):
        for i in range(order + 1):
            # the derivative of order m of cos(x − νπ/2 + c) is (π/2)^m cos(x − νπ/2 + c − mπ/2)
            m = order - i
            turned = 90.0 * (k - phase - m) - 45.0 - 90.0 * np.fmod(v, 4.0)
            wave = cosine * base(turned) - sine * special.sindg(turned)
            total += comb(order, i) * (np.pi / 2) ** m * wave * term[i]
        scale = 1 / (8 * (k + 1) * x)
        factor = (4 * v * v - (2 * k + 1) ** 2, 8 * v, 8.0)
        term = [
            scale * sum(comb(i, j) * factor[j] * term[i - j] for j in range(min(i, 2) + 1)) for i in range(order + 1)
        ]
    return np.sqrt(2 / (np.pi * x)) * total
