"""Derivatives of the hypergeometric functions ₀F₁, ₁F₁, ₁F₂ and ₂F₁ in their parameters.

The terms of the series have derivatives of all orders in the parameters, by the recurrence that makes the terms. The
family of ∂^orders F is closed, for F' is F with all parameters raised by one, times their quotient (DLMF 13.3.15,
15.5.1). Of the series and its transformation (Kummer's 13.2.39, Pfaff's 15.8.1) that one is taken in which fewer digits
cancel; where too many cancel in both, or the series converges too slowly, the value is NaN.
"""

from __future__ import annotations

from itertools import product
from math import comb, factorial, prod
from typing import Any

import numpy as np
from scipy import special

from wengert.core.primitive import Primitive
from wengert.ops.special_parameters import family
from wengert.ops.special_parameters_contours import first_kind
from wengert.ops.special_parameters_jets import constant, divided, indices, times

__all__ = [
    "hyp0f1_db",
    "hyp1f1_da",
    "hyp1f1_db",
    "hyp2f1_da",
    "hyp2f1_db",
    "hyp2f1_dc",
    "series_0f1",
    "series_1f1",
    "series_1f2",
    "series_2f1",
]

Orders = tuple[int, ...]
_TERMS = 4000
_EPS = float(np.finfo(float).eps)
_DIGITS = 1e-8  # of the larger of a derivative and the function itself must be known


def _series(uppers: list[Any], lowers: list[Any], z: Any, orders: Orders) -> Any:
    """Derivatives up to ``orders`` of the sum, and of the moduli of its terms (infinite where it does not end)."""
    out = np.full((2, *(k + 1 for k in orders), len(z)), np.inf)
    live = np.arange(len(z))
    parameters = [*uppers, *lowers]
    term = constant(orders, len(z))
    units = np.eye(len(parameters)).tolist()
    sums = np.stack([term, term])
    for n in range(_TERMS):
        for axis, p in enumerate(parameters):
            term = (times if axis < len(uppers) else divided)(term, p + n, units[axis])
        term = term * (z / (n + 1))
        sums[0] += term
        sums[1] += np.abs(term)
        if n % 8 == 7:
            small = (np.abs(term) <= 0.01 * _EPS * sums[1]) | ~np.isfinite(sums[1])
            ended = np.all(small.reshape(-1, len(live)), axis=0)
            for p in parameters:
                ended &= n > np.abs(p)  # before that, terms may yet grow
            out[..., live[ended]] = sums[..., ended]
            keep = ~ended
            live, z, term, sums = live[keep], z[keep], term[..., keep], sums[..., keep]
            parameters = [p[keep] for p in parameters]
            if not len(live):
                break
    return out


def _better(first: Any, second: Any, top: Orders) -> Any:
    """Of two (value, modulus) the value with fewer digits cancelled; NaN where that is too few."""
    pairs = [p for p in (first, second) if p is not None]
    origin = (0,) * len(top)
    known: list[Any] = []
    for value, size in pairs:
        lost = _EPS * size[top] / (np.abs(value[top]) + np.abs(value[origin]))
        known.append((np.where(np.isnan(lost), np.inf, lost), value[top]))
    (lost, out), *rest = known
    for other, value in rest:
        out, lost = np.where(other < lost, value, out), np.minimum(other, lost)
    return np.where(lost <= _DIGITS, out, np.nan)


def _kernel_0f1(b: Any, z: Any, *, orders: Orders) -> Any:
    """The series; for z < −60 it is Γ(b) (x/2)^(1−b) J_{b−1}(x), x² = −4z (DLMF 10.16.9)."""
    far = z < -60
    out = _better(_series([], [b], np.where(far, 0.0, z), orders), None, orders)
    if np.any(far):
        (n,) = orders
        c, half = b[far], np.sqrt(-z[far])
        factor = [special.gammasgn(c) * np.exp(special.gammaln(c) + (1 - c) * np.log(half))]
        logs = [special.psi(c) - np.log(half), *(special.polygamma(k, c) for k in range(1, n))]
        for m in range(1, n + 1):
            factor.append(sum(comb(m - 1, k) * logs[k] * factor[m - 1 - k] for k in range(m)))
        out[far] = sum(comb(n, k) * factor[k] * first_kind(c - 1, 2 * half, n - k) for k in range(n + 1))
    return out


def _kernel_1f1(a: Any, b: Any, z: Any, *, orders: Orders) -> Any:
    """M(a, b, z) and e^z M(b − a, b, −z)."""
    i, j = orders
    turned = _series([b - a], [b], -z, (i + j, j))
    kummer = np.zeros((2, i + 1, j + 1, len(z)))
    for m, n in indices(orders):
        for k in range(n + 1):
            kummer[0, m, n] += (-1.0) ** m * comb(n, k) * turned[0, m + k, n - k]
            kummer[1, m, n] += comb(n, k) * turned[1, m + k, n - k]
    return _better(_series([a], [b], z, orders), kummer * np.exp(z), orders)


def _kernel_1f2(a: Any, b: Any, c: Any, z: Any, *, orders: Orders) -> Any:
    return _better(_series([a], [b, c], z, orders), None, orders)


