"""Cholesky and QR factorisations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import at_line
from wengert.ops.families import general
from wengert.ops.linalg import Operands, Params, adjoint, broken, conj, half, same, solve

# ---- A = L Lᴴ, of one triangle of A (Murray 2016, "Differentiation of the Cholesky decomposition").
# As for eigh the derivative is that of the function computed: zero on the triangle that is not read


def not_definite(a: np.ndarray[Any, Any], upper: bool) -> LinAlgError:
    """The error for a matrix that has no Cholesky factor."""
    smallest = np.asarray(np.linalg.eigvalsh(a, "U" if upper else "L")[..., 0])
    bad = ~(smallest > 0)
    found = f": its smallest eigenvalue is {smallest[bad].flat[0]:.3g}" if bad.any() else " to working precision"
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
    inner = solve(L, t + adjoint(t))
    dL = L @ (2 * half(_halved(solve(L, adjoint(inner)))))
    return adjoint(dL) if upper else dL


def _halved(x: Any) -> Any:
    # solving from both sides rounds differently on the two sides: the mean is Hermitian
    return (x + adjoint(x)) / 4


def _cholesky_vjp(g: Any, z: Any, _xs: Any, _wanted: Any, params: Params) -> Any:
    # S = L⁻ᵀ Φ(Lᵀ g) conj(L)⁻¹, and Φ(S + Sᴴ) on the triangle that is read
    upper = params["upper"]
    L, g = (adjoint(z), adjoint(g)) if upper else (z, g)
    left = solve(L.mT, half(L.mT @ g))
    S = solve(adjoint(L), left.mT).mT
    return (half(S + adjoint(S), lower=not upper),)


cholesky = general(
    "cholesky", _cholesky, jvp=_cholesky_jvp, vjp=_cholesky_vjp, batch=lambda _b, xs, p: cholesky(*xs, **p),
    infer=lambda a, *, upper: same(a), reads=lambda _k, _n: (False, True), tex=r"\operatorname{{chol}} {0}",
)  # fmt: skip
