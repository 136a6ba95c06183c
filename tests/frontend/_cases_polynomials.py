"""Calls of NumPy's polynomial functions, by coefficients from the highest power down and from the lowest up."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.frontend._cases import S, V, X, add
from tests.frontend._harness import draw

C, D, W = draw("C", 4), draw("D", 3), draw("w", 6)
ABSCISSAE, Y1, Y2 = np.linspace(-1, 1.2, 6), draw("Y1", 6), draw("Y2", 6, 2)
CUBIC = np.array([1.0, -6.1, 11.2, -6.0])

add(np.polyval, np.polyval, args=(C, X))
add(np.polyval, np.polyval, args=(C, 1.3))
add(np.polyval, lambda x: np.polyval([1, 2, 3], x), args=(X,))
for _r in (np.polyadd, np.polysub, np.polymul, np.polydiv):
    add(_r, _r, lambda c, d, r=_r: r(d, c), lambda c, d, r=_r: r(c, [1.0, 2.0]), args=(C, D))
add(np.polyder, np.polyder, lambda c: np.polyder(c, 2), lambda c: 2 * np.polyder(c, 0), args=(C,))
add(np.polyint, np.polyint, lambda c: np.polyint(c, 3, k=1.5), args=(C,))
add(np.polyint, lambda c, k: np.polyint(c, 2, k=k), args=(C, draw("k", 2)))
add(np.vander, np.vander, lambda c: np.vander(c, 2, increasing=True), lambda c: np.vander(c, 1), lambda c: np.vander(c, 6),
    lambda c: np.vander(c, 0), args=(C,))  # fmt: skip
add(np.poly, np.poly, lambda c: np.abs(np.poly(np.concatenate([c + 1j, c - 1j]))), args=(C,))
add(np.poly, lambda c: np.poly(c + c.T), args=(S,))
add(np.roots, np.roots, args=(CUBIC,), abstract=False)
add(np.roots, lambda p: np.real(np.roots(p.astype(complex))), args=(CUBIC,))
add(np.roots, lambda p: np.real(np.roots(np.concatenate([[0.0], p, [0.0, 0.0]]))), args=(CUBIC,), abstract=False)
add(
    np.roots,
    lambda p: np.abs(np.roots(p + 0j)),
    lambda p: np.abs(np.roots(p * (1 + 0.1j))),
    args=(np.array([1.0, 0.5, 2.0, 0.3, 1.1]),),
)
add(np.polyfit, lambda x, y: np.polyfit(x, y, 2), lambda x, y: np.polyfit(x, y, 2, cov=True), args=(ABSCISSAE, Y1))
add(np.polyfit, lambda x, y: np.polyfit(x, y, 2, full=True)[:2], args=(ABSCISSAE, Y1), staged=False)
add(np.polyfit, lambda x, y, w: np.polyfit(x, y, 2, w=w), lambda x, y, w: np.polyfit(x, y, 1, w=w, cov="unscaled"),
    args=(ABSCISSAE, Y1, W))  # fmt: skip
add(np.polyfit, lambda x, y: np.polyfit(x, y, 1), lambda x, y: np.polyfit(x, y, 1, cov=True), args=(ABSCISSAE, Y2))

_P: Any = np.polynomial.polynomial
for _r in (_P.polyval2d, _P.polygrid2d):
    if hasattr(_r, "__wrapped__"):  # those that NumPy dispatches
        add(_r, lambda x, c, r=_r: r(x, x + 1, c), args=(V, X))
