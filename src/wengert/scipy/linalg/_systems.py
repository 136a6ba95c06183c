"""Linear systems, least squares and inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend import linalg_factors as numpy_factors
from wengert.frontend.moving import element_numbers, gather
from wengert.ops import determinants, factorisations, pseudoinverse, singular
from wengert.ops import linalg as ops
from wengert.ops import triangular as ops_triangular
from wengert.ops.eigen import seen
from wengert.ops.elementwise import stop_gradient
from wengert.scipy.linalg._calls import for_traced, matrices, prepared, square, with_columns

# what a structure says of the elements that are read
_READ: dict[str, Any] = {
    "gen": lambda a, _lower: a,
    "general": lambda a, _lower: a,
    "banded": lambda a, _lower: a,
    "diagonal": lambda a, _lower: a * np.eye(shape_of(a)[-1], dtype=a.dtype),
    "tridiagonal": lambda a, _lower: np.triu(np.tril(a, 1), -1),
    "upper triangular": lambda a, _lower: np.triu(a),
    "lower triangular": lambda a, _lower: np.tril(a),
    "sym": lambda a, lower: _symmetric(a, lower),
    "symmetric": lambda a, lower: _symmetric(a, lower),
    "her": lambda a, lower: seen(a, lower),
    "hermitian": lambda a, lower: seen(a, lower),
    "pos": lambda a, lower: seen(a, lower),
    "positive definite": lambda a, lower: seen(a, lower),
}


def _symmetric(a: Any, lower: bool) -> Any:
    h = ops.half(a, lower)
    return h + h.mT


def _structured(a: Any, name: str, assume_a: Any, lower: bool) -> Any:
    """The matrix that a routine sees which reads no more than a structure needs."""
    if assume_a is None:
        return a
    if assume_a not in _READ:
        raise ValueError(f"scipy.linalg.{name}: {assume_a!r} is not a recognized matrix structure{at_line()}")
    return _READ[assume_a](a, bool(lower))


@for_traced
def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, assume_a: Any = None, transposed: bool = False,
) -> Any:  # fmt: skip
    """The X of A X = B, or with ``transposed`` of Aᵀ X = B.

    Shapes (..., n, n) and (n,) or (..., n, k). With ``assume_a`` only the elements that the structure has are read,
    and only these have a derivative (``lower`` chooses the triangle).

    Raises:
        LinAlgError: if A is singular. ShapeError, a ValueError: if shapes do not fit.

    Source: Giles 2008, 2.3.1.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda b: np.sum(linalg.solve(np.diag([2.0, 4.0]), b)))(np.ones(2))
        array([0.5 , 0.25])
    """
    del overwrite_a, overwrite_b
    a, b = square(a, "solve", check_finite), prepared(b, "solve", check_finite)
    a = _structured(a, "solve", assume_a, lower)
    if transposed and dtype_of(a).kind == "c":
        raise NotImplementedError(f"scipy.linalg.solve can currently not solve aᵀx=b for complex matrices{at_line()}")
    a = a.mT if transposed else a
    return with_columns(lambda c: ops.solve(a, c), a, b, "solve")


@for_traced
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """The X of A X = B for triangular A; ``trans`` 1 or 'T': of Aᵀ X = B, 2 or 'C': of Aᴴ X = B.

    One triangle is read, and with ``unit_diagonal`` not the diagonal: only what is read has a derivative.

    Raises:
        LinAlgError: if there is a zero on the diagonal.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.solve_triangular(a, np.ones(2), lower=True)[1])(np.array([[2.0, 9.0], [1.0, 4.0]]))
        array([[ 0.0625 ,  0.     ],
               [-0.125  , -0.03125]])
    """
    del overwrite_b
    a, b = square(a, "solve_triangular", check_finite), prepared(b, "solve_triangular", check_finite)
    a, lower = _transposed(a, trans, lower)
    params = {"lower": bool(lower), "unit": bool(unit_diagonal)}
    return with_columns(lambda c: ops_triangular.solve_triangular(a, c, **params), a, b, "solve_triangular")


def _transposed(a: Any, trans: Any, lower: bool) -> tuple[Any, bool]:
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans not in (0, 1, 2):
        raise ValueError(f"trans must be 0, 1, 2, 'N', 'T' or 'C', and is {trans!r}{at_line()}")
    return (a, lower) if trans == 0 else ((a if trans == 1 else ops.conj(a)).mT, not lower)


# ---- by factors


@for_traced
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """The X of A X = B from what :func:`cho_factor` gives: two triangular systems.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.cho_solve(linalg.cho_factor(a), np.ones(1))[0])(np.array([[2.0]]))
        array([[-0.25]])
    """
    del overwrite_b
    c, lower = c_and_lower
    c, b = square(c, "cho_solve", check_finite), prepared(b, "cho_solve", check_finite)
    first, second = (c, ops.adjoint(c)) if lower else (ops.adjoint(c), c)

    def run(columns: Any) -> Any:
        y = ops_triangular.solve_triangular(first, columns, lower=True, unit=False)
        return ops_triangular.solve_triangular(second, y, lower=False, unit=False)

    return with_columns(run, c, b, "cho_solve")


@for_traced
def lu_solve(lu_and_piv: Any, b: Any, trans: Any = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """The X of A X = B (``trans`` 1: Aᵀ X = B, 2: Aᴴ X = B) from what :func:`lu_factor` gives.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.lu_solve(linalg.lu_factor(a), np.ones(1))[0])(np.array([[2.0]]))
        array([[-0.25]])
    """
    del overwrite_b
    lu, piv = lu_and_piv
    lu, b = square(lu, "lu_solve", check_finite), prepared(b, "lu_solve", check_finite)
    order = ops_triangular.permutation(stop_gradient(piv), rows=shape_of(lu)[-1])
    system = ops_triangular.solve_triangular

    def run(columns: Any) -> Any:
        if trans == 0:
            exchanged = np.take_along_axis(_stacked_like(columns, order), order[..., None], axis=-2)
            return system(lu, system(lu, exchanged, lower=True, unit=True), lower=False, unit=False)
        t, _ = _transposed(lu, trans, False)
        y = system(t, system(t, columns, lower=True, unit=False), lower=False, unit=True)
        return np.take_along_axis(y, np.argsort(order, axis=-1)[..., None], axis=-2)

    return with_columns(run, lu, b, "lu_solve")


def _stacked_like(columns: Any, order: Any) -> Any:
    """Right-hand sides for each matrix of a stack."""
    stack = np.broadcast_shapes(shape_of(columns)[:-2], shape_of(order)[:-1])
    return np.broadcast_to(columns, (*stack, *shape_of(columns)[-2:]))


# ---- banded and structured


@for_traced
def solve_banded(
    l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """The x of A x = b for a banded A, given by its diagonals: ``ab[u + i - j, j] = A[i, j]``.

    On traced values the matrix is written out: n² numbers, and n³ steps.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda d: np.sum(linalg.solve_banded((0, 0), d[None], np.ones(2))))(np.array([2.0, 4.0]))
        array([-0.25  , -0.0625])
    """
    del overwrite_ab, overwrite_b
    ab, b = matrices(ab, "solve_banded", check_finite), prepared(b, "solve_banded", check_finite)
    low, up = l_and_u
    n = shape_of(ab)[-1]
    if low + up + 1 != shape_of(ab)[-2]:
        raise ShapeError(
            f"invalid values for the number of lower and upper diagonals: l+u+1 ({low + up + 1}) does not equal "
            f"ab.shape[0] ({shape_of(ab)[-2]}){at_line()}"
        )
    a = _from_bands(ab, [(up + i - j, j, i, j) for i in range(n) for j in range(n) if -up <= i - j <= low])
    return with_columns(lambda c: ops.solve(a, c), a, b, "solve_banded")


def _from_bands(ab: Any, places: list[tuple[int, int, int, int]]) -> Any:
    """A matrix from its diagonals: element (row, column) of ``ab`` goes to (i, j)."""
    numbers = element_numbers(ab, 1)
    n = numbers.shape[-1]
    out = np.zeros((*numbers.shape[:-2], n, n), numbers.dtype)
    for row, column, i, j in places:
        out[..., i, j] = numbers[..., row, column]
    return gather(ab, out - 1)


@for_traced
def solveh_banded(
    ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, lower: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """The x of A x = b for a Hermitian positive definite banded A, given by the diagonals of one triangle.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda d: np.sum(linalg.solveh_banded(d[None], np.ones(2))))(np.array([2.0, 4.0]))
        array([-0.25  , -0.0625])
    """
    del overwrite_ab, overwrite_b
    ab, b = matrices(ab, "solveh_banded", check_finite), prepared(b, "solveh_banded", check_finite)
    rows, n = shape_of(ab)[-2:]
    if lower:
        places = [(i - j, j, i, j) for i in range(n) for j in range(n) if 0 <= i - j < rows]
    else:
        places = [(rows - 1 + i - j, j, i, j) for i in range(n) for j in range(n) if 0 <= j - i < rows]
    factor = factorisations.cholesky(_from_bands(ab, places), upper=not lower)
    return cho_solve((factor, lower), b)


# ---- inverses, determinants, least squares


@for_traced
def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: Any = None, lower: bool = False
) -> Any:
    """A⁻¹; with ``assume_a`` of the elements that the structure has.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.inv(a)[0, 0])(np.array([[2.0]]))
        array([[-0.25]])
    """
    del overwrite_a
    return ops.inv(_structured(square(a, "inv", check_finite), "inv", assume_a, lower))


@for_traced
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant, differentiable to every order, at singular matrices too.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]]))
        array([[ 4., -2.],
               [-2.,  1.]])
    """
    del overwrite_a
    return determinants.det(square(a, "det", check_finite))


