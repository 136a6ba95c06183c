"""Derivatives of orthogonal polynomials in their real parameters, by their recurrences in the degree (DLMF 18.9.1).

The degree is a whole number up to 10⁴; for another one the value is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from wengert.core.primitive import Rule
from wengert.ops.special_parameters import family
from wengert.ops.special_parameters_jets import constant, divided, times

__all__ = [
    "gegenbauer_da", "genlaguerre_da", "jacobi_da", "jacobi_db", "jacobi_polynomial", "sh_jacobi_dp", "sh_jacobi_dq",
]  # fmt: skip


_LARGEST = 1e4


def _by_degree(n: Any, orders: tuple[int, ...], following: Rule) -> Any:
    """The derivatives of degree n; ``following(k, p, q)`` makes degree k + 1 of those of degrees k and k − 1."""
    out = np.where((n == np.floor(n)) & (n <= _LARGEST), 0.0, np.nan)
    last = int(np.max(n[np.isfinite(out)], initial=0))
    current, before = constant(orders, len(n)), np.zeros((*(k + 1 for k in orders), len(n)))
    for k in range(last + 1):
        out = np.where(n == k, current[orders], out)
        if k < last:
            current, before = following(k, current, before), current
    return out


def _laguerre(n: Any, a: Any, x: Any, *, order: int) -> Any:
    def following(k: int, p: Any, q: Any) -> Any:
        return (times(p, 2 * k + 1 + a - x, [1]) - times(q, k + a, [1])) / (k + 1)

    return _by_degree(n, (order,), following)


def _gegenbauer(n: Any, a: Any, x: Any, *, order: int) -> Any:
    def following(k: int, p: Any, q: Any) -> Any:
        return (times(p * (2 * x), k + a, [1]) - times(q, k - 1 + 2 * a, [2])) / (k + 1)

    return _by_degree(n, (order,), following)


def _jacobi(n: Any, a: Any, b: Any, x: Any, *, i: int, j: int) -> Any:
    def following(k: int, p: Any, q: Any) -> Any:
        if k == 0:  # (a + 1) + (a + b + 2)(x − 1)/2
            return times(p, a + 1, [1, 0]) + times(p * ((x - 1) / 2), a + b + 2, [1, 1])
        s = 2 * k + a + b
        middle = times(times(p * x, s, [1, 1]), s + 2, [1, 1]) + times(times(p, a + b, [1, 1]), a - b, [1, -1])
        last = times(times(times(q, k + a, [1, 0]), k + b, [0, 1]), s + 2, [1, 1])
        total = times(middle, s + 1, [1, 1]) - 2 * last
        return divided(divided(total, k + 1 + a + b, [1, 1]), s, [1, 1]) / (2 * (k + 1))

    return _by_degree(n, (i, j), following)


def _gegenbauer_in_x(t: Any, n: Any, a: Any, x: Any, order: int) -> Any:
    out = 2 * a * gegenbauer_polynomial(n - 1, a + 1, x, order=order)
    return t * (out + 2 * order * gegenbauer_polynomial(n - 1, a + 1, x, order=order - 1) if order else out)


def _jacobi_in_x(t: Any, n: Any, a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    def lower(i: int, j: int) -> Any:
        return jacobi_polynomial(n - 1, a + 1, b + 1, x, i=i, j=j)

    out = (n + a + b + 1) * lower(i, j)
    out = out + i * lower(i - 1, j) if i else out
    out = out + j * lower(i, j - 1) if j else out
    return t * (out / 2)


laguerre_polynomial = family(
    "laguerre_polynomial", _laguerre,
    (
        None, lambda t, n, a, x, order: t * laguerre_polynomial(n, a, x, order=order + 1),
        lambda t, n, a, x, order: -t * laguerre_polynomial(n - 1, a + 1, x, order=order),
    ),
    r"\partial^k L_{{{0}}}^{{({1})}}({2})",
)  # fmt: skip
gegenbauer_polynomial = family(
    "gegenbauer_polynomial", _gegenbauer,
    (None, lambda t, n, a, x, order: t * gegenbauer_polynomial(n, a, x, order=order + 1), _gegenbauer_in_x),
    r"\partial^k C_{{{0}}}^{{({1})}}({2})",
)  # fmt: skip
jacobi_polynomial = family(
    "jacobi_polynomial", _jacobi,
    (
        None, lambda t, n, a, b, x, i, j: t * jacobi_polynomial(n, a, b, x, i=i + 1, j=j),
        lambda t, n, a, b, x, i, j: t * jacobi_polynomial(n, a, b, x, i=i, j=j + 1), _jacobi_in_x,
    ),
    r"\partial^{{i, j}} P_{{{0}}}^{{({1}, {2})}}({3})",
)  # fmt: skip


def genlaguerre_da(n: Any, a: Any, x: Any) -> Any:
    """∂L_n^(α)(x)/∂α.

    Example:
        >>> from wengert.ops.special_parameters_polynomials import genlaguerre_da
        >>> print(genlaguerre_da(2, 0.5, 1.0))  # L_2 = (α + 1)(α + 2)/2 − (α + 2) x + x²/2
        1.0
    """
    return laguerre_polynomial(n, a, x, order=1)


def gegenbauer_da(n: Any, a: Any, x: Any) -> Any:
    """∂C_n^(λ)(x)/∂λ."""
    return gegenbauer_polynomial(n, a, x, order=1)


def jacobi_da(n: Any, a: Any, b: Any, x: Any) -> Any:
    """∂P_n^(α, β)(x)/∂α."""
    return jacobi_polynomial(n, a, b, x, i=1, j=0)


def jacobi_db(n: Any, a: Any, b: Any, x: Any) -> Any:
    """∂P_n^(α, β)(x)/∂β."""
    return jacobi_polynomial(n, a, b, x, i=0, j=1)


# shifted: G_n^(p, q)(x) = P_n^(p − q, q − 1)(2x − 1) / binom(2n + p − 1, n)


def sh_jacobi_dp(n: Any, p: Any, q: Any, x: Any) -> Any:
    """∂/∂p of the shifted polynomial."""
    args = (n, p - q, q - 1, 2 * x - 1)
    slope = jacobi_da(*args) - jacobi_polynomial(*args, i=0, j=0) * (sc.psi(2 * n + p) - sc.psi(n + p))
    return slope / sc.binom(2 * n + p - 1, n)


def sh_jacobi_dq(n: Any, p: Any, q: Any, x: Any) -> Any:
    """∂/∂q of the shifted polynomial."""
    args = (n, p - q, q - 1, 2 * x - 1)
    return (jacobi_db(*args) - jacobi_da(*args)) / sc.binom(2 * n + p - 1, n)
