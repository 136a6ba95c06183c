"""Calls of NumPy's numerical functions: interpolation, differences, quadrature, convolution, numbers in a row, grids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows
from tests.frontend._cases import FIVE, MASK, TABLE, S, T, V, X, Y, add
from tests.frontend._harness import draw

# ---- interpolation

Q, KNOTS = draw("Q", 7, low=0.1, high=4.4), np.array([0.5, 1.1, 2.0, 3.2, 4.0])
Q2 = draw("Q2", 2, 3, low=0.1, high=4.4)
add(np.interp, np.interp, lambda x, xp, fp: np.interp(x, xp, fp, period=3.3), args=(Q, KNOTS, FIVE))
add(np.interp, lambda x, fp, a, b: np.interp(x, KNOTS, fp, a, b), lambda x, fp, a, b: np.interp(x, KNOTS, fp, left=a) * b,
    args=(Q, FIVE, 0.3, 0.4))  # fmt: skip
add(np.interp, lambda x, p: np.interp(x, KNOTS, [1, 2, 4, 3, 5], period=p), args=(Q, 3.3))
add(
    np.interp,
    lambda x, fp: np.interp(x, KNOTS, fp),
    lambda x, fp: np.abs(np.interp(x, KNOTS, fp * (1 + 2j))),
    args=(Q2, FIVE),
)
add(np.interp, lambda x, fp: np.interp(x, KNOTS, fp), args=(1.7, FIVE))
add(np.interp, lambda fp: np.interp([0.5, 1.1, 4.0, 9.0], KNOTS, fp), args=(FIVE,))
add(np.interp, lambda x, fp: np.interp(x, [1.0], fp), args=(Q, draw("one", 1)))

# ---- differences and quadrature

G = draw("G", 4, 5)
for _e in (1, 2):
    add(np.gradient, lambda x, e=_e: np.gradient(x, edge_order=e), lambda x, e=_e: np.gradient(x, 0.3, axis=1, edge_order=e),
        lambda x, e=_e: np.gradient(x, axis=(1, 0), edge_order=e), lambda x, e=_e: np.gradient(x, [0, 1, 2, 3], axis=0, edge_order=e),
        args=(G,))  # fmt: skip
    add(np.gradient, lambda x, h, e=_e: np.gradient(x, h, edge_order=e), args=(G, 0.4))
    add(np.gradient, lambda x, h, k, e=_e: np.gradient(x, h, k, edge_order=e), args=(G, 0.4, 0.7))
    add(np.gradient, lambda x, h, e=_e: np.gradient(x, h, 2.0, edge_order=e), args=(G, np.array([0.0, 0.5, 1.3, 1.9])))
    # evenly spaced: NumPy's shortcut for such points must not reach the derivative in them
    add(np.gradient, lambda x, h, e=_e: np.gradient(x, h, axis=1, edge_order=e), args=(G, np.arange(5.0) * 0.5))
add(np.gradient, np.gradient, args=(FIVE,))
for _name in ("trapezoid", "trapz"):
    if hasattr(np, _name):
        _r: Any = getattr(np, _name)
        add(_r, _r, lambda y, r=_r: r(y, axis=0), args=(X,))
        add(_r, _r, args=(X, V))
        add(_r, _r, args=(X, Y))
        add(_r, lambda y, x, r=_r: r(y, x, axis=1), args=(T, V))
        add(_r, lambda y, d, r=_r: r(y, dx=d), args=(X, 0.3))
add(np.unwrap, lambda x: np.unwrap(5 * x), lambda x: np.unwrap(9 * x, discont=4.0), args=(FIVE,))
add(np.unwrap, lambda x, p: np.unwrap(5 * x, period=p, axis=0), args=(X, 2.2))

# ---- convolution

A, B, FOUR, SIX = draw("A", 5), draw("B", 3), draw("four", 4), draw("six", 6)
for _mode in ("full", "same", "valid"):
    for _r in (np.convolve, np.correlate):
        for _args in ((A, B), (B, A), (FOUR, SIX), (SIX, FOUR), (FOUR, A), (A, FOUR)):
            add(_r, lambda a, b, r=_r, m=_mode: r(a, b, m), args=_args, order=2 if _args[0] is A else 1)
        add(_r, lambda a, r=_r, m=_mode: r(a, [1, 2, 3], mode=m), args=(A,))
        add(_r, lambda a, b, r=_r, m=_mode: np.abs(r(a * (1 + 1j) + 1j, b * (2 - 1j) + b[::-1] * 1j, m)), args=(A, B))
add(np.convolve, lambda a: np.convolve(a, [1, 2, 3]), args=(1.3,))

# ---- special values

add(np.i0, np.i0, lambda x: np.i0(-6 * x), args=(X,))
add(np.i0, np.i0, args=(1.3,))
add(np.nan_to_num, lambda x, f: np.nan_to_num(np.where(x > 1, np.nan, x), nan=f), args=(X, 1.2))
add(np.nan_to_num, lambda x: np.abs(np.nan_to_num(np.where(MASK, x, np.nan) * (1 + 1j))),
    lambda x: np.nan_to_num(np.where(MASK, x, np.inf), posinf=np.array([5.0, 6.0, 7.0])), args=(X,))  # fmt: skip


def _cleaned_in_place(x: Any) -> Any:
    y = np.where(MASK, x, np.nan)
    return y + np.nan_to_num(y, copy=False, nan=4.0)


add(np.nan_to_num, _cleaned_in_place, args=(X,))

# ---- numbers in a row

add(np.linspace, lambda a, b: np.linspace(a, b, 2, endpoint=False, axis=-1), lambda a, b: np.linspace(a, b[0], 3),
    lambda a, b: np.linspace(a, b, 0), lambda a, b: np.linspace(a, b, 1, endpoint=False, retstep=True), args=(X, Y))  # fmt: skip
add(
    np.logspace,
    lambda a, b, c: np.logspace(a, b, 4, base=c),
    lambda a, b, c: np.logspace(a, c, 3, endpoint=False),
    args=(0.3, 1.2, 1.7),
)
add(np.logspace, lambda a, b: np.logspace(a, 1.5, 4, base=b, axis=1), args=(V, draw("b", 3)))
add(np.geomspace, lambda a, b: np.geomspace(a, b, 5), lambda a, b: np.geomspace(-a, -b, 1), args=(0.3, 1.2))
add(
    np.geomspace,
    lambda a, b: np.geomspace(a, b, 4, endpoint=False, axis=1),
    lambda a, b: np.geomspace(-a, -b[0], 2),
    args=(X, Y),
)
add(np.geomspace, lambda a: np.abs(np.geomspace(a * (1 + 1j), 4j, 5)), args=(1.3,))

# ---- grids, windows, indices

TWO = draw("k", 2)
add(np.meshgrid, np.meshgrid, lambda a, b: np.meshgrid(a, b, [1.0, 2.0], indexing="ij"), lambda a, b: np.meshgrid(a, b, sparse=True),
    lambda a, b: np.meshgrid(a, b, copy=False), lambda a, b: np.meshgrid(a), args=(V, TWO))  # fmt: skip


def _grid_that_follows(a: Any) -> Any:
    b = a * 1
    (follows,) = np.meshgrid(b, sparse=True, copy=False)
    (keeps,) = np.meshgrid(b, sparse=True)
    b[0] = b[1] ** 2
    return follows + 10 * keeps


add(np.meshgrid, _grid_that_follows, args=(V,))
add(np.ix_, lambda x: x[np.ix_([0, 1], [2, 0])], lambda x: x[np.ix_([True, False], [2, 0])], args=(X,))
add(np.ix_, lambda v, w: np.multiply(*np.ix_(v, w)), args=(V, TWO))
for _r in (np.tril_indices_from, np.triu_indices_from):
    add(_r, lambda x, r=_r: x[r(x, 1)], lambda x, r=_r: x[r(x)], args=(S,))
add(np.diag_indices_from, lambda x: x[np.diag_indices_from(x)], args=(S,))
add(
    windows,
    lambda x: windows(x, (2, 2)),
    lambda x: windows(x, 2, axis=1).mean(-1),
    lambda x: windows(x[:, ::2], 2, 0) * 1,
    args=(X,),
)
add(windows, lambda x: np.sum(windows(x, (2, 2), (0, 2)), axis=(-1, -2)), args=(T,))


def _windows_that_follow(x: Any) -> Any:
    y = x * 1
    w = windows(y, 2)
    y[1] = y[0] ** 2
    return w * 1


add(windows, _windows_that_follow, args=(V,))

# ---- types, memory and text

add(np.can_cast, lambda x: x * np.can_cast(x, np.float64) + np.can_cast(np.int8, x.dtype), args=(X,))
add(np.common_type, lambda x: x * np.zeros(1, np.common_type(x, np.arange(3))), args=(X,))
add(np.min_scalar_type, lambda x: x + np.zeros(1, np.min_scalar_type(x)), args=(X,))
if hasattr(np, "astype"):
    add(np.astype, lambda x: np.astype(x, np.float64) * 2, args=(X,))
add(np.einsum_path, lambda x: x * len(np.einsum_path("ij,jk,kl", x, x.T, x)[0]), args=(X,))
for _r in (np.shares_memory, np.may_share_memory):
    add(_r, lambda x, r=_r: x * r(x, x[0]) + 2 * r(x * 1, x) + 4 * r(x.T, x) + 8 * r(x, V),
        lambda x, r=_r: x * r(a := np.zeros(3), a[1:]) + 2 * r(a, np.zeros(2)), args=(X,))  # fmt: skip
add(np.shares_memory, lambda x: x + np.shares_memory(x[0], x[1]), args=(X,))
for _r in (np.array_repr, np.array_str, np.array2string):
    add(_r, lambda x, r=_r: x * len(r(x, precision=2)), args=(X,), abstract=False)
assert TABLE