@for_traced
def lstsq(
    a: Any, b: Any, cond: Any = None, overwrite_a: bool = False, overwrite_b: bool = False, check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:  # fmt: skip
    """The x of least |b − A x|, residuals, rank and singular values, as :func:`numpy.linalg.lstsq` has them.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda b: linalg.lstsq(np.ones((2, 1)), b)[0][0])(np.array([1.0, 2.0]))
        array([0.5, 0.5])
    """
    del overwrite_a, overwrite_b
    a, b = matrices(a, "lstsq", check_finite), prepared(b, "lstsq", check_finite)
    bound = float(np.finfo(np.result_type(dtype_of(a), dtype_of(b))).eps) if cond is None else float(cond)
    x, residuals, rank, s = numpy_factors.lstsq(a, b, rcond=bound)
    if shape_of(residuals) and ndim_of(b) == 1:  # SciPy gives a number for one vector
        residuals = residuals[0]
    return x, residuals, rank.astype(np.int64), None if lapack_driver == "gelsy" else s


def _pinv(a: Any, name: str, atol: Any, rtol: Any, return_rank: bool) -> Any:
    m, n = shape_of(a)[-2:]
    if 0 in (m, n):
        return (np.swapaxes(a, -1, -2), 0) if return_rank else np.swapaxes(a, -1, -2)
    atol = 0.0 if atol is None else float(atol)
    rtol = (max(m, n) * float(np.finfo(dtype_of(a)).eps) if not atol else 0.0) if rtol is None else float(rtol)
    if atol < 0 or rtol < 0:
        raise ValueError(f"scipy.linalg.{name}: atol and rtol values must be positive.{at_line()}")
    inverse = pseudoinverse.pinv(a, rcond=rtol, atol=atol)
    if not return_rank:
        return inverse
    s = singular.svdvals(stop_gradient(a))
    return inverse, np.sum(s > atol + rtol * np.max(s, axis=-1, keepdims=True), axis=-1)


@for_traced
def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True) -> Any:
    """The pseudoinverse; where the rank is not full, the derivative along changes that keep it.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.pinv(a)[0, 1])(np.array([[1.0], [2.0]]))
        array([[-0.16],
               [-0.12]])
    """
    return _pinv(matrices(a, "pinv", check_finite), "pinv", atol, rtol, return_rank)


@for_traced
def pinvh(
    a: Any, atol: Any = None, rtol: Any = None, lower: bool = True, return_rank: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """The pseudoinverse of a Hermitian matrix, of which one triangle is read.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.pinvh(a)[0, 0])(np.array([[2.0]]))
        array([[-0.25]])
    """
    return _pinv(seen(square(a, "pinvh", check_finite), bool(lower)), "pinvh", atol, rtol, return_rank)


@for_traced
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:  # noqa: A002
    """Every norm of vectors and matrices that NumPy has; see :func:`numpy.linalg.norm`.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(linalg.norm)(np.array([3.0, 4.0]))
        array([0.6, 0.8])
    """
    return np.linalg.norm(prepared(a, "norm", check_finite), ord, axis, keepdims)
