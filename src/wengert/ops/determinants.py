"""Determinants, to every order of derivative, at singular matrices too.

det is a polynomial in the elements; its first derivative is the matrix of cofactors, and every further one
is again a symmetric multilinear form. One record stands for all of them:

    cofactor(A, E₁, …, E_k) = ∂ᵏ/∂t₁…∂t_k of the matrix of cofactors of A + t₁E₁ + … + t_kE_k, at t = 0.

A derivative in A is the form with one direction more; in a direction, the form itself; and by symmetry
each of these maps is its own transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.ops.families import fit, general
from wengert.ops.linalg import Operands, Params, inv, real_dtype, stacked_alike

Matrix = np.ndarray[Any, Any]

# ---- values of the forms


def derivative_of_adjugate(det: Any, inverse: Matrix, directions: Sequence[Matrix]) -> Matrix:
    """The mixed derivative of adj M = det(M) M⁻¹ along ``directions``, from det M and M⁻¹.

    With R(t) = (M + ΣtE)⁻¹ and D(t) = det(M + ΣtE): ∂ᵢR = −R Eᵢ R and ∂ᵢD = D tr(R Eᵢ); the coefficients
    of products of distinct t's follow one from another.
    """

    @cache
    def resolvent(chosen: frozenset[int]) -> Any:
        if not chosen:
            return inverse
        return -sum(inverse @ (directions[i] @ resolvent(chosen - {i})) for i in chosen)

    @cache
    def determinant(chosen: frozenset[int]) -> Any:
        if not chosen:
            return np.asarray(det)[..., None, None]
        first = min(chosen)
        rest = chosen - {first}
        slopes = ((part, _trace(resolvent(part) @ directions[first])) for part in _parts(rest))
        return sum(determinant(rest - part) * slope for part, slope in slopes)

    everything = frozenset(range(len(directions)))
    return np.asarray(sum(determinant(everything - part) * resolvent(part) for part in _parts(everything)))


def _parts(chosen: frozenset[int]) -> list[frozenset[int]]:
    return [frozenset(c) for k in range(len(chosen) + 1) for c in combinations(sorted(chosen), k)]


def _trace(x: Matrix) -> Matrix:
    return np.trace(x, axis1=-2, axis2=-1)[..., None, None]


def regular_points(a: Matrix, order: int) -> list[tuple[Any, Matrix]]:
    """Pairs (det M, M⁻¹) such that the mean over them of what they give is what A gives.

    For A that is not nearly singular, A itself. Else, with A = U S Vᴴ and B = U₀V₀ᴴ of the m smallest
    singular values: det(A + zB), and every derivative of it, is a polynomial of degree m in z, and has its
    value at 0 as the mean of its values at the m + 1 roots of unity, scaled to a circle on which A + zB is
    well-conditioned (Gauss's mean value property). Two real points do where one singular value is zero.
    """
    if not np.isfinite(a).all():  # LAPACK may go round for ever on these
        return [(np.linalg.det(a), np.full_like(a, np.nan))]
    eps = float(np.finfo(a.dtype).eps)
    # det(A) A⁻¹ is accurate as long as there is an inverse; the k-th derivative of it loses cond(A)ᵏ
    limit = eps ** (-1 / (3 * order)) if order else 0.01 / eps
    try:
        inverse = np.linalg.inv(a)
    except LinAlgError:
        return _around(a, limit)
    if np.any(_size(a) * _size(inverse) > limit):
        return _around(a, limit)
    return [(np.linalg.det(a), inverse)]


def _size(x: Matrix) -> Any:
    return x.shape[-1] * np.max(np.abs(x), axis=(-2, -1), initial=0.0)


def _around(a: Matrix, limit: float) -> list[tuple[Any, Matrix]]:
    u, s, vh = np.linalg.svd(a)
    small = s * limit <= np.max(s, axis=-1, keepdims=True, initial=0.0)
    radius = np.min(np.where(small, np.inf, s), axis=-1, keepdims=True, initial=np.inf)
    radius = np.where(np.isinf(radius), 1.0, radius).astype(s.dtype)
    n = 1 + int(np.max(np.sum(small, axis=-1)))
    circle = [1.0, -1.0] if n == 2 else [complex(z) for z in np.exp(2j * np.pi * np.arange(n) / n)]
    unit = np.linalg.det(u) * np.linalg.det(vh)
    v, uh = np.conjugate(np.swapaxes(vh, -1, -2)), np.conjugate(np.swapaxes(u, -1, -2))
    moved = [s + radius * small * z for z in (circle if n > 1 else [0.0])]
    return [(unit * np.prod(d, axis=-1), (v / d[..., None, :]) @ uh) for d in moved]


def _cofactor(a: Any, *directions: Any) -> Any:
    points = regular_points(a, len(directions))
    with np.errstate(over="ignore", invalid="ignore"):  # looked at below
        values = [derivative_of_adjugate(det, inverse, directions) for det, inverse in points]
        total = np.asarray(sum(values) / len(points))
    if not np.isfinite(total).all() and all(np.isfinite(x).all() for x in (a, *directions)):
        n = a.shape[-1]
        raise DerivativeError(
            f"the derivative of np.linalg.det of a {n}×{n} matrix overflows {a.dtype}{at_line()}\n"
            "  write: np.linalg.slogdet(a), whose logarithm does not"
        )
    dtype = np.result_type(a, *directions)
    return np.swapaxes(total if dtype.kind == "c" else np.real(total), -1, -2).astype(dtype)


# ---- records


def _cofactor_infer(*avals: Aval) -> Aval:
    shape = np.broadcast_shapes(*(x.shape for x in avals))
    return Aval(shape, np.result_type(*(x.dtype for x in avals)), "array")


def _along(k: int, t: Any, operands: Operands) -> Any:
    """The form's derivative in operand k, applied to t."""
    return cofactor(*operands, t) if k == 0 else cofactor(*operands[:k], t, *operands[k + 1 :])


def _cofactor_jvp(ts: Operands, _z: Any, operands: Operands, _params: Params) -> Any:
    terms = [_along(k, t, operands) for k, t in enumerate(ts) if t is not None]
    return sum(terms[1:], terms[0])


def _cofactor_vjp(g: Any, _z: Any, operands: Operands, wanted: Sequence[bool], _params: Params) -> Any:
    return tuple(fit(_along(k, g, operands), operands[k]) if want else None for k, want in enumerate(wanted))


cofactor = general(
    "cofactor", _cofactor, jvp=_cofactor_jvp, vjp=_cofactor_vjp, batch=stacked_alike(lambda: cofactor),
    infer=_cofactor_infer, reads=lambda k, n: (*(j != k or k == 0 for j in range(n)), False),
    tex=r"\operatorname{{cof}} {0}",
)  # fmt: skip


def _per_matrix(a: Aval) -> Aval:
    return Aval(a.shape[:-2], a.dtype, "array" if a.shape[2:] else "scalar")


def beside(g: Any) -> Any:
    """Numbers, one for each matrix, in a form that multiplies the matrices."""
    return np.reshape(g, (*shape_of(g), 1, 1))


det = general(
    "det", np.linalg.det,
    jvp=lambda ts, _z, xs, _p: np.sum(cofactor(xs[0]) * ts[0], axis=(-2, -1)),
    vjp=lambda g, _z, xs, _w, _p: (beside(g) * cofactor(xs[0]),),
    batch=stacked_alike(lambda: det), infer=_per_matrix, reads=lambda _k, _n: (True, False),
    tex=r"\det {0}",
)  # fmt: skip


def _slogdet_infer(a: Aval) -> tuple[Aval, Aval]:
    size = _per_matrix(a)
    return size, Aval(size.shape, real_dtype(a.dtype), size.kind)


def _slogdet_jvp(ts: Operands, z: Any, xs: Operands, _params: Params) -> Any:
    # d ln det A = tr(A⁻¹ dA): its real part moves ln|det|, its imaginary part turns the sign
    change = np.sum(inv(xs[0]).mT * ts[0], axis=(-2, -1))
    if dtype_of(change).kind != "c":
        return None, change
    return z[0] * 1j * np.imag(change), np.real(change)


def _slogdet_vjp(g: Any, z: Any, xs: Operands, _wanted: Any, _params: Params) -> Any:
    turn, growth = g
    a = xs[0]
    if dtype_of(a).kind != "c":
        return (None if growth is None else beside(growth) * inv(a).mT,)
    weight = 0.0 if growth is None else growth
    if turn is not None:
        weight = weight + 1j * np.imag(turn * z[0])
    return (beside(weight) * inv(a).mT,)


slogdet = general(
    "slogdet", lambda a: tuple(np.linalg.slogdet(a)), jvp=_slogdet_jvp, vjp=_slogdet_vjp,
    batch=stacked_alike(lambda: slogdet), infer=_slogdet_infer, multiple=True,
    tex=r"\ln\left|\det {0}\right|",
)  # fmt: skip
