"""Triangular systems, and the factorisation A = L U without exchange of rows.

Both are SciPy's, which is loaded when they are first computed. Rules: Giles 2008, "Collected matrix derivative
results for forward and reverse mode algorithmic differentiation"; for L U de Hoog, Anderssen and Lukas 2011,
"Differentiation of matrix functionals using triangular factorization".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from wengert.core.types import Aval, shape_of
from wengert.errors import at_line
from wengert.ops.families import align, fit, flat, general
from wengert.ops.linalg import Operands, Params, alike, stacked_alike

Matrix = np.ndarray[Any, Any]


def triangle(a: Any, lower: bool, unit: bool = False) -> Any:
    """The triangle that is read, zeros beside it; with ``unit`` ones on the diagonal, which is then not read."""
    return _read(a, lower, unit) + (np.eye(shape_of(a)[-1], dtype=a.dtype) if unit else 0)


def _read(a: Any, lower: bool, unit: bool) -> Any:
    n = shape_of(a)[-1]
    mask = np.tri(n, k=-1 if unit else 0, dtype=bool)
    return np.where(mask if lower else mask.T, a, 0)


# ---- T X = B


def _solve(a: Any, b: Any, *, lower: bool, unit: bool) -> Any:
    import scipy.linalg  # loaded by those who use it

    dtype = np.result_type(a, b)
    if 0 in (*a.shape, *b.shape) or a.ndim > 2 or b.ndim > 2:
        return _solve_stack(triangle(a, lower, unit), b).astype(dtype)
    try:
        x = scipy.linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit, check_finite=False)
    except LinAlgError as error:
        raise _singular(str(error)) from None
    return np.ascontiguousarray(x, dtype)


def _solve_stack(t: Matrix, b: Matrix) -> Matrix:
    try:
        return np.linalg.solve(t, b)
    except LinAlgError as error:
        raise _singular(str(error)) from None


def _singular(what: str) -> LinAlgError:
    return LinAlgError(
        f"{what}: a triangular matrix with a zero on its diagonal has no inverse{at_line()}\n"
        "  write: a matrix of full rank, or add a small multiple of np.eye(n) to it"
    )


def _jvp(ts: Operands, x: Any, xs: Operands, params: Params) -> Any:
    da, db = ts
    moved = None if da is None else _read(da, params["lower"], params["unit"]) @ x
    right = db if moved is None else -moved if db is None else db - moved
    return solve_triangular(xs[0], right, **params)


def _vjp(g: Any, x: Any, xs: Operands, wanted: Sequence[bool], params: Params) -> Any:
    a, b = xs
    lower, unit = params["lower"], params["unit"]
    gb = solve_triangular(a.mT, g, lower=not lower, unit=unit)
    ga = fit(_read(-gb @ x.mT, lower, unit), a) if wanted[0] else None
    return ga, fit(gb, b) if wanted[1] else None


def _batch(batched: Sequence[bool], xs: Operands, params: Params) -> Any:
    return solve_triangular(*align(batched, xs), **params)


def _infer(a: Aval, b: Aval, **_: Any) -> Aval:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return Aval((*stack, *b.shape[-2:]), np.result_type(a.dtype, b.dtype), "array")


solve_triangular = general(
    "solve_triangular", _solve, jvp=_jvp, vjp=_vjp, batch=_batch, infer=_infer,
    reads=lambda k, _n: (True, False, k == 0), tex="{0}^{{-1}} {1}",
)  # fmt: skip


def divide_right(x: Any, t: Any, *, lower: bool, unit: bool = False) -> Any:
    """X T⁻¹."""
    return solve_triangular(t.mT, x.mT, lower=not lower, unit=unit).mT


# ---- A = L U; both in one matrix, as LAPACK packs them


def _unpivoted(a: Matrix) -> Matrix:
    f = a.copy()
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero pivot leaves no derivative, and it will be said
        for k in range(a.shape[-1] - 1):
            below = f[..., k + 1 :, k : k + 1]
            below /= np.where(below == 0, 1, f[..., k : k + 1, k : k + 1])
            f[..., k + 1 :, k + 1 :] -= below * f[..., k : k + 1, k + 1 :]
    return f


def _lu_jvp(ts: Operands, f: Any, _xs: Operands, _params: Params) -> Any:
    # with M = L⁻¹ dA U⁻¹: dL = L M₋, dU = M₊ U
    m = divide_right(solve_triangular(f, ts[0], lower=True, unit=True), f, lower=False)
    below, above = _read(m, True, True), _read(m, False, False)
    return triangle(f, True, True) @ below + above @ triangle(f, False)


def _lu_vjp(g: Any, f: Any, _xs: Operands, _wanted: Any, _params: Params) -> Any:
    low, up = triangle(f, True, True), triangle(f, False)
    inner = _read(low.mT @ _read(g, True, True), True, True) + _read(_read(g, False, False) @ up.mT, False, False)
    left = solve_triangular(f.mT, inner, lower=False, unit=True)
    return (divide_right(left, f.mT, lower=True),)


lu = general(
    "lu_without_pivots", _unpivoted, jvp=_lu_jvp, vjp=_lu_vjp, batch=stacked_alike(lambda: lu), infer=alike,
    reads=lambda _k, _n: (False, True), tex=r"\operatorname{{lu}} {0}",
)  # fmt: skip


# ---- which row is exchanged with which: flat


def each(run: Any, a: Matrix, shape: tuple[int, ...], dtype: Any) -> Matrix:
    """``run`` of each matrix of a stack, for what SciPy takes one at a time."""
    out = np.empty((*a.shape[:-2], *shape), dtype)
    for at in np.ndindex(a.shape[:-2]):
        out[at] = run(a[at])
    return out


def _pivots(a: Matrix) -> Matrix:
    import scipy.linalg  # loaded by those who use it

    (getrf,) = scipy.linalg.get_lapack_funcs(("getrf",), (a,))
    return each(lambda m: getrf(m)[1] if m.size else 0, a, (min(a.shape[-2:]),), np.int32)


def _permutation(pivots: Matrix, *, rows: int) -> Matrix:
    out = np.empty((*pivots.shape[:-1], rows), np.intp)
    for at in np.ndindex(pivots.shape[:-1]):
        order = np.arange(rows)
        for k, j in enumerate(pivots[at]):
            order[[k, j]] = order[[j, k]]
        out[at] = order
    return out


pivots = flat(
    "lu_pivots", _pivots, r"\operatorname{{piv}} {0}", batch=lambda _b, xs, _p: pivots(*xs)
)  # fmt: skip
# the order of rows that a sequence of exchanges gives
permutation = flat(
    "permutation_of_pivots", _permutation, r"\pi({0})", batch=lambda _b, xs, p: permutation(*xs, **p)
)  # fmt: skip


def _column_pivots(a: Matrix) -> Matrix:
    import scipy.linalg  # loaded by those who use it

    qr: Any = scipy.linalg.qr  # whose results are one more with pivoting
    return each(lambda m: qr(m, mode="r", pivoting=True)[1], a, a.shape[-1:], np.int32)


# the order of columns in which QR with pivoting takes them
column_pivots = flat(
    "column_pivots", _column_pivots, r"\operatorname{{piv}} {0}", batch=lambda _b, xs, _p: column_pivots(*xs)
)  # fmt: skip
