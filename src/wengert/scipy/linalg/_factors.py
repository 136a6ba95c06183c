"""Factorisations: Cholesky, LU, QR, singular values, polar form; and bases of spaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend import linalg_factors as numpy_factors
from wengert.frontend.linalg import concrete
from wengert.ops import bases, factorisations, householder, matrix_functions, singular
from wengert.ops import linalg as ops
from wengert.ops import triangular as ops_triangular
from wengert.ops.elementwise import stop_gradient
from wengert.scipy.linalg._calls import for_traced, matrices, square

# ---- Cholesky


@for_traced
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The upper factor U of A = Uᴴ U, or with ``lower`` the L of A = L Lᴴ; that triangle of A is read.

    Raises:
        LinAlgError: if A is not positive definite.

    Source: Murray 2016, "Differentiation of the Cholesky decomposition".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.cholesky(a)[0, 0])(np.array([[4.0]]))
        array([[0.25]])
    """
    del overwrite_a
    return factorisations.cholesky(square(a, "cholesky", check_finite), upper=not lower)


@for_traced
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``(c, lower)`` for :func:`cho_solve`: the factor in one triangle of c; the other one holds what A has there.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.cho_factor(a)[0][0, 0])(np.array([[4.0]]))
        array([[0.25]])
    """
    del overwrite_a
    a = square(a, "cho_factor", check_finite)
    factor = factorisations.cholesky(a, upper=not lower)
    mask = np.tri(shape_of(a)[-1], dtype=bool)
    return np.where(mask if lower else mask.T, factor, a), lower


# ---- LU


def _packed(a: Any) -> tuple[Any, Any]:
    """L and U in one matrix of the shape of A, and the rows that LAPACK exchanges."""
    m, n = shape_of(a)[-2:]
    k = min(m, n)
    pivots = ops_triangular.pivots(stop_gradient(a))
    order = ops_triangular.permutation(pivots, rows=m)
    b = np.take_along_axis(a, order[..., None], axis=-2)
    f = ops_triangular.lu(b[..., :k, :k])
    if m > n:
        return np.concatenate([f, ops_triangular.divide_right(b[..., k:, :], f, lower=False)], axis=-2), pivots
    if m < n:
        beside = ops_triangular.solve_triangular(f, b[..., :, k:], lower=True, unit=True)
        return np.concatenate([f, beside], axis=-1), pivots
    return f, pivots


@for_traced
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``(lu, piv)``: L and U of P L U = A in one matrix, and the exchanges of rows, which are flat.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.lu_factor(a)[0][1, 1])(np.array([[2.0, 1.0], [1.0, 3.0]]))
        array([[ 0.25, -0.5 ],
               [-0.5 ,  1.  ]])
    """
    del overwrite_a
    return _packed(matrices(a, "lu_factor", check_finite))


@for_traced
def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> Any:
    """P, L, U of A = P L U; with ``permute_l`` P L and U; with ``p_indices`` p of A = L[p] U in place of P.

    The permutation is flat; where rows tie for a pivot L and U jump.

    Source: de Hoog, Anderssen and Lukas 2011, "Differentiation of matrix functionals using triangular
    factorization".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.lu(a)[2][1, 1])(np.array([[2.0, 1.0], [1.0, 3.0]]))
        array([[ 0.25, -0.5 ],
               [-0.5 ,  1.  ]])
    """
    del overwrite_a
    a = matrices(a, "lu", check_finite)
    m, n = shape_of(a)[-2:]
    k = min(m, n)
    packed, pivots = _packed(a)
    low = np.tril(packed[..., :, :k], -1) + np.eye(m, k, dtype=dtype_of(a))
    up = np.triu(packed[..., :k, :])
    p = np.argsort(ops_triangular.permutation(pivots, rows=m), axis=-1)
    if permute_l:
        return np.take_along_axis(low, p[..., None], axis=-2), up
    if p_indices:
        return p.astype(np.int32), low, up
    return (p[..., None] == np.arange(m)).astype(ops.real_dtype(dtype_of(a))), low, up


# ---- QR


