"""The zeta functions' derivatives in their exponent, by Euler's and Maclaurin's formula (DLMF 25.11.7)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.core.types import dtype_of
from wengert.errors import UnsupportedError, at_line

__all__ = ["riemann_slope", "zeta_slope"]

_HEAD = 12  # terms summed as they stand
# B(2j)/(2j)!
_TAIL = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip


def zeta_slope(x: Any, q: Any) -> Any:
    """∂ζ(x, q)/∂x = −Σ log(k + q) (k + q)^(−x) for q > 0."""
    if dtype_of(x).kind == "c":
        raise UnsupportedError(f"scipy.special.zeta has no derivative in a complex exponent{at_line()}\n"
                               "  write: zeta of real numbers")  # fmt: skip
    total: Any = 0.0
    for k in range(_HEAD):
        total = total - np.log(k + q) * np.power(k + q, -x)
    a = _HEAD + q
    log, last = np.log(a), np.power(a, -x)
    total = total - a * last * (log + 1 / (x - 1)) / (x - 1) - log * last / 2
    rising, logs = x, 1.0  # x (x+1) … (x+2j-2), and its derivative
    for j, c in enumerate(_TAIL, 1):
        total = total + c * last * np.power(a, 1 - 2 * j) * (logs - rising * log)
        for i in (2 * j - 1, 2 * j):
            rising, logs = rising * (x + i), logs * (x + i) + rising
    return total


def riemann_slope(x: Any) -> Any:
    """ζ′(x); for x < 0 by ζ(x) = 2 (2π)^(x−1) sin(πx/2) Γ(1−x) ζ(1−x) (DLMF 25.4.1)."""
    left = np.real(x) < 0
    u, v = np.where(left, x, -1.0), np.where(left, 2.0, x)
    sine, cosine, log = np.sin(math.pi / 2 * u), np.cos(math.pi / 2 * u), math.log(2 * math.pi)
    inner = sc.zeta(1 - u, 1.0) * (sine * (log - sc.psi(1 - u)) + math.pi / 2 * cosine) - sine * zeta_slope(1 - u, 1.0)
    # 2 (2π)^(u−1) Γ(1−u) in two halves (DLMF 5.5.5), for Γ(1−u) overflows long before ζ′ does
    scale = (
        np.power(math.pi, u / 2 - 1) * sc.gamma(0.5 - u / 2) * (np.power(math.pi, u / 2 - 0.5) * sc.gamma(1 - u / 2))
    )
    return np.where(left, scale * inner, zeta_slope(v, 1.0))
