"""numpy.linalg on traced values: factorisations, the pseudoinverse, least squares, rank and condition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError
from numpy.linalg._linalg import QRResult, SVDResult

from wengert.core.trace import plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import ShapeError, UnsupportedError, at_line
from wengert.frontend.linalg import concrete, floating, inv, matrices, square
from wengert.frontend.linalg_spectra import eigh, eigvalsh
from wengert.frontend.norms import norm
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array, as_number
from wengert.ops import bases, factorisations, householder, pseudoinverse, singular, splitting
from wengert.ops import linalg as ops
from wengert.ops.eigen import seen
from wengert.ops.elementwise import stop_gradient

_NO = np._NoValue  # type: ignore[attr-defined]  # NumPy's own mark for an argument that was not given


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """L of A = L Lᴴ, or with ``upper`` its adjoint.

    One triangle of A is read, and only that has a derivative: what the other would have received is added
    to it. For a symmetric matrix (G + G.T)/2 is the symmetric gradient.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> G = grad(lambda A: 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(A)))))(np.eye(2) * 2)
        >>> (G + G.T) / 2  # of ln det A: the inverse
        array([[0.5, 0. ],
               [0. , 0.5]])
    """
    return factorisations.cholesky(square(a, "np.linalg.cholesky"), upper=bool(upper))


# ---- QR


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and triangular R, A = Q R, in every mode.

    The columns of Q beside the range of A (``complete``) and the reflections themselves (``raw``) are one choice
    of many: they have the derivative of the choice that LAPACK makes.

    Example:
        >>> import numpy as np
        >>> from wengert import jacobian
        >>> jacobian(lambda a: np.linalg.qr(a, "r"))(np.array([[3.0], [4.0]]))[0, 0]
        array([[-0.6],
               [-0.8]])
    """
    if mode not in ("reduced", "complete", "r", "raw"):
        raise (UnsupportedError if mode in ("full", "f", "economic", "e") else ValueError)(
            f"np.linalg.qr: Unrecognized mode '{mode}'{at_line()}\n  write: mode='reduced'"
        )
    a = matrices(a, "np.linalg.qr")
    m, n = shape_of(a)[-2:]
    if mode == "raw":
        return householder.raw(a)
    if mode == "complete" and m > n:
        return QRResult(*householder.complete(a))
    q, r = factorisations.qr(a if m >= n else a[..., :m])
    if m < n:
        r = np.concatenate([r, ops.adjoint(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


# ---- singular values


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """A = U diag(s) Vᴴ.

    With ``full_matrices`` of a matrix that is not square, the vectors beside its range are one orthonormal basis
    of many: functions of the space that they span have a derivative in reverse mode, others are refused.
    """
    a = matrices(a, "np.linalg.svd")
    if hermitian:
        return _svd_of_hermitian(square(a, "np.linalg.svd"), compute_uv)
    if not compute_uv:
        return singular.svdvals(a)
    m, n = shape_of(a)[-2:]
    split = splitting.wanted(a)
    if split is None:
        u, s, vh = singular.svd(a)
    else:
        u, s, vh = singular.svd(a, split=split)
        s, u, v = split.enter(s, u, ops.adjoint(vh))
        vh = ops.adjoint(v)
    if full_matrices and m > n:
        u = bases.extended(u, singular.vectors_beside(stop_gradient(a)))
    if full_matrices and m < n:
        v = ops.adjoint(vh)
        vh = ops.adjoint(bases.extended(v, singular.vectors_beside(ops.adjoint(stop_gradient(a)))))
    return SVDResult(u, s, vh)


def _svd_of_hermitian(a: Any, compute_uv: bool) -> Any:
    """By eigenvalues, as NumPy does it; the lower triangle is read."""
    if not compute_uv:
        return np.sort(np.abs(eigvalsh(a)), axis=-1)[..., ::-1]
    w, u = eigh(a)
    order = np.argsort(np.abs(stop_gradient(w)), axis=-1)[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    return SVDResult(u, np.abs(w), ops.adjoint(u * np.sign(w)[..., None, :]))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """The singular values, in descending order."""
    return singular.svdvals(matrices(x, "np.linalg.svdvals"))


# ---- the pseudoinverse, rank


def _cutoff(a: Any, rcond: Any, rtol: Any, default: Any) -> Any:
    """What counts as zero, relative to the largest singular value: a number for each matrix."""
    if rcond is not None and rtol is not _NO:
        raise ValueError(f"`rtol` and `rcond` can't be both set.{at_line()}")
    given = rcond if rtol is _NO else rtol
    if given is None:
        given = default if rtol is _NO else max(shape_of(a)[-2:]) * float(np.finfo(dtype_of(a)).eps)
    return np.asarray(plain(given)) if ndim_of(given) else float(plain(given))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _NO) -> Any:
    """The pseudoinverse A⁺, of matrices of any rank.

    Where the rank is not full A⁺ jumps, but along changes that keep the rank: of these the derivative is given,
    in reverse mode with a RankWarning; forward mode refuses other directions. With ``hermitian`` the lower
    triangle is read.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> grad(lambda a: np.linalg.pinv(a)[0, 1])(np.array([[1.0], [2.0]]))
        array([[-0.16],
               [-0.12]])
    """
    a = matrices(a, "np.linalg.pinv")
    if hermitian:
        a = seen(square(a, "np.linalg.pinv"), lower=True)
    if 0 in shape_of(a)[-2:]:
        return np.swapaxes(a, -1, -2)
    return pseudoinverse.pinv(a, rcond=_cutoff(a, rcond, rtol, 1e-15))


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of singular values above a bound: flat."""
    a = as_array(A)
    if ndim_of(a) < 2:
        return int(np.any(stop_gradient(a) != 0))
    options = {"tol": stop_gradient(tol) if tol is not None else None}
    if rtol is not None:
        options["rtol"] = stop_gradient(rtol)
    return singular.matrix_rank(stop_gradient(a), hermitian=bool(hermitian), **options)


# ---- least squares


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """The x of least |b − A x|, and among these of least |x|; the residuals, the rank, the singular values.

    x is A⁺ b, and has its derivative: of a matrix whose rank is not full see :func:`pinv`.
    """
    name = "np.linalg.lstsq"
    a, b = floating(a, name), floating(b, name)
    vector = ndim_of(b) == 1
    columns = b[:, None] if vector else b
    for x in (a, columns):
        if ndim_of(x) != 2:
            message = f"{name}: {ndim_of(x)}-dimensional array given. Array must be two-dimensional{at_line()}"
            raise LinAlgError(message + "\n  write: wengert.vmap(np.linalg.lstsq) for stacks")
    (m, n), k = shape_of(a), shape_of(columns)[1]
    if m != shape_of(columns)[0]:
        raise LinAlgError(
            f"{name}: Incompatible dimensions: a has shape {shape_of(a)}, b has shape {shape_of(b)}{at_line()}"
        )
    kind = np.result_type(dtype_of(a), dtype_of(b))
    bound = float(np.finfo(kind).eps) * (1 if rcond == -1 else max(m, n)) if rcond in (None, -1) else float(rcond)
    bound = 0.0 if np.isnan(bound) else bound  # LAPACK's comparison with NaN cuts nothing off
    s = singular.svdvals(a)
    rank = singular.rank_of(stop_gradient(s), bound=bound).astype(np.int32)
    if 0 in (m, n, k):
        return np.zeros((n,) if vector else (n, k), kind), np.zeros(0, s.dtype), rank, s
    x = pseudoinverse.pinv(a, rcond=bound) @ columns
    x = as_computed(singular.least_squares(stop_gradient(a), stop_gradient(columns), rcond=bound), x)
    rest = columns - a @ x
    known = concrete(rank)
    if known is None or m <= n or np.any(known < n):
        residuals = _no_residuals(name, known, m, n, s.dtype)
    else:
        residuals = np.sum(np.real(ops.conj(rest) * rest), axis=0)
    return (x[:, 0] if vector else x), residuals, rank, s


def _no_residuals(name: str, rank: Any, m: int, n: int, dtype: Any) -> Any:
    if m > n and (rank is None or np.any(rank == n)):
        raise ShapeError(
            f"{name}: whether there are residuals depends on the rank, which is not the same (or not known) here"
            f"{at_line()}\n  write: np.linalg.pinv(a) @ b"
        )
    return np.zeros(0, dtype)


def as_computed(value: Any, formula: Any) -> Any:
    """``value``, with the derivatives of every order that the formula for it has."""
    return value + (formula - stop_gradient(formula))


# ---- condition


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The condition number of each matrix, ‖A‖ ‖A⁻¹‖; infinite for a singular one."""
    x = as_array(x)
    if 0 in shape_of(x):
        raise LinAlgError(f"cond is not defined on empty arrays (shape {shape_of(x)}){at_line()}")
    if p is None or p in (2, -2):
        s = singular.svdvals(matrices(x, "np.linalg.cond"))
        with np.errstate(all="ignore"):
            ratio = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
            return as_number(np.where(s[..., 0] == 0, np.inf, ratio))  # of a matrix of zeros too
    a = square(x, "np.linalg.cond")
    singular_ones = np.linalg.slogdet(stop_gradient(a))[0] == 0
    eye = np.eye(shape_of(a)[-1], dtype=dtype_of(a))
    inverse = inv(np.where(np.reshape(singular_ones, (*shape_of(singular_ones), 1, 1)), eye, a))
    dtype = ops.real_dtype(dtype_of(a))
    with np.errstate(divide="ignore"):  # infinite, and so is the derivative
        size = norm(a, p, axis=(-2, -1)) + singular_ones.astype(dtype)
        return as_number(size * norm(inverse, p, axis=(-2, -1)) / (~singular_ones).astype(dtype))