@for_traced
def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """Q and R of A = Q R, with ``pivoting`` of A[:, p], and p, which is flat.

    ``mode`` is 'full', 'economic', 'r' (a tuple without Q) or 'raw' (LAPACK's reflections in place of Q).

    Source: Walter and Lehmann 2018, "Algorithmic differentiation of linear algebra functions".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.qr(a, mode="r")[0][0, 0])(np.array([[3.0], [4.0]]))
        array([[-0.6],
               [-0.8]])
    """
    del overwrite_a, lwork
    if mode not in ("full", "qr", "r", "economic", "raw"):
        raise ValueError(f"Mode argument should be one of ['full', 'r', 'economic', 'raw'], not {mode!r}{at_line()}")
    a = matrices(a, "qr", check_finite)
    m, n = shape_of(a)[-2:]
    tail: tuple[Any, ...] = ()
    if pivoting:
        p = ops_triangular.column_pivots(stop_gradient(a))
        a = np.take_along_axis(a, p[..., None, :], axis=-1)
        tail = (p,)
    if mode == "raw":
        h, tau = householder.raw(a)
        r = np.triu(h.mT)
        return ((h.mT, tau), r[..., : min(m, n), :], *tail)
    if mode == "economic" or m <= n:
        q, r = numpy_factors.qr(a)
    elif mode == "r":
        r = np.linalg.qr(a, mode="r")
        q, r = None, np.concatenate([r, np.zeros_like(a[..., n:, :])], axis=-2)
    else:
        q, r = householder.complete(a)
    return (r, *tail) if mode == "r" else (q, r, *tail)


