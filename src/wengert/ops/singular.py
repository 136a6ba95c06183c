"""Singular values and vectors, and the pseudoinverse.

A = U diag(s) Vᴴ, with as many columns in U and V as there are values. With P = Uᴴ dA V, its Hermitian part Y
and its antihermitian part W, E_ij = 1/(s_j − s_i), G_ij = 1/(s_j + s_i):

    ds = diag Y,  Uᴴ dU = E ∘ Y + G ∘ W,  Vᴴ dV = E ∘ Y − G ∘ W,

and beside these spaces dU = (I − U Uᴴ) dA V/s, dV = (I − V Vᴴ) dAᴴ U/s. Sources: Townsend 2016,
"Differentiating the singular value decomposition"; Wan and Zhang 2019, "Automatic differentiation for
complex valued SVD". Split like this, only E suffers from values that repeat.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.ops.eigen import eye_like, phase_held, real_diagonal
from wengert.ops.families import general
from wengert.ops.gaps import as_row, checked, condition, largest, noise, over_gaps
from wengert.ops.linalg import Operands, Params, adjoint, conj, real_dtype, stacked_alike


def _hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def _antihermitian(x: Any) -> Any:
    return (x - adjoint(x)) / 2


def _infer_values(a: Aval) -> Aval:
    return Aval((*a.shape[:-2], min(a.shape[-2:])), real_dtype(a.dtype), "array")


# ---- singular values alone. At zero they have the kink of |x|, and its subgradient 0


def _positive(row: Any) -> Any:
    return 1.0 * (row > noise(row) * largest(row))


def _values_jvp(ts: Operands, s: Any, xs: Operands, _params: Params) -> Any:
    u, _s, vh = svd(xs[0])
    row = as_row(s)
    moving = _positive(row)
    y = _hermitian(adjoint(u) @ ts[0] @ adjoint(vh)) * moving * moving.mT
    return real_diagonal(checked(y, row, test="values, forward", order=0))


def _pull_values(g: Any, s: Any, u: Any, vh: Any) -> Any:
    row = as_row(s)
    weights = checked(as_row(g) * _positive(row), row, test="values, reverse", order=0)
    return (conj(u) * weights) @ conj(vh)


def _values_vjp(g: Any, s: Any, xs: Operands, _wanted: Any, _params: Params) -> Any:
    u, _s, vh = svd(xs[0])
    return (_pull_values(g, s, u, vh),)


svdvals = general(
    "svdvals", lambda a: np.linalg.svd(a, compute_uv=False), jvp=_values_jvp, vjp=_values_vjp,
    batch=stacked_alike(lambda: svdvals), infer=_infer_values, tex=r"\sigma({0})",
)  # fmt: skip

# ---- with vectors


def _beside(x: Any, q: Any) -> Any:
    """(I − Q Qᴴ) X, which is zero where Q is square."""
    rows, columns = shape_of(q)[-2:]
    return 0.0 if rows == columns else x - q @ (adjoint(q) @ x)


def _regular(s: Any) -> Any:
    row = as_row(s)
    return checked(row, row, test="full rank", order=0)


def _svd_jvp(ts: Operands, z: Any, xs: Operands, _params: Params) -> Any:
    u, s, vh = z
    v, row = adjoint(vh), _regular(s)
    p = checked(adjoint(u) @ ts[0] @ v, row, test="vectors, forward", order=0)
    along, across = over_gaps(_hermitian(p), row), _antihermitian(p) / (row + row.mT)
    du = u @ (along + across) + _beside(ts[0] @ v / row, u)
    dv = v @ (along - across) + _beside(adjoint(ts[0]) @ u / row, v)
    if dtype_of(u).kind == "c":  # LAPACK keeps the first row of V real, or of U for a wide matrix
        m, n = shape_of(xs[0])[-2:]
        turn = phase_held(v, dv, 0) if m >= n else phase_held(u, du, 0)
        du, dv = du - turn * u, dv - turn * v
    return du, real_diagonal(p), adjoint(dv)


def _svd_vjp(g: Any, z: Any, _xs: Any, _wanted: Any, _params: Params) -> Any:
    (gu, gs, gvh), (u, s, vh) = g, z
    if gu is None and gvh is None:
        return (_pull_values(gs, s, u, vh),)
    v, row = adjoint(vh), _regular(s)
    # what is paired with conjugation, as the formulas are written; the result is conjugated back
    hu = conj(gu) if gu is not None else 0.0 * u
    hv = gvh.mT if gvh is not None else 0.0 * v
    x, y = adjoint(u) @ hu, adjoint(v) @ hv
    weights = () if gs is None else (as_row(gs),)
    both = checked(x + y, row, *weights, test="vectors, reverse", order=0)
    inner = over_gaps(_antihermitian(both), row) + _antihermitian(x - y) / (row + row.mT)
    if weights:
        inner = inner + weights[0] * eye_like(inner)
    total = (u @ inner + _beside(hu / row, u)) @ vh
    if shape_of(v)[-1] < shape_of(v)[-2]:
        total = total + u @ adjoint(_beside(hv / row, v))
    return (conj(total),)


def _svd_infer(a: Aval) -> tuple[Aval, Aval, Aval]:
    (m, n), stack = a.shape[-2:], a.shape[:-2]
    k = min(m, n)
    return Aval((*stack, m, k), a.dtype, "array"), _infer_values(a), Aval((*stack, k, n), a.dtype, "array")


svd = general(
    "svd", lambda a: tuple(np.linalg.svd(a, full_matrices=False)), jvp=_svd_jvp, vjp=_svd_vjp,
    batch=stacked_alike(lambda: svd), infer=_svd_infer, reads=lambda _k, _n: (False, True), multiple=True,
    tex=r"\operatorname{{svd}} {0}",
)  # fmt: skip

# ---- the pseudoinverse (Golub and Pereyra 1973, "The differentiation of pseudo-inverses"). It jumps where
# the rank changes: only matrices of full rank have a derivative


@condition("pseudoinverse")
def _is_inverse(p: np.ndarray[Any, Any], a: np.ndarray[Any, Any]) -> None:
    m, n = a.shape[-2:]
    product = p @ a if m >= n else a @ p
    if np.any(np.abs(product - np.eye(min(m, n))) > 0.5):
        raise DerivativeError(
            f"np.linalg.pinv of a {m}×{n} matrix of rank less than {min(m, n)} (singular values below rcond\n"
            f"  count as zero): the pseudoinverse jumps there, and has no derivative{at_line()}\n"
            "  write: a matrix of full rank, or the smooth np.linalg.solve(A.T @ A + 1e-6 * np.eye(n), A.T)"
        )


def _pinv_jvp(ts: Operands, z: Any, xs: Operands, _params: Params) -> Any:
    a, t = xs[0], ts[0]
    m, n = shape_of(a)[-2:]
    p = checked(z, a, test="pseudoinverse", order=0)
    d = -(p @ t @ p)
    if m > n:
        side = p @ adjoint(p) @ adjoint(t)
        d = d + side - side @ a @ p
    elif m < n:
        side = adjoint(t) @ adjoint(p) @ p
        d = d + side - p @ (a @ side)
    return d


def _pinv_vjp(g: Any, z: Any, xs: Operands, _wanted: Any, _params: Params) -> Any:
    a = xs[0]
    m, n = shape_of(a)[-2:]
    p = checked(z, a, test="pseudoinverse", order=0)
    h = adjoint(conj(g))
    d = -(adjoint(p) @ adjoint(h) @ adjoint(p))
    if m > n:
        side = h @ p @ adjoint(p)
        d = d + side - a @ (p @ side)
    elif m < n:
        side = adjoint(p) @ p @ h
        d = d + side - side @ p @ a
    return (conj(d),)


pinv = general(
    "pinv", lambda a, *, rcond: np.linalg.pinv(a, rcond), jvp=_pinv_jvp, vjp=_pinv_vjp,
    batch=lambda _b, xs, p: pinv(*xs, **p),
    infer=lambda a, **_: Aval((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype, "array"),
    tex="{0}^+",
)  # fmt: skip
