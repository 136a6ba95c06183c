"""Singular values and vectors.

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
from wengert.ops.eigen import eye_like, phase_held, real_diagonal
from wengert.ops.families import flat, general
from wengert.ops.gaps import as_row, checked, largest, noise, over_gaps, vectors_seen, where_repeated
from wengert.ops.linalg import Operands, Params, adjoint, conj, real_dtype, stacked_alike
from wengert.ops.splitting import Split, in_both, turned


def _hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def _antihermitian(x: Any) -> Any:
    return (x - adjoint(x)) / 2


def _infer_values(a: Aval) -> Aval:
    return Aval((*a.shape[:-2], min(a.shape[-2:])), real_dtype(a.dtype), "array")


# ---- singular values alone. At zero they have the kink of |x|, and its subgradient 0


def _positive(row: Any) -> Any:
    return (row > noise(row) * largest(row)).astype(dtype_of(row))


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


def _svd(a: Any, *, split: Split | None = None) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    if split is not None:
        u, v = turned(s, u, adjoint(vh))
        vh = adjoint(v)
    return u, s, vh


def _svd_vjp(g: Any, z: Any, _xs: Any, _wanted: Any, params: Params) -> Any:
    u, s, vh = z
    split = params.get("split")
    # as values first, vectors after them, with V for Vᴴ; what pairs with conjugation is conjugated
    gs = (g[1], g[0], None if g[2] is None else conj(g[2].mT))
    return (in_both(split, gs, s, (u, adjoint(vh)), lambda g, u, v: _pull(g, s, u, v, split)),)


def _pull(g: Any, s: Any, u: Any, v: Any, split: Split | None) -> Any:
    moving = g[1:]
    gs, gu, gv = g if split is None else map(split.rest, g)
    if gu is None and gv is None:
        return _pull_values(gs, s, u, adjoint(v))
    row = _regular(s)
    hu = conj(gu) if gu is not None else 0.0 * u
    hv = conj(gv) if gv is not None else 0.0 * v
    x, y = adjoint(u) @ hu, adjoint(v) @ hv
    both = vectors_seen(x + y, row, gs, split)
    inner = over_gaps(_antihermitian(both), row) + _antihermitian(x - y) / (row + row.mT)
    if split is not None and split.apart:
        terms = [
            split.over_gaps(lambda t, q=q: _antihermitian(adjoint(q) @ conj(t)), d)
            for q, d in zip((u, v), moving, strict=True)
            if d is not None
        ]
        inner = inner + where_repeated(sum(terms[1:], terms[0]), row)
    if gs is not None:
        inner = inner + as_row(gs) * eye_like(inner)
    total = (u @ inner + _beside(hu / row, u)) @ adjoint(v)
    if shape_of(v)[-1] < shape_of(v)[-2]:
        total = total + u @ adjoint(_beside(hv / row, v))
    return conj(total)


def _svd_infer(a: Aval, **_: Any) -> tuple[Aval, Aval, Aval]:
    (m, n), stack = a.shape[-2:], a.shape[:-2]
    k = min(m, n)
    return Aval((*stack, m, k), a.dtype, "array"), _infer_values(a), Aval((*stack, k, n), a.dtype, "array")


svd = general(
    "svd", _svd, jvp=_svd_jvp, vjp=_svd_vjp,
    batch=lambda _b, xs, p: svd(*xs, **p), infer=_svd_infer, reads=lambda _k, _n: (False, True), multiple=True,
    tex=r"\operatorname{{svd}} {0}",
)  # fmt: skip

# ---- what has no derivative of its own


def _vectors_beside(a: Any) -> Any:
    u = np.linalg.svd(a)[0]
    return u[..., min(a.shape[-2:]) :]


# the columns of the square U of a tall matrix that belong to no singular value
vectors_beside = flat(
    "vectors_beside", _vectors_beside, r"U_\perp({0})", batch=stacked_alike(lambda: vectors_beside)
)  # fmt: skip


def _range_vectors(a: Any, *, rank: int) -> Any:
    return np.linalg.svd(a, full_matrices=False)[0][..., :rank]


def _null_vectors(a: Any, *, rank: int) -> Any:
    return adjoint(np.linalg.svd(a)[2][..., rank:, :])


range_vectors = flat(
    "range_vectors", _range_vectors, r"\operatorname{{ran}} {0}", batch=lambda _b, xs, p: range_vectors(*xs, **p)
)  # fmt: skip
null_vectors = flat(
    "null_vectors", _null_vectors, r"\operatorname{{null}} {0}", batch=lambda _b, xs, p: null_vectors(*xs, **p)
)  # fmt: skip


def _matrix_rank(a: Any, *, tol: Any, hermitian: bool, **options: Any) -> Any:
    return np.linalg.matrix_rank(a, tol, hermitian, **options)


matrix_rank = flat(
    "matrix_rank", _matrix_rank, r"\operatorname{{rank}} {0}",
    batch=lambda _b, xs, p: matrix_rank(*xs, **p),
)  # fmt: skip

# of singular values, as np.linalg.lstsq counts it
rank_of = flat(
    "rank_of", lambda s, *, bound: np.sum(s > bound * np.max(s, axis=-1, keepdims=True, initial=0.0), axis=-1)[()],
    r"\operatorname{{rank}} {0}", batch=lambda _b, xs, p: rank_of(*xs, **p),
)  # fmt: skip


def _least_squares_batch(batched: Any, xs: Operands, params: Params) -> Any:
    # NumPy takes one system at a time; with one matrix all right-hand sides stand side by side
    a, b = xs
    if batched[0]:
        b = b if batched[1] else np.broadcast_to(b, (*shape_of(a)[:1], *shape_of(b)))
        return np.stack([least_squares(a[k], b[k], **params) for k in range(shape_of(a)[0])])
    size, m, k = shape_of(b)
    x = least_squares(a, np.reshape(np.moveaxis(b, 0, 1), (m, size * k)), **params)
    return np.moveaxis(np.reshape(x, (shape_of(x)[0], size, k)), 1, 0)


least_squares = flat(
    "least_squares", lambda a, b, *, rcond: np.linalg.lstsq(a, b, rcond)[0], "{0}^+ {1}", batch=_least_squares_batch
)
