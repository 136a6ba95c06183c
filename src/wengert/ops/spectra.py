"""Eigenvalues and eigenvectors of general matrices.

With A V = V diag(w) and M = V⁻¹ dA V:  dw = diag M,  dV = V (F ∘ M),  F_ij = 1/(w_j − w_i), F_ii = 0. Each
vector moves without a part along itself; what scales it, and turns its phase, is put on by :func:`scaled` as
LAPACK does it, so that what is differentiated is the function that NumPy computes. Sources: Giles 2008, 3.1;
Boeddeker et al. 2017, "On the computation of complex-valued gradients", 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.types import Aval, dtype_of
from wengert.errors import DerivativeError, at_line
from wengert.ops.eigen import eye_like
from wengert.ops.elementwise import stop_gradient
from wengert.ops.families import fit, general
from wengert.ops.gaps import as_row, checked, condition, over_gaps, refuse, repeats, values_forward, values_reverse
from wengert.ops.linalg import Operands, Params, conj, solve, stacked_alike

Matrix = np.ndarray[Any, Any]


def complex_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The complex dtype of the same precision."""
    return np.dtype(dtype.char.upper())


def _eig(a: Any) -> tuple[Any, Any]:
    dtype = complex_dtype(a.dtype)
    w, v = np.linalg.eig(a)
    return w.astype(dtype), v.astype(dtype)


# ---- where there are no derivatives


def _refuse_defective(v: Matrix) -> None:
    s = np.linalg.svd(v, compute_uv=False)
    bad = np.asarray(s[..., -1:] <= 4 * v.shape[-1] * np.finfo(v.dtype).eps ** 0.5)
    if bad.size and bad.any():
        raise DerivativeError(
            "np.linalg.eig of a matrix that lacks independent eigenvectors (or nearly does): its eigenvalues move\n"
            f"  like a root of the change, and have no derivative{at_line()}\n"
            "  write: functions of the matrix that need no eigenvalues (np.trace, np.linalg.det, products), or one "
            "with distinct eigenvalues"
        )


@condition("spectrum, forward")
def _spectrum_forward(m: Matrix, row: Matrix, v: Matrix) -> None:
    """The values of a space move together, and there are as many vectors as values."""
    _refuse_defective(v)
    values_forward(m, row)


@condition("spectrum, reverse")
def _spectrum_reverse(g: Matrix, row: Matrix, v: Matrix) -> None:
    """The values of a space carry the same weight."""
    _refuse_defective(v)
    values_reverse(g, row)


@condition("distinct values")
def _distinct_values(_x: Matrix, row: Matrix) -> None:
    """All values are distinct."""
    refuse(
        row, repeats(row), "its vectors are one choice of many, or too few",
        "np.linalg.eigvals where only the values are used, or a matrix with distinct eigenvalues",
    )  # fmt: skip


def _diagonal(x: Any) -> Any:
    return np.sum(x * eye_like(x), axis=-1)


# ---- the record; values and vectors are complex, whatever the matrix is


def _jvp(ts: Operands, z: Any, _xs: Operands, _params: Params) -> Any:
    w, v = z
    row = as_row(w)
    m = solve(v, ts[0] @ v)
    values = _diagonal(checked(m, row, v, test="spectrum, forward", order=0))
    return values, v @ over_gaps(checked(m, row, test="distinct values", order=0), row)


def _vjp(g: Any, z: Any, xs: Operands, _wanted: Sequence[bool], _params: Params) -> Any:
    (gw, gv), (w, v) = g, z
    row = as_row(w)
    inner: Any = 0.0
    if gw is not None:
        inner = checked(as_row(gw), row, v, test="spectrum, reverse", order=0) * eye_like(v)
    if gv is not None:
        inner = inner + over_gaps(checked(v.mT @ gv, row, test="distinct values", order=0), row)
    return (fit(solve(v.mT, inner @ v.mT), xs[0]),)


def _infer(a: Aval) -> tuple[Aval, Aval]:
    dtype = complex_dtype(a.dtype)
    return Aval(a.shape[:-1], dtype, "array"), Aval(a.shape, dtype, "array")


# not in the registry, over which the laws run: its rules are right up to the scale of each vector
eig = Primitive(
    "eig", "general", _eig, _infer, _jvp, _vjp, stacked_alike(lambda: eig), lambda _k, _n: (False, True),
    r"\operatorname{{eig}} {0}", multiple=True,
)  # fmt: skip


def _values_jvp(ts: Operands, _z: Any, xs: Operands, _params: Params) -> Any:
    w, v = eig(xs[0])
    m = checked(solve(v, ts[0] @ v), as_row(w), v, test="spectrum, forward", order=0)
    return _diagonal(m)


def _values_vjp(g: Any, _z: Any, xs: Operands, _wanted: Any, params: Params) -> Any:
    return _vjp((g, None), eig(xs[0]), xs, _wanted, params)


# alone: a vector's rules, which want distinct values, are not asked for
eigvals = general(
    "eigvals", lambda a: np.linalg.eigvals(a).astype(complex_dtype(a.dtype)), jvp=_values_jvp, vjp=_values_vjp,
    batch=stacked_alike(lambda: eigvals), infer=lambda a: _infer(a)[0], reads=lambda _k, _n: (True, False),
    tex=r"\operatorname{{eigvals}} {0}",
)  # fmt: skip


def scaled(v: Any) -> Any:
    """Vectors of length one; the largest element of a complex one is real, with the sign that it has."""
    value = stop_gradient(v)
    size = np.sqrt(np.sum(np.real(conj(v) * v), axis=-2, keepdims=True))
    if dtype_of(v).kind != "c":
        return v / size
    modulus = np.abs(value)
    largest = 1.0 * (modulus == np.max(modulus, axis=-2, keepdims=True, initial=0.0))
    first = largest * (np.cumsum(largest, axis=-2) == 1.0)
    head = np.sum(v * first, axis=-2, keepdims=True)
    side = np.where(np.real(stop_gradient(head)) < 0, -1.0, 1.0)
    return v * (side * np.abs(head) / (head * size)).astype(dtype_of(v))
