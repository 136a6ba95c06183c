"""Derivatives of Bessel functions in their order.

The derivatives of one function in its order, of all orders n, are a family: as the recurrences have no coefficient
that depends on ν, they hold for each n (DLMF 10.6.1, 10.29.1),

    ∂/∂x ∂ⁿJ_ν/∂νⁿ = ½ (∂ⁿJ_{ν−1}/∂νⁿ − ∂ⁿJ_{ν+1}/∂νⁿ).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from wengert.core.primitive import Primitive, Rule
from wengert.ops import special_parameters_contours as contours
from wengert.ops.special_parameters import family

__all__ = ["bessel_j", "bessel_y", "hankel_dv", "iv_dv", "ive_dv", "jv_dv", "kv_dv", "kve_dv", "yv_dv"]


def _kernel(ufunc: np.ufunc, member: Rule, at_zero: float) -> Rule:
    """Order 0 by SciPy; the others where x > 0. At x = 0 a function that is 0 for all ν > 0 is flat."""

    def kernel(v: Any, x: Any, *, order: int) -> Any:
        if order == 0:
            return ufunc(v, x)
        usual = (x > 0) & np.isfinite(x) & np.isfinite(v)
        out = member(np.where(usual, v, 1.0), np.where(usual, x, 1.0), order)
        edge = np.where((x == 0) & (v > 0), at_zero, np.where((x == np.inf) & np.isfinite(v), 0.0, np.nan))
        return np.where(usual, out, edge)

    return kernel


def _bessel(
    name: str, ufunc: np.ufunc, member: Rule, letter: str, shifts: tuple[float, float, float], at_zero: float = np.nan
) -> Primitive:
    """The family of ∂ⁿf_ν(x)/∂νⁿ, where f' = shifts · (f_{ν−1}, f_{ν+1}, f_ν)."""
    less, more, same = shifts

    def in_order(t: Any, v: Any, x: Any, order: int) -> Any:
        return t * record(v, x, order=order + 1)

    def in_x(t: Any, v: Any, x: Any, order: int) -> Any:
        out = less * record(v - 1, x, order=order) + more * record(v + 1, x, order=order)
        return t * (out + same * record(v, x, order=order) if same else out)

    record = family(
        name, _kernel(ufunc, member, at_zero), (in_order, in_x), rf"\partial^n {letter}_{{{{{{0}}}}}}({{1}})"
    )
    return record


bessel_j = _bessel("bessel_j", special.jv, contours.first_kind, "J", (0.5, -0.5, 0.0), 0.0)
bessel_y = _bessel("bessel_y", special.yv, contours.second_kind, "Y", (0.5, -0.5, 0.0))
bessel_i = _bessel("bessel_i", special.ive, contours.modified_first, r"e^{{-x}} I", (0.5, 0.5, -1.0), 0.0)
bessel_k = _bessel("bessel_k", special.kve, contours.modified_second, r"e^{{x}} K", (-0.5, -0.5, 1.0))


def jv_dv(v: Any, x: Any) -> Any:
    """∂J_ν(x)/∂ν for real ν and x ≥ 0.

    From Schläfli's integral (DLMF 10.9.6), from the path of steepest descent for ν > x, or from Hankel's series. NaN
    for x < 0, at x = 0 unless ν > 0, and where x + |ν| > 10⁴ (but for x > ν²/2).

    Example:
        >>> from wengert.ops.special_parameters_bessel import jv_dv
        >>> print(round(float(jv_dv(0.0, 1.0)), 12))  # π/2 Y₀(1), DLMF 10.15.4
        0.138633715204
    """
    return bessel_j(v, x, order=1)


def yv_dv(v: Any, x: Any) -> Any:
    """∂Y_ν(x)/∂ν for real ν and x > 0, as ``jv_dv`` (DLMF 10.9.7)."""
    return bessel_y(v, x, order=1)


def ive_dv(v: Any, x: Any) -> Any:
    """∂/∂ν of e^(−x) I_ν(x) for real ν and x ≥ 0, along the path of steepest descent of DLMF 10.32.12."""
    return bessel_i(v, x, order=1)


def iv_dv(v: Any, x: Any) -> Any:
    """∂I_ν(x)/∂ν for real ν and x ≥ 0."""
    return np.exp(x) * ive_dv(v, x)


def kve_dv(v: Any, x: Any) -> Any:
    """∂/∂ν of e^x K_ν(x) for real ν and x > 0 (DLMF 10.32.9)."""
    return bessel_k(v, x, order=1)


def kv_dv(v: Any, x: Any) -> Any:
    """∂K_ν(x)/∂ν for real ν and x > 0."""
    return np.exp(-x) * kve_dv(v, x)


def hankel_dv(v: Any, x: Any, side: int) -> Any:
    """∂/∂ν of J_ν(x) ± i Y_ν(x) for real ν and x > 0."""
    return jv_dv(v, x) + side * 1j * yv_dv(v, x)