@for_traced
def rq(a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", check_finite: bool = True) -> Any:
    """R and Q of A = R Q: the QR factorisation of A turned round.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.rq(a, mode="r")[0, 1])(np.array([[3.0, 4.0]]))
        array([[-0.6, -0.8]])
    """
    if mode not in ("full", "r", "economic"):
        raise ValueError(f"Mode argument should be one of ['full', 'r', 'economic'], not {mode!r}{at_line()}")
    a = matrices(a, "rq", check_finite)
    del overwrite_a, lwork
    b = ops.adjoint(a)[..., ::-1, ::-1]
    q, r = numpy_factors.qr(b) if mode == "economic" else qr(b)
    r = ops.adjoint(r[..., ::-1, ::-1])
    return r if mode == "r" else (r, ops.adjoint(q[..., ::-1, ::-1]))


# ---- singular values


@for_traced
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False, check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """U, s and Vᴴ of A = U diag(s) Vᴴ; derivatives as of :func:`numpy.linalg.svd`.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.svd(a)[1][0])(np.diag([2.0, 1.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    del overwrite_a, lapack_driver
    a = matrices(a, "svd", check_finite)
    if not compute_uv:
        return singular.svdvals(a)
    return tuple(numpy_factors.svd(a, full_matrices=bool(full_matrices)))


@for_traced
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The singular values, in descending order.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.svdvals(a)[0])(np.diag([2.0, 1.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    del overwrite_a
    return singular.svdvals(matrices(a, "svdvals", check_finite))


@for_traced
def polar(a: Any, side: str = "right") -> Any:
    """U and the positive P of A = U P, or with ``side='left'`` of A = P U; A must have full rank.

    By an equation of Sylvester's, which does not mind singular values that repeat.

    Source: Kenney and Laub 1991, "Polar decomposition and matrix sign function condition estimates".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.polar(a)[0][0, 1])(2 * np.eye(2))
        array([[ 0.  ,  0.25],
               [-0.25,  0.  ]])
    """
    if side not in ("right", "left"):
        raise ValueError(f"`side` must be either 'right' or 'left', not {side!r}{at_line()}")
    a = matrices(a, "polar")
    m, n = shape_of(a)[-2:]
    u = matrix_functions.unitary(a) if m >= n else ops.adjoint(matrix_functions.unitary(ops.adjoint(a)))
    p = ops.adjoint(u) @ a if side == "right" else a @ ops.adjoint(u)
    return u, (p + ops.adjoint(p)) / 2


@for_traced
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """The orthogonal R of least |A R − B|, and the sum of the singular values of Aᴴ B.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.orthogonal_procrustes(a, np.eye(2))[1])(2 * np.eye(2))
        array([[1., 0.],
               [0., 1.]])
    """
    a, b = matrices(A, "orthogonal_procrustes", check_finite), matrices(B, "orthogonal_procrustes", check_finite)
    if shape_of(a) != shape_of(b):
        raise ShapeError(f"the shapes of A and B differ ({shape_of(a)} vs {shape_of(b)}){at_line()}")
    product = ops.adjoint(a) @ b
    return matrix_functions.unitary(product), np.sum(singular.svdvals(product), axis=-1)


# ---- bases of spaces, which are one choice of many


def _rank(a: Any, rcond: Any, name: str) -> tuple[Any, int, float]:
    """A as numbers, its rank, and what counts as zero relative to the largest singular value."""
    value = concrete(a)
    if value is None:
        raise ShapeError(f"scipy.linalg.{name}: the shape of the result depends on the rank, which is not known here"
                         f"{at_line()}\n  write: np.linalg.svd(a), and a fixed number of its columns")  # fmt: skip
    s = np.linalg.svd(value, compute_uv=False)
    bound = float(rcond) if rcond is not None else float(np.finfo(s.dtype).eps) * max(shape_of(a)[-2:])
    ranks = np.unique(np.sum(s > bound * np.max(s, axis=-1, keepdims=True, initial=0.0), axis=-1))
    if len(ranks) > 1:
        raise ShapeError(f"scipy.linalg.{name} of matrices of different ranks, {ranks.tolist()}{at_line()}")
    return stop_gradient(a), int(ranks[0]) if len(ranks) else 0, bound


@for_traced
def orth(A: Any, rcond: Any = None) -> Any:
    """An orthonormal basis of the range of A, of (..., m, rank); the rank must not change.

    It is one basis of many: functions of the space have a derivative, in reverse mode, others are refused.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> def projector(a):
        ...     q = linalg.orth(a)
        ...     return q @ q.T
        >>> grad(lambda a: projector(a)[0, 1])(np.array([[1.0], [0.0]]))
        array([[0.],
               [1.]])
    """
    a = matrices(A, "orth")
    value, rank, bound = _rank(a, rcond, "orth")
    return bases.range_basis(a, singular.range_vectors(value, rank=rank), rcond=bound)


@for_traced
def null_space(
    A: Any,
    rcond: Any = None,
    *,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """An orthonormal basis of the null space of A, of (..., n, n − rank); the rank must not change.

    It is one basis of many: functions of the space have a derivative, in reverse mode, others are refused.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> def projector(a):
        ...     n = linalg.null_space(a)
        ...     return n @ n.T
        >>> grad(lambda a: projector(a)[1, 0])(np.array([[3.0, 4.0]])) * 625  # of −a₀a₁/|a|²
        array([[-28.,  21.]])
    """
    del overwrite_a, lapack_driver
    a = matrices(A, "null_space", check_finite)
    value, rank, bound = _rank(a, rcond, "null_space")
    return bases.null_basis(a, singular.null_vectors(value, rank=rank), rcond=bound)


@for_traced
def subspace_angles(A: Any, B: Any) -> Any:
    """The angles between the ranges of A and B, in descending order (Knyazev and Argentati 2002).

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.subspace_angles(a, np.array([[1.0], [0.0]]))[0])(np.array([[1.0], [1.0]]))
        array([[-0.5],
               [ 0.5]])
    """
    qa, qb = _any_basis(A), _any_basis(B)
    if shape_of(qa)[-2] != shape_of(qb)[-2]:
        raise ShapeError(f"A and B must have the same number of rows, not {shape_of(qa)[-2]} and {shape_of(qb)[-2]}")
    across = ops.adjoint(qa) @ qb
    sigma = singular.svdvals(across)
    rest = qb - qa @ across if shape_of(qa)[-1] >= shape_of(qb)[-1] else qa - qb @ ops.adjoint(across)
    small = sigma**2 >= 0.5
    by_sine = np.arcsin(np.where(small, np.clip(singular.svdvals(rest)[..., ::-1], -1.0, 1.0), 0.0))
    by_cosine = np.arccos(np.where(small, 0.0, np.clip(sigma, -1.0, 1.0)))
    return np.where(small, by_sine, by_cosine)[..., ::-1]


def _any_basis(a: Any) -> Any:
    """A basis of the range for what does not depend on which one it is: where it can be, one that moves smoothly."""
    a = matrices(a, "subspace_angles")
    return numpy_factors.qr(a)[0] if _rank(a, None, "subspace_angles")[1] == shape_of(a)[-1] else orth(a)
