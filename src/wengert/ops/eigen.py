"""Eigenvalues and eigenvectors of Hermitian matrices, of which one triangle is read.

The derivative is that of the function NumPy computes: a triangle that is not read has derivative zero, and
what it would have received is added to the other. For symmetric A, (G + Gᵀ)/2 is the symmetric gradient.

With M = Vᴴ dA V:  dw = diag M,  dV = V (F ∘ M),  F_ij = 1/(w_j − w_i), F_ii = 0 (Giles 2008, 3.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.ops.families import align, flat, general
from wengert.ops.gaps import as_row, checked, over_gaps, vectors_seen, where_repeated
from wengert.ops.linalg import Operands, Params, adjoint, alike, conj, half, real_dtype
from wengert.ops.splitting import Split, in_both, turned


def eye_like(x: Any) -> Any:
    """The identity, of the size and dtype of matrices x."""
    return np.eye(shape_of(x)[-1], dtype=dtype_of(x))


def real_diagonal(x: Any) -> Any:
    """The real part of each matrix's diagonal."""
    return np.real(np.sum(x * eye_like(x), axis=-1))


def seen(t: Any, lower: bool) -> Any:
    """The change of the Hermitian matrix that is read, from that of the array."""
    h = half(t, lower)
    return h + adjoint(h)


def _infer_values(a: Aval, **_: Any) -> Aval:
    return Aval(a.shape[:-1], real_dtype(a.dtype), "array")


# ---- eigenvalues alone


def _values_jvp(ts: Operands, w: Any, xs: Operands, params: Params) -> Any:
    v = eigh(xs[0], **params)[1]
    m = adjoint(v) @ seen(ts[0], params["lower"]) @ v
    return real_diagonal(checked(m, as_row(w), test="values, forward", order=0))


def _pull_values(g: Any, w: Any, v: Any, lower: bool) -> Any:
    """conj(V) diag(g) Vᵀ, on the triangle that is read."""
    weights = checked(as_row(g), as_row(w), test="values, reverse", order=0)
    return half((conj(v) * (2 * weights)) @ v.mT, lower)


eigvalsh = general(
    "eigvalsh", lambda a, *, lower: np.linalg.eigvalsh(a, "L" if lower else "U"),
    jvp=_values_jvp, vjp=lambda g, w, xs, _w, p: (_pull_values(g, w, eigh(xs[0], **p)[1], **p),),
    batch=lambda _b, xs, p: eigvalsh(*xs, **p), infer=_infer_values,
    tex=r"\operatorname{{eigvals}} {0}",
)  # fmt: skip

# ---- both


def phase_held(v: Any, dv: Any, row: int) -> Any:
    """The rate at which vectors turn their phase; LAPACK's complex ones have one row that stays real."""
    head = (Ellipsis, slice(0, 1) if row == 0 else slice(-1, None), slice(None))
    fixed = np.real(v[head])
    turn = np.where(fixed == 0, 0.0, np.imag(dv[head]) / np.where(fixed == 0, 1.0, fixed))
    return 1j * turn


def _eigh_jvp(ts: Operands, z: Any, _xs: Operands, params: Params) -> Any:
    w, v = z
    row = as_row(w)
    m = checked(adjoint(v) @ seen(ts[0], params["lower"]) @ v, row, test="vectors, forward", order=0)
    dv = v @ over_gaps(m, row)
    if dtype_of(v).kind == "c":
        dv = dv - phase_held(v, dv, 0 if params["lower"] else -1) * v
    return real_diagonal(m), dv


def _eigh(a: Any, *, lower: bool, split: Split | None = None) -> Any:
    w, v = np.linalg.eigh(a, "L" if lower else "U")
    return w, (v if split is None else turned(w, v)[0])


def _eigh_vjp(g: Any, z: Any, _xs: Any, _wanted: Any, params: Params) -> Any:
    w, lower, split = z[0], params["lower"], params.get("split")
    return (in_both(split, g, w, z[1:], lambda g, v: _pull(g, w, v, lower, split)),)


def _pull(g: Any, w: Any, v: Any, lower: bool, split: Split | None) -> Any:
    # with P = Vᵀ g_V: conj(V) (diag g_w + F ∘ (P - Pᴴ)/2) Vᵀ
    gw, moving = g
    gv = moving if split is None else split.rest(moving)
    gw = gw if split is None else split.rest(gw)
    if gv is None:
        return _pull_values(gw, w, v, lower)
    row = as_row(w)
    p = vectors_seen(v.mT @ gv, row, gw, split)
    inner = over_gaps(antisymmetric(p), row)
    if split is not None and split.apart:
        inner = inner + where_repeated(split.over_gaps(lambda t: antisymmetric(v.mT @ t), moving), row)
    if gw is not None:
        inner = inner + 2 * as_row(gw) * eye_like(v)
    return half(conj(v) @ inner @ v.mT, lower)


def antisymmetric(p: Any) -> Any:
    """P − Pᴴ."""
    return p - adjoint(p)


eigh = general(
    "eigh", _eigh,
    jvp=_eigh_jvp, vjp=_eigh_vjp, batch=lambda _b, xs, p: eigh(*xs, **p),
    infer=lambda a, **_: (_infer_values(a), alike(a)), reads=lambda _k, _n: (False, True),
    multiple=True, tex=r"\operatorname{{eigh}} {0}",
)  # fmt: skip


def _signs_of_driver(a: Any, v: Any, *, lower: bool, driver: str) -> Any:
    """±1, or phases, that turn the columns of ``v`` into those that a driver of SciPy's gives."""
    import scipy.linalg  # loaded by those who use it

    a, v = np.broadcast_arrays(a, v)
    out = np.empty((*v.shape[:-2], 1, v.shape[-1]), v.dtype)
    for at in np.ndindex(v.shape[:-2]):
        theirs = scipy.linalg.eigh(a[at], lower=lower, driver=driver)[1]
        along = np.sum(np.conjugate(v[at]) * theirs, axis=0)
        size = np.abs(along)
        out[at] = np.where(size > 0.5, along / np.where(size == 0, 1, size), 1)
    return out


signs_of_driver = flat(
    "signs_of_driver", _signs_of_driver, r"\operatorname{{sign}} {0}",
    batch=lambda b, xs, p: signs_of_driver(*align(b, xs), **p),
)  # fmt: skip
