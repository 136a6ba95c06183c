"""Matrix equations: Sylvester's, and the algebraic equations of Riccati.

Values are SciPy's, which is loaded when they are first computed. The derivative of a solution solves a linear
equation of the same kind (the theorem of implicit functions): that is the rule, and it differentiates again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from wengert.core.types import Aval
from wengert.errors import at_line
from wengert.ops.families import align, fit, general
from wengert.ops.linalg import Operands, Params, adjoint, inv, solve

Matrix = np.ndarray[Any, Any]

# ---- A X + X B = Q (Bartels and Stewart 1972, "Solution of the matrix equation AX + XB = C")


def _sylvester(a: Matrix, b: Matrix, q: Matrix) -> Matrix:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    a, b, q = (np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (a, b, q))
    out = np.empty(q.shape, np.result_type(a, b, q))
    for at in np.ndindex(stack):
        out[at] = _one(a[at], b[at], q[at])
    return out


def _one(a: Matrix, b: Matrix, q: Matrix) -> Matrix:
    import scipy.linalg  # loaded by those who use it

    if not q.size:
        return q
    kind = "complex" if np.result_type(a, b, q).kind == "c" else "real"
    r, u = scipy.linalg.schur(a, kind)[:2]
    s, v = scipy.linalg.schur(b.conj().T, kind)[:2]
    inner = u.conj().T @ q @ v
    (trsyl,) = scipy.linalg.get_lapack_funcs(("trsyl",), (r, s, inner))
    y, scale, info = trsyl(r, s, inner, tranb="C" if kind == "complex" else "T")
    if info:
        raise LinAlgError(
            "AX + XB = Q has no unique solution: A and −B have a common eigenvalue (or nearly so); where a\n"
            f"  derivative is wanted of sqrtm, polar or a Riccati equation, it does not exist here{at_line()}\n"
            "  write: matrices of full rank, or whose eigenvalues sum to nothing near zero"
        )
    return u @ (scale * y) @ v.conj().T


def _jvp(ts: Operands, x: Any, xs: Operands, _params: Params) -> Any:
    da, db, dq = ts
    terms = [dq, None if da is None else -(da @ x), None if db is None else -(x @ db)]
    known = [t for t in terms if t is not None]
    return sylvester(xs[0], xs[1], sum(known[1:], known[0]))


def _vjp(g: Any, x: Any, xs: Operands, wanted: Sequence[bool], _params: Params) -> Any:
    a, b, q = xs
    gq = sylvester(a.mT, b.mT, g)
    return (
        fit(-gq @ x.mT, a) if wanted[0] else None,
        fit(-x.mT @ gq, b) if wanted[1] else None,
        fit(gq, q) if wanted[2] else None,
    )


def _infer(a: Aval, b: Aval, q: Aval) -> Aval:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    return Aval((*stack, *q.shape[-2:]), np.result_type(a.dtype, b.dtype, q.dtype), "array")


sylvester = general(
    "sylvester", _sylvester, jvp=_jvp, vjp=_vjp, batch=lambda b, xs, _p: sylvester(*align(b, xs)), infer=_infer,
    reads=lambda k, _n: (True, True, False, k != 2), tex=r"\operatorname{{sylvester}}({0}, {1}, {2})",
)  # fmt: skip


def lyapunov(a: Any, q: Any) -> Any:
    """The X of A X + X Aᴴ = Q."""
    return sylvester(a, adjoint(a), q)


def discrete_lyapunov(a: Any, q: Any) -> Any:
    """The X of A X Aᴴ − X + Q = 0, by the bilinear map to :func:`lyapunov` (Hammarling 1982)."""
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    shifted = inv(adjoint(a) + eye)
    b = (adjoint(a) - eye) @ shifted
    return lyapunov(adjoint(b), -2.0 * (adjoint(shifted) @ q @ shifted))


# ---- Riccati's equations; operands A, B, Q, R, S, E, of which the last two always are there


def _riccati(name: str) -> Any:
    def run(*operands: Matrix) -> Matrix:
        import scipy.linalg  # loaded by those who use it

        method = getattr(scipy.linalg, name)
        stack = np.broadcast_shapes(*(x.shape[:-2] for x in operands))
        full = [np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in operands]
        out = np.empty((*stack, *operands[0].shape[-2:]), np.result_type(*operands))
        for at in np.ndindex(stack):
            a, b, q, r, s, e = (x[at] for x in full)
            out[at] = method(a, b, _hermitian(q) / 2, _hermitian(r) / 2, e=e, s=s)
        return out

    return run


def _changes(ts: Operands, xs: Operands) -> list[Any]:
    """Tangents, zero where there are none, and Hermitian for Q and R, as these are read."""
    da, db, dq, dr, ds, de = (np.zeros(x.shape, x.dtype) if t is None else t for t, x in zip(ts, xs, strict=True))
    return [da, db, _hermitian(dq) / 2, _hermitian(dr) / 2, ds, de]


def _hermitian(x: Any) -> Any:
    return x + adjoint(x)


def _continuous_jvp(ts: Operands, x: Any, xs: Operands, _params: Params) -> Any:
    # Aᴴ X E + Eᴴ X A − Kᴴ R K + Q = 0 with R K = Bᴴ X E + Sᴴ
    a, b, _q, r, s, e = xs
    da, db, dq, dr, ds, de = _changes(ts, xs)
    k = solve(r, adjoint(b) @ x @ e + adjoint(s))
    dg = adjoint(db) @ x @ e + adjoint(b) @ x @ de + adjoint(ds)
    change = _hermitian(adjoint(da) @ x @ e + adjoint(a) @ x @ de - adjoint(dg) @ k) + dq + adjoint(k) @ dr @ k
    back = inv(e)
    closed = adjoint((a - b @ k) @ back)
    return lyapunov(closed, -(adjoint(back) @ change @ back))


def _discrete_jvp(ts: Operands, x: Any, xs: Operands, _params: Params) -> Any:
    # Aᴴ X A − Eᴴ X E − Kᴴ W K + Q = 0 with W = R + Bᴴ X B, W K = Bᴴ X A + Sᴴ
    a, b, _q, r, s, e = xs
    da, db, dq, dr, ds, de = _changes(ts, xs)
    k = solve(r + adjoint(b) @ x @ b, adjoint(b) @ x @ a + adjoint(s))
    dg = adjoint(db) @ x @ a + adjoint(b) @ x @ da + adjoint(ds)
    dw = dr + _hermitian(adjoint(db) @ x @ b)
    change = _hermitian(adjoint(da) @ x @ a - adjoint(de) @ x @ e - adjoint(dg) @ k) + dq + adjoint(k) @ dw @ k
    back = inv(e)
    closed = adjoint((a - b @ k) @ back)
    return discrete_lyapunov(closed, adjoint(back) @ change @ back)


def _riccati_infer(a: Aval, *others: Aval) -> Aval:
    avals = (a, *others)
    stack = np.broadcast_shapes(*(x.shape[:-2] for x in avals))
    return Aval((*stack, *a.shape[-2:]), np.result_type(*(x.dtype for x in avals)), "array")


continuous_riccati = general(
    "continuous_riccati", _riccati("solve_continuous_are"), jvp=_continuous_jvp, infer=_riccati_infer,
    batch=lambda b, xs, _p: continuous_riccati(*align(b, xs)), tex=r"\operatorname{{care}}({0}, {1}, {2})",
)  # fmt: skip
discrete_riccati = general(
    "discrete_riccati", _riccati("solve_discrete_are"), jvp=_discrete_jvp, infer=_riccati_infer,
    batch=lambda b, xs, _p: discrete_riccati(*align(b, xs)), tex=r"\operatorname{{dare}}({0}, {1}, {2})",
)  # fmt: skip
