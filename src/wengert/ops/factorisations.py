"""Cholesky and QR factorisations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import at_line
from wengert.ops.families import general
from wengert.ops.gaps import checked, condition, refuse, vanishing
from wengert.ops.linalg import Operands, Params, adjoint, alike, broken, conj, half, solve, stacked_alike

# ---- A = L Lᴴ, of one triangle of A (Murray 2016, "Differentiation of the Cholesky decomposition").
# As for eigh the derivative is that of the function computed: zero on the triangle that is not read


def not_definite(a: np.ndarray[Any, Any], upper: bool) -> LinAlgError:
    """The error for a matrix that has no Cholesky factor."""
    smallest = np.asarray(np.linalg.eigvalsh(a, "U" if upper else "L")[..., 0])
    bad = ~(smallest > 0)
    found = f" has the eigenvalue {smallest[bad].flat[0]:.3g}" if bad.any() else " is not, after rounding"
    return LinAlgError(
        f"Matrix is not positive definite: np.linalg.cholesky: {broken(a, bad)}{found}{at_line()}\n"
        "  write: a positive definite matrix; adding a small multiple of np.eye(n) makes a covariance one"
    )


def _cholesky(a: Any, *, upper: bool) -> Any:
    try:
        return np.linalg.cholesky(a, upper=upper)
    except LinAlgError:
        raise not_definite(np.asarray(a), upper) from None


def _cholesky_jvp(ts: Operands, z: Any, _xs: Any, params: Params) -> Any:
    # dL = L Φ(L⁻¹ dA L⁻ᴴ)
    upper = params["upper"]
    L = adjoint(z) if upper else z
    t = half(ts[0], lower=not upper)
    inner = solve(L, adjoint(solve(L, t + adjoint(t))))
    dL = L @ half(inner)
    return adjoint(dL) if upper else dL


def _cholesky_vjp(g: Any, z: Any, _xs: Any, _wanted: Any, params: Params) -> Any:
    # S = L⁻ᵀ Φ(Lᵀ g) conj(L)⁻¹, and Φ(S + Sᴴ) on the triangle that is read
    upper = params["upper"]
    L, g = (adjoint(z), adjoint(g)) if upper else (z, g)
    left = solve(L.mT, half(L.mT @ g))
    S = solve(adjoint(L), left.mT).mT
    return (half(S + adjoint(S), lower=not upper),)


cholesky = general(
    "cholesky", _cholesky, jvp=_cholesky_jvp, vjp=_cholesky_vjp, batch=lambda _b, xs, p: cholesky(*xs, **p),
    infer=alike, reads=lambda _k, _n: (False, True), tex=r"\operatorname{{chol}} {0}",
)  # fmt: skip

# ---- A = Q R for m ≥ n, with n columns in Q; R's diagonal is real (Walter and Lehmann 2018, "Algorithmic
# differentiation of linear algebra functions"). With C = Qᴴ dA R⁻¹ and S = Φ(C + Cᴴ) of the upper triangle:
# dR = S R, dQ = dA R⁻¹ − Q S


@condition("independent columns")
def independent_columns(_x: Any, row: np.ndarray[Any, Any]) -> None:
    """No element of R's diagonal is zero."""
    refuse(
        row, vanishing(row),
        "it is zero: np.linalg.qr has a derivative only where the columns are independent",
        "a matrix of full column rank", what="element on the diagonal of R,",
    )  # fmt: skip


def _regular(r: Any) -> Any:
    size = np.abs(np.sum(r * np.eye(shape_of(r)[-1], dtype=dtype_of(r)), axis=-2, keepdims=True))
    return checked(r, size, test="independent columns", order=0)


def _upper(x: Any) -> Any:
    return half(x, lower=False)


def _qr_jvp(ts: Operands, z: Any, _xs: Any, _params: Params) -> Any:
    q, r = z[0], _regular(z[1])
    x = solve(r.mT, ts[0].mT).mT
    c = adjoint(q) @ x
    s = _upper(c + adjoint(c))
    return x - q @ s, s @ r


def _qr_vjp(g: Any, z: Any, _xs: Any, _wanted: Any, _params: Params) -> Any:
    (gq, gr), q, r = g, z[0], _regular(z[1])
    # paired with conjugation, as the formulas are written; the result is conjugated back
    gq = conj(gq) if gq is not None else 0.0 * q
    gr = conj(gr) if gr is not None else 0.0 * r
    t = _upper(gr @ adjoint(r) - adjoint(q) @ gq)
    total = gq + q @ (t + adjoint(t))
    return (conj(adjoint(solve(r, adjoint(total)))),)


def _qr_infer(a: Aval) -> tuple[Aval, Aval]:
    n = a.shape[-1]
    return alike(a), Aval((*a.shape[:-2], n, n), a.dtype, "array")


qr = general(
    "qr", lambda a: tuple(np.linalg.qr(a)), jvp=_qr_jvp, vjp=_qr_vjp, batch=stacked_alike(lambda: qr),
    infer=_qr_infer, reads=lambda _k, _n: (False, True), multiple=True, tex=r"\operatorname{{qr}} {0}",
)  # fmt: skip