def _kernel_2f1(a: Any, b: Any, c: Any, z: Any, *, orders: Orders) -> Any:
    """F(a, b; c; z) where |z| ≤ 0.99, and (1 − z)^−a F(a, c − b; c; z/(z − 1)) where that argument lies there."""
    i, j, k = orders
    near = np.abs(z) <= 0.99
    direct = _series([a, b], [c], np.where(near, z, 0.0), orders)
    direct = np.where(near, direct, np.inf)
    w = z / (z - 1)
    turns = (z < 0) & (np.abs(w) <= 0.99)
    if not np.any(turns):
        return _better(direct, None, orders)
    turned = _series([a, c - b], [c], np.where(turns, w, 0.0), (i, j + k, k))
    pfaff = np.zeros((2, i + 1, j + 1, k + 1, len(z)))
    log = -np.log1p(-np.where(turns, z, 0.0))
    for m, n, p in indices(orders):
        for q, r in product(range(m + 1), range(p + 1)):
            factor = comb(m, q) * comb(p, r) * log ** (m - q)
            pfaff[0, m, n, p] += factor * (-1.0) ** n * turned[0, q, n + r, p - r]
            pfaff[1, m, n, p] += np.abs(factor) * turned[1, q, n + r, p - r]
    return _better(direct, np.where(turns, pfaff * np.exp(a * log), np.inf), orders)


def _hypergeometric(name: str, kernel: Any, uppers: int, lowers: int, tex: str) -> Primitive:
    count = uppers + lowers

    def raise_order(k: int) -> Any:
        def diff(t: Any, *operands: Any, orders: Orders) -> Any:
            return t * record(*operands, orders=(*orders[:k], orders[k] + 1, *orders[k + 1 :]))

        return diff

    def in_z(t: Any, *operands: Any, orders: Orders) -> Any:
        *parameters, z = operands
        raised = [p + 1 for p in parameters]
        total: Any = 0.0
        # derivatives of the quotient: an upper parameter has two, a lower one all
        taken = [range(min(n, 1) + 1) if k < uppers else range(n + 1) for k, n in enumerate(orders)]
        for each in product(*taken):
            factors = [
                (1.0 if m else p) if k < uppers else (-1.0) ** m * factorial(m) / p ** (m + 1)
                for k, (m, p) in enumerate(zip(each, parameters, strict=True))
            ]
            ways = prod(comb(n, m) for n, m in zip(orders, each, strict=True))
            rest = tuple(n - m for n, m in zip(orders, each, strict=True))
            total = total + ways * prod(factors[1:], start=factors[0]) * record(*raised, z, orders=rest)
        return t * total

    record = family(name, kernel, (*(raise_order(k) for k in range(count)), in_z), tex)
    return record


series_0f1 = _hypergeometric("series_0f1", _kernel_0f1, 0, 1, r"\partial^n {{}}_0F_1({0}; {1})")
series_1f1 = _hypergeometric("series_1f1", _kernel_1f1, 1, 1, r"\partial^n {{}}_1F_1({0}; {1}; {2})")
series_1f2 = _hypergeometric("series_1f2", _kernel_1f2, 1, 2, r"\partial^n {{}}_1F_2({0}; {1}, {2}; {3})")
series_2f1 = _hypergeometric("series_2f1", _kernel_2f1, 2, 1, r"\partial^n {{}}_2F_1({0}, {1}; {2}; {3})")


def hyp0f1_db(b: Any, z: Any) -> Any:
    """∂₀F₁(; b; z)/∂b for real b and z.

    Example:
        >>> from wengert.ops.special_parameters_series import hyp0f1_db
        >>> print(round(float(hyp0f1_db(1.5, 0.7)), 12))
        -0.386964803811
    """
    return series_0f1(b, z, orders=(1,))


def hyp1f1_da(a: Any, b: Any, z: Any) -> Any:
    """∂₁F₁(a; b; z)/∂a for real operands; NaN where more than 8 digits cancel."""
    return series_1f1(a, b, z, orders=(1, 0))


def hyp1f1_db(a: Any, b: Any, z: Any) -> Any:
    """∂₁F₁(a; b; z)/∂b for real operands; NaN where more than 8 digits cancel."""
    return series_1f1(a, b, z, orders=(0, 1))


def hyp2f1_da(a: Any, b: Any, c: Any, z: Any) -> Any:
    """∂₂F₁(a, b; c; z)/∂a for real operands; NaN where more than 8 digits cancel, and outside −49 ≤ z ≤ 0.98."""
    return series_2f1(a, b, c, z, orders=(1, 0, 0))


def hyp2f1_db(a: Any, b: Any, c: Any, z: Any) -> Any:
    """∂₂F₁(a, b; c; z)/∂b, as ``hyp2f1_da``."""
    return series_2f1(a, b, c, z, orders=(0, 1, 0))


def hyp2f1_dc(a: Any, b: Any, c: Any, z: Any) -> Any:
    """∂₂F₁(a, b; c; z)/∂c, as ``hyp2f1_da``."""
    return series_2f1(a, b, c, z, orders=(0, 0, 1))
