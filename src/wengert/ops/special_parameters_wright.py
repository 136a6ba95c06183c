"""Derivatives of Wright's generalized Bessel function in its parameters, by its series."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_parameters import family

__all__ = ["wright_da", "wright_db", "wright_series"]

_TERMS = 3000
_EPS = float(np.finfo(float).eps)


def _inverse_gamma(y: Any, order: int) -> list[Any]:
    """1/Γ and its derivatives at y ≥ 0, from those at y + 1: 1/Γ(y) = y/Γ(y + 1)."""
    z = y + 1
    logs = [sc.psi(z), *(sc.polygamma(k, z) for k in range(1, order))]
    above = [sc.rgamma(z)]
    for m in range(1, order + 1):
        above.append(-sum(comb(m - 1, k) * logs[k] * above[m - 1 - k] for k in range(m)))
    return [y * f + (m * above[m - 1] if m else 0.0) for m, f in enumerate(above)]


def _wright(a: Any, b: Any, x: Any, *, i: int, j: int) -> Any:
    """Σ x^k/k! ∂^(i+j)/∂a^i∂b^j 1/Γ(ak + b); NaN where the terms have not become small in time."""
    valid = (a >= 0) & (b >= 0) & (x >= 0)
    a, b, x = (np.where(valid, p, 1.0) for p in (a, b, x))
    total, size, term, power = np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x)), np.ones(len(x))
    for k in range(_TERMS):
        term = float(k) ** i * power * _inverse_gamma(a * k + b, i + j)[-1]
        total, size = total + term, size + np.abs(term)
        power = power * (x / (k + 1))
        if k > 9 and np.all(np.abs(term) <= 0.01 * _EPS * size):
            return np.where(valid, total, np.nan)
    return np.where(valid & (np.abs(term) <= _EPS * size), total, np.nan)


def _in_x(t: Any, a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    # Φ(a, b; x)' = Φ(a, a + b; x)
    return t * sum(comb(i, k) * wright_series(a, a + b, x, i=i - k, j=j + k) for k in range(i + 1))


wright_series = family(
    "wright_series", _wright,
    (
        lambda t, a, b, x, i, j: t * wright_series(a, b, x, i=i + 1, j=j),
        lambda t, a, b, x, i, j: t * wright_series(a, b, x, i=i, j=j + 1), _in_x,
    ),
    r"\partial^{{i, j}} \Phi({0}, {1}; {2})",
)  # fmt: skip


def wright_da(a: Any, b: Any, x: Any) -> Any:
    """∂Φ(a, b; x)/∂a where Φ is the sum of x^k / (k! Γ(ak + b)) (DLMF 10.46.1), for a, b, x ≥ 0.

    Example:
        >>> from wengert.ops.special_parameters_wright import wright_da
        >>> print(round(float(wright_da(0.0, 1.0, 1.0)), 12))  # γ e
        1.569034853004
    """
    return wright_series(a, b, x, i=1, j=0)


def wright_db(a: Any, b: Any, x: Any) -> Any:
    """∂Φ(a, b; x)/∂b, as ``wright_da``."""
    return wright_series(a, b, x, i=0, j=1)
