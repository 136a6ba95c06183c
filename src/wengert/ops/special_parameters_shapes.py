"""Derivatives of distribution functions in their degrees of freedom, and of those of counts in what they count."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.ops.special_densities import beta_density, fisher_density, student_density
from wengert.ops.special_parameters_beta import betainc_da, betainc_db
from wengert.ops.special_parameters_gamma import gammainc_da

__all__ = ["binomial_slopes", "chi2_slope", "fisher_slopes", "negative_slopes", "student_slope"]


def _beta_slopes(a: Any, b: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """∂I_x(a, b)/∂a and ∂b, where y = 1 − x: by the smaller of the two, which has more digits."""
    low = x < y
    p, q, s = np.where(low, a, b), np.where(low, b, a), np.where(low, x, y)
    first, second = betainc_da(p, q, s), betainc_db(p, q, s)
    return np.where(low, first, -second), np.where(low, second, -first)


def chi2_slope(v: Any, x: Any) -> Any:
    """∂P(v/2, x/2)/∂v."""
    return gammainc_da(v / 2, x / 2) / 2


def student_slope(df: Any, x: Any) -> Any:
    """∂/∂df of Student's ½ ± ½ I_y(½, df/2), y = x²/(df + x²). Its two terms cancel in proportion to 1/df."""
    square = x * x
    _, slope = _beta_slopes(0.5, df / 2, square / (df + square), df / (df + square))
    return np.sign(x) * slope / 4 - x * student_density(df, x) / (2 * df)


def fisher_slopes(m: Any, n: Any, x: Any) -> tuple[Any, Any]:
    """∂/∂m and ∂/∂n of Fisher's I_y(m/2, n/2), y = mx/(mx + n)."""
    total, density = m * x + n, x * fisher_density(m, n, x)
    first, second = _beta_slopes(m / 2, n / 2, m * x / total, n / total)
    return first / 2 + density / m, second / 2 - density / n


def binomial_slopes(k: Any, n: Any, p: Any) -> tuple[Any, Any, Any]:
    """Slopes in k, n and p of 1 − I_p(k + 1, n − k), the binomial distribution of numbers that need not be whole."""
    first, second = betainc_da(k + 1, n - k, p), betainc_db(k + 1, n - k, p)
    return second - first, -second, -beta_density(k + 1, n - k, p)


def negative_slopes(k: Any, n: Any, p: Any) -> tuple[Any, Any, Any]:
    """Slopes in k, n and p of I_p(n, k + 1), the negative binomial distribution of numbers that need not be whole."""
    return betainc_db(n, k + 1, p), betainc_da(n, k + 1, p), beta_density(n, k + 1, p)
